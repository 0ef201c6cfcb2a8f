#ifndef SNAS_SPACE_GENOTYPE_READER_H
#define SNAS_SPACE_GENOTYPE_READER_H

#include <stddef.h>

#include "space/genotype.h"

/* Internal to space/: what the notations share. A parser finds the parts and their positions; the
 * reader checks them against the space and collects every error as "name:line:col: ...". */
struct snas_genotype_reader {
    const char *name; /* of the file, in messages */
    const struct snas_space *space;
    struct snas_genotype *g;
    int seen[SNAS_MAX_KINDS];        /* the kind's nodes were given */
    int has_concat[SNAS_MAX_KINDS];  /* its concat, too; else the kind's rule makes it */
    int concat_line[SNAS_MAX_KINDS]; /* where, for what only the end can tell */
    int concat_column[SNAS_MAX_KINDS];
    enum snas_status status;
    struct snas_err *err;
};

void snas_genotype_reader_fail(struct snas_genotype_reader *r, int line, int column,
                               const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* Index of a kind that was not given yet, or -1 with the error said. */
int snas_genotype_reader_kind(struct snas_genotype_reader *r, const char *kind, int line,
                              int column);
void snas_genotype_reader_choice(struct snas_genotype_reader *r, int kind, int node, const char *op,
                                 long from, int line, int column);
/* Adds `node` (from 0) to the concatenation. */
void snas_genotype_reader_concat(struct snas_genotype_reader *r, int kind, long node, int line,
                                 int column);
void snas_genotype_reader_name(struct snas_genotype_reader *r, const char *name, int line,
                               int column);

/* The notations. `text` has `size` bytes and a NUL behind them. */
void snas_genotype_read_tuple(struct snas_genotype_reader *r, const char *text, size_t size);
void snas_genotype_read_nb201(struct snas_genotype_reader *r, const char *text, size_t size);
void snas_genotype_read_yaml(struct snas_genotype_reader *r, const char *text, size_t size);

#endif

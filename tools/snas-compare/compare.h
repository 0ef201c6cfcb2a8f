#ifndef SNAS_COMPARE_COMPARE_H
#define SNAS_COMPARE_COMPARE_H

#include <stdio.h>

#include "report/record.h"

/* Runs side by side. Runs of one configuration with other seeds are a group. */

struct entry {
    struct snas_record record;
    int group;
    double latency_ms, bytes; /* of the exported model; NaN: not measured */
};
struct comparison {
    int n, n_groups;
    struct entry *entries; /* [n], by group, then by seed */
    char runtime[96];      /* what measured the latency; "" when nothing did */
    int threads;
};

/* What a column shows: a number, and how it is written. */
enum column_format { COLUMN_WHOLE, COLUMN_PERCENT, COLUMN_REAL };
struct column {
    const char *key, *title; /* of CSV and JSON; of tables */
    enum column_format format;
    double (*of)(const struct entry *entry); /* NaN: nothing to show */
};
extern const struct column compare_columns[];
extern const int compare_n_columns;
/* Index of a column or -1. */
int compare_column(const char *key);

/* Reads all runs; errors of several are told together. Caller clears. */
enum snas_status compare_read(char *const *dirs, int n, struct comparison *out,
                              struct snas_err *err);
void compare_clear(struct comparison *c);
/* "mnist, snas, penalty 0.3": what a group's runs have in common; with the first one's directory
 * where another group would be called the same. */
void compare_label(const struct comparison *c, int group, char *text, size_t size);
int compare_first(const struct comparison *c, int group); /* index of its first entry */

/* Of a column over a group; n: runs that have a value. */
struct moments {
    int n;
    double mean, sd;
};
struct moments compare_moments(const struct comparison *c, int group, int column);
/* Of the differences to group 0, over the seeds that both have. */
struct moments compare_paired(const struct comparison *c, int group, int column);

void compare_print_text(const struct comparison *c, FILE *out);
void compare_print_markdown(const struct comparison *c, FILE *out);
void compare_print_csv(const struct comparison *c, FILE *out);
enum snas_status compare_print_json(const struct comparison *c, FILE *out, struct snas_err *err);

/* A file of bounds (--check): what every run must hold. Violations are printed, one a line. */
enum snas_status compare_check(const struct comparison *c, const char *path, int *violations,
                               FILE *out, struct snas_err *err);

#endif

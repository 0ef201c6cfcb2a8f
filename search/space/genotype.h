#ifndef SNAS_SPACE_GENOTYPE_H
#define SNAS_SPACE_GENOTYPE_H

#include <stddef.h>

#include "space/space.h"

/* A child architecture: per cell kind, per node a *list* of (op, from) - the same op may come
 * twice from one slot (NASNet-A) - and the list of nodes that are concatenated. */
struct snas_choice {
    int op;   /* index into the space's ops; never `none` */
    int from; /* slot: 0..inputs-1 the cell's inputs, then nodes */
};
#define SNAS_MAX_CHOICES 16
struct snas_genotype_cell {
    int n_nodes;
    int n_choices[SNAS_MAX_NODES];
    struct snas_choice choices[SNAS_MAX_NODES][SNAS_MAX_CHOICES];
    int n_concat;
    int concat[SNAS_MAX_NODES]; /* node indexes from 0 (not slots) */
};
struct snas_genotype {
    char name[SNAS_NAME_MAX];
    struct snas_genotype_cell cells[SNAS_MAX_KINDS]; /* in the order of the space's kinds */
};

enum snas_genotype_notation {
    SNAS_GENOTYPE_JSON,  /* {"name":..., "normal": {"nodes": [[["sep_conv_3x3", 0], ...], ...],
                            "concat": [0, 1, 2, 3]}, ...} */
    SNAS_GENOTYPE_TUPLE, /* Genotype(normal=[('sep_conv_3x3', 1), ...], normal_concat=[2, 3, 4, 5],
                            reduce=...): two choices a node; concat in slots */
    SNAS_GENOTYPE_NB201  /* |op~0|+|op~0|op~1|+...: one list for a space with one kind of cell;
                            "none"  for an edge that is not there */
};

/* Reads any of the notations, told apart by how they begin: "|", "[NAME =] Genotype(", or else
 * JSON, which may also be YAML; '#' begins a comment. A tuple text with other than two choices a
 * node cannot tell its nodes apart: error unless it nests a list per node, as snas_genotype_format
 * does then. A concat that is not given follows the kind's output rule. Checks ops, slots and order
 * against the space; the number of nodes may be another one than the space's. */
enum snas_status snas_genotype_parse(const char *name, const char *text, size_t size,
                                     const struct snas_space *space, struct snas_genotype *out,
                                     struct snas_err *err);
/* A path, or the name of a shipped one (configs/genotypes/DARTS_V2.txt). */
enum snas_status snas_genotype_read(const char *name, const struct snas_space *space,
                                    struct snas_genotype *out, struct snas_err *err);
/* Caller frees with snas_free. */
enum snas_status snas_genotype_format(const struct snas_genotype *g, const struct snas_space *space,
                                      enum snas_genotype_notation notation, char **text,
                                      struct snas_err *err);
/* One op per edge: choice[kind][edge] = position in the kind's op list (edge order of
 * snas_kind_edge); a `none` deletes the edge. Concat by the kind's output rule. */
void snas_genotype_from_choice(const struct snas_space *space, const int *const *choice,
                               struct snas_genotype *out);
/* The inverse for genotypes with at most one op per edge; SNAS_E_UNSUPPORTED for the others. */
enum snas_status snas_genotype_to_choice(const struct snas_space *space,
                                         const struct snas_genotype *g, int *const *choice,
                                         struct snas_err *err);
/* The concat list that a kind's output rule gives a cell whose nodes and choices are set. */
void snas_genotype_apply_rule(const struct snas_cell_kind *kind, struct snas_genotype_cell *cell);

/* What is dead in a cell, judged inside it, with its inputs alive. */
struct snas_genotype_life {
    int zero[SNAS_MAX_SLOTS];   /* by slot: constant zero */
    int unread[SNAS_MAX_SLOTS]; /* by slot: nothing that the output reads reads it */
};
void snas_genotype_life(const struct snas_cell_kind *kind, const struct snas_genotype_cell *cell,
                        struct snas_genotype_life *out);

/* Of a kind's cell. A skip is an identity (at stride 1), a pool has a pooling step, whatever the
 * space calls them; a dead node is zero or unread. */
struct snas_genotype_counts {
    int edges, skips, pools, dead_nodes;
};
/* Adds the kind's to *out. */
void snas_genotype_count(const struct snas_space *space, const struct snas_genotype *g, int kind,
                         struct snas_genotype_counts *out);

/* Edges on the longest path from an input of the cell to what it gives; 0: it gives zeros. */
int snas_genotype_depth(const struct snas_cell_kind *kind, const struct snas_genotype_cell *cell);

int snas_genotype_equal(const struct snas_genotype *a, const struct snas_genotype *b);

#endif

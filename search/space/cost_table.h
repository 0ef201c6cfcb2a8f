#ifndef SNAS_SPACE_COST_TABLE_H
#define SNAS_SPACE_COST_TABLE_H

#include "space/cost.h"

/* Per-edge costs of a supernet: an entry per cell position, edge and op, laid out as z is.
 *
 * A penalty reads table->column[c][net->edges[e].z + k], or asks for the entries of one edge of one
 * cell with snas_cost_edge. A column that the table does not have is NULL: the measured ones in a
 * table that was not read from a measured file. snas_cost_table_create computes what the layers
 * tell; snas_cost_table_read takes a file of `snas-cost measure` or `snas-cost import`
 * (docs/costs.md) and refuses one that does not belong to the network. */

/* Where the measured columns come from; all empty when nothing was measured. */
struct snas_cost_source {
    char runtime[96]; /* "ONNX Runtime 1.30.0", "the engine (avx512)", or an import's name */
    char device[96];  /* "AMD EPYC 9R45" */
    int threads;      /* 0: not known */
    int opset;        /* of the models that were run; 0: none were */
    char date[16];    /* "2026-11-24" */
};

struct snas_cost_table {
    int n_z;
    double *column[SNAS_COST_COLUMNS]; /* [n_z], owned; NULL: not in this table */
    struct snas_cost_source source;
};

/* The computed columns. */
enum snas_status snas_cost_table_create(const struct snas_network *net, struct snas_cost_table *out,
                                        struct snas_err *err);
void snas_cost_table_clear(struct snas_cost_table *table);
/* Adds a column of zeros where there is none. */
enum snas_status snas_cost_table_add(struct snas_cost_table *table, enum snas_cost_column c,
                                     struct snas_err *err);

/* The entries of one edge of the cell at a position, [n_ops] in the kind's op order; `edge` counts
 * from 0 within the cell. NULL when the table has no such column. */
const double *snas_cost_edge(const struct snas_cost_table *table, const struct snas_network *net,
                             enum snas_cost_column c, int cell, int edge);

#endif

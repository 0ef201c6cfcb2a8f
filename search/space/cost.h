#ifndef SNAS_SPACE_COST_H
#define SNAS_SPACE_COST_H

#include <stdint.h>

#include "space/network.h"

/* Costs of a network, all derived from its layers. */

enum snas_cost_column {
    SNAS_COST_PARAMS, /* trained values of convolutions and linear layers */
    SNAS_COST_MADDS,  /* multiply-adds of one image; pools count k*k*C*y^2 as the authors do */
    SNAS_COST_MAC,    /* memory access: values read and written (method.md section 4) */
    SNAS_COST_COLUMNS
};
extern const char *const snas_cost_column_names[SNAS_COST_COLUMNS]; /* "params", "madds", "mac" */

/* The authors' cost of an edge's block: BN and ReLU not counted. For an op outside method.md's
 * table, MAC counts each convolution's input and output (the factorized reduce as the table has
 * it), and is documented there. cost[SNAS_COST_COLUMNS]. */
void snas_cost_block(const struct snas_network *net, int block, double *cost);

/* A row per entry of z: cost[column][z index], summed nowhere. */
struct snas_cost_table {
    int n_z;
    double *column[SNAS_COST_COLUMNS];
};
enum snas_status snas_cost_table_create(const struct snas_network *net, struct snas_cost_table *out,
                                        struct snas_err *err);
void snas_cost_table_clear(struct snas_cost_table *table);

/* Totals of a whole network as users count them, in both conventions. */
struct snas_totals {
    int64_t params;           /* all trained values, affine BN included */
    int64_t conv_params;      /* convolutions and linear only */
    int64_t madds;            /* convolution and linear multiply-adds of one image */
    int64_t madds_all;        /* + BN (2 per value), ReLU (1), pools (k*k per value), sums (1) */
    int64_t activation_bytes; /* float32 values of all tensors that layers write, one image */
};
/* alive NULL: as described (what papers count); else what is left after exact pruning, with the
 * channels of dead concat parts sliced out of their readers' weights. */
void snas_network_totals(const struct snas_network *net, const struct snas_alive *alive,
                         struct snas_totals *out);
/* Of one block (a stem, the head), and of a cell with its preprocessing: stems, cells and head sum
 * up to the network. */
void snas_block_totals(const struct snas_network *net, const struct snas_alive *alive, int block,
                       struct snas_totals *out);
void snas_cell_totals(const struct snas_network *net, const struct snas_alive *alive, int cell,
                      struct snas_totals *out);

#endif

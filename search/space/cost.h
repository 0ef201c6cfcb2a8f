#ifndef SNAS_SPACE_COST_H
#define SNAS_SPACE_COST_H

#include <stdint.h>

#include "space/network.h"

/* Costs of a network, all derived from its layers. */

/* A column of the cost tables. A new one: its name here, its line in the table of cost.c (and, when
 * it is computed, its formula there); files, penalties and reports take their columns from that
 * table. The first three are the authors' (method.md section 4). */
enum snas_cost_column {
    SNAS_COST_PARAMS,      /* trained values of convolutions and linear layers */
    SNAS_COST_MADDS,       /* multiply-adds of one image; pools count k*k*C*y^2 as the authors do */
    SNAS_COST_MAC,         /* memory access: values read and written */
    SNAS_COST_MADDS_CONV,  /* convolutions and linear layers only: what snas_totals.madds sums */
    SNAS_COST_MADDS_ALL,   /* + BN (2 a value), ReLU (1), pools: snas_totals.madds_all, no sums */
    SNAS_COST_PEAK_BYTES,  /* most that one of its layers reads and writes: float32, one image */
    SNAS_COST_LATENCY,     /* median, milliseconds */
    SNAS_COST_LATENCY_MIN, /* milliseconds */
    SNAS_COST_LATENCY_P90, /* milliseconds */
    SNAS_COST_RUNS,        /* how many runs the latencies come from */
    SNAS_COST_COLUMNS
};
struct snas_cost_column_info {
    const char *name;    /* "params", "latency_ms": in files, configurations and reports */
    const char *heading; /* for a reader, with the unit */
    int measured;        /* 1: from a table file alone; 0: computed from the layers */
    int summed;          /* 1: a network's is the sum over its edges, so it can be penalised */
};
extern const struct snas_cost_column_info snas_cost_columns[SNAS_COST_COLUMNS];
int snas_cost_column_find(const char *name); /* enum snas_cost_column, or -1 */

/* Every computed column of an edge's block (measured ones: 0). For an op outside method.md's table,
 * MAC counts each convolution's input and output (the factorized reduce as the table has it).
 * cost[SNAS_COST_COLUMNS]. */
void snas_cost_block(const struct snas_network *net, int block, double *cost);

/* The authors' combined cost of an edge from its params, madds and MAC: 0.43 (2 params + madds/4000
 * + mac/100), and (ln params + ln madds + ln mac)/3, where a total below 1 counts as 1. */
double snas_cost_linear_form(const double *cost);
double snas_cost_log_form(const double *cost);

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

#ifndef SNAS_METHODS_PENALTY_H
#define SNAS_METHODS_PENALTY_H

#include "space/cost_table.h"

/* The resource penalty: linear in z, so each entry of z has a charge in nats,
 *
 *   penalty = sum_i z_i charge_i,
 *   charge_i = strength * sum_c share_c * cost_c[i] / E_uniform[total of column c],
 *
 * with shares that add to 1: strength 1 is a penalty of 1 nat at uniform alpha. */
struct snas_penalty_options {
    double strength;                 /* 0: no penalty */
    int analytic;                    /* 0: reparametrized through the sample, 1: the expectation */
    double share[SNAS_COST_COLUMNS]; /* mix of the columns; only their ratios count */
};

/* charge[network->n_z]. SNAS_E_CONFIG: a positive strength without a share, or a share of a column
 * in which the whole space costs nothing. */
enum snas_status snas_penalty_charges(const struct snas_network *network,
                                      const struct snas_cost_table *costs,
                                      const struct snas_penalty_options *options, double *charge,
                                      struct snas_err *err);

/* Sum over cells, edges and ops at uniform alpha; uniform[SNAS_COST_COLUMNS], 0 for a column that
 * the table does not have. */
void snas_penalty_uniform(const struct snas_network *network, const struct snas_cost_table *costs,
                          double *uniform);

/* The authors' linear penalty (0.43 (2 params + madds/4000 + mac/100), mean over normal cells plus
 * mean over reduction cells; method.md section 4) at uniform alpha. A strength divided by it is
 * that strength on the authors' scale. */
double snas_penalty_authors(const struct snas_network *network,
                            const struct snas_cost_table *costs);

#endif

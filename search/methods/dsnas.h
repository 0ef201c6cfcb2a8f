#ifndef SNAS_METHODS_DSNAS_H
#define SNAS_METHODS_DSNAS_H

#include "methods/alpha.h"

/* DSNAS (Hu et al., "DSNAS: Direct Neural Architecture Search without Parameter Retraining", CVPR
 * 2020): one-hot samples Z ~ softmax(alpha), one forward and backward of the sampled ops alone,
 * theta and alpha updated together. With s the sampled op of an edge,
 *
 *   d alpha_k = d z_s (1[k = s] - softmax(alpha)_k),
 *
 * the credit times the score: without bias where the loss is linear in the edge's z, whatever the
 * other edges do. Of the penalty's estimators it has the one-hot pair: analytic, also in place of
 * reparametrized, and policy, also in place of score. */

struct snas_dsnas_options {
    int sample_per_cell; /* as in snas_snas_options */
    struct snas_alpha_options alpha;
};
enum snas_status snas_method_dsnas(const struct snas_network *network,
                                   const struct snas_cost_table *costs,
                                   const struct snas_dsnas_options *options, uint64_t seed,
                                   struct snas_method **out, struct snas_err *err);

#endif

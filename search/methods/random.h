#ifndef SNAS_METHODS_RANDOM_H
#define SNAS_METHODS_RANDOM_H

#include "methods/budget.h"
#include "methods/method.h"

/* Random search with shared weights: every step trains one uniformly drawn one-hot network, and the
 * child is the best of drawn ones by validation (SNAS_DERIVE_BEST). alpha stays 0. */

struct snas_random_options {
    int sample_per_cell;               /* as in snas_snas_options */
    struct snas_budget_options budget; /* only its limits: what the child is drawn within */
};
enum snas_status snas_method_random(const struct snas_network *network,
                                    const struct snas_cost_table *costs,
                                    const struct snas_random_options *options,
                                    struct snas_method **out, struct snas_err *err);

#endif

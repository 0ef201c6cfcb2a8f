#ifndef SNAS_METHODS_SNAS_H
#define SNAS_METHODS_SNAS_H

#include "methods/alpha.h"

/* SNAS (Xie et al., ICLR 2019): one concrete sample per batch, one forward and backward, theta and
 * alpha updated together. */

struct snas_snas_options {
    double temperature_start, temperature_end;
    int temperature_epochs; /* of the linear fall after alpha's warm-up, the rest stays at the end;
                               0: all that remain */
    int sample_per_cell;    /* 0: one sample per cell kind and batch, 1: one per cell */
    double live_threshold;  /* z below it are left out of the step; 0: none */
    struct snas_alpha_options alpha;
};
/* `network` must outlive the method; `costs` only this call. */
enum snas_status snas_method_snas(const struct snas_network *network,
                                  const struct snas_cost_table *costs,
                                  const struct snas_snas_options *options, uint64_t seed,
                                  struct snas_method **out, struct snas_err *err);
/* `start` through alpha's warm-up of W epochs, then T(W + e) = (1 - (e + 1)/E)(start - end) + end,
 * E = temperature_epochs or all that remain of the run's `epochs`: `end` in the last of them, and
 * from there on. */
double snas_snas_temperature(const struct snas_snas_options *options, int epoch, int epochs);

#endif

#ifndef SNAS_METHODS_MEASURED_H
#define SNAS_METHODS_MEASURED_H

#include "methods/method.h"

/* The measured latency of whole sampled networks as a cost (docs/penalty.md). A one-hot network is
 * drawn from alpha, it is timed, and
 *
 *   (latency - baseline) / reference  d log p(network) / d alpha
 *
 * is an unbiased estimate of d E[latency] / d alpha / reference (REINFORCE; Williams, 1992), since
 * baseline and reference are means of earlier measurements alone. It is added to every step's
 * gradient until the next measurement, so that a strength means the same however seldom there is
 * time for one. */

struct snas_measured_options {
    double strength;       /* nats at a latency of the reference; 0: not used */
    double baseline_decay; /* of the moving average that is the baseline, 0..1 */
    double reference_ms;   /* 0: the mean of the first SNAS_MEASURED_SETTLE measurements */
    int warmup, ramp;      /* as the penalty's */
};
#define SNAS_MEASURED_SETTLE 8

/* Saved with the run. */
struct snas_measured_state {
    double networks;     /* drawn so far, disconnected ones included */
    double measurements; /* of connected ones */
    double baseline_ms, reference_ms;
    double relative; /* latest latency, as a share of the reference; 0: none yet */
};

struct snas_measured {
    struct snas_measured_options options;
    struct snas_measured_state state;
    double *held; /* [n_alpha] the latest estimate, at strength 1 */
};

/* Clear after an error too (of a zeroed struct). */
enum snas_status snas_measured_init(struct snas_measured *t, const struct snas_method *m,
                                    const struct snas_measured_options *options,
                                    struct snas_err *err);
void snas_measured_clear(struct snas_measured *t);

/* The network that is measured before `step`: choice[n_rows], a position in the op list of each
 * row's kind; a function of (seed, step) and alpha. */
void snas_measured_draw(const struct snas_method *m, uint64_t seed, int64_t step, int *choice);
void snas_measured_genotype(const struct snas_method *m, const int *choice,
                            struct snas_genotype *out);

/* Takes what was measured of a network that alpha, as it is now, was drawn for. ms 0: it is
 * disconnected, and counts as one that takes the baseline. */
void snas_measured_take(struct snas_measured *t, const struct snas_method *m, const int *choice,
                        double ms);

/* The strength in an epoch (from 0). */
double snas_measured_strength(const struct snas_measured *t, int epoch);
/* Adds strength times the held estimate to dalpha [n_alpha]; returns what that adds to the loss. */
double snas_measured_gradient(const struct snas_measured *t, const struct snas_method *m,
                              double strength, double *dalpha);

#endif

#ifndef SNAS_METHODS_ALPHA_H
#define SNAS_METHODS_ALPHA_H

#include "methods/budget.h"
#include "methods/entropy.h"
#include "methods/measured.h"
#include "methods/method.h"
#include "methods/penalty.h"

/* What methods with a gradient of alpha share: its optimiser, warm-up, penalty,
 * entropy schedule and budget. A step is
 *
 *   snas_alpha_clear_gradient; add the task's part to a->gradient; snas_alpha_penalise;
 *   theta's step; snas_alpha_step */

struct snas_alpha_options {
    int adam; /* 1 Adam, 0 plain SGD */
    double learning_rate, beta1, beta2, weight_decay, clip;
    double init_mean, init_sd; /* of the normal distribution that alpha starts from */
    int warmup;                /* epochs in which theta alone is trained */
    struct snas_entropy_options entropy;
    struct snas_penalty_options penalty;
    struct snas_budget_options budget;
    struct snas_measured_options measured;
};

struct snas_alpha {
    struct snas_alpha_options options;
    struct snas_penalty penalty;
    struct snas_budget budget;
    struct snas_measured measured;
    double *gradient;          /* [n_alpha] of the current step */
    double *task, *before;     /* [n_alpha] the task's part of it; alpha before the step */
    double *moment1, *moment2; /* [n_alpha] */
    int64_t updates;           /* of alpha */
};

/* Draws the method's alpha and sets its budget. Clear after an error too (of a zeroed struct). */
enum snas_status snas_alpha_init(struct snas_alpha *a, struct snas_method *m,
                                 const struct snas_cost_table *costs,
                                 const struct snas_alpha_options *options, uint64_t seed,
                                 struct snas_err *err);
void snas_alpha_clear(struct snas_alpha *a);

void snas_alpha_clear_gradient(struct snas_alpha *a, const struct snas_method *m);

/* What the step's z was made of. */
struct snas_alpha_sample {
    const double *z;      /* [n_z] */
    const double *gumbel; /* [n_z]; NULL for the estimator `analytic`, which looks at none */
    double temperature;
};
/* Adds penalty, entropy's term and budget to the gradient, which holds the task's part, and the
 * penalty's part to the credits; returns what they add to the loss. */
double snas_alpha_penalise(struct snas_alpha *a, struct snas_method *m,
                           const struct snas_method_context *ctx,
                           const struct snas_alpha_sample *sample, double loss);

/* Clips the gradient, takes a step of the optimiser, and lets the budget follow; nothing of it
 * during the warm-up. SNAS_E_NUMERIC: the gradient is not finite; alpha was not changed. */
enum snas_status snas_alpha_step(struct snas_alpha *a, struct snas_method *m,
                                 const struct snas_method_context *ctx, struct snas_err *err);

/* State as tensors, their number; a bug when there are more than max. */
#define SNAS_ALPHA_TENSORS 6
int snas_alpha_state(struct snas_alpha *a, const struct snas_method *m, struct snas_st_tensor *out,
                     int max);

#endif

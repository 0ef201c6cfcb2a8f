#ifndef SNAS_CREDIT_RUDDER_H
#define SNAS_CREDIT_RUDDER_H

#include "credit/returns.h"

/* The predictor g(x) = w0 + sum_e <w_e, x_e> + sum_e<f x_e' W_ef x_f. x_e is the one-hot decision
 * less 1/n_ops, so that an open decision is 0: the mean of all it can be. Fitted by ridge
 * regression, which needs sums over episodes alone. */
struct snas_rudder {
    const struct snas_returns *shape; /* the caller's */
    int n_features;
    double *moment, *target, *mean; /* sums over episodes of x x' (lower half), x y, x */
    double sum;                     /* of y */
    double *work, *x;               /* of a fit, of an episode */
    double *weight, weight0;
    int n, room;
    int *architecture; /* [n] of the episodes */
    double *value;     /* [n] their returns */
};
enum snas_status snas_rudder_init(struct snas_rudder *r, const struct snas_returns *shape,
                                  struct snas_err *err);
void snas_rudder_clear(struct snas_rudder *r);
enum snas_status snas_rudder_episode(struct snas_rudder *r, int architecture, double value,
                                     struct snas_err *err);
enum snas_status snas_rudder_fit(struct snas_rudder *r, double ridge, struct snas_err *err);
double snas_rudder_predict(struct snas_rudder *r, int architecture);
/* Integrated gradients of g along the straight line from the open architecture to this one, and a
 * part each of what the prediction misses of the return: share[n_edges] adds up to value - w0. */
void snas_rudder_redistribute(struct snas_rudder *r, int architecture, double value, double *share);

#endif

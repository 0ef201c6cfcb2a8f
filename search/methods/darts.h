#ifndef SNAS_METHODS_DARTS_H
#define SNAS_METHODS_DARTS_H

#include "methods/alpha.h"

/* DARTS (Liu, Simonyan, Yang, "DARTS: Differentiable Architecture Search", ICLR 2019): every edge
 * gives the mixture of its ops, z = softmax(alpha). A step updates alpha, then theta by a training
 * batch at the new alpha:
 *
 *   first    alpha by d L_held(theta, alpha) / d alpha on a held-out batch
 *   second   alpha by d L_held(theta', alpha) / d alpha, where theta' = theta - xi (momentum buffer
 *            + d L_train(theta, alpha) / d theta + decay theta) is a virtual step of theta's
 *            optimiser at its rate xi, unclipped, by the same training batch. The product with the
 *            mixed second derivative is a central difference over theta +- R v, v = d L_held / d
 *            theta', R = epsilon / |v| (equations 7 and 8)
 *   single   both by one backward of the training batch, theta first; held-out images are not used
 *
 * The penalty is that of the mixture (analytic). */

enum snas_darts_order { SNAS_DARTS_FIRST, SNAS_DARTS_SECOND, SNAS_DARTS_SINGLE };

struct snas_darts_options {
    int order;                       /* enum snas_darts_order */
    double epsilon;                  /* of the second order, above 0; paper: 0.01 */
    struct snas_alpha_options alpha; /* the penalty's estimator is taken as analytic */
};
/* `network` must outlive the method; `costs` only this call. */
enum snas_status snas_method_darts(const struct snas_network *network,
                                   const struct snas_cost_table *costs,
                                   const struct snas_darts_options *options, uint64_t seed,
                                   struct snas_method **out, struct snas_err *err);

#endif

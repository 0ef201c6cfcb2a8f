#ifndef SNAS_CREDIT_LEARNER_H
#define SNAS_CREDIT_LEARNER_H

#include <stdint.h>

#include "credit/returns.h"

/* Learners of credit for a fully delayed reward: an episode decides a complete architecture edge by
 * edge (state s_t: the first t edges are decided), the reward is zero until s_n, where the return
 * comes. They are given episodes and asked which op of which edge it was.
 *
 * The return is a loss here, so negative credit is good, as in SNAS's own. */

enum snas_learner_kind {
    /* V(s_t) += rate x delta x trace, delta = V(s_t+1) - V(s_t), at the end return - V(s_n); online
     * eligibility traces that fade by lambda a step. lambda 0: TD(0); 1: Monte Carlo. */
    SNAS_LEARNER_TD,
    SNAS_LEARNER_MC,    /* mean return of the episodes with the op */
    SNAS_LEARNER_RUDDER /* a return predictor, linear and pairwise in the decisions, fitted to all
                           episodes; its integrated gradients redistribute every episode's return
                           (Arjona-Medina et al., NeurIPS 2019) */
};

struct snas_learner_options {
    enum snas_learner_kind kind;
    int linear; /* TD: V is a sum of one weight per decision; else a table of all prefixes */
    double lambda;
    double rate;  /* TD; 0: 1 / visits (a table's, which makes lambda 1 the mean return) */
    double ridge; /* RUDDER: added to the diagonal of its normal equations, > 0 */
};

struct snas_learner;
/* `shape` must outlive the learner; its losses are never read. */
enum snas_status snas_learner_create(const struct snas_returns *shape,
                                     const struct snas_learner_options *options,
                                     struct snas_learner **out, struct snas_err *err);
void snas_learner_destroy(struct snas_learner *l); /* NULL allowed */

enum snas_status snas_learner_episode(struct snas_learner *l, int architecture, double value,
                                      struct snas_err *err);
/* The credit of every (edge, op), less the edge's mean; [n_values]. TD with a table: the mean over
 * its visits of the value of the state that the op led to. An op not seen yet has what its edge has
 * on average. */
enum snas_status snas_learner_credit(struct snas_learner *l, double *credit, struct snas_err *err);
/* TD with a table: V of the state in which the first n_decided edges are as in the architecture. */
double snas_learner_value(const struct snas_learner *l, int architecture, int n_decided);

#endif

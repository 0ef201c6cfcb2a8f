#ifndef SNAS_METHODS_CONTROLLER_H
#define SNAS_METHODS_CONTROLLER_H

#include <stdint.h>

#include "base/rng.h"
#include "base/safetensors.h"
#include "space/space.h"

/* ENAS's controller for cells (Pham et al., "Efficient Neural Architecture Search via Parameter
 * Sharing", ICML 2018, section 2.4): an LSTM that picks, node by node, two earlier slots and two
 * ops, each pick conditioned on all before it. All in double. docs/enas.md says how its picks
 * become a child of a space.
 *
 * One LSTM step for each of a kind's inputs, then for every node two that pick a slot, two that
 * pick an op, and one that makes the node's anchor. A step reads a learned start vector (at an
 * input, and at a node's first pick), the anchor of the slot picked last (zero for an input's) or
 * the embedding of the op picked last. With h the step's output and k_j = W1 h_j of the step that
 * made slot j,
 *
 *   slot logits   T tanh(<v, tanh(k_j + W2 h)> / t)         T tanh_constant, t temperature
 *   op logits     T / R tanh((Ws h + b) / t)                R op_tanh_reduce
 *
 * Kinds follow each other in the space's order and the LSTM's state runs on; parameters are shared
 * by all of them, an op's embedding and logit by all kinds that have it. `none` is no pick. */

#define SNAS_PICKS 2

/* slot as in the space; op: position in the kind's list. Pick i of a node is (slot[i], op[i]). */
struct snas_node_picks {
    int slot[SNAS_PICKS], op[SNAS_PICKS];
};
struct snas_picks {
    struct snas_node_picks node[SNAS_MAX_KINDS][SNAS_MAX_NODES];
};

struct snas_controller_options {
    int units;             /* of the LSTM (published: 100) */
    double tanh_constant;  /* 1.10; 0: logits without tanh */
    double op_tanh_reduce; /* 2.5 */
    double temperature;    /* 0: off */
    double init;           /* parameters start uniform in +-init (0.1), biases at 0 */
    double learning_rate, beta1, beta2, eps; /* Adam: 0.0035, 0, 0.999, 1e-3 */
    double entropy_weight;                   /* 1e-4 */
    double baseline_decay;                   /* 0.99 */
};

struct snas_controller;
/* `space` must outlive it. SNAS_E_UNSUPPORTED: a kind of cell without any op but `none`. */
enum snas_status snas_controller_create(const struct snas_space *space,
                                        const struct snas_controller_options *options,
                                        uint64_t seed, struct snas_controller **out,
                                        struct snas_err *err);
void snas_controller_destroy(struct snas_controller *c); /* NULL allowed */

/* Of one architecture: ln of its probability, and the entropy of the decisions on its way (the
 * mean of which, over samples, is the entropy of the whole distribution); nats. */
struct snas_controller_score {
    double log_prob, entropy;
};
/* A sample: a function of the parameters and (seed, stream, step) alone. `score` may be NULL. */
void snas_controller_sample(const struct snas_controller *c, uint64_t seed, enum snas_stream stream,
                            uint64_t step, struct snas_picks *out,
                            struct snas_controller_score *score);
/* The same of picks that are given (and valid in the space). */
void snas_controller_score(const struct snas_controller *c, const struct snas_picks *picks,
                           struct snas_controller_score *out);

/* Adds d (log_prob_weight log p + entropy_weight H) / d parameters to the gradient. */
void snas_controller_gradient(struct snas_controller *c, const struct snas_picks *picks,
                              double log_prob_weight, double entropy_weight);
/* Adds a sample's part of d E[reward + w H] / d parameters, w the entropy weight:
 * (reward + w H - baseline) d log p + w d H. The published code has no second term; without it the
 * estimate of the entropy's gradient would be biased. The baseline is the moving average of
 * reward + w H over the samples before this one (at the first: its own). */
void snas_controller_reinforce(struct snas_controller *c, const struct snas_picks *picks,
                               double reward);
/* One ascending Adam step by the mean over the samples since the last one; clears the gradient.
 * SNAS_E_NUMERIC: it is not finite; nothing was changed. */
enum snas_status snas_controller_update(struct snas_controller *c, struct snas_err *err);

double snas_controller_baseline(const struct snas_controller *c);

/* Parameters and gradient, [n]. */
int snas_controller_size(const struct snas_controller *c);
double *snas_controller_parameters(struct snas_controller *c);
double *snas_controller_gradients(struct snas_controller *c);

/* State between updates as named tensors that point into the controller; their number. */
#define SNAS_CONTROLLER_TENSORS 4
int snas_controller_state(struct snas_controller *c, struct snas_st_tensor *out);

#endif

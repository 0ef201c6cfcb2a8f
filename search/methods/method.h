#ifndef SNAS_METHODS_METHOD_H
#define SNAS_METHODS_METHOD_H

#include <stdint.h>

#include "base/safetensors.h"
#include "base/rng.h"
#include "methods/budget.h"
#include "methods/penalty.h"
#include "net/net.h"
#include "space/cost_table.h"

/* A search method owns alpha and the map position -> row of alpha; it turns training batches into
 * updates of theta and alpha, and derives a genotype. It sees data, theta's optimiser and
 * evaluation only through its context, so that bi-level, unrolled and reward-driven methods fit
 * the same interface. */

struct snas_method_context {
    struct snas_net *net; /* the supernet */
    /* Next batch of the training stream (held_out 0) or of the validation part as a stream (1).
     * Valid until the next call with the same argument. */
    enum snas_status (*next_batch)(void *owner, int held_out, struct snas_batch *out,
                                   struct snas_err *err);
    /* Clips net's gradient and takes one step of theta's optimiser at the current rate.
     * SNAS_E_NUMERIC: the gradient is not finite; nothing was changed. */
    enum snas_status (*theta_step)(void *owner, struct snas_err *err);
    void *owner;
    uint64_t seed;
    int64_t step;      /* of the whole run, from 0 */
    int64_t steps;     /* of the whole run; 0: not known, which budgets need */
    int epoch, epochs; /* from 0 */
};

struct snas_step_result {
    double loss; /* task loss of the batch */
    int correct, n;
    double penalty;  /* what was added to the loss */
    double live_ops; /* share of all edges' ops, `none` aside, that were computed */
};

/* Of one cell kind, for metrics. */
struct snas_alpha_summary {
    double entropy;          /* mean over edges, nats */
    double margin;           /* mean over edges of p(first) - p(second) */
    int count[SNAS_MAX_OPS]; /* edges whose argmax is this op of the kind's list */
};

struct snas_method;
struct snas_method_ops {
    const char *name;
    enum snas_status (*step)(struct snas_method *m, const struct snas_method_context *ctx,
                             struct snas_step_result *out, struct snas_err *err);
    /* z of a sample (hard 1: one-hot) from the current distribution; RNG from (stream, step). */
    void (*sample)(const struct snas_method *m, uint64_t seed, enum snas_stream stream,
                   uint64_t step, int hard, double *z);
    int (*state)(struct snas_method *m, struct snas_st_tensor *out, int max);
    void (*destroy)(struct snas_method *m);
};

/* One categorical decision: an edge of a cell kind, shared by all cells of the kind. */
struct snas_alpha_row {
    int first, n_ops;    /* values in alpha */
    int kind, kind_edge; /* of the space */
    int slot, node;      /* where the edge starts and ends */
};

/* What an op of an edge has earned: sums since the last reset (the loop's, at each epoch) over
 * steps and the cells that share the edge. Negative lowers the loss. With z the step's sample and d
 * z what the backward pass gives (0 for an op that the step left out): task     z_k d z_k; its sum
 * over an edge's ops is the edge's credit <dL/dx_j, sum_k z_k O_k(x_i)> slope    d z_k = <dL/dx_j,
 * O_k(x_i)> penalty  z_k d penalty / d z_k: strength x z_k x cost_k when the penalty is linear */
struct snas_credit {
    double task, slope, penalty;
};

/* What every method has: the head of its own struct. */
struct snas_method {
    const struct snas_method_ops *ops;
    const struct snas_network *network; /* the caller's */
    int n_alpha, n_rows;
    double *alpha;                    /* [n_alpha] by kind, edge, op of the kind's list */
    struct snas_alpha_row *rows;      /* [n_rows] */
    int *edge_row;                    /* [network->n_edges] the row of every edge */
    const struct snas_budget *budget; /* the method's, NULL: none */
    struct snas_credit *credit;       /* [n_alpha] */
};

struct snas_snas_options {
    double temperature_start, temperature_end;
    int temperature_epochs; /* epochs of the linear fall, the rest stays at the end; 0: all */
    int sample_per_cell;    /* 0: one sample per cell kind and batch, 1: one per cell */
    double live_threshold;  /* z below it are left out of the step; 0: none */
    int adam;               /* alpha's optimiser: 1 Adam, 0 plain SGD */
    double learning_rate, beta1, beta2, weight_decay, clip;
    double init_mean, init_sd;
    struct snas_penalty_options penalty;
    struct snas_budget_options budget;
};
/* `network` must outlive the method; `costs` only this call. */
enum snas_status snas_method_snas(const struct snas_network *network,
                                  const struct snas_cost_table *costs,
                                  const struct snas_snas_options *options, uint64_t seed,
                                  struct snas_method **out, struct snas_err *err);
/* T(e) = (1 - (e + 1)/E)(start - end) + end, E = temperature_epochs or all of the run's `epochs`:
 * `end` in the last of them, and from there on. */
double snas_snas_temperature(const struct snas_snas_options *options, int epoch, int epochs);

void snas_method_destroy(struct snas_method *m); /* NULL allowed */

/* For implementations: fills and frees the common head (alpha zero). */
enum snas_status snas_method_init(struct snas_method *m, const struct snas_method_ops *ops,
                                  const struct snas_network *network, struct snas_err *err);
void snas_method_clear(struct snas_method *m);
/* Adds a step's task and slope; z and d z of the step, [n_z]. */
void snas_method_add_credit(struct snas_method *m, const double *z, const double *dz);

/* State as named tensors ("method.alpha", "method.adam.m", ...) that point into the method, for
 * checkpoints; the number of them, at most SNAS_METHOD_TENSORS. */
#define SNAS_METHOD_TENSORS 12
int snas_method_state(struct snas_method *m, struct snas_st_tensor *out);
/* Copies them back from a checkpoint. */
enum snas_status snas_method_load(struct snas_method *m, const struct snas_st *st,
                                  struct snas_err *err);

/* p = softmax of every edge's row; [n_alpha]. */
void snas_method_probabilities(const struct snas_method *m, double *p);
void snas_method_summary(const struct snas_method *m, int kind, struct snas_alpha_summary *out);
/* Over all edges of the kinds that the network has cells of; `undecided` is the mean of
 * entropy / ln(number of ops): 1 at uniform alpha, 0 when every edge is certain. */
void snas_method_overall(const struct snas_method *m, double *entropy, double *margin,
                         double *undecided);
/* Standard deviation of alpha within its edge, over all rows of kinds that the network has cells
 * of: what a start of N(0, sd) has as sd. */
double snas_method_spread(const struct snas_method *m);
/* E[cost] of each column under p over the whole network; expected[SNAS_COST_COLUMNS]. */
void snas_method_expected_cost(const struct snas_method *m, const struct snas_cost_table *costs,
                               double *expected);
/* The penalty's relative cost at the expectation, z = p; returns the sum, and row[n_rows] gets what
 * each row's edges have of it. */
double snas_method_penalty_cost(const struct snas_method *m, const struct snas_penalty *p,
                                double *row);
/* Argmax of every edge, `none` included. */
void snas_method_derive(const struct snas_method *m, struct snas_genotype *out);

/* One-hot z of a genotype (SNAS_E_UNSUPPORTED: two ops on an edge); uniform random genotype, a
 * function of (seed, index), with its z. */
enum snas_status snas_z_from_genotype(const struct snas_network *network,
                                      const struct snas_genotype *g, double *z,
                                      struct snas_err *err);
void snas_z_random(const struct snas_network *network, uint64_t seed, uint64_t index, double *z,
                   struct snas_genotype *g);

#endif

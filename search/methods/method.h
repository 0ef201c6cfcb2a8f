#ifndef SNAS_METHODS_METHOD_H
#define SNAS_METHODS_METHOD_H

#include <stdint.h>

#include "base/safetensors.h"
#include "base/rng.h"
#include "net/net.h"
#include "space/cost_table.h"
#include "space/genotype.h"

/* A search method owns alpha and the map position -> row of alpha; it turns training batches into
 * updates of theta and alpha, and derives a genotype. It sees data, theta's optimiser and
 * evaluation only through its context, so that bi-level, unrolled and reward-driven methods fit
 * the same interface. */

struct snas_method_context {
    struct snas_net *net; /* the supernet */
    /* Next batch of the training stream (held_out 0) or of the stream of images that theta is not
     * trained on (1): the validation part. Both are augmented, endless, and go on where they were
     * when a run is resumed. Valid until the next call with the same argument. */
    enum snas_status (*next_batch)(void *owner, int held_out, struct snas_batch *out,
                                   struct snas_err *err);
    /* Clips net's gradient and takes one step of theta's optimiser at the current rate.
     * SNAS_E_NUMERIC: the gradient is not finite; nothing was changed. */
    enum snas_status (*theta_step)(void *owner, struct snas_err *err);
    /* Accuracy on the first `images` (0: all) images of the validation part, not augmented, of the
     * shared weights at z [n_z], with batch statistics. Runs only forwards. */
    enum snas_status (*evaluate)(void *owner, const double *z, int64_t images, double *accuracy,
                                 struct snas_err *err);
    void *owner;
    /* theta's optimiser as theta_step would use it now, for virtual steps: SGD with momentum, its
     * buffer [snas_net_theta_size] of the net's precision. */
    double theta_rate, theta_momentum, theta_weight_decay;
    const void *theta_buffer;
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
    double entropy; /* mean over edges, nats */
    double margin;  /* mean over edges of p(first) - p(second) */
};

/* How a genotype is made of a distribution. */
enum snas_derive_rule {
    SNAS_DERIVE_AUTO,   /* the method's own */
    SNAS_DERIVE_ARGMAX, /* argmax of every edge, `none` included */
    SNAS_DERIVE_TOP2,   /* DARTS: of every node the two edges whose best op, `none` aside, has the
                           largest softmax weight, with that op */
    SNAS_DERIVE_BEST    /* the best of sampled one-hot networks by validation accuracy */
};

struct snas_method;
struct snas_method_ops {
    const char *name;
    size_t size;                /* of its own struct, whose head is a snas_method */
    enum snas_derive_rule rule; /* its own */
    int keeps_alpha; /* 1: alpha is no decision of its making: it stays as it was, or is estimated
                        from what decides, for the reports */
    enum snas_status (*step)(struct snas_method *m, const struct snas_method_context *ctx,
                             struct snas_step_result *out, struct snas_err *err);
    /* After the last step of an epoch, before the epoch is evaluated; not interrupted, so that a
     * checkpoint never lies within. NULL: nothing to do. */
    enum snas_status (*end_epoch)(struct snas_method *m, const struct snas_method_context *ctx,
                                  struct snas_err *err);
    /* z of a sample as training uses it (hard 1: one-hot) from the current distribution; RNG from
     * (stream, step). */
    void (*sample)(const struct snas_method *m, uint64_t seed, enum snas_stream stream,
                   uint64_t step, int hard, double *z);
    /* A sampled genotype; NULL: that of a one-hot sample, of the first cell of each kind. */
    void (*sample_genotype)(const struct snas_method *m, uint64_t seed, enum snas_stream stream,
                            uint64_t step, struct snas_genotype *out);
    /* Of the samples in an epoch, for the metrics: 1 is softmax(alpha). NULL: 0, one-hot. */
    double (*temperature)(const struct snas_method *m, int epoch, int epochs);
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

struct snas_budget;
struct snas_measured;
/* What every method has: the head of its own struct. */
struct snas_method {
    const struct snas_method_ops *ops;
    const struct snas_network *network; /* the caller's */
    int n_alpha, n_rows;
    double *alpha;                    /* [n_alpha] by kind, edge, op of the kind's list */
    struct snas_alpha_row *rows;      /* [n_rows] */
    int *edge_row;                    /* [network->n_edges] the row of every edge */
    const struct snas_budget *budget; /* the method's, NULL: none */
    struct snas_measured *measured;   /* the method's, NULL: no measured latency is asked for */
    struct snas_credit *credit;       /* [n_alpha] */
};

void snas_method_destroy(struct snas_method *m); /* NULL allowed */

/* For implementations. A method of ops->size bytes: the common head filled (alpha zero), all behind
 * it 0; NULL: no memory. */
struct snas_method *snas_method_make(const struct snas_method_ops *ops,
                                     const struct snas_network *network, struct snas_err *err);
/* Allocates n vectors of `values` zeros each; whoever fails leaves the rest to `destroy`. */
enum snas_status snas_method_vectors(double **const *vectors, size_t n, int values,
                                     struct snas_err *err);
/* How a creation ends: *out owns the method, or, unless status is OK, the method is destroyed and
 * *out NULL. Returns status. */
enum snas_status snas_method_hand(struct snas_method *m, enum snas_status status,
                                  struct snas_method **out);
/* How a `destroy` ends: frees the common head and the method. */
void snas_method_clear(struct snas_method *m);
/* How a sample is drawn. Every edge's noise is a function of (seed, stream, step, row or edge)
 * alone: cells of a kind that share a sample draw the same numbers. */
struct snas_draw {
    uint64_t seed;
    enum snas_stream stream;
    uint64_t step;
    int per_cell;       /* 0: one sample per cell kind, 1: one per cell */
    double temperature; /* of the concrete distribution; 0: one-hot, argmax of alpha + gumbel */
};
/* z [n_z], and the gumbel noise it was drawn with [n_z] (NULL: not wanted). */
void snas_method_draw(const struct snas_method *m, const struct snas_draw *draw, double *z,
                      double *gumbel);
/* Share of the ops that have something to compute (`none` has not) and a z that is not 0. */
double snas_method_live_share(const struct snas_method *m, const double *z);
/* Forward of the next training batch at z [n_z], running statistics following, and backward:
 * theta's gradient, dz [n_z], and all of *out but live_ops (penalty 0). */
enum snas_status snas_method_train(const struct snas_method_context *ctx, const double *z,
                                   double *dz, struct snas_step_result *out, struct snas_err *err);
/* The same of a batch that is there already. */
enum snas_status snas_method_train_on(const struct snas_method_context *ctx,
                                      const struct snas_batch *batch, const double *z, double *dz,
                                      struct snas_step_result *out, struct snas_err *err);
/* Adds a step's task and slope; z and d z of the step, [n_z]. */
void snas_method_add_credit(struct snas_method *m, const double *z, const double *dz);

/* State as named tensors ("method.alpha", "method.adam.m", ...) that point into the method, for
 * checkpoints; the number of them, at most SNAS_METHOD_TENSORS. */
#define SNAS_METHOD_TENSORS 24
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
/* 1: the network has cells of the kind. */
int snas_method_kind_used(const struct snas_network *network, int kind);
/* Standard deviation of alpha within its edge, over all rows of kinds that the network has cells
 * of: what a start of N(0, sd) has as sd. */
double snas_method_spread(const struct snas_method *m);
/* E[cost] of each column under p over the whole network; expected[SNAS_COST_COLUMNS]. */
void snas_method_expected_cost(const struct snas_method *m, const struct snas_cost_table *costs,
                               double *expected);
struct snas_penalty;
/* The penalty's relative cost at the expectation, z = p; returns the sum, and row[n_rows] gets what
 * each row's edges have of it. */
double snas_method_penalty_cost(const struct snas_method *m, const struct snas_penalty *p,
                                double *row);
/* Argmax of every edge, `none` included. */
void snas_method_derive(const struct snas_method *m, struct snas_genotype *out);

/* z of a genotype, 1 for every op that it has; an edge that it leaves out has `none`, or 0
 * everywhere in a kind without one. Several ops may come from one slot (SNAS_E_UNSUPPORTED: one op
 * twice). Uniform random genotype, a function of (seed, index), with its z. */
enum snas_status snas_z_from_genotype(const struct snas_network *network,
                                      const struct snas_genotype *g, double *z,
                                      struct snas_err *err);
void snas_z_random(const struct snas_network *network, uint64_t seed, uint64_t index, double *z,
                   struct snas_genotype *g);

#endif

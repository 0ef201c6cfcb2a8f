#ifndef SNAS_TOOLS_CREDIT_EXPERIMENT_H
#define SNAS_TOOLS_CREDIT_EXPERIMENT_H

#include "base/progress.h"
#include "credit/learner.h"
#include "credit/returns.h"
#include "train/shared.h"

/* One run of snas-credit: shared weights, the loss of every architecture, the credits of SNAS's
 * backward passes and those of learners, all beside the true change of loss. */

enum { MAX_TEMPERATURES = 8, MAX_GRID = 24 };

/* What a backward pass at a relaxed sample says of an op; means over steps. */
enum score {
    SCORE_SLOPE,  /* d z_k = <dL/dx_j, O_k(x_i)> */
    SCORE_CREDIT, /* z_k d z_k */
    SCORE_ALPHA,  /* d alpha_k = z_k / T (d z_k - sum_l z_l d z_l) */
    SCORES
};
extern const char *const score_names[SCORES];

struct spread {
    double mean, sd;
};

struct snas_at { /* a temperature's results */
    double temperature;
    struct spread correlation[SCORES][MAX_GRID]; /* after grid[i] steps, over repeats */
    double *score[SCORES];                       /* [n_values] mean over all steps */
    struct spread swap; /* one step's d z against the true change by single swaps from the
                           architecture that it sampled */
};

struct learner_row {
    const char *name;
    double rate; /* 0: the learner has none */
    int n;       /* episodes */
    struct spread correlation;
    /* Of the first and the last decision: what part of the truth the credit is (its regression on
     * the truth), and its mean size. */
    double share[2], size[2];
};

struct experiment {
    /* what was asked */
    const char *run, *data, *out;
    int threads, images, steps, repeats, limit;
    uint64_t seed;
    double temperature[MAX_TEMPERATURES];
    int n_temperatures;
    struct snas_progress *progress;
    const volatile int *stop;

    struct snas_shared shared;
    struct snas_returns returns;
    int *decision; /* [network->n_edges] what a network's edge is an instance of */
    int kind_of[SNAS_RETURNS_MAX_EDGES], edge_of[SNAS_RETURNS_MAX_EDGES]; /* of a decision */
    float *held;                                                          /* [n_held][H][W][C] */
    int *labels, n_held;
    double *effect, *variance; /* [n_values] the truth; [n_edges] of open decisions */
    int n_steps_grid, steps_grid[MAX_GRID], n_grid, grid[MAX_GRID];
    struct snas_at at[MAX_TEMPERATURES];
    struct learner_row *rows;
    int n_rows;
    double seconds_per_architecture, seconds_per_step, seconds;
};

/* passes.c */
enum snas_status experiment_open(struct experiment *x, struct snas_err *err);
enum snas_status experiment_score(struct experiment *x, struct snas_err *err);
enum snas_status experiment_snas(struct experiment *x, struct snas_err *err);
void experiment_clear(struct experiment *x);

/* learners.c */
enum snas_status experiment_learn(struct experiment *x, struct snas_err *err);
/* The learner's row after grid[g] episodes at the rate that is best there. */
const struct learner_row *experiment_best(const struct experiment *x, const char *name, int g);
/* Names in order; NULL behind the last. */
const char *experiment_learner(int i);
/* Episodes after which the learner's mean correlation (at its best rate) is at least this; 0:
 * never.
 */
int experiment_needed(const struct experiment *x, const char *name, double correlation);
struct spread spread_of(const double *values, int n);

/* write.c */
enum snas_status experiment_write(const struct experiment *x, struct snas_err *err);
enum snas_status experiment_print(const struct experiment *x, int json, struct snas_err *err);

#endif

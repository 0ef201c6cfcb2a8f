#ifndef SNAS_METHODS_BUDGET_H
#define SNAS_METHODS_BUDGET_H

#include "space/cost_table.h"

struct snas_method;

/* Budgets: the pruned child's parameters and multiply-adds (what the final report calls
 * child.pruned.params and .madds), and its latency as a table of measured latencies has it (a + b
 * times the sum over its edges, a and b the table's fit), kept below limits by dual ascent on one
 * multiplier each,
 *
 *   lambda <- lambda + gain v,   v = cost / (target limit) - 1,
 *
 * (four times the gain where it goes back to 0) whose gradient of alpha is (lambda + damping v) d
 * (E[cost] / limit) / d alpha, exact (analytic). It may pull the cost up again, with a negative
 * lambda, as far as it has pushed it down before: the sum of all pushes stays above 0, so a search
 * that is never above its limit is left alone. Everything is relative to the limit, so one
 * setting works at every scale. The cost is a mix: the expectation while the distribution is soft,
 * the exact cost of the pruned argmax child as it hardens, and of that alone in the last quarter.
 * There a step may not take a child that fits over a limit: the decisions that would are put back
 * (docs/penalty.md). */

enum snas_budget_cost { SNAS_BUDGET_PARAMS, SNAS_BUDGET_MADDS, SNAS_BUDGET_LATENCY, SNAS_BUDGETS };
extern const char *const snas_budget_names[SNAS_BUDGETS]; /* "params", "madds", "latency_ms" */
extern const int snas_budget_decimals[SNAS_BUDGETS]; /* behind the point, to print a cost with */

struct snas_budget_options {
    double limit[SNAS_BUDGETS]; /* 0: none */
    double rate;                /* growth of a multiplier over the whole run at v = 1, nats */
    double damping;             /* nats at v = 1 */
    double target;              /* share of the limit that is aimed at */
};

/* Saved with the run. */
struct snas_budget_state {
    double multiplier[SNAS_BUDGETS];
    double violation[SNAS_BUDGETS]; /* v of the last step */
    double expected[SNAS_BUDGETS], child[SNAS_BUDGETS];
    double pushed[SNAS_BUDGETS]; /* sum of the pressures of all steps, over the run's steps */
};

struct snas_budget {
    struct snas_budget_options options;
    const struct snas_network *network; /* the caller's: the supernet */
    double *cost[SNAS_BUDGETS];         /* [n_z], NULL without a limit */
    struct snas_cost_table table;       /* the latencies and their fit alone; owned */
    double fixed[SNAS_BUDGETS]; /* stems, preprocessing, head of a network with nothing pruned */
    double floor[SNAS_BUDGETS]; /* of the cheapest connected child, exact */
    struct snas_budget_state state;
    struct snas_genotype genotype; /* whose cost state.child is */
    int known;                     /* 0: of none yet */
};

/* SNAS_E_CONFIG: a limit below the cheapest connected child, with its figure; a limit of a latency
 * and no table that has it. */
enum snas_status snas_budget_init(struct snas_budget *b, const struct snas_network *network,
                                  const struct snas_cost_table *costs,
                                  const struct snas_budget_options *options, struct snas_err *err);
void snas_budget_clear(struct snas_budget *b);
int snas_budget_active(const struct snas_budget *b); /* 1: any limit */

/* Cost of a genotype's exactly pruned network; 0 when no path leads to its logits. `costs`: the
 * supernet's; the latency is 0 where it has none,
 * or is NULL. */
enum snas_status snas_budget_cost(const struct snas_network *supernet,
                                  const struct snas_cost_table *costs,
                                  const struct snas_genotype *g, double cost[SNAS_BUDGETS],
                                  int *connected, struct snas_err *err);
int snas_budget_fits(const struct snas_budget *b, const double cost[SNAS_BUDGETS]);

/* Adds the multipliers' gradient to dalpha [n_alpha]; returns their part of the Lagrangian. */
double snas_budget_gradient(const struct snas_budget *b, const struct snas_method *m,
                            double *dalpha);
/* After a step of alpha: `before` [n_alpha] is alpha before it, `progress` the share of the run
 * that is done, `steps` of the whole run. */
enum snas_status snas_budget_update(struct snas_budget *b, struct snas_method *m,
                                    const double *before, double progress, int64_t steps,
                                    struct snas_err *err);

#endif

#ifndef SNAS_METHODS_PENALTY_H
#define SNAS_METHODS_PENALTY_H

#include "space/cost_table.h"

/* The resource penalty (method.md section 1; docs/penalty.md).
 *
 * A network's relative cost C(z) is a sum over its edges and 1 at uniform alpha, whatever the
 * network: strengths are relative. With shares w_c that add to 1, z_e the edge's part of z:
 *
 *   linear      C = sum_e sum_c w_c <z_e, cost_c> / U_c       U_c = sum_e mean of cost_c
 *   log         C = sum_e sum_c w_c ln(max(1, <z_e, cost_c>)) / U,   U the same sum at uniform z
 *
 * What is added to the loss CE, at strength s and reference r (relative, too):
 *
 *   linear, log   s C
 *   difference    s (C - r) / r            ProxylessNAS (Cai et al., ICLR 2019), equation 8
 *   product       CE (C / r)^s - CE        ProxylessNAS, equation 9; of alpha alone: theta is
 *                                          trained on CE
 *
 * difference and product take the linear C. */

enum snas_penalty_form {
    SNAS_PENALTY_LINEAR,
    SNAS_PENALTY_LOG,
    SNAS_PENALTY_DIFFERENCE,
    SNAS_PENALTY_PRODUCT
};

/* How d E[C] / d alpha is estimated. Two pairs that agree within the pair and not across, since
 * their expectations differ at T > 0: relaxed z (reparametrized, score) and one-hot z (analytic,
 * policy; for the log form not even these two, since analytic takes ln E, not E ln). */
enum snas_penalty_estimator {
    SNAS_PENALTY_REPARAMETRIZED, /* through the batch's relaxed sample */
    SNAS_PENALTY_SCORE,          /* C(z) d log p(z) / d alpha, p the concrete density */
    SNAS_PENALTY_ANALYTIC,       /* of the expectation itself, z = softmax(alpha) */
    SNAS_PENALTY_POLICY          /* C(z) (z - softmax(alpha)), z the argmax of alpha + gumbel */
};

struct snas_penalty_options {
    double strength; /* 0: no penalty */
    int form, estimator;
    double share[SNAS_COST_COLUMNS]; /* mix of the columns; only their ratios count */
    double reference;                /* r, a share of the cost at uniform alpha */
    int warmup, ramp; /* epochs without, then epochs in which the strength grows linearly */
};

/* What the options mean for a network. */
struct snas_penalty {
    struct snas_penalty_options options;
    const struct snas_network *network; /* the caller's */
    double *column[SNAS_COST_COLUMNS];  /* [n_z] of linear forms: already weighed; of the log form:
                                           the bare cost; NULL: no share */
    double weight[SNAS_COST_COLUMNS];   /* of the log form's logarithms */
};

/* `network` must outlive it, `costs` not. All shares 0 is allowed when the strength is 0: every
 * cost is 0 then. SNAS_E_CONFIG: a strength without a share, a share of a column that the table
 * does not have or in which the whole space costs nothing, an estimator that the form cannot take.
 */
enum snas_status snas_penalty_init(struct snas_penalty *p, const struct snas_network *network,
                                   const struct snas_cost_table *costs,
                                   const struct snas_penalty_options *options,
                                   struct snas_err *err);
void snas_penalty_clear(struct snas_penalty *p);

/* Relative cost of an edge at its part of z [n_ops]; dz [n_ops] = its derivative, or NULL. */
double snas_penalty_edge(const struct snas_penalty *p, int edge, const double *z, double *dz);
/* The strength in an epoch (from 0). */
double snas_penalty_strength(const struct snas_penalty_options *options, int epoch);
/* What is added to the loss at relative cost c; *slope its derivative by c; *task what the task's
 * gradient of alpha is multiplied with. */
double snas_penalty_value(const struct snas_penalty *p, double strength, double c, double loss,
                          double *slope, double *task);

/* What one edge was sampled from. */
struct snas_penalty_sample {
    const double *alpha, *gumbel; /* [n_ops] */
    double temperature;
};
/* Adds scale * (the estimate of d E[cost of the edge] / d alpha) to dalpha [n_ops] and returns the
 * cost at the z that the estimator looks at. dalpha NULL: only the cost. Score and policy take the
 * cost less its analytic value, a baseline that no sample moves. */
double snas_penalty_estimate(const struct snas_penalty *p, int edge,
                             const struct snas_penalty_sample *sample, double scale,
                             double *dalpha);

/* Sum over cells, edges and ops at uniform alpha; uniform[SNAS_COST_COLUMNS], 0 for a column that
 * the table does not have. */
void snas_penalty_uniform(const struct snas_network *network, const struct snas_cost_table *costs,
                          double *uniform);

/* The authors' penalty (method.md section 4: linear 0.43 (2 params + madds/4000 + mac/100), log
 * (ln params + ln madds + ln mac)/3; mean over normal cells plus mean over reduction cells) at
 * uniform alpha. A strength divided by it is that strength on the authors' scale. */
double snas_penalty_authors(const struct snas_network *network, const struct snas_cost_table *costs,
                            int form);

#endif

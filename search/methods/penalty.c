#include "methods/penalty.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "methods/concrete.h"

void snas_penalty_uniform(const struct snas_network *network, const struct snas_cost_table *costs,
                          double *uniform)
{
    for (int c = 0; c < SNAS_COST_COLUMNS; c++) {
        uniform[c] = 0;
        for (int e = 0; costs->column[c] && e < network->n_edges; e++) {
            const struct snas_edge *edge = &network->edges[e];
            for (int k = 0; k < edge->n_ops; k++)
                uniform[c] += costs->column[c][edge->z + k] / edge->n_ops;
        }
    }
}

static enum snas_status check(const struct snas_penalty_options *o,
                              const struct snas_cost_table *costs, const double *uniform,
                              double *shares, struct snas_err *err)
{
    *shares = 0;
    for (int c = 0; c < SNAS_COST_COLUMNS; c++) {
        *shares += o->share[c];
        if (o->share[c] > 0 && !costs->column[c])
            return snas_fail(err, SNAS_E_CONFIG, "penalty on %s: there is no table that has it",
                             snas_cost_columns[c].name);
        if (o->share[c] > 0 && o->strength > 0 && uniform[c] <= 0)
            return snas_fail(
                err, SNAS_E_CONFIG,
                "penalty on %s: no op of this space costs any, so it cannot be weighed",
                snas_cost_columns[c].name);
    }
    if (o->strength > 0 && *shares <= 0)
        return snas_fail(err, SNAS_E_CONFIG,
                         "penalty strength %g, but the shares of all costs are 0", o->strength);
    if (o->form == SNAS_PENALTY_PRODUCT &&
        (o->estimator == SNAS_PENALTY_SCORE || o->estimator == SNAS_PENALTY_POLICY))
        return snas_fail(err, SNAS_E_CONFIG,
                         "penalty form 'product' needs the estimator 'reparametrized' or "
                         "'analytic': the loss moves with the sample, too, and the other two take "
                         "it for a constant");
    return SNAS_OK;
}

/* The log form at uniform z, before it is divided by itself. */
static void normalise_log(struct snas_penalty *p)
{
    double z[SNAS_MAX_OPS], sum = 0;
    for (int e = 0; e < p->network->n_edges; e++) {
        int n = p->network->edges[e].n_ops;
        for (int k = 0; k < n; k++)
            z[k] = 1.0 / n;
        sum += snas_penalty_edge(p, e, z, NULL);
    }
    for (int c = 0; c < SNAS_COST_COLUMNS; c++)
        p->weight[c] = sum > 0 ? p->weight[c] / sum : 0;
}

enum snas_status snas_penalty_init(struct snas_penalty *p, const struct snas_network *network,
                                   const struct snas_cost_table *costs,
                                   const struct snas_penalty_options *options, struct snas_err *err)
{
    double uniform[SNAS_COST_COLUMNS], shares;
    memset(p, 0, sizeof(*p));
    p->options = *options;
    p->network = network;
    snas_penalty_uniform(network, costs, uniform);
    enum snas_status s = check(options, costs, uniform, &shares, err);
    if (s != SNAS_OK)
        return s;
    for (int c = 0; c < SNAS_COST_COLUMNS; c++) {
        if (options->share[c] <= 0 || uniform[c] <= 0)
            continue;
        p->column[c] = snas_alloc((size_t)network->n_z, sizeof(double), err);
        if (!p->column[c]) {
            snas_penalty_clear(p);
            return SNAS_E_NOMEM;
        }
        p->weight[c] = options->share[c] / shares;
        /* the logarithm counts a total below 1 as 1: an edge's milliseconds are microseconds there
         */
        double bare = c == SNAS_COST_LATENCY ? 1000 : 1;
        double factor = options->form == SNAS_PENALTY_LOG ? bare : p->weight[c] / uniform[c];
        for (int i = 0; i < network->n_z; i++)
            p->column[c][i] = factor * costs->column[c][i];
    }
    if (options->form == SNAS_PENALTY_LOG)
        normalise_log(p);
    return SNAS_OK;
}

void snas_penalty_clear(struct snas_penalty *p)
{
    for (int c = 0; c < SNAS_COST_COLUMNS; c++) {
        snas_free(p->column[c]);
        p->column[c] = NULL;
    }
}

double snas_penalty_edge(const struct snas_penalty *p, int edge, const double *z, double *dz)
{
    const struct snas_edge *e = &p->network->edges[edge];
    int is_log = p->options.form == SNAS_PENALTY_LOG;
    double sum = 0;
    for (int k = 0; dz && k < e->n_ops; k++)
        dz[k] = 0;
    for (int c = 0; c < SNAS_COST_COLUMNS; c++) {
        if (!p->column[c])
            continue;
        const double *cost = p->column[c] + e->z;
        double total = 0, slope = 1;
        for (int k = 0; k < e->n_ops; k++)
            total += z[k] * cost[k];
        if (is_log) {
            slope = total > 1 ? p->weight[c] / total : 0;
            total = total > 1 ? p->weight[c] * log(total) : 0;
        }
        sum += total;
        for (int k = 0; dz && k < e->n_ops; k++)
            dz[k] += slope * cost[k];
    }
    return sum;
}

double snas_penalty_strength(const struct snas_penalty_options *o, int epoch)
{
    if (epoch < o->warmup)
        return 0;
    int into = epoch - o->warmup;
    return into < o->ramp ? o->strength * (into + 1.0) / (o->ramp + 1.0) : o->strength;
}

double snas_penalty_value(const struct snas_penalty *p, double strength, double c, double loss,
                          double *slope, double *task)
{
    double r = p->options.reference, factor;
    *slope = strength;
    *task = 1;
    switch ((enum snas_penalty_form)p->options.form) {
    case SNAS_PENALTY_LINEAR:
    case SNAS_PENALTY_LOG:
        break;
    case SNAS_PENALTY_DIFFERENCE:
        *slope = strength / r;
        return strength * (c - r) / r;
    case SNAS_PENALTY_PRODUCT:
        if (strength == 0)
            return 0;
        /* a sample of nothing but `none` costs 0, where the power's slope may have no end */
        c = fmax(c, 1e-6 * r);
        factor = pow(c / r, strength);
        *slope = loss * strength * factor / c;
        *task = factor;
        return loss * (factor - 1);
    }
    return strength * c;
}

/* The z that the estimator looks at. */
static void look(const struct snas_penalty *p, const struct snas_penalty_sample *s, int n,
                 double *z)
{
    int best = 0;
    switch ((enum snas_penalty_estimator)p->options.estimator) {
    case SNAS_PENALTY_REPARAMETRIZED:
    case SNAS_PENALTY_SCORE:
        snas_concrete_sample(s->alpha, s->gumbel, n, s->temperature, z);
        break;
    case SNAS_PENALTY_ANALYTIC:
        snas_softmax(s->alpha, n, z);
        break;
    case SNAS_PENALTY_POLICY:
        for (int k = 1; k < n; k++)
            if (s->alpha[k] + s->gumbel[k] > s->alpha[best] + s->gumbel[best])
                best = k;
        for (int k = 0; k < n; k++)
            z[k] = k == best;
        break;
    }
}

double snas_penalty_estimate(const struct snas_penalty *p, int edge,
                             const struct snas_penalty_sample *sample, double scale, double *dalpha)
{
    int n = p->network->edges[edge].n_ops;
    double z[SNAS_MAX_OPS], mean[SNAS_MAX_OPS], d[SNAS_MAX_OPS];
    look(p, sample, n, z);
    double cost = snas_penalty_edge(p, edge, z, d), above;
    if (!dalpha || scale == 0)
        return cost;
    snas_softmax(sample->alpha, n, mean);
    above = cost - snas_penalty_edge(p, edge, mean, NULL);
    switch ((enum snas_penalty_estimator)p->options.estimator) {
    case SNAS_PENALTY_REPARAMETRIZED:
    case SNAS_PENALTY_ANALYTIC: {
        /* E[<z, cost>] = <p, cost>, whose jacobian is that of a softmax at T = 1 */
        double T = p->options.estimator == SNAS_PENALTY_ANALYTIC ? 1 : sample->temperature;
        for (int k = 0; k < n; k++)
            d[k] *= scale;
        snas_concrete_backward(z, d, n, T, dalpha);
        break;
    }
    case SNAS_PENALTY_SCORE:
        snas_concrete_score(sample->gumbel, n, d);
        for (int k = 0; k < n; k++)
            dalpha[k] += scale * above * d[k];
        break;
    case SNAS_PENALTY_POLICY:
        for (int k = 0; k < n; k++)
            dalpha[k] += scale * above * (z[k] - mean[k]);
        break;
    }
    return cost;
}

/* An edge's authors' cost at uniform alpha. */
static double authors_edge(const struct snas_edge *edge, const struct snas_cost_table *costs,
                           int form)
{
    double total[SNAS_COST_COLUMNS] = {0};
    for (int c = 0; c < SNAS_COST_COLUMNS; c++)
        for (int k = 0; costs->column[c] && k < edge->n_ops; k++)
            total[c] += costs->column[c][edge->z + k] / edge->n_ops;
    return form == SNAS_PENALTY_LOG ? snas_cost_log_form(total) : snas_cost_linear_form(total);
}

double snas_penalty_authors(const struct snas_network *network, const struct snas_cost_table *costs,
                            int form)
{
    double sum[2] = {0, 0};
    int cells[2] = {0, 0};
    for (int i = 0; i < network->n_cells; i++) {
        const struct snas_cell *cell = &network->cells[i];
        int which = cell->reduction != 0;
        cells[which]++;
        for (int e = cell->first_edge; e < cell->first_edge + cell->n_edges; e++)
            sum[which] += authors_edge(&network->edges[e], costs, form);
    }
    double total = 0;
    for (int which = 0; which < 2; which++)
        if (cells[which])
            total += sum[which] / cells[which];
    return total;
}

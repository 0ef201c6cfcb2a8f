#include "credit/learner.h"

#include <string.h>

#include "base/mem.h"
#include "credit/rudder.h"

struct snas_learner {
    const struct snas_returns *shape;
    struct snas_learner_options options;
    /* TD with a table: V of all prefixes, those of length t from offset[t] on. TD with weights: one
     * per (edge, op), then that of s_0. MC: sums of returns per (edge, op). */
    int offset[SNAS_RETURNS_MAX_EDGES + 2], n;
    double *value;   /* [n] */
    int64_t *visits; /* [n] */
    double *sum;     /* [n_values] of a credit in the making */
    int64_t *count;  /* [n_values] */
    struct snas_rudder rudder;
};

static int prefix(const struct snas_learner *l, int architecture, int t)
{
    return l->offset[t] + (t ? architecture / l->shape->stride[t - 1] : 0);
}

static int table(const struct snas_learner *l)
{
    return l->options.kind == SNAS_LEARNER_TD && !l->options.linear;
}

static enum snas_status allocate(struct snas_learner *l, struct snas_err *err)
{
    const struct snas_returns *s = l->shape;
    size_t values = (size_t)s->n_values;
    l->n = s->n_values + 1;
    if (table(l)) {
        l->n = 0;
        for (int t = 0; t <= s->n_edges; t++) {
            l->offset[t] = l->n;
            l->n += t ? s->n / s->stride[t - 1] : 1;
        }
        l->offset[s->n_edges + 1] = l->n;
    }
    l->value = snas_alloc((size_t)l->n, sizeof(*l->value), err);
    l->visits = l->value ? snas_alloc((size_t)l->n, sizeof(*l->visits), err) : NULL;
    l->sum = l->visits ? snas_alloc(values, sizeof(*l->sum), err) : NULL;
    l->count = l->sum ? snas_alloc(values, sizeof(*l->count), err) : NULL;
    if (!l->count)
        return SNAS_E_NOMEM;
    return l->options.kind == SNAS_LEARNER_RUDDER ? snas_rudder_init(&l->rudder, s, err) : SNAS_OK;
}

enum snas_status snas_learner_create(const struct snas_returns *shape,
                                     const struct snas_learner_options *options,
                                     struct snas_learner **out, struct snas_err *err)
{
    struct snas_learner *l = snas_alloc(1, sizeof(*l), err);
    *out = NULL;
    if (!l)
        return SNAS_E_NOMEM;
    l->shape = shape;
    l->options = *options;
    enum snas_status s = allocate(l, err);
    if (s != SNAS_OK)
        snas_learner_destroy(l);
    else
        *out = l;
    return s;
}

void snas_learner_destroy(struct snas_learner *l)
{
    if (!l)
        return;
    snas_free(l->value);
    snas_free(l->visits);
    snas_free(l->sum);
    snas_free(l->count);
    snas_rudder_clear(&l->rudder);
    snas_free(l);
}

static double state_value(const struct snas_learner *l, int architecture, int t)
{
    if (!l->options.linear)
        return l->value[prefix(l, architecture, t)];
    double sum = l->value[l->shape->n_values];
    for (int e = 0; e < t; e++)
        sum += l->value[l->shape->first[e] + snas_returns_op(l->shape, architecture, e)];
    return sum;
}

/* Moves V(s_t) by rate x delta; a sum of t + 1 weights moves as far as a table's entry does at the
 * same rate when each weight takes its part. */
static void move(struct snas_learner *l, int architecture, int t, double delta)
{
    const struct snas_returns *s = l->shape;
    if (!l->options.linear) {
        int i = prefix(l, architecture, t);
        double rate = l->options.rate > 0 ? l->options.rate : 1.0 / (double)l->visits[i];
        l->value[i] += rate * delta;
        return;
    }
    double step = l->options.rate * delta / (s->n_edges + 1);
    l->value[s->n_values] += step;
    for (int e = 0; e < t; e++)
        l->value[s->first[e] + snas_returns_op(s, architecture, e)] += step;
}

/* A state is visited once an episode, so its trace is lambda to the number of steps since. */
static void td_episode(struct snas_learner *l, int architecture, double value)
{
    int n = l->shape->n_edges;
    for (int t = 0; t <= n; t++) {
        double next = t < n ? state_value(l, architecture, t + 1) : value;
        double delta = next - state_value(l, architecture, t), trace = 1;
        if (!l->options.linear)
            l->visits[prefix(l, architecture, t)]++;
        for (int past = t; past >= 0 && trace > 0; past--) {
            move(l, architecture, past, trace * delta);
            trace *= l->options.lambda;
        }
    }
}

enum snas_status snas_learner_episode(struct snas_learner *l, int architecture, double value,
                                      struct snas_err *err)
{
    const struct snas_returns *s = l->shape;
    for (int e = 0; e < s->n_edges; e++) {
        int i = s->first[e] + snas_returns_op(s, architecture, e);
        l->count[i]++;
        if (l->options.kind == SNAS_LEARNER_MC)
            l->value[i] += value;
    }
    if (l->options.kind == SNAS_LEARNER_TD)
        td_episode(l, architecture, value);
    return l->options.kind == SNAS_LEARNER_RUDDER
               ? snas_rudder_episode(&l->rudder, architecture, value, err)
               : SNAS_OK;
}

/* Sums over visits; what divides them is how often the op was seen. */
static void sum_values(struct snas_learner *l)
{
    const struct snas_returns *s = l->shape;
    for (int e = 0; e < s->n_edges; e++)
        for (int i = 0; table(l) && i < s->n / s->stride[e]; i++)
            l->sum[s->first[e] + i % s->n_ops[e]] +=
                (double)l->visits[l->offset[e + 1] + i] * l->value[l->offset[e + 1] + i];
    for (int i = 0; !table(l) && i < s->n_values; i++)
        l->sum[i] = l->options.linear ? (double)l->count[i] * l->value[i] : l->value[i];
}

static enum snas_status sum_shares(struct snas_learner *l, struct snas_err *err)
{
    const struct snas_returns *s = l->shape;
    double share[SNAS_RETURNS_MAX_EDGES];
    enum snas_status status =
        l->rudder.n ? snas_rudder_fit(&l->rudder, l->options.ridge, err) : SNAS_OK;
    for (int i = 0; status == SNAS_OK && i < l->rudder.n; i++) {
        int a = l->rudder.architecture[i];
        snas_rudder_redistribute(&l->rudder, a, l->rudder.value[i], share);
        for (int e = 0; e < s->n_edges; e++)
            l->sum[s->first[e] + snas_returns_op(s, a, e)] += share[e];
    }
    return status;
}

enum snas_status snas_learner_credit(struct snas_learner *l, double *credit, struct snas_err *err)
{
    const struct snas_returns *s = l->shape;
    enum snas_status status = SNAS_OK;
    memset(l->sum, 0, (size_t)s->n_values * sizeof(*l->sum));
    if (l->options.kind == SNAS_LEARNER_RUDDER)
        status = sum_shares(l, err);
    else
        sum_values(l);
    for (int e = 0; e < s->n_edges; e++) {
        double mean = 0;
        int seen = 0;
        for (int i = s->first[e]; i < s->first[e] + s->n_ops[e]; i++) {
            credit[i] = l->count[i] ? l->sum[i] / (double)l->count[i] : 0;
            mean += credit[i];
            seen += l->count[i] > 0;
        }
        for (int i = s->first[e]; i < s->first[e] + s->n_ops[e]; i++)
            if (!l->count[i])
                credit[i] = seen ? mean / seen : 0;
    }
    snas_returns_centre(s, credit);
    return status;
}

double snas_learner_value(const struct snas_learner *l, int architecture, int n_decided)
{
    return state_value(l, architecture, n_decided);
}

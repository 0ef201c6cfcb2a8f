#include "credit/rudder.h"

#include <string.h>

#include "base/mem.h"
#include "credit/rank.h"

enum snas_status snas_rudder_init(struct snas_rudder *r, const struct snas_returns *shape,
                                  struct snas_err *err)
{
    memset(r, 0, sizeof(*r));
    r->shape = shape;
    r->n_features = shape->n_values;
    for (int e = 0; e < shape->n_edges; e++)
        for (int f = e + 1; f < shape->n_edges; f++)
            r->n_features += shape->n_ops[e] * shape->n_ops[f];
    size_t n = (size_t)r->n_features;
    double **const vectors[] = {&r->target, &r->mean, &r->x, &r->weight};
    for (size_t i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
        *vectors[i] = snas_alloc(n, sizeof(double), err);
        if (!*vectors[i])
            return SNAS_E_NOMEM;
    }
    r->moment = snas_alloc(n * n, sizeof(double), err);
    r->work = r->moment ? snas_alloc(n * n, sizeof(double), err) : NULL;
    return r->work ? SNAS_OK : SNAS_E_NOMEM;
}

void snas_rudder_clear(struct snas_rudder *r)
{
    snas_free(r->moment);
    snas_free(r->work);
    snas_free(r->target);
    snas_free(r->mean);
    snas_free(r->x);
    snas_free(r->weight);
    snas_free(r->architecture);
    snas_free(r->value);
    memset(r, 0, sizeof(*r));
}

/* The decisions, then their products pair by pair. */
static void features(const struct snas_rudder *r, int architecture, double *x)
{
    const struct snas_returns *s = r->shape;
    for (int e = 0; e < s->n_edges; e++)
        for (int k = 0; k < s->n_ops[e]; k++)
            x[s->first[e] + k] =
                (snas_returns_op(s, architecture, e) == k) - 1.0 / (double)s->n_ops[e];
    double *pair = x + s->n_values;
    for (int e = 0; e < s->n_edges; e++)
        for (int f = e + 1; f < s->n_edges; f++)
            for (int k = 0; k < s->n_ops[e]; k++)
                for (int l = 0; l < s->n_ops[f]; l++)
                    *pair++ = x[s->first[e] + k] * x[s->first[f] + l];
}

static enum snas_status remember(struct snas_rudder *r, int architecture, double value,
                                 struct snas_err *err)
{
    if (r->n == r->room) {
        int room = r->room ? 2 * r->room : 256;
        int *architectures = snas_realloc(r->architecture, (size_t)room, sizeof(int), err);
        if (!architectures)
            return SNAS_E_NOMEM;
        r->architecture = architectures;
        double *values = snas_realloc(r->value, (size_t)room, sizeof(double), err);
        if (!values)
            return SNAS_E_NOMEM;
        r->value = values;
        r->room = room;
    }
    r->architecture[r->n] = architecture;
    r->value[r->n++] = value;
    return SNAS_OK;
}

enum snas_status snas_rudder_episode(struct snas_rudder *r, int architecture, double value,
                                     struct snas_err *err)
{
    size_t n = (size_t)r->n_features;
    enum snas_status s = remember(r, architecture, value, err);
    if (s != SNAS_OK)
        return s;
    features(r, architecture, r->x);
    for (size_t i = 0; i < n; i++) {
        double *row = r->moment + i * n, xi = r->x[i];
        for (size_t j = 0; j <= i; j++)
            row[j] += xi * r->x[j];
        r->target[i] += xi * value;
        r->mean[i] += xi;
    }
    r->sum += value;
    return SNAS_OK;
}

/* Of y on x, both less their means. */
enum snas_status snas_rudder_fit(struct snas_rudder *r, double ridge, struct snas_err *err)
{
    size_t n = (size_t)r->n_features;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j <= i; j++)
            r->work[i * n + j] = r->moment[i * n + j] - r->mean[i] * r->mean[j] / r->n;
        r->weight[i] = r->target[i] - r->mean[i] * r->sum / r->n;
    }
    enum snas_status s = snas_ridge_solve(r->n_features, r->work, r->weight, ridge, err);
    r->weight0 = r->sum / r->n;
    for (size_t i = 0; i < n; i++)
        r->weight0 -= r->weight[i] * r->mean[i] / r->n;
    return s;
}

double snas_rudder_predict(struct snas_rudder *r, int architecture)
{
    double sum = r->weight0;
    features(r, architecture, r->x);
    for (int i = 0; i < r->n_features; i++)
        sum += r->weight[i] * r->x[i];
    return sum;
}

/* A product of two decisions grows with the square along the line: half of it is each one's. */
void snas_rudder_redistribute(struct snas_rudder *r, int architecture, double value, double *share)
{
    const struct snas_returns *s = r->shape;
    double missed = value - snas_rudder_predict(r, architecture);
    for (int e = 0; e < s->n_edges; e++) {
        share[e] = missed / s->n_edges;
        for (int k = 0; k < s->n_ops[e]; k++)
            share[e] += r->weight[s->first[e] + k] * r->x[s->first[e] + k];
    }
    for (int e = 0, i = s->n_values; e < s->n_edges; e++)
        for (int f = e + 1; f < s->n_edges; f++) {
            double both = 0;
            for (int last = i + s->n_ops[e] * s->n_ops[f]; i < last; i++)
                both += r->weight[i] * r->x[i];
            share[e] += both / 2;
            share[f] += both / 2;
        }
}

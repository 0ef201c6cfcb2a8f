#include "credit/returns.h"

#include <string.h>

#include "base/mem.h"

enum snas_status snas_returns_init(struct snas_returns *r, int n_edges, const int *n_ops, int limit,
                                   struct snas_err *err)
{
    memset(r, 0, sizeof(*r));
    if (n_edges < 1 || n_edges > SNAS_RETURNS_MAX_EDGES)
        return snas_fail(err, SNAS_E_LIMIT, "%d edges are to be decided: 1 to %d can be", n_edges,
                         SNAS_RETURNS_MAX_EDGES);
    r->n_edges = n_edges;
    double n = 1;
    for (int e = n_edges - 1; e >= 0; e--) {
        r->n_ops[e] = n_ops[e];
        r->stride[e] = (int)n;
        n *= n_ops[e];
        if (n > limit) {
            for (int before = e - 1; before >= 0; before--)
                n *= n_ops[before];
            return snas_fail(err, SNAS_E_LIMIT,
                             "the space has %.3g architectures, and every one is scored: more than "
                             "%d are too many",
                             n, limit);
        }
    }
    for (int e = 0; e < n_edges; e++) {
        r->first[e] = r->n_values;
        r->n_values += n_ops[e];
    }
    r->n = (int)n;
    r->loss = snas_alloc((size_t)r->n, sizeof(*r->loss), err);
    return r->loss ? SNAS_OK : SNAS_E_NOMEM;
}

void snas_returns_clear(struct snas_returns *r)
{
    snas_free(r->loss);
    memset(r, 0, sizeof(*r));
}

int snas_returns_op(const struct snas_returns *r, int architecture, int edge)
{
    return architecture / r->stride[edge] % r->n_ops[edge];
}

int snas_returns_swap(const struct snas_returns *r, int architecture, int edge, int op)
{
    return architecture + (op - snas_returns_op(r, architecture, edge)) * r->stride[edge];
}

void snas_returns_centre(const struct snas_returns *r, double *values)
{
    for (int e = 0; e < r->n_edges; e++) {
        double *v = values + r->first[e], mean = 0;
        for (int k = 0; k < r->n_ops[e]; k++)
            mean += v[k] / r->n_ops[e];
        for (int k = 0; k < r->n_ops[e]; k++)
            v[k] -= mean;
    }
}

void snas_returns_effects(const struct snas_returns *r, double *effect)
{
    memset(effect, 0, (size_t)r->n_values * sizeof(*effect));
    for (int a = 0; a < r->n; a++)
        for (int e = 0; e < r->n_edges; e++)
            effect[r->first[e] + snas_returns_op(r, a, e)] += r->loss[a] * r->n_ops[e] / r->n;
    snas_returns_centre(r, effect);
}

void snas_returns_swaps(const struct snas_returns *r, int architecture, double *swap)
{
    for (int e = 0; e < r->n_edges; e++)
        for (int k = 0; k < r->n_ops[e]; k++)
            swap[r->first[e] + k] =
                r->loss[snas_returns_swap(r, architecture, e, k)] - r->loss[architecture];
}

void snas_returns_open_variance(const struct snas_returns *r, double *variance)
{
    for (int t = 0; t < r->n_edges; t++) {
        int open = r->stride[t];
        variance[t] = 0;
        for (int first = 0; first < r->n; first += open) {
            double mean = 0;
            for (int i = first; i < first + open; i++)
                mean += r->loss[i] / open;
            for (int i = first; i < first + open; i++)
                variance[t] += (r->loss[i] - mean) * (r->loss[i] - mean) / r->n;
        }
    }
}

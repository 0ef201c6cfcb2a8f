#include "methods/entropy.h"

#include <math.h>

#include "methods/concrete.h"

int snas_entropy_active(const struct snas_entropy_options *options)
{
    return options->start != 0 || options->end != 0;
}

double snas_entropy_weight(const struct snas_entropy_options *options, int epoch, int first,
                           int epochs)
{
    int steps = epochs - 1 - first;
    if (steps <= 0)
        return options->end;
    double part = epoch > first ? (double)(epoch - first) / steps : 0;
    return options->start + part * (options->end - options->start);
}

/* dH/d alpha_k = -p_k (ln p_k + H); p ln p is 0 at p = 0. */
static double add_edge(const double *alpha, int n, double weight, double *gradient)
{
    double p[SNAS_MAX_OPS], plogp[SNAS_MAX_OPS], entropy = 0;
    snas_softmax(alpha, n, p);
    for (int k = 0; k < n; k++) {
        plogp[k] = p[k] > 0 ? p[k] * log(p[k]) : 0;
        entropy -= plogp[k];
    }
    for (int k = 0; k < n; k++)
        gradient[k] -= weight * (plogp[k] + p[k] * entropy);
    return weight * entropy;
}

double snas_entropy_gradient(const struct snas_method *m, double weight, double *gradient)
{
    double value = 0;
    int edges = 0;
    for (int r = 0; r < m->n_rows; r++)
        edges += snas_method_kind_used(m->network, m->rows[r].kind);
    for (int r = 0; r < m->n_rows; r++) {
        const struct snas_alpha_row *row = &m->rows[r];
        if (row->n_ops > 1 && snas_method_kind_used(m->network, row->kind))
            value += add_edge(m->alpha + row->first, row->n_ops,
                              weight / (edges * log((double)row->n_ops)), gradient + row->first);
    }
    return value;
}

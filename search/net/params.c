/* Parameters and batch norm statistics: where they lie, what they start with, how they follow. */
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "net/unit.h"

void *snas_net_theta(struct snas_net *net)
{
    return net->theta;
}

void *snas_net_grad(struct snas_net *net)
{
    return net->grad;
}

size_t snas_net_theta_size(const struct snas_net *net)
{
    return net->n_theta;
}

void *snas_net_stats(struct snas_net *net)
{
    return net->stats;
}

size_t snas_net_stats_size(const struct snas_net *net)
{
    return net->n_stats;
}

size_t snas_net_param_offset(const struct snas_net *net, int param)
{
    return net->param_offset[param];
}

void *snas_net_param(const struct snas_net *net, int param)
{
    enum snas_param_kind kind = net->network->params[param].kind;
    void *base = kind == SNAS_PARAM_MEAN || kind == SNAS_PARAM_VAR ? net->stats : net->theta;
    return (unsigned char *)base + net->param_offset[param] * net->real;
}

void *snas_net_group_grad(const struct snas_net *net, int group, int param)
{
    return (unsigned char *)net->group_grad +
           ((size_t)group * net->n_theta + net->param_offset[param]) * net->real;
}

static double get(const struct snas_net *net, const void *p, size_t i)
{
    return net->real == sizeof(double) ? ((const double *)p)[i] : (double)((const float *)p)[i];
}

static void set(const struct snas_net *net, void *p, size_t i, double v)
{
    if (net->real == sizeof(double))
        ((double *)p)[i] = v;
    else
        ((float *)p)[i] = (float)v;
}

void snas_net_init(struct snas_net *net, uint64_t seed)
{
    for (int i = 0; i < net->network->n_params; i++) {
        const struct snas_param *p = &net->network->params[i];
        void *values = snas_net_param(net, i);
        struct snas_rng rng = snas_rng_make(seed, SNAS_STREAM_INIT, (uint64_t)i);
        double bound = p->fan_in > 0 ? 1 / sqrt(p->fan_in) : 0;
        double fixed = p->kind == SNAS_PARAM_GAMMA || p->kind == SNAS_PARAM_VAR ? 1 : 0;
        for (size_t k = 0; k < p->count; k++)
            set(net, values, k,
                p->kind == SNAS_PARAM_WEIGHT ? bound * (2 * snas_rng_uniform(&rng) - 1) : fixed);
    }
}

double snas_group_sum(const double *v, size_t stride)
{
    return (((v[0] + v[stride]) + (v[2 * stride] + v[3 * stride])) +
            ((v[4 * stride] + v[5 * stride]) + (v[6 * stride] + v[7 * stride]))) +
           (v[8 * stride] + v[9 * stride]);
}
_Static_assert(SNAS_GROUPS == 10, "the tree of snas_group_sum");

void snas_net_bn_finish(struct snas_net *net, int layer, int c0, int c1, const double *sum,
                        const double *sum2, double count)
{
    struct snas_bn_state *bn = &net->bn[layer];
    const struct snas_layer *l = &net->network->layers[layer];
    if (net->run.bn == SNAS_BN_RUNNING)
        return;
    double unbias = count > 1 ? count / (count - 1) : 1, n = net->run.batch.n;
    double m = net->options.bn_momentum;
    if (c0 == 0 && net->run.bn == SNAS_BN_ESTIMATE)
        bn->weight += n;
    void *running_mean = snas_net_param(net, l->mean), *running_var = snas_net_param(net, l->var);
    for (int c = c0; c < c1; c++) {
        double mean = sum[c] / count, var = sum2[c] / count - mean * mean;
        if (var < 0) /* rounding; NaN stays */
            var = 0;
        bn->mean[c] = mean;
        bn->inv[c] = 1 / sqrt(var + net->options.bn_eps);
        size_t k = (size_t)c;
        if (net->again)
            continue;
        if (net->run.bn == SNAS_BN_BATCH_UPDATE) {
            set(net, running_mean, k, (1 - m) * get(net, running_mean, k) + m * mean);
            set(net, running_var, k, (1 - m) * get(net, running_var, k) + m * unbias * var);
        } else if (net->run.bn == SNAS_BN_ESTIMATE) {
            bn->sum_mean[c] += n * mean;
            bn->sum_var[c] += n * unbias * var;
        }
    }
}

void snas_net_use_running(struct snas_net *net)
{
    for (int i = 0; i < net->network->n_layers; i++) {
        const struct snas_layer *l = &net->network->layers[i];
        if (l->step.kind != SNAS_STEP_BN)
            continue;
        const void *mean = snas_net_param(net, l->mean), *var = snas_net_param(net, l->var);
        for (int c = 0; c < l->in.c; c++) {
            net->bn[i].mean[c] = get(net, mean, (size_t)c);
            net->bn[i].inv[c] = 1 / sqrt(get(net, var, (size_t)c) + net->options.bn_eps);
        }
    }
}

void snas_net_estimate_begin(struct snas_net *net)
{
    for (int i = 0; i < net->network->n_layers; i++) {
        const struct snas_layer *l = &net->network->layers[i];
        if (l->step.kind != SNAS_STEP_BN)
            continue;
        net->bn[i].weight = 0;
        memset(net->bn[i].sum_mean, 0, (size_t)l->in.c * sizeof(double));
        memset(net->bn[i].sum_var, 0, (size_t)l->in.c * sizeof(double));
    }
}

void snas_net_estimate_end(struct snas_net *net)
{
    for (int i = 0; i < net->network->n_layers; i++) {
        const struct snas_layer *l = &net->network->layers[i];
        const struct snas_bn_state *bn = &net->bn[i];
        if (l->step.kind != SNAS_STEP_BN || bn->weight == 0)
            continue;
        void *mean = snas_net_param(net, l->mean), *var = snas_net_param(net, l->var);
        for (int c = 0; c < l->in.c; c++) {
            set(net, mean, (size_t)c, bn->sum_mean[c] / bn->weight);
            set(net, var, (size_t)c, bn->sum_var[c] / bn->weight);
        }
    }
}

#ifndef SNAS_TESTS_EXPORT_FIXTURE_H
#define SNAS_TESTS_EXPORT_FIXTURE_H

/* Children made by hand: genotypes with dead nodes, random weights, statistics of every sort. */

#include <math.h>

#include "base/mem.h"
#include "base/rng.h"
#include "net/net.h"
#include "space/child.h"
#include "space/fixture.h"
#include "support.h"

struct fixture_options {
    int channels, layers, classes;
    struct snas_shape input;
    int affine, pool_bn;
    int stale; /* 1: running statistics are random; 0: estimated on the child */
    uint64_t seed;
};

static const struct fixture_options fixture_default = {
    .channels = 4, .layers = 3, .classes = 10, .input = {1, 9, 9}, .pool_bn = 1, .seed = 1};

/* Adds "op from" to a node. */
static inline void fixture_choose(const struct snas_space *space, struct snas_genotype *g, int kind,
                                  int node, const char *op, int from)
{
    struct snas_genotype_cell *c = &g->cells[kind];
    c->choices[node][c->n_choices[node]++] =
        (struct snas_choice){.op = snas_space_op(space, op), .from = from};
}

/* Every node empty, all of them concatenated. */
static inline void fixture_genotype(const struct snas_space *space, struct snas_genotype *g)
{
    memset(g, 0, sizeof *g);
    snprintf(g->name, sizeof g->name, "fixture");
    for (int k = 0; k < space->n_kinds; k++) {
        g->cells[k].n_nodes = g->cells[k].n_concat = space->kinds[k].nodes;
        for (int i = 0; i < space->kinds[k].nodes; i++)
            g->cells[k].concat[i] = i;
    }
}

/* Nodes of none to three inputs: about one in four is dead, and what reads it is of every op. */
static inline void fixture_random_genotype(const struct snas_space *space, uint64_t seed,
                                           struct snas_genotype *g)
{
    struct snas_rng r = snas_rng_make(seed, SNAS_STREAM_TEST, 77);
    fixture_genotype(space, g);
    for (int k = 0; k < space->n_kinds; k++)
        for (int node = 0; node < space->kinds[k].nodes; node++)
            for (uint32_t n = snas_rng_below(&r, 4); n > 0; n--) {
                const struct snas_op *op;
                do
                    op = &space->ops[snas_rng_below(&r, (uint32_t)space->n_ops)];
                while (op->zero);
                fixture_choose(space, g, k, node, op->name,
                               (int)snas_rng_below(&r, (uint32_t)(space->kinds[k].inputs + node)));
            }
}

static inline void fixture_fill(const struct snas_network *net, uint64_t seed, int stale,
                                float **values)
{
    for (int p = 0; p < net->n_params; p++) {
        const struct snas_param *param = &net->params[p];
        struct snas_rng r = snas_rng_make(seed, SNAS_STREAM_TEST, (uint64_t)p);
        double sd = param->fan_in ? sqrt(2.0 / param->fan_in) : 0.3;
        for (size_t i = 0; i < param->count; i++) {
            double v = sd * snas_rng_normal(&r);
            switch (param->kind) {
            case SNAS_PARAM_GAMMA:
                v += 1;
                break;
            case SNAS_PARAM_VAR:
                v = stale ? exp(v) : 1;
                break;
            case SNAS_PARAM_MEAN:
                v = stale ? v : 0;
                break;
            case SNAS_PARAM_WEIGHT:
            case SNAS_PARAM_BIAS:
            case SNAS_PARAM_BETA:
                break;
            }
            values[p][i] = (float)v;
        }
    }
}

/* BN statistics of the child on random images. */
static inline void fixture_estimate(struct snas_child *child, uint64_t seed)
{
    const struct snas_network *network = child->network;
    struct snas_err err = {0};
    struct snas_net_options o;
    snas_net_options_default(&o);
    o.batch = 16;
    o.threads = 1;
    struct snas_net *net;
    assert_ok(snas_net_create(network, &o, &net, &err), &err);
    for (int p = 0; p < network->n_params; p++)
        memcpy(snas_net_param(net, p), child->values[p], network->params[p].count * sizeof(float));
    const struct snas_shape *in = &network->options.input;
    size_t n = 16 * (size_t)in->c * (size_t)in->h * (size_t)in->w;
    float *images = test_malloc(n * sizeof *images);
    struct snas_rng r = snas_rng_make(seed, SNAS_STREAM_TEST, 99);
    for (size_t i = 0; i < n; i++)
        images[i] = (float)snas_rng_normal(&r);
    snas_net_estimate_begin(net);
    struct snas_forward f = {.batch = {.images = images, .n = 16}, .bn = SNAS_BN_ESTIMATE};
    struct snas_loss loss;
    assert_ok(snas_net_forward(net, &f, &loss, &err), &err);
    snas_net_estimate_end(net);
    for (int p = 0; p < network->n_params; p++)
        memcpy(child->values[p], snas_net_param(net, p), network->params[p].count * sizeof(float));
    test_free(images);
    snas_net_destroy(net);
}

/* The caller clears it with snas_child_clear. */
static inline void fixture_child(const struct snas_space *space, const struct snas_genotype *g,
                                 const struct fixture_options *o, struct snas_child *child)
{
    struct snas_err err = {0};
    struct snas_network_options n = {.channels = o->channels,
                                     .layers = o->layers,
                                     .input = o->input,
                                     .classes = o->classes,
                                     .affine = o->affine,
                                     .pool_bn = o->pool_bn};
    memset(child, 0, sizeof *child);
    assert_ok(snas_network_create(space, &n, g, &child->network, &err), &err);
    child->values = snas_alloc((size_t)child->network->n_params, sizeof *child->values, &err);
    for (int p = 0; p < child->network->n_params; p++)
        child->values[p] = snas_alloc(child->network->params[p].count, sizeof(float), &err);
    fixture_fill(child->network, o->seed, o->stale, child->values);
    snprintf(child->info.dataset, sizeof child->info.dataset, "made by hand");
    snprintf(child->info.run, sizeof child->info.run, "test");
    for (int c = 0; c < o->input.c; c++) {
        child->info.mean[c] = 0.3 + 0.1 * c;
        child->info.sd[c] = 0.2 + 0.05 * c;
    }
    child->info.bn_eps = 1e-5;
    child->info.seed = o->seed;
    child->info.epoch = 3;
    child->info.validation_accuracy = 0.875;
    child->info.test_accuracy = -1;
    if (!o->stale)
        fixture_estimate(child, o->seed);
}

#endif

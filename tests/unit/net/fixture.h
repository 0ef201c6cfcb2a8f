#ifndef SNAS_TESTS_NET_FIXTURE_H
#define SNAS_TESTS_NET_FIXTURE_H

/* Small networks with random values, for the tests of net/. */

#include "../space/fixture.h"
#include "../support.h"

#include <math.h>

#include "base/mem.h"
#include "base/rng.h"
#include "net/net.h"

enum { BATCH = 5, LARGEST_BATCH = 24, CLASSES = 4 };

struct fixture {
    struct snas_space space;
    struct snas_network *network;
    struct snas_net *net;
    struct snas_net_options options;
    void *images; /* options.batch of them, of the net's precision */
    int labels[LARGEST_BATCH];
    double *z;
    int image_values;
    unsigned seed; /* 0, or other numbers */
};

static const char *const fixture_ops[] = {"none",         "max_pool_3x3", "avg_pool_3x3",
                                          "skip_connect", "sep_conv_3x3", "sep_conv_5x5",
                                          "dil_conv_3x3", "dil_conv_5x5"};

/* All ops of DARTS, two nodes, one reduction in the middle. */
static inline void fixture_net_space(struct snas_space *space)
{
    fixture_space(space, 2, 8, fixture_ops);
    space->n_reduce_at = 1;
    space->reduce_den[0] = 2;
}

static inline struct snas_network_options fixture_network_options(int layers)
{
    return (struct snas_network_options){
        .channels = 4, .layers = layers, .input = {3, 9, 7}, .classes = CLASSES, .pool_bn = 1};
}

static inline struct snas_net_options fixture_options(enum snas_precision precision)
{
    struct snas_net_options o;
    snas_net_options_default(&o);
    o.batch = BATCH;
    o.threads = 2;
    o.precision = precision;
    o.engine = SNAS_ENGINE_REF;
    return o;
}

static inline double fixture_get(const struct fixture *f, const void *p, size_t i)
{
    return f->options.precision == SNAS_PRECISION_F64 ? ((const double *)p)[i]
                                                      : (double)((const float *)p)[i];
}

static inline void fixture_set(const struct fixture *f, void *p, size_t i, double v)
{
    if (f->options.precision == SNAS_PRECISION_F64)
        ((double *)p)[i] = v;
    else
        ((float *)p)[i] = (float)v;
}

/* The network and the net of f->space and f->options; images, labels, z and affine parameters
 * random. */
static inline void fixture_make(struct fixture *f, const struct snas_network_options *o,
                                const struct snas_genotype *genotype)
{
    struct snas_err err = {0};
    assert_ok(snas_network_create(&f->space, o, genotype, &f->network, &err), &err);
    assert_ok(snas_net_create(f->network, &f->options, &f->net, &err), &err);
    snas_net_init(f->net, 3 + f->seed);
    struct snas_rng rng = snas_rng_make(5 + f->seed, SNAS_STREAM_TEST, 1);
    for (int i = 0; i < f->network->n_params; i++) {
        const struct snas_param *p = &f->network->params[i];
        size_t at = snas_net_param_offset(f->net, i);
        for (size_t k = 0; k < p->count; k++) {
            if (p->kind == SNAS_PARAM_GAMMA)
                fixture_set(f, snas_net_theta(f->net), at + k, 0.5 + snas_rng_uniform(&rng));
            if (p->kind == SNAS_PARAM_BETA || p->kind == SNAS_PARAM_BIAS)
                fixture_set(f, snas_net_theta(f->net), at + k, 0.3 * snas_rng_normal(&rng));
        }
    }
    const size_t batch = (size_t)f->options.batch;
    assert_true(batch <= LARGEST_BATCH);
    f->image_values = o->input.c * o->input.h * o->input.w;
    f->images = calloc(batch * (size_t)f->image_values, sizeof(double));
    f->z = calloc((size_t)f->network->n_z + 1, sizeof *f->z);
    assert_true(f->images && f->z);
    for (size_t i = 0; i < batch * (size_t)f->image_values; i++)
        fixture_set(f, f->images, i, snas_rng_normal(&rng));
    for (size_t i = 0; i < batch; i++)
        f->labels[i] = (int)snas_rng_below(&rng, CLASSES);
    for (int i = 0; i < f->network->n_z; i++)
        f->z[i] = snas_rng_uniform(&rng);
}

static inline void fixture_clear(struct fixture *f)
{
    snas_net_destroy(f->net);
    snas_network_destroy(f->network);
    free(f->images);
    free(f->z);
}

static inline struct snas_forward fixture_forward(const struct fixture *f)
{
    return (struct snas_forward){.batch = {f->images, f->labels, f->options.batch},
                                 .z = f->network->genotype ? NULL : f->z,
                                 .bn = SNAS_BN_BATCH,
                                 .seed = 11,
                                 .step = 4};
}

static inline double fixture_loss(struct fixture *f)
{
    struct snas_err err = {0};
    struct snas_loss loss;
    struct snas_forward forward = fixture_forward(f);
    assert_ok(snas_net_forward(f->net, &forward, &loss, &err), &err);
    return loss.loss;
}

#endif

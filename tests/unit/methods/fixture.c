#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "fixture.h"

static const char space_text[] =
    "name: small\n"
    "cells:\n"
    "  normal: {inputs: 2, nodes: 2, output: concat,\n"
    "           ops: [none, max_pool_3x3, skip_connect, sep_conv_3x3, dil_conv_3x3]}\n"
    "  reduce: {inputs: 2, nodes: 2, output: concat,\n"
    "           ops: [none, avg_pool_3x3, skip_connect, sep_conv_3x3], stride: 2}\n"
    "stack: {reduce_at: [1/2]}\n"
    "stem: [{channels: 3, steps: [conv3x3, bn]}]\n"
    "preprocess: {same: [relu, pw, bn], reduce: [relu, fr, bn]}\n"
    "head: [gap, linear]\n";

struct snas_method *fixture_snas(struct fixture *f, const struct snas_snas_options *o)
{
    struct snas_err err = {0};
    struct snas_method *m;
    if (snas_method_snas(f->network, &f->costs, o, 11, &m, &err) != SNAS_OK)
        fail_msg("%s", err.text);
    return m;
}

void close_to(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance))
        fail_msg("%.17g, expected %.17g +- %g", value, expected, tolerance);
}

int fixture_open(void **state)
{
    struct snas_err err = {0};
    struct fixture *f = snas_alloc(1, sizeof(*f), &err);
    const struct snas_network_options o = {
        .channels = 3, .layers = 3, .input = {1, 6, 6}, .classes = 3, .pool_bn = 1};
    struct snas_net_options net;
    snas_net_options_default(&net);
    net.batch = 4;
    net.training = 1;
    net.precision = SNAS_PRECISION_F64;
    if (!f ||
        snas_space_parse("small", space_text, strlen(space_text), &f->space, &err) != SNAS_OK ||
        snas_network_create(&f->space, &o, NULL, &f->network, &err) != SNAS_OK ||
        snas_cost_table_create(f->network, &f->costs, &err) != SNAS_OK ||
        snas_net_create(f->network, &net, &f->net, &err) != SNAS_OK) {
        print_error("fixture: %s\n", err.text);
        return 1;
    }
    f->images = snas_alloc(4 * 36, sizeof(double), &err);
    if (!f->images)
        return 1;
    struct snas_rng rng = snas_rng_make(7, SNAS_STREAM_TEST, 0);
    for (int i = 0; i < 4 * 36; i++)
        f->images[i] = snas_rng_normal(&rng);
    for (int i = 0; i < 4; i++)
        f->labels[i] = i % 3;
    f->batch = (struct snas_batch){f->images, f->labels, 4};
    *state = f;
    return 0;
}

int fixture_close(void **state)
{
    struct fixture *f = *state;
    snas_net_destroy(f->net);
    snas_cost_table_clear(&f->costs);
    snas_network_destroy(f->network);
    snas_free(f->images);
    snas_free(f);
    return 0;
}

static enum snas_status next_batch(void *owner, int held_out, struct snas_batch *out,
                                   struct snas_err *err)
{
    (void)held_out;
    (void)err;
    *out = ((struct fixture *)owner)->batch;
    return SNAS_OK;
}

static enum snas_status theta_step(void *owner, struct snas_err *err)
{
    (void)err;
    ((struct fixture *)owner)->theta_steps++;
    return SNAS_OK;
}

struct snas_method_context fixture_context(struct fixture *f)
{
    return (struct snas_method_context){.net = f->net,
                                        .next_batch = next_batch,
                                        .theta_step = theta_step,
                                        .owner = f,
                                        .seed = 5,
                                        .epoch = 1,
                                        .epochs = 4};
}

struct snas_snas_options fixture_options(void)
{
    return (struct snas_snas_options){
        .temperature_start = 1,
        .temperature_end = 0.2,
        .alpha = {.learning_rate = 1, .init_mean = 1, .init_sd = 0.5}};
}

void fixture_fails_cleanly(const struct fixture *f,
                           enum snas_status (*create)(const struct fixture *f,
                                                      struct snas_method **out,
                                                      struct snas_err *err))
{
    for (long nth = 1;; nth++) {
        struct snas_err err = {0};
        struct snas_method *m;
        snas_mem_fail_at(nth);
        enum snas_status s = create(f, &m, &err);
        snas_mem_fail_at(0);
        if (s == SNAS_OK) {
            snas_method_destroy(m);
            assert_true(nth > 5);
            return;
        }
        assert_int_equal(s, SNAS_E_NOMEM);
        assert_null(m);
    }
}

/* The bias of a mixture: none where the network is linear in Z, some where it is not. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/io.h"
#include "base/mem.h"
#include "fixture.h"
#include "methods/concrete.h"
#include "methods/snas.h"
#include "train/bias.h"
#include "train/run.h"

enum { IMAGES = 64, SIDE = 6, PIXELS = SIDE * SIDE };

/* Every edge is drawn by itself and a path takes each edge at most once: the logits are linear in
 * each edge's z, and their mean over Z is the mixture's. */
static const char linear[] =
    "name: linear\n"
    "cells:\n"
    "  normal: {inputs: 1, nodes: 2, ops: [none, skip_connect, wide, mix]}\n"
    "stack: {reduce_at: []}\n"
    "stem: [{channels: 1, steps: [conv3x3, bn]}]\n"
    "preprocess: {same: [pw]}\n"
    "head: [gap, linear]\n"
    "ops:\n"
    "  wide: {stride1: [dw3, pw], stride2: [dw3s2, pw]}\n"
    "  mix: {stride1: [pw], stride2: [fr]}\n";

static const char relu_conv_bn[] =
    "name: relu-conv-bn\n"
    "cells:\n"
    "  normal: {inputs: 1, nodes: 2, ops: [none, skip_connect, sep_conv_3x3, mix]}\n"
    "stem: [{channels: 1, steps: [conv3x3, bn]}]\n"
    "preprocess: {same: [relu, pw, bn]}\n"
    "head: [gap, linear]\n"
    "ops:\n"
    "  mix: {stride1: [relu, pw, bn], stride2: [relu, fr, bn]}\n";

struct small {
    struct snas_space space;
    struct snas_network *network;
    struct snas_cost_table costs;
    struct snas_net *net;
    struct snas_method *method;
    struct snas_dataset ds;
    uint32_t indices[IMAGES];
    double mean[1], sd[1], *z;
};

/* Two classes: dark or bright. */
static void make_images(struct snas_dataset *ds, uint32_t *indices)
{
    struct snas_rng rng = snas_rng_make(5, SNAS_STREAM_TEST, 0);
    *ds = (struct snas_dataset){
        .n = IMAGES, .channels = 1, .height = SIDE, .width = SIDE, .classes = 2};
    ds->pixels = snas_alloc(IMAGES, PIXELS, NULL);
    ds->labels = snas_alloc(IMAGES, sizeof(int), NULL);
    assert_true(ds->pixels && ds->labels);
    for (int i = 0; i < IMAGES; i++) {
        indices[i] = (uint32_t)i;
        ds->labels[i] = i % 2;
        for (int p = 0; p < PIXELS; p++) {
            ds->pixels[i * PIXELS + p] = (uint8_t)(60 * ds->labels[i] + snas_rng_below(&rng, 120));
        }
    }
}

static void train(struct small *s, int steps)
{
    struct snas_err err = {0};
    struct snas_loss loss;
    float images[IMAGES * PIXELS];
    float *theta = snas_net_theta(s->net);
    const float *grad = snas_net_grad(s->net);
    for (int i = 0; i < IMAGES * PIXELS; i++)
        images[i] = (float)((s->ds.pixels[i] / 255.0 - s->mean[0]) / s->sd[0]);
    for (int e = 0; e < s->network->n_edges; e++) {
        const struct snas_alpha_row *row = &s->method->rows[s->method->edge_row[e]];
        snas_softmax(s->method->alpha + row->first, row->n_ops, s->z + s->network->edges[e].z);
    }
    for (int i = 0; i < steps; i++) {
        const struct snas_forward f = {
            .batch = {images, s->ds.labels, IMAGES}, .z = s->z, .bn = SNAS_BN_BATCH};
        const struct snas_backward b = {0};
        assert_int_equal(snas_net_forward(s->net, &f, &loss, &err), SNAS_OK);
        assert_int_equal(snas_net_backward(s->net, &b, &err), SNAS_OK);
        for (size_t j = 0; j < snas_net_theta_size(s->net); j++)
            theta[j] -= 0.1F * grad[j];
    }
    assert_true(loss.loss < 0.5);
}

/* Logits so small that the loss is linear in them. */
static void shrink_head(struct small *s)
{
    const struct snas_block *head = &s->network->blocks[s->network->head];
    const struct snas_layer *last = &s->network->layers[head->first_layer + head->n_layers - 1];
    float *w = snas_net_param(s->net, last->weight);
    for (size_t i = 0; i < s->network->params[last->weight].count; i++)
        w[i] *= 0.01F;
}

static void open_small(struct small *s, const char *text)
{
    struct snas_err err = {0};
    const struct snas_network_options n = {
        .channels = 4, .layers = 2, .input = {1, SIDE, SIDE}, .classes = 2, .pool_bn = 1};
    const struct snas_snas_options o = {
        .temperature_start = 1, .temperature_end = 1, .alpha = {.init_sd = 1}};
    struct snas_net_options net;
    snas_net_options_default(&net);
    net.batch = IMAGES;
    net.training = 1;
    net.threads = 1;
    memset(s, 0, sizeof(*s));
    make_images(&s->ds, s->indices);
    snas_dataset_statistics(&s->ds, s->indices, IMAGES, s->mean, s->sd);
    if (snas_space_parse("small", text, strlen(text), &s->space, &err) != SNAS_OK ||
        snas_network_create(&s->space, &n, NULL, &s->network, &err) != SNAS_OK ||
        snas_cost_table_create(s->network, &s->costs, &err) != SNAS_OK ||
        snas_net_create(s->network, &net, &s->net, &err) != SNAS_OK ||
        snas_method_snas(s->network, &s->costs, &o, 2, &s->method, &err) != SNAS_OK)
        fail_msg("%s", err.text);
    s->z = snas_alloc((size_t)s->network->n_z, sizeof(double), &err);
    assert_non_null(s->z);
    snas_net_init(s->net, 1);
}

static void close_small(struct small *s)
{
    snas_method_destroy(s->method);
    snas_net_destroy(s->net);
    snas_cost_table_clear(&s->costs);
    snas_network_destroy(s->network);
    snas_dataset_clear(&s->ds);
    snas_free(s->z);
}

static struct snas_bias measure(struct small *s, int samples, int epoch)
{
    const struct snas_image_set set = {.ds = &s->ds,
                                       .indices = s->indices,
                                       .n = IMAGES,
                                       .mean = s->mean,
                                       .sd = s->sd,
                                       .batch = IMAGES};
    const struct snas_bias_options o = {
        .samples = samples, .per_cell = 1, .seed = 4, .epoch = epoch};
    struct snas_bias b;
    struct snas_err err = {0};
    if (snas_bias_measure(s->net, s->method, &set, &o, s->z, &b, &err) != SNAS_OK)
        fail_msg("%s", err.text);
    assert_int_equal(b.images, IMAGES);
    return b;
}

static void bias__mixture_is_the_mean_when_the_network_is_linear_in_z(void **state)
{
    (void)state;
    struct small s;
    open_small(&s, linear);
    train(&s, 200);
    shrink_head(&s);
    struct snas_bias b = measure(&s, 2000, 0);
    assert_true(b.hard_sd > 1e-4); /* the samples do differ */
    if (fabs(b.mixture.loss - b.hard_loss) > 4 * b.hard_se)
        fail_msg("%g beside %g +- %g", b.mixture.loss, b.hard_loss, b.hard_se);
    close_small(&s);
}

static void bias__mixture_is_not_the_mean_when_there_are_relu_conv_bn(void **state)
{
    (void)state;
    struct small s;
    open_small(&s, relu_conv_bn);
    train(&s, 200);
    shrink_head(&s);
    struct snas_bias b = measure(&s, 2000, 0);
    if (fabs(b.mixture.loss - b.hard_loss) < 10 * b.hard_se)
        fail_msg("%g beside %g +- %g", b.mixture.loss, b.hard_loss, b.hard_se);
    close_small(&s);
}

static void bias__estimate_is_within_its_error_when_samples_are_few(void **state)
{
    (void)state;
    enum { TIMES = 40, SAMPLES = 64 };
    struct small s;
    open_small(&s, relu_conv_bn);
    train(&s, 200);
    struct snas_bias all = measure(&s, 4000, 1000);
    int within = 0;
    for (int t = 0; t < TIMES; t++) {
        struct snas_bias b = measure(&s, SAMPLES, t);
        assert_true(fabs(b.hard_se - b.hard_sd / 8) < 1e-12);
        within += fabs(b.hard_loss - all.hard_loss) < 2 * b.hard_se;
    }
    assert_true(within >= 32); /* 95% expected */
    close_small(&s);
}

static void bias__there_is_nothing_to_tell_when_the_distribution_is_certain(void **state)
{
    (void)state;
    struct small s;
    open_small(&s, relu_conv_bn);
    for (int r = 0; r < s.method->n_rows; r++)
        s.method->alpha[s.method->rows[r].first + 2] = 1000;
    struct snas_bias b = measure(&s, 3, 0);
    assert_true(b.hard_loss == b.mixture.loss && b.hard_sd == 0);
    assert_true(fabs(b.hard_accuracy - b.mixture.accuracy) < 1e-12);
    close_small(&s);
}

static int count_rows(const char *path)
{
    struct snas_err err = {0};
    char *text;
    size_t size;
    int rows = -1;
    if (snas_read_file(path, 1u << 20, &text, &size, &err) != SNAS_OK)
        fail_msg("%s", err.text);
    assert_int_equal(strncmp(text, SNAS_BIAS_HEADER, strlen(SNAS_BIAS_HEADER)), 0);
    for (size_t i = 0; i < size; i++)
        rows += text[i] == '\n';
    snas_free(text);
    return rows;
}

static void bias__rows_are_those_asked_for_when_a_search_ends(void **state)
{
    (void)state;
    struct snas_search_config c = fixture_config(
        "search: {epochs: 5}\n"
        "evaluation: {bias_samples: 3, bias_every: 2, bias_images: 40, epoch_images: 16}\n");
    fixture_run_ok(&c, "biased");
    assert_int_equal(count_rows("biased/bias.csv"), 3); /* after 2, 4 and the last */
    c.evaluation.bias_samples = 0;
    fixture_run_ok(&c, "not-asked");
    assert_false(snas_path_exists("not-asked/" SNAS_RUN_BIAS));
}

static void bias__rows_stay_when_a_search_is_gone_on_with(void **state)
{
    (void)state;
    struct snas_search_config c =
        fixture_config("search: {epochs: 3}\n"
                       "evaluation: {bias_samples: 2, bias_images: 16, epoch_images: 16}\n");
    const volatile int stop = 1; /* after every step */
    fixture_run_ok(&c, "whole");
    struct snas_err err = {0};
    enum snas_status status = SNAS_E_INTERRUPTED;
    for (int i = 0; i < 7 && status == SNAS_E_INTERRUPTED; i++)
        status = fixture_run(&c, "parts", 1, &stop, &err);
    assert_int_equal(status, SNAS_E_INTERRUPTED);
    assert_int_equal(fixture_run(&c, "parts", 1, NULL, &err), SNAS_OK);
    fixture_same_run("whole", "parts");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bias__mixture_is_the_mean_when_the_network_is_linear_in_z),
        cmocka_unit_test(bias__mixture_is_not_the_mean_when_there_are_relu_conv_bn),
        cmocka_unit_test(bias__estimate_is_within_its_error_when_samples_are_few),
        cmocka_unit_test(bias__there_is_nothing_to_tell_when_the_distribution_is_certain),
        cmocka_unit_test(bias__rows_are_those_asked_for_when_a_search_ends),
        cmocka_unit_test(bias__rows_stay_when_a_search_is_gone_on_with),
    };
    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}

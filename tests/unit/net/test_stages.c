/* Stages, the fixed blocks between them, cells without preprocessing and a batch norm in the head:
 * by every instruction set against the reference, and against central differences. */
#include "compare.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SIZES = 1, PATH_SIZES = 2, PARAM_STEP = 5 };
#else
enum { SIZES = 4, PATH_SIZES = 5, PARAM_STEP = 1 };
#endif

static const char *const cell =
    "name: staged\n"
    "ops: {avg: {stride1: [avg3], stride2: [avg3s2]}}\n"
    "cells: {normal: {inputs: 1, nodes: 3, output: last,\n"
    "                 ops: [none, skip_connect, nor_conv_1x1, nor_conv_3x3, avg]}}\n"
    "stem: [{channels: 1, steps: [conv3x3, bn]}]\n";

static void read_space(struct snas_space *space, const char *rest)
{
    char text[1024];
    struct snas_err err = {0};
    snprintf(text, sizeof text, "%s%s", cell, rest);
    assert_ok(snas_space_parse("staged", text, strlen(text), space, &err), &err);
}

/* NAS-Bench-201's own, and relatives of it: pools behind a ReLU, a mean within a path, three paths,
 * a head with one of the two steps, stages of one width. */
#define ITS_OWN                                                                                    \
    "stack: {stages: [1, 2, 4],\n"                                                                 \
    "        between: [[relu, conv3x3s2, bn, relu, conv3x3, bn], [avg2s2, pw]]}\n"                 \
    "head: [bn, relu, gap, linear]\n"
#define MEANS_WITHIN                                                                               \
    "stack: {stages: [1, 3],\n"                                                                    \
    "        between: [[relu, avg2s2, pw, bn], [conv3x3, bn, relu, avg2s2, pw], [pws2]]}\n"        \
    "head: [bn, gap, linear]\n"
#define ONE_WIDTH                                                                                  \
    "stack: {stages: [1, 1, 1], between: [[pw, bn], []]}\n"                                        \
    "head: [relu, gap, linear]\n"
static const char *const rests[] = {ITS_OWN, MEANS_WITHIN, ONE_WIDTH};
enum { RESTS = sizeof rests / sizeof rests[0] };

static void supernet__is_as_exact_as_the_reference_when_it_has_stages(void **state)
{
    (void)state;
    static const struct {
        int c, h, w;
    } sizes[] = {{4, 8, 8}, {5, 9, 7}, {16, 7, 13}, {17, 12, 6}};
    for (int i = 0; i < RESTS * SIZES; i++) {
        struct snas_space space;
        struct setup s = {.shape = {0, sizes[i % 4].c, 3, sizes[i % 4].h, sizes[i % 4].w, i & 1},
                          .bn = i % 3 ? SNAS_BN_BATCH_UPDATE : SNAS_BN_BATCH,
                          .z = (enum z_mode)(i % 2),
                          .memory = i % 5 == 4 ? SNAS_MEMORY_LEAN : SNAS_MEMORY_NORMAL,
                          .threads = 1 + i % 2,
                          .rounding = 1e-5};
        read_space(&space, rests[i % RESTS]);
        s.shape.layers = 2 * space.n_stages;
        check(&space, &s, 0);
    }
}

static void supernet__is_as_exact_as_the_reference_when_statistics_are_running(void **state)
{
    (void)state;
    for (int i = 0; i < RESTS; i++) {
        struct snas_space space;
        struct setup s = {.shape = {0, 8, 3, 10, 10, 1},
                          .bn = i ? SNAS_BN_RUNNING : SNAS_BN_ESTIMATE,
                          .rounding = 1e-5};
        read_space(&space, rests[i]);
        s.shape.layers = space.n_stages;
        check(&space, &s, 0);
    }
}

/* A path alone, so that few ReLUs can turn: every value to 1e-5. */
static void fixed_block__agrees_at_1e_5_when_channels_and_sides_vary(void **state)
{
    (void)state;
    static const char *const paths[] = {"[relu, conv3x3s2, bn, relu, conv3x3, bn], [avg2s2, pw]",
                                        "[avg2s2, pw], [pws2, bn]",
                                        "[conv3x3, bn, relu, avg2s2, pw, bn]"};
    static const int sizes[][3] = {{1, 8, 9}, {4, 9, 9}, {7, 7, 12}, {16, 16, 16}, {33, 5, 8}};
    for (size_t p = 0; p < sizeof paths / sizeof paths[0]; p++)
        for (size_t i = 0; i < PATH_SIZES; i++) {
            struct snas_space space;
            char text[768];
            struct snas_err err = {0};
            snprintf(text, sizeof text,
                     "name: fixed\n"
                     "cells: {a: {inputs: 1, nodes: 1, output: last, ops: [skip_connect]}}\n"
                     "stack: {stages: [1, 2], between: [%s]}\n"
                     "stem: [{channels: 1, steps: [conv3x3, bn]}]\n"
                     "head: [bn, relu, gap, linear]\n",
                     paths[p]);
            assert_ok(snas_space_parse("fixed", text, strlen(text), &space, &err), &err);
            struct setup s = {.shape = {2, sizes[i][0], 2, sizes[i][1], sizes[i][2], 1},
                              .bn = SNAS_BN_BATCH_UPDATE};
            check(&space, &s, 1e-5);
        }
}

/* One parameter value or z by central differences, against what the backward says. */
static double difference(struct fixture *f, double *at)
{
    const double value = *at, step = 1e-5;
    *at = value + step;
    double up = fixture_loss(f);
    *at = value - step;
    double down = fixture_loss(f);
    *at = value;
    return (up - down) / (2 * step);
}

static void supernet__matches_central_differences_when_it_has_stages(void **state)
{
    (void)state;
    for (int rest = 0; rest < RESTS; rest++) {
        struct fixture f = {.options = fixture_options(SNAS_PRECISION_F64)};
        struct snas_network_options o = fixture_network_options(0);
        struct snas_err err = {0};
        read_space(&f.space, rests[rest]);
        o.layers = f.space.n_stages;
        o.affine = 1;
        fixture_make(&f, &o, NULL);
        fixture_loss(&f);
        double *dz = calloc((size_t)f.network->n_z, sizeof *dz);
        struct snas_backward b = {.dz = dz};
        assert_non_null(dz);
        assert_ok(snas_net_backward(f.net, &b, &err), &err);
        double *theta = snas_net_theta(f.net), *grad = snas_net_grad(f.net);
        for (int i = 0; i < f.network->n_params; i += PARAM_STEP) {
            const struct snas_param *p = &f.network->params[i];
            if (p->kind >= SNAS_PARAM_MEAN)
                continue;
            const size_t k = snas_net_param_offset(f.net, i) + (size_t)(7 * i) % p->count;
            const double want = difference(&f, &theta[k]), off = fabs(grad[k] - want);
            if (off > 1e-6 + 1e-5 * fabs(want))
                fail_msg("%s: %.9g, differences give %.9g", p->name, grad[k], want);
        }
        for (int i = 0; i < f.network->n_z; i += 3 * PARAM_STEP) {
            const double want = difference(&f, &f.z[i]);
            if (fabs(dz[i] - want) > 1e-6 + 1e-5 * fabs(want))
                fail_msg("z %d: %.9g, differences give %.9g", i, dz[i], want);
        }
        free(dz);
        fixture_clear(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(supernet__is_as_exact_as_the_reference_when_it_has_stages),
        cmocka_unit_test(supernet__is_as_exact_as_the_reference_when_statistics_are_running),
        cmocka_unit_test(fixed_block__agrees_at_1e_5_when_channels_and_sides_vary),
        cmocka_unit_test(supernet__matches_central_differences_when_it_has_stages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

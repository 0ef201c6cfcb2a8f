/* Whole searches by ENAS. */
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
#include "methods/enas.h"
#include "train/child.h"

static const char enas[] = "search: {method: enas, epochs: 3}\n"
                           "enas: {units: 16, updates: 4, samples: 4, marginal_samples: 50}\n"
                           "derive: {samples: 6, images: 32, rescored: 2}\n"
                           "evaluation: {epoch_images: 32}\n";

static void enas__interrupted_run_is_the_same_when_it_is_gone_on_with(void **state)
{
    (void)state;
    const struct snas_search_config c = fixture_config(enas);
    const volatile int stop = 1; /* after every step */
    struct snas_err err = {0};
    fixture_run_ok(&c, "whole");
    for (int i = 0; i < 9; i++)
        assert_int_equal(fixture_run(&c, "parts", 1, &stop, &err), SNAS_E_INTERRUPTED);
    assert_int_equal(fixture_run(&c, "parts", 1, NULL, &err), SNAS_OK);
    fixture_same_run("whole", "parts");
}

/* One edge, one op of which tells the classes apart; two picks of it a cell. */
static void enas__decides_for_the_op_that_helps_when_one_does(void **state)
{
    (void)state;
    struct snas_search_config c =
        fixture_config("space: ./planted.yaml\n"
                       "network: {layers: 1}\n"
                       "search: {method: enas, epochs: 6, images_per_epoch: 256}\n"
                       "theta: {learning_rate: 0.1, learning_rate_end: 0.1}\n"
                       "enas: {units: 16, updates: 10, learning_rate: 0.03}\n"
                       "derive: {samples: 20}\n");
    char *text;
    size_t size;
    struct snas_err err = {0};
    fixture_run_ok(&c, "planted");
    assert_int_equal(snas_read_file("planted/alpha/epoch-006.csv", 1u << 16, &text, &size, &err),
                     SNAS_OK);
    const char *line = strstr(text, "sep_conv_3x3,");
    assert_non_null(line);
    double p = strtod(strchr(strchr(line, ',') + 1, ',') + 1, NULL);
    snas_free(text);
    if (!(p > 0.3)) /* of four ops that compute something */
        fail_msg("sep_conv_3x3 has %g", p);
    assert_true(fixture_result("planted", "child.validation_accuracy") > 0.9);
}

/* Of a child that has two ops on an edge. */
static int has_two_on_an_edge(const struct snas_genotype *g)
{
    for (int k = 0; k < SNAS_MAX_KINDS; k++)
        for (int n = 0; n < g->cells[k].n_nodes; n++)
            for (int c = 1; c < g->cells[k].n_choices[n]; c++)
                if (g->cells[k].choices[n][c].from == g->cells[k].choices[n][c - 1].from)
                    return 1;
    return 0;
}

static void enas__child_computes_what_the_supernet_did_when_it_has_two_ops_on_an_edge(void **state)
{
    (void)state;
    enum { N = 8, SIDE = 8 };
    struct snas_err err = {0};
    struct snas_space space;
    struct snas_network *network = NULL, *child_network = NULL;
    struct snas_net *net = NULL, *child = NULL;
    struct snas_method *m = NULL;
    struct snas_genotype g;
    float images[N * SIDE * SIDE];
    int labels[N];
    const struct snas_network_options n = {
        .channels = 4, .layers = 2, .input = {1, SIDE, SIDE}, .classes = 2, .pool_bn = 1};
    const struct snas_enas_options o = {
        .controller = {.units = 8, .tanh_constant = 1.1, .op_tanh_reduce = 2.5, .init = 0.1},
        .marginal_samples = 1};
    struct snas_net_options net_options;
    snas_net_options_default(&net_options);
    net_options.batch = N;
    net_options.threads = 1;
    if (snas_space_read("./small.yaml", &space, &err) != SNAS_OK ||
        snas_network_create(&space, &n, NULL, &network, &err) != SNAS_OK ||
        snas_net_create(network, &net_options, &net, &err) != SNAS_OK ||
        snas_method_enas(network, &o, 1, &m, &err) != SNAS_OK)
        fail_msg("%s", err.text);
    uint64_t number = 0;
    do {
        m->ops->sample_genotype(m, 1, SNAS_STREAM_TEST, number++, &g);
    } while (!has_two_on_an_edge(&g));
    if (snas_network_create(&space, &n, &g, &child_network, &err) != SNAS_OK ||
        snas_net_create(child_network, &net_options, &child, &err) != SNAS_OK)
        fail_msg("%s", err.text);
    snas_net_init(net, 4);
    assert_int_equal(snas_child_inherit(net, child, &err), SNAS_OK);
    struct snas_rng rng = snas_rng_make(3, SNAS_STREAM_TEST, 0);
    for (int i = 0; i < N * SIDE * SIDE; i++)
        images[i] = (float)snas_rng_normal(&rng);
    for (int i = 0; i < N; i++)
        labels[i] = i % 2;
    double *z = malloc((size_t)network->n_z * sizeof(*z));
    assert_non_null(z);
    assert_int_equal(snas_z_from_genotype(network, &g, z, &err), SNAS_OK);
    struct snas_forward f = {.batch = {images, labels, N}, .z = z, .bn = SNAS_BN_BATCH};
    struct snas_loss a, b;
    assert_int_equal(snas_net_forward(net, &f, &a, &err), SNAS_OK);
    f.z = NULL;
    assert_int_equal(snas_net_forward(child, &f, &b, &err), SNAS_OK);
    assert_true(fabs(a.loss - b.loss) < 1e-5 * a.loss);
    const float *x = snas_net_logits(net), *y = snas_net_logits(child);
    for (int i = 0; i < 2 * N; i++)
        assert_true(fabsf(x[i] - y[i]) < 1e-4F);
    free(z);
    snas_method_destroy(m);
    snas_net_destroy(child);
    snas_net_destroy(net);
    snas_network_destroy(child_network);
    snas_network_destroy(network);
}

static void enas__is_refused_when_a_penalty_or_budget_is_asked_of_it(void **state)
{
    (void)state;
    static const char *const wrong[] = {"penalty.strength=1", "budget.params=1000",
                                        "budget.madds=1000"};
    struct snas_err err = {0};
    assert_int_equal(snas_write_file("some.yaml", "name: some\n", 11, &err), SNAS_OK);
    for (int i = 0; i < 3; i++) {
        struct snas_search_config c;
        const char *const set[] = {"search.method=enas", wrong[i]};
        err = (struct snas_err){0};
        assert_int_equal(snas_search_config_read("./some.yaml", set, 2, &c, &err), SNAS_E_CONFIG);
        assert_non_null(strstr(err.text, "enas"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(enas__interrupted_run_is_the_same_when_it_is_gone_on_with),
        cmocka_unit_test(enas__decides_for_the_op_that_helps_when_one_does),
        cmocka_unit_test(enas__child_computes_what_the_supernet_did_when_it_has_two_ops_on_an_edge),
        cmocka_unit_test(enas__is_refused_when_a_penalty_or_budget_is_asked_of_it),
    };
    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}

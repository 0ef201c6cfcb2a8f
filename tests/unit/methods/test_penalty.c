/* The penalty's forms and estimators: gradients against central differences, each pair against
 * itself and against the other, the authors' scale against method.md's figures. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "fixture.h"
#include "methods/concrete.h"

static struct snas_penalty_options options(int form, int estimator)
{
    return (struct snas_penalty_options){.strength = 1.5,
                                         .form = form,
                                         .estimator = estimator,
                                         .share = {3, 1, 2},
                                         .reference = 0.8};
}

static void make(struct fixture *f, const struct snas_penalty_options *o, struct snas_penalty *p)
{
    struct snas_err err = {0};
    if (snas_penalty_init(p, f->network, &f->costs, o, &err) != SNAS_OK)
        fail_msg("%s", err.text);
}

static void penalty__cost_is_one_when_alpha_is_uniform(void **state)
{
    struct fixture *f = *state;
    for (int form = SNAS_PENALTY_LINEAR; form <= SNAS_PENALTY_PRODUCT; form++) {
        const struct snas_penalty_options o = options(form, SNAS_PENALTY_ANALYTIC);
        struct snas_penalty p;
        double z[SNAS_MAX_OPS], sum = 0;
        make(f, &o, &p);
        for (int e = 0; e < f->network->n_edges; e++) {
            for (int k = 0; k < f->network->edges[e].n_ops; k++)
                z[k] = 1.0 / f->network->edges[e].n_ops;
            sum += snas_penalty_edge(&p, e, z, NULL);
        }
        close_to(sum, 1, 1e-12);
        snas_penalty_clear(&p);
    }
}

static void penalty__edge_derivative_equals_central_differences_when_z_is_mixed(void **state)
{
    struct fixture *f = *state;
    struct snas_rng rng = snas_rng_make(5, SNAS_STREAM_TEST, 1);
    for (int form = SNAS_PENALTY_LINEAR; form <= SNAS_PENALTY_LOG; form++) {
        const struct snas_penalty_options o = options(form, SNAS_PENALTY_REPARAMETRIZED);
        struct snas_penalty p;
        make(f, &o, &p);
        for (int e = 0; e < f->network->n_edges; e++) {
            int n = f->network->edges[e].n_ops;
            double z[SNAS_MAX_OPS], dz[SNAS_MAX_OPS], h = 1e-6;
            for (int k = 0; k < n; k++)
                z[k] = 0.2 + 0.5 * snas_rng_uniform(&rng);
            snas_penalty_edge(&p, e, z, dz);
            for (int k = 0; k < n; k++) {
                double at = z[k];
                z[k] = at + h;
                double up = snas_penalty_edge(&p, e, z, NULL);
                z[k] = at - h;
                double down = snas_penalty_edge(&p, e, z, NULL);
                z[k] = at;
                close_to(dz[k], (up - down) / (2 * h), 1e-8);
            }
        }
        snas_penalty_clear(&p);
    }
}

static void penalty__slope_equals_central_differences_when_the_cost_moves(void **state)
{
    struct fixture *f = *state;
    for (int form = SNAS_PENALTY_LINEAR; form <= SNAS_PENALTY_PRODUCT; form++) {
        const struct snas_penalty_options o = options(form, SNAS_PENALTY_ANALYTIC);
        struct snas_penalty p;
        double slope, task, none, h = 1e-6, loss = 2.3;
        make(f, &o, &p);
        snas_penalty_value(&p, 0.7, 0.9, loss, &slope, &task);
        double up = snas_penalty_value(&p, 0.7, 0.9 + h, loss, &none, &none);
        double down = snas_penalty_value(&p, 0.7, 0.9 - h, loss, &none, &none);
        close_to(slope, (up - down) / (2 * h), 1e-8);
        up = snas_penalty_value(&p, 0.7, 0.9, loss + h, &none, &none);
        down = snas_penalty_value(&p, 0.7, 0.9, loss - h, &none, &none);
        close_to(task, 1 + (up - down) / (2 * h), 1e-8);
        snas_penalty_clear(&p);
    }
}

/* Both formulas of ProxylessNAS, at numbers that are done by hand. */
static void penalty__proxyless_forms_have_the_papers_values_when_asked(void **state)
{
    struct fixture *f = *state;
    struct snas_penalty_options o = options(SNAS_PENALTY_PRODUCT, SNAS_PENALTY_ANALYTIC);
    struct snas_penalty p;
    double slope, task;
    make(f, &o, &p);
    close_to(snas_penalty_value(&p, 2, 1.6, 3, &slope, &task), 3 * 4 - 3, 1e-12);
    close_to(task, 4, 1e-12);
    snas_penalty_clear(&p);
    o.form = SNAS_PENALTY_DIFFERENCE;
    make(f, &o, &p);
    close_to(snas_penalty_value(&p, 2, 1.2, 3, &slope, &task), 2 * 0.5, 1e-12);
    close_to(task, 1, 0);
    snas_penalty_clear(&p);
}

static void penalty__strength_grows_when_the_warm_up_is_over(void **state)
{
    (void)state;
    const struct snas_penalty_options o = {.strength = 4, .warmup = 2, .ramp = 3};
    const double expected[] = {0, 0, 1, 2, 3, 4, 4};
    for (int epoch = 0; epoch < 7; epoch++)
        close_to(snas_penalty_strength(&o, epoch), expected[epoch], 1e-12);
    const struct snas_penalty_options at_once = {.strength = 4};
    close_to(snas_penalty_strength(&at_once, 0), 4, 0);
}

static void is_refused(struct fixture *f, struct snas_penalty_options o, const char *word)
{
    struct snas_err err = {0};
    struct snas_penalty p;
    assert_int_equal(snas_penalty_init(&p, f->network, &f->costs, &o, &err), SNAS_E_CONFIG);
    if (!strstr(err.text, word))
        fail_msg("'%s' lacks '%s'", err.text, word);
}

static void penalty__is_refused_when_it_cannot_be_weighed(void **state)
{
    struct fixture *f = *state;
    struct snas_penalty_options o = {.strength = 1};
    is_refused(f, o, "shares");
    is_refused(f, options(SNAS_PENALTY_PRODUCT, SNAS_PENALTY_POLICY), "estimator");
    double *mac = f->costs.column[SNAS_COST_MAC];
    f->costs.column[SNAS_COST_MAC] = NULL;
    is_refused(f, options(SNAS_PENALTY_LINEAR, SNAS_PENALTY_ANALYTIC), "no table");
    f->costs.column[SNAS_COST_MAC] = mac;
}

/* One edge with eight ops of eight costs, a made-up table. */
#define OPS 8
static const char one_edge[] =
    "name: one\n"
    "cells:\n"
    "  normal: {inputs: 1, nodes: 1, output: last,\n"
    "           ops: [none, max_pool_3x3, avg_pool_3x3, skip_connect, sep_conv_3x3, sep_conv_5x5,\n"
    "                 dil_conv_3x3, dil_conv_5x5]}\n"
    "stack: {reduce_at: []}\n"
    "stem: [{channels: 1, steps: [pw, bn]}]\n"
    "preprocess: {same: [relu, pw, bn], reduce: [relu, fr, bn]}\n"
    "head: [gap, linear]\n";

struct edge {
    struct snas_space space;
    struct snas_network *network;
    struct snas_penalty penalty;
};

/* Costs in one column: as parameters, or as milliseconds. */
static void edge_open_column(struct edge *e, int form, int estimator, enum snas_cost_column column)
{
    struct snas_err err = {0};
    const struct snas_network_options o = {
        .channels = 2, .layers = 1, .input = {1, 4, 4}, .classes = 2};
    double cost[OPS] = {0, 4, 9, 2, 40, 60, 25, 31};
    struct snas_cost_table costs = {.n_z = OPS};
    struct snas_penalty_options penalty = {.strength = 1, .form = form, .estimator = estimator};
    costs.column[column] = cost;
    penalty.share[column] = 1;
    for (int k = 0; column == SNAS_COST_LATENCY && k < OPS; k++)
        cost[k] *= 1e-3;
    if (snas_space_parse("one", one_edge, strlen(one_edge), &e->space, &err) != SNAS_OK ||
        snas_network_create(&e->space, &o, NULL, &e->network, &err) != SNAS_OK ||
        snas_penalty_init(&e->penalty, e->network, &costs, &penalty, &err) != SNAS_OK)
        fail_msg("%s", err.text);
}

static void edge_open(struct edge *e, int form, int estimator)
{
    edge_open_column(e, form, estimator, SNAS_COST_PARAMS);
}

static void edge_close(struct edge *e)
{
    snas_penalty_clear(&e->penalty);
    snas_network_destroy(e->network);
}

static const double alpha0[OPS] = {0.4, -0.3, 0.1, 0.8, 0.6, 0, -0.5, 0.2};

static double cost_at(const struct edge *e, const double *alpha, const double *gumbel, double T)
{
    const struct snas_penalty_sample s = {alpha, gumbel, T};
    return snas_penalty_estimate(&e->penalty, 0, &s, 0, NULL);
}

/* For one sample: the two estimators that differentiate a cost, against its differences. */
static void penalty__pathwise_gradients_equal_central_differences_when_alpha_moves(void **state)
{
    (void)state;
    for (int i = 0; i < 8; i++) {
        struct edge e;
        int estimator = i % 2 ? SNAS_PENALTY_ANALYTIC : SNAS_PENALTY_REPARAMETRIZED;
        double alpha[OPS], gumbel[OPS], d[OPS] = {0}, T = 0.7, h = 1e-6, most = 0;
        struct snas_rng rng = snas_rng_make(8, SNAS_STREAM_TEST, 2);
        edge_open_column(&e, i / 2 % 2 ? SNAS_PENALTY_LOG : SNAS_PENALTY_LINEAR, estimator,
                         i / 4 ? SNAS_COST_LATENCY : SNAS_COST_PARAMS);
        memcpy(alpha, alpha0, sizeof(alpha));
        for (int k = 0; k < OPS; k++)
            gumbel[k] = snas_rng_gumbel(&rng);
        const struct snas_penalty_sample s = {alpha, gumbel, T};
        snas_penalty_estimate(&e.penalty, 0, &s, 2, d);
        for (int k = 0; k < OPS; k++) {
            alpha[k] = alpha0[k] + h;
            double up = cost_at(&e, alpha, gumbel, T);
            alpha[k] = alpha0[k] - h;
            double down = cost_at(&e, alpha, gumbel, T);
            alpha[k] = alpha0[k];
            close_to(d[k], 2 * (up - down) / (2 * h), 1e-8);
            most = fmax(most, fabs(d[k]));
        }
        assert_true(most > 0.01);
        edge_close(&e);
    }
}

struct mean {
    double value[OPS], error[OPS]; /* of the mean */
};

static struct mean mean_gradient(int form, int estimator, double T, uint64_t stream)
{
    enum { DRAWS = 40000 };
    struct edge e;
    struct mean m = {0};
    double squares[OPS] = {0};
    struct snas_rng rng = snas_rng_make(17, SNAS_STREAM_TEST, stream);
    edge_open(&e, form, estimator);
    for (int i = 0; i < DRAWS; i++) {
        double gumbel[OPS], d[OPS] = {0};
        for (int k = 0; k < OPS; k++)
            gumbel[k] = snas_rng_gumbel(&rng);
        const struct snas_penalty_sample s = {alpha0, gumbel, T};
        snas_penalty_estimate(&e.penalty, 0, &s, 1, d);
        for (int k = 0; k < OPS; k++) {
            m.value[k] += d[k] / DRAWS;
            squares[k] += d[k] * d[k] / DRAWS;
        }
    }
    for (int k = 0; k < OPS; k++)
        m.error[k] = sqrt(fmax(0, squares[k] - m.value[k] * m.value[k]) / DRAWS);
    edge_close(&e);
    return m;
}

/* Largest difference of two means, in standard errors of the difference. */
static double apart(const struct mean *a, const struct mean *b)
{
    double most = 0;
    for (int k = 0; k < OPS; k++)
        most =
            fmax(most, fabs(a->value[k] - b->value[k]) /
                           (sqrt(a->error[k] * a->error[k] + b->error[k] * b->error[k]) + 1e-15));
    return most;
}

static void penalty__estimators_agree_within_a_pair_only_when_averaged(void **state)
{
    (void)state;
    const int form = SNAS_PENALTY_LINEAR;
    const struct mean path = mean_gradient(form, SNAS_PENALTY_REPARAMETRIZED, 1, 1);
    const struct mean score = mean_gradient(form, SNAS_PENALTY_SCORE, 1, 2);
    const struct mean exact = mean_gradient(form, SNAS_PENALTY_ANALYTIC, 1, 3);
    const struct mean policy = mean_gradient(form, SNAS_PENALTY_POLICY, 1, 4);
    close_to(apart(&path, &score), 0, 3);
    close_to(apart(&exact, &policy), 0, 3);
    assert_true(apart(&score, &exact) > 6);
    assert_true(apart(&policy, &path) > 6);
    assert_true(apart(&path, &exact) > 6);
    assert_true(apart(&policy, &score) > 6);
}

/* E ln is not ln E: the relaxed pair still agrees, the other does not. */
static void penalty__only_the_relaxed_pair_agrees_when_the_form_is_log(void **state)
{
    (void)state;
    const int form = SNAS_PENALTY_LOG;
    const struct mean path = mean_gradient(form, SNAS_PENALTY_REPARAMETRIZED, 0.5, 5);
    const struct mean score = mean_gradient(form, SNAS_PENALTY_SCORE, 0.5, 6);
    const struct mean exact = mean_gradient(form, SNAS_PENALTY_ANALYTIC, 0.5, 7);
    const struct mean policy = mean_gradient(form, SNAS_PENALTY_POLICY, 0.5, 8);
    close_to(apart(&path, &score), 0, 3);
    assert_true(apart(&exact, &policy) > 6);
}

/* method.md section 4: uniform alpha, 8 cells, C=16, 32 px. */
static void penalty__authors_log_form_is_the_known_figure_when_uniform(void **state)
{
    (void)state;
    struct snas_err err = {0};
    struct snas_space space;
    struct snas_network *network = NULL;
    struct snas_cost_table costs;
    const struct snas_network_options o = {
        .channels = 16, .layers = 8, .input = {3, 32, 32}, .classes = 10, .pool_bn = 1};
    if (snas_space_read("darts", &space, &err) != SNAS_OK ||
        snas_network_create(&space, &o, NULL, &network, &err) != SNAS_OK ||
        snas_cost_table_create(network, &costs, &err) != SNAS_OK)
        fail_msg("%s", err.text);
    close_to(snas_penalty_authors(network, &costs, SNAS_PENALTY_LOG), 284.849594, 5e-7);
    snas_cost_table_clear(&costs);
    snas_network_destroy(network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(penalty__cost_is_one_when_alpha_is_uniform),
        cmocka_unit_test(penalty__edge_derivative_equals_central_differences_when_z_is_mixed),
        cmocka_unit_test(penalty__slope_equals_central_differences_when_the_cost_moves),
        cmocka_unit_test(penalty__proxyless_forms_have_the_papers_values_when_asked),
        cmocka_unit_test(penalty__strength_grows_when_the_warm_up_is_over),
        cmocka_unit_test(penalty__is_refused_when_it_cannot_be_weighed),
        cmocka_unit_test(penalty__pathwise_gradients_equal_central_differences_when_alpha_moves),
        cmocka_unit_test(penalty__estimators_agree_within_a_pair_only_when_averaged),
        cmocka_unit_test(penalty__only_the_relaxed_pair_agrees_when_the_form_is_log),
        cmocka_unit_test(penalty__authors_log_form_is_the_known_figure_when_uniform),
    };
    return cmocka_run_group_tests_name("methods.penalty", tests, fixture_open, fixture_close);
}

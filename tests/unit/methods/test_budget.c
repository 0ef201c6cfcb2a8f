/* Budgets: what can be met, what is counted, and that the ascent meets limits of several sizes on
 * networks of several sizes when the task's gradient is frozen. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "fixture.h"
#include "kernels/optimiser.h"
#include "methods/concrete.h"

static struct snas_budget_options options(double params, double madds)
{
    return (struct snas_budget_options){
        .limit = {params, madds}, .rate = 20, .damping = 2, .target = 0.95};
}

/* Every genotype with one op an edge of a space small enough. */
static void budget__floor_is_the_cheapest_of_all_children_when_enumerated(void **state)
{
    (void)state;
    static const char text[] =
        "name: one\n"
        "cells:\n"
        "  normal: {inputs: 2, nodes: 1, output: concat, ops: [none, skip_connect, sep_conv_3x3]}\n"
        "  reduce: {inputs: 2, nodes: 1, output: concat, stride: 2,\n"
        "           ops: [none, max_pool_3x3, skip_connect, sep_conv_3x3]}\n"
        "stack: {reduce_at: [1/2]}\n"
        "stem: [{channels: 3, steps: [conv3x3, bn]}]\n"
        "preprocess: {same: [relu, pw, bn], reduce: [relu, fr, bn]}\n"
        "head: [gap, linear]\n";
    struct snas_err err = {0};
    struct snas_space space;
    struct snas_network *network = NULL;
    struct snas_cost_table costs;
    struct snas_budget budget;
    const struct snas_network_options o = {
        .channels = 4, .layers = 4, .input = {1, 8, 8}, .classes = 3, .pool_bn = 1};
    if (snas_space_parse("one", text, strlen(text), &space, &err) != SNAS_OK ||
        snas_network_create(&space, &o, NULL, &network, &err) != SNAS_OK ||
        snas_cost_table_create(network, &costs, &err) != SNAS_OK)
        fail_msg("%s", err.text);
    double best[SNAS_BUDGETS] = {INFINITY, INFINITY};
    for (int i = 0; i < 9 * 16; i++) {
        const int normal[] = {i % 3, i / 3 % 3}, reduce[] = {i / 9 % 4, i / 36};
        const int *const choice[SNAS_MAX_KINDS] = {normal, reduce};
        struct snas_genotype g;
        double cost[SNAS_BUDGETS];
        int connected;
        snas_genotype_from_choice(&space, choice, &g);
        assert_int_equal(snas_budget_cost(network, &costs, &g, cost, &connected, &err), SNAS_OK);
        for (int b = 0; b < SNAS_BUDGETS && connected; b++)
            best[b] = fmin(best[b], cost[b]);
    }
    struct snas_budget_options limit = options(best[0], best[1]);
    assert_int_equal(snas_budget_init(&budget, network, &costs, &limit, &err), SNAS_OK);
    for (int b = 0; b < SNAS_BUDGETS; b++)
        close_to(budget.floor[b], best[b], 0);
    snas_budget_clear(&budget);
    limit.limit[SNAS_BUDGET_PARAMS] -= 1;
    assert_int_equal(snas_budget_init(&budget, network, &costs, &limit, &err), SNAS_E_CONFIG);
    char figure[32];
    snprintf(figure, sizeof(figure), "has %.0f", best[0]);
    assert_non_null(strstr(err.text, figure));
    snas_cost_table_clear(&costs);
    snas_network_destroy(network);
}

/* A table as if measured: what an op takes follows no other column. */
static void fill_latency(struct snas_cost_table *costs, struct snas_err *err)
{
    struct snas_rng rng = snas_rng_make(7, SNAS_STREAM_TEST, 1);
    assert_int_equal(snas_cost_table_add(costs, SNAS_COST_LATENCY, err), SNAS_OK);
    for (int i = 0; i < costs->n_z; i++)
        costs->column[SNAS_COST_LATENCY][i] =
            costs->column[SNAS_COST_MAC][i] > 0 ? 0.01 + 0.02 * snas_rng_uniform(&rng) : 0;
    costs->fit = (struct snas_cost_fit){.networks = 20, .a_ms = 0.3, .b = 1.5};
}

static void budget__latency_follows_the_fit_when_a_child_is_counted(void **state)
{
    struct fixture *f = *state;
    struct snas_err err = {0};
    struct snas_cost_table costs;
    struct snas_budget b;
    struct snas_snas_options so = fixture_options();
    struct snas_method *m;
    struct snas_genotype g;
    double cost[SNAS_BUDGETS], sum = 0;
    int connected;
    assert_int_equal(snas_cost_table_create(f->network, &costs, &err), SNAS_OK);
    struct snas_budget_options o = options(0, 0);
    o.limit[SNAS_BUDGET_LATENCY] = 1e3;
    assert_int_equal(snas_budget_init(&b, f->network, &costs, &o, &err), SNAS_E_CONFIG);
    assert_non_null(strstr(err.text, "costs.table"));
    fill_latency(&costs, &err);
    /* every edge its last op: nothing is dead, so every row counts */
    assert_int_equal(snas_method_snas(f->network, &costs, &so, 3, &m, &err), SNAS_OK);
    for (int r = 0; r < m->n_rows; r++)
        m->alpha[m->rows[r].first + m->rows[r].n_ops - 1] = 50;
    snas_method_derive(m, &g);
    for (int e = 0; e < f->network->n_edges; e++)
        sum +=
            costs
                .column[SNAS_COST_LATENCY][f->network->edges[e].z + f->network->edges[e].n_ops - 1];
    assert_int_equal(snas_budget_cost(f->network, &costs, &g, cost, &connected, &err), SNAS_OK);
    assert_true(connected);
    close_to(cost[SNAS_BUDGET_LATENCY], 0.3 + 1.5 * sum, 1e-12);
    assert_int_equal(snas_budget_init(&b, f->network, &costs, &o, &err), SNAS_OK);
    assert_true(b.floor[SNAS_BUDGET_LATENCY] > 0.3);
    assert_true(b.floor[SNAS_BUDGET_LATENCY] < cost[SNAS_BUDGET_LATENCY]);
    o.limit[SNAS_BUDGET_LATENCY] = 0.3;
    snas_budget_clear(&b);
    assert_int_equal(snas_budget_init(&b, f->network, &costs, &o, &err), SNAS_E_CONFIG);
    assert_non_null(strstr(err.text, "budget.latency_ms 0.3000 cannot be met"));
    snas_method_destroy(m);
    snas_cost_table_clear(&costs);
}

static void budget__gives_back_no_more_than_it_took_when_the_child_is_below(void **state)
{
    struct fixture *f = *state;
    struct snas_snas_options so = fixture_options();
    struct snas_err err = {0};
    struct snas_method *m;
    struct snas_budget b;
    const struct snas_budget_options o = options(1e9, 0);
    assert_int_equal(snas_method_snas(f->network, &f->costs, &so, 3, &m, &err), SNAS_OK);
    assert_int_equal(snas_budget_init(&b, f->network, &f->costs, &o, &err), SNAS_OK);
    /* far below a limit that was never in reach: nothing is pushed, either way */
    for (int i = 0; i < 20; i++)
        assert_int_equal(snas_budget_update(&b, m, m->alpha, i / 20.0, 20, &err), SNAS_OK);
    close_to(b.state.multiplier[0], 0, 0);
    double *d = calloc((size_t)m->n_alpha, sizeof(double));
    assert_non_null(d);
    snas_budget_gradient(&b, m, d);
    for (int i = 0; i < m->n_alpha; i++)
        close_to(d[i], 0, 0);
    /* after a push the same state pulls */
    b.state.pushed[0] = 1;
    snas_budget_gradient(&b, m, d);
    double most = 0;
    for (int i = 0; i < m->n_alpha; i++)
        most = fmax(most, fabs(d[i]));
    assert_true(most > 0);
    for (int i = 0; i < 200; i++)
        assert_int_equal(snas_budget_update(&b, m, m->alpha, 0.5, 20, &err), SNAS_OK);
    assert_true(b.state.pushed[0] <= 0 && b.state.multiplier[0] >= 0);
    free(d);
    snas_budget_clear(&b);
    snas_method_destroy(m);
}

/* Share of the limit of params that alpha's argmax child has. */
static double used(const struct fixture *f, const struct snas_method *m,
                   const struct snas_budget *b)
{
    struct snas_err err = {0};
    struct snas_genotype g;
    double cost[SNAS_BUDGETS];
    int connected;
    snas_method_derive(m, &g);
    assert_int_equal(snas_budget_cost(f->network, &f->costs, &g, cost, &connected, &err), SNAS_OK);
    return connected ? cost[SNAS_BUDGET_PARAMS] / b->options.limit[SNAS_BUDGET_PARAMS] : 0;
}

/* Random steps of alpha that change many decisions at once, early and late in a run. */
static void walk(struct fixture *f, double progress, int pushed, double *lowest, double *highest)
{
    enum { STEPS = 300 };
    struct snas_snas_options so = fixture_options();
    struct snas_err err = {0};
    struct snas_method *m;
    struct snas_budget b;
    struct snas_budget_options o = options(800, 0);
    o.target = 0.8;
    assert_int_equal(snas_method_snas(f->network, &f->costs, &so, 3, &m, &err), SNAS_OK);
    assert_int_equal(snas_budget_init(&b, f->network, &f->costs, &o, &err), SNAS_OK);
    double *before = calloc((size_t)m->n_alpha, sizeof(double));
    assert_non_null(before);
    struct snas_rng rng = snas_rng_make(6, SNAS_STREAM_TEST, 9);
    int inside = 0;
    *lowest = *highest = o.target;
    for (int i = 0; i < STEPS; i++) {
        memcpy(before, m->alpha, (size_t)m->n_alpha * sizeof(double));
        for (int k = 0; k < m->n_alpha; k++)
            m->alpha[k] += 0.3 * snas_rng_normal(&rng);
        b.state.pushed[SNAS_BUDGET_PARAMS] = pushed;
        assert_int_equal(snas_budget_update(&b, m, before, progress, 1000000, &err), SNAS_OK);
        double now = used(f, m, &b);
        inside |= now >= o.target && now <= 1;
        *lowest = inside ? fmin(*lowest, now) : *lowest;
        *highest = inside ? fmax(*highest, now) : *highest;
    }
    free(before);
    snas_budget_clear(&b);
    snas_method_destroy(m);
}

static void budget__step_cannot_take_the_child_away_when_it_is_where_it_shall_be(void **state)
{
    struct fixture *f = *state;
    double lowest, highest;
    walk(f, 0.5, 1, &lowest, &highest);
    assert_true(lowest < 0.8 && highest > 1);
    walk(f, 0.9, 1, &lowest, &highest);
    assert_true(lowest >= 0.8 && highest <= 1 && highest > lowest);
    /* a search that was never pushed keeps to the limit and may go down as it likes */
    walk(f, 0.9, 0, &lowest, &highest);
    assert_true(lowest < 0.8 && highest <= 1);
}

static void budget__gradient_equals_central_differences_when_alpha_moves(void **state)
{
    struct fixture *f = *state;
    struct snas_err err = {0};
    struct snas_snas_options so = fixture_options();
    struct snas_method *m;
    struct snas_budget b;
    const struct snas_budget_options o = options(1e6, 1e9);
    assert_int_equal(snas_method_snas(f->network, &f->costs, &so, 3, &m, &err), SNAS_OK);
    assert_int_equal(snas_budget_init(&b, f->network, &f->costs, &o, &err), SNAS_OK);
    double *d = calloc((size_t)m->n_alpha, sizeof(double));
    assert_non_null(d);
    b.state.multiplier[0] = 3;
    b.state.multiplier[1] = 2;
    snas_budget_gradient(&b, m, d);
    for (int i = 0; i < m->n_alpha; i++) {
        double at = m->alpha[i], h = 1e-4, side[2], expected[SNAS_COST_COLUMNS];
        for (int up = 0; up < 2; up++) {
            m->alpha[i] = up ? at + h : at - h;
            snas_method_expected_cost(m, &f->costs, expected);
            side[up] =
                3 * expected[SNAS_COST_PARAMS] / 1e6 + 2 * expected[SNAS_COST_MADDS_CONV] / 1e9;
        }
        m->alpha[i] = at;
        close_to(d[i], (side[1] - side[0]) / (2 * h), 1e-9);
    }
    free(d);
    snas_budget_clear(&b);
    snas_method_destroy(m);
}

/* A search whose task is frozen: each op has a utility that grows with its cost, noise on top. */
struct toy {
    struct snas_space space;
    struct snas_network *network;
    struct snas_cost_table costs;
    struct snas_method *m;
    double *utility, *memory[3]; /* d alpha, Adam's moments */
};

static void toy_open(struct toy *t, int channels, int layers, uint64_t seed)
{
    struct snas_err err = {0};
    struct snas_snas_options so = fixture_options();
    so.alpha.init_sd = 0.01;
    const struct snas_network_options o = {
        .channels = channels, .layers = layers, .input = {1, 28, 28}, .classes = 10, .pool_bn = 1};
    if (snas_space_read("darts", &t->space, &err) != SNAS_OK ||
        snas_network_create(&t->space, &o, NULL, &t->network, &err) != SNAS_OK ||
        snas_cost_table_create(t->network, &t->costs, &err) != SNAS_OK ||
        snas_method_snas(t->network, &t->costs, &so, seed, &t->m, &err) != SNAS_OK)
        fail_msg("%s", err.text);
    size_t n = (size_t)t->m->n_alpha;
    t->utility = calloc(n, sizeof(double));
    for (int i = 0; i < 3; i++)
        t->memory[i] = calloc(n, sizeof(double));
    struct snas_rng rng = snas_rng_make(seed, SNAS_STREAM_TEST, 3);
    for (int r = 0; r < t->m->n_rows; r++)
        for (int k = 0; k < t->m->rows[r].n_ops; k++)
            t->utility[t->m->rows[r].first + k] = 0.02 * (k >= 4) + 0.01 * snas_rng_normal(&rng);
}

static void toy_close(struct toy *t)
{
    free(t->utility);
    for (int i = 0; i < 3; i++)
        free(t->memory[i]);
    snas_method_destroy(t->m);
    snas_cost_table_clear(&t->costs);
    snas_network_destroy(t->network);
}

/* Adam's rate times the steps is always the same, as it is in the shipped configurations. */
static void toy_search(struct toy *t, struct snas_budget *b, int steps, uint64_t seed)
{
    struct snas_err err = {0};
    struct snas_method *m = t->m;
    size_t n = (size_t)m->n_alpha;
    double *before = calloc(n, sizeof(double));
    assert_non_null(before);
    for (int step = 0; step < steps; step++) {
        double T = 1 - 0.97 * (step + 1) / steps;
        struct snas_rng rng = snas_rng_make(seed, SNAS_STREAM_TEST, 1000 + (uint64_t)step);
        memset(t->memory[0], 0, n * sizeof(double));
        for (int r = 0; r < m->n_rows; r++) {
            const struct snas_alpha_row *row = &m->rows[r];
            double gumbel[SNAS_MAX_OPS], z[SNAS_MAX_OPS], dz[SNAS_MAX_OPS];
            for (int k = 0; k < row->n_ops; k++) {
                gumbel[k] = snas_rng_gumbel(&rng);
                dz[k] = -t->utility[row->first + k] + 0.03 * snas_rng_normal(&rng);
            }
            snas_concrete_sample(m->alpha + row->first, gumbel, row->n_ops, T, z);
            snas_concrete_backward(z, dz, row->n_ops, T, t->memory[0] + row->first);
        }
        snas_budget_gradient(b, m, t->memory[0]);
        memcpy(before, m->alpha, n * sizeof(double));
        const struct snas_k_adam adam = {24.0 / steps, 0.5, 0.999, 1e-8, 0};
        snas_k_adam_f64(n, m->alpha, t->memory[1], t->memory[2], t->memory[0], 1, &adam, step + 1);
        if (snas_budget_update(b, m, before, (step + 1.0) / steps, steps, &err) != SNAS_OK)
            fail_msg("%s", err.text);
    }
    free(before);
}

static void toy_meets(int channels, int layers, int steps, uint64_t seed)
{
    const double shares[] = {0.3, 0.5, 0.7};
    struct snas_err err = {0};
    struct snas_budget b;
    struct toy t;
    struct snas_budget_options o = options(1e12, 0);
    toy_open(&t, channels, layers, seed);
    assert_int_equal(snas_budget_init(&b, t.network, &t.costs, &o, &err), SNAS_OK);
    toy_search(&t, &b, steps, seed);
    double free_params = b.state.child[SNAS_BUDGET_PARAMS];
    snas_budget_clear(&b);
    toy_close(&t);
    for (int i = 0; i < 3; i++) {
        o.limit[SNAS_BUDGET_PARAMS] = floor(shares[i] * free_params);
        toy_open(&t, channels, layers, seed);
        if (snas_budget_init(&b, t.network, &t.costs, &o, &err) != SNAS_OK)
            fail_msg("%s", err.text);
        toy_search(&t, &b, steps, seed);
        double used = b.state.child[SNAS_BUDGET_PARAMS] / o.limit[SNAS_BUDGET_PARAMS];
        if (getenv("SNAS_TOY"))
            print_message("C=%d L=%d %d steps, seed %d: share %.1f of %.0f: used %.3f mu %.2f\n",
                          channels, layers, steps, (int)seed, shares[i], free_params, used,
                          b.state.multiplier[0]);
        if (!(used <= 1 && used >= 0.85))
            fail_msg("C=%d L=%d share %g: used %g", channels, layers, shares[i], used);
        snas_budget_clear(&b);
        toy_close(&t);
    }
}

static void budget__child_uses_the_limit_and_no_more_when_the_scale_varies(void **state)
{
    (void)state;
    toy_meets(8, 3, 800, 1);
    toy_meets(16, 8, 800, 2);
    toy_meets(24, 5, 800, 3);
    toy_meets(4, 3, 256, 4);
    toy_meets(8, 3, 256, 5);
    toy_meets(4, 3, 256, 6);
    toy_meets(8, 3, 2000, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(budget__floor_is_the_cheapest_of_all_children_when_enumerated),
        cmocka_unit_test(budget__latency_follows_the_fit_when_a_child_is_counted),
        cmocka_unit_test(budget__gives_back_no_more_than_it_took_when_the_child_is_below),
        cmocka_unit_test(budget__step_cannot_take_the_child_away_when_it_is_where_it_shall_be),
        cmocka_unit_test(budget__gradient_equals_central_differences_when_alpha_moves),
        cmocka_unit_test(budget__child_uses_the_limit_and_no_more_when_the_scale_varies),
    };
    return cmocka_run_group_tests_name("methods.budget", tests, fixture_open, fixture_close);
}

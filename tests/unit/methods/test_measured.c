/* Measured latency as a cost: the estimate against the exact gradient of the expectation, over all
 * networks of a small space. */
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

/* Three edges with four ops each: 64 networks, 12 logits. */
#define EDGES 3
#define OPS 4
#define LOGITS (EDGES * OPS)
#define NETWORKS 64
static const char space_text[] = "name: three\n"
                                 "cells:\n"
                                 "  normal: {inputs: 1, nodes: 2, output: last,\n"
                                 "           ops: [none, skip_connect, sep_conv_3x3, "
                                 "dil_conv_3x3]}\n"
                                 "stack: {reduce_at: []}\n"
                                 "stem: [{channels: 1, steps: [pw, bn]}]\n"
                                 "preprocess: {same: [relu, pw, bn], reduce: [relu, fr, bn]}\n"
                                 "head: [gap, linear]\n";

struct three {
    struct snas_space space;
    struct snas_network *network;
    struct snas_cost_table costs;
    struct snas_method *m;
    double ms[NETWORKS]; /* of every network; no sum over edges */
};

static void three_open(struct three *t, double reference_ms)
{
    struct snas_err err = {0};
    const struct snas_network_options o = {
        .channels = 2, .layers = 1, .input = {1, 4, 4}, .classes = 2};
    struct snas_snas_options so = fixture_options();
    so.alpha.init_sd = 0.7;
    so.alpha.measured = (struct snas_measured_options){
        .strength = 1, .baseline_decay = 0.9, .reference_ms = reference_ms};
    if (snas_space_parse("three", space_text, strlen(space_text), &t->space, &err) != SNAS_OK ||
        snas_network_create(&t->space, &o, NULL, &t->network, &err) != SNAS_OK ||
        snas_cost_table_create(t->network, &t->costs, &err) != SNAS_OK ||
        snas_method_snas(t->network, &t->costs, &so, 4, &t->m, &err) != SNAS_OK)
        fail_msg("%s", err.text);
    struct snas_rng rng = snas_rng_make(3, SNAS_STREAM_TEST, 0);
    for (int i = 0; i < NETWORKS; i++)
        t->ms[i] = 0.5 + snas_rng_uniform(&rng) * (i % OPS == 2 ? 4 : 1);
}

static void three_close(struct three *t)
{
    snas_method_destroy(t->m);
    snas_cost_table_clear(&t->costs);
    snas_network_destroy(t->network);
}

static int number(const int *choice)
{
    return (choice[2] * OPS + choice[1]) * OPS + choice[0];
}

/* d sum_n p(n) ms(n) / d alpha, over all networks. */
static void exact_gradient(const struct three *t, double *d)
{
    double p[LOGITS];
    snas_method_probabilities(t->m, p);
    memset(d, 0, LOGITS * sizeof(*d));
    for (int i = 0; i < NETWORKS; i++) {
        const int choice[EDGES] = {i % OPS, i / OPS % OPS, i / OPS / OPS};
        double all = 1;
        for (int e = 0; e < EDGES; e++)
            all *= p[e * OPS + choice[e]];
        for (int e = 0; e < EDGES; e++)
            for (int k = 0; k < OPS; k++)
                d[e * OPS + k] += all * t->ms[i] * ((k == choice[e]) - p[e * OPS + k]);
    }
}

static void equals_central_differences(struct three *t, const double *d)
{
    for (int i = 0; i < LOGITS; i++) {
        double side[2], at = t->m->alpha[i], h = 1e-5;
        for (int up = 0; up < 2; up++) {
            double p[LOGITS];
            t->m->alpha[i] = up ? at + h : at - h;
            snas_method_probabilities(t->m, p);
            side[up] = 0;
            for (int n = 0; n < NETWORKS; n++)
                side[up] +=
                    t->ms[n] * p[n % OPS] * p[OPS + n / OPS % OPS] * p[2 * OPS + n / OPS / OPS];
        }
        t->m->alpha[i] = at;
        close_to(d[i], (side[1] - side[0]) / (2 * h), 1e-8);
    }
}

static void measured__estimate_is_the_exact_gradient_when_averaged(void **state)
{
    enum { DRAWS = 40000 };
    const double reference = 2;
    struct three t;
    double exact[LOGITS], mean[LOGITS] = {0}, squares[LOGITS] = {0}, bare = 0, with = 0;
    (void)state;
    three_open(&t, reference);
    exact_gradient(&t, exact);
    equals_central_differences(&t, exact);
    for (int i = 0; i < DRAWS; i++) {
        int choice[EDGES];
        double p[LOGITS];
        snas_measured_draw(t.m, 1, i, choice);
        snas_measured_take(t.m->measured, t.m, choice, t.ms[number(choice)]);
        snas_method_probabilities(t.m, p);
        for (int k = 0; k < LOGITS; k++) {
            double g = reference * t.m->measured->held[k];
            double score = (k % OPS == choice[k / OPS]) - p[k];
            mean[k] += g / DRAWS;
            squares[k] += g * g / DRAWS;
            with += g * g;
            bare += pow(t.ms[number(choice)] * score, 2);
        }
    }
    for (int k = 0; k < LOGITS; k++) {
        double error = sqrt((squares[k] - mean[k] * mean[k]) / DRAWS);
        assert_true(error > 0 && error < 0.01);
        close_to(mean[k], exact[k], 3 * error);
    }
    /* what the baseline is for */
    assert_true(with < 0.5 * bare);
    three_close(&t);
}

static void measured__baseline_and_reference_know_only_the_past_when_a_sample_comes(void **state)
{
    struct three t;
    const int choice[EDGES] = {2, 1, 0};
    (void)state;
    three_open(&t, 0);
    struct snas_measured *w = t.m->measured;
    snas_measured_take(w, t.m, choice, 3);
    for (int k = 0; k < LOGITS; k++)
        close_to(w->held[k], 0, 0);
    close_to(w->state.baseline_ms, 3, 0);
    snas_measured_take(w, t.m, choice, 6);
    double p[LOGITS];
    snas_method_probabilities(t.m, p);
    close_to(w->held[2], (6 - 3) / 3.0 * (1 - p[2]), 1e-12);
    close_to(w->held[3], (6 - 3) / 3.0 * -p[3], 1e-12);
    close_to(w->state.baseline_ms, 4.5, 1e-12);
    for (int i = 2; i < SNAS_MEASURED_SETTLE; i++)
        snas_measured_take(w, t.m, choice, 4.5);
    close_to(w->state.reference_ms, 4.5, 1e-12);
    for (int i = 0; i < 100; i++)
        snas_measured_take(w, t.m, choice, 9);
    close_to(w->state.reference_ms, 4.5, 1e-12);
    close_to(w->state.baseline_ms, 9, 1e-3);
    close_to(w->state.relative, 2, 1e-12);
    close_to(w->state.networks, SNAS_MEASURED_SETTLE + 100, 0);
    three_close(&t);
}

static void measured__a_disconnected_network_moves_nothing_when_drawn(void **state)
{
    struct three t;
    const int choice[EDGES] = {2, 1, 0};
    (void)state;
    three_open(&t, 1);
    struct snas_measured *w = t.m->measured;
    snas_measured_take(w, t.m, choice, 3);
    snas_measured_take(w, t.m, choice, 4);
    assert_true(w->held[2] > 0);
    snas_measured_take(w, t.m, choice, 0);
    for (int k = 0; k < LOGITS; k++)
        close_to(w->held[k], 0, 0);
    close_to(w->state.baseline_ms, 3.5, 1e-12);
    close_to(w->state.networks - w->state.measurements, 1, 0);
    three_close(&t);
}

/* SGD of rate 1: alpha moves by minus its gradient, so by minus strength times the estimate, at
 * every step until the next measurement. */
static void measured__estimate_is_in_every_steps_gradient_when_held(void **state)
{
    struct fixture *f = *state;
    struct snas_err err = {0};
    struct snas_method *m[2];
    struct snas_snas_options so = fixture_options();
    for (int i = 0; i < 2; i++) {
        so.alpha.measured = (struct snas_measured_options){
            .strength = i ? 0.5 : 0, .baseline_decay = 0.9, .reference_ms = 1, .warmup = 1};
        assert_int_equal(snas_method_snas(f->network, &f->costs, &so, 3, &m[i], &err), SNAS_OK);
    }
    assert_null(m[0]->measured);
    int *choice = calloc((size_t)m[1]->n_rows, sizeof(int));
    assert_non_null(choice);
    snas_measured_draw(m[1], 1, 0, choice);
    snas_measured_take(m[1]->measured, m[1], choice, 2);
    snas_measured_take(m[1]->measured, m[1], choice, 3);
    for (int step = 0; step < 3; step++) {
        struct snas_method_context ctx = fixture_context(f);
        struct snas_step_result r[2];
        ctx.step = step;
        ctx.epoch = step;
        ctx.epochs = 3;
        memcpy(m[1]->alpha, m[0]->alpha, (size_t)m[0]->n_alpha * sizeof(double));
        for (int i = 0; i < 2; i++)
            assert_int_equal(m[i]->ops->step(m[i], &ctx, &r[i], &err), SNAS_OK);
        double strength = step < 1 ? 0 : 0.5;
        for (int k = 0; k < m[0]->n_alpha; k++)
            close_to(m[1]->alpha[k], m[0]->alpha[k] - strength * m[1]->measured->held[k], 1e-12);
        close_to(r[1].penalty - r[0].penalty, strength * 3, 1e-12);
    }
    free(choice);
    snas_method_destroy(m[0]);
    snas_method_destroy(m[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(measured__estimate_is_the_exact_gradient_when_averaged),
        cmocka_unit_test(measured__baseline_and_reference_know_only_the_past_when_a_sample_comes),
        cmocka_unit_test(measured__a_disconnected_network_moves_nothing_when_drawn),
        cmocka_unit_test(measured__estimate_is_in_every_steps_gradient_when_held),
    };
    return cmocka_run_group_tests_name("methods.measured", tests, fixture_open, fixture_close);
}

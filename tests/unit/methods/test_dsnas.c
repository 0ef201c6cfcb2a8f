/* DSNAS's estimator against the expectation it estimates, enumerated, on a net whose loss is
 * linear in every edge's z; its penalty; its state. */
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
#include "methods/concrete.h"
#include "methods/dsnas.h"

/* Nothing on the edges bends: identities and mean pools without batch norm. Two cells share alpha,
 * and the second node's loss depends on the first one's choice. */
static const char linear_text[] =
    "name: linear\n"
    "cells:\n"
    "  normal: {inputs: 1, nodes: 2, output: last, ops: [none, skip_connect, avg_pool_3x3]}\n"
    "stack: {reduce_at: []}\n"
    "stem: [{channels: 2, steps: [conv3x3, bn]}]\n"
    "preprocess: {same: [pw], reduce: [relu, fr, bn]}\n"
    "head: [gap, linear]\n";

struct linear {
    struct snas_space space;
    struct snas_network *network;
    struct snas_cost_table costs;
    struct snas_net *net;
};

static void open_linear(struct linear *l)
{
    struct snas_err err = {0};
    const struct snas_network_options o = {
        .channels = 2, .layers = 1, .input = {1, 6, 6}, .classes = 3};
    struct snas_net_options net;
    snas_net_options_default(&net);
    net.batch = 4;
    net.training = 1;
    net.threads = 1;
    net.precision = SNAS_PRECISION_F64;
    if (snas_space_parse("linear", linear_text, strlen(linear_text), &l->space, &err) != SNAS_OK ||
        snas_network_create(&l->space, &o, NULL, &l->network, &err) != SNAS_OK ||
        snas_cost_table_create(l->network, &l->costs, &err) != SNAS_OK ||
        snas_net_create(l->network, &net, &l->net, &err) != SNAS_OK)
        fail_msg("%s", err.text);
    snas_net_init(l->net, 3);
    /* small logits: the cross-entropy of them is linear to within their square */
    double *theta = snas_net_theta(l->net);
    size_t head =
        snas_net_param_offset(l->net, snas_network_param(l->network, "head.linear1.weight"));
    for (size_t i = 0; i < 3 * 2; i++)
        theta[head + i] *= 1e-3;
    memset(snas_net_param(l->net, snas_network_param(l->network, "head.linear1.bias")), 0,
           3 * sizeof(double));
}

static void close_linear(struct linear *l)
{
    snas_net_destroy(l->net);
    snas_cost_table_clear(&l->costs);
    snas_network_destroy(l->network);
}

static double loss_at(struct linear *l, const struct snas_batch *batch, const double *z)
{
    struct snas_err err = {0};
    struct snas_loss loss;
    const struct snas_forward f = {.batch = *batch, .z = z, .bn = SNAS_BN_BATCH};
    assert_int_equal(snas_net_forward(l->net, &f, &loss, &err), SNAS_OK);
    return loss.loss;
}

/* d E[L] / d alpha = sum over all choices of p(Z) L(Z) (onehot - p). */
static void enumerate(struct linear *l, const struct snas_batch *batch, const struct snas_method *m,
                      double *grad)
{
    int n = m->n_rows, total = 1, choice[8] = {0};
    double z[64] = {0}, p[64];
    assert_true(n <= 8 && l->network->n_z <= 64);
    snas_method_probabilities(m, p);
    memset(grad, 0, (size_t)m->n_alpha * sizeof(*grad));
    for (int r = 0; r < n; r++)
        total *= m->rows[r].n_ops;
    for (int i = 0; i < total; i++) {
        double probability = 1;
        for (int r = 0, rest = i; r < n; rest /= m->rows[r].n_ops, r++) {
            choice[r] = rest % m->rows[r].n_ops;
            probability *= p[m->rows[r].first + choice[r]];
        }
        for (int e = 0; e < l->network->n_edges; e++)
            for (int k = 0; k < l->network->edges[e].n_ops; k++)
                z[l->network->edges[e].z + k] = k == choice[m->edge_row[e]];
        double loss = loss_at(l, batch, z);
        for (int r = 0; r < n; r++)
            for (int k = 0; k < m->rows[r].n_ops; k++)
                grad[m->rows[r].first + k] +=
                    probability * loss * ((k == choice[r]) - p[m->rows[r].first + k]);
    }
}

static void dsnas__estimator_has_the_enumerated_mean_when_the_net_is_linear_in_z(void **state)
{
    enum { N = 20000 };
    struct fixture *f = *state;
    struct linear l;
    struct snas_err err = {0};
    struct snas_method *m;
    struct snas_method_context ctx = fixture_context(f);
    const struct snas_dsnas_options o = {.alpha = {.learning_rate = 1, .init_sd = 0.7}};
    double truth[64], sum[64] = {0}, squares[64] = {0}, alpha[64], largest = 0;
    open_linear(&l);
    assert_int_equal(snas_method_dsnas(l.network, &l.costs, &o, 11, &m, &err), SNAS_OK);
    enumerate(&l, &f->batch, m, truth);
    memcpy(alpha, m->alpha, (size_t)m->n_alpha * sizeof(double));
    ctx.net = l.net;
    for (int i = 0; i < N; i++) {
        struct snas_step_result r;
        ctx.step = i;
        assert_int_equal(m->ops->step(m, &ctx, &r, &err), SNAS_OK);
        for (int a = 0; a < m->n_alpha; a++) {
            double g = alpha[a] - m->alpha[a];
            sum[a] += g;
            squares[a] += g * g;
        }
        memcpy(m->alpha, alpha, (size_t)m->n_alpha * sizeof(double));
    }
    for (int a = 0; a < m->n_alpha; a++) {
        double mean = sum[a] / N, se = sqrt((squares[a] / N - mean * mean) / N);
        largest = fmax(largest, fabs(truth[a]) / se);
        close_to(mean, truth[a], 3 * se);
    }
    assert_true(largest > 10); /* or an estimate of 0 would do as well */
    snas_method_destroy(m);
    close_linear(&l);
}

static void dsnas__only_the_sampled_ops_are_computed_when_it_steps(void **state)
{
    struct fixture *f = *state;
    struct snas_err err = {0};
    struct snas_method *m;
    struct snas_step_result r;
    const struct snas_method_context ctx = fixture_context(f);
    const struct snas_dsnas_options o = {.alpha = {.learning_rate = 1, .init_sd = 0.5}};
    snas_net_init(f->net, 3);
    assert_int_equal(snas_method_dsnas(f->network, &f->costs, &o, 11, &m, &err), SNAS_OK);
    assert_int_equal(m->ops->step(m, &ctx, &r, &err), SNAS_OK);
    assert_true(r.live_ops > 0 && r.live_ops <= 1.0 / 3 + 1e-12);
    int sampled = 0;
    for (int i = 0; i < m->n_alpha; i++)
        sampled += m->credit[i].slope != 0;
    assert_true(sampled > 0 && sampled <= m->n_rows);
    snas_method_destroy(m);
}

/* With a net of zeros only the penalty is left: its analytic gradient is that of the value. */
static void dsnas__penalty_moves_alpha_by_its_analytic_gradient_when_it_is_alone(void **state)
{
    struct fixture *f = *state;
    struct snas_err err = {0};
    struct snas_step_result r;
    const struct snas_method_context ctx = fixture_context(f);
    const struct snas_dsnas_options o = {
        .alpha = {.learning_rate = 1,
                  .init_sd = 0.5,
                  .penalty = {.strength = 2,
                              .estimator = SNAS_PENALTY_REPARAMETRIZED, /* it takes analytic */
                              .share = {1, 0.5, 0.25},
                              .reference = 1}}};
    memset(snas_net_theta(f->net), 0, snas_net_theta_size(f->net) * sizeof(double));
    struct snas_method *m;
    assert_int_equal(snas_method_dsnas(f->network, &f->costs, &o, 11, &m, &err), SNAS_OK);
    size_t bytes = (size_t)m->n_alpha * sizeof(double);
    double *alpha = malloc(bytes), *grad = malloc(bytes);
    assert_true(alpha && grad);
    memcpy(alpha, m->alpha, bytes);
    assert_int_equal(m->ops->step(m, &ctx, &r, &err), SNAS_OK);
    for (int i = 0; i < m->n_alpha; i++)
        grad[i] = alpha[i] - m->alpha[i];
    for (int i = 0; i < m->n_alpha; i++) {
        double value[2], h = 1e-5;
        for (int side = 0; side < 2; side++) {
            memcpy(m->alpha, alpha, bytes);
            m->alpha[i] += side ? -h : h;
            assert_int_equal(m->ops->step(m, &ctx, &r, &err), SNAS_OK);
            value[side] = r.penalty;
        }
        close_to(grad[i], (value[0] - value[1]) / (2 * h), 1e-7);
    }
    free(alpha);
    free(grad);
    snas_method_destroy(m);
}

static enum snas_status create(const struct fixture *f, struct snas_method **out,
                               struct snas_err *err)
{
    const struct snas_dsnas_options o = {.alpha = {.learning_rate = 1}};
    return snas_method_dsnas(f->network, &f->costs, &o, 11, out, err);
}

static void dsnas__creation_fails_cleanly_when_any_allocation_does(void **state)
{
    fixture_fails_cleanly(*state, create);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dsnas__estimator_has_the_enumerated_mean_when_the_net_is_linear_in_z),
        cmocka_unit_test(dsnas__only_the_sampled_ops_are_computed_when_it_steps),
        cmocka_unit_test(dsnas__penalty_moves_alpha_by_its_analytic_gradient_when_it_is_alone),
        cmocka_unit_test(dsnas__creation_fails_cleanly_when_any_allocation_does),
    };
    return cmocka_run_group_tests_name("methods.dsnas", tests, fixture_open, fixture_close);
}

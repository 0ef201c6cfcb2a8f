/* DARTS's gradient of alpha against central differences of the loss that it is the gradient of:
 * of the second order, the whole unrolled step, which those differences go through without any
 * second derivative. In double, and by the float engine. */
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
#include "methods/darts.h"

enum { N = 4, PIXELS = 36, CLASSES = 3, MOST = 128 /* alphas */ };

/* No ReLU and no maximum: no decision can change, however far theta is moved. */
static const char smooth_text[] =
    "name: smooth\n"
    "cells:\n"
    "  normal: {inputs: 2, nodes: 2, ops: [none, skip_connect, avg_pool_3x3, wide, mix]}\n"
    "stack: {reduce_at: []}\n"
    "stem: [{channels: 2, steps: [conv3x3, bn]}]\n"
    "preprocess: {same: [pw, bn], reduce: [fr, bn]}\n"
    "head: [gap, linear]\n"
    "ops:\n"
    "  wide: {stride1: [dw3, pw, bn], stride2: [dw3s2, pw, bn]}\n"
    "  mix: {stride1: [pw, bn], stride2: [fr, bn]}\n";

/* A network with a net, a batch to train on and one held out, and theta's optimiser. */
struct bench {
    struct snas_space space;
    struct snas_network *network;
    struct snas_cost_table costs;
    struct snas_net *net;
    void *images[2];
    int labels[2][N];
    struct snas_batch batch[2];
    int asked[2], theta_steps;
    void *buffer, *theta; /* momentum; theta as it was at the start */
    double rate, momentum, decay;
};

static size_t real_size(const struct bench *b)
{
    return snas_net_precision(b->net) == SNAS_PRECISION_F64 ? sizeof(double) : sizeof(float);
}

/* The same numbers in either precision. */
static void put(const struct bench *b, void *to, size_t i, double value)
{
    if (real_size(b) == sizeof(double))
        ((double *)to)[i] = value;
    else
        ((float *)to)[i] = (float)value;
}

static void open_bench(struct bench *b, const char *text, enum snas_precision precision)
{
    struct snas_err err = {0};
    const struct snas_network_options o = {
        .channels = 3, .layers = 2, .input = {1, 6, 6}, .classes = CLASSES, .pool_bn = 1};
    struct snas_net_options net;
    memset(b, 0, sizeof(*b));
    snas_net_options_default(&net);
    net.batch = N;
    net.threads = 1;
    net.training = 1;
    net.precision = precision;
    if (snas_space_parse("bench", text, strlen(text), &b->space, &err) != SNAS_OK ||
        snas_network_create(&b->space, &o, NULL, &b->network, &err) != SNAS_OK ||
        snas_cost_table_create(b->network, &b->costs, &err) != SNAS_OK ||
        snas_net_create(b->network, &net, &b->net, &err) != SNAS_OK)
        fail_msg("%s", err.text);
    snas_net_init(b->net, 3);
    const size_t n = snas_net_theta_size(b->net), bytes = n * real_size(b);
    struct snas_rng rng = snas_rng_make(8, SNAS_STREAM_TEST, 0);
    for (int held = 0; held < 2; held++) {
        b->images[held] = malloc(N * PIXELS * real_size(b));
        assert_non_null(b->images[held]);
        for (int i = 0; i < N * PIXELS; i++)
            put(b, b->images[held], (size_t)i, snas_rng_normal(&rng));
        for (int i = 0; i < N; i++)
            b->labels[held][i] = (i + held) % CLASSES;
        b->batch[held] = (struct snas_batch){b->images[held], b->labels[held], N};
    }
    b->buffer = malloc(bytes);
    b->theta = malloc(bytes);
    assert_true(b->buffer && b->theta);
    for (size_t i = 0; i < n; i++)
        put(b, b->buffer, i, 0.02 * snas_rng_normal(&rng));
    memcpy(b->theta, snas_net_theta(b->net), bytes);
    b->rate = 0.3;
    b->momentum = 0.9;
    b->decay = 0.05;
}

static void close_bench(struct bench *b)
{
    snas_net_destroy(b->net);
    snas_cost_table_clear(&b->costs);
    snas_network_destroy(b->network);
    free(b->images[0]);
    free(b->images[1]);
    free(b->buffer);
    free(b->theta);
}

static enum snas_status next_batch(void *owner, int held_out, struct snas_batch *out,
                                   struct snas_err *err)
{
    struct bench *b = owner;
    (void)err;
    b->asked[held_out]++;
    *out = b->batch[held_out];
    return SNAS_OK;
}

/* Theta stays; that it is where it was is looked at here, where the optimiser would begin. */
static enum snas_status theta_step(void *owner, struct snas_err *err)
{
    struct bench *b = owner;
    (void)err;
    assert_memory_equal(snas_net_theta(b->net), b->theta,
                        snas_net_theta_size(b->net) * real_size(b));
    b->theta_steps++;
    return SNAS_OK;
}

static struct snas_method_context context(struct bench *b)
{
    return (struct snas_method_context){.net = b->net,
                                        .next_batch = next_batch,
                                        .theta_step = theta_step,
                                        .owner = b,
                                        .theta_rate = b->rate,
                                        .theta_momentum = b->momentum,
                                        .theta_weight_decay = b->decay,
                                        .theta_buffer = b->buffer,
                                        .seed = 5,
                                        .epoch = 1,
                                        .epochs = 4};
}

/* SGD of rate 1: alpha moves by minus its gradient. */
static struct snas_method *make(struct bench *b, int order, double epsilon)
{
    struct snas_err err = {0};
    struct snas_method *m;
    const struct snas_darts_options o = {
        .order = order, .epsilon = epsilon, .alpha = {.learning_rate = 1, .init_sd = 0.7}};
    if (snas_method_darts(b->network, &b->costs, &o, 11, &m, &err) != SNAS_OK)
        fail_msg("%s", err.text);
    assert_true(m->n_alpha <= MOST);
    return m;
}

/* The gradient that a step moves alpha by; alpha is put back. */
static struct snas_step_result step_gradient(struct bench *b, struct snas_method *m,
                                             double *gradient)
{
    struct snas_err err = {0};
    struct snas_step_result r;
    double alpha[MOST];
    const size_t bytes = (size_t)m->n_alpha * sizeof(*alpha);
    const struct snas_method_context ctx = context(b);
    memcpy(alpha, m->alpha, bytes);
    if (m->ops->step(m, &ctx, &r, &err) != SNAS_OK)
        fail_msg("%s", err.text);
    for (int i = 0; i < m->n_alpha; i++)
        gradient[i] = alpha[i] - m->alpha[i];
    memcpy(m->alpha, alpha, bytes);
    return r;
}

/* Loss of a batch at theta and softmax(alpha), the truth; theta's gradient follows. */
static double loss_at(struct bench *b, const struct snas_method *m, const double *alpha, int held)
{
    struct snas_err err = {0};
    struct snas_loss loss;
    double z[256];
    const struct snas_forward f = {.batch = b->batch[held], .z = z, .bn = SNAS_BN_BATCH};
    const struct snas_backward back = {0};
    assert_true(b->network->n_z <= 256);
    for (int e = 0; e < b->network->n_edges; e++) {
        const struct snas_alpha_row *row = &m->rows[m->edge_row[e]];
        snas_softmax(alpha + row->first, row->n_ops, z + b->network->edges[e].z);
    }
    assert_int_equal(snas_net_forward(b->net, &f, &loss, &err), SNAS_OK);
    assert_int_equal(snas_net_backward(b->net, &back, &err), SNAS_OK);
    return loss.loss;
}

/* The held-out loss at `alpha` after theta's virtual step at `virtual`; in double only. */
static double unrolled(struct bench *b, const struct snas_method *m, const double *virtual,
                       const double *alpha)
{
    double *theta = snas_net_theta(b->net);
    const double *start = b->theta, *buffer = b->buffer, *grad = snas_net_grad(b->net);
    const size_t n = snas_net_theta_size(b->net);
    loss_at(b, m, virtual, 0);
    for (size_t i = 0; i < n; i++)
        theta[i] = start[i] - b->rate * (b->momentum * buffer[i] + grad[i] + b->decay * start[i]);
    double loss = loss_at(b, m, alpha, 1);
    memcpy(theta, start, n * sizeof(*theta));
    return loss;
}

/* d unrolled / d alpha, the whole of it, and what it is with theta' held still. */
static void reference(struct bench *b, const struct snas_method *m, double *whole, double *direct)
{
    const double h = 1e-5;
    for (int i = 0; i < m->n_alpha; i++) {
        double moved[MOST], loss[2][2];
        memcpy(moved, m->alpha, (size_t)m->n_alpha * sizeof(*moved));
        for (int side = 0; side < 2; side++) {
            moved[i] = m->alpha[i] + (side ? -h : h);
            loss[0][side] = unrolled(b, m, moved, moved);
            loss[1][side] = unrolled(b, m, m->alpha, moved);
        }
        whole[i] = (loss[0][0] - loss[0][1]) / (2 * h);
        direct[i] = (loss[1][0] - loss[1][1]) / (2 * h);
    }
}

/* b NULL: zero. */
static double distance(const double *a, const double *b, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++) {
        double d = b ? a[i] - b[i] : a[i];
        sum += d * d;
    }
    return sqrt(sum);
}

static double second_order_error(struct bench *b, double epsilon, const double *whole)
{
    double gradient[MOST];
    struct snas_method *m = make(b, SNAS_DARTS_SECOND, epsilon);
    step_gradient(b, m, gradient);
    double error = distance(gradient, whole, m->n_alpha);
    snas_method_destroy(m);
    return error;
}

/* Errors are set against the part that the difference stands for, not the larger whole. */
static void darts__second_order_is_the_unrolled_gradient_when_no_decision_changes(void **state)
{
    (void)state;
    struct bench b;
    double whole[MOST], direct[MOST], error[3];
    open_bench(&b, smooth_text, SNAS_PRECISION_F64);
    struct snas_method *m = make(&b, SNAS_DARTS_SECOND, 0.01);
    reference(&b, m, whole, direct);
    double product = distance(whole, direct, m->n_alpha);
    assert_true(product > 0.05 * distance(whole, NULL, m->n_alpha));
    for (int i = 0; i < 3; i++)
        error[i] = second_order_error(&b, 0.01 * (1 << (2 - i)), whole);
    assert_true(error[2] < 1e-3 * product);
    for (int i = 0; i < 2; i++)
        close_to(error[i] / error[i + 1], 4, 0.1);
    snas_method_destroy(m);
    close_bench(&b);
}

static const char bending_text[] =
    "name: bending\n"
    "cells:\n"
    "  normal: {inputs: 2, nodes: 2,\n"
    "           ops: [none, max_pool_3x3, skip_connect, sep_conv_3x3, dil_conv_3x3]}\n"
    "  reduce: {inputs: 2, nodes: 2, stride: 2,\n"
    "           ops: [none, avg_pool_3x3, skip_connect, sep_conv_3x3]}\n"
    "stack: {reduce_at: [1/2]}\n"
    "stem: [{channels: 3, steps: [conv3x3, bn]}]\n"
    "preprocess: {same: [relu, pw, bn], reduce: [relu, fr, bn]}\n"
    "head: [gap, linear]\n";

/* A decision that changes between theta +- R v adds a constant over R, so a few lengths are tried:
 * a wrong product agrees at none of them. */
static void darts__second_order_is_the_unrolled_gradient_when_there_are_relus(void **state)
{
    (void)state;
    struct bench b;
    double whole[MOST], direct[MOST], smallest = INFINITY;
    open_bench(&b, bending_text, SNAS_PRECISION_F64);
    struct snas_method *m = make(&b, SNAS_DARTS_SECOND, 0.01);
    reference(&b, m, whole, direct);
    double product = distance(whole, direct, m->n_alpha);
    assert_true(product > 0.05 * distance(whole, NULL, m->n_alpha));
    for (double epsilon = 1e-4; epsilon > 1e-7 && smallest > 1e-3 * product; epsilon /= 10)
        smallest = fmin(smallest, second_order_error(&b, epsilon, whole));
    assert_true(smallest < 1e-3 * product);
    snas_method_destroy(m);
    close_bench(&b);
}

/* The engine in float at the paper's epsilon, on a net in which decisions do not change. */
static void darts__second_order_is_the_unrolled_gradient_when_the_net_is_in_float(void **state)
{
    (void)state;
    struct bench b, f;
    double whole[MOST], direct[MOST];
    open_bench(&b, smooth_text, SNAS_PRECISION_F64);
    open_bench(&f, smooth_text, SNAS_PRECISION_F32);
    struct snas_method *m = make(&b, SNAS_DARTS_SECOND, 0.01);
    reference(&b, m, whole, direct);
    double error = second_order_error(&f, 0.01, whole);
    assert_true(error < 1e-3 * distance(whole, direct, m->n_alpha));
    snas_method_destroy(m);
    close_bench(&f);
    close_bench(&b);
}

/* Of the held-out batch, or of the training one: the central difference of that batch's loss. */
static void one_batch(int order, int held)
{
    struct bench b;
    double gradient[MOST], largest = 0;
    open_bench(&b, bending_text, SNAS_PRECISION_F64);
    struct snas_method *m = make(&b, order, 0.01);
    struct snas_step_result r = step_gradient(&b, m, gradient);
    assert_int_equal(b.asked[0], 1);
    assert_int_equal(b.asked[1], held);
    assert_int_equal(b.theta_steps, 1);
    close_to(r.live_ops, 1, 0);
    for (int i = 0; i < m->n_alpha; i++)
        largest = fmax(largest, fabs(gradient[i]));
    assert_true(largest > 1e-3);
    for (int i = 0; i < m->n_alpha; i++) {
        const double h = 1e-5;
        double moved[MOST], loss[2];
        memcpy(moved, m->alpha, (size_t)m->n_alpha * sizeof(*moved));
        for (int side = 0; side < 2; side++) {
            moved[i] = m->alpha[i] + (side ? -h : h);
            loss[side] = loss_at(&b, m, moved, held);
        }
        close_to(gradient[i], (loss[0] - loss[1]) / (2 * h), 1e-6 * largest);
    }
    snas_method_destroy(m);
    close_bench(&b);
}

static void darts__first_order_is_the_gradient_of_the_held_out_loss(void **state)
{
    (void)state;
    one_batch(SNAS_DARTS_FIRST, 1);
}

static void darts__single_level_is_the_gradient_of_the_training_loss(void **state)
{
    (void)state;
    one_batch(SNAS_DARTS_SINGLE, 0);
}

/* Bi-level: theta learns from the training batch at the alpha that is new already. */
static void darts__theta_is_trained_at_the_new_alpha_when_alpha_has_its_own_batch(void **state)
{
    (void)state;
    struct bench b;
    struct snas_err err = {0};
    struct snas_step_result r;
    open_bench(&b, bending_text, SNAS_PRECISION_F64);
    for (int order = SNAS_DARTS_FIRST; order <= SNAS_DARTS_SINGLE; order++) {
        struct snas_method *m = make(&b, order, 0.01);
        const struct snas_method_context ctx = context(&b);
        double old = loss_at(&b, m, m->alpha, 0);
        assert_int_equal(m->ops->step(m, &ctx, &r, &err), SNAS_OK);
        double moved = loss_at(&b, m, m->alpha, 0);
        assert_true(fabs(old - moved) > 1e-6);
        close_to(r.loss, order == SNAS_DARTS_SINGLE ? old : moved, 1e-12);
        snas_method_destroy(m);
    }
    close_bench(&b);
}

static void darts__samples_are_the_mixture_or_one_hot_as_asked(void **state)
{
    (void)state;
    struct bench b;
    double p[MOST], soft[256], hard[256];
    open_bench(&b, bending_text, SNAS_PRECISION_F64);
    struct snas_method *m = make(&b, SNAS_DARTS_FIRST, 0.01);
    snas_method_probabilities(m, p);
    m->ops->sample(m, 1, SNAS_STREAM_HARD, 0, 0, soft);
    m->ops->sample(m, 1, SNAS_STREAM_HARD, 0, 1, hard);
    for (int e = 0; e < b.network->n_edges; e++) {
        const struct snas_edge *edge = &b.network->edges[e];
        double sum = 0;
        for (int k = 0; k < edge->n_ops; k++) {
            close_to(soft[edge->z + k], p[m->rows[m->edge_row[e]].first + k], 1e-15);
            assert_true(hard[edge->z + k] == 0 || hard[edge->z + k] == 1);
            sum += hard[edge->z + k];
        }
        close_to(sum, 1, 0);
    }
    snas_method_destroy(m);
    close_bench(&b);
}

/* Theta is as it was even where the step fails in the middle of its virtual moves. */
static void darts__theta_comes_back_when_the_second_order_fails(void **state)
{
    (void)state;
    struct bench b;
    struct snas_err err = {0};
    struct snas_step_result r;
    open_bench(&b, bending_text, SNAS_PRECISION_F64);
    struct snas_method *m = make(&b, SNAS_DARTS_SECOND, 0.01);
    const struct snas_method_context ctx = context(&b);
    for (int nth = 2; nth >= 1; nth--) { /* the second leaves the first to the next try */
        snas_mem_fail_at(nth);
        assert_int_equal(m->ops->step(m, &ctx, &r, &err), SNAS_E_NOMEM);
        snas_mem_fail_at(0);
    }
    ((double *)b.images[1])[0] = NAN;
    assert_int_equal(m->ops->step(m, &ctx, &r, &err), SNAS_E_NUMERIC);
    assert_memory_equal(snas_net_theta(b.net), b.theta,
                        snas_net_theta_size(b.net) * sizeof(double));
    assert_int_equal(b.theta_steps, 0);
    snas_method_destroy(m);
    close_bench(&b);
}

static void darts__creation_fails_cleanly_when_any_allocation_does(void **state)
{
    (void)state;
    struct bench b;
    const struct snas_darts_options o = {.epsilon = 0.01, .alpha = {.learning_rate = 1}};
    open_bench(&b, bending_text, SNAS_PRECISION_F64);
    for (long nth = 1;; nth++) {
        struct snas_err err = {0};
        struct snas_method *m;
        snas_mem_fail_at(nth);
        enum snas_status s = snas_method_darts(b.network, &b.costs, &o, 11, &m, &err);
        snas_mem_fail_at(0);
        if (s == SNAS_OK) {
            snas_method_destroy(m);
            assert_true(nth > 5);
            break;
        }
        assert_int_equal(s, SNAS_E_NOMEM);
        assert_null(m);
    }
    close_bench(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(darts__second_order_is_the_unrolled_gradient_when_no_decision_changes),
        cmocka_unit_test(darts__second_order_is_the_unrolled_gradient_when_there_are_relus),
        cmocka_unit_test(darts__second_order_is_the_unrolled_gradient_when_the_net_is_in_float),
        cmocka_unit_test(darts__first_order_is_the_gradient_of_the_held_out_loss),
        cmocka_unit_test(darts__single_level_is_the_gradient_of_the_training_loss),
        cmocka_unit_test(darts__theta_is_trained_at_the_new_alpha_when_alpha_has_its_own_batch),
        cmocka_unit_test(darts__samples_are_the_mixture_or_one_hot_as_asked),
        cmocka_unit_test(darts__theta_comes_back_when_the_second_order_fails),
        cmocka_unit_test(darts__creation_fails_cleanly_when_any_allocation_does),
    };
    return cmocka_run_group_tests_name("methods.darts", tests, NULL, NULL);
}

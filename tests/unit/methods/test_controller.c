/* ENAS's controller: its gradients against central differences, its samples against their
 * probabilities, REINFORCE against the enumerated expectation, its state. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "methods/controller.h"

/* Two kinds with other inputs, nodes and ops, one of them in both lists. */
static const char two_kinds[] =
    "name: two\n"
    "cells:\n"
    "  normal: {inputs: 2, nodes: 3, ops: [skip_connect, none, max_pool_3x3, sep_conv_3x3]}\n"
    "  reduce: {inputs: 1, nodes: 2, ops: [none, avg_pool_3x3, skip_connect], stride: 2}\n"
    "stack: {reduce_at: [1/2]}\n"
    "stem: [{channels: 3, steps: [conv3x3, bn]}]\n"
    "preprocess: {same: [relu, pw, bn], reduce: [relu, fr, bn]}\n"
    "head: [gap, linear]\n";

/* Small enough to enumerate: 4 architectures of the first node times 16 of the second. */
static const char countable[] = "name: countable\n"
                                "cells:\n"
                                "  normal: {inputs: 1, nodes: 2, ops: [none, skip_connect, "
                                "max_pool_3x3]}\n"
                                "stem: [{channels: 3, steps: [conv3x3, bn]}]\n"
                                "preprocess: {same: [relu, pw, bn]}\n"
                                "head: [gap, linear]\n";
enum { ALL = 64 };

static struct snas_space read_space(const char *text)
{
    struct snas_space space;
    struct snas_err err = {0};
    if (snas_space_parse("test", text, strlen(text), &space, &err) != SNAS_OK)
        fail_msg("%s", err.text);
    return space;
}

static struct snas_controller_options small(void)
{
    return (struct snas_controller_options){.units = 5,
                                            .tanh_constant = 1.1,
                                            .op_tanh_reduce = 2.5,
                                            .init = 0.6,
                                            .learning_rate = 0.0035,
                                            .beta2 = 0.999,
                                            .eps = 1e-3,
                                            .entropy_weight = 0.3,
                                            .baseline_decay = 0.99};
}

static struct snas_controller *make(const struct snas_space *space,
                                    const struct snas_controller_options *o)
{
    struct snas_controller *c;
    struct snas_err err = {0};
    if (snas_controller_create(space, o, 3, &c, &err) != SNAS_OK)
        fail_msg("%s", err.text);
    /* biases too are to matter */
    struct snas_rng rng = snas_rng_make(9, SNAS_STREAM_TEST, 0);
    for (int i = 0; i < snas_controller_size(c); i++)
        snas_controller_parameters(c)[i] += 0.2 * snas_rng_normal(&rng);
    return c;
}

static double weighted(const struct snas_controller *c, const struct snas_picks *picks, double a,
                       double b)
{
    struct snas_controller_score s;
    snas_controller_score(c, picks, &s);
    return a * s.log_prob + b * s.entropy;
}

static void gradient_is_numerical(struct snas_controller *c, const struct snas_picks *picks,
                                  double a, double b)
{
    int n = snas_controller_size(c);
    double *theta = snas_controller_parameters(c), *grad = snas_controller_gradients(c);
    double largest = 0;
    memset(grad, 0, (size_t)n * sizeof(*grad));
    snas_controller_gradient(c, picks, a, b);
    for (int i = 0; i < n; i++)
        largest = fmax(largest, fabs(grad[i]));
    assert_true(largest > 1e-3);
    for (int i = 0; i < n; i++) {
        const double h = 1e-3, at = theta[i]; /* fourth order: rounding leaves 1e-11 */
        double f[4];
        for (int k = 0; k < 4; k++) {
            theta[i] = at + h * (double[]){-2, -1, 1, 2}[k];
            f[k] = weighted(c, picks, a, b);
        }
        theta[i] = at;
        double slope = (8 * (f[2] - f[1]) - (f[3] - f[0])) / (12 * h);
        if (!(fabs(grad[i] - slope) <= 1e-6 * fabs(slope) + 5e-11))
            fail_msg("parameter %d of %d: %.12g, by differences %.12g", i, n, grad[i], slope);
    }
}

static void controller__gradients_equal_central_differences_when_either_is_asked(void **state)
{
    (void)state;
    struct snas_space space = read_space(two_kinds);
    struct snas_controller_options o = small();
    for (int variant = 0; variant < 3; variant++) {
        o.temperature = variant == 1 ? 5 : 0;
        o.tanh_constant = variant == 2 ? 0 : 1.1;
        struct snas_controller *c = make(&space, &o);
        for (uint64_t i = 0; i < 3; i++) {
            struct snas_picks picks;
            snas_controller_sample(c, 1, SNAS_STREAM_TEST, i, &picks, NULL);
            gradient_is_numerical(c, &picks, 1, 0);
            gradient_is_numerical(c, &picks, 0, 1);
            gradient_is_numerical(c, &picks, -0.7, 0.4);
        }
        snas_controller_destroy(c);
    }
}

static void controller__every_parameter_has_a_gradient_when_samples_are_many(void **state)
{
    (void)state;
    struct snas_space space = read_space(two_kinds);
    struct snas_controller_options o = small();
    struct snas_controller *c = make(&space, &o);
    int none = 0;
    while (!space.ops[none].zero)
        none++;
    for (uint64_t i = 0; i < 100; i++) {
        struct snas_picks picks;
        snas_controller_sample(c, 1, SNAS_STREAM_TEST, i, &picks, NULL);
        snas_controller_gradient(c, &picks, 1, 0);
    }
    int still = 0, n = snas_controller_size(c);
    for (int i = 0; i < n; i++)
        still += snas_controller_gradients(c)[i] == 0;
    assert_int_equal(still, o.units * 2 + 1); /* none's embedding, row and bias */
    snas_controller_destroy(c);
}

/* The ith of all architectures of `countable`. */
static struct snas_picks numbered(int i)
{
    struct snas_picks picks = {0};
    struct snas_node_picks *a = &picks.node[0][0], *b = &picks.node[0][1];
    int *const decisions[] = {&a->op[0], &a->op[1], &b->slot[0], &b->slot[1], &b->op[0], &b->op[1]};
    for (int d = 0; d < 6; d++)
        *decisions[d] = (i >> d & 1) + (decisions[d] != &b->slot[0] && decisions[d] != &b->slot[1]);
    return picks;
}

/* Whatever: not a sum over decisions. */
static double reward_of(int i)
{
    return sin(3.7 * i) + ((i & 9) == 9);
}

/* E[reward + w H] over all architectures. */
static double objective(const struct snas_controller *c, double weight)
{
    double sum = 0;
    for (int i = 0; i < ALL; i++) {
        struct snas_picks picks = numbered(i);
        struct snas_controller_score s;
        snas_controller_score(c, &picks, &s);
        sum += exp(s.log_prob) * (reward_of(i) + weight * s.entropy);
    }
    return sum;
}

static void controller__probabilities_add_to_one_when_enumerated(void **state)
{
    (void)state;
    struct snas_space space = read_space(countable);
    struct snas_controller_options o = small();
    struct snas_controller *c = make(&space, &o);
    double sum = 0, entropy = 0, mean = 0;
    for (int i = 0; i < ALL; i++) {
        struct snas_picks picks = numbered(i);
        struct snas_controller_score s;
        snas_controller_score(c, &picks, &s);
        sum += exp(s.log_prob);
        entropy -= exp(s.log_prob) * s.log_prob;
        mean += exp(s.log_prob) * s.entropy;
    }
    assert_true(fabs(sum - 1) < 1e-12);
    assert_true(fabs(entropy - mean) < 1e-12); /* the chain rule of entropy */
    snas_controller_destroy(c);
}

static void controller__samples_follow_their_probabilities_when_many(void **state)
{
    (void)state;
    enum { DRAWS = 40000 };
    struct snas_space space = read_space(countable);
    struct snas_controller_options o = small();
    struct snas_controller *c = make(&space, &o);
    int hits[ALL] = {0};
    double chi = 0;
    for (uint64_t d = 0; d < DRAWS; d++) {
        struct snas_picks picks;
        snas_controller_sample(c, 2, SNAS_STREAM_TEST, d, &picks, NULL);
        int which = -1;
        for (int i = 0; i < ALL && which < 0; i++) {
            struct snas_picks all = numbered(i);
            which = memcmp(&all, &picks, sizeof(all)) ? -1 : i;
        }
        assert_true(which >= 0);
        hits[which]++;
    }
    for (int i = 0; i < ALL; i++) {
        struct snas_picks picks = numbered(i);
        double p = DRAWS * exp(weighted(c, &picks, 1, 0));
        chi += (hits[i] - p) * (hits[i] - p) / p;
    }
    assert_true(chi < 63 + 4 * sqrt(2 * 63)); /* 63 degrees of freedom */
    snas_controller_destroy(c);
}

/* What an estimate is on average, to the last digit: over all architectures, each with its
 * probability. The baseline changes nothing. */
static void controller__reinforce_is_the_gradient_when_averaged_over_all(void **state)
{
    (void)state;
    struct snas_space space = read_space(countable);
    struct snas_controller_options o = small();
    o.baseline_decay = 1; /* stays at what the first sample makes it */
    struct snas_controller *c = make(&space, &o);
    int n = snas_controller_size(c);
    double *theta = snas_controller_parameters(c), *grad = snas_controller_gradients(c);
    double *mean = calloc((size_t)n, sizeof(*mean)), largest = 0;
    assert_non_null(mean);
    struct snas_picks first = numbered(17);
    snas_controller_reinforce(c, &first, 0.5);
    assert_true(snas_controller_baseline(c) > 0.5);
    for (int i = 0; i < ALL; i++) {
        struct snas_picks picks = numbered(i);
        double p = exp(weighted(c, &picks, 1, 0));
        memset(grad, 0, (size_t)n * sizeof(*grad));
        snas_controller_reinforce(c, &picks, reward_of(i));
        for (int j = 0; j < n; j++)
            mean[j] += p * grad[j];
    }
    for (int j = 0; j < n; j++)
        largest = fmax(largest, fabs(mean[j]));
    assert_true(largest > 1e-2);
    for (int j = 0; j < n; j++) {
        const double h = 1e-5, at = theta[j];
        theta[j] = at + h;
        double up = objective(c, o.entropy_weight);
        theta[j] = at - h;
        double down = objective(c, o.entropy_weight);
        theta[j] = at;
        if (!(fabs(mean[j] - (up - down) / (2 * h)) <= 1e-7 * largest))
            fail_msg("parameter %d: %.12g, expected %.12g", j, mean[j], (up - down) / (2 * h));
    }
    free(mean);
    snas_controller_destroy(c);
}

static void train_some(struct snas_controller *c, int first, int updates)
{
    struct snas_err err = {0};
    for (int u = first; u < first + updates; u++) {
        for (int i = 0; i < 10; i++) {
            struct snas_picks p;
            snas_controller_sample(c, 4, SNAS_STREAM_TEST, (uint64_t)u * 10 + (uint64_t)i, &p,
                                   NULL);
            const struct snas_node_picks *node = p.node[0];
            snas_controller_reinforce(c, &p, node[0].op[0] == 1 && node[1].slot[1] == 1 ? 1 : 0);
        }
        assert_int_equal(snas_controller_update(c, &err), SNAS_OK);
    }
}

static void controller__learns_what_is_rewarded_when_trained(void **state)
{
    (void)state;
    struct snas_space space = read_space(countable);
    struct snas_controller_options o = small();
    o.units = 20;
    o.init = 0.1;
    o.entropy_weight = 1e-4;
    struct snas_controller *c = make(&space, &o);
    double before = 0, after = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < ALL; i++) {
            struct snas_picks p = numbered(i);
            if (p.node[0][0].op[0] == 1 && p.node[0][1].slot[1] == 1)
                *(pass ? &after : &before) += exp(weighted(c, &p, 1, 0));
        }
        if (!pass)
            train_some(c, 0, 200);
    }
    /* The bounds of the tanh allow sigmoid(0.88) sigmoid(2.2) = 0.64. */
    assert_true(before < 0.35);
    assert_true(after > 0.55 && after < 0.64);
    snas_controller_destroy(c);
}

static void controller__goes_on_bit_for_bit_when_its_state_is_copied(void **state)
{
    (void)state;
    struct snas_space space = read_space(countable);
    struct snas_controller_options o = small();
    struct snas_controller *a = make(&space, &o), *b = make(&space, &o);
    struct snas_st_tensor from[SNAS_CONTROLLER_TENSORS], to[SNAS_CONTROLLER_TENSORS];
    train_some(a, 0, 3);
    assert_int_equal(snas_controller_state(a, from), SNAS_CONTROLLER_TENSORS);
    snas_controller_state(b, to);
    for (int i = 0; i < SNAS_CONTROLLER_TENSORS; i++) {
        assert_string_equal(from[i].name, to[i].name);
        memcpy((void *)to[i].data, from[i].data, (size_t)from[i].shape[0] * sizeof(double));
    }
    train_some(a, 3, 2);
    train_some(b, 3, 2);
    for (int i = 0; i < SNAS_CONTROLLER_TENSORS; i++)
        assert_memory_equal(from[i].data, to[i].data, (size_t)from[i].shape[0] * sizeof(double));
    struct snas_picks p, q;
    snas_controller_sample(a, 1, SNAS_STREAM_TEST, 7, &p, NULL);
    snas_controller_sample(b, 1, SNAS_STREAM_TEST, 7, &q, NULL);
    assert_memory_equal(&p, &q, sizeof(p));
    snas_controller_destroy(a);
    snas_controller_destroy(b);
}

static void controller__update_is_refused_when_the_gradient_is_not_finite(void **state)
{
    (void)state;
    struct snas_space space = read_space(countable);
    struct snas_controller_options o = small();
    struct snas_err err = {0};
    struct snas_controller *c = make(&space, &o);
    double first = snas_controller_parameters(c)[0];
    snas_controller_gradients(c)[1] = INFINITY;
    assert_int_equal(snas_controller_update(c, &err), SNAS_E_NUMERIC);
    assert_true(snas_controller_parameters(c)[0] == first);
    snas_controller_destroy(c);
}

static void controller__memory_is_freed_when_any_allocation_fails(void **state)
{
    (void)state;
    struct snas_space space = read_space(two_kinds);
    struct snas_controller_options o = small();
    struct snas_controller *c;
    struct snas_err err = {0};
    int failures = 0;
    for (long nth = 1;; nth++) {
        snas_mem_fail_at(nth);
        enum snas_status s = snas_controller_create(&space, &o, 1, &c, &err);
        snas_mem_fail_at(0);
        if (s == SNAS_OK)
            break;
        assert_int_equal(s, SNAS_E_NOMEM);
        assert_null(c);
        failures++;
    }
    assert_true(failures >= 7);
    snas_controller_destroy(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(controller__gradients_equal_central_differences_when_either_is_asked),
        cmocka_unit_test(controller__every_parameter_has_a_gradient_when_samples_are_many),
        cmocka_unit_test(controller__probabilities_add_to_one_when_enumerated),
        cmocka_unit_test(controller__samples_follow_their_probabilities_when_many),
        cmocka_unit_test(controller__reinforce_is_the_gradient_when_averaged_over_all),
        cmocka_unit_test(controller__learns_what_is_rewarded_when_trained),
        cmocka_unit_test(controller__goes_on_bit_for_bit_when_its_state_is_copied),
        cmocka_unit_test(controller__update_is_refused_when_the_gradient_is_not_finite),
        cmocka_unit_test(controller__memory_is_freed_when_any_allocation_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

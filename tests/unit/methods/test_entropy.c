/* The entropy schedule and alpha's warm-up: the exact gradient, the ramp, and what a step of SNAS
 * makes of them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "fixture.h"

static struct snas_step_result run_step(struct fixture *f, struct snas_method *m, int epoch)
{
    struct snas_err err = {0};
    struct snas_step_result r;
    struct snas_method_context context = fixture_context(f);
    context.epoch = epoch;
    if (m->ops->step(m, &context, &r, &err) != SNAS_OK)
        fail_msg("%s", err.text);
    return r;
}

static double undecided(const struct snas_method *m)
{
    double entropy, margin, share;
    snas_method_overall(m, &entropy, &margin, &share);
    return share;
}

static void entropy__gradient_equals_central_differences(void **state)
{
    struct fixture *f = *state;
    const struct snas_snas_options o = fixture_options();
    struct snas_method *m = fixture_snas(f, &o);
    double *gradient = calloc((size_t)m->n_alpha, sizeof *gradient), weight = 0.7, h = 1e-5;
    assert_non_null(gradient);
    for (int i = 0; i < m->n_alpha; i++)
        m->alpha[i] *= 3;
    close_to(snas_entropy_gradient(m, weight, gradient), weight * undecided(m), 1e-14);
    double largest = 0;
    for (int i = 0; i < m->n_alpha; i++) {
        double alpha = m->alpha[i];
        m->alpha[i] = alpha + h;
        double up = undecided(m);
        m->alpha[i] = alpha - h;
        close_to(gradient[i], weight * (up - undecided(m)) / (2 * h), 1e-10);
        m->alpha[i] = alpha;
        largest = fmax(largest, fabs(gradient[i]));
    }
    assert_true(largest > 1e-3);
    free(gradient);
    snas_method_destroy(m);
}

static void entropy__gradient_is_zero_and_finite_when_uniform_or_certain(void **state)
{
    struct fixture *f = *state;
    const struct snas_snas_options o = fixture_options();
    struct snas_method *m = fixture_snas(f, &o);
    double *gradient = calloc((size_t)m->n_alpha, sizeof *gradient);
    assert_non_null(gradient);
    for (int certain = 0; certain < 2; certain++) {
        for (int r = 0; r < m->n_rows; r++)
            for (int k = 0; k < m->rows[r].n_ops; k++)
                m->alpha[m->rows[r].first + k] = certain && k ? -2000 : 1;
        close_to(snas_entropy_gradient(m, 3, gradient), certain ? 0 : 3, 1e-12);
        for (int i = 0; i < m->n_alpha; i++)
            close_to(gradient[i], 0, 1e-12);
    }
    free(gradient);
    snas_method_destroy(m);
}

static void entropy__weight_is_linear_between_the_first_and_the_last_epoch(void **state)
{
    (void)state;
    const struct snas_entropy_options o = {-0.2, 0.6};
    close_to(snas_entropy_weight(&o, 0, 0, 5), -0.2, 0);
    close_to(snas_entropy_weight(&o, 2, 0, 5), 0.2, 1e-15);
    close_to(snas_entropy_weight(&o, 4, 0, 5), 0.6, 1e-15);
    close_to(snas_entropy_weight(&o, 1, 2, 5), -0.2, 0);
    close_to(snas_entropy_weight(&o, 2, 2, 5), -0.2, 0);
    close_to(snas_entropy_weight(&o, 3, 2, 5), 0.2, 1e-15);
    close_to(snas_entropy_weight(&o, 4, 2, 5), 0.6, 1e-15);
    close_to(snas_entropy_weight(&o, 0, 0, 1), 0.6, 0);
}

/* Beside the task's gradient: a step's move of alpha against differences of loss and term. */
static void entropy__joins_the_gradient_of_a_step(void **state)
{
    struct fixture *f = *state;
    struct snas_snas_options o = fixture_options();
    o.alpha.entropy = (struct snas_entropy_options){4, 4};
    snas_net_init(f->net, 3);
    struct snas_method *m = fixture_snas(f, &o);
    size_t bytes = (size_t)m->n_alpha * sizeof(double);
    double *start = malloc(bytes), *moved = malloc(bytes), h = 1e-5;
    assert_true(start && moved);
    memcpy(start, m->alpha, bytes);
    const double value = 4 * undecided(m);
    close_to(run_step(f, m, 1).penalty, value, 1e-12);
    memcpy(moved, m->alpha, bytes);
    for (int i = 0; i < m->n_alpha; i += 3) {
        double sides[2];
        for (int side = 0; side < 2; side++) {
            memcpy(m->alpha, start, bytes);
            m->alpha[i] += side ? h : -h;
            struct snas_step_result r = run_step(f, m, 1);
            sides[side] = r.loss + r.penalty;
        }
        close_to(start[i] - moved[i], (sides[1] - sides[0]) / (2 * h), 1e-6);
    }
    free(start);
    free(moved);
    snas_method_destroy(m);
}

/* With a task that says nothing (every parameter 0) the sign alone decides. */
static void entropy__falls_when_the_weight_is_above_zero_and_rises_when_below(void **state)
{
    struct fixture *f = *state;
    memset(snas_net_theta(f->net), 0, snas_net_theta_size(f->net) * sizeof(double));
    for (int sign = -1; sign <= 1; sign++) {
        struct snas_snas_options o = fixture_options();
        o.alpha.entropy = (struct snas_entropy_options){2 * sign, 2 * sign};
        struct snas_method *m = fixture_snas(f, &o);
        const double before = undecided(m);
        for (int i = 0; i < 20; i++)
            run_step(f, m, 1);
        if (sign == 0)
            close_to(undecided(m), before, 1e-12);
        else
            assert_true(sign * (undecided(m) - before) < -1e-3);
        snas_method_destroy(m);
    }
}

static void warmup__moves_theta_alone_and_leaves_no_trace_in_alpha(void **state)
{
    struct fixture *f = *state;
    struct snas_snas_options o = fixture_options();
    o.alpha.adam = 1;
    o.alpha.beta1 = 0.5;
    o.alpha.beta2 = 0.999;
    o.alpha.weight_decay = 1e-3;
    o.alpha.warmup = 2;
    snas_net_init(f->net, 3);
    struct snas_method *m = fixture_snas(f, &o), *fresh = fixture_snas(f, &o);
    const size_t bytes = (size_t)m->n_alpha * sizeof(double);
    const int steps = f->theta_steps;
    run_step(f, m, 0);
    run_step(f, m, 1);
    assert_int_equal(f->theta_steps, steps + 2);
    assert_memory_equal(m->alpha, fresh->alpha, bytes);
    run_step(f, m, 2);
    run_step(f, fresh, 2);
    assert_memory_equal(m->alpha, fresh->alpha, bytes);
    snas_method_destroy(fresh);
    fresh = fixture_snas(f, &o);
    assert_memory_not_equal(m->alpha, fresh->alpha, bytes);
    snas_method_destroy(m);
    snas_method_destroy(fresh);
}

static void warmup__keeps_the_starting_temperature_and_the_fall_comes_after_it(void **state)
{
    (void)state;
    struct snas_snas_options o = {
        .temperature_start = 1, .temperature_end = 0.2, .alpha = {.warmup = 2}};
    close_to(snas_snas_temperature(&o, 0, 6), 1, 0);
    close_to(snas_snas_temperature(&o, 1, 6), 1, 0);
    close_to(snas_snas_temperature(&o, 2, 6), 0.8, 1e-15);
    close_to(snas_snas_temperature(&o, 5, 6), 0.2, 1e-15);
    o.temperature_epochs = 2;
    close_to(snas_snas_temperature(&o, 2, 6), 0.6, 1e-15);
    close_to(snas_snas_temperature(&o, 3, 6), 0.2, 1e-15);
    close_to(snas_snas_temperature(&o, 5, 6), 0.2, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entropy__gradient_equals_central_differences),
        cmocka_unit_test(entropy__gradient_is_zero_and_finite_when_uniform_or_certain),
        cmocka_unit_test(entropy__weight_is_linear_between_the_first_and_the_last_epoch),
        cmocka_unit_test(entropy__joins_the_gradient_of_a_step),
        cmocka_unit_test(entropy__falls_when_the_weight_is_above_zero_and_rises_when_below),
        cmocka_unit_test(warmup__moves_theta_alone_and_leaves_no_trace_in_alpha),
        cmocka_unit_test(warmup__keeps_the_starting_temperature_and_the_fall_comes_after_it),
    };
    return cmocka_run_group_tests_name("methods.entropy", tests, fixture_open, fixture_close);
}

/* SNAS's step: its gradient of alpha against central differences of what it reports, on a net in
 * double; samples, temperature, threshold, state. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/mem.h"
#include "fixture.h"

static struct snas_step_result run_step(struct fixture *f, struct snas_method *m)
{
    struct snas_err err = {0};
    struct snas_step_result r;
    const struct snas_method_context context = fixture_context(f);
    if (m->ops->step(m, &context, &r, &err) != SNAS_OK)
        fail_msg("%s", err.text);
    return r;
}

/* Total loss of a step at alpha0 with alpha0[i] moved; alpha is put back. */
static double total(struct fixture *f, struct snas_method *m, const double *alpha0, int i,
                    double move)
{
    memcpy(m->alpha, alpha0, (size_t)m->n_alpha * sizeof(double));
    m->alpha[i] += move;
    struct snas_step_result r = run_step(f, m);
    return r.loss + r.penalty;
}

static void gradient_is_numerical(struct fixture *f, const struct snas_snas_options *o)
{
    struct snas_method *m = fixture_snas(f, o);
    size_t bytes = (size_t)m->n_alpha * sizeof(double);
    double *alpha0 = malloc(bytes), *grad = malloc(bytes), largest = 0;
    assert_non_null(alpha0);
    assert_non_null(grad);
    memcpy(alpha0, m->alpha, bytes);
    run_step(f, m);
    for (int i = 0; i < m->n_alpha; i++) {
        grad[i] = alpha0[i] - m->alpha[i];
        largest = fmax(largest, fabs(grad[i]));
    }
    assert_true(largest > 1e-4);
    for (int i = 0; i < m->n_alpha; i++) {
        double h = 1e-5;
        double up = total(f, m, alpha0, i, h), down = total(f, m, alpha0, i, -h);
        close_to(grad[i], (up - down) / (2 * h), 1e-6 * largest + 1e-9);
    }
    free(alpha0);
    free(grad);
    snas_method_destroy(m);
}

static void snas__alpha_gradient_equals_central_differences_when_cells_share_a_sample(void **state)
{
    struct fixture *f = *state;
    struct snas_snas_options o = fixture_options();
    snas_net_init(f->net, 3);
    gradient_is_numerical(f, &o);
}

static void snas__alpha_gradient_equals_central_differences_when_cells_sample_alone(void **state)
{
    struct fixture *f = *state;
    struct snas_snas_options o = fixture_options();
    o.sample_per_cell = 1;
    snas_net_init(f->net, 3);
    gradient_is_numerical(f, &o);
}

static struct snas_snas_options penalised(int form, int estimator)
{
    struct snas_snas_options o = fixture_options();
    o.alpha.penalty = (struct snas_penalty_options){.strength = 2,
                                                    .form = form,
                                                    .estimator = estimator,
                                                    .share = {1, 0.5, 0.25},
                                                    .reference = 1};
    return o;
}

/* A net whose parameters are zero has a loss that no z moves: what is left is the penalty. */
static void snas__penalty_gradient_equals_central_differences_when_it_is_alone(void **state)
{
    struct fixture *f = *state;
    memset(snas_net_theta(f->net), 0, snas_net_theta_size(f->net) * sizeof(double));
    for (int form = SNAS_PENALTY_LINEAR; form <= SNAS_PENALTY_PRODUCT; form++) {
        struct snas_snas_options o = penalised(form, SNAS_PENALTY_REPARAMETRIZED);
        gradient_is_numerical(f, &o);
        o = penalised(form, SNAS_PENALTY_ANALYTIC);
        gradient_is_numerical(f, &o);
    }
}

static void snas__penalty_adds_to_the_task_gradient_when_both_are_on(void **state)
{
    struct fixture *f = *state;
    snas_net_init(f->net, 3);
    struct snas_snas_options o = penalised(SNAS_PENALTY_PRODUCT, SNAS_PENALTY_REPARAMETRIZED);
    o.sample_per_cell = 1;
    gradient_is_numerical(f, &o);
}

static void snas__sample_is_shared_by_cells_of_a_kind_when_not_per_cell(void **state)
{
    struct fixture *f = *state;
    double *z = malloc((size_t)f->network->n_z * sizeof(double));
    assert_non_null(z);
    const struct snas_cell *a = NULL, *b = NULL;
    for (int c = 0; c < f->network->n_cells; c++)
        if (f->network->cells[c].kind == 0) {
            b = a;
            a = &f->network->cells[c];
        }
    assert_non_null(b);
    for (int per_cell = 0; per_cell < 2; per_cell++) {
        struct snas_snas_options o = fixture_options();
        o.sample_per_cell = per_cell;
        struct snas_method *m = fixture_snas(f, &o);
        m->ops->sample(m, 1, SNAS_STREAM_GUMBEL, 9, 0, z);
        int same = 1;
        for (int e = 0; e < a->n_edges; e++)
            for (int k = 0; k < f->network->edges[a->first_edge + e].n_ops; k++)
                same &= z[f->network->edges[a->first_edge + e].z + k] ==
                        z[f->network->edges[b->first_edge + e].z + k];
        assert_int_equal(same, !per_cell);
        snas_method_destroy(m);
    }
    free(z);
}

static void snas__hard_sample_is_one_hot_and_repeatable_when_drawn_again(void **state)
{
    struct fixture *f = *state;
    struct snas_snas_options o = fixture_options();
    struct snas_method *m = fixture_snas(f, &o);
    size_t bytes = (size_t)f->network->n_z * sizeof(double);
    double *z = malloc(bytes), *again = malloc(bytes), *other = malloc(bytes);
    assert_true(z && again && other);
    m->ops->sample(m, 1, SNAS_STREAM_HARD, 9, 1, z);
    m->ops->sample(m, 1, SNAS_STREAM_HARD, 10, 1, other);
    m->ops->sample(m, 1, SNAS_STREAM_HARD, 9, 1, again);
    assert_memory_equal(z, again, bytes);
    assert_memory_not_equal(z, other, bytes);
    for (int e = 0; e < f->network->n_edges; e++) {
        double sum = 0;
        for (int k = 0; k < f->network->edges[e].n_ops; k++) {
            double v = z[f->network->edges[e].z + k];
            assert_true(v == 0 || v == 1);
            sum += v;
        }
        close_to(sum, 1, 0);
    }
    free(z);
    free(again);
    free(other);
    snas_method_destroy(m);
}

static void snas__temperature_is_linear_when_epochs_pass(void **state)
{
    (void)state;
    const struct snas_snas_options o = {.temperature_start = 1, .temperature_end = 0.03};
    close_to(snas_snas_temperature(&o, 149, 150), 0.03, 1e-15);
    close_to(snas_snas_temperature(&o, 0, 150), 1 - 0.97 / 150, 1e-15);
    close_to(snas_snas_temperature(&o, 0, 1), 0.03, 1e-15);
    close_to(snas_snas_temperature(&o, 3, 8), 0.515, 1e-15);
}

static void snas__temperature_stays_at_its_end_when_the_fall_is_over(void **state)
{
    (void)state;
    const struct snas_snas_options o = {
        .temperature_start = 1, .temperature_end = 0.03, .temperature_epochs = 8};
    close_to(snas_snas_temperature(&o, 3, 20), 0.515, 1e-15);
    close_to(snas_snas_temperature(&o, 7, 20), 0.03, 1e-15);
    close_to(snas_snas_temperature(&o, 8, 20), 0.03, 0);
    close_to(snas_snas_temperature(&o, 19, 20), 0.03, 0);
}

/* The threshold's step is the step of a z in which the small entries are exactly 0. */
static void snas__small_z_are_left_out_when_below_the_threshold(void **state)
{
    struct fixture *f = *state;
    struct snas_err err = {0};
    struct snas_snas_options o = fixture_options();
    o.live_threshold = 0.08;
    snas_net_init(f->net, 3);
    struct snas_method *m = fixture_snas(f, &o);
    double *z = malloc((size_t)f->network->n_z * sizeof(double));
    assert_non_null(z);
    struct snas_step_result r = run_step(f, m); /* sets the temperature of a later sample */
    snas_method_destroy(m);
    struct snas_snas_options still = o;
    still.alpha.learning_rate = 0;
    m = fixture_snas(f, &still);
    run_step(f, m);
    m->ops->sample(m, 5, SNAS_STREAM_GUMBEL, 0, 0, z);
    int dropped = 0;
    for (int i = 0; i < f->network->n_z; i++)
        if (z[i] < o.live_threshold) {
            z[i] = 0;
            dropped++;
        }
    int ops = 0, live = 0;
    for (int e = 0; e < f->network->n_edges; e++)
        for (int k = 0; k < f->network->edges[e].n_ops; k++)
            if (!f->network->blocks[f->network->edges[e].first_block + k].zero) {
                ops++;
                live += z[f->network->edges[e].z + k] > 0;
            }
    close_to(r.live_ops, (double)live / ops, 1e-12);
    assert_true(dropped > 0 && dropped < f->network->n_z);
    const struct snas_forward forward = {.batch = f->batch, .z = z, .bn = SNAS_BN_BATCH};
    struct snas_loss loss;
    assert_int_equal(snas_net_forward(f->net, &forward, &loss, &err), SNAS_OK);
    close_to(r.loss, loss.loss, 0);
    free(z);
    snas_method_destroy(m);
}

static void snas__clip_bounds_the_move_when_the_gradient_is_large(void **state)
{
    struct fixture *f = *state;
    struct snas_snas_options o = penalised(SNAS_PENALTY_LINEAR, SNAS_PENALTY_ANALYTIC);
    o.alpha.penalty.strength = 1e4;
    o.alpha.clip = 0.5;
    snas_net_init(f->net, 3);
    struct snas_method *m = fixture_snas(f, &o), *before = fixture_snas(f, &o);
    run_step(f, m);
    double norm2 = 0;
    for (int i = 0; i < m->n_alpha; i++)
        norm2 += (m->alpha[i] - before->alpha[i]) * (m->alpha[i] - before->alpha[i]);
    close_to(sqrt(norm2), 0.5, 1e-6);
    snas_method_destroy(m);
    snas_method_destroy(before);
}

static void snas__resumed_method_goes_the_same_way_when_its_state_was_saved(void **state)
{
    struct fixture *f = *state;
    struct snas_err err = {0};
    struct snas_snas_options o = penalised(SNAS_PENALTY_LINEAR, SNAS_PENALTY_REPARAMETRIZED);
    o.alpha.adam = 1;
    o.alpha.learning_rate = 0.1;
    o.alpha.beta1 = 0.5;
    o.alpha.beta2 = 0.999;
    o.alpha.weight_decay = 1e-3;
    snas_net_init(f->net, 3);
    struct snas_method *m = fixture_snas(f, &o), *resumed = fixture_snas(f, &o);
    run_step(f, m);
    run_step(f, m);
    char path[] = "/tmp/snas-state-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    struct snas_st_tensor tensors[SNAS_METHOD_TENSORS];
    int n = snas_method_state(m, tensors);
    assert_int_equal(snas_st_write(path, tensors, (size_t)n, NULL, 0, &err), SNAS_OK);
    struct snas_st *st;
    assert_int_equal(snas_st_read(path, &st, &err), SNAS_OK);
    assert_int_equal(snas_method_load(resumed, st, &err), SNAS_OK);
    snas_st_free(st);
    unlink(path);
    run_step(f, m);
    run_step(f, resumed);
    assert_memory_equal(m->alpha, resumed->alpha, (size_t)m->n_alpha * sizeof(double));
    assert_memory_equal(m->credit, resumed->credit, (size_t)m->n_alpha * sizeof(*m->credit));
    snas_method_destroy(m);
    snas_method_destroy(resumed);
}

/* Against a forward and a backward of the sample that the step drew: alpha stays at a rate of 0. */
static void credit__is_z_times_dz_of_the_sample_when_cells_sample_alone_or_not(void **state)
{
    struct fixture *f = *state;
    struct snas_err err = {0};
    size_t n = (size_t)f->network->n_z;
    double *z = calloc(n, sizeof *z), *dz = calloc(n, sizeof *dz);
    assert_true(z && dz);
    for (int alone = 0; alone < 2; alone++) {
        struct snas_snas_options o = fixture_options();
        o.sample_per_cell = alone;
        o.alpha.learning_rate = 0;
        snas_net_init(f->net, 3);
        struct snas_method *m = fixture_snas(f, &o);
        run_step(f, m);
        run_step(f, m); /* credits add up */
        m->ops->sample(m, 5, SNAS_STREAM_GUMBEL, 0, 0, z);
        const struct snas_forward forward = {.batch = f->batch, .z = z, .bn = SNAS_BN_BATCH};
        const struct snas_backward backward = {.dz = dz};
        struct snas_loss loss;
        assert_int_equal(snas_net_forward(f->net, &forward, &loss, &err), SNAS_OK);
        assert_int_equal(snas_net_backward(f->net, &backward, &err), SNAS_OK);
        for (int e = 0; e < f->network->n_edges; e++) {
            struct snas_credit *c = m->credit + m->rows[m->edge_row[e]].first;
            for (int k = 0, i = f->network->edges[e].z; k < f->network->edges[e].n_ops; k++, i++) {
                c[k].task -= 2 * z[i] * dz[i];
                c[k].slope -= 2 * dz[i];
            }
        }
        for (int k = 0; k < m->n_alpha; k++) {
            close_to(m->credit[k].task, 0, 1e-14);
            close_to(m->credit[k].slope, 0, 1e-14);
            close_to(m->credit[k].penalty, 0, 0);
        }
        snas_method_destroy(m);
    }
    free(z);
    free(dz);
}

static void credit__sums_to_the_penalty_when_it_is_linear(void **state)
{
    struct fixture *f = *state;
    struct snas_snas_options o = penalised(SNAS_PENALTY_LINEAR, SNAS_PENALTY_REPARAMETRIZED);
    snas_net_init(f->net, 3);
    for (int alone = 0; alone < 2; alone++) {
        o.sample_per_cell = alone;
        struct snas_method *m = fixture_snas(f, &o);
        double sum = 0;
        struct snas_step_result r = run_step(f, m);
        for (int k = 0; k < m->n_alpha; k++)
            sum += m->credit[k].penalty;
        close_to(sum, r.penalty, 1e-12);
        assert_true(r.penalty > 0);
        snas_method_destroy(m);
    }
}

static enum snas_status create(const struct fixture *f, struct snas_method **out,
                               struct snas_err *err)
{
    const struct snas_snas_options o = fixture_options();
    return snas_method_snas(f->network, &f->costs, &o, 11, out, err);
}

static void snas__creation_fails_cleanly_when_any_allocation_does(void **state)
{
    fixture_fails_cleanly(*state, create);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(snas__alpha_gradient_equals_central_differences_when_cells_share_a_sample),
        cmocka_unit_test(snas__alpha_gradient_equals_central_differences_when_cells_sample_alone),
        cmocka_unit_test(snas__penalty_gradient_equals_central_differences_when_it_is_alone),
        cmocka_unit_test(snas__penalty_adds_to_the_task_gradient_when_both_are_on),
        cmocka_unit_test(snas__sample_is_shared_by_cells_of_a_kind_when_not_per_cell),
        cmocka_unit_test(snas__hard_sample_is_one_hot_and_repeatable_when_drawn_again),
        cmocka_unit_test(snas__temperature_is_linear_when_epochs_pass),
        cmocka_unit_test(snas__temperature_stays_at_its_end_when_the_fall_is_over),
        cmocka_unit_test(snas__small_z_are_left_out_when_below_the_threshold),
        cmocka_unit_test(snas__clip_bounds_the_move_when_the_gradient_is_large),
        cmocka_unit_test(snas__resumed_method_goes_the_same_way_when_its_state_was_saved),
        cmocka_unit_test(credit__is_z_times_dz_of_the_sample_when_cells_sample_alone_or_not),
        cmocka_unit_test(credit__sums_to_the_penalty_when_it_is_linear),
        cmocka_unit_test(snas__creation_fails_cleanly_when_any_allocation_does),
    };
    return cmocka_run_group_tests_name("methods.snas", tests, fixture_open, fixture_close);
}

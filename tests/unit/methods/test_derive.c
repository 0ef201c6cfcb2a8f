/* Rules that make a genotype of a distribution; random search. */
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
#include "methods/derive.h"
#include "methods/random.h"

static struct snas_method *make_random(struct fixture *f)
{
    struct snas_err err = {0};
    struct snas_method *m;
    const struct snas_random_options o = {0};
    if (snas_method_random(f->network, &f->costs, &o, &m, &err) != SNAS_OK)
        fail_msg("%s", err.text);
    return m;
}

static int op_of(const struct fixture *f, int kind, int k)
{
    return f->space.kinds[kind].op[k];
}

/* Node 1 of the normal cell has three edges: their best ops but `none` have probabilities that the
 * logits do not order. */
static void derive__top2_keeps_the_two_likeliest_edges_when_a_node_has_three(void **state)
{
    struct fixture *f = *state;
    struct snas_err err = {0};
    struct snas_genotype g;
    struct snas_method *m = make_random(f);
    for (int r = 0; r < m->n_rows; r++) {
        const struct snas_alpha_row *row = &m->rows[r];
        double *alpha = m->alpha + row->first;
        if (row->kind != 0 || row->node != 1)
            continue;
        alpha[0] = row->slot == 1 ? 9 : 3; /* `none` takes most, most of all of edge 1 */
        alpha[2] = row->slot == 0 ? 1.5 : 0;
        alpha[3] = row->slot == 1 ? 5 : 0; /* the largest logit, and the smallest probability */
        alpha[4] = row->slot == 2 ? 2 : 0;
    }
    assert_int_equal(snas_method_derive_epoch(m, SNAS_DERIVE_TOP2, 1, 0, NULL, &g, &err), SNAS_OK);
    const struct snas_genotype_cell *cell = &g.cells[0];
    assert_int_equal(cell->n_choices[0], 2);
    assert_int_equal(cell->n_choices[1], 2);
    assert_int_equal(cell->choices[1][0].from, 0);
    assert_int_equal(cell->choices[1][0].op, op_of(f, 0, 2));
    assert_int_equal(cell->choices[1][1].from, 2);
    assert_int_equal(cell->choices[1][1].op, op_of(f, 0, 4));
    assert_int_equal(snas_method_derive_epoch(m, SNAS_DERIVE_ARGMAX, 1, 0, NULL, &g, &err),
                     SNAS_OK);
    assert_int_equal(g.cells[0].n_choices[1], 0);
    snas_method_destroy(m);
}

struct judge {
    const struct snas_network *network;
    int seen, whole;      /* evaluations on some and on all images */
    double best[2];       /* of each */
    struct snas_err *err; /* fails when set */
};

/* A network's accuracy is a number made of its z; on few images it is told wrong a little. */
static enum snas_status evaluate(void *owner, const double *z, int64_t images, double *accuracy,
                                 struct snas_err *err)
{
    struct judge *j = owner;
    double sum = 0;
    if (j->err)
        return snas_fail(err, SNAS_E_INTERRUPTED, "interrupted");
    for (int i = 0; i < j->network->n_z; i++)
        sum += z[i] * sin(i + 1.0);
    *accuracy = images ? floor(sum * 4) : sum;
    j->seen += images != 0;
    j->whole += images == 0;
    j->best[!images] = fmax(j->best[!images], *accuracy);
    return SNAS_OK;
}

static void derive__best_takes_the_highest_score_when_candidates_are_scored_twice(void **state)
{
    struct fixture *f = *state;
    struct snas_err err = {0};
    struct snas_method *m = make_random(f);
    struct judge j = {.network = f->network, .best = {-1e9, -1e9}};
    struct snas_method_context ctx = {.evaluate = evaluate, .owner = &j, .seed = 4};
    const struct snas_derive_options o = {
        .rule = SNAS_DERIVE_AUTO, .samples = 40, .images = 8, .rescored = 5};
    struct snas_genotype g, again;
    double *z = malloc((size_t)f->network->n_z * sizeof(double)), accuracy = 0;
    assert_non_null(z);
    assert_int_equal(snas_method_derive_final(m, &ctx, &o, &g, &err), SNAS_OK);
    assert_int_equal(j.seen, 40);
    assert_int_equal(j.whole, 5);
    double whole = j.best[1], few = j.best[0];
    assert_int_equal(snas_z_from_genotype(f->network, &g, z, &err), SNAS_OK);
    assert_int_equal(evaluate(&j, z, 0, &accuracy, &err), SNAS_OK);
    close_to(accuracy, whole, 0);
    assert_true(floor(accuracy * 4) >= few - 4);
    assert_int_equal(snas_method_derive_final(m, &ctx, &o, &again, &err), SNAS_OK);
    assert_true(snas_genotype_equal(&g, &again));
    ctx.seed = 5;
    assert_int_equal(snas_method_derive_final(m, &ctx, &o, &again, &err), SNAS_OK);
    assert_false(snas_genotype_equal(&g, &again));
    j.err = &err;
    assert_int_equal(snas_method_derive_final(m, &ctx, &o, &again, &err), SNAS_E_INTERRUPTED);
    free(z);
    snas_method_destroy(m);
}

static void derive__best_stays_within_the_budget_when_there_is_one(void **state)
{
    struct fixture *f = *state;
    struct snas_err err = {0};
    struct snas_method *m;
    struct judge j = {.network = f->network};
    const struct snas_method_context ctx = {.evaluate = evaluate, .owner = &j, .seed = 4};
    const struct snas_derive_options o = {.samples = 10, .rescored = 1};
    struct snas_genotype g;
    double free_cost[SNAS_BUDGETS], cost[SNAS_BUDGETS];
    int connected;
    m = make_random(f);
    assert_int_equal(snas_method_derive_final(m, &ctx, &o, &g, &err), SNAS_OK);
    assert_int_equal(snas_budget_cost(f->network, &f->costs, &g, free_cost, &connected, &err),
                     SNAS_OK);
    snas_method_destroy(m);
    const struct snas_random_options limited = {
        .budget = {.limit = {free_cost[SNAS_BUDGET_PARAMS] - 1, 0}}};
    assert_int_equal(snas_method_random(f->network, &f->costs, &limited, &m, &err), SNAS_OK);
    assert_int_equal(snas_method_derive_final(m, &ctx, &o, &g, &err), SNAS_OK);
    assert_int_equal(snas_budget_cost(f->network, &f->costs, &g, cost, &connected, &err), SNAS_OK);
    assert_true(connected && cost[SNAS_BUDGET_PARAMS] <= limited.budget.limit[0]);
    snas_method_destroy(m);
}

static void random__every_op_is_trained_alike_when_steps_pass(void **state)
{
    enum { STEPS = 3000 };
    struct fixture *f = *state;
    struct snas_method *m = make_random(f);
    int count[SNAS_MAX_OPS] = {0};
    double *z = malloc((size_t)f->network->n_z * sizeof(double));
    assert_non_null(z);
    for (int i = 0; i < STEPS; i++) {
        m->ops->sample(m, 3, SNAS_STREAM_GUMBEL, (uint64_t)i, 0, z);
        for (int k = 0; k < f->network->edges[0].n_ops; k++)
            count[k] += z[f->network->edges[0].z + k] == 1;
    }
    double p = 1.0 / f->network->edges[0].n_ops, sd = sqrt(STEPS * p * (1 - p));
    for (int k = 0; k < f->network->edges[0].n_ops; k++)
        close_to(count[k], STEPS * p, 4 * sd);
    free(z);
    snas_method_destroy(m);
}

static void random__theta_gets_a_gradient_and_alpha_none_when_it_steps(void **state)
{
    struct fixture *f = *state;
    struct snas_err err = {0};
    struct snas_step_result r;
    struct snas_method *m = make_random(f);
    const struct snas_method_context ctx = fixture_context(f);
    int before = f->theta_steps;
    snas_net_init(f->net, 3);
    assert_int_equal(m->ops->step(m, &ctx, &r, &err), SNAS_OK);
    assert_int_equal(f->theta_steps, before + 1);
    assert_true(r.n == 4 && r.loss > 0 && r.live_ops > 0 && r.live_ops < 0.34);
    for (int i = 0; i < m->n_alpha; i++)
        assert_true(m->alpha[i] == 0);
    snas_method_destroy(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(derive__top2_keeps_the_two_likeliest_edges_when_a_node_has_three),
        cmocka_unit_test(derive__best_takes_the_highest_score_when_candidates_are_scored_twice),
        cmocka_unit_test(derive__best_stays_within_the_budget_when_there_is_one),
        cmocka_unit_test(random__every_op_is_trained_alike_when_steps_pass),
        cmocka_unit_test(random__theta_gets_a_gradient_and_alpha_none_when_it_steps),
    };
    return cmocka_run_group_tests_name("methods.derive", tests, fixture_open, fixture_close);
}

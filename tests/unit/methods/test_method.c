/* What every method shares. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "fixture.h"

static struct snas_method *make(struct fixture *f)
{
    struct snas_err err = {0};
    const struct snas_snas_options o = fixture_options();
    struct snas_method *m;
    if (snas_method_snas(f->network, &f->costs, &o, 11, &m, &err) != SNAS_OK)
        fail_msg("%s", err.text);
    return m;
}

static void set_uniform(struct snas_method *m)
{
    for (int i = 0; i < m->n_alpha; i++)
        m->alpha[i] = 0.25;
}

static void method__rows_follow_the_kinds_edges_when_made(void **state)
{
    struct fixture *f = *state;
    struct snas_method *m = make(f);
    assert_int_equal(m->n_rows, 5 + 5);
    assert_int_equal(m->n_alpha, 5 * 5 + 5 * 4);
    for (int e = 0; e < f->network->n_edges; e++) {
        const struct snas_alpha_row *row = &m->rows[m->edge_row[e]];
        const struct snas_edge *edge = &f->network->edges[e];
        assert_int_equal(row->n_ops, edge->n_ops);
        assert_int_equal(row->kind_edge, edge->kind_edge);
        assert_int_equal(row->slot, edge->from);
        assert_int_equal(row->node, edge->to);
    }
    snas_method_destroy(m);
}

static void method__summary_is_uniform_when_alpha_is(void **state)
{
    struct fixture *f = *state;
    struct snas_method *m = make(f);
    struct snas_alpha_summary s;
    double entropy, margin, undecided;
    set_uniform(m);
    snas_method_summary(m, 0, &s);
    close_to(s.entropy, log(5), 1e-12);
    close_to(s.margin, 0, 1e-12);
    snas_method_overall(m, &entropy, &margin, &undecided);
    close_to(entropy, (log(5) + log(4)) / 2, 1e-12);
    close_to(undecided, 1, 1e-12);
    for (int r = 0; r < m->n_rows; r++)
        m->alpha[m->rows[r].first + 3] = 100;
    snas_method_summary(m, 0, &s);
    close_to(s.entropy, 0, 1e-12);
    close_to(s.margin, 1, 1e-12);
    snas_method_overall(m, &entropy, &margin, &undecided);
    close_to(undecided, 0, 1e-12);
    snas_method_destroy(m);
}

static void method__spread_is_that_of_alpha_within_its_edges(void **state)
{
    struct fixture *f = *state;
    struct snas_method *m = make(f);
    for (int r = 0; r < m->n_rows; r++)
        for (int k = 0; k < m->rows[r].n_ops; k++)
            m->alpha[m->rows[r].first + k] = 10.0 * r; /* edges differ, ops do not */
    close_to(snas_method_spread(m), 0, 1e-12);
    double squares = 0;
    int freedom = 0;
    for (int r = 0; r < m->n_rows; r++) {
        const int n = m->rows[r].n_ops;
        m->alpha[m->rows[r].first] += 3;
        squares += 9 * (1 - 1.0 / n);
        freedom += n - 1;
    }
    close_to(snas_method_spread(m), sqrt(squares / freedom), 1e-12);
    snas_method_destroy(m);
}

static void method__derived_genotype_comes_back_when_turned_into_z(void **state)
{
    struct fixture *f = *state;
    struct snas_err err = {0};
    struct snas_method *m = make(f);
    struct snas_genotype g;
    double *z = malloc((size_t)f->network->n_z * sizeof(double));
    assert_non_null(z);
    for (int r = 0; r < m->n_rows; r++)
        m->alpha[m->rows[r].first + r % m->rows[r].n_ops] = 50;
    snas_method_derive(m, &g);
    assert_int_equal(snas_z_from_genotype(f->network, &g, z, &err), SNAS_OK);
    for (int e = 0; e < f->network->n_edges; e++) {
        int r = m->edge_row[e], chosen = r % m->rows[r].n_ops;
        for (int k = 0; k < m->rows[r].n_ops; k++) /* op 0 is none: the edge is gone */
            if (k > 0)
                close_to(z[f->network->edges[e].z + k], k == chosen, 0);
    }
    free(z);
    snas_method_destroy(m);
}

static void method__random_genotypes_are_uniform_when_drawn_often(void **state)
{
    struct fixture *f = *state;
    enum { DRAWS = 4000 };
    double *z = malloc((size_t)f->network->n_z * sizeof(double)), count[5] = {0};
    struct snas_genotype g;
    assert_non_null(z);
    for (int i = 0; i < DRAWS; i++) {
        snas_z_random(f->network, 3, (uint64_t)i, z, &g);
        for (int k = 0; k < 5; k++)
            count[k] += z[f->network->edges[0].z + k];
    }
    for (int k = 0; k < 5; k++)
        close_to(count[k] / DRAWS, 0.2, 4 * sqrt(0.2 * 0.8 / DRAWS));
    free(z);
}

static void method__expected_cost_is_the_tables_mean_when_alpha_is_uniform(void **state)
{
    struct fixture *f = *state;
    struct snas_method *m = make(f);
    double expected[SNAS_COST_COLUMNS], uniform[SNAS_COST_COLUMNS];
    set_uniform(m);
    snas_method_expected_cost(m, &f->costs, expected);
    snas_penalty_uniform(f->network, &f->costs, uniform);
    for (int c = 0; c < SNAS_COST_COLUMNS; c++) {
        assert_true((uniform[c] > 0) == !snas_cost_columns[c].measured);
        close_to(expected[c], uniform[c], 1e-9 * uniform[c]);
    }
    snas_method_destroy(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(method__rows_follow_the_kinds_edges_when_made),
        cmocka_unit_test(method__summary_is_uniform_when_alpha_is),
        cmocka_unit_test(method__spread_is_that_of_alpha_within_its_edges),
        cmocka_unit_test(method__derived_genotype_comes_back_when_turned_into_z),
        cmocka_unit_test(method__random_genotypes_are_uniform_when_drawn_often),
        cmocka_unit_test(method__expected_cost_is_the_tables_mean_when_alpha_is_uniform),
    };
    return cmocka_run_group_tests_name("methods.method", tests, fixture_open, fixture_close);
}

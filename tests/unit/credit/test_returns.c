/* The table of returns, what is true of it, and rank correlation. */
#include "../support.h"

#include <math.h>

#include "credit/rank.h"
#include "credit/returns.h"

static void make(struct snas_returns *r)
{
    struct snas_err err = {0};
    static const int ops[] = {2, 3, 4};
    assert_ok(snas_returns_init(r, 3, ops, 24, &err), &err);
    assert_int_equal(r->n, 24);
    assert_int_equal(r->n_values, 9);
}

/* loss = main[edge][op] + both, when edge 0 and 2 have their op 1. */
static const double main_part[] = {0, 1, 0, 2, 7, 0, 0, 4, 0};

static void fill(struct snas_returns *r, double both)
{
    for (int a = 0; a < r->n; a++) {
        r->loss[a] = 0;
        for (int e = 0; e < 3; e++)
            r->loss[a] += main_part[r->first[e] + snas_returns_op(r, a, e)];
        if (snas_returns_op(r, a, 0) == 1 && snas_returns_op(r, a, 2) == 1)
            r->loss[a] += both;
    }
}

static void returns__effects_are_the_parts_when_the_loss_is_a_sum(void **state)
{
    (void)state;
    static const double expected[] = {-0.5, 0.5, -3, -1, 4, -1, -1, 3, -1};
    struct snas_returns r;
    double effect[9];
    make(&r);
    fill(&r, 0);
    snas_returns_effects(&r, effect);
    for (int i = 0; i < 9; i++)
        assert_true(fabs(effect[i] - expected[i]) < 1e-12);
    fill(&r, 8); /* of edge 0's op 1 in a quarter of all contexts, of edge 2's in half of them */
    snas_returns_effects(&r, effect);
    assert_true(fabs(effect[1] - effect[0] - (1 + 8 / 4.0)) < 1e-12);
    assert_true(fabs(effect[6] - effect[5] - 8 / 2.0) < 1e-12);
    assert_true(fabs(effect[4] - expected[4]) < 1e-12);
    snas_returns_clear(&r);
}

static void returns__swap_changes_one_edge_when_asked(void **state)
{
    (void)state;
    struct snas_returns r;
    double swap[9];
    make(&r);
    fill(&r, 8);
    int a = snas_returns_swap(&r, 0, 1, 2); /* 0 2 0 */
    assert_int_equal(snas_returns_op(&r, a, 0), 0);
    assert_int_equal(snas_returns_op(&r, a, 1), 2);
    assert_int_equal(snas_returns_op(&r, a, 2), 0);
    assert_int_equal(a, 8);
    a = snas_returns_swap(&r, a, 2, 1); /* 0 2 1 */
    snas_returns_swaps(&r, a, swap);
    assert_true(swap[0] == 0 && swap[4] == 0 && swap[6] == 0);
    assert_true(fabs(swap[1] - 9) < 1e-12);
    assert_true(fabs(swap[2] + 7) < 1e-12);
    assert_true(fabs(swap[7] - 4) < 1e-12);
    snas_returns_clear(&r);
}

static void returns__variance_is_that_of_the_open_decisions_when_the_loss_is_a_sum(void **state)
{
    (void)state;
    struct snas_returns r;
    double variance[3];
    const double edge1 = (9 + 1 + 16) / 3.0, edge2 = (1 + 1 + 9 + 1) / 4.0;
    make(&r);
    fill(&r, 0);
    snas_returns_open_variance(&r, variance);
    assert_true(fabs(variance[0] - (edge1 + edge2)) < 1e-12);
    assert_true(fabs(variance[1] - edge2) < 1e-12);
    assert_true(variance[2] == 0);
    snas_returns_clear(&r);
}

static void returns__are_refused_when_there_are_too_many(void **state)
{
    (void)state;
    static const int ops[] = {8, 8, 8, 8};
    struct snas_err err = {0};
    struct snas_returns r;
    assert_int_equal(snas_returns_init(&r, 4, ops, 4095, &err), SNAS_E_LIMIT);
    assert_contains(err.text, "4.1e+03 architectures");
    snas_returns_clear(&r);
    assert_int_equal(snas_returns_init(&r, 0, ops, 4095, &err), SNAS_E_LIMIT);
    assert_int_equal(snas_returns_init(&r, SNAS_RETURNS_MAX_EDGES + 1, ops, 9, &err), SNAS_E_LIMIT);
}

static void rank__is_spearmans_when_values_tie_or_not(void **state)
{
    (void)state;
    double room[12];
    const double a[] = {1, 2, 3, 4, 5, 6}, b[] = {10, 20, 30, 40, 50, 1e9};
    const double c[] = {3, 2, 1, 0, -1, -7}, d[] = {2, 1, 4, 3, 6, 5}, e[] = {1, 1, 2, 2, 2, 3};
    const double f[] = {1, 1, 1, 1, 1, 1};
    assert_true(fabs(snas_rank_correlation(6, a, b, room) - 1) < 1e-12);
    assert_true(fabs(snas_rank_correlation(6, a, c, room) + 1) < 1e-12);
    /* 1 - 6 sum d^2 / (n (n^2 - 1)) with six differences of 1 */
    assert_true(fabs(snas_rank_correlation(6, a, d, room) - (1 - 36.0 / 210)) < 1e-12);
    /* ranks 1.5 1.5 4 4 4 6: 16.5 / sqrt(17.5 * 15) */
    assert_true(fabs(snas_rank_correlation(6, a, e, room) - 15 / sqrt(17.5 * 15)) < 1e-12);
    assert_true(snas_rank_correlation(6, a, f, room) == 0);
}

static void rank__ridge_solves_when_the_matrix_alone_is_singular(void **state)
{
    (void)state;
    struct snas_err err = {0};
    double a[] = {1, 99, 1, 1}, b[] = {3, 3}; /* only the lower half is read */
    assert_ok(snas_ridge_solve(2, a, b, 0.5, &err), &err);
    assert_true(fabs(b[0] - 3 / 2.5) < 1e-12 && fabs(b[1] - 3 / 2.5) < 1e-12);
    double bad[] = {-1};
    assert_int_equal(snas_ridge_solve(1, bad, b, 0.5, &err), SNAS_E_NUMERIC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(returns__effects_are_the_parts_when_the_loss_is_a_sum),
        cmocka_unit_test(returns__swap_changes_one_edge_when_asked),
        cmocka_unit_test(returns__variance_is_that_of_the_open_decisions_when_the_loss_is_a_sum),
        cmocka_unit_test(returns__are_refused_when_there_are_too_many),
        cmocka_unit_test(rank__is_spearmans_when_values_tie_or_not),
        cmocka_unit_test(rank__ridge_solves_when_the_matrix_alone_is_singular),
    };
    return snas_test_run(tests);
}

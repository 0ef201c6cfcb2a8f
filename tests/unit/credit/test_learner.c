/* Learners of credit against what is known of them, on tables of returns made by hand. */
#include "../support.h"

#include <math.h>

#include "base/mem.h"
#include "base/rng.h"
#include "credit/learner.h"
#include "credit/rudder.h"

enum { EDGES = 4, OPS = 3, VALUES = EDGES * OPS };

struct fixture {
    struct snas_returns returns;
    double effect[VALUES];
    struct snas_rng rng;
};

/* Every edge's ops add their own number; `pairs` and `noise` go over it. */
static void make(struct fixture *f, double pairs, double noise)
{
    struct snas_err err = {0};
    static const int ops[EDGES] = {OPS, OPS, OPS, OPS};
    double one[VALUES], two[VALUES][VALUES];
    f->rng = snas_rng_make(3, SNAS_STREAM_TEST, 0);
    for (int i = 0; i < VALUES; i++) {
        one[i] = snas_rng_normal(&f->rng);
        for (int j = 0; j < VALUES; j++)
            two[i][j] = pairs * snas_rng_normal(&f->rng);
    }
    assert_ok(snas_returns_init(&f->returns, EDGES, ops, 1000, &err), &err);
    for (int a = 0; a < f->returns.n; a++) {
        double *loss = &f->returns.loss[a];
        *loss = 5 + noise * snas_rng_normal(&f->rng);
        for (int e = 0; e < EDGES; e++) {
            int i = f->returns.first[e] + snas_returns_op(&f->returns, a, e);
            *loss += one[i];
            for (int g = 0; g < e; g++)
                *loss += two[i][f->returns.first[g] + snas_returns_op(&f->returns, a, g)];
        }
    }
    snas_returns_effects(&f->returns, f->effect);
}

static struct snas_learner *learner(const struct fixture *f, struct snas_learner_options o)
{
    struct snas_err err = {0};
    struct snas_learner *l;
    assert_ok(snas_learner_create(&f->returns, &o, &l, &err), &err);
    return l;
}

static void episodes(struct fixture *f, struct snas_learner *l, int n)
{
    struct snas_err err = {0};
    for (int i = 0; i < n; i++) {
        int a = (int)snas_rng_below(&f->rng, (uint32_t)f->returns.n);
        assert_ok(snas_learner_episode(l, a, f->returns.loss[a], &err), &err);
    }
}

static double largest_error(const struct fixture *f, struct snas_learner *l)
{
    struct snas_err err = {0};
    double credit[VALUES], worst = 0;
    assert_ok(snas_learner_credit(l, credit, &err), &err);
    for (int i = 0; i < VALUES; i++)
        worst = fmax(worst, fabs(credit[i] - f->effect[i]));
    return worst;
}

/* The same episode again and again, return 1: the state that is j decisions before the last one
 * learns from the one behind it, so that after k episodes V = P(Binomial(k, rate) > j). */
static void td0__first_decision_lags_by_the_binomial_tail_when_an_episode_repeats(void **state)
{
    (void)state;
    struct fixture f;
    struct snas_err err = {0};
    const double rate = 0.3;
    make(&f, 0, 0);
    struct snas_learner *l =
        learner(&f, (struct snas_learner_options){.kind = SNAS_LEARNER_TD, .rate = rate});
    for (int k = 1; k <= 12; k++) {
        assert_ok(snas_learner_episode(l, 41, 1, &err), &err);
        for (int j = 0; j < EDGES; j++) {
            double tail = 1, term = pow(1 - rate, k);
            for (int i = 0; i <= j; i++) {
                tail -= term;
                term *= (k - i) / (i + 1.0) * rate / (1 - rate);
            }
            assert_true(fabs(snas_learner_value(l, 41, EDGES - j) - tail) < 1e-12);
        }
        assert_true(k >= EDGES || snas_learner_value(l, 41, 1) == 0);
    }
    snas_learner_destroy(l);
    snas_returns_clear(&f.returns);
}

/* With traces that never fade every state sees the return in the first episode. */
static void td1__first_decision_is_as_far_as_the_last_when_traces_do_not_fade(void **state)
{
    (void)state;
    struct fixture f;
    struct snas_err err = {0};
    make(&f, 0, 0);
    for (int linear = 0; linear < 2; linear++) {
        struct snas_learner *l =
            learner(&f, (struct snas_learner_options){
                            .kind = SNAS_LEARNER_TD, .linear = linear, .lambda = 1, .rate = 0.25});
        assert_ok(snas_learner_episode(l, 41, 1, &err), &err);
        for (int t = 1; !linear && t <= EDGES; t++)
            assert_true(fabs(snas_learner_value(l, 41, t) - 0.25) < 1e-12);
        assert_true(snas_learner_value(l, 41, 1) > 0.09);
        snas_learner_destroy(l);
    }
    snas_returns_clear(&f.returns);
}

static void td1__is_monte_carlo_when_the_rate_is_one_over_the_visits(void **state)
{
    (void)state;
    struct fixture f;
    struct snas_err err = {0};
    double a[VALUES], b[VALUES];
    make(&f, 1, 1);
    struct snas_learner *td =
        learner(&f, (struct snas_learner_options){.kind = SNAS_LEARNER_TD, .lambda = 1});
    struct snas_learner *mc = learner(&f, (struct snas_learner_options){.kind = SNAS_LEARNER_MC});
    for (int round = 0; round < 6; round++) {
        struct snas_rng start = f.rng;
        episodes(&f, td, 7);
        f.rng = start;
        episodes(&f, mc, 7);
        assert_ok(snas_learner_credit(td, a, &err), &err);
        assert_ok(snas_learner_credit(mc, b, &err), &err);
        for (int i = 0; i < VALUES; i++)
            assert_true(fabs(a[i] - b[i]) < 1e-12);
    }
    snas_learner_destroy(td);
    snas_learner_destroy(mc);
    snas_returns_clear(&f.returns);
}

/* Mean of many learners within four standard errors of the truth; each of them is far off. */
static void mc__is_unbiased_when_many_learners_are_averaged(void **state)
{
    (void)state;
    enum { LEARNERS = 4000, EACH = 60 };
    struct fixture f;
    struct snas_err err = {0};
    double sum[VALUES] = {0}, squares[VALUES] = {0}, credit[VALUES], off = 0;
    make(&f, 0.5, 0.5);
    for (int i = 0; i < LEARNERS; i++) {
        struct snas_learner *l =
            learner(&f, (struct snas_learner_options){.kind = SNAS_LEARNER_MC});
        episodes(&f, l, EACH);
        assert_ok(snas_learner_credit(l, credit, &err), &err);
        for (int v = 0; v < VALUES; v++) {
            sum[v] += credit[v] / LEARNERS;
            squares[v] += credit[v] * credit[v] / LEARNERS;
        }
        snas_learner_destroy(l);
    }
    for (int v = 0; v < VALUES; v++) {
        double sd = sqrt(squares[v] - sum[v] * sum[v]);
        assert_true(fabs(sum[v] - f.effect[v]) < 4 * sd / sqrt(LEARNERS));
        off = fmax(off, sd);
    }
    assert_true(off > 0.2);
    snas_returns_clear(&f.returns);
}

static void learners__reach_the_truth_when_every_architecture_came_often(void **state)
{
    (void)state;
    static const struct snas_learner_options options[] = {
        {.kind = SNAS_LEARNER_TD, .rate = 0.01},
        {.kind = SNAS_LEARNER_TD, .rate = 0.01, .lambda = 0.9},
        {.kind = SNAS_LEARNER_TD, .rate = 0.01, .lambda = 0, .linear = 1},
        {.kind = SNAS_LEARNER_TD, .rate = 0.01, .lambda = 0.9, .linear = 1},
        {.kind = SNAS_LEARNER_MC},
        {.kind = SNAS_LEARNER_RUDDER, .ridge = 1},
    };
    struct fixture f;
    make(&f, 0, 0); /* a sum, which weights can hold too */
    for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
        struct snas_learner *l = learner(&f, options[i]);
        episodes(&f, l, 50);
        assert_true(largest_error(&f, l) > (options[i].kind == SNAS_LEARNER_RUDDER ? 1e-3 : 0.2));
        episodes(&f, l, 60000);
        assert_true(largest_error(&f, l) < 0.15);
        snas_learner_destroy(l);
    }
    snas_returns_clear(&f.returns);
}

static void rudder__redistributes_exactly_when_the_return_is_a_sum(void **state)
{
    (void)state;
    struct fixture f;
    struct snas_err err = {0};
    struct snas_rudder r;
    double share[EDGES];
    make(&f, 0, 0);
    assert_ok(snas_rudder_init(&r, &f.returns, &err), &err);
    for (int round = 0; round < 100; round++)
        for (int a = 0; a < f.returns.n; a++)
            assert_ok(snas_rudder_episode(&r, a, f.returns.loss[a], &err), &err);
    assert_ok(snas_rudder_fit(&r, 1e-6, &err), &err);
    for (int a = 0; a < f.returns.n; a++) {
        snas_rudder_redistribute(&r, a, f.returns.loss[a], share);
        for (int e = 0; e < EDGES; e++)
            assert_true(
                fabs(share[e] - f.effect[f.returns.first[e] + snas_returns_op(&f.returns, a, e)]) <
                1e-6);
    }
    snas_rudder_clear(&r);
    snas_returns_clear(&f.returns);
}

static void rudder__shares_add_up_to_the_return_when_the_predictor_misses_it(void **state)
{
    (void)state;
    struct fixture f;
    struct snas_err err = {0};
    struct snas_rudder r;
    double share[EDGES], missed = 0;
    make(&f, 1, 1);
    assert_ok(snas_rudder_init(&r, &f.returns, &err), &err);
    for (int a = 0; a < f.returns.n; a += 2)
        assert_ok(snas_rudder_episode(&r, a, f.returns.loss[a], &err), &err);
    assert_ok(snas_rudder_fit(&r, 1, &err), &err);
    for (int a = 0; a < f.returns.n; a++) {
        double sum = r.weight0;
        snas_rudder_redistribute(&r, a, f.returns.loss[a], share);
        for (int e = 0; e < EDGES; e++)
            sum += share[e];
        assert_true(fabs(sum - f.returns.loss[a]) < 1e-9);
        missed = fmax(missed, fabs(snas_rudder_predict(&r, a) - f.returns.loss[a]));
    }
    assert_true(missed > 0.1);
    snas_rudder_clear(&r);
    snas_returns_clear(&f.returns);
}

static void learner__fails_cleanly_when_any_allocation_does(void **state)
{
    (void)state;
    struct fixture f;
    make(&f, 0, 0);
    for (int kind = SNAS_LEARNER_TD; kind <= SNAS_LEARNER_RUDDER; kind++) {
        const struct snas_learner_options o = {.kind = (enum snas_learner_kind)kind, .ridge = 1};
        for (long nth = 1;; nth++) {
            struct snas_err err = {0};
            struct snas_learner *l;
            snas_mem_fail_at(nth);
            enum snas_status s = snas_learner_create(&f.returns, &o, &l, &err);
            if (s == SNAS_OK)
                s = snas_learner_episode(l, 0, 1, &err);
            int done = snas_mem_fail_at(0) < nth;
            snas_learner_destroy(l);
            if (done) {
                assert_int_equal(s, SNAS_OK);
                assert_true(nth > 4);
                break;
            }
            assert_int_equal(s, SNAS_E_NOMEM);
        }
    }
    snas_returns_clear(&f.returns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(td0__first_decision_lags_by_the_binomial_tail_when_an_episode_repeats),
        cmocka_unit_test(td1__first_decision_is_as_far_as_the_last_when_traces_do_not_fade),
        cmocka_unit_test(td1__is_monte_carlo_when_the_rate_is_one_over_the_visits),
        cmocka_unit_test(mc__is_unbiased_when_many_learners_are_averaged),
        cmocka_unit_test(learners__reach_the_truth_when_every_architecture_came_often),
        cmocka_unit_test(rudder__redistributes_exactly_when_the_return_is_a_sum),
        cmocka_unit_test(rudder__shares_add_up_to_the_return_when_the_predictor_misses_it),
        cmocka_unit_test(learner__fails_cleanly_when_any_allocation_does),
    };
    return snas_test_run(tests);
}

/* The search decides: a planted op is found, a penalty makes the child cheaper. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "fixture.h"

#define SEEDS 5

static struct snas_search_config planted(int seed, double rate)
{
    struct snas_search_config c =
        fixture_config("space: ./planted.yaml\n"
                       "network: {channels: 4, layers: 1}\n"
                       "search: {epochs: 12, images_per_epoch: 256, batch: 16}\n"
                       "theta: {learning_rate: 0.1, learning_rate_end: 0.01}\n");
    c.seed = seed;
    c.alpha.learning_rate = rate;
    snprintf(c.name, sizeof(c.name), "planted%d", seed);
    return c;
}

/* On this edge the other four ops keep nothing that tells a class from the other. */
static void search__picks_the_planted_op_when_alpha_learns(void **state)
{
    (void)state;
    for (int seed = 1; seed <= SEEDS; seed++) {
        const struct snas_search_config c = planted(seed, 0.1);
        char dir[64];
        snprintf(dir, sizeof(dir), "learns%d", seed);
        fixture_run_ok(&c, dir);
        assert_int_equal((int)fixture_metric(dir, "normal_sep_conv_3x3"), 1);
        assert_true(fixture_metric(dir, "normal_entropy") < 0.5 * log(5));
        assert_true(fixture_result(dir, "child.test_accuracy") > 0.9);
    }
}

static void search__does_not_pick_the_planted_op_when_alpha_is_frozen(void **state)
{
    (void)state;
    int picked = 0;
    for (int seed = 1; seed <= SEEDS; seed++) {
        const struct snas_search_config c = planted(seed, 0);
        char dir[64];
        snprintf(dir, sizeof(dir), "frozen%d", seed);
        fixture_run_ok(&c, dir);
        picked += (int)fixture_metric(dir, "normal_sep_conv_3x3");
        assert_true(fixture_metric(dir, "normal_entropy") > 0.99 * log(5));
    }
    assert_true(picked < SEEDS);
}

static void search__child_is_cheaper_when_the_penalty_is_stronger(void **state)
{
    (void)state;
    const double strengths[] = {0, 1, 30};
    const char *const estimators[] = {"reparametrized", "analytic"};
    for (int e = 0; e < 2; e++) {
        double expected = INFINITY, madds = INFINITY;
        for (int i = 0; i < 3; i++) {
            struct snas_search_config c =
                fixture_config("search: {epochs: 8, images_per_epoch: 256, batch: 16}\n"
                               "theta: {learning_rate: 0.1}\n");
            char dir[64];
            c.penalty.strength = strengths[i];
            c.penalty.estimator = e;
            snprintf(dir, sizeof(dir), "penalty-%s-%d", estimators[e], i);
            fixture_run_ok(&c, dir);
            double now = fixture_metric(dir, "expected_madds");
            double child = fixture_result(dir, "child.pruned.madds");
            if (!(now < expected && child < madds))
                fail_msg("%s: expected %g (before %g), child %g (before %g)", dir, now, expected,
                         child, madds);
            expected = now;
            madds = child;
        }
    }
}

static void search__child_is_within_its_budget_when_there_is_one(void **state)
{
    (void)state;
    struct snas_search_config c =
        fixture_config("search: {epochs: 8, images_per_epoch: 256, batch: 16}\n"
                       "theta: {learning_rate: 0.1}\n");
    fixture_run_ok(&c, "no-budget");
    double free_params = fixture_result("no-budget", "child.pruned.params");
    c.budget.params = (int64_t)(0.6 * free_params);
    fixture_run_ok(&c, "budget");
    assert_int_equal((int)fixture_result("budget", "budget.met"), 1);
    assert_true(fixture_result("budget", "child.pruned.params") <= (double)c.budget.params);
    assert_int_equal((int)fixture_result("budget", "child.connected"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(search__picks_the_planted_op_when_alpha_learns),
        cmocka_unit_test(search__does_not_pick_the_planted_op_when_alpha_is_frozen),
        cmocka_unit_test(search__child_is_cheaper_when_the_penalty_is_stronger),
        cmocka_unit_test(search__child_is_within_its_budget_when_there_is_one),
    };
    return cmocka_run_group_tests_name("train.decides", tests, fixture_open, fixture_close);
}

/* Whole searches at the scale of seconds: what is written, resumed, refused. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/io.h"
#include "base/mem.h"
#include "fixture.h"

static const volatile int now = 1;

static void search__run_directory_is_complete_when_finished(void **state)
{
    (void)state;
    const char *const names[] = {"config.yaml",
                                 "metrics.csv",
                                 "alpha/epoch-001.csv",
                                 "alpha/epoch-002.csv",
                                 "genotype/epoch-001.json",
                                 "genotype/epoch-002.json",
                                 "checkpoint.safetensors",
                                 "child.safetensors",
                                 "result.json",
                                 "timing.csv",
                                 "log.txt"};
    const struct snas_search_config c = fixture_config("");
    fixture_run_ok(&c, "runs/complete");
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        char path[128];
        snprintf(path, sizeof(path), "runs/complete/%s", names[i]);
        if (!snas_path_exists(path))
            fail_msg("no %s", path);
    }
    char target[128] = "";
    assert_true(readlink("runs/latest", target, sizeof(target) - 1) > 0);
    assert_string_equal(target, "complete");
    assert_int_equal((int)fixture_result("runs/complete", "steps"), 8);
    assert_int_equal((int)fixture_metric("runs/complete", "epoch"), 2);
    assert_true(fixture_metric("runs/complete", "alpha_spread") > 0);
    const double live = fixture_metric("runs/complete", "live_ops");
    assert_true(live > 0 && live <= 1);
}

static void search__files_are_equal_when_thread_counts_differ(void **state)
{
    (void)state;
    const struct snas_search_config one = fixture_config("threads: 1\n");
    const struct snas_search_config two = fixture_config("threads: 2\n");
    fixture_run_ok(&one, "threads1");
    fixture_run_ok(&two, "threads2");
    fixture_same_run("threads1", "threads2");
}

/* config.yaml too: how much memory a machine has is no part of the result. */
static void search__files_are_equal_when_memory_is_lean(void **state)
{
    (void)state;
    const struct snas_search_config normal = fixture_config("memory: normal\n");
    const struct snas_search_config lean = fixture_config("memory: lean\nmemory_limit: 900MB\n");
    fixture_run_ok(&normal, "normal");
    fixture_run_ok(&lean, "lean");
    fixture_same_run("normal", "lean");
}

static void search__files_differ_when_seeds_do(void **state)
{
    (void)state;
    const struct snas_search_config one = fixture_config("seed: 1\n");
    const struct snas_search_config two = fixture_config("seed: 2\n");
    fixture_run_ok(&one, "seed1");
    fixture_run_ok(&two, "seed2");
    assert_true(fixture_metric("seed1", "train_loss") != fixture_metric("seed2", "train_loss"));
}

/* Stopped after each of the first steps, then within the first epoch's evaluation, then let go. */
static void search__files_are_equal_when_interrupted_and_resumed(void **state)
{
    (void)state;
    const struct snas_search_config c = fixture_config("");
    fixture_run_ok(&c, "undisturbed");
    for (int i = 0; i < 6; i++) {
        struct snas_err err = {0};
        assert_int_equal(fixture_run(&c, "disturbed", i > 0, &now, &err), SNAS_E_INTERRUPTED);
        if (i < 4)
            assert_non_null(strstr(err.text, "saved after step"));
    }
    struct snas_err err = {0};
    assert_int_equal(fixture_run(&c, "disturbed", 1, NULL, &err), SNAS_OK);
    fixture_same_run("undisturbed", "disturbed");
}

/* With every state that a penalty and budgets add. */
static void search__files_are_equal_when_a_budgeted_search_is_resumed(void **state)
{
    (void)state;
    const struct snas_search_config c =
        fixture_config("penalty: {strength: 0.3, form: log, estimator: score, ramp_epochs: 1}\n"
                       "budget: {params: 1500, madds: 60k, rate: 40}\n");
    struct snas_err err = {0};
    enum snas_status status = fixture_run(&c, "budget", 0, NULL, &err);
    assert_true(status == SNAS_OK || status == SNAS_E_LIMIT);
    for (int i = 0; i < 6; i++)
        assert_int_equal(fixture_run(&c, "budget-resumed", i > 0, &now, &err), SNAS_E_INTERRUPTED);
    assert_int_equal(fixture_run(&c, "budget-resumed", 1, NULL, &err), status);
    fixture_same_run("budget", "budget-resumed");
}

static void search__budget_is_refused_before_the_search_when_no_child_can_meet_it(void **state)
{
    (void)state;
    struct snas_err err = {0};
    const struct snas_search_config c = fixture_config("budget: {params: 10}\n");
    assert_int_equal(fixture_run(&c, "unreachable", 0, NULL, &err), SNAS_E_CONFIG);
    assert_non_null(strstr(err.text, "the cheapest connected child"));
    assert_false(snas_path_exists("unreachable"));
}

/* Multipliers that never move leave the budget to chance. */
static void search__fails_with_everything_written_when_the_budget_is_missed(void **state)
{
    (void)state;
    struct snas_err err = {0};
    struct snas_search_config c = fixture_config("budget: {params: 1G, rate: 0, damping: 0}\n");
    fixture_run_ok(&c, "roomy");
    c.budget.params = (int64_t)fixture_result("roomy", "budget.params.cheapest_child");
    assert_int_equal(fixture_run(&c, "missed", 0, NULL, &err), SNAS_E_LIMIT);
    assert_non_null(strstr(err.text, "not within its budget"));
    assert_int_equal((int)fixture_result("missed", "budget.met"), 0);
    assert_true(fixture_result("missed", "budget.params.used") > 1);
    assert_true(snas_path_exists("missed/child.safetensors"));
    assert_int_equal(fixture_run(&c, "missed", 1, NULL, &err), SNAS_E_LIMIT);
}

static void search__nothing_changes_when_a_finished_run_is_resumed(void **state)
{
    (void)state;
    struct snas_err err = {0};
    const struct snas_search_config c = fixture_config("");
    fixture_run_ok(&c, "finished");
    fixture_run_ok(&c, "finished-copy");
    assert_int_equal(fixture_run(&c, "finished", 1, NULL, &err), SNAS_OK);
    fixture_same_run("finished", "finished-copy");
}

static void search__starts_afresh_when_resumed_before_the_first_checkpoint(void **state)
{
    (void)state;
    struct snas_err err = {0};
    const struct snas_search_config c = fixture_config("");
    fixture_run_ok(&c, "fresh");
    assert_int_equal(fixture_run(&c, "fresh-resumed", 1, NULL, &err), SNAS_OK);
    fixture_same_run("fresh", "fresh-resumed");
}

static void refuses(const struct snas_search_config *c, const char *dir, int resume,
                    const char *word)
{
    struct snas_err err = {0};
    assert_int_equal(fixture_run(c, dir, resume, NULL, &err), SNAS_E_STATE);
    if (!strstr(err.text, word))
        fail_msg("'%s' lacks '%s'", err.text, word);
}

static void search__is_refused_when_the_directory_is_not_its_own(void **state)
{
    (void)state;
    struct snas_err err = {0};
    const struct snas_search_config c = fixture_config(""), other = fixture_config("seed: 7\n");
    fixture_run_ok(&c, "taken");
    refuses(&c, "taken", 0, "finished run");
    refuses(&other, "taken", 0, "it has 'seed: 1', this one 'seed: 7'");
    refuses(&other, "taken", 1, "another configuration");
    refuses(&c, "data", 0, "not a run directory");
    assert_int_equal(fixture_run(&c, "half", 0, &now, &err), SNAS_E_INTERRUPTED);
    refuses(&c, "half", 0, "--resume");
}

/* Copies a file of data/ to other/; pixels from byte 16 on are changed where `change` is 1. */
static void copy_to_other(const char *name, int change)
{
    struct snas_err err = {0};
    char from[64], to[64], *bytes;
    size_t n;
    snprintf(from, sizeof(from), "data/%s", name);
    snprintf(to, sizeof(to), "other/%s", name);
    assert_int_equal(snas_make_dirs("other", &err), SNAS_OK);
    assert_int_equal(snas_read_file(from, 1u << 20, &bytes, &n, &err), SNAS_OK);
    for (size_t i = 16; change && i < n; i += 3)
        bytes[i] ^= 1;
    assert_int_equal(snas_write_file(to, bytes, n, &err), SNAS_OK);
    snas_free(bytes);
}

static void search__is_refused_at_once_when_the_data_changed_or_lacks_test_files(void **state)
{
    (void)state;
    struct snas_err err = {0};
    struct snas_search_config c = fixture_config("");
    assert_int_equal(fixture_run(&c, "moved", 0, &now, &err), SNAS_E_INTERRUPTED);
    copy_to_other("train-images-idx3-ubyte", 1);
    copy_to_other("train-labels-idx1-ubyte", 0);
    copy_to_other("t10k-images-idx3-ubyte", 0);
    copy_to_other("t10k-labels-idx1-ubyte", 0);
    snprintf(c.data.path, sizeof(c.data.path), "other");
    refuses(&c, "moved", 1, "other data");
    assert_int_equal(remove("other/t10k-labels-idx1-ubyte"), 0);
    assert_int_equal(fixture_run(&c, "no-test-files", 0, NULL, &err), SNAS_E_IO);
    assert_non_null(strstr(err.text, "t10k-labels-idx1-ubyte"));
    assert_int_equal(snas_path_exists("no-test-files"), 0);
}

static void search__stops_with_the_step_when_the_loss_is_not_a_number(void **state)
{
    (void)state;
    struct snas_err err = {0};
    const struct snas_search_config c = fixture_config(
        "theta: {learning_rate: 100, learning_rate_end: 100, clip: 0, weight_decay: 1}\n"
        "search: {epochs: 50}\n");
    assert_int_equal(fixture_run(&c, "nan", 0, NULL, &err), SNAS_E_NUMERIC);
    assert_non_null(strstr(err.text, "step "));
    assert_false(snas_path_exists("nan/result.json"));
    assert_true(snas_path_exists("nan/checkpoint.safetensors"));
}

static void search__says_so_when_the_child_is_disconnected(void **state)
{
    (void)state;
    const struct snas_search_config c =
        fixture_config("penalty: {strength: 1000, estimator: analytic}\n"
                       "alpha: {learning_rate: 0.5, clip: 0}\nsearch: {epochs: 4}\n");
    fixture_run_ok(&c, "disconnected");
    assert_int_equal((int)fixture_result("disconnected", "child.connected"), 0);
    assert_false(snas_path_exists("disconnected/child.safetensors"));
}

static void search__clock_is_in_no_file_but_timing_and_log(void **state)
{
    (void)state;
    struct snas_search_config c = fixture_config("");
    fixture_run_ok(&c, "often1");
    c.checkpoint_minutes = 1e-9; /* a checkpoint at every step */
    fixture_run_ok(&c, "often2");
    fixture_same_run("often1", "often2");
}

static void search__timing_says_what_waiting_for_images_took_when_an_epoch_ends(void **state)
{
    (void)state;
    const struct snas_search_config c = fixture_config("");
    fixture_run_ok(&c, "timed");
    double wait = fixture_timing("timed", "loader_wait");
    assert_true(wait >= 0 && wait <= 1);
    assert_true(fixture_timing("timed", "images_per_second") > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(search__run_directory_is_complete_when_finished),
        cmocka_unit_test(search__files_are_equal_when_thread_counts_differ),
        cmocka_unit_test(search__files_are_equal_when_memory_is_lean),
        cmocka_unit_test(search__files_differ_when_seeds_do),
        cmocka_unit_test(search__files_are_equal_when_interrupted_and_resumed),
        cmocka_unit_test(search__files_are_equal_when_a_budgeted_search_is_resumed),
        cmocka_unit_test(search__budget_is_refused_before_the_search_when_no_child_can_meet_it),
        cmocka_unit_test(search__fails_with_everything_written_when_the_budget_is_missed),
        cmocka_unit_test(search__nothing_changes_when_a_finished_run_is_resumed),
        cmocka_unit_test(search__starts_afresh_when_resumed_before_the_first_checkpoint),
        cmocka_unit_test(search__is_refused_when_the_directory_is_not_its_own),
        cmocka_unit_test(search__is_refused_at_once_when_the_data_changed_or_lacks_test_files),
        cmocka_unit_test(search__stops_with_the_step_when_the_loss_is_not_a_number),
        cmocka_unit_test(search__says_so_when_the_child_is_disconnected),
        cmocka_unit_test(search__timing_says_what_waiting_for_images_took_when_an_epoch_ends),
        cmocka_unit_test(search__clock_is_in_no_file_but_timing_and_log),
    };
    return cmocka_run_group_tests_name("train.search", tests, fixture_open, fixture_close);
}

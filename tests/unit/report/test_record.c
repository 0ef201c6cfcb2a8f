#include "report/record.h"

#include <math.h>

#include "base/io.h"
#include "base/mem.h"
#include "support.h"

/* A run directory written by hand: two epochs, finished or not. */
static const char config[] = "name: tried\nspace: tiny\nseed: 7\n";
static const char metrics[] = "epoch,temperature,child_accuracy\n1,0.5,0.25\n2,0.25,\n";
static const char genotype[] =
    "{\"name\": \"g\", \"normal\": {\"nodes\": [[[\"skip_connect\", 0]], []], \"concat\": [0, 1]},"
    " \"reduce\": {\"nodes\": [[[\"sep_conv_3x3\", 1]], [[\"skip_connect\", 0]]], \"concat\": [0, "
    "1]}}";
static const char alpha[] =
    "kind,node,slot,op,alpha,probability,credit,cost_share\n"
    "normal,0,0,none,1,0.5,0.1,0.75\nnormal,0,0,skip_connect,1,0.5,0.1,0.75\n"
    "reduce,1,2,none,1,1,0.1,0.25\n";
static const char result[] =
    "{\"method\": \"snas\", \"dataset\": \"digits\", \"epochs\": 2, \"best_epoch\": 1,"
    " \"best_epoch_child_accuracy\": 0.25, \"sampled_accuracy\": 0.5,"
    " \"hard_samples\": {\"n\": 2, \"mean\": 0.5, \"sd\": 0.1}, \"entropy_share\": 0.2,"
    " \"margin\": 0.9, \"child\": {\"connected\": true, \"genotype\": %s,"
    " \"described\": {\"params\": 12, \"madds\": 30}, \"pruned\": {\"params\": 10, \"madds\": 20},"
    " \"validation_accuracy\": 0.75}}";

static void put(const char *dir, const char *name, const char *text)
{
    struct snas_err err = {0};
    char *path = snas_path_join(dir, name, &err);
    assert_ok(snas_write_file(path, text, strlen(text), &err), &err);
    snas_free(path);
}

static char *make_run(const char *first, const char *rows)
{
    char *dir = snas_test_make_dir(), path[4200];
    struct snas_err err = {0};
    snprintf(path, sizeof path, "%s/genotype", dir);
    assert_ok(snas_make_dirs(path, &err), &err);
    put(dir, "config.yaml", config);
    put(dir, "metrics.csv", rows);
    put(dir, "genotype/epoch-001.json", first);
    put(dir, "genotype/epoch-002.json", genotype);
    snprintf(path, sizeof path, "%s/alpha", dir);
    assert_ok(snas_make_dirs(path, &err), &err);
    put(dir, "alpha/epoch-001.csv", alpha);
    put(dir, "alpha/epoch-002.csv", alpha);
    return dir;
}

static void record__holds_what_the_files_say_when_the_run_is_finished(void **state)
{
    (void)state;
    struct snas_record r;
    struct snas_err err = {0};
    char *dir = make_run(genotype, metrics), text[2000];
    snprintf(text, sizeof text, result, genotype);
    put(dir, "result.json", text);
    assert_ok(snas_record_read(dir, &r, &err), &err);
    assert_true(r.finished && r.connected);
    assert_string_equal(r.method, "snas");
    assert_int_equal(r.config.seed, 7);
    assert_int_equal(r.series.n_rows, 2);
    assert_true(snas_record_value(&r, 0, "temperature") == 0.5);
    assert_true(isnan(snas_record_value(&r, 1, "child_accuracy")));
    assert_true(isnan(snas_record_value(&r, 0, "no such column")));
    assert_true(r.child == 0.75 && isnan(r.test) && isnan(r.child_before));
    assert_int_equal(r.pruned.params, 10);
    assert_int_equal(r.n_shares, 2);
    assert_true(r.shares[0].share == 0.75 && r.shares[1].share == 0.25);
    assert_true(r.shares[1].kind == 1 && r.shares[1].node == 1 && r.shares[1].slot == 2);
    assert_int_equal(r.counts.skips, 2);
    assert_int_equal(r.counts.edges, 3);
    assert_int_equal(r.counts.dead_nodes, 1);
    assert_true(isnan(r.depth)); /* this file does not say how many cells there are */
    snas_record_clear(&r);
    snas_test_remove_dir(dir);
}

static void record__is_read_as_far_as_it_got_when_the_run_is_not_finished(void **state)
{
    (void)state;
    struct snas_record r;
    struct snas_err err = {0};
    char *dir = make_run(genotype, "epoch,temperature,child_accuracy\n1,0.5,0.25\n");
    assert_ok(snas_record_read(dir, &r, &err), &err);
    assert_false(r.finished);
    assert_int_equal(r.series.n_rows, 1);
    assert_int_equal(r.history[0].cells[0].n_choices[0], 1);
    snas_record_clear(&r);
    snas_test_remove_dir(dir);
}

static void expect_error(const char *first, const char *rows, const char *json, const char *want)
{
    struct snas_record r;
    struct snas_err err = {0};
    char *dir = make_run(first, rows);
    if (json)
        put(dir, "result.json", json);
    assert_int_not_equal(snas_record_read(dir, &r, &err), SNAS_OK);
    assert_contains(err.text, want);
    snas_test_remove_dir(dir);
}

static void record__names_file_and_line_when_a_file_is_wrong(void **state)
{
    (void)state;
    expect_error(genotype, "epoch,temperature\n1,0.5\n2\n", NULL,
                 "metrics.csv:3: 1 fields, the header has 2");
    expect_error(genotype, "epoch,temperature\n1,warm\n", NULL,
                 "metrics.csv:2: 'warm' is not a number");
    expect_error(genotype, "", NULL, "metrics.csv' is empty");
    expect_error("{", metrics, NULL, "epoch-001.json:");
    expect_error(genotype, metrics, "{\"method\": ", "result.json:1:");
    expect_error(genotype, metrics, "[]", "result.json' is not the result of a search");
    struct snas_record r;
    struct snas_err err = {0};
    assert_int_equal(snas_record_read("/nowhere", &r, &err), SNAS_E_STATE);
    assert_contains(err.text, "not a run directory");
}

static void record__frees_all_when_an_allocation_fails(void **state)
{
    (void)state;
    struct snas_record r;
    struct snas_err err = {0};
    char *dir = make_run(genotype, metrics);
    snas_mem_fail_at(0);
    assert_ok(snas_record_read(dir, &r, &err), &err);
    snas_record_clear(&r);
    long all = snas_mem_fail_at(0);
    assert_true(all > 20);
    for (long n = 1; n <= all; n++) {
        snas_mem_fail_at(n);
        err = (struct snas_err){0};
        assert_int_equal(snas_record_read(dir, &r, &err), SNAS_E_NOMEM);
    }
    snas_mem_fail_at(0);
    snas_test_remove_dir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(record__holds_what_the_files_say_when_the_run_is_finished),
        cmocka_unit_test(record__is_read_as_far_as_it_got_when_the_run_is_not_finished),
        cmocka_unit_test(record__names_file_and_line_when_a_file_is_wrong),
        cmocka_unit_test(record__frees_all_when_an_allocation_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

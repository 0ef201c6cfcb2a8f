/* Which epoch's child, and what a search says of itself while it runs. */
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/io.h"
#include "base/mem.h"
#include "fixture.h"
#include "space/child.h"
#include "train/candidate.h"
#include "train/guard.h"

static const volatile int now = 1;

/* The string at a path of keys of a run's result.json. */
static void result_text(const char *dir, const char *key, const char *inner, char *out, size_t size)
{
    char file[512];
    snprintf(file, sizeof(file), "%s/result.json", dir);
    json_t *root = json_load_file(file, 0, NULL), *at = json_object_get(root, key);
    const char *text = json_string_value(inner ? json_object_get(at, inner) : at);
    assert_non_null(text);
    snprintf(out, size, "%s", text);
    json_decref(root);
}

static int log_lines_with(const char *dir, const char *words)
{
    char file[512], *text;
    size_t size;
    struct snas_err err = {0};
    int n = 0;
    snprintf(file, sizeof(file), "%s/log.txt", dir);
    assert_int_equal(snas_read_file(file, 1u << 24, &text, &size, &err), SNAS_OK);
    for (const char *p = text; (p = strstr(p, words)) != NULL; p++)
        n++;
    snas_free(text);
    return n;
}

static void candidate__comes_first_when_connected_then_fitting_then_accurate(void **state)
{
    (void)state;
    const struct snas_candidate_score none = {0}, cut = {1, 0, 0, 0, 0},
                                      large = {2, 1, 0, 0.9, 0.9}, good = {3, 1, 1, 0.1, 0.8},
                                      worse = {4, 1, 1, 0.9, 0.7}, again = {5, 1, 1, 0.2, 0.8};
    const struct snas_candidate_score *order[] = {&good, &again, &worse, &large, &cut, &none};
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < 6; j++)
            assert_int_equal(snas_candidate_better(order[i], order[j]), i < j);
}

static void choice__is_the_last_epochs_child_when_nothing_is_asked(void **state)
{
    (void)state;
    char text[256];
    const struct snas_search_config c = fixture_config("");
    fixture_run_ok(&c, "last");
    assert_int_equal((int)fixture_result("last", "chosen.epoch"), 2);
    result_text("last", "chosen", "reason", text, sizeof(text));
    assert_string_equal(text, "the child of the last epoch (choose.every is 0)");
    result_text("last", "outcome", NULL, text, sizeof(text));
    assert_string_equal(text, "complete");
    assert_false(snas_path_exists("last/child-best.safetensors"));
}

/* The penalty comes late and takes every edge away: the last child is disconnected. */
static const char late_penalty[] = "penalty: {strength: 1000, estimator: analytic, "
                                   "warmup_epochs: 3}\n"
                                   "alpha: {learning_rate: 0.5, clip: 0}\n"
                                   "search: {epochs: 6, images_per_epoch: 128}\n"
                                   "choose: {every: 1}\n";

static void choice__is_an_earlier_epochs_child_with_its_weights_when_that_is_better(void **state)
{
    (void)state;
    char text[256];
    struct snas_err err = {0};
    struct snas_child best, child;
    const struct snas_search_config c = fixture_config(late_penalty);
    fixture_run_ok(&c, "earlier");
    int epoch = (int)fixture_result("earlier", "chosen.epoch");
    assert_true(epoch >= 1 && epoch < 6);
    assert_int_equal((int)fixture_result("earlier", "child.connected"), 1);
    assert_int_equal((int)fixture_result("earlier", "chosen.last.connected"), 0);
    result_text("earlier", "chosen", "reason", text, sizeof(text));
    assert_non_null(strstr(text, "the last is disconnected"));
    assert_int_equal(log_lines_with("earlier", text), 1);
    assert_int_equal(snas_child_read("earlier/child-best.safetensors", &best, &err), SNAS_OK);
    assert_int_equal(snas_child_read("earlier/child.safetensors", &child, &err), SNAS_OK);
    assert_int_equal(child.info.epoch, epoch);
    assert_true(best.info.test_accuracy < 0 && child.info.test_accuracy >= 0);
    assert_true(fabs(child.info.validation_accuracy -
                     fixture_result("earlier", "child.validation_accuracy")) < 1e-9);
    for (int p = 0; p < child.network->n_params; p++)
        assert_memory_equal(child.values[p], best.values[p],
                            child.network->params[p].count * sizeof(float));
    snas_child_clear(&best);
    snas_child_clear(&child);
}

/* Interrupted in every step and evaluation, the choice and all files are the same. */
static void choice__is_the_same_when_the_search_is_resumed(void **state)
{
    (void)state;
    struct snas_err err = {0};
    const struct snas_search_config c = fixture_config("choose: {every: 1}\n"
                                                       "search: {epochs: 3}\n");
    fixture_run_ok(&c, "whole");
    for (int i = 0; i < 14; i++) {
        enum snas_status status = fixture_run(&c, "pieces", i > 0, &now, &err);
        assert_int_equal(status, SNAS_E_INTERRUPTED);
    }
    assert_int_equal(fixture_run(&c, "pieces", 1, NULL, &err), SNAS_OK);
    fixture_same_run("whole", "pieces");
}

static void choice__leaves_out_epochs_when_every_is_two(void **state)
{
    (void)state;
    char *text;
    size_t size;
    struct snas_err err = {0};
    const struct snas_search_config c = fixture_config("choose: {every: 2}\n"
                                                       "search: {epochs: 4}\n");
    fixture_run_ok(&c, "two");
    assert_int_equal(snas_read_file("two/metrics.csv", 1u << 20, &text, &size, &err), SNAS_OK);
    assert_non_null(strstr(text, ",dead_nodes,estimated_accuracy,"));
    assert_non_null(strstr(strstr(text, "\n1,"), ",,")); /* epoch 1 has none */
    snas_free(text);
    assert_true(fixture_result("two", "chosen.epoch") >= 2);
    assert_int_equal((int)fixture_result("two", "chosen.last.epoch"), 4);
    assert_true(fabs(fixture_metric("two", "estimated_accuracy") -
                     fixture_result("two", "chosen.last.validation_accuracy")) < 1e-8);
}

/* Every op of the normal cell is a skip or a pool. */
static const char skips[] = "name: skips\n"
                            "cells:\n"
                            "  normal: {inputs: 2, nodes: 2, output: concat,\n"
                            "           ops: [skip_connect, max_pool_3x3]}\n"
                            "  reduce: {inputs: 2, nodes: 2, output: concat,\n"
                            "           ops: [sep_conv_3x3, max_pool_3x3], stride: 2}\n"
                            "stack: {reduce_at: [1/2]}\n"
                            "stem: [{channels: 2, steps: [conv3x3, bn]}]\n"
                            "preprocess: {same: [relu, pw, bn], reduce: [relu, fr, bn]}\n"
                            "head: [gap, linear]\n";

static void guard__ends_the_search_when_it_collapsed_and_stopping_was_asked(void **state)
{
    (void)state;
    char text[256];
    struct snas_err err = {0};
    struct snas_search_config c = fixture_config("space: ./skips.yaml\nsearch: {epochs: 6}\n"
                                                 "guard: {stop: true, collapse_epochs: 3}\n");
    assert_int_equal(snas_write_file("skips.yaml", skips, strlen(skips), &err), SNAS_OK);
    fixture_run_ok(&c, "collapsed");
    assert_int_equal((int)fixture_result("collapsed", "epochs"), 3);
    assert_int_equal(
        (int)fixture_metric("collapsed", "skips") + (int)fixture_metric("collapsed", "pools") >= 5,
        1);
    result_text("collapsed", "outcome", NULL, text, sizeof(text));
    assert_string_equal(text, "collapsed");
    assert_int_equal(log_lines_with("collapsed", "warning: collapsed at epoch 3"), 1);
    assert_true(snas_path_exists("collapsed/child.safetensors"));

    for (int i = 0; i < 3; i++)
        assert_int_equal(fixture_run(&c, "collapsed-again", i > 0, &now, &err), SNAS_E_INTERRUPTED);
    assert_int_equal(fixture_run(&c, "collapsed-again", 1, NULL, &err), SNAS_OK);
    fixture_same_run("collapsed", "collapsed-again");

    c.guard.stop = 0;
    fixture_run_ok(&c, "warned");
    assert_int_equal((int)fixture_result("warned", "epochs"), 6);
    assert_int_equal(log_lines_with("warned", "warning: collapsed at epoch 3"), 1);
    result_text("warned", "outcome", NULL, text, sizeof(text));
    assert_string_equal(text, "complete");
}

static void guard__warns_once_when_alpha_does_not_move(void **state)
{
    (void)state;
    const struct snas_search_config still =
        fixture_config("alpha: {learning_rate: 0}\nsearch: {epochs: 4}\n");
    fixture_run_ok(&still, "still");
    assert_int_equal(log_lines_with("still", "the search does not decide"), 1);
    assert_int_equal(log_lines_with("still", "close to noise"), 2); /* and the final one */
    const struct snas_search_config moving =
        fixture_config("alpha: {learning_rate: 1, clip: 0}\nsearch: {epochs: 4, "
                       "images_per_epoch: 256}\n");
    fixture_run_ok(&moving, "moving");
    assert_int_equal(log_lines_with("moving", "the search does not decide"), 0);
}

/* Choices of a kind's cell in an epoch's genotype. */
static int genotype_edges(const char *dir, const char *kind)
{
    char file[512];
    size_t i;
    int edges = 0;
    json_t *node;
    snprintf(file, sizeof(file), "%s/genotype/epoch-004.json", dir);
    json_t *root = json_load_file(file, 0, NULL);
    json_t *nodes = json_object_get(json_object_get(root, kind), "nodes");
    assert_non_null(nodes);
    json_array_foreach(nodes, i, node) edges += (int)json_array_size(node);
    json_decref(root);
    return edges;
}

/* Random search leaves alpha uniform, ENAS's is a report, and a best of samples is chosen by what
 * it does: no rate of alpha would help. What is counted is the genotype that was scored. */
static void
guard__says_nothing_of_alpha_and_counts_the_child_when_alpha_does_not_decide(void **state)
{
    (void)state;
    static const char *const ops[] = {"normal_none", "normal_skip_connect", "normal_sep_conv_3x3",
                                      "normal_dil_conv_5x5"};
    static const char *const how[][2] = {
        {"random", "search: {method: random, epochs: 4}\nderive: {samples: 2}\n"},
        {"enas", "search: {method: enas, epochs: 4}\nderive: {rule: argmax}\n"
                 "enas: {units: 8, updates: 1, samples: 2, marginal_samples: 20}\n"},
        {"best", "search: {epochs: 4}\nderive: {rule: best, samples: 2}\n"
                 "alpha: {learning_rate: 0}\n"}};
    for (int i = 0; i < 3; i++) {
        const struct snas_search_config c = fixture_config(how[i][1]);
        const char *dir = how[i][0];
        fixture_run_ok(&c, dir);
        assert_int_equal(log_lines_with(dir, "alpha.learning_rate"), 0);
        assert_int_equal(log_lines_with(dir, "close to noise"), 0);
        int all = 0, none = (int)fixture_metric(dir, ops[0]);
        for (int o = 0; o < 4; o++)
            all += (int)fixture_metric(dir, ops[o]);
        assert_int_equal(all, 5); /* a genotype of ENAS's own may have two ops on an edge */
        assert_int_equal(all - none, genotype_edges(dir, "normal"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(candidate__comes_first_when_connected_then_fitting_then_accurate),
        cmocka_unit_test(choice__is_the_last_epochs_child_when_nothing_is_asked),
        cmocka_unit_test(choice__is_an_earlier_epochs_child_with_its_weights_when_that_is_better),
        cmocka_unit_test(choice__is_the_same_when_the_search_is_resumed),
        cmocka_unit_test(choice__leaves_out_epochs_when_every_is_two),
        cmocka_unit_test(guard__ends_the_search_when_it_collapsed_and_stopping_was_asked),
        cmocka_unit_test(guard__warns_once_when_alpha_does_not_move),
        cmocka_unit_test(
            guard__says_nothing_of_alpha_and_counts_the_child_when_alpha_does_not_decide),
    };
    return cmocka_run_group_tests_name("train.guard", tests, fixture_open, fixture_close);
}

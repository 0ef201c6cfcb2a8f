/* Children of NAS-Bench-201 through the exporter: fixed blocks, dead nodes, the largest network. */
#include "export/pipeline.h"

#include "export/build.h"
#include "export/passes/pass.h"
#include "space/cost.h"

static char *dir;
static struct snas_space space;

static void parse_cell(const char *text, struct snas_genotype *g)
{
    struct snas_err err = {0};
    assert_ok(snas_genotype_parse("cell", text, strlen(text), &space, g, &err), &err);
}

/* Exports and asks every runtime; what was counted is in the report. */
static enum snas_status export_child(const struct snas_child *child, const char *name,
                                     struct snas_export_report *report, struct snas_err *err)
{
    struct snas_graph graph;
    const struct snas_export_options options = {0};
    enum snas_status s = snas_export_graph(child, &options, &graph, report, err);
    if (s != SNAS_OK)
        return s;
    const char *keep = getenv("SNAS_KEEP_MODELS");
    char file[64];
    snprintf(file, sizeof file, "%s.onnx", name);
    const char *path = snas_test_path(keep ? keep : dir, file);
    pipeline_write(&graph, child, &options, report, path);
    snas_graph_clear(&graph);
    return pipeline_check(path, child, 0, err);
}

/* The counts of test_stages.c in space/, less batch norm (its 2 x 64 ... are folded or not counted
 * by the graph): 1,531,546 - BN. BN: stem 32, 30 edges x (32 + 64 + 128), residuals 128 + 256, tail
 * 128: 7,264. */
static void largest__answers_alike_in_every_runtime_and_counts_as_by_hand(void **state)
{
    (void)state;
    struct snas_genotype g;
    struct snas_child child;
    struct snas_export_report report;
    struct snas_err err = {0};
    struct fixture_options o = {
        .channels = 16, .layers = 15, .classes = 10, .input = {3, 32, 32}, .affine = 1, .seed = 2};
    parse_cell("|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|"
               "nor_conv_3x3~2|",
               &g);
    fixture_child(&space, &g, &o, &child);
    assert_int_equal(snas_network_param_count(child.network), 1531546);
    enum snas_status s = export_child(&child, "nas-bench-201-largest", &report, &err);
    assert_ok(s, &err);
    assert_int_equal(report.before.params, 1531546 - 7264);
    assert_int_equal(report.after.params, 1531546 - 7264);
    assert_int_equal(report.after.madds, 220119680);
    snas_child_clear(&child);
}

/* Odd sides, where the shortcut's last windows are cut off; few and many channels; any cell. */
static void parity__holds_when_cells_are_random(void **state)
{
    (void)state;
    static const struct snas_shape inputs[] = {{3, 9, 9}, {1, 28, 28}, {3, 8, 12}, {1, 13, 7}};
    int connected = 0;
    for (uint64_t seed = 1; seed <= 16; seed++) {
        struct snas_genotype g;
        struct snas_child child;
        struct snas_export_report report;
        struct snas_err err = {0};
        struct fixture_options o = fixture_default;
        char name[48];
        snprintf(name, sizeof name, "nas-bench-201-random%d", (int)seed);
        fixture_random_genotype(&space, seed, &g);
        g.cells[0].n_concat = 1;
        g.cells[0].concat[0] = 2;
        o.seed = seed;
        o.input = inputs[seed % 4];
        o.layers = 3 * (1 + (int)(seed % 2));
        o.channels = 2 + 3 * (int)(seed % 3);
        o.affine = seed % 5 == 0;
        o.stale = seed % 7 == 0;
        fixture_child(&space, &g, &o, &child);
        enum snas_status s = export_child(&child, name, &report, &err);
        snas_child_clear(&child);
        if (s == SNAS_E_STATE)
            assert_contains(err.text, "disconnected");
        else if (s != SNAS_OK)
            fail_msg("%s: %s", name, err.text);
        connected += s == SNAS_OK;
    }
    assert_true(connected >= 8);
}

/* With statistics of the child itself a dead node gives exactly zero: what the graph can prove from
 * its values is what the description says, and the answers stay. */
static void prune__is_exact_when_nodes_are_dead(void **state)
{
    (void)state;
    static const char *const cells[] = {
        "|none~0|+|nor_conv_3x3~0|nor_conv_1x1~1|+|none~0|skip_connect~1|avg_pool_3x3~2|",
        "|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|",
        "|none~0|+|none~0|nor_conv_3x3~1|+|nor_conv_1x1~0|nor_conv_3x3~1|nor_conv_3x3~2|"};
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) {
        struct snas_genotype g;
        struct snas_child child;
        struct snas_alive alive;
        struct snas_totals described, pruned;
        struct snas_export_report report;
        struct snas_err err = {0};
        struct fixture_options o = fixture_default;
        o.layers = 6;
        o.seed = 40 + i;
        parse_cell(cells[i], &g);
        fixture_child(&space, &g, &o, &child);
        assert_ok(snas_network_alive(child.network, &alive, &err), &err);
        snas_network_totals(child.network, NULL, &described);
        snas_network_totals(child.network, &alive, &pruned);
        enum snas_status s = export_child(&child, "nas-bench-201-dead", &report, &err);
        assert_ok(s, &err);
        assert_true(pruned.conv_params < described.conv_params);
        assert_int_equal(report.before.params, described.conv_params);
        assert_int_equal(report.after.params, pruned.conv_params);
        assert_int_equal(report.after.madds, pruned.madds);
        snas_alive_clear(&alive);
        snas_child_clear(&child);
    }
}

/* The output of every cell is zero: the fixed blocks behind would still answer with their betas,
 * and the model the same for every image. */
static void prune__refuses_when_the_cells_are_dead(void **state)
{
    (void)state;
    struct snas_genotype g;
    struct snas_child child;
    struct snas_export_report report;
    struct snas_err err = {0};
    parse_cell("|nor_conv_3x3~0|+|skip_connect~0|none~1|+|none~0|none~1|none~2|", &g);
    fixture_child(&space, &g, &fixture_default, &child);
    assert_int_equal(export_child(&child, "none", &report, &err), SNAS_E_STATE);
    assert_contains(err.text, "disconnected");
    snas_child_clear(&child);
}

static int set_up(void **state)
{
    (void)state;
    dir = snas_test_make_dir();
    return snas_space_read("nas-bench-201", &space, NULL) != SNAS_OK;
}

static int tear_down(void **state)
{
    (void)state;
    snas_test_remove_dir(dir);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(largest__answers_alike_in_every_runtime_and_counts_as_by_hand),
        cmocka_unit_test(parity__holds_when_cells_are_random),
        cmocka_unit_test(prune__is_exact_when_nodes_are_dead),
        cmocka_unit_test(prune__refuses_when_the_cells_are_dead),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down) != 0;
}

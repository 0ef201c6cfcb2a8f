#include "export/pipeline.h"

#include "base/io.h"

/* Children of every sort through the whole exporter: the model must answer as the engine does. With
 * SNAS_KEEP_MODELS=DIR in the environment, children and models stay there for other tests. */

static char *dir; /* of this run */
static const char *keep;

/* Returns 0 when the child is disconnected. */
static int agree(const struct snas_space *space, const struct snas_genotype *g,
                 const struct fixture_options *o, const struct snas_export_options *options,
                 const char *name)
{
    struct snas_child child;
    struct snas_err err = {0};
    struct snas_export_report report;
    struct snas_graph graph;
    char file[64];
    fixture_child(space, g, o, &child);
    snprintf(file, sizeof file, "%s.safetensors", name);
    assert_ok(snas_child_write(snas_test_path(keep, file), &child, &err), &err);
    enum snas_status s = snas_export_graph(&child, options, &graph, &report, &err);
    if (s == SNAS_OK) {
        snprintf(file, sizeof file, "%s.onnx", name);
        const char *path = snas_test_path(keep, file);
        pipeline_write(&graph, &child, options, &report, path);
        s = pipeline_check(path, &child, options->normalise, &err);
        snas_graph_clear(&graph);
    }
    snas_child_clear(&child);
    if (s == SNAS_E_STATE) {
        assert_contains(err.text, "disconnected");
        return 0;
    }
    if (s)
        fail_msg("%s: %s", name, err.text);
    return 1;
}

static void parity__holds_when_genotypes_are_random(void **state)
{
    (void)state;
    static const struct snas_shape inputs[] = {{1, 7, 7}, {3, 9, 9}, {1, 28, 28}, {3, 8, 12}};
    struct snas_space space;
    fixture_darts(&space);
    int connected = 0;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct snas_genotype g;
        struct fixture_options o = fixture_default;
        char name[32];
        snprintf(name, sizeof name, "random%d", (int)seed);
        fixture_random_genotype(&space, seed, &g);
        o.seed = seed;
        o.input = inputs[seed % 4];
        o.layers = 2 + (int)(seed % 4);
        o.channels = 2 + 3 * (int)(seed % 3);
        o.affine = seed % 5 == 0;
        o.pool_bn = seed % 3 != 0;
        o.stale = seed % 7 == 0;
        struct snas_export_options e = {.keep_bn = seed % 4 == 1, .normalise = seed % 6 == 2};
        connected += agree(&space, &g, &o, &e, name);
    }
    assert_true(connected >= 30);
}

/* Spaces and genotypes as they are shipped: other output rules, other ops, one op twice. */
static void parity__holds_when_genotypes_are_the_shipped_ones(void **state)
{
    (void)state;
    static const char *const shipped[][2] = {
        {"darts", "DARTS_V1"},  {"darts", "DARTS_V2"},     {"darts", "SNAS_mild"},
        {"nasnet", "NASNet_A"}, {"nasnet", "AmoebaNet_A"}, {"darts-imagenet", "DARTS_V2"}};
    for (size_t i = 0; i < sizeof shipped / sizeof *shipped; i++) {
        struct snas_space space;
        struct snas_genotype g;
        struct snas_err err = {0};
        assert_ok(snas_space_read(shipped[i][0], &space, &err), &err);
        assert_ok(snas_genotype_read(shipped[i][1], &space, &g, &err), &err);
        struct fixture_options o = fixture_default;
        o.input = i == 5 ? (struct snas_shape){3, 65, 65} : (struct snas_shape){3, 15, 15};
        o.affine = 1;
        o.pool_bn = 0;
        o.layers = 4;
        char name[64];
        snprintf(name, sizeof name, "%s-%s", shipped[i][0], shipped[i][1]);
        assert_true(agree(&space, &g, &o, &(struct snas_export_options){0}, name));
    }
}

static void parity__holds_when_the_network_is_as_large_as_the_quick_config(void **state)
{
    (void)state;
    struct snas_space space;
    struct snas_genotype g;
    fixture_darts(&space);
    fixture_random_genotype(&space, 3, &g);
    struct fixture_options o = fixture_default;
    o.input = (struct snas_shape){1, 28, 28};
    o.channels = 16;
    o.layers = 8;
    assert_true(agree(&space, &g, &o, &(struct snas_export_options){0}, "large"));
}

/* Only the first node of each kind has an edge, and the classes see another. */
static void parity__refuses_when_the_child_is_disconnected(void **state)
{
    (void)state;
    struct snas_space space;
    struct snas_genotype g;
    fixture_darts(&space);
    fixture_genotype(&space, &g);
    for (int k = 0; k < 2; k++) {
        fixture_choose(&space, &g, k, 0, "skip_connect", 0);
        g.cells[k].concat[0] = 1;
        g.cells[k].n_concat = 1;
    }
    assert_false(
        agree(&space, &g, &fixture_default, &(struct snas_export_options){0}, "disconnected"));
}

static int make_dir(void **state)
{
    (void)state;
    dir = snas_test_make_dir();
    keep = getenv("SNAS_KEEP_MODELS");
    if (!keep)
        keep = dir;
    return snas_make_dirs(keep, NULL);
}

static int remove_dir(void **state)
{
    (void)state;
    snas_test_remove_dir(dir);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parity__holds_when_genotypes_are_random),
        cmocka_unit_test(parity__holds_when_genotypes_are_the_shipped_ones),
        cmocka_unit_test(parity__holds_when_the_network_is_as_large_as_the_quick_config),
        cmocka_unit_test(parity__refuses_when_the_child_is_disconnected),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir) != 0;
}

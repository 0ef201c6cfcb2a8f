#include "export/fixture.h"

#include "export/check/check.h"
#include "export/export.h"
#include "export/onnx/read.h"

/* Children of every sort through the whole exporter: the model must answer as the engine does, in
 * every runtime that is here (tests/runtimes see to it that they are). */

static char *dir;

static enum snas_status export_and_check(const struct snas_child *child,
                                         const struct snas_export_options *options,
                                         struct snas_export_report *report,
                                         struct snas_check_result *result, struct snas_err *err)
{
    struct snas_graph g;
    struct snas_export_info info;
    struct snas_onnx_staged staged;
    struct snas_check_images images;
    enum snas_status s = snas_export_graph(child, options, &g, report, err);
    if (s)
        return s;
    assert_ok(snas_export_info_make(child, options, report, &info, err), err);
    assert_ok(snas_onnx_stage(&g, &info.onnx, snas_test_path(dir, "model.onnx"),
                              SNAS_ONNX_MAX_BYTES, &staged, err),
              err);
    assert_ok(snas_check_images_random(child, 14, 5, &images, err), err);
    struct snas_check_options check = {.threads = 1, .normalised = options->normalise};
    s = snas_check_model(snas_onnx_staged_path(&staged), child, &images, &check, result, err);
    snas_check_images_clear(&images);
    if (s)
        snas_onnx_abort(&staged);
    else
        assert_ok(snas_onnx_commit(&staged, err), err);
    snas_export_info_clear(&info);
    snas_graph_clear(&g);
    return s;
}

/* Returns 0 when the child is disconnected. */
static int agree(const struct snas_space *space, const struct snas_genotype *g,
                 const struct fixture_options *o, const struct snas_export_options *options)
{
    struct snas_child child;
    struct snas_err err = {0};
    struct snas_export_report report;
    struct snas_check_result result;
    fixture_child(space, g, o, &child);
    enum snas_status s = export_and_check(&child, options, &report, &result, &err);
    snas_child_clear(&child);
    if (s == SNAS_E_STATE) {
        assert_contains(err.text, "disconnected");
        return 0;
    }
    if (s)
        fail_msg("seed %llu: %s", (unsigned long long)o->seed, err.text);
    for (int i = 0; i < result.n_runtimes; i++)
        assert_true(result.runtimes[i].largest < 1e-3);
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
        fixture_random_genotype(&space, seed, &g);
        o.seed = seed;
        o.input = inputs[seed % 4];
        o.layers = 2 + (int)(seed % 4);
        o.channels = 2 + 3 * (int)(seed % 3);
        o.affine = seed % 5 == 0;
        o.pool_bn = seed % 3 != 0;
        o.stale = seed % 7 == 0;
        struct snas_export_options e = {.keep_bn = seed % 4 == 1, .normalise = seed % 6 == 2};
        connected += agree(&space, &g, &o, &e);
    }
    assert_true(connected >= 20);
}

static int make_dir(void **state)
{
    (void)state;
    dir = snas_test_make_dir();
    return 0;
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
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir) != 0;
}

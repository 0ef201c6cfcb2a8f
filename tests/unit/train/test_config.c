/* The configuration of a search: errors, shipped files, schedule. */
#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/io.h"
#include "base/mem.h"
#include "fixture.h"
#include "kernels/kernels.h"

static void rejects(const char *text, const char *const *words, int n_words)
{
    struct snas_err err = {0};
    struct snas_search_config c;
    assert_int_equal(snas_write_file("bad.yaml", text, strlen(text), &err), SNAS_OK);
    assert_int_equal(snas_search_config_read("./bad.yaml", NULL, 0, &c, &err), SNAS_E_CONFIG);
    for (int i = 0; i < n_words; i++)
        if (!strstr(err.text, words[i]))
            fail_msg("'%s' lacks '%s'", err.text, words[i]);
}

static void config__errors_name_line_and_nearest_key_when_several_are_wrong(void **state)
{
    (void)state;
    const char *const words[] = {"bad.yaml:2:", "epochs", "bad.yaml:3:", "bad.yaml:4:"};
    rejects("name: x\nsearch: {epocs: 3}\ntheta: {momentum: 2}\nalpha: {learning_rate: fast}\n",
            words, 4);
}

static void config__is_rejected_when_keys_contradict_each_other(void **state)
{
    (void)state;
    const char *const hot[] = {"temperature.end"};
    const char *const long_fall[] = {"temperature.epochs (9) is above"};
    const char *const few[] = {"less than one batch"};
    const char *const none[] = {"are all 0"};
    const char *const name[] = {"cannot be a directory"};
    rejects("temperature: {start: 0.5, end: 0.9}\n", hot, 1);
    rejects("search: {epochs: 8}\ntemperature: {epochs: 9}\n", long_fall, 1);
    rejects("search: {images_per_epoch: 10, batch: 64}\n", few, 1);
    rejects("penalty: {strength: 1, params: 0, madds: 0, mac: 0}\n", none, 1);
    rejects("name: a/b\n", name, 1);
    rejects("name: latest\n", name, 1);
}

static void config__preset_becomes_a_strength_and_stays_out_of_the_result(void **state)
{
    (void)state;
    struct snas_err err = {0};
    struct snas_search_config c, again;
    const char *const both[] = {"bad.yaml", "penalty.preset aggressive is a strength of 7", "0.5"};
    const char *const no_gradient[] = {"has no gradient"};
    const char *const unknown[] = {"bad.yaml: there is no preset.mild", "snas-sweep"};
    const char *text = "name: x\npreset: {mild: 0.02, moderate: 0.3, aggressive: 7}\n";
    const char *pick[] = {"penalty.preset=mild"}, *none[] = {"penalty.preset=none"};
    char *dump;
    assert_int_equal(snas_write_file("x.yaml", text, strlen(text), &err), SNAS_OK);
    assert_int_equal(snas_search_config_read("./x.yaml", none, 1, &c, &err), SNAS_OK);
    assert_true(c.penalty.strength == 0);
    assert_int_equal(snas_search_config_read("./x.yaml", pick, 1, &c, &err), SNAS_OK);
    assert_true(c.penalty.strength == 0.02);
    for (int p = SNAS_PRESET_MILD; p < SNAS_PRESETS; p++) { /* names and choices go together */
        char assignment[40];
        const char *one[] = {assignment};
        snprintf(assignment, sizeof assignment, "penalty.preset=%s", snas_search_presets[p]);
        assert_int_equal(snas_search_config_read("./x.yaml", one, 1, &again, &err), SNAS_OK);
        assert_int_equal(again.penalty.preset, p);
    }
    assert_true(again.penalty.strength == 7);
    assert_int_equal(snas_config_dump(&snas_search_schema, &c, &dump, &err), SNAS_OK);
    assert_null(strstr(dump, "preset"));
    assert_non_null(strstr(dump, "strength: 0.02"));
    assert_int_equal(snas_write_file("y.yaml", dump, strlen(dump), &err), SNAS_OK);
    snas_free(dump);
    assert_int_equal(snas_search_config_read("./y.yaml", NULL, 0, &again, &err), SNAS_OK);
    assert_true(again.penalty.strength == 0.02);
    rejects("penalty: {preset: aggressive, strength: 0.5}\npreset: {aggressive: 7}\n", both, 3);
    rejects("search: {method: random}\npenalty: {preset: mild}\npreset: {mild: 1}\n", no_gradient,
            1);
    rejects("penalty: {preset: mild}\npreset: {aggressive: 7}\n", unknown, 2);
}

static void config__assignments_override_the_file_when_given(void **state)
{
    (void)state;
    struct snas_err err = {0};
    struct snas_search_config c;
    const char *text = "name: x\nseed: 3\n", *good[] = {"seed=5", "theta.clip=0"};
    const char *bad[] = {"sed=5", "theta.clip=-1"};
    assert_int_equal(snas_write_file("x.yaml", text, strlen(text), &err), SNAS_OK);
    assert_int_equal(snas_search_config_read("./x.yaml", good, 2, &c, &err), SNAS_OK);
    assert_int_equal(c.seed, 5);
    assert_true(c.theta.clip == 0);
    assert_int_equal(snas_search_config_read("./x.yaml", bad, 2, &c, &err), SNAS_E_CONFIG);
    assert_non_null(strstr(err.text, "sed=5"));
    assert_non_null(strstr(err.text, "theta.clip=-1"));
}

/* With and without drop path nothing of a shipped search runs by the reference. */
static void runs_fast(const char *path, const struct snas_search_config *c,
                      const struct snas_space *space)
{
    for (int drop = 0; drop < 2 && snas_kernels_get(); drop++) {
        const struct snas_network_options o = {.channels = (int)c->network.channels,
                                               .layers = (int)c->network.layers,
                                               .input = {drop ? 1 : 3, 28, 28},
                                               .classes = 10,
                                               .pool_bn = 1};
        struct snas_err err = {0};
        struct snas_network *network = NULL;
        struct snas_net_options n;
        struct snas_plan_report plan;
        snas_net_options_default(&n);
        n.batch = (int)c->search.batch;
        n.drop_path = drop ? 0.3 : 0;
        if (snas_network_create(space, &o, NULL, &network, &err) != SNAS_OK ||
            snas_net_plan(network, &n, &plan, &err) != SNAS_OK)
            fail_msg("%s: %s", path, err.text);
        if (plan.reference_share > 0)
            fail_msg("%s: %g of the work runs by the reference", path, plan.reference_share);
        snas_plan_report_clear(&plan);
        snas_network_destroy(network);
    }
}

static void config__every_shipped_file_is_read_and_runs_fast_when_asked(void **state)
{
    (void)state;
    const char *source = getenv("SNAS_DATA_DIR");
    char folder[512];
    int n = 0;
    assert_non_null(source);
    snprintf(folder, sizeof(folder), "%s/configs/search", source);
    DIR *d = opendir(folder);
    assert_non_null(d);
    for (struct dirent *e = readdir(d); e; e = readdir(d)) {
        struct snas_err err = {0};
        struct snas_search_config c;
        struct snas_space space;
        char path[800];
        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
        if (snas_search_config_read(path, NULL, 0, &c, &err) != SNAS_OK ||
            snas_space_read(c.space, &space, &err) != SNAS_OK)
            fail_msg("%s", err.text);
        runs_fast(path, &c, &space);
        if (c.preset.moderate < c.preset.mild || c.preset.aggressive < c.preset.moderate ||
            (c.preset.mild == 0) != (c.preset.aggressive == 0))
            fail_msg("%s: presets that are not in their order", path);
        n++;
    }
    closedir(d);
    assert_true(n >= 4);
}

static void config__rate_is_a_cosine_when_epochs_pass(void **state)
{
    (void)state;
    const struct snas_search_config c = fixture_config(
        "search: {epochs: 10}\ntheta: {learning_rate: 0.025, learning_rate_end: 0.001}\n");
    assert_true(fabs(snas_search_config_rate(&c, 0) - 0.025) < 1e-15);
    assert_true(fabs(snas_search_config_rate(&c, 5) - 0.013) < 1e-15);
    assert_true(fabs(snas_search_config_rate(&c, 9) - 0.0015873218) < 1e-9);
}

/* What the run directory keeps is read back to the same values, and holds no path of a machine. */
static void config__resolved_text_reads_back_when_dumped(void **state)
{
    (void)state;
    struct snas_err err = {0};
    const struct snas_search_config c = fixture_config("penalty: {strength: 0.125}\n");
    struct snas_search_config again;
    char *text, *second;
    assert_int_equal(snas_config_dump(&snas_search_schema, &c, &text, &err), SNAS_OK);
    assert_null(strstr(text, " path:"));
    assert_null(strstr(text, "\nthreads"));
    snas_config_defaults(&snas_search_schema, &again);
    assert_int_equal(
        snas_config_parse(&snas_search_schema, "dump", text, strlen(text), &again, &err), SNAS_OK);
    assert_int_equal(snas_config_dump(&snas_search_schema, &again, &second, &err), SNAS_OK);
    assert_string_equal(text, second);
    snas_free(text);
    snas_free(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(config__errors_name_line_and_nearest_key_when_several_are_wrong),
        cmocka_unit_test(config__is_rejected_when_keys_contradict_each_other),
        cmocka_unit_test(config__preset_becomes_a_strength_and_stays_out_of_the_result),
        cmocka_unit_test(config__assignments_override_the_file_when_given),
        cmocka_unit_test(config__every_shipped_file_is_read_and_runs_fast_when_asked),
        cmocka_unit_test(config__rate_is_a_cosine_when_epochs_pass),
        cmocka_unit_test(config__resolved_text_reads_back_when_dumped),
    };
    return cmocka_run_group_tests_name("train.config", tests, fixture_open, fixture_close);
}

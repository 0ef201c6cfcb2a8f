/* Measured latency in a search: the share of time, the log, a run that goes on, a replay, and a
 * meter that fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/clock.h"
#include "fixture.h"

#define HEADER "step,network,latency_ms,baseline_ms\n"
static const char measured[] = "measured: {strength: 2, share: 1, command: fake}\n";

/* Tells what it is told to; every time another number, as a clock would. */
struct fake {
    int calls, fail_at, stop_at;
    volatile int stop;
    double busy; /* seconds that a call takes */
};

static enum snas_status fake_time(void *owner, const struct snas_network *supernet,
                                  const struct snas_genotype *g, double *ms, struct snas_err *err)
{
    struct fake *f = owner;
    (void)supernet;
    (void)g;
    double end = snas_seconds() + f->busy;
    while (snas_seconds() < end)
        continue;
    f->calls++;
    *ms = 0.1 + 0.001 * (f->calls * 37 % 101) + 1e-9 / 7;
    if (f->calls == f->stop_at)
        f->stop = 1;
    if (f->calls == f->fail_at)
        return snas_fail(err, SNAS_E_IO, "the fake died");
    return SNAS_OK;
}

static enum snas_status search(const struct snas_search_config *c, const char *dir, int resume,
                               struct fake *f, struct snas_err *err)
{
    const struct snas_meter meter = {"a fake", fake_time, f};
    const struct snas_search_options o = {
        .dir = dir, .resume = resume, .meter = &meter, .stop = &f->stop};
    return snas_search_run(c, &o, err);
}

static char *read_log(const char *dir)
{
    char path[512], *text;
    size_t size;
    struct snas_err err = {0};
    snprintf(path, sizeof(path), "%s/measured.csv", dir);
    if (snas_read_file(path, 1u << 20, &text, &size, &err) != SNAS_OK)
        fail_msg("%s", err.text);
    return text;
}

static int lines(const char *dir)
{
    char *text = read_log(dir);
    int n = 0;
    for (const char *p = text; *p; p++)
        n += *p == '\n';
    snas_free(text);
    return n;
}

static void
measured__a_step_without_time_for_it_is_not_measured_when_the_share_is_small(void **state)
{
    (void)state;
    struct snas_err err = {0};
    struct fake all = {0}, few = {.busy = 0.02};
    struct snas_search_config c = fixture_config(measured);
    assert_int_equal(search(&c, "all", 0, &all, &err), SNAS_OK);
    /* 8 steps; a disconnected network is logged and not measured */
    assert_int_equal(lines("all"), 9);
    assert_true(all.calls >= 4 && all.calls <= 8);
    c.measured.share = 0.001;
    assert_int_equal(search(&c, "few", 0, &few, &err), SNAS_OK);
    assert_int_equal(few.calls, 1);
}

static void replay_is_the_same(struct snas_search_config c, const char *of, const char *dir)
{
    struct snas_err err = {0};
    struct fake none = {0};
    snprintf(c.measured.replay, sizeof(c.measured.replay), "%s/measured.csv", of);
    assert_int_equal(search(&c, dir, 0, &none, &err), SNAS_OK);
    assert_int_equal(none.calls, 0);
    fixture_same_run(of, dir);
}

static void measured__a_run_is_the_same_when_its_log_is_replayed(void **state)
{
    (void)state;
    struct snas_err err = {0};
    struct fake f = {.busy = 0.001}, plain = {0};
    struct snas_search_config c = fixture_config(measured);
    assert_int_equal(search(&c, "once", 0, &f, &err), SNAS_OK);
    replay_is_the_same(c, "once", "replayed");
    /* and it is another one than without */
    c.measured.strength = 0;
    assert_int_equal(search(&c, "plain", 0, &plain, &err), SNAS_OK);
    assert_int_equal(plain.calls, 0);
    assert_true(fixture_metric("plain", "train_loss") != fixture_metric("once", "train_loss"));
}

/* The checkpoint is older than the log: the steps between are repeated with what was logged. */
static void measured__log_is_repeated_when_a_checkpoint_is_older(void **state)
{
    (void)state;
    struct snas_err err = {0};
    struct fake f = {.stop_at = 2}, g = {.calls = 1000};
    char *data, *early, *late;
    size_t size;
    const struct snas_search_config c = fixture_config(measured);
    assert_int_equal(search(&c, "old", 0, &f, &err), SNAS_E_INTERRUPTED);
    assert_int_equal(snas_read_file("old/checkpoint.safetensors", 1u << 28, &data, &size, &err),
                     SNAS_OK);
    f.stop = 0;
    f.stop_at = 5;
    assert_int_equal(search(&c, "old", 1, &f, &err), SNAS_E_INTERRUPTED);
    early = read_log("old");
    assert_int_equal(snas_write_file("old/checkpoint.safetensors", data, size, &err), SNAS_OK);
    if (search(&c, "old", 1, &g, &err) != SNAS_OK)
        fail_msg("%s", err.text);
    late = read_log("old");
    assert_true(strlen(late) > strlen(early));
    assert_memory_equal(late, early, strlen(early));
    replay_is_the_same(c, "old", "old-replayed");
    snas_free(data);
    snas_free(early);
    snas_free(late);
}

static void measured__search_stops_with_its_state_saved_when_the_meter_fails(void **state)
{
    (void)state;
    struct snas_err err = {0};
    struct fake f = {.fail_at = 3};
    const struct snas_search_config c = fixture_config(measured);
    assert_int_equal(search(&c, "died", 0, &f, &err), SNAS_E_IO);
    assert_non_null(strstr(err.text, "the fake died"));
    assert_true(snas_path_exists("died/checkpoint.safetensors"));
    int before = lines("died");
    assert_int_equal(search(&c, "died", 1, &f, &err), SNAS_OK);
    assert_true(before >= 3 && lines("died") == 9);
    replay_is_the_same(c, "died", "died-replayed");
}

static void refused(const char *text, const char *dir, int resume, const char *words)
{
    struct snas_err err = {0};
    struct fake f = {0};
    struct snas_search_config c = fixture_config(measured);
    if (!resume)
        snprintf(c.measured.replay, sizeof(c.measured.replay), "bad.csv");
    assert_int_equal(snas_write_file("bad.csv", text, strlen(text), &err), SNAS_OK);
    assert_true(search(&c, dir, resume, &f, &err) != SNAS_OK);
    if (!strstr(err.text, words))
        fail_msg("'%s' lacks '%s'", err.text, words);
}

static void measured__log_is_refused_when_it_is_broken_or_another_runs(void **state)
{
    (void)state;
    char text[256], network[64];
    struct snas_err err = {0};
    struct fake f = {0};
    struct snas_search_config c = fixture_config(measured);
    assert_int_equal(search(&c, "good", 0, &f, &err), SNAS_OK);
    char *good = read_log("good");
    /* the first row is "1,<network>,..." */
    snprintf(text, sizeof(text), "%s", good + strlen(HEADER) + 2);
    snprintf(network, sizeof(network), "%.*s", (int)strcspn(text, ","), text);
    snas_free(good);
    const char *const bad[][2] = {
        {"epoch,loss\n", "bad.csv:1: not a log"},
        {HEADER "1,00,0.5,0\n", "bad.csv:2: network '00' has not"},
        {HEADER "0,%s,0.5,0\n", "bad.csv:2: step '0'"},
        {HEADER "x,%s,0.5,0\n", "bad.csv:2: step 'x'"},
        {HEADER "1,%s,nan,0\n", "bad.csv:2: latency_ms 'nan'"},
        {HEADER "1,%s,-1,0\n", "bad.csv:2: latency_ms '-1'"},
        {HEADER "1,%s,0.5\n", "bad.csv:2: not a row"},
        {HEADER "1,%s,0.5,inf\n", "bad.csv:2: baseline_ms 'inf'"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        char dir[16];
        snprintf(dir, sizeof(dir), "bad%d", (int)i);
        const char *at = strstr(bad[i][0], "%s");
        snprintf(text, sizeof(text), "%.*s%s%s", (int)(at ? at - bad[i][0] : 64), bad[i][0],
                 at ? network : "", at ? at + 2 : "");
        refused(text, dir, 0, bad[i][1]);
    }
    network[0] = network[0] == '0' ? '1' : '0';
    snprintf(text, sizeof(text), HEADER "1,%s,0.5,0\n", network);
    refused(text, "bad-network", 0, "bad.csv:2: the log has another network before this step");
    /* a checkpoint that has used more than the log holds */
    struct fake g = {.stop_at = 3};
    assert_int_equal(search(&c, "lost", 0, &g, &err), SNAS_E_INTERRUPTED);
    assert_int_equal(snas_write_file("lost/measured.csv", HEADER, strlen(HEADER), &err), SNAS_OK);
    refused("", "lost", 1, "it is not this run's log");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            measured__a_step_without_time_for_it_is_not_measured_when_the_share_is_small),
        cmocka_unit_test(measured__a_run_is_the_same_when_its_log_is_replayed),
        cmocka_unit_test(measured__log_is_repeated_when_a_checkpoint_is_older),
        cmocka_unit_test(measured__search_stops_with_its_state_saved_when_the_meter_fails),
        cmocka_unit_test(measured__log_is_refused_when_it_is_broken_or_another_runs),
    };
    return cmocka_run_group_tests_name("train.measured", tests, fixture_open, fixture_close);
}

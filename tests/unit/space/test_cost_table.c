#include <math.h>

#include "space/cost_table.h"
#include "testing.h"

/* A space of two ops with a table of made-up latencies, as text. */
struct fixture {
    struct snas_space space;
    struct snas_network *net;
    struct snas_cost_table table;
    char *text;
};

static void setup(struct fixture *f)
{
    static const char *const ops[] = {"none", "sep_conv_3x3", "skip_connect"};
    struct snas_err err = {0};
    fixture_space(&f->space, 1, 3, ops);
    struct snas_network_options o = {
        .channels = 2, .layers = 3, .input = {1, 9, 8}, .classes = 3, .pool_bn = 1};
    f->net = make_network(&f->space, &o, NULL);
    assert_ok(snas_cost_table_create(f->net, &f->table, &err), &err);
    for (int c = SNAS_COST_LATENCY; c <= SNAS_COST_RUNS; c++) {
        assert_ok(snas_cost_table_add(&f->table, c, &err), &err);
        for (int z = 0; z < f->net->n_z; z++)
            f->table.column[c][z] = 0.25 * z + 0.001 * c;
    }
    f->table.source =
        (struct snas_cost_source){"ONNX Runtime 1.2", "a processor", 2, 13, "2026-11-24"};
    f->table.fit = (struct snas_cost_fit){25, -0.5, 1.5, 0.02, 0.1, 0.98};
    assert_ok(snas_cost_table_format(f->net, &f->table, &f->text, &err), &err);
}

static void teardown(struct fixture *f)
{
    snas_free(f->text);
    snas_cost_table_clear(&f->table);
    snas_network_destroy(f->net);
}

static void table__is_the_same_when_written_and_read(void **state)
{
    (void)state;
    struct fixture f;
    struct snas_cost_table got;
    struct snas_err err = {0};
    setup(&f);
    char *dir = snas_test_make_dir();
    const char *path = snas_test_path(dir, "table.yaml");
    assert_ok(snas_cost_table_write(path, f.net, &f.table, &err), &err);
    assert_ok(snas_cost_table_read(path, f.net, &got, &err), &err);
    assert_int_equal(got.n_z, 2 * 3 * 3);
    for (int c = 0; c < SNAS_COST_COLUMNS; c++)
        for (int z = 0; z < got.n_z; z++)
            assert_true(fabs(got.column[c][z] - f.table.column[c][z]) < 1e-6);
    assert_string_equal(got.source.runtime, "ONNX Runtime 1.2");
    assert_string_equal(got.source.device, "a processor");
    assert_string_equal(got.source.date, "2026-11-24");
    assert_int_equal(got.source.threads, 2);
    assert_int_equal(got.source.opset, 13);
    assert_true(fabs(snas_cost_latency(&got, 2) - 2.5) < 1e-9);
    const double *edge = snas_cost_edge(&got, f.net, SNAS_COST_LATENCY, 1, 1);
    assert_ptr_equal(edge, got.column[SNAS_COST_LATENCY] + 3 * 3);
    snas_cost_table_clear(&got);
    snas_test_remove_dir(dir);
    teardown(&f);
}

static void table__has_no_latency_when_none_was_measured(void **state)
{
    (void)state;
    struct fixture f;
    struct snas_cost_table fresh, got;
    struct snas_err err = {0};
    char *text;
    setup(&f);
    assert_ok(snas_cost_table_create(f.net, &fresh, &err), &err);
    assert_null(snas_cost_edge(&fresh, f.net, SNAS_COST_LATENCY, 0, 0));
    assert_true(snas_cost_latency(&fresh, 2) == 2);
    assert_ok(snas_cost_table_format(f.net, &fresh, &text, &err), &err);
    assert_null(strstr(text, "latency"));
    assert_ok(snas_cost_table_parse("t", text, strlen(text), f.net, &got, &err), &err);
    assert_null(got.column[SNAS_COST_LATENCY]);
    assert_true(got.column[SNAS_COST_PARAMS][1] == fresh.column[SNAS_COST_PARAMS][1]);
    snas_free(text);
    snas_cost_table_clear(&got);
    snas_cost_table_clear(&fresh);
    teardown(&f);
}

/* Replaces the first `from` by `to`, reads, and expects this error. */
static void assert_refused(const struct fixture *f, const char *from, const char *to,
                           const char *message)
{
    struct snas_cost_table got;
    struct snas_err err = {0};
    const char *at = strstr(f->text, from);
    assert_non_null(at);
    char *text = snas_format(&err, "%.*s%s%s", (int)(at - f->text), f->text, to, at + strlen(from));
    assert_non_null(text);
    enum snas_status status =
        snas_cost_table_parse("t.yaml", text, strlen(text), f->net, &got, &err);
    if (status != SNAS_E_CONFIG)
        fail_msg("'%s' for '%s' gives %d: %s", to, from, (int)status, err.text);
    assert_contains(err.text, message);
    assert_null(got.column[SNAS_COST_PARAMS]);
    snas_free(text);
}

static void table__is_refused_with_its_line_when_a_value_is_wrong(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f);
    assert_refused(&f, "latency_ms: 0.006", "latency_ms: nan", "t.yaml:7:180: latency_ms");
    assert_refused(&f, "latency_ms: 0.006", "latency_ms: nan", "latency_ms: nan is not finite");
    assert_refused(&f, "latency_ms: 0.006", "latency_ms: inf", "latency_ms: inf is not finite");
    assert_refused(&f, "latency_ms: 0.006", "latency_ms: -1", "latency_ms: -1 is negative");
    assert_refused(&f, "latency_ms: 0.006", "latency_ms: fast", "a number is expected, not 'fast'");
    assert_refused(&f, "latency_ms: 0.006", "latency_ms: [1]", "a number is expected");
    assert_refused(&f, ", latency_ms: 0.006", "", "column 'latency_ms' is in some rows");
    assert_refused(&f, "madds_conv: 0", "madds_conv: 5", "madds_conv is 5 where this op");
    assert_refused(&f, "peak_bytes: 0", "beak_bytes: 0", "unknown key 'beak_bytes'");
    assert_refused(&f, "stride: 1", "stride: 2", "stride is 2 where the network has 1");
    assert_refused(&f, "side: [9, 8]", "side: [9, 9]", "side: 9 where the network has 8");
    assert_refused(&f, "kind: normal", "kind: reduce", "kind is 'reduce' where 'normal'");
    assert_refused(&f, "op: none", "op: nine", "space 'fixture' has no op 'nine' there");
    assert_refused(&f, "cell: 0,", "cell: 7,", "there is no cell 7: the network has 3");
    assert_refused(&f, "from: 0,", "from: 6,", "cell 0 has no edge from 6 to node 0");
    assert_refused(&f, "from: 0,", "from: 0.5,", "from: a whole number is expected");
    assert_refused(&f, "spearman: 0.98", "spearman: x", "spearman: a number is expected");
    assert_refused(&f, "b: 1.5", "b: 0", "latency must grow");
    teardown(&f);
}

static void table__is_refused_when_it_belongs_elsewhere(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f);
    assert_refused(&f, "snas-cost-table", "snas-host-table", "t.yaml:1:9: format is 'snas-host-");
    assert_refused(&f, "version: 1", "version: 2", "t.yaml:2:10: version 2: this program knows");
    assert_refused(&f, "space: fixture", "space: darts", "space is 'darts' where 'fixture'");
    assert_refused(&f, "channels: 2, l", "channels: 4, l", "channels is 4 where the network has 2");
    assert_refused(&f, "layers: 3", "layers: 8", "layers is 8 where the network has 3");
    assert_refused(&f, "input: [1, 9, 8]", "input: [9, 8]", "'input' is a list of 3 numbers");
    assert_refused(&f, "network:", "nets:", "'network' says whose costs these are");
    assert_refused(&f, "rows:", "lines:", "'rows' is a list");
    assert_refused(&f, f.text, "- 1\n", "this is no cost table");
    teardown(&f);
}

static void table__names_what_is_missing_when_rows_are(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f);
    char *second = strstr(strstr(f.text, "  - {") + 1, "  - {");
    char *third = strstr(second + 1, "  - {");
    char row[512];
    assert_true((size_t)(third - second) < sizeof row);
    memcpy(row, second, (size_t)(third - second));
    row[third - second] = '\0';
    assert_refused(&f, row, "", "1 of 18 rows are missing: cell 0 node 0 from 0 sep_conv_3x3");
    char twice[1100];
    snprintf(twice, sizeof twice, "%s%s", row, row);
    assert_refused(&f, row, twice, "t.yaml:9:5: this op of this edge was given before, in line 8");
    assert_refused(&f, second, "", "17 of 18 rows are missing: cell 0 node 0 from 0 sep_conv");
    assert_refused(&f, second, "", "and more");
    assert_refused(&f, third, "  - {cell: 0, ki", "t.yaml:10:"); /* cut short */
    teardown(&f);
}

static enum snas_status attempt(void *arg, struct snas_err *err)
{
    const struct fixture *f = arg;
    struct snas_cost_table got;
    char *text = NULL;
    enum snas_status s =
        snas_cost_table_parse("t.yaml", f->text, strlen(f->text), f->net, &got, err);
    if (s != SNAS_OK)
        return s;
    s = snas_cost_table_format(f->net, &got, &text, err);
    snas_free(text);
    snas_cost_table_clear(&got);
    return s;
}

static void table__frees_all_when_an_allocation_fails(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f);
    fail_every_allocation(attempt, &f);
    teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table__is_the_same_when_written_and_read),
        cmocka_unit_test(table__has_no_latency_when_none_was_measured),
        cmocka_unit_test(table__is_refused_with_its_line_when_a_value_is_wrong),
        cmocka_unit_test(table__is_refused_when_it_belongs_elsewhere),
        cmocka_unit_test(table__names_what_is_missing_when_rows_are),
        cmocka_unit_test(table__frees_all_when_an_allocation_fails),
    };
    return snas_test_run(tests);
}

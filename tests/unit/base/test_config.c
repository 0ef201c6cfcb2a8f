#include "base/config.h"

#include "base/mem.h"
#include "support.h"

struct target {
    int64_t epochs, limit;
    double rate, decay;
    int verbose, method;
    char name[SNAS_STRING_MAX];
    int64_t threads;
};

#define AT(field) offsetof(struct target, field)
static const struct snas_key keys[] = {
    {"name", SNAS_T_STRING, AT(name), "\"run\"", 0, 0, NULL, "name of the run", 0},
    {"epochs", SNAS_T_INT, AT(epochs), "50", 1, 1e9, NULL, "epochs", 0},
    {"alpha.method", SNAS_T_ENUM, AT(method), "snas", 0, 0, "snas|dsnas|darts", "a|b", 0},
    {"alpha.learning_rate", SNAS_T_REAL, AT(rate), "3e-4", 0, 1, NULL, "rate of alpha", 0},
    {"alpha.adam.decay", SNAS_T_REAL, AT(decay), "0.001", 0, 1, NULL, "decay", 0},
    {"memory_limit", SNAS_T_BYTES, AT(limit), "4GiB", 0, 0, NULL, "bytes", 0},
    {"verbose", SNAS_T_BOOL, AT(verbose), "false", 0, 0, NULL, "more words", 0},
    {"threads", SNAS_T_INT, AT(threads), "0", 0, 1024, NULL, "0: all cores", 1},
};
static const struct snas_schema schema = {"Search", keys, sizeof keys / sizeof *keys};

static enum snas_status parse(const char *text, struct target *t, struct snas_err *err)
{
    memset(err, 0, sizeof *err);
    memset(t, 0, sizeof *t);
    snas_config_defaults(&schema, t);
    return snas_config_parse(&schema, "f.yaml", text, strlen(text), t, err);
}

static void config__holds_the_defaults_when_empty(void **state)
{
    (void)state;
    struct target t;
    struct snas_err err;
    assert_ok(parse("# nothing\n", &t, &err), &err);
    assert_string_equal(t.name, "run");
    assert_int_equal(t.epochs, 50);
    assert_true(t.rate == 3e-4 && t.decay == 0.001);
    assert_int_equal(t.limit, (int64_t)4 << 30);
    assert_int_equal(t.method, 0);
    assert_int_equal(t.verbose, 0);
}

static void config__reads_every_type_when_given(void **state)
{
    (void)state;
    struct target t;
    struct snas_err err;
    assert_ok(parse("name: a b\nepochs: 300k\nalpha:\n  method: darts\n  learning_rate: 1e-2\n"
                    "  adam: {decay: .5}\nmemory_limit: 512MiB\nverbose: true\nthreads: 2\n",
                    &t, &err),
              &err);
    assert_string_equal(t.name, "a b");
    assert_int_equal(t.epochs, 300000);
    assert_int_equal(t.method, 2);
    assert_true(t.rate == 1e-2 && t.decay == 0.5);
    assert_int_equal(t.limit, 512 << 20);
    assert_int_equal(t.verbose, 1);
    assert_int_equal(t.threads, 2);
}

static void config__reports_all_errors_when_several(void **state)
{
    (void)state;
    struct target t, before;
    struct snas_err err;
    snas_config_defaults(&schema, memset(&before, 0, sizeof before));
    assert_int_equal(parse("epochs: 0\nepoch: 3\nalpha:\n  lerning_rate: 1\n  method: sans\n"
                           "verbose: \"true\"\nepochs: 5\nname: new\n",
                           &t, &err),
                     SNAS_E_CONFIG);
    assert_string_equal(err.text,
                        "f.yaml:1:9: epochs: 0 is not in 1 to 1000000000\n"
                        "f.yaml:2:1: unknown key 'epoch'; did you mean 'epochs'?\n"
                        "f.yaml:4:3: unknown key 'alpha.lerning_rate'; did you mean "
                        "'alpha.learning_rate'?\n"
                        "f.yaml:5:11: alpha.method: expects one of snas, dsnas, darts, not 'sans'\n"
                        "f.yaml:6:10: verbose: expects true or false, not 'true'\n"
                        "f.yaml:7:1: key 'epochs' given twice (line 1)");
    assert_memory_equal(&t, &before, sizeof t);
}

static void config__reads_back_when_dumped(void **state)
{
    (void)state;
    struct target t, back;
    struct snas_err err;
    assert_ok(parse("name: \"q\\\"uo\\\\te\\u2028\\x01\\xE4\"\nalpha: {learning_rate: "
                    "0.1234567890123, method: dsnas}\nmemory_limit: 1000\nthreads: 3\n",
                    &t, &err),
              &err);
    char *text;
    assert_ok(snas_config_dump(&schema, &t, &text, &err), &err);
    assert_contains(text, "alpha:\n  method: dsnas\n  learning_rate: 0.1234567890123\n  adam:\n"
                          "    decay: 0.001\nmemory_limit: 1000\n");
    assert_null(strstr(text, "threads"));
    assert_ok(parse(text, &back, &err), &err);
    back.threads = t.threads;
    assert_memory_equal(&t, &back, sizeof t);
    snas_free(text);
}

static void config__names_the_key_when_two_differ(void **state)
{
    (void)state;
    struct target one, other;
    struct snas_err err;
    assert_ok(parse("alpha: {learning_rate: 0.3}\nthreads: 3\n", &one, &err), &err);
    assert_ok(parse("alpha: {learning_rate: 0.3}\nthreads: 4\n", &other, &err), &err);
    assert_null(snas_config_differs(&schema, &one, &other));
    assert_ok(parse("alpha: {learning_rate: 0.30000000000000004}\n", &other, &err), &err);
    assert_string_equal(snas_config_differs(&schema, &one, &other), "alpha.learning_rate");
}

static void refused(const char *text, const char *message)
{
    struct target t;
    struct snas_err err;
    assert_int_equal(parse(text, &t, &err), SNAS_E_CONFIG);
    assert_string_equal(err.text, message);
}

static void config__says_what_it_expects_when_the_value_is_wrong(void **state)
{
    (void)state;
    refused("epochs: x\n", "f.yaml:1:9: epochs: expects an integer, not 'x'");
    refused("epochs: 1.5\n", "f.yaml:1:9: epochs: expects an integer, not '1.5'");
    refused("epochs: 0x10\n", "f.yaml:1:9: epochs: expects an integer, not '0x10'");
    refused("epochs: 3K\n", "f.yaml:1:9: epochs: expects an integer, not '3K'");
    refused("epochs: \"3\"\n", "f.yaml:1:9: epochs: expects an integer, not the text '3'");
    refused("epochs: 2G\n", "f.yaml:1:9: epochs: 2G is not in 1 to 1000000000");
    refused("epochs: 99999999999G\n", "f.yaml:1:9: epochs: 99999999999G is too large");
    refused("epochs: 99999999999999999999\n",
            "f.yaml:1:9: epochs: 99999999999999999999 is too large");
    refused("epochs:\n", "f.yaml:1:8: epochs: has no value");
    refused("epochs: [1]\n", "f.yaml:1:9: epochs: expects one value, not a list");
    refused("epochs: {a: 1}\n", "f.yaml:1:9: epochs: expects one value, not a section");
    refused("verbose: yes\n", "f.yaml:1:10: verbose: expects true or false, not 'yes'");
    refused("alpha:\n  learning_rate: 0x1\n",
            "f.yaml:2:18: alpha.learning_rate: expects a number, not '0x1'");
    refused("alpha: {learning_rate: nan}\n",
            "f.yaml:1:24: alpha.learning_rate: expects a number, not 'nan'");
    refused("alpha: {learning_rate: 1e999}\n",
            "f.yaml:1:24: alpha.learning_rate: 1e999 is too large");
    refused("alpha: {learning_rate: -1}\n",
            "f.yaml:1:24: alpha.learning_rate: -1 is not in 0 to 1");
    refused("memory_limit: 4GiBs\n",
            "f.yaml:1:15: memory_limit: expects a size such as 512MiB, not '4GiBs'");
    refused("memory_limit: -1\n", "f.yaml:1:15: memory_limit: -1 is negative");
    refused("memory_limit: 99999999TiB\n", "f.yaml:1:15: memory_limit: 99999999TiB is too large");
    refused("alpha: 3\n", "f.yaml:1:8: alpha: expects a section of keys, not a value");
    refused("alpha: {adam: 3}\n",
            "f.yaml:1:15: alpha.adam: expects a section of keys, not a value");
    refused("- a\n", "f.yaml:1:1: expects lines of 'key: value'");
    refused("words\n", "f.yaml:1:1: expects lines of 'key: value'");
    char text[400] = "name: ";
    memset(text + 6, 'x', SNAS_STRING_MAX);
    refused(text, "f.yaml:1:7: name: longer than 255 bytes");
    text[6 + SNAS_STRING_MAX - 1] = '\0';
    struct target t;
    struct snas_err err;
    assert_ok(parse(text, &t, &err), &err);
}

static void config__suggests_when_a_key_is_unknown(void **state)
{
    (void)state;
    refused("nmae: x\n", "f.yaml:1:1: unknown key 'nmae'; did you mean 'name'?");
    refused("alpha: {adma: {decay: 1}}\n",
            "f.yaml:1:9: unknown key 'alpha.adma'; did you mean 'alpha.adam'?");
    refused("learning_rate: 1\n",
            "f.yaml:1:1: unknown key 'learning_rate'; did you mean 'alpha.learning_rate'?");
    refused("alhpa:\n  method: snas\n", "f.yaml:1:1: unknown key 'alhpa'; did you mean 'alpha'?");
    refused("zzzzzzzzzz: 1\n", "f.yaml:1:1: unknown key 'zzzzzzzzzz'");
    refused("\"a\\eb\": 1\n", "f.yaml:1:1: unknown key 'a?b'");
}

static void config__sees_twins_when_written_in_two_ways(void **state)
{
    (void)state;
    refused("alpha: {method: snas}\nalpha.method: darts\n",
            "f.yaml:2:1: key 'alpha.method' given twice (line 1)");
    refused("alpha: {method: snas}\nalpha: {learning_rate: 1}\n",
            "f.yaml:2:1: key 'alpha' given twice (line 1)");
    struct target t;
    struct snas_err err;
    assert_ok(parse("alpha.method: darts\nalpha:\n", &t, &err), &err);
    assert_int_equal(t.method, 2);
}

static void config__stops_when_there_are_a_hundred_errors(void **state)
{
    (void)state;
    char text[4096];
    size_t n = 0;
    for (int i = 0; i < 150; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "q%d: 1\n", i);
    struct target t;
    struct snas_err err;
    assert_int_equal(parse(text, &t, &err), SNAS_E_CONFIG);
    assert_contains(err.text, "f.yaml:100:1: ");
    assert_null(strstr(err.text, "f.yaml:101:1: "));
    assert_string_equal(err.text + strlen(err.text) - 9, "\nand more");
}

static void config__sets_one_key_when_assigned(void **state)
{
    (void)state;
    struct target t = {0};
    struct snas_err err = {0};
    snas_config_defaults(&schema, &t);
    assert_ok(snas_config_set(&schema, "alpha.learning_rate=0.5", &t, &err), &err);
    assert_true(t.rate == 0.5);
    assert_ok(snas_config_set(&schema, "epochs=40M", &t, &err), &err);
    assert_int_equal(t.epochs, 40000000);
    assert_ok(snas_config_set(&schema, "name=a=b", &t, &err), &err);
    assert_string_equal(t.name, "a=b");
    assert_ok(snas_config_set(&schema, "name=", &t, &err), &err);
    assert_string_equal(t.name, "");
    static const char *const wrong[][2] = {
        {"epochs", "--set epochs: expects key=value"},
        {"epoch=1", "--set epoch=1: unknown key 'epoch'; did you mean 'epochs'?"},
        {"alpha=1", "--set alpha=1: 'alpha' is a section of keys"},
        {"epochs=x", "--set epochs=x: expects an integer, not 'x'"},
        {"epochs=", "--set epochs=: has no value"},
        {"epochs=0", "--set epochs=0: 0 is not in 1 to 1000000000"},
        {"name=a\xFF", "--set name=a\xFF: is not UTF-8 at byte 1"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(snas_config_set(&schema, wrong[i][0], &t, &err), SNAS_E_CONFIG);
        assert_string_equal(err.text, wrong[i][1]);
    }
}

/* Every double must come back bit by bit. */
static void config__dumps_exactly_when_numbers_are_awkward(void **state)
{
    (void)state;
    static const double rates[] = {0.1, 1.0 / 3, 5e-324, 1, 0, 0.30000000000000004, 1e-7};
    static const int64_t limits[] = {0, 1, 1023, 1024, 1536, (int64_t)3 << 40, INT64_MAX};
    for (int i = 0; i < 7; i++) {
        struct target t, back;
        struct snas_err err;
        assert_ok(parse("", &t, &err), &err);
        t.rate = rates[i];
        t.limit = limits[i];
        char *text;
        assert_ok(snas_config_dump(&schema, &t, &text, &err), &err);
        assert_ok(parse(text, &back, &err), &err);
        assert_memory_equal(&t, &back, sizeof t);
        snas_free(text);
    }
}

static void config__describes_its_keys_when_asked(void **state)
{
    (void)state;
    char *text;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    snas_config_help(&schema, f);
    fclose(f);
    assert_contains(text,
                    "Search\n  name                 name of the run (text; default \"run\")\n");
    assert_contains(text, "  alpha.learning_rate  rate of alpha (number, 0 to 1; default 3e-4)\n");
    assert_contains(text, "(one of snas, dsnas, darts; default snas)");
    free(text);
    f = open_memstream(&text, &size);
    snas_config_markdown(&schema, f);
    fclose(f);
    assert_contains(text, "## Search\n\n| key | value | default | meaning |\n|---|---|---|---|\n"
                          "| `name` | text | `\"run\"` | name of the run |\n");
    assert_contains(text, "| one of snas, dsnas, darts | `snas` | a\\|b |");
    assert_contains(text, "0: all cores (of this machine: not part of the result) |");
    free(text);
}

static void config__reads_files_when_asked(void **state)
{
    (void)state;
    char *dir = snas_test_make_dir();
    const char *path = snas_test_path(dir, "a.yaml");
    struct target t = {0};
    struct snas_err err = {0};
    assert_int_equal(snas_config_read(&schema, path, &t, &err), SNAS_E_IO);
    snas_test_write(path, "epochs: 7\n", 10);
    assert_ok(snas_config_read(&schema, path, &t, &err), &err);
    assert_int_equal(t.epochs, 7);
    snas_test_write(path, "epochs: z\n", 10);
    assert_int_equal(snas_config_read(&schema, path, &t, &err), SNAS_E_CONFIG);
    assert_int_equal(strncmp(err.text, path, strlen(path)), 0);
    assert_contains(err.text, ":1:9: epochs: ");
    snas_test_remove_dir(dir);
}

static void config__changes_nothing_when_memory_is_short(void **state)
{
    (void)state;
    struct target before;
    snas_config_defaults(&schema, memset(&before, 0, sizeof before));
    int done = 0;
    for (long nth = 1; !done; nth++) {
        struct target t;
        struct snas_err err;
        char *text = NULL;
        snas_mem_fail_at(nth);
        enum snas_status s = parse("alpha: {adam: {decay: 0.5}}\nname: x\n", &t, &err);
        if (s != SNAS_OK)
            assert_memory_equal(&t, &before, sizeof t);
        else
            s = snas_config_dump(&schema, &t, &text, &err);
        done = s == SNAS_OK;
        assert_true(done || (s == SNAS_E_NOMEM && err.code == SNAS_E_NOMEM));
        snas_free(text);
        assert_true(nth < 200);
    }
    snas_mem_fail_at(0);
}

static void nearest__finds_the_slip_when_one_is_near(void **state)
{
    (void)state;
    static const char *const names[] = {"epochs", "learning_rate", "batch", "seed"};
    static const struct {
        const char *text;
        int wanted;
    } cases[] = {{"epoch", 0}, {"epohcs", 0}, {"lerning_rate", 1}, {"btach", 2}, {"sed", 3},
                 {"x", -1},    {"", -1},      {"completely", -1},  {"seed", 3}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(snas_nearest(cases[i].text, names, 4), cases[i].wanted);
    assert_int_equal(snas_nearest("a", names, 0), -1);
    char large[1000];
    memset(large, 'x', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    assert_int_equal(snas_nearest(large, names, 4), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(config__holds_the_defaults_when_empty),
        cmocka_unit_test(config__reads_every_type_when_given),
        cmocka_unit_test(config__reports_all_errors_when_several),
        cmocka_unit_test(config__reads_back_when_dumped),
        cmocka_unit_test(config__names_the_key_when_two_differ),
        cmocka_unit_test(config__says_what_it_expects_when_the_value_is_wrong),
        cmocka_unit_test(config__suggests_when_a_key_is_unknown),
        cmocka_unit_test(config__sees_twins_when_written_in_two_ways),
        cmocka_unit_test(config__stops_when_there_are_a_hundred_errors),
        cmocka_unit_test(config__sets_one_key_when_assigned),
        cmocka_unit_test(config__dumps_exactly_when_numbers_are_awkward),
        cmocka_unit_test(config__describes_its_keys_when_asked),
        cmocka_unit_test(config__reads_files_when_asked),
        cmocka_unit_test(config__changes_nothing_when_memory_is_short),
        cmocka_unit_test(nearest__finds_the_slip_when_one_is_near),
    };
    return snas_test_run(tests);
}

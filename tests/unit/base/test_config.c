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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(config__holds_the_defaults_when_empty),
        cmocka_unit_test(config__reads_every_type_when_given),
        cmocka_unit_test(config__reports_all_errors_when_several),
        cmocka_unit_test(config__reads_back_when_dumped),
    };
    return snas_test_run(tests);
}

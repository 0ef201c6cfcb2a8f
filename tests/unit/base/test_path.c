#include <sys/stat.h>

#include "base/io.h"
#include "base/mem.h"
#include "support.h"

static int enter_dir(void **state)
{
    *state = snas_test_make_dir();
    return chdir(*state);
}

static int leave_dir(void **state)
{
    snas_mem_fail_at(0);
    unsetenv("SNAS_DATA_DIR");
    int r = chdir("/");
    snas_test_remove_dir(*state);
    return r;
}

static void path__makes_parents_when_missing(void **state)
{
    (void)state;
    struct snas_err err = {0};
    assert_ok(snas_make_dirs("a/b//c/", &err), &err);
    assert_ok(snas_make_dirs("a/b/c", &err), &err);
    assert_true(snas_path_exists("a/b/c"));
    assert_ok(snas_make_dirs("/", &err), &err);
    snas_test_write("a/file", "x", 1);
    assert_int_equal(snas_make_dirs("a/file/d", &err), SNAS_E_IO);
    assert_string_equal(err.text, "cannot create directory 'a/file': Not a directory");
    assert_int_equal(snas_make_dirs("", &err), SNAS_E_IO);
}

static void path__joins_when_parts_are_odd(void **state)
{
    (void)state;
    static const char *const cases[][3] = {{"a", "b", "a/b"}, {"a/", "b", "a/b"},
                                           {"a", "/b", "/b"}, {"", "b", "b"},
                                           {"/", "b", "/b"},  {"a%s", "b%d", "a%s/b%d"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *path = snas_path_join(cases[i][0], cases[i][1], NULL);
        assert_string_equal(path, cases[i][2]);
        snas_free(path);
    }
}

static void find(const char *wanted)
{
    struct snas_err err = {0};
    char *path;
    assert_ok(snas_find_shipped("configs/x.yaml", &path, &err), &err);
    assert_contains(path, wanted);
    snas_free(path);
}

static void path__finds_shipped_files_when_in_any_place(void **state)
{
    struct snas_err err = {0};
    char *path;
    setenv("SNAS_DATA_DIR", snas_test_path(*state, "data"), 1);
    assert_int_equal(snas_find_shipped("configs/x.yaml", &path, &err), SNAS_E_IO);
    assert_null(path);
    assert_contains(err.text, "cannot find 'configs/x.yaml': looked for 'configs/x.yaml', '");
    assert_contains(err.text, "/data/configs/x.yaml', '");
    assert_contains(err.text, "/../../../configs/x.yaml', '");
    assert_contains(err.text, "snas/configs/x.yaml'");
    assert_ok(snas_make_dirs("data/configs", &err), &err);
    snas_test_write("data/configs/x.yaml", "x", 1);
    find("/data/configs/x.yaml");
    assert_ok(snas_make_dirs("configs", &err), &err);
    snas_test_write("configs/x.yaml", "x", 1);
    find("configs/x.yaml");
    assert_int_equal(snas_find_shipped("/none/x.yaml", &path, &err), SNAS_E_IO);
    assert_string_equal(err.text, "cannot find '/none/x.yaml': looked for '/none/x.yaml'");
}

static void path__leaks_nothing_when_memory_is_short(void **state)
{
    (void)state;
    for (long nth = 1;; nth++) {
        struct snas_err err = {0};
        char *path = NULL;
        snas_mem_fail_at(nth);
        enum snas_status s = snas_make_dirs("m/n", &err);
        if (s == SNAS_OK)
            s = snas_find_shipped("none", &path, &err);
        snas_free(path);
        if (s == SNAS_E_IO)
            break;
        assert_int_equal(s, SNAS_E_NOMEM);
        assert_true(nth < 100);
    }
}

#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, enter_dir, leave_dir)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIR(path__makes_parents_when_missing),
        IN_DIR(path__joins_when_parts_are_odd),
        IN_DIR(path__finds_shipped_files_when_in_any_place),
        IN_DIR(path__leaks_nothing_when_memory_is_short),
    };
    return snas_test_run(tests);
}

#include "base/io.h"

#include "support.h"

static int make_dir(void **state)
{
    *state = snas_test_make_dir();
    return 0;
}

static int remove_dir(void **state)
{
    snas_io_replace(NULL);
    snas_test_remove_dir(*state);
    return 0;
}

static void io__reads_back_when_written(void **state)
{
    const char *path = snas_test_path(*state, "a");
    struct snas_err err = {0};
    char *data;
    size_t size;
    assert_ok(snas_write_file(path, "one\0two", 7, &err), &err);
    assert_ok(snas_read_file(path, 7, &data, &size, &err), &err);
    assert_int_equal(size, 7);
    assert_memory_equal(data, "one\0two", 8);
    free(data);
    assert_int_equal(snas_test_count_entries(*state), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(io__reads_back_when_written, make_dir, remove_dir),
    };
    return snas_test_run(tests);
}

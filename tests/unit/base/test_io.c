#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "support.h"

static int make_dir(void **state)
{
    *state = snas_test_make_dir();
    return 0;
}

static int remove_dir(void **state)
{
    snas_io_replace(NULL);
    snas_mem_fail_at(0);
    snas_test_remove_dir(*state);
    return 0;
}

/* The file is exactly `text`, and nothing else is in the directory. */
static void assert_alone(const char *dir, const char *path, const char *text)
{
    char *data = snas_test_read(path, NULL);
    assert_non_null(data);
    assert_string_equal(data, text);
    free(data);
    assert_int_equal(snas_test_count_entries(dir), 1);
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
    snas_free(data);
    assert_ok(snas_write_file(path, "", 0, &err), &err);
    assert_ok(snas_read_file(path, 0, &data, &size, &err), &err);
    assert_int_equal(size, 0);
    snas_free(data);
    assert_int_equal(snas_test_count_entries(*state), 1);
}

static void io__refuses_when_larger_than_the_limit(void **state)
{
    const char *path = snas_test_path(*state, "a");
    struct snas_err err = {0};
    char *data;
    size_t size;
    snas_test_write(path, "12345678", 8);
    assert_int_equal(snas_read_file(path, 7, &data, &size, &err), SNAS_E_LIMIT);
    assert_contains(err.text, "is larger than the 7 bytes allowed here");
    assert_null(data);
    /* Nobody knows the size of a device: the limit holds while reading. */
    assert_int_equal(snas_read_file("/dev/zero", 100000, &data, &size, &err), SNAS_E_LIMIT);
}

static void io__says_what_failed_when_it_cannot_read(void **state)
{
    const char *path = snas_test_path(*state, "none");
    char wanted[4200];
    struct snas_err err = {0};
    char *data;
    size_t size;
    assert_int_equal(snas_read_file(path, 7, &data, &size, &err), SNAS_E_IO);
    snprintf(wanted, sizeof wanted, "cannot open '%s': No such file or directory", path);
    assert_string_equal(err.text, wanted);
    assert_int_equal(snas_read_file(*state, 70000, &data, &size, &err), SNAS_E_IO);
    snprintf(wanted, sizeof wanted, "cannot read '%s': Is a directory", (char *)*state);
    assert_string_equal(err.text, wanted);
}

static void writer__collects_when_put_in_parts(void **state)
{
    const char *path = snas_test_path(*state, "a");
    struct snas_err err = {0};
    struct snas_writer *w;
    size_t sizes[] = {1, 65535, 1, 0, 65536, 200000, 3};
    unsigned char *all = malloc(400000);
    for (size_t i = 0; i < 400000; i++)
        all[i] = (unsigned char)(i * 7 + (i >> 8));
    assert_ok(snas_writer_open(path, &w, &err), &err);
    size_t at = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        snas_writer_put(w, all + at, sizes[i]);
        at += sizes[i];
    }
    assert_int_equal(snas_writer_bytes(w), at);
    assert_false(snas_path_exists(path));
    size_t size;
    char *data = snas_test_read(snas_writer_temporary(w), &size);
    assert_int_equal(size, at);
    assert_memory_equal(data, all, at);
    free(data);
    assert_ok(snas_writer_commit(w, &err), &err);
    data = snas_test_read(path, &size);
    assert_int_equal(size, at);
    assert_memory_equal(data, all, at);
    free(data);
    free(all);
    assert_int_equal(snas_test_count_entries(*state), 1);
}

static void writer__leaves_all_as_it_was_when_aborted(void **state)
{
    const char *path = snas_test_path(*state, "a");
    struct snas_err err = {0};
    struct snas_writer *w;
    snas_test_write(path, "old", 3);
    assert_ok(snas_writer_open(path, &w, &err), &err);
    snas_writer_put(w, "new", 3);
    snas_writer_abort(w);
    snas_writer_abort(NULL);
    assert_alone(*state, path, "old");
}

static void writer__refuses_when_the_target_is_no_file(void **state)
{
    struct snas_err err = {0};
    assert_int_equal(snas_write_file(*state, "x", 1, &err), SNAS_E_IO);
    assert_contains(err.text, "it is a directory");
    assert_int_equal(snas_write_file("/dev/null", "x", 1, &err), SNAS_E_IO);
    assert_contains(err.text, "it is not a regular file");
    assert_int_equal(snas_write_file(snas_test_path(*state, "no/such"), "x", 1, &err), SNAS_E_IO);
    assert_contains(err.text, "cannot create '");
    assert_contains(err.text, ".tmp': No such file or directory");
}

static void writer__follows_when_the_target_is_a_link(void **state)
{
    const char *path = snas_test_path(*state, "a"), *link = snas_test_path(*state, "b");
    struct snas_err err = {0};
    snas_test_write(path, "old", 3);
    assert_int_equal(symlink("a", link), 0);
    assert_ok(snas_write_file(link, "new", 3, &err), &err);
    struct stat st;
    assert_int_equal(lstat(link, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    char *data = snas_test_read(path, NULL);
    assert_string_equal(data, "new");
    free(data);
    assert_int_equal(snas_test_count_entries(*state), 2);
}

static void writer__sweeps_when_a_killed_one_left_its_file(void **state)
{
    struct snas_err err = {0};
    char living[64];
    /* A number beyond every process; one that lives; names that only look alike. */
    snprintf(living, sizeof living, "a.%ld-7.tmp", (long)getpid());
    const char *names[] = {"a.2147483647-0.tmp", living, "a.2147483647-x.tmp", "b.2147483647-0.tmp",
                           "a.tmp"};
    for (int i = 0; i < 5; i++)
        snas_test_write(snas_test_path(*state, names[i]), "x", 1);
    assert_ok(snas_write_file(snas_test_path(*state, "a"), "new", 3, &err), &err);
    for (int i = 0; i < 5; i++)
        assert_int_equal(snas_path_exists(snas_test_path(*state, names[i])), i > 0);
}

/* Faults: the nth call of one kind fails with an errno, or writes short. */
static struct fault {
    char kind; /* o r w s c m u */
    int nth, error, calls;
    int short_write, zero_write; /* a write of one byte; of none */
} fault;

static int fails(char kind)
{
    if (kind != fault.kind || ++fault.calls != fault.nth)
        return 0;
    errno = fault.error;
    return 1;
}

static int faulty_open(const char *path, int flags, unsigned mode)
{
    return fails('o') ? -1 : open(path, flags, mode);
}

static long faulty_read(int fd, void *buf, size_t n)
{
    return fails('r') ? -1 : read(fd, buf, fault.short_write && n > 1 ? 1 : n);
}

static long faulty_write(int fd, const void *buf, size_t n)
{
    if (fails('w'))
        return fault.zero_write ? 0 : -1;
    return write(fd, buf, fault.short_write && n > 1 ? 1 : n);
}

static int faulty_fsync(int fd)
{
    return fails('s') ? -1 : fsync(fd);
}

static int faulty_close(int fd)
{
    int failed = fails('c');
    int error = errno, r = close(fd); /* as Linux does it, the descriptor is gone either way */
    errno = error;
    return failed ? -1 : r;
}

static int faulty_rename(const char *from, const char *to)
{
    return fails('m') ? -1 : rename(from, to);
}

static int faulty_unlink(const char *path)
{
    return fails('u') ? -1 : unlink(path);
}

static const struct snas_io_ops faulty = {faulty_open,  faulty_read,   faulty_write, faulty_fsync,
                                          faulty_close, faulty_rename, faulty_unlink};

static void plant(struct fault f)
{
    fault = f;
    snas_io_replace(&faulty);
}

static void writer__keeps_the_old_file_when_the_system_fails(void **state)
{
    static const struct {
        char kind;
        int error;
        const char *message;
    } cases[] = {
        {'o', EACCES, "cannot create '"}, {'w', ENOSPC, "cannot write '"},
        {'w', EIO, "cannot write '"},     {'s', EIO, "cannot sync '"},
        {'c', EDQUOT, "cannot close '"},  {'m', EXDEV, "cannot rename '"},
    };
    const char *path = snas_test_path(*state, "a");
    snas_test_write(path, "old", 3);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct snas_err err = {0};
        plant((struct fault){.kind = cases[i].kind, .nth = 1, .error = cases[i].error});
        assert_int_equal(snas_write_file(path, "new", 3, &err), SNAS_E_IO);
        assert_contains(err.text, cases[i].message);
        assert_contains(err.text, strerror(cases[i].error));
        assert_contains(err.text, path);
        assert_alone(*state, path, "old");
    }
}

static void writer__stops_when_the_system_takes_nothing(void **state)
{
    const char *path = snas_test_path(*state, "a");
    struct snas_err err = {0};
    plant((struct fault){.kind = 'w', .nth = 1, .zero_write = 1});
    assert_int_equal(snas_write_file(path, "new", 3, &err), SNAS_E_IO);
    assert_contains(err.text, "the system takes no more");
    assert_int_equal(snas_test_count_entries(*state), 0);
}

static void writer__keeps_the_first_error_when_more_is_put(void **state)
{
    const char *path = snas_test_path(*state, "a");
    struct snas_err err = {0};
    struct snas_writer *w;
    char block[100000] = {0};
    plant((struct fault){.kind = 'w', .nth = 2, .error = ENOSPC});
    assert_ok(snas_writer_open(path, &w, &err), &err);
    for (int i = 0; i < 5; i++)
        snas_writer_put(w, block, sizeof block);
    assert_int_equal(fault.calls, 2);
    assert_int_equal(snas_writer_commit(w, &err), SNAS_E_IO);
    assert_contains(err.text, "No space left on device");
    assert_int_equal(snas_test_count_entries(*state), 0);
}

static void io__goes_on_when_interrupted_or_short(void **state)
{
    const char *path = snas_test_path(*state, "a");
    for (const char *kind = "orwsc"; *kind; kind++) {
        struct snas_err err = {0};
        char *data;
        size_t size;
        plant((struct fault){.kind = *kind, .nth = 1, .error = EINTR, .short_write = 1});
        assert_ok(snas_write_file(path, "some text", 9, &err), &err);
        assert_ok(snas_read_file(path, 9, &data, &size, &err), &err);
        assert_int_equal(size, 9);
        assert_string_equal(data, "some text");
        snas_free(data);
        assert_true(fault.calls >= 2);
        assert_alone(*state, path, "some text");
    }
}

static void writer__says_so_when_only_the_directory_is_not_synced(void **state)
{
    const char *path = snas_test_path(*state, "a");
    struct snas_err err = {0};
    plant((struct fault){.kind = 's', .nth = 2, .error = EIO});
    assert_int_equal(snas_write_file(path, "new", 3, &err), SNAS_E_IO);
    assert_contains(err.text, "cannot sync directory '");
    assert_alone(*state, path, "new");
    plant((struct fault){.kind = 's', .nth = 2, .error = EINVAL});
    assert_ok(snas_write_file(path, "two", 3, &err), &err);
}

static void io__says_what_failed_when_reading_breaks_off(void **state)
{
    const char *path = snas_test_path(*state, "a");
    struct snas_err err = {0};
    char *data;
    size_t size;
    snas_test_write(path, "12345678", 8);
    plant((struct fault){.kind = 'r', .nth = 2, .error = EIO, .short_write = 1});
    assert_int_equal(snas_read_file(path, 8, &data, &size, &err), SNAS_E_IO);
    assert_contains(err.text, "cannot read '");
    assert_contains(err.text, strerror(EIO));
    assert_null(data);
}

static void io__leaves_nothing_when_memory_is_short(void **state)
{
    const char *path = snas_test_path(*state, "a");
    snas_test_write(path, "old", 3);
    int done = 0;
    for (long nth = 1; !done; nth++) {
        struct snas_err err = {0};
        char *data = NULL;
        size_t size;
        snas_mem_fail_at(nth);
        enum snas_status s = snas_write_file(path, "new", 3, &err);
        if (s == SNAS_OK)
            s = snas_read_file(path, 3, &data, &size, &err);
        snas_mem_fail_at(0);
        done = s == SNAS_OK;
        if (!done) {
            assert_int_equal(s, SNAS_E_NOMEM);
            assert_int_equal(err.code, SNAS_E_NOMEM);
        }
        snas_free(data);
        char *now = snas_test_read(path, NULL);
        assert_true(strcmp(now, "old") == 0 || strcmp(now, "new") == 0);
        free(now);
        assert_int_equal(snas_test_count_entries(*state), 1);
        assert_true(nth < 50);
    }
}

#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, make_dir, remove_dir)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIR(io__reads_back_when_written),
        IN_DIR(io__refuses_when_larger_than_the_limit),
        IN_DIR(io__says_what_failed_when_it_cannot_read),
        IN_DIR(writer__collects_when_put_in_parts),
        IN_DIR(writer__leaves_all_as_it_was_when_aborted),
        IN_DIR(writer__refuses_when_the_target_is_no_file),
        IN_DIR(writer__follows_when_the_target_is_a_link),
        IN_DIR(writer__sweeps_when_a_killed_one_left_its_file),
        IN_DIR(writer__keeps_the_old_file_when_the_system_fails),
        IN_DIR(writer__stops_when_the_system_takes_nothing),
        IN_DIR(writer__keeps_the_first_error_when_more_is_put),
        IN_DIR(io__goes_on_when_interrupted_or_short),
        IN_DIR(writer__says_so_when_only_the_directory_is_not_synced),
        IN_DIR(io__says_what_failed_when_reading_breaks_off),
        IN_DIR(io__leaves_nothing_when_memory_is_short),
    };
    return snas_test_run(tests);
}

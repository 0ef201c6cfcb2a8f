#include "export/pipeline.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/io.h"
#include "export/onnx/read.h"

static char *dir;
static struct snas_space space;
static struct snas_child child;

static const struct snas_export_options plain = {0};

/* The whole exporter up to the staged file. */
static enum snas_status stage(const char *path, uint64_t limit, struct snas_onnx_staged *staged,
                              struct snas_err *err)
{
    struct snas_graph g;
    struct snas_export_report report;
    struct snas_export_info info;
    enum snas_status s = snas_export_graph(&child, &plain, &g, &report, err);
    if (s)
        return s;
    s = snas_export_info_make(&child, &plain, &report, &info, err);
    if (s == SNAS_OK) {
        s = snas_onnx_stage(&g, &info.onnx, path, limit, staged, err);
        snas_export_info_clear(&info);
    }
    snas_graph_clear(&g);
    return s;
}

static void export_to(const char *path, uint64_t limit)
{
    struct snas_err err = {0};
    struct snas_onnx_staged staged;
    assert_ok(stage(path, limit, &staged, &err), &err);
    assert_ok(snas_onnx_commit(&staged, &err), &err);
}

static void assert_same_files(const char *a, const char *b)
{
    size_t na, nb;
    char *ta = snas_test_read(a, &na), *tb = snas_test_read(b, &nb);
    assert_int_equal(na, nb);
    assert_memory_equal(ta, tb, na);
    free(ta);
    free(tb);
}

static void write__gives_the_same_bytes_when_run_again(void **state)
{
    (void)state;
    export_to(snas_test_path(dir, "a.onnx"), SNAS_ONNX_MAX_BYTES);
    export_to(snas_test_path(dir, "b.onnx"), SNAS_ONNX_MAX_BYTES);
    assert_same_files(snas_test_path(dir, "a.onnx"), snas_test_path(dir, "b.onnx"));
    assert_int_equal(snas_test_count_entries(dir), 2);
}

static void write__changes_nothing_when_aborted(void **state)
{
    (void)state;
    struct snas_err err = {0};
    struct snas_onnx_staged staged;
    const char *path = snas_test_path(dir, "model.onnx");
    assert_ok(stage(path, SNAS_ONNX_MAX_BYTES, &staged, &err), &err);
    assert_false(snas_path_exists(path));
    assert_true(snas_path_exists(snas_onnx_staged_path(&staged)));
    snas_onnx_abort(&staged);
    assert_int_equal(snas_test_count_entries(dir), 0);
}

/* The one entry whose name ends so; caller frees. */
static char *entry_like(const char *end)
{
    DIR *d = opendir(dir);
    char *found = NULL;
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        size_t n = strlen(e->d_name), m = strlen(end);
        if (n >= m && strcmp(e->d_name + n - m, end) == 0) {
            assert_null(found);
            found = strdup(e->d_name);
        }
    }
    closedir(d);
    assert_non_null(found);
    return found;
}

static void write__puts_weights_outside_when_the_limit_is_passed(void **state)
{
    (void)state;
    struct snas_err err = {0};
    const char *inside = snas_test_path(dir, "inside.onnx");
    const char *outside = snas_test_path(dir, "outside.onnx");
    export_to(inside, SNAS_ONNX_MAX_BYTES);
    export_to(outside, 1000);
    char *data = entry_like(".data");
    assert_int_equal(strncmp(data, "outside.onnx.", 13), 0);
    struct snas_onnx_file *a, *b;
    assert_ok(snas_onnx_read(inside, &a, &err), &err);
    assert_ok(snas_onnx_read(outside, &b, &err), &err);
    assert_int_equal(snas_onnx_tensor_count(a), snas_onnx_tensor_count(b));
    for (size_t i = 0; i < snas_onnx_tensor_count(a); i++) {
        const struct snas_onnx_tensor *x = snas_onnx_tensor_at(a, i);
        const struct snas_onnx_tensor *y = snas_onnx_tensor_at(b, i);
        assert_string_equal(x->name, y->name);
        assert_int_equal(x->count, y->count);
        if (x->data)
            assert_memory_equal(x->data, y->data, x->count * sizeof(float));
    }
    snas_onnx_free(a);
    snas_onnx_free(b);
    setenv("SNAS_RUNTIMES", "ort", 1); /* OpenCV 4.6 reads no external data */
    assert_ok(pipeline_check(outside, &child, 0, &err), &err);
    unsetenv("SNAS_RUNTIMES");
    free(data);
}

static void write__keeps_an_earlier_models_weights_when_aborted(void **state)
{
    (void)state;
    struct snas_err err = {0};
    struct snas_onnx_staged staged;
    const char *path = snas_test_path(dir, "model.onnx");
    export_to(path, 1000);
    assert_int_equal(snas_test_count_entries(dir), 2);
    assert_ok(stage(path, 1000, &staged, &err), &err); /* the same weights */
    snas_onnx_abort(&staged);
    assert_int_equal(snas_test_count_entries(dir), 2);
    child.values[0][0] += 1; /* others */
    assert_ok(stage(path, 1000, &staged, &err), &err);
    assert_int_equal(snas_test_count_entries(dir), 4);
    snas_onnx_abort(&staged);
    child.values[0][0] -= 1;
    assert_int_equal(snas_test_count_entries(dir), 2);
    struct snas_onnx_file *f;
    assert_ok(snas_onnx_read(path, &f, &err), &err);
    snas_onnx_free(f);
}

/* --- faults --- */

static int countdown; /* the call that fails; 0: none */

static int fails(void)
{
    if (countdown && --countdown == 0) {
        errno = ENOSPC;
        return 1;
    }
    return 0;
}
static int bad_open(const char *path, int flags, unsigned mode)
{
    return fails() ? -1 : open(path, flags, (mode_t)mode);
}
static long bad_read(int fd, void *buf, size_t n)
{
    return read(fd, buf, n);
}
static long bad_write(int fd, const void *buf, size_t n)
{
    return fails() ? -1 : write(fd, buf, n);
}
static int bad_fsync(int fd)
{
    return fails() ? -1 : fsync(fd);
}
static int bad_close(int fd)
{
    int r = close(fd);
    return fails() ? -1 : r;
}
static int bad_rename(const char *from, const char *to)
{
    return fails() ? -1 : rename(from, to);
}
static const struct snas_io_ops bad_io = {.open = bad_open,
                                          .read = bad_read,
                                          .write = bad_write,
                                          .fsync = bad_fsync,
                                          .close = bad_close,
                                          .rename = bad_rename,
                                          .unlink = unlink};

static void try_faults(uint64_t limit)
{
    const char *path = snas_test_path(dir, "model.onnx");
    int n = 1, done = 0;
    for (; !done; n++) {
        struct snas_err err = {0};
        struct snas_onnx_staged staged;
        struct snas_onnx_file *f;
        snas_test_write(path, "good", 4);
        snas_io_replace(&bad_io);
        countdown = n;
        enum snas_status s = stage(path, limit, &staged, &err);
        if (s == SNAS_OK)
            s = snas_onnx_commit(&staged, &err);
        done = countdown > 0;
        countdown = 0;
        snas_io_replace(NULL);
        size_t size = 0;
        char *there = snas_test_read(path, &size);
        if (s == SNAS_OK || size > 4) { /* only the directory was not synced or closed */
            assert_ok(snas_onnx_read(path, &f, &err), &err);
            snas_onnx_free(f);
            assert_true(done || s == SNAS_OK || strstr(err.text, "directory"));
        } else {
            assert_int_equal(s, SNAS_E_IO);
            assert_contains(err.text, "No space left on device");
            assert_memory_equal(there, "good", 4);
        }
        assert_int_equal(snas_test_count_entries(dir), size > 4 && limit < 10000 ? 2 : 1);
        free(there);
        snas_test_remove_tree(dir);
        assert_int_equal(mkdir(dir, 0700), 0);
    }
    assert_true(n > 6);
}

static void write__leaves_the_old_model_when_any_system_call_fails(void **state)
{
    (void)state;
    try_faults(SNAS_ONNX_MAX_BYTES);
}

static void write__leaves_no_weights_behind_when_any_system_call_fails(void **state)
{
    (void)state;
    try_faults(1000);
}

static void export__fails_cleanly_when_any_allocation_fails(void **state)
{
    (void)state;
    const char *path = snas_test_path(dir, "model.onnx");
    int done = 0;
    for (long n = 1; !done; n++) {
        struct snas_err err = {0};
        struct snas_onnx_staged staged;
        snas_mem_fail_at(n);
        enum snas_status s = stage(path, n % 2 ? 1000 : SNAS_ONNX_MAX_BYTES, &staged, &err);
        done = snas_mem_fail_at(0) < n;
        if (done) {
            assert_ok(s, &err);
            snas_onnx_abort(&staged);
        } else {
            assert_int_equal(s, SNAS_E_NOMEM);
            assert_true(err.text[0] != '\0');
        }
        assert_int_equal(snas_test_count_entries(dir), 0);
    }
}

static int set_up(void **state)
{
    (void)state;
    struct snas_genotype g;
    struct fixture_options o = fixture_default;
    o.affine = 1;
    o.layers = 2;
    fixture_darts(&space);
    fixture_random_genotype(&space, 5, &g);
    fixture_child(&space, &g, &o, &child);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    snas_child_clear(&child);
    return 0;
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

#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, make_dir, remove_dir)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIR(write__gives_the_same_bytes_when_run_again),
        IN_DIR(write__changes_nothing_when_aborted),
        IN_DIR(write__puts_weights_outside_when_the_limit_is_passed),
        IN_DIR(write__keeps_an_earlier_models_weights_when_aborted),
        IN_DIR(write__leaves_the_old_model_when_any_system_call_fails),
        IN_DIR(write__leaves_no_weights_behind_when_any_system_call_fails),
        IN_DIR(export__fails_cleanly_when_any_allocation_fails),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down) != 0;
}

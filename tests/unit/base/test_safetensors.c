#include "base/safetensors.h"

#include "base/io.h"
#include "base/mem.h"
#include "support.h"

static int make_dir(void **state)
{
    *state = snas_test_make_dir();
    return 0;
}

static int remove_dir(void **state)
{
    snas_mem_fail_at(0);
    snas_io_replace(NULL);
    snas_test_remove_dir(*state);
    return 0;
}

static const float floats[6] = {1, -2, 3.5f, 0, 1e-20f, 6};
static const int64_t longs[2] = {-1, (int64_t)1 << 60};
static const unsigned char bytes[3] = {0, 127, 255};
static const double doubles[1] = {0.1};
static const struct snas_st_tensor tensors[] = {
    {"w/\"1\"", SNAS_F32, 2, {2, 3}, floats}, {"bytes", SNAS_U8, 1, {3}, bytes},
    {"steps", SNAS_I64, 1, {2}, longs},       {"scalar", SNAS_F64, 0, {0}, doubles},
    {"empty", SNAS_F32, 2, {0, 5}, NULL},
};
enum { N = sizeof tensors / sizeof *tensors };
static const struct snas_st_meta meta[] = {{"space", "{\"a\": 1}"}, {"labels", "caf\xC3\xA9"}};

static enum snas_status write_sample(const char *path, struct snas_err *err)
{
    return snas_st_write(path, tensors, N, meta, 2, err);
}

static void safetensors__reads_back_when_written(void **state)
{
    const char *path = snas_test_path(*state, "a.safetensors");
    struct snas_err err = {0};
    assert_ok(write_sample(path, &err), &err);
    struct snas_st *st;
    assert_ok(snas_st_read(path, &st, &err), &err);
    assert_int_equal(snas_st_count(st), N);
    for (int i = 0; i < N; i++) {
        const struct snas_st_tensor *t = snas_st_find(st, tensors[i].name);
        assert_non_null(t);
        assert_int_equal(t->dtype, tensors[i].dtype);
        assert_int_equal(t->ndim, tensors[i].ndim);
        assert_memory_equal(t->shape, tensors[i].shape, (size_t)t->ndim * sizeof *t->shape);
        if (i + 1 < N)
            assert_ptr_equal(t, snas_st_at(st, (size_t)i));
    }
    float f[6];
    double d;
    assert_ok(snas_st_copy(st, "w/\"1\"", SNAS_F32, 6, f, &err), &err);
    assert_memory_equal(f, floats, sizeof f);
    assert_ok(snas_st_copy(st, "scalar", SNAS_F64, 1, &d, &err), &err);
    assert_true(d == 0.1);
    assert_ok(snas_st_copy(st, "empty", SNAS_F32, 0, NULL, &err), &err);
    assert_string_equal(snas_st_meta(st, "space"), "{\"a\": 1}");
    assert_string_equal(snas_st_meta(st, "labels"), "caf\xC3\xA9");
    assert_null(snas_st_meta(st, "none"));
    assert_null(snas_st_find(st, "none"));
    assert_int_equal(snas_st_copy(st, "scalar", SNAS_F32, 1, f, &err), SNAS_E_FORMAT);
    assert_contains(err.text, "tensor 'scalar' holds 1 x F64 where 1 x F32 are expected");
    assert_contains(err.text, path);
    assert_int_equal(snas_st_copy(st, "bytes", SNAS_U8, 4, f, &err), SNAS_E_FORMAT);
    assert_int_equal(snas_st_copy(st, "none", SNAS_U8, 4, f, &err), SNAS_E_FORMAT);
    assert_contains(err.text, "tensor 'none': is not there");
    snas_st_free(st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(safetensors__reads_back_when_written, make_dir, remove_dir),
    };
    return snas_test_run(tests);
}

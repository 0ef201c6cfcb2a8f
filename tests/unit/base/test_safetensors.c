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

static char *sample_file(const char *dir, size_t *size)
{
    const char *path = snas_test_path(dir, "sample");
    struct snas_err err = {0};
    assert_ok(write_sample(path, &err), &err);
    return snas_test_read(path, size);
}

static void safetensors__has_these_bytes_when_written(void **state)
{
    size_t size, again;
    char *file = sample_file(*state, &size), *second = sample_file(*state, &again);
    static const char header[] =
        "{\"__metadata__\":{\"space\":\"{\\\"a\\\": 1}\",\"labels\":\"caf\xC3\xA9\"},"
        "\"w/\\\"1\\\"\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},"
        "\"bytes\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[24,27]},"
        "\"steps\":{\"dtype\":\"I64\",\"shape\":[2],\"data_offsets\":[27,43]},"
        "\"scalar\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[43,51]},"
        "\"empty\":{\"dtype\":\"F32\",\"shape\":[0,5],\"data_offsets\":[51,51]}}";
    size_t length = sizeof header - 1, data = (8 + length + 63) / 64 * 64;
    assert_int_equal((unsigned char)file[0] | (unsigned char)file[1] << 8, data - 8);
    for (int i = 2; i < 8; i++)
        assert_int_equal(file[i], 0);
    assert_memory_equal(file + 8, header, length);
    for (size_t i = 8 + length; i < data; i++)
        assert_int_equal(file[i], ' ');
    assert_memory_equal(file + data, floats, sizeof floats);
    assert_int_equal(size, data + 51);
    assert_int_equal(size, again);
    assert_memory_equal(file, second, size);
    free(file);
    free(second);
}

static void safetensors__refuses_when_cut_off_anywhere(void **state)
{
    const char *path = snas_test_path(*state, "a");
    size_t size;
    char *file = sample_file(*state, &size);
    for (size_t n = 0; n < size; n++) {
        struct snas_err err = {0};
        struct snas_st *st;
        snas_test_write(path, file, n);
        assert_int_equal(snas_st_read(path, &st, &err), SNAS_E_FORMAT);
        assert_null(st);
        assert_contains(err.text, path);
    }
    free(file);
}

/* Every byte in turn, by several patterns: refused, or read with all tensors inside the file. */
static void safetensors__stays_in_the_file_when_damaged_anywhere(void **state)
{
    const char *path = snas_test_path(*state, "a");
    static const unsigned char patterns[] = {0xFF, 0x01, 0x02, 0x10, 0x80};
    size_t size;
    char *file = sample_file(*state, &size);
    for (size_t at = 0; at < size; at++) {
        for (size_t k = 0; k < sizeof patterns; k++) {
            struct snas_err err = {0};
            struct snas_st *st;
            file[at] ^= (char)patterns[k];
            snas_test_write(path, file, size);
            file[at] ^= (char)patterns[k];
            enum snas_status s = snas_st_read(path, &st, &err);
            assert_true(s == SNAS_OK || s == SNAS_E_FORMAT);
            if (s != SNAS_OK)
                continue;
            for (size_t i = 0; i < snas_st_count(st); i++) {
                const struct snas_st_tensor *t = snas_st_at(st, i);
                size_t n = 1;
                for (int d = 0; d < t->ndim; d++)
                    n *= (size_t)t->shape[d];
                char *copy = malloc(n * snas_dtype_size(t->dtype) + 1);
                assert_ok(snas_st_copy(st, t->name, t->dtype, n, copy, &err), &err);
                free(copy);
            }
            snas_st_free(st);
        }
    }
    free(file);
}

static void refused(void **state, const char *header, size_t data, const char *message)
{
    const char *path = snas_test_path(*state, "a");
    struct snas_err err = {0};
    struct snas_st *st;
    uint64_t length = strlen(header);
    char *file = calloc(8 + length + data + 1, 1);
    memcpy(file, &length, 8);
    memcpy(file + 8, header, length);
    snas_test_write(path, file, 8 + length + data);
    free(file);
    enum snas_status s = snas_st_read(path, &st, &err);
    if (!message) {
        assert_ok(s, &err);
        snas_st_free(st);
        return;
    }
    assert_int_equal(s, SNAS_E_FORMAT);
    assert_contains(err.text, message);
    assert_contains(err.text, path);
}

#define T(name, dtype, shape, offsets)                                                             \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

static void safetensors__says_what_is_wrong_when_refused(void **state)
{
    refused(state, "{}", 0, NULL);
    refused(state, "{" T("a", "F32", "[2]", "[0,8]") "}   ", 8, NULL);
    refused(state, "{" T("b", "U8", "[1]", "[8,9]") "," T("a", "F32", "[2]", "[0,8]") "}", 9, NULL);
    refused(state, "", 0, "its header does not begin with '{'");
    refused(state, " {}", 0, "its header does not begin with '{'");
    refused(state, "[]", 0, "its header does not begin with '{'");
    refused(state, "{", 0, "header byte ");
    refused(state, "{} x", 0, "header byte ");
    refused(state, "{\"a\":1}", 0, "tensor 'a': expects dtype, shape and data_offsets");
    refused(state, "{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"x\":[0,4]}}", 4,
            "tensor 'a': its data_offsets do not lie within the file");
    refused(state, "{\"a\":{\"dtype\":3,\"shape\":[],\"data_offsets\":[0,4]}}", 4,
            "tensor 'a': it has no dtype");
    refused(state, "{" T("a", "BF16", "[2]", "[0,4]") "}", 4,
            "tensor 'a': dtype 'BF16' is not one of F32, F64, I64, U8");
    refused(state, "{" T("a", "F32", "2", "[0,8]") "}", 8,
            "its shape is not a list of up to 4 sizes");
    refused(state, "{" T("a", "U8", "[1,1,1,1,1]", "[0,1]") "}", 1,
            "its shape is not a list of up to 4 sizes");
    refused(state, "{" T("a", "F32", "[-2]", "[0,8]") "}", 8, "its shape holds what is not a size");
    refused(state, "{" T("a", "F32", "[2.0]", "[0,8]") "}", 8,
            "its shape holds what is not a size");
    refused(state, "{" T("a", "F32", "[4294967296,4294967296]", "[0,8]") "}", 8,
            "its shape is too large");
    refused(state, "{" T("a", "F32", "[4611686018427387904]", "[0,0]") "}", 0,
            "its shape is too large"); /* 2^62 x 4 bytes wraps to 0 */
    refused(state, "{" T("a", "F32", "[2]", "[0,4]") "}", 8,
            "its data_offsets do not fit its shape");
    refused(state, "{" T("a", "F32", "[2]", "[0,9]") "}", 8,
            "its data_offsets do not lie within the file");
    refused(state, "{" T("a", "F32", "[2]", "[8,0]") "}", 8,
            "its data_offsets do not lie within the file");
    refused(state, "{" T("a", "F32", "[2]", "[0,8,8]") "}", 8,
            "its data_offsets do not lie within the file");
    refused(state, "{" T("a", "F32", "[1]", "[0,4]") "," T("b", "F32", "[1]", "[0,4]") "}", 4,
            "tensor 'b': its data overlaps another's, or a hole is before it");
    refused(state, "{" T("a", "F32", "[1]", "[4,8]") "}", 8, "tensor 'a': its data overlaps");
    refused(state, "{" T("a", "F32", "[1]", "[0,4]") "}", 5,
            "1 bytes that no tensor claims, from 66 on");
    refused(state, "{" T("a", "F32", "[1]", "[0,4]") "," T("a", "F32", "[1]", "[4,8]") "}", 8,
            "duplicate");
    refused(state, "{\"__metadata__\":1}", 0, "its metadata is not an object");
    refused(state, "{\"__metadata__\":{\"k\":1}}", 0, "metadata 'k' is not a string");
}

static void safetensors__refuses_when_the_header_is_beyond_bounds(void **state)
{
    const char *path = snas_test_path(*state, "a");
    static const uint64_t lengths[] = {9, 1 << 20, (16 << 20) + 1, UINT64_MAX, UINT64_MAX - 7};
    for (int i = 0; i < 5; i++) {
        char file[16] = {0};
        struct snas_err err = {0};
        struct snas_st *st;
        memcpy(file, &lengths[i], 8);
        file[8] = '{';
        snas_test_write(path, file, 16);
        assert_int_equal(snas_st_read(path, &st, &err), SNAS_E_FORMAT);
        assert_contains(err.text, "bytes in a file of 16");
    }
    struct snas_err err = {0};
    struct snas_st *st;
    assert_int_equal(snas_st_read(snas_test_path(*state, "none"), &st, &err), SNAS_E_IO);
}

static void safetensors__writes_nothing_when_the_input_is_wrong(void **state)
{
    const char *path = snas_test_path(*state, "a");
    struct snas_err err = {0};
    struct snas_st_tensor t[2] = {tensors[1], tensors[1]};
    assert_int_equal(snas_st_write(path, t, 2, NULL, 0, &err), SNAS_E_ARG);
    assert_contains(err.text, "the name 'bytes' is given twice");
    assert_contains(err.text, path);
    t[1].name = "__metadata__";
    assert_int_equal(snas_st_write(path, t, 2, NULL, 0, &err), SNAS_E_ARG);
    t[1].name = "x\xFF";
    assert_int_equal(snas_st_write(path, t, 2, NULL, 0, &err), SNAS_E_ARG);
    assert_contains(err.text, "is not UTF-8");
    t[1].name = "x";
    t[1].shape[0] = -1;
    assert_int_equal(snas_st_write(path, t, 2, NULL, 0, &err), SNAS_E_ARG);
    t[1].ndim = 5;
    assert_int_equal(snas_st_write(path, t, 2, NULL, 0, &err), SNAS_E_ARG);
    const struct snas_st_meta twice[] = {{"k", "1"}, {"k", "2"}}, bad[] = {{"k", "\xC3"}};
    assert_int_equal(snas_st_write(path, t, 1, twice, 2, &err), SNAS_E_ARG);
    assert_int_equal(snas_st_write(path, t, 1, bad, 1, &err), SNAS_E_ARG);
    assert_int_equal(snas_test_count_entries(*state), 0);
}

static void safetensors__keeps_the_old_file_when_memory_is_short(void **state)
{
    const char *path = snas_test_path(*state, "a");
    snas_test_write(path, "old", 3);
    int done = 0;
    for (long nth = 1; !done; nth++) {
        struct snas_err err = {0};
        snas_mem_fail_at(nth);
        enum snas_status s = write_sample(path, &err);
        snas_mem_fail_at(0);
        done = s == SNAS_OK;
        assert_true(done || (s == SNAS_E_NOMEM && err.code == SNAS_E_NOMEM));
        char *now = snas_test_read(path, NULL);
        /* The last allocation names the directory to sync: the new file is there by then. */
        assert_true(strcmp(now, "old") == 0 || (unsigned char)now[8] == '{');
        free(now);
        assert_int_equal(snas_test_count_entries(*state), 1);
        assert_true(nth < 400);
    }
}

static void safetensors__leaks_nothing_when_memory_is_short(void **state)
{
    const char *path = snas_test_path(*state, "a");
    struct snas_err first = {0};
    assert_ok(write_sample(path, &first), &first);
    int done = 0;
    for (long nth = 1; !done; nth++) {
        struct snas_err err = {0};
        struct snas_st *st;
        snas_mem_fail_at(nth);
        enum snas_status s = snas_st_read(path, &st, &err);
        snas_mem_fail_at(0);
        done = s == SNAS_OK;
        assert_true(done || (s == SNAS_E_NOMEM && err.code == SNAS_E_NOMEM && !st));
        snas_st_free(st);
        assert_true(nth < 400);
    }
}

#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, make_dir, remove_dir)

static void safetensors__refuses_when_the_file_has_no_end(void **state)
{
    (void)state;
    struct snas_st *st;
    struct snas_err err = {0};
    assert_int_equal(snas_st_read("/dev/zero", &st, &err), SNAS_E_FORMAT);
    assert_string_equal(err.text, "'/dev/zero' is not a regular file");
    assert_null(st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIR(safetensors__reads_back_when_written),
        IN_DIR(safetensors__has_these_bytes_when_written),
        IN_DIR(safetensors__refuses_when_cut_off_anywhere),
        IN_DIR(safetensors__stays_in_the_file_when_damaged_anywhere),
        IN_DIR(safetensors__says_what_is_wrong_when_refused),
        IN_DIR(safetensors__refuses_when_the_header_is_beyond_bounds),
        IN_DIR(safetensors__refuses_when_the_file_has_no_end),
        IN_DIR(safetensors__writes_nothing_when_the_input_is_wrong),
        IN_DIR(safetensors__keeps_the_old_file_when_memory_is_short),
        IN_DIR(safetensors__leaks_nothing_when_memory_is_short),
    };
    return snas_test_run(tests);
}

#include <zlib.h>

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
    snas_test_remove_dir(*state);
    return 0;
}

static size_t pack(const void *data, size_t size, unsigned char *out, size_t room)
{
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (unsigned char *)data;
    z.avail_in = (unsigned)size;
    z.next_out = out;
    z.avail_out = (unsigned)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    size_t n = room - z.avail_out;
    deflateEnd(&z);
    return n;
}

static enum snas_status read_gz(void **state, const void *file, size_t n, size_t limit, char **data,
                                size_t *size, struct snas_err *err)
{
    const char *path = snas_test_path(*state, "a.gz");
    snas_test_write(path, file, n);
    return snas_read_file_gz(path, limit, data, size, err);
}

static const char sample[] = "what is packed, is packed, is packed, and comes out again";
enum { SAMPLE = sizeof sample - 1 };

static void gz__reads_the_same_when_packed_or_not(void **state)
{
    unsigned char file[1024];
    struct snas_err err = {0};
    char *data;
    size_t size, n = pack(sample, SAMPLE, file, sizeof file);
    assert_ok(read_gz(state, file, n, SAMPLE, &data, &size, &err), &err);
    assert_int_equal(size, SAMPLE);
    assert_string_equal(data, sample);
    snas_free(data);
    assert_ok(read_gz(state, sample, SAMPLE, SAMPLE, &data, &size, &err), &err);
    assert_int_equal(size, SAMPLE);
    assert_string_equal(data, sample);
    snas_free(data);
    assert_ok(read_gz(state, "", 0, 0, &data, &size, &err), &err);
    assert_int_equal(size, 0);
    snas_free(data);
}

static void gz__reads_all_members_when_several(void **state)
{
    unsigned char file[1024];
    struct snas_err err = {0};
    char *data;
    size_t size, n = pack("one ", 4, file, sizeof file);
    n += pack("", 0, file + n, sizeof file - n);
    n += pack("two", 3, file + n, sizeof file - n);
    assert_ok(read_gz(state, file, n, 7, &data, &size, &err), &err);
    assert_string_equal(data, "one two");
    snas_free(data);
}

static void gz__refuses_when_larger_than_the_limit(void **state)
{
    unsigned char file[1 << 16];
    struct snas_err err = {0};
    char *data;
    size_t size;
    size_t zeros = (size_t)20 << 20; /* a small bomb: a thousandth of it in the file */
    void *bomb = calloc(1, zeros);
    size_t n = pack(bomb, zeros, file, sizeof file);
    free(bomb);
    assert_int_equal(read_gz(state, file, n, zeros - 1, &data, &size, &err), SNAS_E_LIMIT);
    assert_contains(err.text, "is larger than the 20971519 bytes allowed here");
    assert_int_equal(read_gz(state, file, n, 1000, &data, &size, &err), SNAS_E_LIMIT);
    assert_null(data);
    assert_ok(read_gz(state, file, n, zeros, &data, &size, &err), &err);
    assert_int_equal(size, zeros);
    snas_free(data);
    assert_int_equal(read_gz(state, sample, SAMPLE, SAMPLE - 1, &data, &size, &err), SNAS_E_LIMIT);
}

static void gz__refuses_when_cut_off_anywhere(void **state)
{
    unsigned char file[1024];
    char *data;
    size_t size, n = pack(sample, SAMPLE, file, sizeof file);
    for (size_t cut = 2; cut < n; cut++) {
        struct snas_err err = {0};
        assert_int_equal(read_gz(state, file, cut, 1000, &data, &size, &err), SNAS_E_FORMAT);
        assert_contains(err.text, "is cut off: its gzip data ends at byte ");
        assert_null(data);
    }
}

/* The head holds fields that nobody checks (time, system); everything behind it is under a sum. */
static void gz__refuses_when_damaged_anywhere(void **state)
{
    unsigned char file[1024];
    size_t size, n = pack(sample, SAMPLE, file, sizeof file);
    for (size_t at = 2; at < n; at++) {
        struct snas_err err = {0};
        char *data;
        file[at] ^= 0x55;
        enum snas_status s = read_gz(state, file, n, 1000, &data, &size, &err);
        file[at] ^= 0x55;
        if (at >= 10 || at == 2)
            assert_true(s == SNAS_E_FORMAT);
        if (s == SNAS_OK)
            assert_string_equal(data, sample);
        snas_free(data);
    }
}

static void gz__refuses_when_something_follows(void **state)
{
    unsigned char file[1024] = {0};
    struct snas_err err = {0};
    char *data;
    size_t size, n = pack(sample, SAMPLE, file, sizeof file);
    memcpy(file + n, "tail", 4);
    assert_int_equal(read_gz(state, file, n + 4, 1000, &data, &size, &err), SNAS_E_FORMAT);
    assert_contains(err.text, "is damaged: gzip data at byte ");
}

static void gz__leaks_nothing_when_memory_is_short(void **state)
{
    unsigned char file[1024];
    size_t n = pack(sample, SAMPLE, file, sizeof file);
    int done = 0;
    for (long nth = 1; !done; nth++) {
        struct snas_err err = {0};
        char *data;
        size_t size;
        snas_mem_fail_at(nth);
        enum snas_status s = read_gz(state, file, n, 1000, &data, &size, &err);
        done = s == SNAS_OK;
        assert_true(done || s == SNAS_E_NOMEM);
        snas_free(data);
        assert_true(nth < 50);
    }
}

#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, make_dir, remove_dir)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIR(gz__reads_the_same_when_packed_or_not),  IN_DIR(gz__reads_all_members_when_several),
        IN_DIR(gz__refuses_when_larger_than_the_limit), IN_DIR(gz__refuses_when_cut_off_anywhere),
        IN_DIR(gz__refuses_when_damaged_anywhere),      IN_DIR(gz__refuses_when_something_follows),
        IN_DIR(gz__leaks_nothing_when_memory_is_short),
    };
    return snas_test_run(tests);
}

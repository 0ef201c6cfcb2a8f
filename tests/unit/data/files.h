#ifndef SNAS_TESTS_DATA_FILES_H
#define SNAS_TESTS_DATA_FILES_H

#include "support.h"

#include <sys/stat.h>
#include <zlib.h>

/* A directory of its own for each test, and small data sets in it. */

static char *dir; /* made by setup, removed by teardown */

static inline int setup(void **state)
{
    (void)state;
    dir = snas_test_make_dir();
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    snas_test_remove_dir(dir);
    return 0;
}

/* Path inside the test's directory. */
static inline const char *inside(const char *name)
{
    return snas_test_path(dir, name);
}

static inline void empty_dir(void)
{
    snas_test_remove_tree(dir);
    assert_int_equal(mkdir(dir, 0700), 0);
}

static inline void put(const char *name, const void *bytes, size_t size)
{
    snas_test_write(inside(name), bytes, size);
}

static inline void put_gz(const char *name, const void *bytes, size_t size)
{
    gzFile f = gzopen(inside(name), "wb");
    assert_non_null(f);
    assert_int_equal(gzwrite(f, bytes, (unsigned)size), (int)size);
    assert_int_equal(gzclose(f), Z_OK);
}

static inline void big_endian(unsigned char *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (unsigned char)(v >> (24 - 8 * i));
}

/* Pixel `at` of image i of any made data set. */
static inline unsigned char pixel(size_t i, size_t at)
{
    return (unsigned char)(i * 31 + at * 7 + at / 5 + 3);
}

/* IDX images, `channels` 0: three dimensions. Returns the size. */
static inline size_t make_images(unsigned char *out, uint32_t n, uint32_t h, uint32_t w,
                                 uint32_t channels)
{
    size_t at = channels > 0 ? 20 : 16;
    size_t image = (size_t)h * w * (channels > 0 ? channels : 1);
    big_endian(out, channels > 0 ? 0x804 : 0x803);
    big_endian(out + 4, n);
    big_endian(out + 8, h);
    big_endian(out + 12, w);
    if (channels > 0)
        big_endian(out + 16, channels);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < image; k++)
            out[at++] = pixel(i, k);
    return at;
}

/* IDX labels: image i has first + i % classes. */
static inline size_t make_labels(unsigned char *out, uint32_t n, int first, int classes)
{
    big_endian(out, 0x801);
    big_endian(out + 4, n);
    for (uint32_t i = 0; i < n; i++)
        out[8 + i] = (unsigned char)(first + (int)i % classes);
    return 8 + n;
}

/* A whole IDX set: 12 training and 6 test images of 5 x 4 pixels, labels first..first+2. */
static inline void put_idx_set(int first)
{
    unsigned char bytes[1024];
    put("train-images-idx3-ubyte", bytes, make_images(bytes, 12, 5, 4, 0));
    put("train-labels-idx1-ubyte", bytes, make_labels(bytes, 12, first, 3));
    put("t10k-images-idx3-ubyte", bytes, make_images(bytes, 6, 5, 4, 0));
    put("t10k-labels-idx1-ubyte", bytes, make_labels(bytes, 6, first, 3));
}

/* n CIFAR records. Image i: fine label (first + i) % classes, coarse label i % 20. */
static inline size_t make_cifar(unsigned char *out, int n, int first, int classes)
{
    size_t at = 0;
    for (int i = 0; i < n; i++) {
        if (classes == 100)
            out[at++] = (unsigned char)(i % 20);
        out[at++] = (unsigned char)((first + i) % classes);
        for (size_t k = 0; k < 3072; k++)
            out[at++] = pixel((size_t)(first + i), k);
    }
    return at;
}

/* A CIFAR-10 set: five files of 3 records and a test file of 2. */
static inline void put_cifar10_set(void)
{
    static unsigned char bytes[3 * 3073];
    for (int file = 0; file < 5; file++) {
        char name[32];
        snprintf(name, sizeof name, "data_batch_%d.bin", file + 1);
        put(name, bytes, make_cifar(bytes, 3, 3 * file, 10));
    }
    put("test_batch.bin", bytes, make_cifar(bytes, 2, 8, 10));
}

#endif

#ifndef SNAS_TESTS_SUPPORT_H
#define SNAS_TESTS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/status.h"

/* What the tests of several rooms need: cmocka with the headers it wants before it, a temporary
 * directory, small files, and the data beside the checkout. */

enum { SNAS_TEST_SKIP = 77 }; /* exit code of a program that could not run without ../shared */

/* Shows the error text when a call that must succeed does not. */
#define assert_ok(call, err)                                                                       \
    do {                                                                                           \
        if ((call) != SNAS_OK)                                                                     \
            fail_msg("%s: %s", #call, (err)->text);                                                \
    } while (0)
#define assert_contains(text, part)                                                                \
    do {                                                                                           \
        if (!strstr(text, part))                                                                   \
            fail_msg("'%s' is not in '%s'", part, text);                                           \
    } while (0)

/* A path below ../shared ("data/x"), or NULL when it is not there. Static buffer. */
static inline const char *snas_test_shared(const char *relative)
{
    static char path[4096];
    const char *root = getenv("SNAS_SHARED");
    if (!root)
        return NULL;
    snprintf(path, sizeof path, "%s/%s", root, relative);
    return access(path, R_OK) == 0 ? path : NULL;
}

/* A new empty directory; the caller frees the path with snas_test_remove_dir. */
static inline char *snas_test_make_dir(void)
{
    const char *root = getenv("TMPDIR");
    char *path = malloc(4096);
    assert_non_null(path);
    snprintf(path, 4096, "%s/snas-test-XXXXXX", root && *root ? root : "/tmp");
    assert_non_null(mkdtemp(path));
    return path;
}

/* Number of entries; `.` and `..` do not count. */
static inline int snas_test_count_entries(const char *dir)
{
    int n = 0;
    DIR *d = opendir(dir);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    closedir(d);
    return n;
}

static inline int snas_test_remove_one(const char *path, const struct stat *st, int flag,
                                       struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

/* The directory with all that is in it. */
static inline void snas_test_remove_tree(const char *dir)
{
    nftw(dir, snas_test_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void snas_test_remove_dir(char *dir)
{
    snas_test_remove_tree(dir);
    free(dir);
}

/* "dir/name" in one of eight static buffers. */
static inline const char *snas_test_path(const char *dir, const char *name)
{
    static char paths[8][4096];
    static unsigned turn;
    char *path = paths[turn++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", dir, name);
    return path;
}

static inline void snas_test_write(const char *path, const void *data, size_t size)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

/* Whole file, NUL added; caller frees with free(). NULL when it cannot be opened. */
static inline char *snas_test_read(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return NULL;
    fseek(f, 0, SEEK_END);
    long n = ftell(f);
    rewind(f);
    char *data = malloc((size_t)n + 1);
    assert_non_null(data);
    assert_int_equal(fread(data, 1, (size_t)n, f), n);
    data[n] = '\0';
    fclose(f);
    if (size)
        *size = (size_t)n;
    return data;
}

/* For main(): cmocka's count of failures as an exit status that never reads as a skip. */
#define snas_test_run(tests) (cmocka_run_group_tests(tests, NULL, NULL) != 0)

#endif

#include <dirent.h>
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/rng.h"
#include "fixture.h"

#define SIDE 8

static char home[4096], work[] = "/tmp/snas-train-XXXXXX";

static const char planted[] =
    "name: planted\n"
    "cells:\n"
    "  normal: {inputs: 1, nodes: 1, output: last,\n"
    "           ops: [none, max_pool_3x3, avg_pool_3x3, skip_connect, sep_conv_3x3]}\n"
    "stack: {reduce_at: []}\n"
    "stem: [{channels: 1, steps: [pw, bn]}]\n"
    "preprocess: {same: [relu, pw, bn], reduce: [relu, fr, bn]}\n"
    "head: [gap, linear]\n";

static const char small[] = "name: small\n"
                            "cells:\n"
                            "  normal: {inputs: 2, nodes: 2, output: concat,\n"
                            "           ops: [none, skip_connect, sep_conv_3x3, dil_conv_5x5]}\n"
                            "  reduce: {inputs: 2, nodes: 2, output: concat,\n"
                            "           ops: [none, max_pool_3x3, sep_conv_3x3], stride: 2}\n"
                            "stack: {reduce_at: [1/2]}\n"
                            "stem: [{channels: 2, steps: [conv3x3, bn]}]\n"
                            "preprocess: {same: [relu, pw, bn], reduce: [relu, fr, bn]}\n"
                            "head: [gap, linear]\n";

static void put_u32(FILE *f, uint32_t v)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        fputc((int)(v >> shift & 255), f);
}

static void write_images(const char *prefix, int n, uint64_t stream)
{
    char name[64];
    snprintf(name, sizeof(name), "data/%s-images-idx3-ubyte", prefix);
    FILE *images = fopen(name, "wb");
    snprintf(name, sizeof(name), "data/%s-labels-idx1-ubyte", prefix);
    FILE *labels = fopen(name, "wb");
    assert_true(images && labels);
    put_u32(images, 0x803);
    put_u32(images, (uint32_t)n);
    put_u32(images, SIDE);
    put_u32(images, SIDE);
    put_u32(labels, 0x801);
    put_u32(labels, (uint32_t)n);
    struct snas_rng rng = snas_rng_make(99, SNAS_STREAM_TEST, stream);
    for (int i = 0; i < n; i++) {
        int label = i % 2, phase = (int)snas_rng_below(&rng, 4);
        double contrast = 50 + 50 * snas_rng_uniform(&rng);
        for (int y = 0; y < SIDE; y++)
            for (int x = 0; x < SIDE; x++) {
                int along = ((label ? y : x) + phase) % 4 < 2;
                double v = 128 + (along ? contrast : -contrast) + 15 * snas_rng_normal(&rng);
                fputc((int)fmin(255, fmax(0, v)), images);
            }
        fputc(label, labels);
    }
    assert_int_equal(fclose(images), 0);
    assert_int_equal(fclose(labels), 0);
}

int fixture_open(void **state)
{
    struct snas_err err = {0};
    (void)state;
    if (!getcwd(home, sizeof(home)) || !mkdtemp(work) || chdir(work) != 0 ||
        snas_make_dirs("data", &err) != SNAS_OK)
        return 1;
    write_images("train", 320, 0);
    write_images("t10k", 64, 1);
    return snas_write_file("planted.yaml", planted, strlen(planted), &err) != SNAS_OK ||
           snas_write_file("small.yaml", small, strlen(small), &err) != SNAS_OK;
}

int fixture_close(void **state)
{
    (void)state;
    char command[128];
    if (chdir(home) != 0)
        return 1;
    snprintf(command, sizeof(command), "rm -rf %s", work);
    return system(command); /* NOLINT(cert-env33-c): a fixed name */
}

struct snas_search_config fixture_config(const char *text)
{
    static const char base[] = "name: test\n"
                               "space: ./small.yaml\n"
                               "network: {channels: 4, layers: 2}\n"
                               "data: {path: data, held_out: 64, crop_padding: 0, flip: false}\n"
                               "search: {epochs: 2, images_per_epoch: 64, batch: 16}\n"
                               "alpha: {learning_rate: 0.1}\n"
                               "evaluation: {hard_samples: 2, estimate_images: 64}\n"
                               "threads: 1\n";
    struct snas_search_config c;
    struct snas_err err = {0};
    snas_config_defaults(&snas_search_schema, &c);
    if (snas_config_parse(&snas_search_schema, "base", base, strlen(base), &c, &err) != SNAS_OK ||
        (*text &&
         snas_config_parse(&snas_search_schema, "text", text, strlen(text), &c, &err) != SNAS_OK))
        fail_msg("%s", err.text);
    return c;
}

enum snas_status fixture_run(const struct snas_search_config *config, const char *dir, int resume,
                             const volatile int *stop, struct snas_err *err)
{
    const struct snas_search_options o = {.dir = dir, .resume = resume, .stop = stop};
    return snas_search_run(config, &o, err);
}

void fixture_run_ok(const struct snas_search_config *config, const char *dir)
{
    struct snas_err err = {0};
    if (fixture_run(config, dir, 0, NULL, &err) != SNAS_OK)
        fail_msg("%s: %s", dir, err.text);
}

static int same_files(const char *a, const char *b)
{
    DIR *d = opendir(a);
    int files = 0;
    assert_non_null(d);
    for (struct dirent *e = readdir(d); e; e = readdir(d)) {
        char *x = NULL, *y = NULL, p[512], q[512];
        size_t n = 0, m = 0;
        struct snas_err err = {0};
        if (e->d_name[0] == '.' || !strcmp(e->d_name, "timing.csv") ||
            !strcmp(e->d_name, "log.txt"))
            continue;
        snprintf(p, sizeof(p), "%s/%s", a, e->d_name);
        snprintf(q, sizeof(q), "%s/%s", b, e->d_name);
        if (e->d_type == DT_DIR) {
            files += same_files(p, q);
            continue;
        }
        if (snas_read_file(p, 1u << 28, &x, &n, &err) != SNAS_OK ||
            snas_read_file(q, 1u << 28, &y, &m, &err) != SNAS_OK)
            fail_msg("%s", err.text);
        if (n != m || memcmp(x, y, n) != 0)
            fail_msg("'%s' and '%s' differ", p, q);
        snas_free(x);
        snas_free(y);
        files++;
    }
    closedir(d);
    return files;
}

void fixture_same_run(const char *a, const char *b)
{
    int files = same_files(a, b);
    assert_true(files >= 6);
    assert_int_equal(files, same_files(b, a));
}

static double last_value(const char *dir, const char *file, const char *column)
{
    char path[512], *text, *line, *save = NULL, *header, *last = NULL;
    size_t size;
    struct snas_err err = {0};
    snprintf(path, sizeof(path), "%s/%s", dir, file);
    if (snas_read_file(path, 1u << 20, &text, &size, &err) != SNAS_OK)
        fail_msg("%s", err.text);
    header = strtok_r(text, "\n", &save);
    while ((line = strtok_r(NULL, "\n", &save)))
        last = line;
    double value = NAN;
    char *s1 = NULL, *s2 = NULL, *name = strtok_r(header, ",", &s1);
    for (char *v = last ? strtok_r(last, ",", &s2) : NULL; v && name;
         v = strtok_r(NULL, ",", &s2), name = strtok_r(NULL, ",", &s1))
        if (!strcmp(name, column))
            value = strtod(v, NULL);
    snas_free(text);
    if (isnan(value))
        fail_msg("%s has no column %s", path, column);
    return value;
}

double fixture_metric(const char *dir, const char *column)
{
    return last_value(dir, "metrics.csv", column);
}

double fixture_timing(const char *dir, const char *column)
{
    return last_value(dir, "timing.csv", column);
}

double fixture_result(const char *dir, const char *path)
{
    char file[512], keys[128], *save = NULL;
    snprintf(file, sizeof(file), "%s/result.json", dir);
    snprintf(keys, sizeof(keys), "%s", path);
    json_t *root = json_load_file(file, 0, NULL), *at = root;
    for (char *key = strtok_r(keys, ".", &save); key; key = strtok_r(NULL, ".", &save))
        at = json_object_get(at, key);
    if (!at)
        fail_msg("%s has no %s", file, path);
    double value = json_is_boolean(at) ? json_is_true(at) : json_number_value(at);
    json_decref(root);
    return value;
}

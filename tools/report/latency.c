#include "report/latency.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/io.h"
#include "base/mem.h"
#include "train/run.h"

#define FORMAT "snas-latency 1"
#define CHILD_MAX ((size_t)4 << 30)

enum snas_status snas_latency_child(const char *dir, char hash[17], struct snas_err *err)
{
    char *path = snas_path_join(dir, SNAS_RUN_CHILD, err);
    hash[0] = '\0';
    if (!path)
        return SNAS_E_NOMEM;
    enum snas_status s = SNAS_OK;
    if (snas_path_exists(path))
        s = snas_hash_file(path, CHILD_MAX, hash, err);
    snas_free(path);
    return s;
}

static int text(const json_t *root, const char *key, char *to, size_t size)
{
    const char *word = json_string_value(json_object_get(root, key));
    snprintf(to, size, "%s", word ? word : "");
    return word != NULL;
}

static int whole(const json_t *root, const char *key, int *to)
{
    const json_t *v = json_object_get(root, key);
    json_int_t i = json_integer_value(v);
    *to = (int)i;
    return json_is_integer(v) && i >= 0 && i < 1 << 30;
}

static int real(const json_t *root, const char *key, double *to)
{
    const json_t *v = json_object_get(root, key);
    *to = json_number_value(v);
    return json_is_number(v) && isfinite(*to) && *to >= 0;
}

static int parse(const json_t *root, struct snas_latency *l)
{
    char format[32];
    int ok = text(root, "format", format, sizeof format) && !strcmp(format, FORMAT);
    const json_t *bytes = json_object_get(root, "bytes");
    ok = text(root, "child", l->child, sizeof l->child) && ok;
    ok = text(root, "runtime", l->runtime, sizeof l->runtime) && ok;
    ok = text(root, "device", l->device, sizeof l->device) && ok;
    ok = text(root, "date", l->date, sizeof l->date) && ok;
    ok = whole(root, "threads", &l->threads) && whole(root, "rounds", &l->rounds) && ok;
    ok = whole(root, "runs", &l->runs) && whole(root, "busy", &l->busy) && ok;
    ok = real(root, "median_ms", &l->median_ms) && real(root, "min_ms", &l->min_ms) && ok;
    ok = real(root, "p90_ms", &l->p90_ms) && json_is_integer(bytes) && ok;
    l->bytes = json_integer_value(bytes);
    return ok;
}

enum snas_status snas_latency_read(const char *dir, struct snas_latency *out, int *known,
                                   struct snas_err *err)
{
    char *path = snas_path_join(dir, SNAS_RUN_LATENCY, err), child[17];
    memset(out, 0, sizeof *out);
    *known = 0;
    if (!path)
        return SNAS_E_NOMEM;
    enum snas_status s = SNAS_OK;
    if (snas_path_exists(path)) {
        json_t *root = json_load_file(path, 0, NULL);
        if (!root || !parse(root, out))
            s = snas_fail(err, SNAS_E_FORMAT,
                          "'%s' is no record of a latency; remove it to measure anew", path);
        json_decref(root);
        if (s == SNAS_OK)
            s = snas_latency_child(dir, child, err);
        *known = s == SNAS_OK && !strcmp(child, out->child);
    }
    snas_free(path);
    return s;
}

enum snas_status snas_latency_write(const char *dir, const struct snas_latency *l,
                                    struct snas_err *err)
{
    char *path = snas_path_join(dir, SNAS_RUN_LATENCY, err);
    json_t *root = json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:f, s:f, s:f, s:I}",
                             "format", FORMAT, "child", l->child, "runtime", l->runtime, "device",
                             l->device, "date", l->date, "threads", l->threads, "rounds", l->rounds,
                             "runs", l->runs, "busy", l->busy, "median_ms", l->median_ms, "min_ms",
                             l->min_ms, "p90_ms", l->p90_ms, "bytes", (json_int_t)l->bytes);
    char *json = root ? json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) : NULL;
    enum snas_status s = path ? SNAS_OK : SNAS_E_NOMEM;
    if (s == SNAS_OK && !json)
        s = snas_fail(err, SNAS_E_NOMEM, "no memory for '%s'", path);
    if (s == SNAS_OK)
        s = snas_write_file(path, json, strlen(json), err);
    free(json);
    json_decref(root);
    snas_free(path);
    return s;
}

int snas_latency_comparable(const struct snas_latency *a, const struct snas_latency *b)
{
    return !strcmp(a->runtime, b->runtime) && !strcmp(a->device, b->device) &&
           a->threads == b->threads && a->rounds == b->rounds && a->runs == b->runs;
}

void snas_latency_protocol(const struct snas_latency *l, char *to, size_t size)
{
    snprintf(to, size, "%s on %s, %d thread%s, %d rounds of %d runs", l->runtime, l->device,
             l->threads, l->threads == 1 ? "" : "s", l->rounds, l->runs);
}

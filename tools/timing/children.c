#include "timing/children.h"

#include <math.h>
#include <string.h>

#include "base/io.h"
#include "base/mem.h"
#include "timing/device.h"
#include "train/run.h"

/* Those that are to be measured. */
struct batch {
    int n;
    const char **dirs;
    struct snas_child *children;
    struct snas_latency *latency;
};

static enum snas_status reserve(struct batch *b, int n, struct snas_err *err)
{
    b->dirs = snas_alloc((size_t)n, sizeof *b->dirs, err);
    b->children = snas_alloc((size_t)n, sizeof *b->children, err);
    b->latency = snas_alloc((size_t)n, sizeof *b->latency, err);
    return b->dirs && b->children && b->latency ? SNAS_OK : SNAS_E_NOMEM;
}

static void clear(struct batch *b)
{
    for (int i = 0; b->children && i < b->n; i++)
        snas_child_clear(&b->children[i]);
    snas_free(b->children);
    snas_free(b->dirs);
    snas_free(b->latency);
}

static enum snas_status add(struct batch *b, const char *dir, const struct snas_latency *how,
                            struct snas_err *err)
{
    char *path = snas_path_join(dir, SNAS_RUN_CHILD, err);
    struct snas_latency *l = &b->latency[b->n];
    *l = *how;
    enum snas_status s = path ? snas_latency_child(dir, l->child, err) : SNAS_E_NOMEM;
    if (s == SNAS_OK)
        s = snas_child_read(path, &b->children[b->n], err);
    if (s == SNAS_OK) {
        b->dirs[b->n++] = dir;
        s = snas_timer_model_bytes(&b->children[b->n - 1], &l->bytes, err);
    }
    snas_free(path);
    return s;
}

static enum snas_status collect(struct batch *b, const char *const *dirs, int n,
                                const struct snas_latency *how, struct snas_err *err)
{
    enum snas_status s = reserve(b, n, err);
    for (int i = 0; i < n && s == SNAS_OK; i++) {
        struct snas_latency old;
        struct snas_err unused = {0};
        int known = 0;
        /* what cannot be read is measured anew */
        if (snas_latency_read(dirs[i], &old, &known, &unused) == SNAS_OK && known &&
            snas_latency_comparable(&old, how))
            continue;
        s = add(b, dirs[i], how, err);
    }
    return s;
}

static enum snas_status keep(const struct batch *b, const struct snas_rounds *r,
                             struct snas_err *err)
{
    int n = r->rounds * r->runs;
    double *sorted = snas_alloc((size_t)n, sizeof *sorted, err);
    enum snas_status s = sorted ? SNAS_OK : SNAS_E_NOMEM;
    for (int i = 0; i < b->n && s == SNAS_OK; i++) {
        struct snas_latency *l = &b->latency[i];
        memcpy(sorted, snas_rounds_slice(r, i, 0), (size_t)n * sizeof *sorted);
        l->median_ms = 1e3 * snas_quantile(sorted, n, 0.5);
        l->min_ms = 1e3 * sorted[0];
        l->p90_ms = 1e3 * snas_quantile(sorted, n, 0.9);
        l->busy = r->busy_of[i];
        s = snas_latency_write(b->dirs[i], l, err);
    }
    snas_free(sorted);
    return s;
}

enum snas_status snas_children_time(const char *const *dirs, int n,
                                    const struct snas_children_options *o, int *measured,
                                    struct snas_err *err)
{
    struct snas_rounds_options how = {
        .threads = o->threads, .rounds = o->rounds, .runs = o->runs, .title = "latency"};
    struct snas_latency common = {.threads = o->threads, .rounds = o->rounds, .runs = o->runs};
    struct snas_rounds rounds = {0};
    struct batch b = {0};
    enum snas_status s = snas_timer_runtime_pick(o->runtime, &how.runtime, common.runtime,
                                                 sizeof common.runtime, err);
    if (s == SNAS_OK) {
        snas_device_name(common.device, sizeof common.device);
        snas_today(common.date, sizeof common.date);
        s = collect(&b, dirs, n, &common, err);
    }
    if (s == SNAS_OK && b.n > 0)
        s = snas_rounds_run(b.children, b.dirs, b.n, &how, &rounds, err);
    if (s == SNAS_OK && b.n > 0)
        s = keep(&b, &rounds, err);
    if (measured)
        *measured = b.n;
    snas_rounds_clear(&rounds);
    clear(&b);
    return s;
}

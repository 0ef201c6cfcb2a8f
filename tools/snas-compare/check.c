#include <math.h>
#include <stddef.h>

#include "snas-compare/check.h"

/* Bounds on the columns: what a budget file may say. 0: no bound. */
struct bounds {
    int64_t max_params, max_madds, max_bytes;
    double max_latency_ms, max_entropy_share;
    double min_test_accuracy, min_child_accuracy;
};

#define BOUND(key, type, field, top, what)                                                         \
    {                                                                                              \
        key, type, offsetof(struct bounds, field), "0", 0, top, NULL, what, 0                      \
    }
static const struct snas_key keys[] = {
    BOUND("max.params", SNAS_T_INT, max_params, 1e15, "parameters of the pruned child"),
    BOUND("max.madds", SNAS_T_INT, max_madds, 1e18, "its multiply-adds, one image"),
    BOUND("max.bytes", SNAS_T_INT, max_bytes, 1e15, "bytes of the exported model"),
    BOUND("max.latency_ms", SNAS_T_REAL, max_latency_ms, 1e9, "of one image in ONNX Runtime"),
    BOUND("max.entropy_share", SNAS_T_REAL, max_entropy_share, 1, "at the end, share of uniform"),
    BOUND("min.test_accuracy", SNAS_T_REAL, min_test_accuracy, 1, "on the test images, 0..1"),
    BOUND("min.child_accuracy", SNAS_T_REAL, min_child_accuracy, 1, "on the validation part, 0..1"),
};
static const struct snas_schema schema = {"bounds", keys, sizeof keys / sizeof *keys};

static int hold(const struct snas_comparison *c, const char *key, double bound, int largest,
                FILE *out)
{
    int broken = 0;
    const struct snas_comparison_column *column =
        &snas_comparison_columns[snas_comparison_column(key)];
    for (int i = 0; bound > 0 && i < c->n; i++) {
        double value = column->of(&c->entries[i]);
        const char *run = c->entries[i].record.dir;
        if (isnan(value))
            fprintf(out, "%s: %s is not known\n", run, key);
        else if (largest ? value > bound : value < bound)
            fprintf(out, "%s: %s is %.10g, %s %.10g\n", run, key, value,
                    largest ? "more than" : "less than", bound);
        else
            continue;
        broken++;
    }
    return broken;
}

enum snas_status compare_check(const struct snas_comparison *c, const char *path, int *violations,
                               FILE *out, struct snas_err *err)
{
    struct bounds b;
    snas_config_defaults(&schema, &b);
    enum snas_status status = snas_config_read(&schema, path, &b, err);
    *violations = 0;
    if (status != SNAS_OK)
        return status;
    *violations += hold(c, "params", (double)b.max_params, 1, out);
    *violations += hold(c, "madds", (double)b.max_madds, 1, out);
    *violations += hold(c, "latency_ms", b.max_latency_ms, 1, out);
    *violations += hold(c, "bytes", (double)b.max_bytes, 1, out);
    *violations += hold(c, "entropy_share", b.max_entropy_share, 1, out);
    *violations += hold(c, "test_accuracy", b.min_test_accuracy, 0, out);
    *violations += hold(c, "child_accuracy", b.min_child_accuracy, 0, out);
    return SNAS_OK;
}

#ifndef SNAS_TESTS_EXPORT_PIPELINE_H
#define SNAS_TESTS_EXPORT_PIPELINE_H

/* Child -> file -> checked in the runtimes that are here, of which there must be one: without any
 * these tests would prove nothing. */

#include "export/fixture.h"

#include "export/check/check.h"
#include "export/export.h"
#include "export/onnx/write.h"

#ifdef __SANITIZE_ADDRESS__
/* ONNX Runtime keeps a few bytes for the life of the process; that is not ours to free. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libonnxruntime.so\n";
}
#endif

static inline void pipeline_need_runtime(const struct snas_check_result *r)
{
    const char *expected = getenv("SNAS_EXPECT_RUNTIMES"); /* names, comma-separated */
    if (!r->n_runtimes)
        fail_msg("no runtime is here: tools/runtimes/install, then configure again");
    for (size_t n; expected && *expected; expected += n + (expected[n] == ',')) {
        n = strcspn(expected, ",");
        int found = 0;
        for (int i = 0; i < r->n_runtimes; i++)
            found |= strncmp(r->runtimes[i].name, expected, n) == 0;
        if (!found)
            fail_msg("%.*s did not run the model", (int)n, expected);
    }
}

/* Holds a file against the child: the check's own answer. */
static inline enum snas_status pipeline_check(const char *path, const struct snas_child *child,
                                              int normalised, struct snas_err *err)
{
    struct snas_check_images images;
    struct snas_check_result result;
    assert_ok(snas_check_images_random(child, 14, 5, &images, err), err);
    struct snas_check_options o = {.threads = 1, .normalised = normalised};
    enum snas_status s = snas_check_model(path, child, &images, &o, &result, err);
    snas_check_images_clear(&images);
    if (s == SNAS_OK)
        pipeline_need_runtime(&result);
    return s;
}

/* Writes a graph that has been named. */
static inline void pipeline_write(const struct snas_graph *g, const struct snas_child *child,
                                  const struct snas_export_options *options,
                                  const struct snas_export_report *report, const char *path)
{
    struct snas_err err = {0};
    struct snas_export_info info;
    struct snas_onnx_staged staged;
    assert_ok(snas_export_info_make(child, options, report, &info, &err), &err);
    assert_ok(snas_onnx_stage(g, &info.onnx, path, SNAS_ONNX_MAX_BYTES, &staged, &err), &err);
    assert_ok(snas_onnx_commit(&staged, &err), &err);
    snas_export_info_clear(&info);
}

#endif

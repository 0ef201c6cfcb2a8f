#include "export/check/runtime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "export/check/session.h"
#include "export/onnx/read.h"

struct snas_session {
    const struct snas_runtime_ops *ops;
    enum snas_runtime which;
    void *state;
    int chw[3], classes;
};

static const struct snas_runtime_ops *ops_of(enum snas_runtime which)
{
    return which == SNAS_RUNTIME_ORT ? &snas_runtime_ort : &snas_runtime_opencv;
}

/* 1 when SNAS_RUNTIMES is not set, or its comma-separated words name this one. */
static int is_asked_for(enum snas_runtime which)
{
    const char *list = getenv("SNAS_RUNTIMES");
    const char *word = which == SNAS_RUNTIME_ORT ? "ort" : "opencv";
    if (!list)
        return 1;
    for (size_t n; *list; list += n + (list[n] == ',')) {
        n = strcspn(list, ",");
        if (n == strlen(word) && strncmp(list, word, n) == 0)
            return 1;
    }
    return 0;
}

int snas_runtime_available(enum snas_runtime which, char *version, int size)
{
    if (!is_asked_for(which)) {
        snprintf(version, (size_t)size, "%s is left out by SNAS_RUNTIMES",
                 which == SNAS_RUNTIME_ORT ? "ONNX Runtime" : "OpenCV DNN");
        return 0;
    }
    return ops_of(which)->available(version, size);
}

/* The model's shapes are read by our own reader: one runtime has no way to ask for them. */
static enum snas_status read_shape(const char *path, struct snas_session *s, struct snas_err *err)
{
    struct snas_onnx_file *f;
    enum snas_status status = snas_onnx_read(path, &f, err);
    if (status)
        return status;
    snas_onnx_shape(f, s->chw, &s->classes);
    snas_onnx_free(f);
    return SNAS_OK;
}

enum snas_status snas_session_open(enum snas_runtime which, const char *path, int threads,
                                   struct snas_session **out, struct snas_err *err)
{
    *out = NULL;
    char text[1024];
    if (!snas_runtime_available(which, text, sizeof text))
        return snas_fail(err, SNAS_E_UNSUPPORTED, "%s", text);
    struct snas_session *s = snas_alloc(1, sizeof *s, err);
    if (!s)
        return SNAS_E_NOMEM;
    s->ops = ops_of(which);
    s->which = which;
    enum snas_status status = read_shape(path, s, err);
    char why[1024] = "";
    if (status == SNAS_OK &&
        s->ops->open(path, threads, s->chw, s->classes, &s->state, why, sizeof why) != 0)
        status = snas_fail(err, SNAS_E_FORMAT, "%s cannot load '%s': %s", text, path, why);
    if (status) {
        snas_free(s);
        return status;
    }
    *out = s;
    return SNAS_OK;
}

void snas_session_shape(const struct snas_session *s, int *chw, int *classes)
{
    memcpy(chw, s->chw, sizeof s->chw);
    *classes = s->classes;
}

enum snas_status snas_session_run(struct snas_session *s, const float *images, int n, float *logits,
                                  struct snas_err *err)
{
    char why[1024] = "", text[64];
    if (s->ops->run(s->state, images, n, logits, why, sizeof why) == 0)
        return SNAS_OK;
    snas_runtime_available(s->which, text, sizeof text);
    return snas_fail(err, SNAS_E_FORMAT, "%s cannot run the model with %d images: %s", text, n,
                     why);
}

void snas_session_close(struct snas_session *s)
{
    if (!s)
        return;
    s->ops->close(s->state);
    snas_free(s);
}

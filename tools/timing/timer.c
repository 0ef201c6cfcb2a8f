#include "timing/timer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/rng.h"
#include "export/check/runtime.h"
#include "export/export.h"
#include "net/net.h"
#include "train/child.h"

struct snas_timer {
    struct snas_session *session; /* ONNX Runtime, or NULL */
    struct snas_net *net;         /* the engine, or NULL */
    float *image, *logits;
};

static void engine_name(char *text, size_t size)
{
    const char *isa = getenv("SNAS_ISA");
    snprintf(text, size, "the engine%s%s%s", isa ? " (" : "", isa ? isa : "", isa ? ")" : "");
}

enum snas_status snas_timer_runtime_pick(const char *word, enum snas_timer_runtime *out, char *text,
                                         size_t size, struct snas_err *err)
{
    char ort[96];
    int here = snas_runtime_available(SNAS_RUNTIME_ORT, ort, sizeof ort);
    int engine = word && strcmp(word, "engine") == 0;
    if (word && !engine && strcmp(word, "ort") != 0)
        return snas_fail(err, SNAS_E_ARG, "--runtime %s: it is ort or engine", word);
    if (word && !engine && !here)
        return snas_fail(err, SNAS_E_UNSUPPORTED, "--runtime ort: %s", ort);
    *out = here && !engine ? SNAS_TIMER_ORT : SNAS_TIMER_ENGINE;
    if (*out == SNAS_TIMER_ORT)
        snprintf(text, size, "%s", ort);
    else
        engine_name(text, size);
    return SNAS_OK;
}

/* `doc` NULL: with the information that snas-export writes. */
static enum snas_status stage(const struct snas_child *child, const char *doc, const char *path,
                              struct snas_onnx_staged *staged, struct snas_err *err)
{
    struct snas_graph g;
    struct snas_export_options o = {0};
    struct snas_export_report report;
    struct snas_export_info whole = {0};
    struct snas_onnx_info info = {.doc = doc};
    enum snas_status s = snas_export_graph(child, &o, &g, &report, err);
    if (s != SNAS_OK)
        return s;
    if (!doc)
        s = snas_export_info_make(child, &o, &report, &whole, err);
    if (s == SNAS_OK)
        s = snas_onnx_stage(&g, doc ? &info : &whole.onnx, path, SNAS_ONNX_MAX_BYTES, staged, err);
    if (!doc)
        snas_export_info_clear(&whole);
    snas_graph_clear(&g);
    return s;
}

enum snas_status snas_timer_write_model(const struct snas_child *child, const char *doc,
                                        const char *path, struct snas_err *err)
{
    struct snas_onnx_staged staged;
    enum snas_status s = stage(child, doc, path, &staged, err);
    return s == SNAS_OK ? snas_onnx_commit(&staged, err) : s;
}

/* A model that is only there for a moment. */
static enum snas_status stage_aside(const struct snas_child *child, const char *doc,
                                    struct snas_onnx_staged *staged, struct snas_err *err)
{
    const char *tmp = getenv("TMPDIR");
    char *path =
        snas_format(err, "%s/snas-timed-%ld.onnx", tmp && *tmp ? tmp : "/tmp", (long)getpid());
    enum snas_status s = path ? stage(child, doc, path, staged, err) : SNAS_E_NOMEM;
    snas_free(path);
    return s;
}

enum snas_status snas_timer_model_bytes(const struct snas_child *child, int64_t *bytes,
                                        struct snas_err *err)
{
    struct snas_onnx_staged staged;
    enum snas_status s = stage_aside(child, NULL, &staged, err);
    if (s != SNAS_OK)
        return s;
    *bytes = (int64_t)staged.bytes;
    snas_onnx_abort(&staged);
    return SNAS_OK;
}

/* The file is only there while the runtime loads it. */
static enum snas_status open_ort(const struct snas_child *child, int threads, struct snas_timer *t,
                                 struct snas_err *err)
{
    struct snas_onnx_staged staged;
    enum snas_status s = stage_aside(child, "timed", &staged, err);
    if (s != SNAS_OK)
        return s;
    s = snas_session_open(SNAS_RUNTIME_ORT, snas_onnx_staged_path(&staged), threads, &t->session,
                          err);
    snas_onnx_abort(&staged);
    return s;
}

static enum snas_status open_engine(const struct snas_child *child, int threads,
                                    struct snas_timer *t, struct snas_err *err)
{
    struct snas_net_options o;
    snas_net_options_default(&o);
    o.batch = 1;
    o.threads = threads;
    o.training = 0;
    o.bn_eps = child->info.bn_eps;
    enum snas_status s = snas_net_create(child->network, &o, &t->net, err);
    if (s == SNAS_OK)
        snas_child_values_to_net(child->network, child->values, t->net);
    return s;
}

enum snas_status snas_timer_open(const struct snas_child *child, enum snas_timer_runtime runtime,
                                 int threads, struct snas_timer **out, struct snas_err *err)
{
    const struct snas_network_options *o = &child->network->options;
    size_t values = (size_t)o->input.c * (size_t)o->input.h * (size_t)o->input.w;
    struct snas_timer *t = snas_alloc(1, sizeof *t, err);
    *out = NULL;
    if (!t)
        return SNAS_E_NOMEM;
    t->image = snas_alloc(values, sizeof *t->image, err);
    t->logits = snas_alloc((size_t)o->classes, sizeof *t->logits, err);
    enum snas_status s = t->image && t->logits ? SNAS_OK : SNAS_E_NOMEM;
    if (s == SNAS_OK) {
        struct snas_rng r = snas_rng_make(1, SNAS_STREAM_INIT, 0);
        for (size_t i = 0; i < values; i++)
            t->image[i] = (float)snas_rng_normal(&r);
        s = runtime == SNAS_TIMER_ORT ? open_ort(child, threads, t, err)
                                      : open_engine(child, threads, t, err);
    }
    if (s != SNAS_OK) {
        snas_timer_close(t);
        return s;
    }
    *out = t;
    return SNAS_OK;
}

static enum snas_status run_once(struct snas_timer *t, struct snas_err *err)
{
    if (t->session)
        return snas_session_run(t->session, t->image, 1, t->logits, err);
    struct snas_forward f = {.batch = {.images = t->image, .n = 1}, .bn = SNAS_BN_RUNNING};
    struct snas_loss loss;
    return snas_net_forward(t->net, &f, &loss, err);
}

enum snas_status snas_timer_run(struct snas_timer *t, int warm, int runs, double *seconds,
                                struct snas_err *err)
{
    enum snas_status s = SNAS_OK;
    for (int i = -warm; s == SNAS_OK && i < runs; i++) {
        double start = snas_seconds();
        s = run_once(t, err);
        if (i >= 0)
            seconds[i] = snas_seconds() - start;
    }
    return s;
}

void snas_timer_close(struct snas_timer *t)
{
    if (!t)
        return;
    snas_session_close(t->session);
    snas_net_destroy(t->net);
    snas_free(t->image);
    snas_free(t->logits);
    snas_free(t);
}

/* ONNX Runtime through its C API, the first version of it: every release since 1.0 answers that. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "export/check/session.h"

#ifdef SNAS_HAVE_ORT_HEADER

#include <onnxruntime_c_api.h>

enum { API_VERSION = 1 };

/* Loaded once and never unloaded: the library keeps threads. */
static struct {
    pthread_once_t once;
    const OrtApi *api;
    char text[512]; /* name and version, or why not */
} ort = {.once = PTHREAD_ONCE_INIT};

static void load(void)
{
    const char *asked = getenv("SNAS_ORT_LIBRARY");
    const char *places[] = {asked && *asked ? asked : NULL,
                            SNAS_RUNTIMES_DIR "/ort/libonnxruntime.so", "libonnxruntime.so.1",
                            "libonnxruntime.so"};
    void *library = NULL;
    if (places[0]) {
        library = dlopen(places[0], RTLD_NOW | RTLD_LOCAL);
        if (!library) {
            snprintf(ort.text, sizeof ort.text, "SNAS_ORT_LIBRARY: %s", dlerror());
            return;
        }
    }
    for (size_t i = 1; !library && i < sizeof places / sizeof *places; i++)
        library = dlopen(places[i], RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        snprintf(ort.text, sizeof ort.text,
                 "ONNX Runtime is not installed (tools/runtimes/install brings it)");
        return;
    }
    union { /* ISO C has no cast from an object pointer to a function's */
        void *object;
        const OrtApiBase *(*function)(void);
    } base = {.object = dlsym(library, "OrtGetApiBase")};
    ort.api = base.object ? base.function()->GetApi(API_VERSION) : NULL;
    if (ort.api)
        snprintf(ort.text, sizeof ort.text, "ONNX Runtime %s", base.function()->GetVersionString());
    else
        snprintf(ort.text, sizeof ort.text, "the ONNX Runtime that was found has no C API %d",
                 API_VERSION);
}

static int available(char *text, int size)
{
    pthread_once(&ort.once, load);
    snprintf(text, (size_t)size, "%s", ort.text);
    return ort.api != NULL;
}

struct ort_session {
    OrtEnv *env;
    OrtSessionOptions *options;
    OrtSession *session;
    OrtMemoryInfo *memory;
    OrtAllocator *allocator; /* the runtime's default: not ours to release */
    char *input, *output;    /* the allocator's */
    int chw[3], classes;
};

/* 0, or -1 with the status's words in `why`; the status is released. */
static int ok(OrtStatus *status, char *why, int size)
{
    if (!status)
        return 0;
    snprintf(why, (size_t)size, "%s", ort.api->GetErrorMessage(status));
    ort.api->ReleaseStatus(status);
    return -1;
}

static void close_session(void *state)
{
    struct ort_session *s = state;
    if (s->input)
        ok(ort.api->AllocatorFree(s->allocator, s->input), (char[1]){0}, 1);
    if (s->output)
        ok(ort.api->AllocatorFree(s->allocator, s->output), (char[1]){0}, 1);
    ort.api->ReleaseMemoryInfo(s->memory);
    ort.api->ReleaseSession(s->session);
    ort.api->ReleaseSessionOptions(s->options);
    ort.api->ReleaseEnv(s->env);
    snas_free(s);
}

static int open_parts(struct ort_session *s, const char *path, int threads, char *why, int size)
{
    const OrtApi *api = ort.api;
    size_t inputs = 0, outputs = 0;
    /* FATAL: what goes wrong is in the status; the library itself prints nothing. */
    if (ok(api->CreateEnv(ORT_LOGGING_LEVEL_FATAL, "snas", &s->env), why, size) ||
        ok(api->CreateSessionOptions(&s->options), why, size) ||
        ok(api->SetIntraOpNumThreads(s->options, threads), why, size) ||
        ok(api->CreateSession(s->env, path, s->options, &s->session), why, size) ||
        ok(api->CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &s->memory), why, size) ||
        ok(api->GetAllocatorWithDefaultOptions(&s->allocator), why, size) ||
        ok(api->SessionGetInputCount(s->session, &inputs), why, size) ||
        ok(api->SessionGetOutputCount(s->session, &outputs), why, size))
        return -1;
    if (inputs != 1 || outputs != 1) {
        snprintf(why, (size_t)size, "%zu inputs and %zu outputs, one each is expected", inputs,
                 outputs);
        return -1;
    }
    if (ok(api->SessionGetInputName(s->session, 0, s->allocator, &s->input), why, size) ||
        ok(api->SessionGetOutputName(s->session, 0, s->allocator, &s->output), why, size))
        return -1;
    return 0;
}

static int open_session(const char *path, int threads, const int *chw, int classes, void **state,
                        char *why, int size)
{
    struct ort_session *s = snas_alloc(1, sizeof *s, NULL);
    if (!s) {
        snprintf(why, (size_t)size, "out of memory");
        return -1;
    }
    memcpy(s->chw, chw, sizeof s->chw);
    s->classes = classes;
    if (open_parts(s, path, threads, why, size) != 0) {
        close_session(s);
        return -1;
    }
    *state = s;
    return 0;
}

/* The output's shape must be [n, classes] before its values are copied. */
static int copy_output(const struct ort_session *s, OrtValue *value, int n, float *logits,
                       char *why, int size)
{
    const OrtApi *api = ort.api;
    OrtTensorTypeAndShapeInfo *info = NULL;
    size_t count = 0;
    float *values = NULL;
    int bad = ok(api->GetTensorTypeAndShape(value, &info), why, size) ||
              ok(api->GetTensorShapeElementCount(info, &count), why, size);
    api->ReleaseTensorTypeAndShapeInfo(info);
    if (bad || ok(api->GetTensorMutableData(value, (void **)&values), why, size))
        return -1;
    if (count != (size_t)n * (size_t)s->classes) {
        snprintf(why, (size_t)size, "it answers %zu values where %d x %d are expected", count, n,
                 s->classes);
        return -1;
    }
    memcpy(logits, values, count * sizeof *logits);
    return 0;
}

static int run_session(void *state, const float *images, int n, float *logits, char *why, int size)
{
    struct ort_session *s = state;
    const OrtApi *api = ort.api;
    int64_t shape[4] = {n, s->chw[0], s->chw[1], s->chw[2]};
    size_t bytes = sizeof *images * (size_t)(shape[0] * shape[1] * shape[2] * shape[3]);
    union { /* the API takes what it only reads without const */
        const float *in;
        void *out;
    } data = {.in = images};
    const char *inputs[] = {s->input}, *outputs[] = {s->output};
    OrtValue *in = NULL, *out = NULL;
    int bad =
        ok(api->CreateTensorWithDataAsOrtValue(s->memory, data.out, bytes, shape, 4,
                                               ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &in),
           why, size) ||
        ok(api->Run(s->session, NULL, inputs, (const OrtValue *const *)&in, 1, outputs, 1, &out),
           why, size) ||
        copy_output(s, out, n, logits, why, size);
    api->ReleaseValue(in);
    api->ReleaseValue(out);
    return bad ? -1 : 0;
}

const struct snas_runtime_ops snas_runtime_ort = {
    .available = available, .open = open_session, .run = run_session, .close = close_session};

#else /* without the header */

static int available(char *text, int size)
{
    snprintf(text, (size_t)size, "built without ONNX Runtime's header (tools/runtimes/install)");
    return 0;
}

const struct snas_runtime_ops snas_runtime_ort = {.available = available};

#endif

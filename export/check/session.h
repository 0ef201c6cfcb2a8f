#ifndef SNAS_EXPORT_CHECK_SESSION_H
#define SNAS_EXPORT_CHECK_SESSION_H

/* Internal to export/check: what a runtime's adapter provides. Plain C types only, so that the C++
 * adapter can include it. */

#ifdef __cplusplus
extern "C" {
#endif

/* An adapter that the build left out has only `available`, which says why: the others are called
 * behind a yes. */
struct snas_runtime_ops {
    /* 1 when it can be used; `text` gets name and version, or why not. */
    int (*available)(char *text, int size);
    /* 0 and *state, or -1 and why in `why`. `chw` and `classes` are the model's. */
    int (*open)(const char *path, int threads, const int *chw, int classes, void **state, char *why,
                int size);
    int (*run)(void *state, const float *images, int n, float *logits, char *why, int size);
    void (*close)(void *state);
};

extern const struct snas_runtime_ops snas_runtime_ort, snas_runtime_opencv;

#ifdef __cplusplus
}
#endif

#endif

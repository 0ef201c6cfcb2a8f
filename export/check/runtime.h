#ifndef SNAS_EXPORT_CHECK_RUNTIME_H
#define SNAS_EXPORT_CHECK_RUNTIME_H

#include "base/status.h"

/* Runs an ONNX file in a runtime that is not ours. ONNX Runtime is loaded with dlopen (from
 * SNAS_ORT_LIBRARY, the build's npm install, or the system); OpenCV DNN is linked where CMake found
 * it. */
enum snas_runtime { SNAS_RUNTIME_ORT, SNAS_RUNTIME_OPENCV };

/* SNAS_RUNTIMES in the environment ("ort", "opencv", "ort,opencv", "none") leaves others unused.
 * 1 when it can be used here; `version` (size >= 64) gets "ONNX Runtime 1.30.0" or why not. */
int snas_runtime_available(enum snas_runtime which, char *version, int size);

struct snas_session;
enum snas_status snas_session_open(enum snas_runtime which, const char *path, int threads,
                                   struct snas_session **out, struct snas_err *err);
/* Input shape [C, H, W] and number of classes, from the model. */
void snas_session_shape(const struct snas_session *s, int *chw, int *classes);
/* images [n][C][H][W] -> logits [n][classes]. */
enum snas_status snas_session_run(struct snas_session *s, const float *images, int n, float *logits,
                                  struct snas_err *err);
void snas_session_close(struct snas_session *s);

#endif

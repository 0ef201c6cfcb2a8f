#ifndef SNAS_TIMING_TIMER_H
#define SNAS_TIMING_TIMER_H

#include "space/child.h"

/* Times one child, an image at a time: in ONNX Runtime with the optimisations it has by default, as
 * an exported model is run, or with the engine. */

enum snas_timer_runtime { SNAS_TIMER_ORT, SNAS_TIMER_ENGINE };

/* --runtime's word, or the best that is here (NULL); `text` gets its name and version. */
enum snas_status snas_timer_runtime_pick(const char *word, enum snas_timer_runtime *out, char *text,
                                         size_t size, struct snas_err *err);

struct snas_timer;
/* `child` must outlive the timer. */
enum snas_status snas_timer_open(const struct snas_child *child, enum snas_timer_runtime runtime,
                                 int threads, struct snas_timer **out, struct snas_err *err);
/* `runs` times in seconds, after `warm` runs that are not kept. */
enum snas_status snas_timer_run(struct snas_timer *t, int warm, int runs, double *seconds,
                                struct snas_err *err);
void snas_timer_close(struct snas_timer *t); /* NULL allowed */

/* Size of the model that snas-export writes of this child. */
enum snas_status snas_timer_model_bytes(const struct snas_child *child, int64_t *bytes,
                                        struct snas_err *err);

/* Writes the child's model to `path`, as export does. */
enum snas_status snas_timer_write_model(const struct snas_child *child, const char *doc,
                                        const char *path, struct snas_err *err);

#endif

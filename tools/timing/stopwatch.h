#ifndef SNAS_TIMING_STOPWATCH_H
#define SNAS_TIMING_STOPWATCH_H

#include "train/search.h"

/* What measured.strength of a search is measured with, as its configuration says: the exported
 * model of the pruned network, with random weights, in ONNX Runtime; the engine; or a command. */
struct snas_stopwatch;

/* *out NULL: the configuration asks for none. `config` and `stop` must outlive it. A runtime that
 * is not here, and a child that cannot be timed, are found out now. */
enum snas_status snas_stopwatch_open(const struct snas_search_config *config,
                                     const volatile int *stop, struct snas_stopwatch **out,
                                     struct snas_err *err);
const struct snas_meter *snas_stopwatch_meter(const struct snas_stopwatch *w); /* of NULL: NULL */
void snas_stopwatch_close(struct snas_stopwatch *w);                           /* NULL allowed */

#endif

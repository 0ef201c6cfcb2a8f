#ifndef SNAS_TIMING_CHILDREN_H
#define SNAS_TIMING_CHILDREN_H

#include "report/latency.h"
#include "timing/rounds.h"

/* Measures the children of runs, in turns, and keeps what was found in each run directory.
 * `dirs` [n]: runs with a child file. A run whose latency.json was measured in this way on this
 * machine is left as it is; `measured` (may be NULL) gets how many were not. */
struct snas_children_options {
    const char *runtime; /* "ort", "engine", NULL: the best that is here */
    int threads, rounds, runs;
};
enum snas_status snas_children_time(const char *const *dirs, int n,
                                    const struct snas_children_options *options, int *measured,
                                    struct snas_err *err);

#endif

#ifndef SNAS_TRAIN_MEASURED_H
#define SNAS_TRAIN_MEASURED_H

#include <stdint.h>
#include <stdio.h>

#include "base/status.h"

/* Internal to train/: the measurements of measured.strength and their log,
 *
 *   step,network,latency_ms,baseline_ms
 *
 * a row per sampled network: the step (from 1) before which it was timed, the position of each
 * edge's op as a digit of base 32 in the order of alpha's rows, what was measured (empty: it is
 * disconnected), and the baseline that was taken off. When a measurement is made depends on the
 * clock and what it finds on the machine; everything else follows from the log. So a resumed run
 * takes the rows of the steps that it repeats from the log, and a whole run can be repeated from
 * one (measured.replay). */

struct snas_search;

struct snas_measured_row {
    int64_t step;
    const char *network; /* into the text; [n_rows], no NUL behind */
    double ms, baseline;
    int line;
};

struct snas_measured_log {
    char *path, *text; /* where the rows come from */
    struct snas_measured_row *rows;
    int64_t n, at; /* rows; the next one that is not used yet */
    int replay;    /* nothing is measured: the rows are all there is */
    int *choice;   /* [n_rows of the method] */
    FILE *out;

    /* of this sitting, from the first step that is not repeated, seconds */
    double start, spent, latest;
};

/* After the checkpoint was read: finds the rows, and goes on behind them. Nothing to do without
 * measured.strength. SNAS_E_FORMAT, SNAS_E_STATE: a log that is broken, or another run's. */
enum snas_status snas_measured_log_open(struct snas_search *search, struct snas_err *err);
void snas_measured_log_clear(struct snas_measured_log *log);

/* Before a step: repeats a measurement of the log, or makes one when measured.share leaves time for
 * it. After an error nothing has changed. SNAS_E_INTERRUPTED: the meter was stopped. */
enum snas_status snas_search_measure(struct snas_search *search, struct snas_err *err);

#endif

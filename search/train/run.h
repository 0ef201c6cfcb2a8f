#ifndef SNAS_TRAIN_RUN_H
#define SNAS_TRAIN_RUN_H

#include <stdio.h>

#include "base/progress.h"
#include "train/config.h"
#include "base/text.h"

/* The run directory.
 *
 *   config.yaml               the resolved configuration
 *   costs.yaml                a copy of the table of measured latencies, where there is one
 *   metrics.csv               a row per epoch
 *   measured.csv              latencies measured during the search (train/measured.h)
 *   bias.csv                  the mixture beside one-hot networks, when asked (docs/bias.md)
 *   alpha/epoch-NNN.csv       alpha, probabilities and credit of every edge after the epoch
 *   genotype/epoch-NNN.json   argmax of every edge after the epoch
 *   checkpoint.safetensors    all state; of the last epoch once the run is finished
 *   child-best.safetensors    the best child of an epoch so far (choose.every)
 *   child-within-budget.safetensors   while a budget is searched for, and when it was missed: the
 *                             best child of an epoch that is within it
 *   child.safetensors         the child, absent when it is disconnected
 *   result.json               the final report; its presence means: finished
 *   latency.json              the child's measured latency, where it was asked for (snas-compare)
 *   timing.csv, log.txt       what depends on the clock; loader_wait: share of the epoch's training
 *                             time that steps waited for their batch
 *
 * All but the last three are a function of the configuration, the data and the instruction set.
 * Files are replaced whole, so a kill leaves each of them old or new. */
struct snas_run {
    char *dir;
    int lock; /* descriptor of the locked directory, or -1 */
    FILE *log;
    struct snas_progress *progress; /* the caller's, may be NULL */
    struct snas_text metrics, timing, bias;
};

/* Creates the directory or enters one that is there. `config_text` is the resolved configuration.
 * SNAS_E_STATE: another process is in it; it belongs to another configuration; it has a run of this
 * one and `resume` is 0; it is not a run directory. */
enum snas_status snas_run_open(const char *dir, const char *config_text, int resume,
                               struct snas_progress *progress, struct snas_run *out,
                               struct snas_err *err);
void snas_run_close(struct snas_run *run);

/* A line for the log and the screen. */
void snas_run_say(struct snas_run *run, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* `name` under the run directory, replaced by the text. */
enum snas_status snas_run_write(const struct snas_run *run, const char *name, const char *data,
                                size_t size, struct snas_err *err);
/* Removes it where it is there. */
enum snas_status snas_run_remove(const struct snas_run *run, const char *name,
                                 struct snas_err *err);
/* Its path; caller frees with snas_free. */
char *snas_run_path(const struct snas_run *run, const char *name, struct snas_err *err);
int snas_run_has(const struct snas_run *run, const char *name); /* 1 or 0 */
/* Reads a CSV of the run and keeps its header and `rows` rows. SNAS_E_STATE when it has fewer. */
enum snas_status snas_run_read_rows(const struct snas_run *run, const char *name, int64_t rows,
                                    struct snas_text *out, struct snas_err *err);
/* Lets runs/latest point here, for commands that take the latest run. */
enum snas_status snas_run_point_latest(const struct snas_run *run, struct snas_err *err);

#define SNAS_RUN_CONFIG "config.yaml"
#define SNAS_RUN_COSTS "costs.yaml"
#define SNAS_RUN_METRICS "metrics.csv"
#define SNAS_RUN_TIMING "timing.csv"
#define SNAS_RUN_MEASURED "measured.csv"
#define SNAS_RUN_BIAS "bias.csv"
#define SNAS_RUN_CHECKPOINT "checkpoint.safetensors"
#define SNAS_RUN_CHILD "child.safetensors"
#define SNAS_RUN_BEST "child-best.safetensors"
#define SNAS_RUN_WITHIN "child-within-budget.safetensors"
#define SNAS_RUN_RESULT "result.json"
#define SNAS_RUN_LATEST "runs/latest"

#endif

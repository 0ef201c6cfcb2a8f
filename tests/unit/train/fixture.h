#ifndef SNAS_TESTS_TRAIN_FIXTURE_H
#define SNAS_TESTS_TRAIN_FIXTURE_H

#include "train/search.h"

/* A data set of stripes in IDX files, 8 x 8 pixels, two classes: upright or level. Phase is random,
 * contrast is random, noise is added, and a level image is the transpose of an upright one: only
 * something that looks at neighbours in one direction can tell the classes apart. The working
 * directory is a temporary one, removed at the end. */
int fixture_open(void **state);
int fixture_close(void **state);

/* A configuration of seconds on it; `text` (YAML, may be "") goes over it. */
struct snas_search_config fixture_config(const char *text);

/* Runs a search; resume and stop as in snas_search_options. */
enum snas_status fixture_run(const struct snas_search_config *config, const char *dir, int resume,
                             const volatile int *stop, struct snas_err *err);
void fixture_run_ok(const struct snas_search_config *config, const char *dir);

/* All files of two runs but timing.csv and log.txt are byte-equal, or the test fails. */
void fixture_same_run(const char *a, const char *b);

/* Last epoch's value of a column of a run's metrics.csv; a number of its result.json by a path of
 * keys ("child.pruned.madds"). */
double fixture_metric(const char *dir, const char *column);
double fixture_timing(const char *dir, const char *column); /* the same of timing.csv */
double fixture_result(const char *dir, const char *path);

/* Space files in the working directory: "planted.yaml" has one edge, on which only the convolution
 * sees neighbours in one direction; "small.yaml" has both cell kinds. */
#endif

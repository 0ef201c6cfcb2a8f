#ifndef SNAS_TRAIN_SEARCH_H
#define SNAS_TRAIN_SEARCH_H

#include "base/progress.h"
#include "train/config.h"

/* A whole search: config -> run directory. */

struct snas_search_options {
    const char *dir;                /* run directory */
    int resume;                     /* go on where the directory's checkpoint stands */
    struct snas_progress *progress; /* may be NULL */
    const volatile int *stop;       /* becomes not 0: finish the step, save, SNAS_E_INTERRUPTED */
};

/* Runs to the end, or to the stop. A directory whose run is finished is left as it is.
 * Errors: those of its parts; SNAS_E_NUMERIC names the step, and the last good checkpoint stays. */
enum snas_status snas_search_run(const struct snas_search_config *config,
                                 const struct snas_search_options *options, struct snas_err *err);

/* What a search would cost: the plan, and the time of a step measured on a few. */
struct snas_search_forecast {
    struct snas_plan_report plan; /* snas_plan_report_clear */
    int64_t steps_per_epoch, steps;
    double seconds_per_step; /* every op live: what a step costs before the annealing */
    double minutes;          /* of training at that speed */
    double images_per_second;
};
enum snas_status snas_search_forecast(const struct snas_search_config *config,
                                      struct snas_search_forecast *out, struct snas_err *err);

#endif

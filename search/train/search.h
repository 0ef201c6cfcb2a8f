#ifndef SNAS_TRAIN_SEARCH_H
#define SNAS_TRAIN_SEARCH_H

#include "base/progress.h"
#include "space/genotype.h"
#include "space/network.h"
#include "train/config.h"

/* A whole search: config -> run directory. */

/* What times networks for measured.strength; the caller's, since runtimes are not known here. */
struct snas_meter {
    const char *name; /* for the log */
    /* Milliseconds of one image through the exactly pruned network of a connected genotype, on the
     * options of `supernet`. Called between steps, while the search's threads rest. An error ends
     * the search with a checkpoint; SNAS_E_INTERRUPTED: the caller's stop was seen. */
    enum snas_status (*time)(void *owner, const struct snas_network *supernet,
                             const struct snas_genotype *g, double *ms, struct snas_err *err);
    void *owner;
};

struct snas_search_options {
    const char *dir;                /* run directory */
    int resume;                     /* go on where the directory's checkpoint stands */
    struct snas_progress *progress; /* may be NULL */
    const struct snas_meter *meter; /* may be NULL: nothing can be measured */
    int whole_plan;                 /* the plan with a line for every cell */
    const volatile int *stop;       /* becomes not 0: finish the step, save, SNAS_E_INTERRUPTED */
};

/* Runs to the end, or to the stop. A directory whose run is finished is left as it is.
 * Errors: those of its parts; SNAS_E_NUMERIC names the step, and the last good checkpoint stays. */
enum snas_status snas_search_run(const struct snas_search_config *config,
                                 const struct snas_search_options *options, struct snas_err *err);

/* Bytes that a search takes beside its net, and what it may take together. */
struct snas_search_memory {
    size_t data;      /* images and labels */
    size_t optimiser; /* momentum */
    size_t batches;   /* that the loaders make ahead */
    size_t limit;     /* 0: none is known */
    int asked;        /* by memory_limit; else a share of what is available */
};
/* All of it as text: the whole, then the net's table. */
void snas_search_plan_text(const struct snas_plan_report *plan,
                           const struct snas_search_memory *memory, int whole,
                           struct snas_text *to);

/* What a search would cost: the plan, and the time of a step measured on a few. */
struct snas_search_forecast {
    struct snas_plan_report plan; /* snas_plan_report_clear */
    struct snas_search_memory memory;
    int64_t steps_per_epoch, steps;
    double seconds_per_step; /* every op live: what a step costs before the annealing */
    double minutes;          /* of training at that speed */
    double images_per_second;
};
enum snas_status snas_search_forecast(const struct snas_search_config *config,
                                      struct snas_search_forecast *out, struct snas_err *err);

#endif

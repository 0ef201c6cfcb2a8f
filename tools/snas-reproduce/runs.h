#ifndef SNAS_REPRODUCE_RUNS_H
#define SNAS_REPRODUCE_RUNS_H

#include "base/progress.h"
#include "snas-reproduce/gather.h"

struct runs_options {
    int at_once, threads; /* programs at a time; threads of each */
    struct snas_progress *progress;
};

/* The programs of the experiment, what is finished left out: the trials of settings, whose best is
 * written into plan->methods[].chosen; all searches and snas-credit; then the random genotypes.
 * *failed: programs that ended without their result. SNAS_E_INTERRUPTED: the same call goes on. */
enum snas_status runs_make(struct plan *plan, struct results *r, const struct runs_options *o,
                           int *failed, struct snas_err *err);
/* The choice by the trials that are there, without running any. SNAS_E_STATE: a trial or a search
 * is finished, but of another configuration than the plan says now. */
enum snas_status runs_choose(struct plan *plan, const struct results *r, struct snas_err *err);
/* Directories of the trials and of the searches, a line each. */
enum snas_status runs_list(const struct plan *plan, const struct results *r, struct snas_err *err);

#endif

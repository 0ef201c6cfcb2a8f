#ifndef SNAS_SWEEP_SWEEP_H
#define SNAS_SWEEP_SWEEP_H

#include <sys/types.h>

#include "base/progress.h"
#include "base/status.h"

/* Many searches of one configuration: every method, penalty strength and seed asked for. */

enum run_state { RUN_WAITING, RUN_GOING, RUN_DONE, RUN_FAILED };
struct run {
    char *dir, *log;      /* OUT/snas-penalty-0.3-seed-2, and beside it .log */
    char *assignments[3]; /* "search.method=snas", "penalty.strength=0.3", "seed=2" */
    enum run_state state;
    pid_t process;
    int epochs; /* of metrics.csv when last looked at */
};

struct sweep {
    const char *config, *out, *program; /* snas-search */
    int n_set;
    const char *const *set; /* assignments that all runs share */
    int jobs, threads;      /* runs at a time; threads of each */
    int n;
    struct run *runs; /* [n] */
    int epochs;       /* of a whole run */
};

/* The runs of the lists "snas,random", "0,0.1,1", "1,2,3": `random` knows no penalty and comes once
 * a seed. Names the word that is wrong. Caller clears. */
enum snas_status sweep_plan(const char *methods, const char *penalties, const char *seeds,
                            struct sweep *s, struct snas_err *err);
void sweep_clear(struct sweep *s);

/* Runs what is not finished yet, `jobs` at a time; each goes on where it was. A run that fails does
 * not stop the others: its log says why. SNAS_E_INTERRUPTED after a signal, with all children
 * stopped and saved. *failed: how many did. */
enum snas_status sweep_run(struct sweep *s, struct snas_progress *progress, int *failed,
                           struct snas_err *err);

#endif

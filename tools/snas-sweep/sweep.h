#ifndef SNAS_SWEEP_SWEEP_H
#define SNAS_SWEEP_SWEEP_H

#include "base/status.h"

/* Many searches of one configuration: every method, penalty strength and seed asked for. */

struct run {
    char *dir; /* OUT/snas-penalty-0.3-seed-2 */
    /* "search.method=snas", "penalty.preset=none", "penalty.strength=0.3", "seed=2" */
    char *assignments[4];
    int done; /* it has its result */
};

struct sweep {
    const char *config, *out;
    int n_set;
    const char *const *set; /* assignments that all runs share */
    int n;
    struct run *runs; /* [n] */
    int epochs;       /* of a whole run */
};

/* The runs of the lists "snas,random", "0,0.1,mild", "1,2,3": `random` knows no penalty and comes
 * once a seed. Names the word that is wrong. Caller clears. */
enum snas_status sweep_plan(const char *methods, const char *penalties, const char *seeds,
                            struct sweep *s, struct snas_err *err);
void sweep_clear(struct sweep *s);

#endif

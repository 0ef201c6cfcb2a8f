#ifndef SNAS_SWEEP_SWEEP_H
#define SNAS_SWEEP_SWEEP_H

#include "base/status.h"

/* Many searches of one configuration: every method, penalty strength and seed asked for. */

enum { SWEEP_ASSIGNMENTS = 5 };
struct run {
    char *dir; /* OUT/snas-penalty-0.3-seed-2 */
    /* "search.method=darts", "penalty.preset=none", "penalty.strength=0.3", "seed=2"; where the
     * method's word says it "darts.order=second", for one without penalty "measured.strength=0" */
    char *assignments[SWEEP_ASSIGNMENTS];
    int n_assignments;
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

/* The runs of the lists "snas,random", "0,0.1,mild", "1,2,3": `random` and `enas` know no penalty
 * and come once a seed; "darts-second" is DARTS of that order, "darts" of the configuration's.
 * Names the word that is wrong. Caller clears. */
enum snas_status sweep_plan(const char *methods, const char *penalties, const char *seeds,
                            struct sweep *s, struct snas_err *err);
void sweep_clear(struct sweep *s);

#endif

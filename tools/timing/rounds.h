#ifndef SNAS_TIMING_ROUNDS_H
#define SNAS_TIMING_ROUNDS_H

#include "timing/timer.h"

/* Times several networks in turns: a round gives each of them a slice of runs, so that what
 * disturbs the machine for a while disturbs all of them alike. A slice whose median is more than
 * 1.3 times its fastest run is taken again, up to three times; the quietest is kept. */
struct snas_rounds_options {
    enum snas_timer_runtime runtime;
    int threads, rounds, runs; /* runs of a slice */
    const char *title;
    const char *log;  /* file of slices, to go on after a kill; NULL: none */
    const char *what; /* first line of the log: only a log of the same may be gone on with */
};

struct snas_rounds {
    int n, rounds, runs;
    double *seconds; /* [n][rounds][runs], owned */
    int *busy_of;    /* [n] slices of each network that were not quiet in any try; owned */
    int busy;        /* their sum */
};

/* Children and names [n]. SNAS_E_INTERRUPTED after a signal: the log holds what was measured. */
enum snas_status snas_rounds_run(const struct snas_child *children, const char *const *names, int n,
                                 const struct snas_rounds_options *options, struct snas_rounds *out,
                                 struct snas_err *err);
void snas_rounds_clear(struct snas_rounds *r);

/* A slice: `runs` times in seconds behind `warm` runs, taken anew as said above; the quietest is
 * kept. *quiet (may be NULL): 0 when no try was. */
enum snas_status snas_timer_run_quiet(struct snas_timer *t, int warm, int runs, double *seconds,
                                      int *quiet, struct snas_err *err);

/* The value below which a share q of the n values lies (they are sorted here). */
double snas_quantile(double *values, int n, double q);
/* Of all the runs of one network. */
double snas_rounds_median(const struct snas_rounds *r, int i,
                          struct snas_err *err); /* < 0: no memory */
const double *snas_rounds_slice(const struct snas_rounds *r, int i, int round);

#endif

#ifndef SNAS_COST_ROUNDS_H
#define SNAS_COST_ROUNDS_H

#include "snas-cost/timer.h"

/* Times several networks in turns: a round gives each of them a slice of runs, so that what
 * disturbs the machine for a while disturbs all of them alike. A slice whose median is more than
 * 1.3 times its fastest run is taken again, up to three times; the quietest is kept. */
struct rounds_options {
    enum timer_runtime runtime;
    int threads, rounds, runs; /* runs of a slice */
    const char *title;
    const char *log;  /* file of slices, to go on after a kill; NULL: none */
    const char *what; /* first line of the log: only a log of the same may be gone on with */
};

struct rounds {
    int n, rounds, runs;
    double *seconds; /* [n][rounds][runs], owned */
    int busy;        /* slices that were not quiet in any try */
};

/* Children and names [n]. SNAS_E_INTERRUPTED after a signal: the log holds what was measured. */
enum snas_status rounds_run(const struct snas_child *children, const char *const *names, int n,
                            const struct rounds_options *options, struct rounds *out,
                            struct snas_err *err);
void rounds_clear(struct rounds *r);

/* The value below which a share q of the n values lies (they are sorted here). */
double quantile(double *values, int n, double q);
/* Of all the runs of one network. */
double rounds_median(const struct rounds *r, int i, struct snas_err *err); /* < 0: no memory */
const double *rounds_slice(const struct rounds *r, int i, int round);

#endif

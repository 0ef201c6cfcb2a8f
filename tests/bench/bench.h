#ifndef SNAS_TESTS_BENCH_H
#define SNAS_TESTS_BENCH_H

/* What the bench programs share: a supernet and its training step, the processor's peak. They
 * print and exit: an error ends the program with one line. */

#include <stddef.h>
#include <stdio.h>

#include "base/status.h"
#include "methods/snas.h"
#include "net/profile.h"

void bench_must(enum snas_status status, const struct snas_err *err);
double bench_median(double *values, int n); /* sorts them */

struct bench_options {
    int channels, layers, batch, side, input_channels, threads;
    int reference, lean;
    int live;                   /* random ops live on each edge; 0: all */
    double spread, temperature; /* above 0: concrete samples of alpha ~ N(0, spread) instead */
    double threshold;           /* z below it are left out of the step */
    int steps, warm_up;
    int first; /* number of the first step that counts: its sample follows from it */
    int json, passes, serve;
};
struct bench_options bench_options_default(void);
/* 0; -1: help was asked for; 1 and a line on stderr: wrong usage. What a line of --serve may say is
 * told from the rest by `running`. */
int bench_options_read(struct bench_options *o, int argc, char **argv, int running);
void bench_usage(FILE *to);

/* DARTS' supernet on random images, and what its optimiser needs. */
struct bench_step {
    struct bench_options o;
    struct snas_space space;
    struct snas_network *network;
    struct snas_cost_table costs;
    struct snas_method *method; /* NULL without a temperature */
    struct snas_net *net;
    struct snas_plan_report plan;
    double plan_flops; /* of an image, all ops live */
    float *images, *velocity;
    int *labels;
    double *sample, *z, *dz;
    double forward, backward, update, cpu; /* of the last step, seconds */
    long peak_anonymous_kb;
};
void bench_step_make(struct bench_step *b, const struct bench_options *o);
/* New samples, thresholds and counts of steps; the net stays. */
void bench_step_change(struct bench_step *b, const struct bench_options *o);
void bench_step_free(struct bench_step *b);
/* Clipped SGD by the net's gradient. */
void bench_step_update(struct bench_step *b);
double bench_seconds(void); /* of a clock that only goes forward */
/* Forward, backward, clipped SGD; seconds. */
double bench_step_run(struct bench_step *b, int step);

/* Most fused multiply-adds x 2 per second that so many threads do at once, in registers, with the
 * vectors of an instruction set ("avx512", "avx2", anything else: 4 lanes); in 10^9. */
double bench_peak_gflops(const char *isa, int threads);

#endif

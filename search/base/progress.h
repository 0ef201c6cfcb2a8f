#ifndef SNAS_BASE_PROGRESS_H
#define SNAS_BASE_PROGRESS_H

#include <stdio.h>

/* Progress of anything over two seconds, written to a stream that tools/ hands in: a redrawn bar
 * with ETA on a terminal, a plain line at most every `line_every` seconds elsewhere, nothing when
 * quiet. The ETA is that of the recent rate, a quarter of the time so far. The library itself never
 * picks the stream. */
struct snas_progress;

struct snas_progress_options {
    FILE *stream;      /* NULL: quiet */
    double line_every; /* seconds between plain lines when not a terminal; 0: 10 s */
};
struct snas_progress *snas_progress_create(
    const struct snas_progress_options *o); /* NULL on no memory: all calls accept NULL */
void snas_progress_begin(struct snas_progress *p, const char *title, double total);
/* `done` of total, and what to show behind the bar ("loss 0.41  92.1%  312 img/s"). */
void snas_progress_update(struct snas_progress *p, double done, const char *status);
/* A whole line above the bar (kept on the screen). */
void snas_progress_say(struct snas_progress *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void snas_progress_end(struct snas_progress *p);
void snas_progress_destroy(struct snas_progress *p);

#endif

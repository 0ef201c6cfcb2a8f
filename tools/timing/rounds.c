#include "timing/rounds.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/progress.h"
#include "cli/cli.h"

#define WARM 5
#define BUSY 1.3
#define TRIES 3
#define NAME 128
#define LOG_MAX ((size_t)1 << 30)

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double snas_quantile(double *values, int n, double q)
{
    qsort(values, (size_t)n, sizeof *values, compare);
    double at = q * (n - 1), below = floor(at);
    int i = (int)below;
    return i + 1 < n ? values[i] + (at - below) * (values[i + 1] - values[i]) : values[i];
}

const double *snas_rounds_slice(const struct snas_rounds *r, int i, int round)
{
    return r->seconds + ((size_t)i * (size_t)r->rounds + (size_t)round) * (size_t)r->runs;
}

double snas_rounds_median(const struct snas_rounds *r, int i, struct snas_err *err)
{
    int n = r->rounds * r->runs;
    double *copy = snas_alloc((size_t)n, sizeof *copy, err);
    if (!copy)
        return -1;
    memcpy(copy, snas_rounds_slice(r, i, 0), (size_t)n * sizeof *copy);
    double median = snas_quantile(copy, n, 0.5);
    snas_free(copy);
    return median;
}

void snas_rounds_clear(struct snas_rounds *r)
{
    snas_free(r->seconds);
    snas_free(r->busy_of);
    memset(r, 0, sizeof *r);
}

struct run {
    const struct snas_rounds_options *options;
    const char *const *names;
    struct snas_rounds *out;
    struct snas_timer **timers;
    unsigned char *have; /* [n][rounds]: in the log */
    double *slice;       /* [runs] of a line of the log */
    FILE *log;
    struct snas_progress *progress;
    int done;
    struct snas_err *err;
};

static double *slice_at(struct run *r, int i, int round)
{
    const struct snas_rounds *o = r->out;
    return o->seconds + ((size_t)i * (size_t)o->rounds + (size_t)round) * (size_t)o->runs;
}

static unsigned char *have_at(struct run *r, int i, int round)
{
    return r->have + (size_t)i * (size_t)r->out->rounds + (size_t)round;
}

/* --- the log: "name round seconds ..." a line --- */

/* One line; what a kill cut short is left out. */
static void read_line(struct run *r, char *line)
{
    char *rest = NULL, *name = strtok_r(line, " ", &rest), *word = strtok_r(NULL, " ", &rest);
    if (!name || !word)
        return;
    int round = (int)strtol(word, NULL, 10), i = 0;
    while (i < r->out->n && strcmp(r->names[i], name) != 0)
        i++;
    if (i == r->out->n || round < 0 || round >= r->out->rounds)
        return;
    for (int k = 0; k < r->out->runs; k++) {
        word = strtok_r(NULL, " ", &rest);
        double t = word ? strtod(word, NULL) : 0;
        if (!(t > 0) || !isfinite(t))
            return;
        r->slice[k] = t;
    }
    if (strtok_r(NULL, " ", &rest))
        return;
    memcpy(slice_at(r, i, round), r->slice, (size_t)r->out->runs * sizeof *r->slice);
    r->done += !*have_at(r, i, round);
    *have_at(r, i, round) = 1;
}

static enum snas_status read_log(struct run *r)
{
    const struct snas_rounds_options *o = r->options;
    char *data;
    size_t size;
    enum snas_status s = snas_read_file(o->log, LOG_MAX, &data, &size, r->err);
    if (s != SNAS_OK)
        return s;
    char *end = strchr(data, '\n');
    if (size > 0 && (!end || (size_t)(end - data) != strlen(o->what) ||
                     strncmp(data, o->what, strlen(o->what)) != 0))
        s = snas_fail(r->err, SNAS_E_STATE,
                      "%s:1: this is the rest of another measurement; remove it to start anew",
                      o->log);
    while (s == SNAS_OK && end) {
        char *line = end + 1;
        end = strchr(line, '\n'); /* the last line counts when it is whole */
        if (end) {
            *end = '\0';
            read_line(r, line);
        }
    }
    snas_free(data);
    return s;
}

static enum snas_status open_log(struct run *r)
{
    const struct snas_rounds_options *o = r->options;
    if (!o->log)
        return SNAS_OK;
    int there = snas_path_exists(o->log);
    enum snas_status s = there ? read_log(r) : SNAS_OK;
    if (s != SNAS_OK)
        return s;
    r->log = fopen(o->log, "a");
    if (!r->log)
        return snas_fail(r->err, SNAS_E_IO, "cannot write '%s'", o->log);
    /* Behind a line that was cut short a new one begins. */
    fprintf(r->log, "%s\n", there ? "" : o->what);
    return SNAS_OK;
}

static enum snas_status log_slice(struct run *r, int i, int round)
{
    if (!r->log)
        return SNAS_OK;
    fprintf(r->log, "%s %d", r->names[i], round);
    for (int k = 0; k < r->out->runs; k++)
        fprintf(r->log, " %.9g", slice_at(r, i, round)[k]);
    fputc('\n', r->log);
    if (fflush(r->log) != 0)
        return snas_fail(r->err, SNAS_E_IO, "cannot write '%s'", r->options->log);
    return SNAS_OK;
}

/* --- slices --- */

enum snas_status snas_timer_run_quiet(struct snas_timer *t, int warm, int runs, double *seconds,
                                      int *quiet, struct snas_err *err)
{
    double *taken = snas_alloc(2 * (size_t)runs, sizeof *taken, err), best = INFINITY;
    enum snas_status s = taken ? SNAS_OK : SNAS_E_NOMEM;
    int calm = 0;
    for (int attempt = 0; s == SNAS_OK && attempt < TRIES && !calm; attempt++) {
        double *sorted = taken + runs;
        s = snas_timer_run(t, warm, runs, taken, err);
        if (s != SNAS_OK)
            break;
        memcpy(sorted, taken, (size_t)runs * sizeof *sorted);
        double median = snas_quantile(sorted, runs, 0.5);
        calm = median <= BUSY * sorted[0];
        if (median < best) {
            best = median;
            memcpy(seconds, taken, (size_t)runs * sizeof *seconds);
        }
    }
    snas_free(taken);
    if (quiet)
        *quiet = calm;
    return s;
}

static enum snas_status take_slice(struct run *r, int i, int round)
{
    int quiet;
    enum snas_status s = snas_timer_run_quiet(r->timers[i], WARM, r->out->runs,
                                              slice_at(r, i, round), &quiet, r->err);
    if (s != SNAS_OK)
        return snas_fail_context(r->err, "%s", r->names[i]);
    r->out->busy_of[i] += !quiet;
    r->out->busy += !quiet;
    return log_slice(r, i, round);
}

static enum snas_status take_all(struct run *r)
{
    int total = r->out->n * r->out->rounds;
    for (int round = 0; round < r->out->rounds; round++)
        for (int i = 0; i < r->out->n; i++) {
            if (*have_at(r, i, round))
                continue;
            if (snas_cli_signal)
                return snas_fail(r->err, SNAS_E_INTERRUPTED, "interrupted after %d of %d slices%s",
                                 r->done, total,
                                 r->log ? "; the same command goes on from there" : "");
            enum snas_status s = take_slice(r, i, round);
            if (s != SNAS_OK)
                return s;
            char status[NAME + 40];
            snprintf(status, sizeof status, "round %d of %d  %s", round + 1, r->out->rounds,
                     r->names[i]);
            snas_progress_update(r->progress, ++r->done, status);
        }
    return SNAS_OK;
}

static enum snas_status open_all(struct run *r, const struct snas_child *children)
{
    const struct snas_rounds_options *o = r->options;
    for (int i = 0; i < r->out->n; i++) {
        enum snas_status s =
            snas_timer_open(&children[i], o->runtime, o->threads, &r->timers[i], r->err);
        if (s != SNAS_OK)
            return snas_fail_context(r->err, "%s", r->names[i]);
    }
    return SNAS_OK;
}

static enum snas_status reserve(struct run *r, int n)
{
    size_t slices = (size_t)n * (size_t)r->options->rounds, runs = (size_t)r->options->runs;
    r->out->seconds = snas_alloc(slices * runs, sizeof *r->out->seconds, r->err);
    r->out->busy_of = snas_alloc((size_t)n, sizeof *r->out->busy_of, r->err);
    r->timers = snas_alloc((size_t)n, sizeof(struct snas_timer *), r->err);
    r->have = snas_alloc(slices, 1, r->err);
    r->slice = snas_alloc(runs, sizeof *r->slice, r->err);
    return r->out->seconds && r->out->busy_of && r->timers && r->have && r->slice ? SNAS_OK
                                                                                  : SNAS_E_NOMEM;
}

enum snas_status snas_rounds_run(const struct snas_child *children, const char *const *names, int n,
                                 const struct snas_rounds_options *options, struct snas_rounds *out,
                                 struct snas_err *err)
{
    const struct snas_progress_options shown = {.stream = stderr};
    struct run r = {.options = options, .names = names, .out = out, .err = err};
    *out = (struct snas_rounds){.n = n, .rounds = options->rounds, .runs = options->runs};
    enum snas_status s = reserve(&r, n);
    if (s == SNAS_OK)
        s = open_log(&r);
    if (s == SNAS_OK)
        s = open_all(&r, children);
    if (s == SNAS_OK) {
        r.progress = snas_progress_create(&shown);
        snas_progress_begin(r.progress, options->title, (double)n * options->rounds);
        s = take_all(&r);
        snas_progress_end(r.progress);
        snas_progress_destroy(r.progress);
    }
    if (r.log && fclose(r.log) != 0 && s == SNAS_OK)
        s = snas_fail(err, SNAS_E_IO, "cannot write '%s'", options->log);
    for (int i = 0; r.timers && i < n; i++)
        snas_timer_close(r.timers[i]);
    snas_free(r.timers);
    snas_free(r.have);
    snas_free(r.slice);
    if (s != SNAS_OK)
        snas_rounds_clear(out);
    return s;
}

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "bench.h"

void bench_must(enum snas_status status, const struct snas_err *err)
{
    if (status == SNAS_OK)
        return;
    fprintf(stderr, "bench: %s\n", err->text);
    exit(1);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(double *values, int n)
{
    qsort(values, (size_t)n, sizeof *values, by_size);
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

struct bench_options bench_options_default(void)
{
    return (struct bench_options){.channels = 8,
                                  .layers = 3,
                                  .batch = 64,
                                  .side = 28,
                                  .input_channels = 1,
                                  .threads = snas_threads_available(),
                                  .steps = 10,
                                  .warm_up = 2};
}

void bench_usage(FILE *to)
{
    fputs(
        "bench-step [--channels N] [--layers N] [--batch N] [--side N] [--input-channels N]\n"
        "           [--threads N] [--mode full|onehot|k=N|lean|ref]\n"
        "           [--temperature T] [--alpha-spread SD] [--live-threshold Z]\n"
        "           [--steps N] [--warm-up N] [--first N] [--json] [--passes] [--serve]\n"
        "  times training steps of the DARTS supernet: forward, backward, clipped SGD\n"
        "  --mode k=N       N random ops of every edge are live, the same in all cells of a kind;\n"
        "                   onehot: 1; lean: less memory; ref: the reference implementation\n"
        "  --temperature    above 0: every step draws alpha from N(0, SD) and z from the concrete\n"
        "                   distribution, as a search does; --first: number of the first sample\n"
        "  --live-threshold ops with z below it are left out of the step, as in a search (0: "
        "none)\n"
        "  --passes         time of every pass of the plan\n"
        "  --serve          for each line of options on standard input (mode k=N, onehot, full;\n"
        "                   temperature, spread, threshold, steps, warm-up, first) a line of "
        "JSON\n",
        to);
}

static int read_mode(struct bench_options *o, const char *mode, int running)
{
    o->live = 0;
    if (strcmp(mode, "full") == 0)
        return 0;
    if (strcmp(mode, "onehot") == 0)
        return !(o->live = 1);
    if (strncmp(mode, "k=", 2) == 0)
        return (o->live = (int)strtol(mode + 2, NULL, 10)) < 1;
    if (!running && strcmp(mode, "ref") == 0)
        return !(o->reference = 1);
    if (!running && strcmp(mode, "lean") == 0)
        return !(o->lean = 1);
    return 1;
}

/* 0, or 1 when the text is not a number from `least` on. */
static int read_number(const char *text, double least, double *out)
{
    char *end;
    errno = 0;
    *out = strtod(text, &end);
    return end == text || *end || errno || !(*out >= least && *out <= 1e9);
}

enum { N_INT = 9, N_REAL = 3, FIRST_RUNNING = 6 };

static int take(struct bench_options *o, int c, const char *text, int running)
{
    int *const ints[N_INT] = {&o->channels, &o->layers, &o->batch,   &o->side, &o->input_channels,
                              &o->threads,  &o->steps,  &o->warm_up, &o->first};
    double *const reals[N_REAL] = {&o->temperature, &o->spread, &o->threshold};
    double value;
    if (c >= 0 && c < N_INT) {
        const int zero = c >= FIRST_RUNNING + 1;
        if ((running && c < FIRST_RUNNING) || read_number(text, zero ? 0 : 1, &value))
            return 1;
        *ints[c] = (int)value;
        return 0;
    }
    if (c >= N_INT && c < N_INT + N_REAL)
        return read_number(text, 0, reals[c - N_INT]);
    switch (c) {
    case 'm':
        return read_mode(o, text, running);
    case 'j':
        return !(o->json = 1);
    case 'p':
        return !(o->passes = 1);
    case 's':
        return !(o->serve = 1) || running;
    default:
        return 1;
    }
}

int bench_options_read(struct bench_options *o, int argc, char **argv, int running)
{
    static const struct option table[] = {
        {"channels", 1, NULL, 0},       {"layers", 1, NULL, 1},
        {"batch", 1, NULL, 2},          {"side", 1, NULL, 3},
        {"input-channels", 1, NULL, 4}, {"threads", 1, NULL, 5},
        {"steps", 1, NULL, 6},          {"warm-up", 1, NULL, 7},
        {"first", 1, NULL, 8},          {"temperature", 1, NULL, 9},
        {"alpha-spread", 1, NULL, 10},  {"live-threshold", 1, NULL, 11},
        {"mode", 1, NULL, 'm'},         {"json", 0, NULL, 'j'},
        {"passes", 0, NULL, 'p'},       {"serve", 0, NULL, 's'},
        {"help", 0, NULL, 'h'},         {NULL, 0, NULL, 0}};
    optind = 0; /* getopt starts anew */
    for (int c, at;
         at = optind ? optind : 1, (c = getopt_long(argc, argv, "", table, NULL)) != -1;) {
        if (c == 'h')
            return -1;
        if (c == '?')
            return 1;
        if (take(o, c, optarg, running) != 0) {
            fprintf(stderr, "bench-step: not possible: %s%s%s\n", argv[at], optarg ? " " : "",
                    optarg ? optarg : "");
            return 1;
        }
    }
    if (optind < argc)
        fprintf(stderr, "bench-step: what is '%s'?\n", argv[optind]);
    return optind < argc;
}

/* How long a training step waits for its batch: at the start of a configuration's search, where a
 * step costs most, and when the samples have become one-hot, where it costs least and the loader
 * must be fastest. Beside it, what the loader makes when nobody else works. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/threads.h"
#include "train/state.h"

enum { MOST_SETS = 32, WARM = 5 };

static void must(enum snas_status status, const struct snas_err *err)
{
    if (status == SNAS_OK)
        return;
    fprintf(stderr, "bench-loader: %s\n", err->text);
    exit(1);
}

static void usage(FILE *to, int code)
{
    fputs("bench-loader [--set KEY=VALUE]... [--steps N] [CONFIG]\n"
          "  share of the training time that steps of CONFIG (configs/search/fashion-mnist.yaml)\n"
          "  wait for their batch, all ops live and one-hot\n",
          to);
    exit(code);
}

static void open_search(struct snas_search *s, const struct snas_search_config *config)
{
    static const struct snas_search_options options = {0};
    struct snas_err err = {0};
    must(snas_search_init(s, config, &options, &err), &err);
    must(snas_source_stream(&s->source, config, 0, &s->stream[0], &err), &err);
}

static void alone(const struct snas_search_config *config, int steps)
{
    struct snas_search s;
    struct snas_loaded batch;
    open_search(&s, config);
    for (int i = 0; i < WARM; i++)
        snas_loader_next(s.stream[0], &batch);
    double start = snas_seconds();
    for (int i = 0; i < steps; i++)
        snas_loader_next(s.stream[0], &batch);
    printf("loader alone: %.0f images/s\n", steps * batch.n / (snas_seconds() - start));
    snas_search_clear(&s);
}

static void beside(const struct snas_search_config *config, int steps, const char *what)
{
    struct snas_search s;
    struct snas_err err = {0};
    open_search(&s, config);
    for (int i = 0; i < WARM; i++)
        must(snas_search_step(&s, &err), &err);
    snas_loader_stall(s.stream[0]);
    double start = snas_seconds();
    for (int i = 0; i < steps; i++)
        must(snas_search_step(&s, &err), &err);
    double took = snas_seconds() - start;
    printf("%s: %.0f images/s, waits for batches %.2f%% of the time\n", what,
           (double)(steps * config->search.batch) / took,
           100 * snas_loader_stall(s.stream[0]) / took);
    snas_search_clear(&s);
}

int main(int argc, char **argv)
{
    static const struct option table[] = {
        {"set", 1, NULL, 's'}, {"steps", 1, NULL, 'n'}, {"help", 0, NULL, 'h'}, {NULL, 0, NULL, 0}};
    const char *sets[MOST_SETS];
    int n_sets = 0, steps = 100;
    for (int c; (c = getopt_long(argc, argv, "", table, NULL)) != -1;) {
        if (c == 's' && n_sets < MOST_SETS)
            sets[n_sets++] = optarg;
        else if (c == 'n')
            steps = (int)strtol(optarg, NULL, 10);
        else
            usage(c == 'h' ? stdout : stderr, c == 'h' ? 0 : 2);
    }
    if (steps < 1 || argc - optind > 1)
        usage(stderr, 2);
    struct snas_err err = {0};
    struct snas_search_config config;
    const char *name = optind < argc ? argv[optind] : "configs/search/fashion-mnist.yaml";
    must(snas_search_config_read(name, sets, n_sets, &config, &err), &err);
    snas_threads_init();
    alone(&config, 10 * steps);
    beside(&config, steps, "all ops live");
    config.temperature.start = config.temperature.end;
    config.alpha.init_sd = 4; /* as far apart as a finished search's */
    beside(&config, 4 * steps, "one-hot");
    return 0;
}

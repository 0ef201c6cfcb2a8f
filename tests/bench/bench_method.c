/* What a step of each search method costs: the methods' own steps, theta's clipped SGD included, on
 * one DARTS supernet, one step of each in turn, so that they share what the machine is doing. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "bench.h"
#include "methods/darts.h"
#include "methods/dsnas.h"
#include "methods/random.h"

enum { MOST = 8 };

struct timed {
    const char *name;
    struct snas_method *method;
    double *seconds; /* [steps] */
    double live;     /* sum over the steps */
};

static enum snas_status next_batch(void *owner, int held_out, struct snas_batch *out,
                                   struct snas_err *err)
{
    const struct bench_step *b = owner;
    (void)held_out;
    (void)err;
    *out = (struct snas_batch){b->images, b->labels, b->o.batch};
    return SNAS_OK;
}

static enum snas_status theta_step(void *owner, struct snas_err *err)
{
    (void)err;
    bench_step_update(owner);
    return SNAS_OK;
}

/* Alpha starts as in a search: all ops of an edge alike. */
static enum snas_status make(const struct bench_step *b, const char *name, struct snas_method **out,
                             struct snas_err *err)
{
    const struct snas_alpha_options alpha = {
        .adam = 1, .learning_rate = 3e-4, .beta1 = 0.5, .beta2 = 0.999, .init_sd = 1e-3};
    const struct snas_snas_options snas = {
        .temperature_start = 1, .temperature_end = 1, .alpha = alpha};
    const struct snas_dsnas_options dsnas = {.alpha = alpha};
    const struct snas_random_options random = {0};
    struct snas_darts_options darts = {.epsilon = 0.01, .alpha = alpha};
    static const char *const orders[] = {"darts-first", "darts-second", "darts-single"};
    if (strcmp(name, "snas") == 0)
        return snas_method_snas(b->network, &b->costs, &snas, 1, out, err);
    if (strcmp(name, "dsnas") == 0)
        return snas_method_dsnas(b->network, &b->costs, &dsnas, 1, out, err);
    if (strcmp(name, "random") == 0)
        return snas_method_random(b->network, &b->costs, &random, out, err);
    for (int i = 0; i < 3; i++)
        if (strcmp(name, orders[i]) == 0) {
            darts.order = i;
            return snas_method_darts(b->network, &b->costs, &darts, 1, out, err);
        }
    return snas_fail(err, SNAS_E_CONFIG, "no method '%s'", name);
}

static void step(struct bench_step *b, struct timed *t, int i, int counted)
{
    struct snas_err err = {0};
    struct snas_step_result r;
    const struct snas_method_context context = {.net = b->net,
                                                .next_batch = next_batch,
                                                .theta_step = theta_step,
                                                .owner = b,
                                                .theta_rate = 0.025,
                                                .theta_momentum = 0.9,
                                                .theta_weight_decay = 3e-4,
                                                .theta_buffer = b->velocity,
                                                .seed = 1,
                                                .step = i,
                                                .epochs = 1};
    const double start = bench_seconds();
    bench_must(t->method->ops->step(t->method, &context, &r, &err), &err);
    if (counted) {
        t->seconds[i] = bench_seconds() - start;
        t->live += r.live_ops;
    }
}

/* A one-hot step is as long as its sample asks: the mean is what a search takes. */
static void print(const struct timed *all, int n, int steps)
{
    double of[2] = {0};
    for (int i = 0; i < n; i++) {
        double mean = 0;
        for (int k = 0; k < steps; k++)
            mean += all[i].seconds[k] / steps;
        const double median = bench_median(all[i].seconds, steps);
        if (i == 0) {
            of[0] = mean;
            of[1] = median;
        }
        printf("%-12s mean %8.2f ms, median %8.2f ms; %.3f and %.3f of %s's; %.1f%% of the ops\n",
               all[i].name, mean * 1e3, median * 1e3, mean / of[0], median / of[1], all[0].name,
               100 * all[i].live / steps);
    }
}

static void usage(FILE *to)
{
    fputs("bench-method [--methods LIST] [--channels N] [--layers N] [--batch N] [--side N]\n"
          "             [--input-channels N] [--threads N] [--steps N]\n"
          "  times steps of search methods on the DARTS supernet, one of each in turn\n"
          "  --methods    snas, dsnas, random, darts-first, darts-second, darts-single (default\n"
          "               snas,dsnas); snas at temperature 1 with every op live\n",
          to);
}

static int read_options(struct bench_options *o, char **methods, int argc, char **argv)
{
    static const struct option table[] = {{"methods", 1, NULL, 'm'}, {"channels", 1, NULL, 0},
                                          {"layers", 1, NULL, 1},    {"batch", 1, NULL, 2},
                                          {"side", 1, NULL, 3},      {"input-channels", 1, NULL, 4},
                                          {"threads", 1, NULL, 5},   {"steps", 1, NULL, 6},
                                          {"help", 0, NULL, 'h'},    {NULL, 0, NULL, 0}};
    int *const values[] = {&o->channels,       &o->layers,  &o->batch, &o->side,
                           &o->input_channels, &o->threads, &o->steps};
    for (int c; (c = getopt_long(argc, argv, "", table, NULL)) != -1;) {
        if (c == 'h')
            return -1;
        if (c == '?')
            return 2;
        if (c == 'm') {
            *methods = optarg;
            continue;
        }
        *values[c] = (int)strtol(optarg, NULL, 10);
        if (*values[c] < 1) {
            fprintf(stderr, "bench-method: not possible: %s\n", optarg);
            return 2;
        }
    }
    if (optind < argc)
        fprintf(stderr, "bench-method: what is '%s'?\n", argv[optind]);
    return optind < argc ? 2 : 0;
}

int main(int argc, char **argv)
{
    static struct bench_step b;
    struct bench_options o = bench_options_default();
    struct timed all[MOST] = {{0}};
    struct snas_err err = {0};
    char both[] = "snas,dsnas", *methods = both, *rest = NULL;
    int n = 0, wrong = read_options(&o, &methods, argc, argv);
    if (wrong) {
        usage(wrong < 0 ? stdout : stderr);
        return wrong < 0 ? 0 : wrong;
    }
    snas_threads_init();
    bench_step_make(&b, &o);
    for (char *name = strtok_r(methods, ",", &rest); name && n < MOST;
         name = strtok_r(NULL, ",", &rest), n++) {
        all[n].name = name;
        all[n].seconds = calloc((size_t)o.steps, sizeof(double));
        if (!all[n].seconds) {
            fputs("bench-method: no memory\n", stderr);
            return 1;
        }
        bench_must(make(&b, name, &all[n].method, &err), &err);
    }
    for (int i = -1; i < o.steps; i++)
        for (int m = 0; m < n; m++)
            step(&b, &all[m], i < 0 ? o.steps : i, i >= 0);
    print(all, n, o.steps);
    for (int m = 0; m < n; m++) {
        snas_method_destroy(all[m].method);
        free(all[m].seconds);
    }
    bench_step_free(&b);
    return 0;
}

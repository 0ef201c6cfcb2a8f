/* Speed of a training step (forward, backward, clipped SGD) of the DARTS supernet, or of its
 * hard samples: what tests/bench/bench-peer and engine work measure with. */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "../unit/space/fixture.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/threads.h"
#include "kernels/optimiser.h"
#include "net/net.h"

struct bench {
    int channels, layers, batch, side, input_channels, threads, steps, warm_up, live, json;
    int reference, lean;
    struct snas_network *network;
    struct snas_net *net;
    float *images, *velocity;
    int *labels;
    double *z, *dz;
    double forward, backward, update, cpu; /* of the last step, seconds */
};

static double now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void usage(FILE *to)
{
    fputs("bench-step [--channels N] [--layers N] [--batch N] [--side N] [--input-channels N]\n"
          "           [--threads N] [--steps N] [--warm-up N] [--mode full|onehot|k=N|lean|ref] "
          "[--json]\n"
          "  times training steps of the DARTS supernet; k=N: N random ops live on every edge\n",
          to);
}

static int read_mode(struct bench *b, const char *mode)
{
    if (strcmp(mode, "ref") == 0)
        b->reference = 1;
    else if (strcmp(mode, "lean") == 0)
        b->lean = 1;
    else if (strcmp(mode, "onehot") == 0)
        b->live = 1;
    else if (strncmp(mode, "k=", 2) == 0)
        b->live = (int)strtol(mode + 2, NULL, 10);
    else if (strcmp(mode, "full") != 0)
        return -1;
    return 0;
}

static void read_options(struct bench *b, int argc, char **argv)
{
    static const struct option table[] = {
        {"channels", 1, NULL, 0}, {"layers", 1, NULL, 1},         {"batch", 1, NULL, 2},
        {"side", 1, NULL, 3},     {"input-channels", 1, NULL, 4}, {"threads", 1, NULL, 5},
        {"steps", 1, NULL, 6},    {"warm-up", 1, NULL, 7},        {"mode", 1, NULL, 'm'},
        {"json", 0, NULL, 'j'},   {"help", 0, NULL, 'h'},         {NULL, 0, NULL, 0}};
    int *numbers[] = {&b->channels,       &b->layers,  &b->batch, &b->side,
                      &b->input_channels, &b->threads, &b->steps, &b->warm_up};
    for (int c; (c = getopt_long(argc, argv, "", table, NULL)) != -1;) {
        if (c >= 0 && c < 8) {
            *numbers[c] = (int)strtol(optarg, NULL, 10);
        } else if (c == 'j') {
            b->json = 1;
        } else if (c == 'h') {
            usage(stdout);
            exit(0);
        } else if (c != 'm' || read_mode(b, optarg) != 0) {
            usage(stderr);
            exit(2);
        }
    }
}

static void must(enum snas_status status, const struct snas_err *err)
{
    if (status == SNAS_OK)
        return;
    fprintf(stderr, "bench-step: %s\n", err->text);
    exit(1);
}

static void make(struct bench *b)
{
    struct snas_err err = {0};
    static struct snas_space space;
    fixture_darts(&space);
    struct snas_network_options o = {.channels = b->channels,
                                     .layers = b->layers,
                                     .input = {b->input_channels, b->side, b->side},
                                     .classes = 10,
                                     .pool_bn = 1};
    must(snas_network_create(&space, &o, NULL, &b->network, &err), &err);
    struct snas_net_options n;
    snas_net_options_default(&n);
    n.batch = b->batch;
    n.threads = b->threads;
    n.memory = b->lean ? SNAS_MEMORY_LEAN : SNAS_MEMORY_NORMAL;
    n.engine = b->reference ? SNAS_ENGINE_REF : SNAS_ENGINE_AUTO;
    must(snas_net_create(b->network, &n, &b->net, &err), &err);
    snas_net_init(b->net, 1);
    size_t values =
        (size_t)b->batch * (size_t)b->side * (size_t)b->side * (size_t)b->input_channels;
    b->images = snas_alloc(values, sizeof *b->images, &err);
    b->labels = snas_alloc((size_t)b->batch, sizeof *b->labels, &err);
    b->velocity = snas_alloc(snas_net_theta_size(b->net), sizeof *b->velocity, &err);
    b->z = snas_alloc((size_t)b->network->n_z, sizeof *b->z, &err);
    b->dz = snas_alloc((size_t)b->network->n_z, sizeof *b->dz, &err);
    if (!b->images || !b->labels || !b->velocity || !b->z || !b->dz)
        must(SNAS_E_NOMEM, &err);
    struct snas_rng rng = snas_rng_make(1, SNAS_STREAM_TEST, 0);
    for (size_t i = 0; i < values; i++)
        b->images[i] = (float)snas_rng_normal(&rng);
    for (int i = 0; i < b->batch; i++)
        b->labels[i] = (int)snas_rng_below(&rng, 10);
}

/* The same ops for all cells of a kind, as a search samples them: `live` of each edge, or all. */
static void draw_z(struct bench *b, int step)
{
    const struct snas_network *n = b->network;
    for (int c = 0; c < n->n_cells; c++) {
        struct snas_rng rng =
            snas_rng_make((uint64_t)n->cells[c].kind, SNAS_STREAM_GUMBEL, (uint64_t)step);
        for (int i = 0; i < n->cells[c].n_edges; i++) {
            const struct snas_edge *e = &n->edges[n->cells[c].first_edge + i];
            int left = b->live > 0 && b->live < e->n_ops ? b->live : e->n_ops;
            for (int k = 0; k < e->n_ops; k++) {
                int rest = e->n_ops - k;
                int take = snas_rng_below(&rng, (uint32_t)rest) < (uint32_t)left;
                left -= take;
                b->z[e->z + k] = take ? 1.0 / (b->live > 0 ? b->live : e->n_ops) : 0;
            }
        }
    }
}

static double run_step(struct bench *b, int step)
{
    struct snas_err err = {0};
    struct snas_loss loss;
    draw_z(b, step);
    struct snas_forward f = {
        .batch = {b->images, b->labels, b->batch}, .z = b->z, .bn = SNAS_BN_BATCH_UPDATE};
    struct snas_backward back = {.dz = b->dz};
    size_t n = snas_net_theta_size(b->net);
    double cpu = now(CLOCK_PROCESS_CPUTIME_ID), t0 = now(CLOCK_MONOTONIC);
    must(snas_net_forward(b->net, &f, &loss, &err), &err);
    double t1 = now(CLOCK_MONOTONIC);
    must(snas_net_backward(b->net, &back, &err), &err);
    double t2 = now(CLOCK_MONOTONIC);
    const float *grad = snas_net_grad(b->net);
    double scale = snas_k_clip_factor(sqrt(snas_k_sum_squares_f32(n, grad)), 5);
    snas_k_sgd_f32(n, snas_net_theta(b->net), b->velocity, grad, (float)scale, 0.025F, 0.9F, 3e-4F);
    double t3 = now(CLOCK_MONOTONIC);
    b->forward = t1 - t0;
    b->backward = t2 - t1;
    b->update = t3 - t2;
    b->cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    return t3 - t0;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* `cpu`: the least processor time of a step, which a busy machine disturbs less. */
static void report(const struct bench *b, double *times, double forward, double backward,
                   double cpu)
{
    struct snas_err err = {0};
    struct snas_net_options n;
    struct snas_plan_report plan;
    snas_net_options_default(&n);
    n.batch = b->batch;
    n.threads = b->threads;
    n.memory = b->lean ? SNAS_MEMORY_LEAN : SNAS_MEMORY_NORMAL;
    n.engine = b->reference ? SNAS_ENGINE_REF : SNAS_ENGINE_AUTO;
    must(snas_net_plan(b->network, &n, &plan, &err), &err);
    qsort(times, (size_t)b->steps, sizeof *times, by_size);
    double flops = 0, median = times[b->steps / 2], best = times[0];
    for (int i = 0; i < plan.n_rows; i++)
        flops += plan.rows[i].flops;
    struct rusage usage_now;
    getrusage(RUSAGE_SELF, &usage_now);
    double gflops = b->live ? 0 : flops * b->batch / median * 1e-9;
    if (b->json)
        printf("{\"isa\": \"%s\", \"median_s\": %.6f, \"min_s\": %.6f, \"images_per_s\": %.1f, "
               "\"cpu_s\": %.6f, \"forward_s\": %.6f, \"backward_s\": %.6f, \"update_s\": %.6f, "
               "\"nominal_gflops\": %.1f, \"plan_bytes\": %zu, \"max_rss_kb\": %ld}\n",
               plan.isa, median, best, b->batch / median, cpu, forward, backward, b->update, gflops,
               plan.total_bytes, usage_now.ru_maxrss);
    else
        printf("%s: median %.1f ms, best %.1f ms, processor %.1f ms, %.1f images/s (forward %.1f "
               "ms, backward %.1f ms, "
               "update %.1f ms), %.1f GFLOP/s nominal, plan %.0f MB, peak %.0f MB\n",
               plan.isa, median * 1e3, best * 1e3, cpu * 1e3, b->batch / median, forward * 1e3,
               backward * 1e3, b->update * 1e3, gflops, (double)plan.total_bytes * 1e-6,
               (double)usage_now.ru_maxrss * 1e-3);
    snas_plan_report_clear(&plan);
}

int main(int argc, char **argv)
{
    struct bench b = {.channels = 8,
                      .layers = 3,
                      .batch = 64,
                      .side = 28,
                      .input_channels = 1,
                      .threads = snas_threads_available(),
                      .steps = 10,
                      .warm_up = 2};
    read_options(&b, argc, argv);
    if (b.steps < 1)
        b.steps = 1;
    snas_threads_init();
    make(&b);
    double *times = calloc((size_t)b.steps, sizeof *times), forward = 1e9, backward = 1e9,
           cpu = 1e9;
    if (!times)
        return 1;
    for (int i = 0; i < b.warm_up; i++)
        run_step(&b, i);
    for (int i = 0; i < b.steps; i++) {
        times[i] = run_step(&b, b.warm_up + i);
        forward = b.forward < forward ? b.forward : forward;
        backward = b.backward < backward ? b.backward : backward;
        cpu = b.cpu < cpu ? b.cpu : cpu;
    }
    report(&b, times, forward, backward, cpu);
    snas_net_destroy(b.net);
    snas_network_destroy(b.network);
    snas_free(b.images);
    snas_free(b.labels);
    snas_free(b.velocity);
    snas_free(b.z);
    snas_free(b.dz);
    free(times);
    return 0;
}

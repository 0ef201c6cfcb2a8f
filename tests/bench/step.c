/* The step that bench-step times. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../unit/space/fixture.h"
#include "base/mem.h"
#include "base/rng.h"
#include "bench.h"
#include "kernels/optimiser.h"
#include "methods/concrete.h"

static double now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Resident memory that no file backs (VmHWM counts file pages as well). */
static long anonymous_kb(void)
{
    char line[128];
    long kb = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, "RssAnon:", 8) == 0)
            kb = strtol(line + 8, NULL, 10);
    if (f)
        fclose(f);
    return kb;
}

static void make_net(struct bench_step *b)
{
    struct snas_err err = {0};
    const struct bench_options *o = &b->o;
    const struct snas_network_options network = {.channels = o->channels,
                                                 .layers = o->layers,
                                                 .input = {o->input_channels, o->side, o->side},
                                                 .classes = 10,
                                                 .pool_bn = 1};
    struct snas_net_options net;
    fixture_darts(&b->space);
    bench_must(snas_network_create(&b->space, &network, NULL, &b->network, &err), &err);
    bench_must(snas_cost_table_create(b->network, &b->costs, &err), &err);
    snas_net_options_default(&net);
    net.batch = o->batch;
    net.threads = o->threads;
    net.memory = o->lean ? SNAS_MEMORY_LEAN : SNAS_MEMORY_NORMAL;
    net.engine = o->reference ? SNAS_ENGINE_REF : SNAS_ENGINE_AUTO;
    bench_must(snas_net_plan(b->network, &net, &b->plan, &err), &err);
    for (int i = 0; i < b->plan.n_rows; i++)
        b->plan_flops += b->plan.rows[i].flops;
    bench_must(snas_net_create(b->network, &net, &b->net, &err), &err);
    snas_net_init(b->net, 1);
}

static void *need(size_t count, size_t size)
{
    struct snas_err err = {0};
    void *p = snas_alloc(count, size, &err);
    if (!p)
        bench_must(SNAS_E_NOMEM, &err);
    return p;
}

void bench_step_make(struct bench_step *b, const struct bench_options *o)
{
    memset(b, 0, sizeof *b);
    b->o = *o;
    make_net(b);
    const size_t side = (size_t)o->side;
    const size_t values = (size_t)o->batch * side * side * (size_t)o->input_channels;
    b->images = need(values, sizeof *b->images);
    b->labels = need((size_t)o->batch, sizeof *b->labels);
    b->velocity = need(snas_net_theta_size(b->net), sizeof *b->velocity);
    b->sample = need((size_t)b->network->n_z, sizeof *b->sample);
    b->z = need((size_t)b->network->n_z, sizeof *b->z);
    b->dz = need((size_t)b->network->n_z, sizeof *b->dz);
    struct snas_rng rng = snas_rng_make(1, SNAS_STREAM_TEST, 0);
    for (size_t i = 0; i < values; i++)
        b->images[i] = (float)snas_rng_normal(&rng);
    for (int i = 0; i < o->batch; i++)
        b->labels[i] = (int)snas_rng_below(&rng, 10);
    bench_step_change(b, o);
}

void bench_step_change(struct bench_step *b, const struct bench_options *o)
{
    struct snas_err err = {0};
    b->o = *o;
    snas_method_destroy(b->method);
    b->method = NULL;
    const struct snas_snas_options sampling = {.temperature_start = o->temperature,
                                               .temperature_end = o->temperature,
                                               .live_threshold = o->threshold};
    if (o->temperature > 0)
        bench_must(snas_method_snas(b->network, &b->costs, &sampling, 1, &b->method, &err), &err);
}

void bench_step_free(struct bench_step *b)
{
    snas_method_destroy(b->method);
    snas_net_destroy(b->net);
    snas_plan_report_clear(&b->plan);
    snas_cost_table_clear(&b->costs);
    snas_network_destroy(b->network);
    snas_free(b->images);
    snas_free(b->labels);
    snas_free(b->velocity);
    snas_free(b->sample);
    snas_free(b->z);
    snas_free(b->dz);
}

/* `live` ops of each edge (or all), the same for all cells of a kind. */
static void draw_count(struct bench_step *b, int step)
{
    const struct snas_network *n = b->network;
    const int live = b->o.live;
    for (int c = 0; c < n->n_cells; c++) {
        struct snas_rng rng =
            snas_rng_make((uint64_t)n->cells[c].kind, SNAS_STREAM_GUMBEL, (uint64_t)step);
        for (int i = 0; i < n->cells[c].n_edges; i++) {
            const struct snas_edge *e = &n->edges[n->cells[c].first_edge + i];
            int left = live > 0 && live < e->n_ops ? live : e->n_ops;
            for (int k = 0; k < e->n_ops; k++) {
                const int rest = e->n_ops - k;
                const int take = snas_rng_below(&rng, (uint32_t)rest) < (uint32_t)left;
                left -= take;
                b->sample[e->z + k] = take ? 1.0 / (live > 0 ? live : e->n_ops) : 0;
            }
        }
    }
}

/* alpha is new at every step too, so that a mean over steps is one over alphas. */
static void draw_concrete(struct bench_step *b, int step)
{
    struct snas_rng rng = snas_rng_make(1, SNAS_STREAM_ALPHA, (uint64_t)step);
    for (int i = 0; i < b->method->n_alpha; i++)
        b->method->alpha[i] = b->o.spread * snas_rng_normal(&rng);
    b->method->ops->sample(b->method, 1, SNAS_STREAM_GUMBEL, (uint64_t)step, 0, b->sample);
}

double bench_seconds(void)
{
    return now(CLOCK_MONOTONIC);
}

void bench_step_update(struct bench_step *b)
{
    const size_t n = snas_net_theta_size(b->net);
    const float *grad = snas_net_grad(b->net);
    const double scale = snas_k_clip_factor(sqrt(snas_k_sum_squares_f32(n, grad)), 5);
    snas_k_sgd_f32(n, snas_net_theta(b->net), b->velocity, grad, (float)scale, 0.025F, 0.9F, 3e-4F);
}

double bench_step_run(struct bench_step *b, int step)
{
    struct snas_err err = {0};
    struct snas_loss loss;
    if (b->method)
        draw_concrete(b, step);
    else
        draw_count(b, step);
    const struct snas_forward f = {
        .batch = {b->images, b->labels, b->o.batch}, .z = b->z, .bn = SNAS_BN_BATCH_UPDATE};
    const struct snas_backward back = {.dz = b->dz};
    const double cpu = now(CLOCK_PROCESS_CPUTIME_ID), t0 = now(CLOCK_MONOTONIC);
    snas_concrete_live(b->sample, b->network->n_z, b->o.threshold, b->z);
    bench_must(snas_net_forward(b->net, &f, &loss, &err), &err);
    const double t1 = now(CLOCK_MONOTONIC);
    bench_must(snas_net_backward(b->net, &back, &err), &err);
    const double t2 = now(CLOCK_MONOTONIC);
    bench_step_update(b);
    const double t3 = now(CLOCK_MONOTONIC);
    b->forward = t1 - t0;
    b->backward = t2 - t1;
    b->update = t3 - t2;
    b->cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    const long kb = anonymous_kb();
    b->peak_anonymous_kb = kb > b->peak_anonymous_kb ? kb : b->peak_anonymous_kb;
    return t3 - t0;
}

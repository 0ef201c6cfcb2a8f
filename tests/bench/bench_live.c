/* What leaving out ops of a small z (sample.live_threshold) does to the gradient. Runs a search,
 * and at the first epoch's end that has come down to each temperature compares, on the same
 * weights, alpha, batches and samples, the gradients of the thresholds with those of threshold 0:
 * docs/live-ops.md. */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/threads.h"
#include "methods/concrete.h"
#include "train/state.h"

enum { MOST = 8, MOST_SETS = 32 };
enum vector { ALPHA, THETA, VECTORS };
static const char *const vector_name[VECTORS] = {"alpha", "theta"};

/* Where the study's batches start in the training stream: far from what the search reads. */
static const int64_t first_batch = (int64_t)1 << 32;

/* A threshold's gradient beside threshold 0's, over all steps compared. */
struct comparison {
    double cosine, worst, error2, norm2;
};

/* Threshold 0's gradients: per sample the sum over batches, and the sum of squared norms. */
struct moments {
    double *sum; /* [samples][n] */
    double *squares;
};

struct study {
    const char *config_name;
    const char *sets[MOST_SETS];
    int n_sets;
    double temperatures[MOST], thresholds[MOST];
    int n_temperatures, n_thresholds, samples, batches;
    struct snas_search_config config;
    struct snas_search search;
    struct snas_loader *stream;
    double *z, *z_live, *dz;
    size_t n[VECTORS];
    double *exact[VECTORS], *other[VECTORS]; /* [n] gradients of a step */
    struct moments moments[VECTORS];
    struct comparison comparison[MOST][VECTORS];
    double live[MOST + 1]; /* sum over steps of the share of ops that were computed */
};

static void must(enum snas_status status, const struct snas_err *err)
{
    if (status == SNAS_OK)
        return;
    fprintf(stderr, "bench-live: %s\n", err->text);
    exit(1);
}

static void usage(FILE *to, int code)
{
    fputs("bench-live [--set KEY=VALUE]... [--temperatures 1,0.5,0.2,0.05]\n"
          "           [--thresholds 1e-3,1e-2] [--samples N] [--batches N] [CONFIG]\n"
          "  runs the search of CONFIG (configs/search/fashion-mnist.yaml), writes no files, and\n"
          "  compares gradients with and without live_threshold at each temperature, on N samples\n"
          "  of N batches each\n",
          to);
    exit(code);
}

static int read_list(const char *text, double *out)
{
    int n = 0;
    for (char *end; n < MOST && *text; text = *end ? end + 1 : end) {
        out[n] = strtod(text, &end);
        if (end == text || (*end && *end != ',') || !(out[n] > 0))
            usage(stderr, 2);
        n++;
    }
    return n;
}

static void read_options(struct study *s, int argc, char **argv)
{
    static const struct option table[] = {
        {"set", 1, NULL, 's'},     {"temperatures", 1, NULL, 't'}, {"thresholds", 1, NULL, 'l'},
        {"samples", 1, NULL, 'n'}, {"batches", 1, NULL, 'b'},      {"help", 0, NULL, 'h'},
        {NULL, 0, NULL, 0}};
    s->n_temperatures = read_list("1,0.5,0.2,0.05", s->temperatures);
    s->n_thresholds = read_list("1e-3,1e-2", s->thresholds);
    for (int c; (c = getopt_long(argc, argv, "", table, NULL)) != -1;) {
        if (c == 's' && s->n_sets < MOST_SETS)
            s->sets[s->n_sets++] = optarg;
        else if (c == 't')
            s->n_temperatures = read_list(optarg, s->temperatures);
        else if (c == 'l')
            s->n_thresholds = read_list(optarg, s->thresholds);
        else if (c == 'n')
            s->samples = (int)strtol(optarg, NULL, 10);
        else if (c == 'b')
            s->batches = (int)strtol(optarg, NULL, 10);
        else
            usage(c == 'h' ? stdout : stderr, c == 'h' ? 0 : 2);
    }
    if (s->samples < 1 || s->batches < 2 || argc - optind > 1)
        usage(stderr, 2);
    s->config_name = optind < argc ? argv[optind] : "configs/search/fashion-mnist.yaml";
}

static double *doubles(size_t n)
{
    struct snas_err err = {0};
    double *out = snas_alloc(n, sizeof(*out), &err);
    must(out ? SNAS_OK : SNAS_E_NOMEM, &err);
    return out;
}

static void make(struct study *s)
{
    static const struct snas_search_options options = {0};
    struct snas_err err = {0};
    struct snas_search *search = &s->search;
    must(snas_search_config_read(s->config_name, s->sets, s->n_sets, &s->config, &err), &err);
    must(snas_search_init(search, &s->config, &options, &err), &err);
    must(snas_source_stream(&search->source, &s->config, 0, &search->stream[0], &err), &err);
    must(snas_source_stream(&search->source, &s->config, 0, &s->stream, &err), &err);
    size_t n_z = (size_t)search->network->n_z;
    s->z = doubles(n_z);
    s->z_live = doubles(n_z);
    s->dz = doubles(n_z);
    s->n[ALPHA] = (size_t)search->method->n_alpha;
    s->n[THETA] = snas_net_theta_size(search->net);
    for (int v = 0; v < VECTORS; v++) {
        s->exact[v] = doubles(s->n[v]);
        s->other[v] = doubles(s->n[v]);
        s->moments[v].sum = doubles(s->n[v] * (size_t)s->samples);
        s->moments[v].squares = doubles((size_t)s->samples);
    }
}

static void clear(struct study *s)
{
    for (int v = 0; v < VECTORS; v++) {
        snas_free(s->exact[v]);
        snas_free(s->other[v]);
        snas_free(s->moments[v].sum);
        snas_free(s->moments[v].squares);
    }
    snas_free(s->z);
    snas_free(s->z_live);
    snas_free(s->dz);
    snas_loader_destroy(s->stream);
    snas_search_clear(&s->search);
}

/* A sample of the search's distribution, but at the study's temperature; shared by the cells of a
 * kind unless the configuration says otherwise. */
static void draw(struct study *s, uint64_t index, double temperature)
{
    const struct snas_method *m = s->search.method;
    for (int e = 0; e < m->network->n_edges; e++) {
        const struct snas_alpha_row *row = &m->rows[m->edge_row[e]];
        int place = s->config.sample.per_cell ? e : m->edge_row[e];
        struct snas_rng rng = snas_rng_make(index, SNAS_STREAM_TEST, (uint64_t)place);
        double gumbel[SNAS_MAX_OPS];
        for (int k = 0; k < row->n_ops; k++)
            gumbel[k] = snas_rng_gumbel(&rng);
        snas_concrete_sample(m->alpha + row->first, gumbel, row->n_ops, temperature,
                             s->z + m->network->edges[e].z);
    }
}

/* The gradients of one step as the search takes it; running statistics stay. */
static void gradient(struct study *s, const struct snas_loaded *batch, double threshold,
                     double temperature, double **out, double *live)
{
    struct snas_err err = {0};
    struct snas_loss loss;
    const struct snas_method *m = s->search.method;
    const struct snas_network *net = m->network;
    int computed = 0;
    for (int i = 0; i < net->n_z; i++) {
        s->z_live[i] = s->z[i] < threshold ? 0 : s->z[i];
        computed += s->z_live[i] > 0;
    }
    *live += (double)computed / net->n_z;
    const struct snas_forward forward = {
        .batch = {batch->images, batch->labels, batch->n}, .z = s->z_live, .bn = SNAS_BN_BATCH};
    const struct snas_backward backward = {.dz = s->dz};
    must(snas_net_forward(s->search.net, &forward, &loss, &err), &err);
    must(snas_net_backward(s->search.net, &backward, &err), &err);
    memset(out[ALPHA], 0, s->n[ALPHA] * sizeof(double));
    for (int e = 0; e < net->n_edges; e++) {
        const struct snas_alpha_row *row = &m->rows[m->edge_row[e]];
        snas_concrete_backward(s->z + net->edges[e].z, s->dz + net->edges[e].z, row->n_ops,
                               temperature, out[ALPHA] + row->first);
    }
    const float *theta = snas_net_grad(s->search.net);
    for (size_t i = 0; i < s->n[THETA]; i++)
        out[THETA][i] = (double)theta[i];
}

static double dot(size_t n, const double *a, const double *b)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

static void note(struct study *s, int sample)
{
    for (int v = 0; v < VECTORS; v++) {
        double *sum = s->moments[v].sum + (size_t)sample * s->n[v];
        for (size_t i = 0; i < s->n[v]; i++)
            sum[i] += s->exact[v][i];
        s->moments[v].squares[sample] += dot(s->n[v], s->exact[v], s->exact[v]);
    }
}

static void compare(struct study *s, struct comparison *of)
{
    for (int v = 0; v < VECTORS; v++) {
        const double *a = s->exact[v], *b = s->other[v];
        double aa = dot(s->n[v], a, a), bb = dot(s->n[v], b, b), ab = dot(s->n[v], a, b);
        double cosine = aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : aa == bb;
        double error2 = 0;
        for (size_t i = 0; i < s->n[v]; i++)
            error2 += (b[i] - a[i]) * (b[i] - a[i]);
        of[v].cosine += cosine;
        of[v].worst = fmin(of[v].worst, cosine);
        of[v].error2 += error2;
        of[v].norm2 += aa;
    }
}

/* Standard deviation (root of the summed variances of all entries) of threshold 0's gradient from
 * batch to batch with the sample held, and from step to step, where batch and sample change. */
static void deviations(const struct study *s, int v, double *batch, double *step)
{
    double within = 0, squares = 0, mean2 = 0, steps = (double)s->samples * s->batches;
    for (int i = 0; i < s->samples; i++) {
        const double *sum = s->moments[v].sum + (size_t)i * s->n[v];
        within += s->moments[v].squares[i] - dot(s->n[v], sum, sum) / s->batches;
        squares += s->moments[v].squares[i];
    }
    for (size_t k = 0; k < s->n[v]; k++) {
        double total = 0;
        for (int i = 0; i < s->samples; i++)
            total += s->moments[v].sum[(size_t)i * s->n[v] + k];
        mean2 += total * total / steps;
    }
    *batch = sqrt(within / (steps - s->samples));
    *step = sqrt((squares - mean2) / (steps - 1));
}

static void report(const struct study *s, double temperature)
{
    double steps = (double)s->samples * s->batches;
    for (int v = 0; v < VECTORS; v++) {
        double batch, step;
        deviations(s, v, &batch, &step);
        for (int t = 0; t < s->n_thresholds; t++) {
            const struct comparison *c = &s->comparison[t][v];
            double error = sqrt(c->error2 / steps);
            printf("| %g | %g | %s | %.0f%% -> %.0f%% | %.6f | %.6f | %.3f%% | %.2f%% | %.2f%% |\n",
                   temperature, s->thresholds[t], vector_name[v], 100 * s->live[0] / steps,
                   100 * s->live[t + 1] / steps, c->cosine / steps, c->worst,
                   100 * sqrt(c->error2 / c->norm2), 100 * error / batch, 100 * error / step);
        }
    }
    fflush(stdout);
}

static void measure(struct study *s, double temperature)
{
    for (int v = 0; v < VECTORS; v++) {
        memset(s->moments[v].sum, 0, s->n[v] * (size_t)s->samples * sizeof(double));
        memset(s->moments[v].squares, 0, (size_t)s->samples * sizeof(double));
        for (int t = 0; t < s->n_thresholds; t++)
            s->comparison[t][v] = (struct comparison){.worst = 1};
    }
    memset(s->live, 0, sizeof(s->live));
    snas_loader_seek(s->stream, first_batch);
    for (int b = 0; b < s->batches; b++) {
        struct snas_loaded batch;
        snas_loader_next(s->stream, &batch);
        for (int i = 0; i < s->samples; i++) {
            draw(s, (uint64_t)i, temperature);
            gradient(s, &batch, 0, temperature, s->exact, &s->live[0]);
            note(s, i);
            for (int t = 0; t < s->n_thresholds; t++) {
                gradient(s, &batch, s->thresholds[t], temperature, s->other, &s->live[t + 1]);
                compare(s, s->comparison[t]);
            }
        }
    }
    report(s, temperature);
}

/* The largest minus the smallest logit of an edge, mean over edges. */
static double spread(const struct snas_method *m)
{
    double sum = 0;
    for (int r = 0; r < m->n_rows; r++) {
        const double *alpha = m->alpha + m->rows[r].first;
        double low = alpha[0], high = alpha[0];
        for (int k = 1; k < m->rows[r].n_ops; k++) {
            low = fmin(low, alpha[k]);
            high = fmax(high, alpha[k]);
        }
        sum += high - low;
    }
    return sum / m->n_rows;
}

static void run(struct study *s)
{
    struct snas_err err = {0};
    puts("| T | threshold | d | ops computed | cosine, mean | worst | relative error "
         "| error / sd of batches | error / sd of steps |\n|---|---|---|---|---|---|---|---|---|");
    int next = 0, epochs = (int)s->config.search.epochs;
    for (int epoch = 0; epoch < epochs && next < s->n_temperatures; epoch++) {
        for (int64_t i = 0; i < s->search.steps_per_epoch; i++)
            must(snas_search_step(&s->search, &err), &err);
        double reached = s->search.method->ops->temperature(s->search.method, epoch, epochs);
        fprintf(stderr, "epoch %d: T = %.3f, spread of alpha %.2f, training %.1f%%\n", epoch + 1,
                reached, spread(s->search.method),
                100.0 * (double)s->search.at.correct / (double)s->search.at.images);
        for (; next < s->n_temperatures && reached <= s->temperatures[next]; next++)
            measure(s, s->temperatures[next]);
        s->search.at.epoch++;
        s->search.at.step_in_epoch = s->search.at.correct = s->search.at.images = 0;
    }
}

int main(int argc, char **argv)
{
    static struct study s = {.samples = 16, .batches = 4};
    read_options(&s, argc, argv);
    snas_threads_init();
    make(&s);
    run(&s);
    clear(&s);
    return 0;
}

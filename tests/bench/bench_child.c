/* Speed of one architecture (a genotype's network): a training step (forward, backward, clipped
 * SGD), which bench-train puts beside PyTorch's; or an evaluation step (forward by running
 * statistics), here put beside ONNX Runtime's on the exported model, round by round. */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/threads.h"
#include "export/check/runtime.h"
#include "export/export.h"
#include "kernels/optimiser.h"
#include "net/net.h"

enum { TIMES_MAX = 4096, PAUSE_US = 100000 };

struct bench {
    const char *genotype, *space, *model;
    int channels, layers, batch, side, input_channels, classes, threads, steps, rounds;
    int evaluate, json, pool_bn, affine;
    struct snas_network *network;
    struct snas_net *net;
    struct snas_child child;
    float *images, *planes, *velocity, *logits;
    int *labels;
    struct snas_session *session;
    double ours[TIMES_MAX], theirs[TIMES_MAX];
    int n_ours, n_theirs;
    double forward, backward, largest;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void usage(FILE *to)
{
    fputs("bench-child [--mode train|eval] [--genotype FILE] [--space NAME] [--channels N]\n"
          "            [--layers N] [--batch N] [--side N] [--input-channels N] [--classes N]\n"
          "            [--threads N] [--steps N] [--rounds N] [--searched] [--json]\n"
          "  times steps of a genotype's network; eval: beside ONNX Runtime, interleaved.\n"
          "  --searched: batch norm as a search's child has it (no gamma and beta, behind pools)\n",
          to);
}

static void must(enum snas_status status, const struct snas_err *err)
{
    if (status == SNAS_OK)
        return;
    fprintf(stderr, "bench-child: %s\n", err->text);
    exit(1);
}

static void read_options(struct bench *b, int argc, char **argv)
{
    static const struct option table[] = {
        {"channels", 1, NULL, 0},   {"layers", 1, NULL, 1},         {"batch", 1, NULL, 2},
        {"side", 1, NULL, 3},       {"input-channels", 1, NULL, 4}, {"threads", 1, NULL, 5},
        {"steps", 1, NULL, 6},      {"rounds", 1, NULL, 7},         {"classes", 1, NULL, 8},
        {"mode", 1, NULL, 'm'},     {"genotype", 1, NULL, 'g'},     {"space", 1, NULL, 's'},
        {"searched", 0, NULL, 'r'}, {"json", 0, NULL, 'j'},         {"help", 0, NULL, 'h'},
        {NULL, 0, NULL, 0}};
    int *numbers[] = {&b->channels, &b->layers, &b->batch,  &b->side,   &b->input_channels,
                      &b->threads,  &b->steps,  &b->rounds, &b->classes};
    for (int c; (c = getopt_long(argc, argv, "", table, NULL)) != -1;) {
        if (c >= 0 && c <= 8) {
            *numbers[c] = (int)strtol(optarg, NULL, 10);
        } else if (c == 'm' && (strcmp(optarg, "train") == 0 || strcmp(optarg, "eval") == 0)) {
            b->evaluate = optarg[0] == 'e';
        } else if (c == 'g') {
            b->genotype = optarg;
        } else if (c == 's') {
            b->space = optarg;
        } else if (c == 'r') {
            b->pool_bn = 1;
            b->affine = 0;
        } else if (c == 'j') {
            b->json = 1;
        } else {
            usage(c == 'h' ? stdout : stderr);
            exit(c == 'h' ? 0 : 2);
        }
    }
    if (b->steps < 1 || b->rounds < 1 || b->steps * b->rounds > TIMES_MAX) {
        fprintf(stderr, "bench-child: 1..%d steps in all\n", TIMES_MAX);
        exit(2);
    }
}

static float *floats(size_t n)
{
    struct snas_err err = {0};
    float *p = snas_alloc(n, sizeof *p, &err);
    if (!p)
        must(SNAS_E_NOMEM, &err);
    return p;
}

static void make_images(struct bench *b)
{
    const size_t pixels = (size_t)b->side * (size_t)b->side, c = (size_t)b->input_channels;
    const size_t values = (size_t)b->batch * pixels * c;
    struct snas_err err = {0};
    b->images = floats(values);
    b->planes = floats(values);
    b->labels = snas_alloc((size_t)b->batch, sizeof *b->labels, &err);
    if (!b->labels)
        must(SNAS_E_NOMEM, &err);
    struct snas_rng rng = snas_rng_make(1, SNAS_STREAM_TEST, 0);
    for (size_t i = 0; i < values; i++) {
        size_t image = i / (pixels * c), pixel = i / c % pixels, channel = i % c;
        b->images[i] = (float)snas_rng_normal(&rng);
        b->planes[(image * c + channel) * pixels + pixel] = b->images[i];
    }
    for (int i = 0; i < b->batch; i++)
        b->labels[i] = (int)snas_rng_below(&rng, (uint32_t)b->classes);
}

static void make(struct bench *b)
{
    struct snas_err err = {0};
    static struct snas_space space;
    static struct snas_genotype genotype;
    must(snas_space_read(b->space, &space, &err), &err);
    must(snas_genotype_read(b->genotype, &space, &genotype, &err), &err);
    struct snas_network_options o = {.channels = b->channels,
                                     .layers = b->layers,
                                     .input = {b->input_channels, b->side, b->side},
                                     .classes = b->classes,
                                     .affine = b->affine,
                                     .pool_bn = b->pool_bn};
    must(snas_network_create(&space, &o, &genotype, &b->network, &err), &err);
    struct snas_net_options n;
    snas_net_options_default(&n);
    n.batch = b->batch;
    n.threads = b->threads;
    n.training = !b->evaluate;
    must(snas_net_create(b->network, &n, &b->net, &err), &err);
    snas_net_init(b->net, 1);
    make_images(b);
    b->velocity = floats(snas_net_theta_size(b->net));
    b->logits = floats((size_t)b->batch * (size_t)b->classes);
}

/* ---- training */

static double train_step(struct bench *b)
{
    struct snas_err err = {0};
    struct snas_loss loss;
    struct snas_forward f = {.batch = {b->images, b->labels, b->batch}, .bn = SNAS_BN_BATCH_UPDATE};
    struct snas_backward back = {0};
    size_t n = snas_net_theta_size(b->net);
    double t0 = now();
    must(snas_net_forward(b->net, &f, &loss, &err), &err);
    double t1 = now();
    must(snas_net_backward(b->net, &back, &err), &err);
    double t2 = now();
    const float *grad = snas_net_grad(b->net);
    double scale = snas_k_clip_factor(sqrt(snas_k_sum_squares_f32(n, grad)), 5);
    snas_k_sgd_f32(n, snas_net_theta(b->net), b->velocity, grad, (float)scale, 0.025F, 0.9F, 3e-4F);
    b->forward = t1 - t0;
    b->backward = t2 - t1;
    return now() - t0;
}

/* ---- evaluation */

static double eval_step(struct bench *b)
{
    struct snas_err err = {0};
    struct snas_loss loss;
    struct snas_forward f = {.batch = {b->images, NULL, b->batch}, .bn = SNAS_BN_RUNNING};
    double t0 = now();
    must(snas_net_forward(b->net, &f, &loss, &err), &err);
    return now() - t0;
}

static double their_step(struct bench *b)
{
    struct snas_err err = {0};
    double t0 = now();
    must(snas_session_run(b->session, b->planes, b->batch, b->logits, &err), &err);
    return now() - t0;
}

/* The net's child, exported as snas-export does it, and opened. Statistics are the batch's. */
static void open_model(struct bench *b)
{
    struct snas_err err = {0};
    struct snas_loss loss;
    struct snas_forward f = {.batch = {b->images, NULL, b->batch}, .bn = SNAS_BN_ESTIMATE};
    snas_net_estimate_begin(b->net);
    must(snas_net_forward(b->net, &f, &loss, &err), &err);
    snas_net_estimate_end(b->net);
    b->child.network = b->network;
    b->child.info = (struct snas_child_info){.bn_eps = 1e-5};
    for (int c = 0; c < b->input_channels; c++)
        b->child.info.sd[c] = 1;
    b->child.values = snas_alloc((size_t)b->network->n_params, sizeof *b->child.values, &err);
    if (!b->child.values)
        must(SNAS_E_NOMEM, &err);
    for (int p = 0; p < b->network->n_params; p++)
        b->child.values[p] = snas_net_param(b->net, p);
    struct snas_export_options options = {0};
    struct snas_graph graph;
    struct snas_export_report report;
    struct snas_export_info info;
    struct snas_onnx_staged staged;
    char path[] = "/tmp/bench-child.XXXXXX";
    int file = mkstemp(path);
    if (file < 0) {
        perror("bench-child: /tmp");
        exit(1);
    }
    close(file);
    must(snas_export_graph(&b->child, &options, &graph, &report, &err), &err);
    must(snas_export_info_make(&b->child, &options, &report, &info, &err), &err);
    must(snas_onnx_stage(&graph, &info.onnx, path, SNAS_ONNX_MAX_BYTES, &staged, &err), &err);
    snas_export_info_clear(&info);
    snas_graph_clear(&graph);
    enum snas_status s = snas_session_open(SNAS_RUNTIME_ORT, snas_onnx_staged_path(&staged),
                                           b->threads, &b->session, &err);
    snas_onnx_abort(&staged);
    unlink(path);
    must(s, &err);
}

static void compare_logits(struct bench *b)
{
    const float *ours = snas_net_logits(b->net);
    double largest = 0, size = 0;
    for (size_t i = 0; i < (size_t)b->batch * (size_t)b->classes; i++) {
        largest = fmax(largest, fabs((double)ours[i] - (double)b->logits[i]));
        size = fmax(size, fabs((double)ours[i]));
    }
    b->largest = largest;
    if (largest <= 1e-3 * (1 + size))
        return;
    fprintf(stderr, "bench-child: ONNX Runtime's logits differ by %g\n", largest);
    exit(1);
}

static void run(struct bench *b)
{
    if (b->evaluate)
        open_model(b);
    for (int i = 0; i < 2; i++) {
        if (!b->evaluate) {
            train_step(b);
            continue;
        }
        eval_step(b);
        their_step(b);
    }
    if (b->evaluate)
        compare_logits(b);
    for (int r = 0; r < b->rounds; r++) {
        if (b->evaluate)
            usleep(PAUSE_US); /* their threads go on spinning for a while */
        for (int i = 0; i < b->steps; i++)
            b->ours[b->n_ours++] = b->evaluate ? eval_step(b) : train_step(b);
        for (int i = 0; b->evaluate && i < b->steps; i++)
            b->theirs[b->n_theirs++] = their_step(b);
    }
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *times, int n)
{
    qsort(times, (size_t)n, sizeof *times, by_size);
    return times[n / 2];
}

static void report(struct bench *b)
{
    struct snas_err err = {0};
    struct snas_net_options n;
    struct snas_plan_report plan;
    snas_net_options_default(&n);
    n.batch = b->batch;
    n.threads = b->threads;
    n.training = !b->evaluate;
    must(snas_net_plan(b->network, &n, &plan, &err), &err);
    double flops = 0, ours = median(b->ours, b->n_ours);
    for (int i = 0; i < plan.n_rows; i++)
        flops += plan.rows[i].flops;
    const double gflops = flops * b->batch / ours * 1e-9;
    const double rate = b->batch / ours;
    const long long params = (long long)snas_network_param_count(b->network);
    double theirs = b->evaluate ? median(b->theirs, b->n_theirs) : 0;
    if (b->json) {
        printf("{\"isa\": \"%s\", \"parameters\": %lld, \"median_s\": %.6f, \"min_s\": %.6f, "
               "\"images_per_s\": %.1f, \"nominal_gflops\": %.1f, \"plan_bytes\": %zu",
               plan.isa, params, ours, b->ours[0], rate, gflops, plan.total_bytes);
        if (b->evaluate)
            printf(", \"onnxruntime_s\": %.6f, \"ratio\": %.3f, \"largest_difference\": %.2e",
                   theirs, theirs / ours, b->largest);
        printf("}\n");
    } else {
        printf("%s: C=%d, %d cells, %d px, batch %d, %d threads, %lld parameters: median %.1f ms, "
               "best %.1f ms, %.1f images/s, %.1f GFLOP/s nominal, plan %.0f MB\n",
               plan.isa, b->channels, b->layers, b->side, b->batch, b->threads, params, ours * 1e3,
               b->ours[0] * 1e3, rate, gflops, (double)plan.total_bytes * 1e-6);
        if (b->evaluate)
            printf("  ONNX Runtime: median %.1f ms, best %.1f ms, %.1f images/s; ours %.2f x its "
                   "images/s; largest difference of a logit %.1e\n",
                   theirs * 1e3, b->theirs[0] * 1e3, b->batch / theirs, theirs / ours, b->largest);
        else
            printf("  last step: forward %.1f ms, backward %.1f ms\n", b->forward * 1e3,
                   b->backward * 1e3);
    }
    snas_plan_report_clear(&plan);
}

int main(int argc, char **argv)
{
    static struct bench b = {.genotype = "configs/genotypes/DARTS_V2.txt",
                             .space = "darts",
                             .channels = 36,
                             .layers = 20,
                             .batch = 96,
                             .side = 32,
                             .input_channels = 3,
                             .classes = 10,
                             .steps = 3,
                             .rounds = 1,
                             .affine = 1};
    b.threads = snas_threads_available();
    read_options(&b, argc, argv);
    snas_threads_init();
    make(&b);
    run(&b);
    report(&b);
    snas_session_close(b.session);
    snas_free(b.child.values);
    snas_net_destroy(b.net);
    snas_network_destroy(b.network);
    snas_free(b.images);
    snas_free(b.planes);
    snas_free(b.labels);
    snas_free(b.velocity);
    snas_free(b.logits);
    return 0;
}

/* Speed of every vectorised kernel in a hot cache, on one thread, beside the peak of its
 * instruction set; beside the matrix products, OpenBLAS' sgemm of the same size. */
#include <cblas.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/threads.h"
#include "bench.h"
#include "kernels/kernels.h"

enum { BORDER = 4, MOST_TAPS = 49, BUFFERS = 6 };

/* A shape: rows x width pixels; `c` channels in, `n` out (matrices), taps of a window. */
struct shape {
    int rows, width, c, n, window, dilation;
};

struct bench {
    const struct snas_kernels *k;
    struct shape s;
    int n_runs, pixels;
    struct snas_k_run runs[MOST_TAPS];
    struct snas_arena arena; /* the engine's planes begin at a cache line: so do these */
    float *buffer[BUFFERS];  /* a padded plane each, of the wider of c and n channels */
    float *weights, *dw, *row, *sums;
    ptrdiff_t line; /* floats of a padded row of c channels */
    double seconds; /* at least, for one measurement */
    const char *only;
    int json, first;
};

static struct snas_k_source source(const struct bench *b, int i)
{
    return (struct snas_k_source){b->buffer[i] + BORDER * (b->line + b->s.c), b->line, b->s.c};
}

static struct snas_k_plane plane(const struct bench *b, int i)
{
    return (struct snas_k_plane){b->buffer[i] + BORDER * (b->line + b->s.c), b->line, b->s.c};
}

/* A plane of n channels, compact. */
static struct snas_k_plane wide(const struct bench *b, int i)
{
    return (struct snas_k_plane){b->buffer[i], (ptrdiff_t)b->s.width * b->s.n, b->s.n};
}

static struct snas_k_source wide_source(const struct bench *b, int i)
{
    const struct snas_k_plane p = wide(b, i);
    return (struct snas_k_source){p.at, p.row, p.px};
}

static void depthwise(struct bench *b)
{
    b->k->depthwise(b->s.rows, b->s.width, b->s.c, source(b, 0), b->n_runs, b->runs, b->weights,
                    plane(b, 1), 0);
}

static void depthwise_dw(struct bench *b)
{
    b->k->depthwise_dw(b->s.rows, b->s.width, b->s.c, source(b, 0), b->n_runs, b->runs,
                       source(b, 1), b->dw);
}

static void matmul(struct bench *b)
{
    const struct snas_k_tap here = {0, 0};
    b->k->matmul(b->s.rows, b->s.width, b->s.c, b->s.n, source(b, 0), 1, &here, b->weights,
                 wide(b, 1), 0, b->sums);
}

static void matmul_dw(struct bench *b)
{
    b->k->matmul_dw(b->s.rows, b->s.width, b->s.c, b->s.n, source(b, 0), wide_source(b, 1), b->dw);
}

static void blas(struct bench *b)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, b->pixels, b->s.n, b->s.c, 1,
                b->buffer[0], b->s.c, b->weights, b->s.n, 0, b->buffer[1], b->s.n);
}

static void blas_dw(struct bench *b)
{
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, b->s.c, b->s.n, b->pixels, 1, b->buffer[0],
                b->s.c, b->buffer[1], b->s.n, 1, b->dw, b->s.n);
}

static void affine(struct bench *b)
{
    b->k->affine(b->s.rows, b->s.width, b->s.c, source(b, 0), b->weights, b->row, 1, plane(b, 1));
}

static void norm_dx(struct bench *b)
{
    b->k->norm_dx(b->s.rows, b->s.width, b->s.c, source(b, 0), source(b, 1), b->weights, b->row,
                  b->weights, plane(b, 2));
}

static void mask_sums(struct bench *b)
{
    b->k->mask_sums(b->s.rows, b->s.width, b->s.c, source(b, 0), source(b, 1), source(b, 2),
                    plane(b, 3), b->sums);
}

static void add_masked(struct bench *b)
{
    b->k->add_masked(b->s.rows, b->s.width, b->s.c, source(b, 0), source(b, 1), plane(b, 2));
}

static void combine(struct bench *b)
{
    const float *const x[4] = {b->buffer[0], b->buffer[1], b->buffer[2], b->buffer[3]};
    const float *const a[4] = {b->weights, b->weights, b->weights, b->weights};
    b->k->combine(b->pixels, b->s.c, 4, x, a, b->row, b->buffer[4]);
}

static void sums(struct bench *b)
{
    b->k->sums(b->pixels, b->s.c, b->buffer[0], b->buffer[1], b->sums);
}

static void pool(struct bench *b)
{
    b->k->pool(b->s.rows, b->s.width, b->s.c, 1, b->buffer[0], b->buffer[1], b->buffer[2], b->sums,
               b->sums + 2 * b->s.c, b->row);
}

/* The most of a few tries: calls a second. */
static double rate(struct bench *b, void (*run)(struct bench *b))
{
    double best = 0;
    int calls = 1;
    run(b);
    for (int tries = 0; tries < 3;) {
        const double start = snas_seconds();
        for (int i = 0; i < calls; i++)
            run(b);
        const double took = snas_seconds() - start;
        if (took < b->seconds) {
            calls *= 2;
            continue;
        }
        best = calls / took > best ? calls / took : best;
        tries++;
    }
    return best;
}

static void report(struct bench *b, const char *name, void (*run)(struct bench *b), double flops,
                   double bytes, double peak)
{
    const struct shape *s = &b->s;
    if (b->only && !strstr(name, b->only))
        return;
    const double calls = rate(b, run), gflops = calls * flops * 1e-9, gbs = calls * bytes * 1e-9;
    if (b->json)
        printf("%s\n {\"isa\": \"%s\", \"kernel\": \"%s\", \"rows\": %d, \"width\": %d, \"c\": %d, "
               "\"n\": %d, \"window\": %d, \"dilation\": %d, \"gflops\": %.2f, \"share\": %.3f, "
               "\"gbs\": %.2f}",
               b->first ? "" : ",", b->k->isa, name, s->rows, s->width, s->c, s->n, s->window,
               s->dilation, gflops, gflops / peak, gbs);
    else
        printf(
            "%-8s %-13s %3d x %-3d c %-4d n %-4d %dx%d d%d  %8.1f GFLOP/s  %5.1f%%  %7.1f GB/s\n",
            b->k->isa, name, s->rows, s->width, s->c, s->n, s->window, s->window, s->dilation,
            gflops, 100 * gflops / peak, gbs);
    fflush(stdout);
    b->first = 0;
}

static void find_runs(struct bench *b)
{
    struct snas_k_tap taps[MOST_TAPS];
    const int w = b->s.window, half = w / 2;
    for (int t = 0; t < w * w; t++)
        taps[t] = (struct snas_k_tap){
            ((t / w - half) * b->line + (t % w - half) * (ptrdiff_t)b->s.c) * b->s.dilation,
            (ptrdiff_t)t * b->s.c};
    b->n_runs = snas_k_runs(snas_k_step(b->k, b->s.c), w * w, taps, b->runs);
}

static void fill(float *p, size_t n, int seed)
{
    struct snas_rng rng = snas_rng_make(1, SNAS_STREAM_TEST, (uint64_t)seed);
    for (size_t i = 0; i < n; i++)
        p[i] = (float)(0.02 * snas_rng_uniform(&rng) - 0.01);
}

static void open_shape(struct bench *b, const struct shape *s)
{
    b->s = *s;
    const size_t most = (size_t)(s->c > s->n ? s->c : s->n);
    b->line = (ptrdiff_t)(s->width + 2 * BORDER) * s->c;
    b->pixels = s->rows * s->width;
    const size_t padded = (size_t)(s->rows + 2 * BORDER) * (size_t)(s->width + 2 * BORDER);
    float **const parts[] = {&b->weights, &b->dw, &b->row, &b->sums};
    const size_t sizes[] = {most * most + MOST_TAPS * most + 64,
                            most * most + MOST_TAPS * most + 64, (size_t)(s->width + 2) * most + 64,
                            4 * most + 64};
    const size_t plane = (padded + 2) * most + 64;
    size_t at[BUFFERS + 4];
    struct snas_err err = {0};
    for (int i = 0; i < BUFFERS + 4; i++)
        at[i] = snas_arena_reserve(&b->arena,
                                   sizeof(float) * (i < BUFFERS ? plane : sizes[i - BUFFERS]));
    bench_must(snas_arena_commit(&b->arena, &err), &err);
    for (int i = 0; i < BUFFERS + 4; i++) {
        float *p = snas_arena_at(&b->arena, at[i]);
        fill(p, i < BUFFERS ? plane : sizes[i - BUFFERS], i);
        *(i < BUFFERS ? &b->buffer[i] : parts[i - BUFFERS]) = p;
    }
    find_runs(b);
}

static void close_shape(struct bench *b)
{
    snas_arena_clear(&b->arena);
}

static void windows(struct bench *b, int pixels_row, int rows, int c, double peak)
{
    static const int found[][2] = {{3, 1}, {5, 1}, {3, 2}, {5, 2}};
    for (size_t i = 0; i < sizeof found / sizeof *found; i++) {
        open_shape(b, &(struct shape){rows, pixels_row, c, c, found[i][0], found[i][1]});
        /* BORDER holds a window of 5 with dilation 2. */
        const double taps = (double)found[i][0] * found[i][0], values = (double)b->pixels * c;
        report(b, "depthwise", depthwise, 2 * taps * values, 8 * values, peak);
        report(b, "depthwise_dw", depthwise_dw, 2 * taps * values, 8 * values, peak);
        close_shape(b);
    }
}

static void matrices(struct bench *b, int width, int rows, int c, int n, double peak)
{
    open_shape(b, &(struct shape){rows, width, c, n, 1, 1});
    const double flops = 2.0 * b->pixels * c * n, bytes = 4.0 * b->pixels * (c + n);
    report(b, "matmul", matmul, flops, bytes, peak);
    report(b, "OpenBLAS", blas, flops, bytes, peak);
    report(b, "matmul_dw", matmul_dw, flops, bytes, peak);
    report(b, "OpenBLAS dw", blas_dw, flops, bytes, peak);
    close_shape(b);
}

static void elementwise(struct bench *b, int width, int rows, int c, double peak)
{
    open_shape(b, &(struct shape){rows, width, c, c, 1, 1});
    const double values = (double)b->pixels * c;
    report(b, "affine", affine, 3 * values, 8 * values, peak);
    report(b, "norm_dx", norm_dx, 4 * values, 12 * values, peak);
    report(b, "mask_sums", mask_sums, 4 * values, 16 * values, peak);
    report(b, "add_masked", add_masked, 2 * values, 16 * values, peak);
    report(b, "combine", combine, 8 * values, 20 * values, peak);
    report(b, "sums", sums, 2 * values, 8 * values, peak);
    report(b, "pool", pool, 18 * values, 12 * values, peak);
    close_shape(b);
}

/* Bands of 64 pixels or more, as a pass works on; channels of the shipped configurations. */
static void run(struct bench *b, int only_c)
{
    static const int shapes[][3] = {
        {28, 4, 8}, {32, 4, 8},  {32, 4, 16}, {32, 4, 24}, {16, 4, 32},  {16, 4, 36}, {8, 8, 64},
        {8, 8, 72}, {8, 8, 144}, {14, 7, 16}, {7, 7, 32},  {16, 8, 128}, {8, 8, 256}};
    const double peak = bench_peak_gflops(b->k->isa, 1);
    if (!b->json)
        printf("%s: peak of one thread %.1f GFLOP/s\n", b->k->isa, peak);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const int width = shapes[i][0], rows = shapes[i][1], c = shapes[i][2];
        const int padded = (c + SNAS_K_CHANNELS - 1) / SNAS_K_CHANNELS * SNAS_K_CHANNELS;
        if (only_c && c != only_c)
            continue;
        windows(b, width, rows, padded, peak);
        matrices(b, width, rows, padded, padded, peak);
        matrices(b, width, rows, 4 * padded, padded, peak); /* preprocessing */
        elementwise(b, width, rows, padded, peak);
    }
}

static int usage(FILE *to, int code)
{
    fputs("bench-kernels [--isa NAME] [--only KERNEL] [--channels N] [--ms T] [--json]\n"
          "  every kernel in a hot cache on one thread, for each instruction set (or NAME, or\n"
          "  SNAS_ISA's); GB/s counts each operand once\n",
          to);
    return code;
}

int main(int argc, char **argv)
{
    static const struct option table[] = {{"isa", 1, NULL, 'i'},      {"only", 1, NULL, 'o'},
                                          {"channels", 1, NULL, 'c'}, {"ms", 1, NULL, 'm'},
                                          {"json", 0, NULL, 'j'},     {"help", 0, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    static struct bench b = {.seconds = 4e-3, .first = 1};
    const char *isa = getenv("SNAS_ISA");
    int only_c = 0, found = 0;
    for (int c; (c = getopt_long(argc, argv, "", table, NULL)) != -1;) {
        if (c == 'i')
            isa = optarg;
        else if (c == 'o')
            b.only = optarg;
        else if (c == 'c')
            only_c = (int)strtol(optarg, NULL, 10);
        else if (c == 'm')
            b.seconds = strtod(optarg, NULL) * 1e-3;
        else if (c == 'j')
            b.json = 1;
        else
            return usage(c == 'h' ? stdout : stderr, c == 'h' ? 0 : 2);
    }
    snas_threads_init();
    static const char *const sets[] = {"avx512", "avx2", "generic"};
    if (b.json)
        printf("[");
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        b.k = snas_kernels_find(sets[i]);
        if (!b.k || (isa && strcmp(isa, sets[i]) != 0))
            continue;
        found++;
        run(&b, only_c);
    }
    if (b.json)
        puts("\n]");
    if (!found)
        fprintf(stderr, "bench-kernels: no kernels '%s' here\n", isa ? isa : "");
    return found ? 0 : 1;
}

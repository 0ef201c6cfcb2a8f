/* Own matrix product beside OpenBLAS' (one thread each) at the shapes of pointwise convolutions:
 * GFLOP/s on pixels that stay in the second cache, and whether OpenBLAS' answer is right. What the
 * engine uses where rests on this table (docs/performance-wide.md). */
#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/threads.h"
#include "kernels/kernels.h"

enum { MOST = 576, MOST_PIXELS = 1024, ROUNDS = 5 };

struct shape {
    int k, n, pixels;
};

struct buffers {
    float *x, *w, *y;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static float *random_floats(size_t n, uint64_t step)
{
    struct snas_err err = {0};
    float *p = snas_alloc(n, sizeof *p, &err);
    if (!p) {
        fprintf(stderr, "bench-matmul: %s\n", err.text);
        exit(1);
    }
    struct snas_rng rng = snas_rng_make(1, SNAS_STREAM_TEST, step);
    for (size_t i = 0; i < n; i++)
        p[i] = (float)snas_rng_normal(&rng);
    return p;
}

/* Products: y = x w, [pixels][k] [k][n]; gradients: y += x' w, [pixels][k]' [pixels][n]. */
static void own(const struct snas_kernels *k, const struct shape *s, int gradient,
                const struct buffers *b)
{
    static const struct snas_k_tap here = {0, 0};
    struct snas_k_source x = {b->x, (ptrdiff_t)s->pixels * s->k, s->k};
    struct snas_k_source g = {b->w, (ptrdiff_t)s->pixels * s->n, s->n};
    struct snas_k_plane y = {b->y, (ptrdiff_t)s->pixels * s->n, s->n};
    if (gradient)
        k->matmul_dw(1, s->pixels, s->k, s->n, x, g, b->y);
    else
        k->matmul(1, s->pixels, s->k, s->n, x, 1, &here, b->w, y, 0, NULL);
}

static void blas(const struct shape *s, int gradient, const struct buffers *b)
{
    if (gradient)
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, s->k, s->n, s->pixels, 1, b->x, s->k,
                    b->w, s->n, 1, b->y, s->n);
    else
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, s->pixels, s->n, s->k, 1, b->x, s->k,
                    b->w, s->n, 0, b->y, s->n);
}

/* Of some rows of y: largest error relative to its largest value, against sums in double. */
static double error(const struct shape *s, int gradient, const struct buffers *b)
{
    const int rows = gradient ? s->k : s->pixels, sum = gradient ? s->pixels : s->k;
    double worst = 0, size = 0;
    for (int i = 0; i < rows; i += 1 + rows / 16)
        for (int j = 0; j < s->n; j++) {
            double v = 0;
            for (int t = 0; t < sum; t++)
                v += (double)b->x[gradient ? t * s->k + i : i * s->k + t] *
                     (double)b->w[t * s->n + j];
            worst = fmax(worst, fabs(v - (double)b->y[i * s->n + j]));
            size = fmax(size, fabs(v));
        }
    return worst / size;
}

static double rate(const struct snas_kernels *k, const struct shape *s, int gradient,
                   const struct buffers *b, int use_blas)
{
    const double flops = 2.0 * s->pixels * s->k * s->n;
    int times = (int)(1e9 / flops) / 8 + 1;
    double begin = now();
    for (int i = 0; i < times; i++) {
        if (use_blas)
            blas(s, gradient, b);
        else
            own(k, s, gradient, b);
    }
    return flops * times / (now() - begin) * 1e-9;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* 1 when OpenBLAS' answer is wrong. */
static int measure(const struct snas_kernels *k, const struct shape *s, int gradient,
                   const struct buffers *b)
{
    double ours[ROUNDS], theirs[ROUNDS];
    memset(b->y, 0, (size_t)MOST_PIXELS * MOST * sizeof *b->y);
    blas(s, gradient, b);
    double e = error(s, gradient, b);
    for (int r = 0; r < ROUNDS; r++) {
        ours[r] = rate(k, s, gradient, b, 0);
        theirs[r] = rate(k, s, gradient, b, 1);
    }
    qsort(ours, ROUNDS, sizeof *ours, by_size);
    qsort(theirs, ROUNDS, sizeof *theirs, by_size);
    const double own_rate = ours[ROUNDS / 2], blas_rate = theirs[ROUNDS / 2];
    printf("| %s | %d | %d | %d | %.0f | %.0f | %.2f |%s\n", gradient ? "gradient" : "product",
           s->k, s->n, s->pixels, own_rate, blas_rate, blas_rate / own_rate,
           e < 1e-4 ? "" : " OpenBLAS is WRONG");
    return !(e < 1e-4);
}

int main(void)
{
    static const struct shape shapes[] = {
        {36, 40, 96},   {144, 40, 96},  {40, 144, 96},   {72, 72, 64},     {288, 72, 64},
        {72, 288, 64},  {144, 144, 64}, {576, 144, 64},  {144, 576, 64},   {48, 48, 84},
        {192, 192, 49}, {384, 96, 49},  {192, 192, 784}, {576, 144, 1024}, {384, 384, 784}};
    const struct snas_kernels *k = snas_kernels_get();
    if (!k) {
        fprintf(stderr, "bench-matmul: SNAS_ISA=ref has no kernels\n");
        return 2;
    }
    snas_threads_init();
    struct buffers b = {random_floats((size_t)MOST_PIXELS * MOST, 0),
                        random_floats((size_t)MOST_PIXELS * MOST, 1),
                        random_floats((size_t)MOST_PIXELS * MOST, 2)};
    int wrong = 0;
    printf("%s; OpenBLAS' core: %s\n", k->isa, openblas_get_corename());
    printf("| | k | n | pixels | own GFLOP/s | OpenBLAS GFLOP/s | ratio |\n");
    printf("|---|---|---|---|---|---|---|\n");
    for (int gradient = 0; gradient < 2; gradient++)
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
            wrong += measure(k, &shapes[i], gradient, &b);
    snas_free(b.x);
    snas_free(b.w);
    snas_free(b.y);
    return wrong > 0;
}

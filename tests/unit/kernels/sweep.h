#ifndef SNAS_TESTS_KERNELS_SWEEP_H
#define SNAS_TESTS_KERNELS_SWEEP_H

/* What the tests of kernels share: shapes that end before, on and behind every vector and every
 * unrolled step, operands in buffers without room to spare (the sanitizer build sees a step too
 * far), and the comparison with plain loops in double. What a kernel has no business to read is
 * NaN, what it has none to write must keep its bits. */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "kernels/kernels.h"

/* Fewer shapes where every access is checked or emulated. */
#if defined(SNAS_TEST_REDUCED) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static const int widths[] = {1, 2, 3, 7, 8, 9, 14, 15, 16, 17, 31, 33};
static const int channels[] = {8, 16, 24, 32, 56};
#else
static const int widths[] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17,
                             18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33};
static const int channels[] = {8, 16, 24, 32, 40, 48, 56, 64, 72};
#endif
#define COUNT(list) (int)(sizeof(list) / sizeof((list)[0]))

static const char *const isas[] = {"generic", "avx2", "avx512"};
static struct snas_rng rng;

static inline int below(int n)
{
    return (int)snas_rng_below(&rng, (uint32_t)n);
}

static inline int one_of(int n, const int *list)
{
    return list[below(n)];
}

static inline float *numbers(size_t n)
{
    float *p = malloc(n * sizeof *p);
    assert_non_null(p);
    for (size_t i = 0; i < n; i++)
        p[i] = (float)snas_rng_normal(&rng);
    return p;
}

static inline float *copy(const float *from, size_t n)
{
    float *p = malloc(n * sizeof *p);
    assert_non_null(p);
    memcpy(p, from, n * sizeof *p);
    return p;
}

static inline double *zeros(size_t n)
{
    double *p = calloc(n, sizeof *p);
    assert_non_null(p);
    return p;
}

/* `size` is the sum of the magnitudes that make up `want`. */
static inline void close_to(double got, double want, double size, const char *what)
{
    if (isnan(want) ? !isnan(got) : !(fabs(got - want) <= 1e-5 * (fabs(size) + 1e-3)))
        fail_msg("%s: %.9g where %.9g is right (terms of size %.3g)", what, got, want, size);
}

/* A call for every instruction set of this machine and every shape; kinds, strides between pixels
 * and what else a kernel may be asked are drawn by the check, a NaN among the inputs at times. */
typedef void check(const struct snas_kernels *k, int rows, int width, int c);

static inline void sweep(check *fn)
{
    int seen = 0;
    for (int i = 0; i < COUNT(isas); i++) {
        const struct snas_kernels *k = snas_kernels_find(isas[i]);
        rng = snas_rng_make(11, SNAS_STREAM_TEST, 0);
        seen += k != NULL;
        for (int s = 0; k && s < COUNT(widths); s++)
            for (int c = 0; c < COUNT(channels); c++)
                fn(k, 1 + below(widths[s] < 12 ? widths[s] + 1 : 3), widths[s], channels[c]);
    }
    assert_true(seen > 0);
}

/* A plane of c channels a pixel, in pixels of px floats, with a border of `pad` pixels; `at` is its
 * first inner pixel. */
struct padded {
    float *all, *at;
    size_t n;
    ptrdiff_t row;
    int rows, width, c, px, pad;
};

static inline int is_inside(const struct padded *p, ptrdiff_t i)
{
    ptrdiff_t r = i / p->row - p->pad, q = i % p->row / p->px - p->pad;
    return r >= 0 && r < p->rows && q >= 0 && q < p->width && i % p->px < p->c;
}

static inline struct padded padded_px(int rows, int width, int c, int px, int pad)
{
    struct padded p = {.row = (ptrdiff_t)(width + 2 * pad) * px,
                       .rows = rows,
                       .width = width,
                       .c = c,
                       .px = px,
                       .pad = pad};
    p.n = (size_t)p.row * (size_t)(rows + 2 * pad);
    p.all = numbers(p.n);
    p.at = p.all + pad * p.row + (ptrdiff_t)pad * px;
    return p;
}

/* One that taps read beyond its inside. */
static inline struct padded with_border(int rows, int width, int c, int pad)
{
    return padded_px(rows, width, c, c, pad);
}

/* One of which only the inside may be touched, its pixels at times further apart. */
static inline struct padded apart(int rows, int width, int c, int px)
{
    struct padded p = padded_px(rows, width, c, px, below(2));
    for (ptrdiff_t i = 0; i < (ptrdiff_t)p.n; i++)
        if (!is_inside(&p, i))
            p.all[i] = NAN;
    return p;
}

static inline struct padded alone(int rows, int width, int c)
{
    return apart(rows, width, c, c + (below(3) == 0 ? 8 : 0));
}

/* At times one inner value is none. */
static inline void spoil(struct padded *p)
{
    if (below(6) == 0)
        p->at[below(p->rows) * p->row + below(p->width) * p->px + below(p->c)] = NAN;
}

static inline struct snas_k_source source(const struct padded *p)
{
    return (struct snas_k_source){p->at, p->row, p->px};
}

static inline struct snas_k_plane plane(const struct padded *p)
{
    return (struct snas_k_plane){p->at, p->row, p->px};
}

static inline double at(const struct padded *p, int r, int q, int c)
{
    return p->at[r * p->row + (ptrdiff_t)q * p->px + c];
}

/* Everything but the inside is as it was. */
static inline void same_around(const struct padded *p, const float *before)
{
    for (ptrdiff_t i = 0; i < (ptrdiff_t)p->n; i++)
        if (!is_inside(p, i))
            assert_memory_equal(&p->all[i], &before[i], sizeof *before);
}

#endif

/* The kernels, for one instruction set. A file that defines ISA_NAME, LANES (16, 8 or 4) and
 * TABLE, and is compiled with that set's flags, includes this. Channels are worked through in
 * columns of LANES; 8 channels left over under 16 lanes are one column of 8, and 8 channels in all
 * take two pixels at a time. */
#include <math.h>
#include <string.h>

#include "kernels/tables.h"

#if defined(__GNUC__) && !defined(__clang__)
/* It keeps values of the last turns in registers that the accumulators need. */
#pragma GCC optimize("no-predictive-commoning")
#endif

#define INLINE inline __attribute__((always_inline))
#define EACH8(M) M(0) M(1) M(2) M(3) M(4) M(5) M(6) M(7)
#define EACH9(M) EACH8(M) M(8)
#define EACH16(M) EACH9(M) M(9) M(10) M(11) M(12) M(13) M(14) M(15)
/* (i, i + shift) */
#define SHIFT0(M) M(0, 0) M(1, 1) M(2, 2) M(3, 3) M(4, 4) M(5, 5) M(6, 6) M(7, 7)
#define SHIFT1(M) M(0, 1) M(1, 2) M(2, 3) M(3, 4) M(4, 5) M(5, 6) M(6, 7) M(7, 8)
#define SHIFT2(M) M(0, 2) M(1, 3) M(2, 4) M(3, 5) M(4, 6) M(5, 7) M(6, 8) M(7, 9)
#define SHIFT3(M) M(0, 3) M(1, 4) M(2, 5) M(3, 6) M(4, 7) M(5, 8) M(6, 9) M(7, 10)
#define SHIFT4(M) M(0, 4) M(1, 5) M(2, 6) M(3, 7) M(4, 8) M(5, 9) M(6, 10) M(7, 11)
#define SHIFT6(M) M(0, 6) M(1, 7) M(2, 8) M(3, 9) M(4, 10) M(5, 11) M(6, 12) M(7, 13)
#define SHIFT8(M) M(0, 8) M(1, 9) M(2, 10) M(3, 11) M(4, 12) M(5, 13) M(6, 14) M(7, 15)
#define CASES8(M) M(1) M(2) M(3) M(4) M(5) M(6) M(7) M(8)
#define CASES16(M) CASES8(M) M(9) M(10) M(11) M(12) M(13) M(14) M(15) M(16)

/* How many of `left` the next step takes, at most 8: the last two steps share evenly. */
static INLINE int snas_chunk(int left)
{
    return left <= 8 ? left : left >= 16 ? 8 : (left + 1) / 2;
}

static INLINE int snas_chunk16(int left)
{
    return left <= 16 ? left : left >= 32 ? 16 : (left + 1) / 2;
}

static INLINE int snas_chunk6(int left)
{
    return left <= 6 ? left : left >= 12 ? 6 : (left + 1) / 2;
}
/* Rows of a block of two vectors: with 16 registers 12 of them are accumulators. */
#define TWO_VECTORS(left) (LANES == 16 ? snas_chunk(left) : snas_chunk6(left))

#define JOIN(a, b) a##_##b
#define NAME(a, b) JOIN(a, b)
#if LANES > 4
#define VL 4
#include "kernels/columns.h"
#undef VL
#endif
#define VL 1
#include "kernels/columns.h"
#undef VL
#if LANES == 16
#include <immintrin.h>
#define VL 8
#include "kernels/columns.h"
#undef VL
#define VL 16
#include "kernels/columns.h"
#undef VL
#define WIDE(fn) NAME(fn, 16)
#define NARROW(fn) NAME(fn, 8)
#define NARROW_LANES 8
#define PAIRS(c) ((c) == 8)
#else
#define VL LANES
#include "kernels/columns.h"
#undef VL
#define WIDE(fn) NAME(fn, LANES)
#define NARROW(fn) NAME(fn, LANES)
#define NARROW_LANES LANES
#define PAIRS(c) 0
#endif

/* fn(...) for every column of channels; `i`, in the arguments, is its first channel. */
#define COLUMNS(c, fn, ...)                                                                        \
    do {                                                                                           \
        int i = 0;                                                                                 \
        for (; i + LANES <= (c); i += LANES)                                                       \
            WIDE(fn)(__VA_ARGS__);                                                                 \
        for (; i < (c); i += NARROW_LANES)                                                         \
            NARROW(fn)(__VA_ARGS__);                                                               \
    } while (0)
/* The same for kernels that take any c. */
#define ANY_COLUMNS(c, fn, ...)                                                                    \
    do {                                                                                           \
        int i = 0;                                                                                 \
        for (; i + LANES <= (c); i += LANES)                                                       \
            WIDE(fn)(__VA_ARGS__);                                                                 \
        for (; i + NARROW_LANES <= (c); i += NARROW_LANES)                                         \
            NARROW(fn)(__VA_ARGS__);                                                               \
        for (; i + 4 <= (c); i += 4)                                                               \
            NAME(fn, 4)(__VA_ARGS__);                                                              \
        for (; i < (c); i++)                                                                       \
            NAME(fn, 1)(__VA_ARGS__);                                                              \
    } while (0)
#define WIDE_COLUMN(fn, ...) WIDE(fn)(__VA_ARGS__)
#define NARROW_COLUMN(fn, ...) NARROW(fn)(__VA_ARGS__)

static INLINE struct snas_k_source at_in(struct snas_k_source s, ptrdiff_t by)
{
    return (struct snas_k_source){s.at ? s.at + by : NULL, s.row, s.px};
}

static INLINE struct snas_k_plane at_out(struct snas_k_plane s, ptrdiff_t by)
{
    return (struct snas_k_plane){s.at + by, s.row, s.px};
}

/* The same plane seen by pairs of pixels. */
static INLINE struct snas_k_source pairs_in(struct snas_k_source s)
{
    return (struct snas_k_source){s.at, s.row, 2 * s.px};
}

static INLINE struct snas_k_plane pairs_out(struct snas_k_plane s)
{
    return (struct snas_k_plane){s.at, s.row, 2 * s.px};
}

static void depthwise(int rows, int width, int c, struct snas_k_source in, int n,
                      const struct snas_k_run *runs, const float *w, struct snas_k_plane out,
                      int accumulate)
{
    if (PAIRS(c)) {
        ptrdiff_t last = (width - 1) * 8;
        WIDE_COLUMN(dw_column, rows, width / 2, pairs_in(in), n, runs, 16, w, pairs_out(out),
                    accumulate, 1);
        if (width & 1)
            NARROW_COLUMN(dw_column, rows, 1, at_in(in, last), n, runs, 16, w, at_out(out, last),
                          accumulate, 0);
        return;
    }
    COLUMNS(c, dw_column, rows, width, at_in(in, i), n, runs, c, w + i, at_out(out, i), accumulate,
            0);
}

#if LANES == 16 && !defined(SNAS_K_SMALL)
/* 1: done. Windows of 3 x 3 and 5 x 5, at pixel strides that most networks have. */
static int depthwise_dw_square(int rows, int width, int c, struct snas_k_source in, int n,
                               const struct snas_k_run *runs, struct snas_k_source g, float *dw)
{
    for (int r = 0; r < n; r++)
        if (runs[r].count != n || runs[r].gap != runs[0].gap)
            return 0;
    if (c % LANES != 0 || (n != 3 && n != 5))
        return 0;
#define BY(px, side, gap)                                                                          \
    for (int i = 0; i < c; i += LANES)                                                             \
    WIDE(dw_grad_square)(side, gap, px, rows, width, at_in(in, i), runs, at_in(g, i), dw + i)
#define BY_RUNS(px)                                                                                \
    case px:                                                                                       \
        if (n == 3 && runs[0].gap == 1)                                                            \
            BY(px, 3, 1);                                                                          \
        else if (n == 3)                                                                           \
            BY(px, 3, 2);                                                                          \
        else if (runs[0].gap == 1)                                                                 \
            BY(px, 5, 1);                                                                          \
        else                                                                                       \
            BY(px, 5, 2);                                                                          \
        return 1;
    switch (in.px) {
        BY_RUNS(16)
        BY_RUNS(32)
        BY_RUNS(64)
    }
#undef BY_RUNS
#undef BY
    return 0;
}
#endif

static void depthwise_dw(int rows, int width, int c, struct snas_k_source in, int n,
                         const struct snas_k_run *runs, struct snas_k_source g, float *dw)
{
    if (PAIRS(c)) {
        ptrdiff_t last = (width - 1) * 8;
        WIDE_COLUMN(dw_grad_column, rows, width / 2, pairs_in(in), n, runs, 16, pairs_in(g), dw, 1);
        if (width & 1)
            NARROW_COLUMN(dw_grad_column, rows, 1, at_in(in, last), n, runs, 16, at_in(g, last), dw,
                          0);
        return;
    }
#if LANES == 16 && !defined(SNAS_K_SMALL)
    if (depthwise_dw_square(rows, width, c, in, n, runs, g, dw))
        return;
#endif
    COLUMNS(c, dw_grad_column, rows, width, at_in(in, i), n, runs, c, at_in(g, i), dw + i, 0);
}

/* `px`, the input's pixel stride, is a constant in most calls: its multiples are addresses then. */
static INLINE void matmul_by(ptrdiff_t px, int rows, int width, int k, int n,
                             struct snas_k_source in, int n_taps, const struct snas_k_tap *taps,
                             const float *w, struct snas_k_plane out, int accumulate, float *sums)
{
    int done = 0;
#if LANES > 4 /* there are registers for two vectors of outputs */
    for (; done + 2 * LANES <= n; done += 2 * LANES)
        WIDE_COLUMN(mm2_column, rows, width, k, n, in, px, n_taps, taps, w + done,
                    at_out(out, done), accumulate, sums ? sums + done : NULL);
#endif
    COLUMNS(n - done, mm_column, rows, width, k, n, in, px, n_taps, taps, w + done + i,
            at_out(out, done + i), accumulate, sums ? sums + done + i : NULL);
}

static void matmul(int rows, int width, int k, int n, struct snas_k_source in, int n_taps,
                   const struct snas_k_tap *taps, const float *w, struct snas_k_plane out,
                   int accumulate, float *sums)
{
    if (in.row == in.px * width && out.row == out.px * width) {
        width *= rows;
        rows = 1;
    }
#define BY(px) matmul_by(px, rows, width, k, n, in, n_taps, taps, w, out, accumulate, sums)
#ifndef SNAS_K_SMALL
    switch (in.px) {
    case 8:
        BY(8);
        return;
    case 16:
        BY(16);
        return;
    case 32:
        BY(32);
        return;
    case 64:
        BY(64);
        return;
    }
#endif
    BY(in.px);
#undef BY
}

static void matmul_dw_band(int rows, int width, int k, int n, struct snas_k_source in,
                           struct snas_k_source g, float *dw)
{
    int done = 0;
#if LANES > 4
    for (; done + 2 * LANES <= n; done += 2 * LANES)
        WIDE_COLUMN(mm_grad_column, 2, rows, width, k, n, in, at_in(g, done), dw + done);
#endif
    COLUMNS(n - done, mm_grad_column, 1, rows, width, k, n, in, at_in(g, done + i), dw + done + i);
}

/* In bands of pixels that stay in the first cache while all blocks of dw go over them. */
static void matmul_dw(int rows, int width, int k, int n, struct snas_k_source in,
                      struct snas_k_source g, float *dw)
{
    const int pixels = k + n > 128 ? 64 : 128;
    if (rows > 1 && width < pixels) {
        const int band = pixels / width;
        for (int r = 0; r < rows; r += band)
            matmul_dw_band(rows - r < band ? rows - r : band, width, k, n, at_in(in, r * in.row),
                           at_in(g, r * g.row), dw);
        return;
    }
    for (int r = 0; r < rows; r++)
        for (int p = 0; p < width; p += pixels)
            matmul_dw_band(1, width - p < pixels ? width - p : pixels, k, n,
                           at_in(in, r * in.row + p * in.px), at_in(g, r * g.row + p * g.px), dw);
}

static void affine(int rows, int width, int c, struct snas_k_source x, const float *a,
                   const float *b, int relu, struct snas_k_plane out)
{
    if (PAIRS(c) && x.px == 8 && out.px == 8) {
        ptrdiff_t last = (width - 1) * 8;
        WIDE_COLUMN(affine_column, rows, width / 2, pairs_in(x), a, b, relu, pairs_out(out), 1);
        if (width & 1)
            NARROW_COLUMN(affine_column, rows, 1, at_in(x, last), a, b, relu, at_out(out, last), 0);
        return;
    }
    ANY_COLUMNS(c, affine_column, rows, width, at_in(x, i), a ? a + i : NULL, b ? b + i : NULL,
                relu, at_out(out, i), 0);
}

static void norm_dx(int rows, int width, int c, struct snas_k_source g, struct snas_k_source y,
                    const float *a, const float *b, const float *d, struct snas_k_plane out)
{
    if (PAIRS(c) && g.px == 8 && y.px == 8 && out.px == 8) {
        ptrdiff_t last = (width - 1) * 8;
        WIDE_COLUMN(norm_dx_column, rows, width / 2, pairs_in(g), pairs_in(y), a, b, d,
                    pairs_out(out), 1);
        if (width & 1)
            NARROW_COLUMN(norm_dx_column, rows, 1, at_in(g, last), at_in(y, last), a, b, d,
                          at_out(out, last), 0);
        return;
    }
    COLUMNS(c, norm_dx_column, rows, width, at_in(g, i), at_in(y, i), a + i, b + i, d + i,
            at_out(out, i), 0);
}

static void mask_sums(int rows, int width, int c, struct snas_k_source d, struct snas_k_source x,
                      struct snas_k_source y, struct snas_k_plane out, float *sums)
{
    if (PAIRS(c) && d.px == 8 && (!x.at || x.px == 8) && y.px == 8 && out.px == 8) {
        ptrdiff_t last = (width - 1) * 8;
        WIDE_COLUMN(mask_sums_column, rows, width / 2, pairs_in(d), pairs_in(x), pairs_in(y),
                    pairs_out(out), sums, sums + c, 1);
        if (width & 1)
            NARROW_COLUMN(mask_sums_column, rows, 1, at_in(d, last), at_in(x, last), at_in(y, last),
                          at_out(out, last), sums, sums + c, 0);
        return;
    }
    COLUMNS(c, mask_sums_column, rows, width, at_in(d, i), at_in(x, i), at_in(y, i), at_out(out, i),
            sums + i, sums + c + i, 0);
}

static void add_masked(int rows, int width, int c, struct snas_k_source d, struct snas_k_source x,
                       struct snas_k_plane out)
{
    if (PAIRS(c) && d.px == 8 && out.px == 8 && (!x.at || x.px == 8)) {
        ptrdiff_t last = (width - 1) * 8;
        WIDE_COLUMN(add_masked_column, rows, width / 2, pairs_in(d), pairs_in(x), pairs_out(out));
        if (width & 1)
            NARROW_COLUMN(add_masked_column, rows, 1, at_in(d, last), at_in(x, last),
                          at_out(out, last));
        return;
    }
    ANY_COLUMNS(c, add_masked_column, rows, width, at_in(d, i), at_in(x, i), at_out(out, i));
}

/* In stretches that stay in the first cache, four terms a sweep. */
static void combine(int pixels, int c, int n, const float *const *x, const float *const *a,
                    const float *b, float *out)
{
    const int stretch = c >= 4096 ? 1 : 4096 / c;
    for (int p = 0; p < pixels; p += stretch) {
        int count = pixels - p < stretch ? pixels - p : stretch;
        ptrdiff_t at = (ptrdiff_t)p * c;
        for (int t = 0; t == 0 || t < n; t += 4) {
            int terms = n - t < 4 ? n - t : 4;
            const float *bias = t == 0 ? b : NULL;
            if (PAIRS(c)) {
                WIDE_COLUMN(combine_column, count / 2, 16, terms, x + t, a + t, at, 0, bias, out,
                            1);
                if (count & 1)
                    NARROW_COLUMN(combine_column, 1, 8, terms, x + t, a + t, at + (count - 1) * 8,
                                  0, bias, out, 0);
                continue;
            }
            COLUMNS(c, combine_column, count, c, terms, x + t, a + t, at + i, i, bias, out, 0);
        }
    }
}

static void sums(int pixels, int c, const float *g, const float *y, float *sum)
{
    if (PAIRS(c)) {
        ptrdiff_t last = (pixels - 1) * (ptrdiff_t)8;
        WIDE_COLUMN(sums_column, pixels / 2, 16, g, y, sum, 1);
        if (pixels & 1)
            NARROW_COLUMN(sums_column, 1, 8, g + last, y ? y + last : NULL, sum, 0);
        return;
    }
    COLUMNS(c, sums_column, pixels, c, g + i, y ? y + i : NULL, sum + i, 0);
}

static void pool_one(int h, int w, int c, int stride, const float *x, int max, float *out,
                     float *sum, float *row)
{
    const int oh = (h + stride - 1) / stride, ow = (w + stride - 1) / stride;
    const float edge = max ? -INFINITY : 0;
    const ptrdiff_t line = (ptrdiff_t)w * c;
    for (int i = 0; i < c; i++)
        row[i] = row[(w + 1) * c + i] = edge;
    for (int r = 0; r < oh; r++, out += (ptrdiff_t)ow * c) {
        const int top = r * stride > 0, bottom = r * stride + 1 < h;
        const float *middle = x + r * stride * line;
        const float *above = top ? middle - line : NULL, *below = bottom ? middle + line : NULL;
        ptrdiff_t done = line / LANES * LANES;
        WIDE_COLUMN(pool_rows, done, middle, above, below, max, row + c);
        NARROW_COLUMN(pool_rows, line - done, middle + done, above ? above + done : NULL,
                      below ? below + done : NULL, max, row + c + done);
        COLUMNS(c, pool_across, ow, c, stride, row + i, max, 1 + top + bottom, w, out + i, sum + i,
                sum + c + i);
    }
}

static void pool(int h, int w, int c, int stride, const float *x, float *max, float *avg,
                 float *max_sums, float *avg_sums, float *row)
{
    if (max)
        pool_one(h, w, c, stride, x, 1, max, max_sums, row);
    if (avg)
        pool_one(h, w, c, stride, x, 0, avg, avg_sums, row);
}

static void pool_dx(int h, int w, int c, int stride, const float *x, const float *max,
                    const float *dmax, const float *davg, float *dx, float *pad)
{
    const ptrdiff_t row = (ptrdiff_t)(w + 2) * c, plane = row * (h + 2), line = (ptrdiff_t)w * c;
    float *xp = pad, *dp = pad + plane;
    memset(dp, 0, (size_t)plane * sizeof *dp);
    for (ptrdiff_t i = 0; dmax && i < plane; i++)
        xp[i] = -INFINITY;
    for (int r = 0; dmax && r < h; r++)
        memcpy(xp + (r + 1) * row + c, x + r * line, (size_t)line * sizeof *x);
    const int oh = (h + stride - 1) / stride, ow = (w + stride - 1) / stride;
    for (int r = 0; r < oh; r++) {
        const int tall = 3 - (r == 0) - (r * stride == h - 1);
        for (int p = 0; p < ow; p++) {
            const int wide = 3 - (p == 0) - (p * stride == w - 1);
            const float share = 1.0F / (float)(tall * wide);
            const ptrdiff_t at = r * stride * row + p * stride * (ptrdiff_t)c;
            const ptrdiff_t o = ((ptrdiff_t)r * ow + p) * c;
            COLUMNS(c, pool_spread, xp + at + i, dp + at + i, row, c, dmax ? max + o + i : NULL,
                    dmax ? dmax + o + i : NULL, davg ? davg + o + i : NULL, share);
        }
    }
    struct snas_k_source none = {NULL, 0, 0}, inner = {dp + row + c, row, c};
    add_masked(h, w, c, inner, none, (struct snas_k_plane){dx, line, c});
}

const struct snas_kernels TABLE = {
    .isa = ISA_NAME,
    .lanes = LANES,
    .depthwise = depthwise,
    .depthwise_dw = depthwise_dw,
    .matmul = matmul,
    .matmul_dw = matmul_dw,
    .affine = affine,
    .norm_dx = norm_dx,
    .mask_sums = mask_sums,
    .add_masked = add_masked,
    .combine = combine,
    .sums = sums,
    .pool = pool,
    .pool_dx = pool_dx,
};

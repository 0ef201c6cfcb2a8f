/* Template, included by body.h once per vector width VL: kernels for one column of VL channels
 * (or, with `pair`, for two neighbouring pixels of 8 channels each in one vector of 16). Strides of
 * a pixel are those between the vectors. Accumulators are named one by one and `count` is a
 * constant after inlining: what lies behind it vanishes. */
#include "kernels/lanes.h"

/* ---- depthwise: `count` vectors along a row. With 32 registers what the taps of a run share is
 * read once: x<k> is the vector k pixels on. */
#define INIT(i) V(vec) a##i = {0};
#define LOAD(i)                                                                                    \
    if (count > i)                                                                                 \
        a##i = V(load)(out + i * out_px);
#define SAVE(i)                                                                                    \
    if (count > i)                                                                                 \
        V(store)(out + i * out_px, a##i);
#if VL == 16
#define READ(k)                                                                                    \
    __attribute__((unused)) V(vec) x##k = V(load)(x + (k < count + gap * (taps - 1) ? k * px : 0));
#define TAP(j, SHIFT)                                                                              \
    if (taps > j) {                                                                                \
        V(vec) wt = V(coef)(w + j * w_step, pair);                                                 \
        SHIFT(TURN)                                                                                \
    }
#define TURN(i, k)                                                                                 \
    if (count > i)                                                                                 \
        a##i += x##k * wt;
#define RUN(n)                                                                                     \
    case n: {                                                                                      \
        enum { taps = n, gap = 1 };                                                                \
        EACH16(READ)                                                                               \
        TAP(0, SHIFT0) TAP(1, SHIFT1) TAP(2, SHIFT2) TAP(3, SHIFT3) TAP(4, SHIFT4) break;          \
    }
#define RUN_APART(n)                                                                               \
    case 8 + n: {                                                                                  \
        enum { taps = n, gap = 2 };                                                                \
        EACH16(READ)                                                                               \
        TAP(0, SHIFT0) TAP(1, SHIFT2) TAP(2, SHIFT4) TAP(3, SHIFT6) TAP(4, SHIFT8) break;          \
    }
#else
#define TURN(i)                                                                                    \
    if (count > i)                                                                                 \
        a##i += V(load)(x + i * px + j * runs[r].gap * step) * wt;
#endif

static INLINE void V(dw_block)(int count, const float *in, ptrdiff_t px, int n,
                               const struct snas_k_run *runs, ptrdiff_t step, const float *weights,
                               float *out, ptrdiff_t out_px, int accumulate, int pair)
{
    EACH8(INIT)
    if (accumulate) {
        EACH8(LOAD)
    }
    for (int r = 0; r < n; r++) {
        const float *x = in + runs[r].in, *w = weights + runs[r].w;
        const ptrdiff_t w_step = runs[r].w_step;
#if VL == 16
        (void)step; /* it is px */
        switch (runs[r].count + 8 * (runs[r].gap - 1)) {
            RUN(1)
            RUN(2)
            RUN(3)
            RUN(4)
            RUN(5)
            RUN_APART(1)
            RUN_APART(2)
            RUN_APART(3)
            RUN_APART(4)
            RUN_APART(5)
        }
#else
        for (int j = 0; j < runs[r].count; j++) {
            V(vec) wt = V(coef)(w + j * w_step, pair);
            EACH8(TURN)
        }
#endif
    }
    EACH8(SAVE)
}
#undef TURN

static INLINE void V(dw_column)(int rows, int width, struct snas_k_source in, int n,
                                const struct snas_k_run *runs, ptrdiff_t step, const float *w,
                                struct snas_k_plane out, int accumulate, int pair)
{
    for (int r = 0; r < rows; r++, in.at += in.row, out.at += out.row) {
        const float *x = in.at;
        float *y = out.at;
        for (int left = width, count; left > 0; left -= count) {
            count = snas_chunk(left);
#define CASE(i)                                                                                    \
    case i:                                                                                        \
        V(dw_block)(i, x, in.px, n, runs, step, w, y, out.px, accumulate, pair);                   \
        break;
            switch (count) {
                CASES8(CASE)
            }
            x += count * in.px;
            y += count * out.px;
        }
    }
#undef CASE
}

/* ---- depthwise weight gradient: `count` taps, all pixels */
static INLINE void V(dw_grad_block)(int count, int rows, int width, struct snas_k_source in,
                                    const struct snas_k_tap *taps, struct snas_k_source g,
                                    float *dw, int pair)
{
    EACH9(INIT)
    for (int r = 0; r < rows; r++) {
        const float *x = in.at + r * in.row;
        const float *gr = g.at + r * g.row;
        for (int p = 0; p < width; p++, x += in.px, gr += g.px) {
            V(vec) gv = V(load)(gr);
#define STEP(i)                                                                                    \
    if (count > i)                                                                                 \
        a##i += V(load)(x + taps[i].in) * gv;
            EACH9(STEP)
        }
    }
#define ADD(i)                                                                                     \
    if (count > i)                                                                                 \
        V(add_to)(dw + taps[i].w, a##i, pair);
    EACH9(ADD)
#undef STEP
#undef ADD
}

/* Up to nine taps from run *r, tap *j on, which are moved on behind them. */
static INLINE int V(next_taps)(int n, const struct snas_k_run *runs, ptrdiff_t step, int *r, int *j,
                               struct snas_k_tap *taps)
{
    int count = 0;
    for (; *r < n && count < 9; count++) {
        const struct snas_k_run *run = &runs[*r];
        taps[count] =
            (struct snas_k_tap){run->in + *j * run->gap * step, run->w + *j * run->w_step};
        if (++*j == run->count) {
            *j = 0;
            ++*r;
        }
    }
    return count;
}

static INLINE void V(dw_grad_column)(int rows, int width, struct snas_k_source in, int n,
                                     const struct snas_k_run *runs, ptrdiff_t step,
                                     struct snas_k_source g, float *dw, int pair)
{
    struct snas_k_tap taps[9];
    for (int r = 0, j = 0; r < n;) {
        int count = V(next_taps)(n, runs, step, &r, &j, taps);
#define CASE(i)                                                                                    \
    case i:                                                                                        \
        V(dw_grad_block)(i, rows, width, in, taps, g, dw, pair);                                   \
        break;
        switch (count) {
            CASES8(CASE)
            CASE(9)
        }
    }
#undef CASE
}

#if VL == 16
/* The same for a square window of `side` runs, all taps in registers at once: two pixels a step,
 * and a pointer a run, so that the taps' places in it are constants. */
#define TAPS5(M, r) M(r, 0) M(r, 1) M(r, 2) M(r, 3) M(r, 4)
#define WINDOW(M) TAPS5(M, 0) TAPS5(M, 1) TAPS5(M, 2) TAPS5(M, 3) TAPS5(M, 4)
static INLINE void V(dw_grad_square)(int side, int gap, ptrdiff_t px, int rows, int width,
                                     struct snas_k_source in, const struct snas_k_run *runs,
                                     struct snas_k_source g, float *dw)
{
#define ZERO(r, j) V(vec) a##r##j = {0};
    WINDOW(ZERO)
    for (int r = 0; r < rows; r++) {
        const float *gr = g.at + r * g.row, *x = in.at + r * in.row;
        const float *x0 = x + runs[0].in, *x1 = x + runs[1].in, *x2 = x + runs[2].in;
        const float *x3 = side > 3 ? x + runs[3].in : x2, *x4 = side > 3 ? x + runs[4].in : x2;
        ptrdiff_t i = 0;
        for (int p = 0; p + 2 <= width; p += 2, i += 2 * px, gr += 2 * g.px) {
            const V(vec) g0 = V(load)(gr), g1 = V(load)(gr + g.px);
#define TWO(r, j)                                                                                  \
    if (side > r && side > j) {                                                                    \
        a##r##j += V(load)(x##r + i + j * gap * px) * g0;                                          \
        a##r##j += V(load)(x##r + i + (j * gap + 1) * px) * g1;                                    \
    }
            WINDOW(TWO)
        }
        if (width & 1) {
            const V(vec) g0 = V(load)(gr);
#define ONE(r, j)                                                                                  \
    if (side > r && side > j)                                                                      \
        a##r##j += V(load)(x##r + i + j * gap * px) * g0;
            WINDOW(ONE)
        }
    }
#define ADD(r, j)                                                                                  \
    if (side > r && side > j)                                                                      \
        V(add_to)(dw + runs[r].w + j * runs[r].w_step, a##r##j, 0);
    WINDOW(ADD)
#undef ZERO
#undef TWO
#undef ONE
#undef ADD
}
#undef WINDOW
#undef TAPS5
#endif

/* ---- matrix product: `count` pixels x one vector of outputs, up to 16 pixels where there are 32
 * registers, or x two vectors, up to 8 pixels (6 where there are 16 registers) */
#if VL == 16
#define EACH_PIXEL EACH16
#define PIXEL_CASES CASES16
#else
#define EACH_PIXEL EACH8
#define PIXEL_CASES CASES8
#endif
static INLINE void V(mm_block)(int count, int k, ptrdiff_t n, const float *in, ptrdiff_t in_px,
                               int n_taps, const struct snas_k_tap *taps, const float *w,
                               float *out, ptrdiff_t out_px, int accumulate, V(vec) * sums)
{
    EACH_PIXEL(INIT)
    if (accumulate) {
        EACH_PIXEL(LOAD)
    }
    for (int t = 0; t < n_taps; t++) {
        const float *x = in + taps[t].in, *wt = w + taps[t].w;
#pragma GCC unroll 4
        for (int j = 0; j < k; j++, wt += n, x++) {
            V(vec) w0 = V(load)(wt);
#define STEP(i)                                                                                    \
    if (count > i)                                                                                 \
        a##i += x[i * in_px] * w0;
            EACH_PIXEL(STEP)
        }
    }
    EACH_PIXEL(SAVE)
#define SUM(i)                                                                                     \
    if (count > i) {                                                                               \
        sums[0] += a##i;                                                                           \
        sums[1] += a##i * a##i;                                                                    \
    }
    if (sums) {
        EACH_PIXEL(SUM)
    }
#undef STEP
}

static INLINE void V(mm_column)(int rows, int width, int k, ptrdiff_t n, struct snas_k_source in,
                                ptrdiff_t in_px, int n_taps, const struct snas_k_tap *taps,
                                const float *w, struct snas_k_plane out, int accumulate,
                                float *sums)
{
    V(vec) s[2] = {{0}};
    for (int r = 0; r < rows; r++, in.at += in.row, out.at += out.row) {
        const float *x = in.at;
        float *y = out.at;
        for (int left = width, count; left > 0; left -= count) {
            count = VL == 16 ? snas_chunk16(left) : snas_chunk(left);
#define CASE(i)                                                                                    \
    case i:                                                                                        \
        V(mm_block)(i, k, n, x, in_px, n_taps, taps, w, y, out.px, accumulate, sums ? s : NULL);   \
        break;
            switch (count) {
                PIXEL_CASES(CASE)
            }
            x += count * in_px;
            y += count * out.px;
        }
    }
    if (sums) {
        V(add_to)(sums, s[0], 0);
        V(add_to)(sums + n, s[1], 0);
    }
#undef CASE
}

#define INIT2(i) V(vec) a##i = {0}, b##i = {0};
#define LOAD2(i)                                                                                   \
    if (count > i) {                                                                               \
        a##i = V(load)(out + i * out_px);                                                          \
        b##i = V(load)(out + i * out_px + VL);                                                     \
    }
#define SAVE2(i)                                                                                   \
    if (count > i) {                                                                               \
        V(store)(out + i * out_px, a##i);                                                          \
        V(store)(out + i * out_px + VL, b##i);                                                     \
    }
#if VL == LANES && LANES > 4
static INLINE void V(mm2_block)(int count, int k, ptrdiff_t n, const float *in, ptrdiff_t in_px,
                                int n_taps, const struct snas_k_tap *taps, const float *w,
                                float *out, ptrdiff_t out_px, int accumulate, V(vec) * sums)
{
    EACH8(INIT2)
    if (accumulate) {
        EACH8(LOAD2)
    }
    for (int t = 0; t < n_taps; t++) {
        const float *x = in + taps[t].in, *wt = w + taps[t].w;
#pragma GCC unroll 4
        for (int j = 0; j < k; j++, wt += n, x++) {
            V(vec) w0 = V(load)(wt), w1 = V(load)(wt + VL);
#define STEP(i)                                                                                    \
    if (count > i) {                                                                               \
        a##i += x[i * in_px] * w0;                                                                 \
        b##i += x[i * in_px] * w1;                                                                 \
    }
            EACH8(STEP)
        }
    }
    EACH8(SAVE2)
#define SUM2(i)                                                                                    \
    if (count > i) {                                                                               \
        sums[0] += a##i;                                                                           \
        sums[1] += a##i * a##i;                                                                    \
        sums[2] += b##i;                                                                           \
        sums[3] += b##i * b##i;                                                                    \
    }
    if (sums) {
        EACH8(SUM2)
    }
#undef STEP
}

static INLINE void V(mm2_column)(int rows, int width, int k, ptrdiff_t n, struct snas_k_source in,
                                 ptrdiff_t in_px, int n_taps, const struct snas_k_tap *taps,
                                 const float *w, struct snas_k_plane out, int accumulate,
                                 float *sums)
{
    V(vec) s[4] = {{0}};
    for (int r = 0; r < rows; r++, in.at += in.row, out.at += out.row) {
        const float *x = in.at;
        float *y = out.at;
        for (int left = width, count; left > 0; left -= count) {
            count = TWO_VECTORS(left);
#define CASE(i)                                                                                    \
    case i:                                                                                        \
        V(mm2_block)(i, k, n, x, in_px, n_taps, taps, w, y, out.px, accumulate, sums ? s : NULL);  \
        break;
            switch (count) {
                CASES8(CASE)
            }
            x += count * in_px;
            y += count * out.px;
        }
    }
    for (int i = 0; sums && i < 4; i++)
        V(add_to)(sums + i / 2 * VL + i % 2 * n, s[i], 0);
#undef CASE
}
#endif

/* ---- its weight gradient: `count` inputs x `vectors` vectors of outputs, all pixels */
static INLINE void V(mm_grad_block)(int count, int vectors, int rows, int width,
                                    struct snas_k_source in, struct snas_k_source g, float *dw,
                                    ptrdiff_t n)
{
    EACH8(INIT2)
    for (int r = 0; r < rows; r++) {
        const float *x = in.at + r * in.row, *gr = g.at + r * g.row;
        for (int p = 0; p < width; p++, x += in.px, gr += g.px) {
            V(vec) w0 = V(load)(gr), w1 = vectors > 1 ? V(load)(gr + VL) : w0;
#define STEP(i)                                                                                    \
    if (count > i) {                                                                               \
        a##i += x[i] * w0;                                                                         \
        if (vectors > 1)                                                                           \
            b##i += x[i] * w1;                                                                     \
    }
            EACH8(STEP)
        }
    }
#define ADD(i)                                                                                     \
    if (count > i) {                                                                               \
        V(add_to)(dw + i * n, a##i, 0);                                                            \
        if (vectors > 1)                                                                           \
            V(add_to)(dw + i * n + VL, b##i, 0);                                                   \
    }
    EACH8(ADD)
#undef STEP
#undef ADD
}

static INLINE void V(mm_grad_column)(int vectors, int rows, int width, int k, ptrdiff_t n,
                                     struct snas_k_source in, struct snas_k_source g, float *dw)
{
    for (int i = 0, count; i < k; i += count, in.at += count) {
        count = vectors > 1 ? TWO_VECTORS(k - i) : snas_chunk(k - i);
#define CASE(c)                                                                                    \
    case c:                                                                                        \
        V(mm_grad_block)(c, vectors, rows, width, in, g, dw + i * n, n);                           \
        break;
        switch (count) {
            CASES8(CASE)
        }
    }
#undef CASE
}

#undef INIT
#undef LOAD
#undef SAVE
#undef READ
#undef TAP
#undef RUN
#undef RUN_APART
#undef INIT2
#undef LOAD2
#undef SAVE2
#undef SUM
#undef SUM2
#undef EACH_PIXEL
#undef PIXEL_CASES

#include "kernels/columns_map.h"

#undef V

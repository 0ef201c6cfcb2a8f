#ifndef SNAS_KERNELS_KERNELS_H
#define SNAS_KERNELS_KERNELS_H

#include <stddef.h>

#include "base/status.h"

/* The vectorised float kernels: one source, compiled once per instruction set, chosen at run time.
 *
 * Pixels lie on a plane: channel c of pixel (r, q) is at[r * row + q * px + c], strides in floats.
 * Channels of depthwise and elementwise kernels come in multiples of SNAS_K_CHANNELS (callers pad
 * with zeros). Kernels read and write exactly the pixels they are asked for; only where it is said
 * may `out` be an operand too.
 *
 * A NaN goes where arithmetic takes it: to the outputs and sums that it is a term of, and to no
 * others. A ReLU and a maximum hand it on; as a mask (x > 0) it lets nothing through, and a maximum
 * that is NaN gives its gradient to nobody. */
#define SNAS_K_CHANNELS 8 /* divides every channel count that kernels take, unless they say so */
#define SNAS_K_LANES 16   /* the widest vector: scratch sizes round up to it */

struct snas_k_plane {
    float *at;
    ptrdiff_t row, px;
};
struct snas_k_source { /* a plane that is only read */
    const float *at;
    ptrdiff_t row, px;
};

/* One tap of a convolution: where it reads relative to the output's pixel (in the input's plane),
 * and where its weights begin. */
struct snas_k_tap {
    ptrdiff_t in, w;
};

/* Depthwise taps that lie in a row, at most SNAS_K_RUN of them: tap j reads at in + j * gap * step
 * and has its weights at w + j * w_step. The step is the same for all (snas_k_step), the gap 1 or
 * 2 (dilation), such that a kernel reads what neighbouring taps share once. */
#define SNAS_K_RUN 5
struct snas_k_run {
    ptrdiff_t in, w, w_step;
    int count, gap;
};

struct snas_kernels {
    const char *isa;
    int lanes; /* 16, 8 or 4 */

    /* out (+)= sum over the n runs' taps of in[tap] * w[tap], by channel; in.px = out.px = c. */
    void (*depthwise)(int rows, int width, int c, struct snas_k_source in, int n,
                      const struct snas_k_run *runs, const float *w, struct snas_k_plane out,
                      int accumulate);
    /* dw[tap] += sum over pixels of in[tap] * g; in.px = g.px = c. */
    void (*depthwise_dw)(int rows, int width, int c, struct snas_k_source in, int n,
                         const struct snas_k_run *runs, struct snas_k_source g, float *dw);
    /* out[., n] (+)= sum over taps and k of in[tap][., k] * w[tap][k * n + .]; n a multiple of
     * SNAS_K_CHANNELS, k any. sums, when not NULL, is [2][n]: sum and sum of squares of what was
     * written are added to it. */
    void (*matmul)(int rows, int width, int k, int n, struct snas_k_source in, int n_taps,
                   const struct snas_k_tap *taps, const float *w, struct snas_k_plane out,
                   int accumulate, float *sums);
    /* dw[i * n + j] += sum over pixels of in[., i] * g[., j], i < k, j < n. */
    void (*matmul_dw)(int rows, int width, int k, int n, struct snas_k_source in,
                      struct snas_k_source g, float *dw);

    /* out = x * a + b by channel (a NULL: x), negative values to 0 when relu. c any. */
    void (*affine)(int rows, int width, int c, struct snas_k_source x, const float *a,
                   const float *b, int relu, struct snas_k_plane out);
    /* out = a * g + b * y + d by channel: batch norm backward. */
    void (*norm_dx)(int rows, int width, int c, struct snas_k_source g, struct snas_k_source y,
                    const float *a, const float *b, const float *d, struct snas_k_plane out);
    /* out = where x > 0: d, else 0 (x.at NULL: d); sums [2][c] += out, out * y. */
    void (*mask_sums)(int rows, int width, int c, struct snas_k_source d, struct snas_k_source x,
                      struct snas_k_source y, struct snas_k_plane out, float *sums);
    /* out += d, only where x > 0 unless x.at is NULL. c any. */
    void (*add_masked)(int rows, int width, int c, struct snas_k_source d, struct snas_k_source x,
                       struct snas_k_plane out);
    /* out = b + sum of n terms x[i] * a[i] by channel; compact pixels of c channels. One of the
     * first four x may be out. */
    void (*combine)(int pixels, int c, int n, const float *const *x, const float *const *a,
                    const float *b, float *out);
    /* sum[c] += g * y; y NULL: += g. Compact pixels. */
    void (*sums)(int pixels, int c, const float *g, const float *y, float *sum);

    /* 3x3 pooling of a compact image h x w x c, padding 1, stride 1 or 2, to ceil(h / stride)
     * rows; sums as in matmul. `row` is scratch of (w + 2) * c floats. Padding never wins and is
     * not counted. max and avg may each be NULL. */
    void (*pool)(int h, int w, int c, int stride, const float *x, float *max, float *avg,
                 float *max_sums, float *avg_sums, float *row);
    /* dx (compact, h x w x c) += gradients of both pools, given their outputs' dmax, davg (either
     * NULL); of equal values the first of a window, row by row, gets dmax. `pad` is scratch of
     * 2 * (h + 2) * (w + 2) * c floats. */
    void (*pool_dx)(int h, int w, int c, int stride, const float *x, const float *max,
                    const float *dmax, const float *davg, float *dx, float *pad);
};

/* The fastest set for this processor; SNAS_ISA=generic|avx2|avx512 in the environment chooses one
 * (one that snas_kernels_check refuses is not taken). NULL when SNAS_ISA=ref: the caller uses the
 * reference layers. */
const struct snas_kernels *snas_kernels_get(void);
/* SNAS_E_ARG: SNAS_ISA names no set, or one that this processor lacks. */
enum snas_status snas_kernels_check(struct snas_err *err);
/* By name, or NULL when unknown or not possible here. */
const struct snas_kernels *snas_kernels_find(const char *isa);

/* Floats between the taps of a run on a plane of c channels. */
ptrdiff_t snas_k_step(const struct snas_kernels *k, int c);
/* Cuts n taps into runs, those of equal count together; runs has room for n. Returns how many. */
int snas_k_runs(ptrdiff_t step, int n, const struct snas_k_tap *taps, struct snas_k_run *runs);

#endif

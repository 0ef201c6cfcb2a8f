#ifndef SNAS_LAYERS_ROWS_H
#define SNAS_LAYERS_ROWS_H

#include "layers/real.h"

/* Rows of channels: the inner loops that every convolution is made of. */

/* y[n] += a x[n] */
static inline void snas_row_add(int n, snas_real a, const snas_real *restrict x,
                                snas_real *restrict y)
{
    for (int i = 0; i < n; i++)
        y[i] += a * x[i];
}

/* sum of x[n] y[n], in double, in eight interleaved partial sums: a fixed order that a compiler may
 * vectorise without being allowed to reassociate. */
static inline snas_real snas_row_dot(int n, const snas_real *restrict x,
                                     const snas_real *restrict y)
{
    double part[8] = {0}, tail = 0;
    int i = 0;
    for (; i + 8 <= n; i += 8)
        for (int l = 0; l < 8; l++)
            part[l] += (double)x[i + l] * y[i + l];
    for (; i < n; i++)
        tail += (double)x[i] * y[i];
    return (snas_real)(((part[0] + part[4]) + (part[1] + part[5])) +
                       ((part[2] + part[6]) + (part[3] + part[7])) + tail);
}

enum { SNAS_ROW_CHUNK = 16 }; /* channels whose sums stay in registers */

/* sum[o] += x[i] w[i][o] for n <= SNAS_ROW_CHUNK of the oc outputs: one pixel through a stripe of
 * a matrix. Sums are double in the float build too: the reference is what others are held to. */
static inline void snas_pixel_forward(int c, int oc, int n, const snas_real *restrict x,
                                      const snas_real *restrict w, double *restrict sum)
{
    for (int i = 0; i < c; i++, w += oc) {
        if (n == SNAS_ROW_CHUNK)
            for (int o = 0; o < SNAS_ROW_CHUNK; o++)
                sum[o] += (double)x[i] * w[o];
        else
            for (int o = 0; o < n; o++)
                sum[o] += (double)x[i] * w[o];
    }
}

/* Rounds the sums of a stripe to its outputs. */
static inline void snas_pixel_store(int n, const double *sum, snas_real *y)
{
    for (int o = 0; o < n; o++)
        y[o] = (snas_real)sum[o];
}

static inline int snas_stripe(int at, int oc)
{
    return oc - at < SNAS_ROW_CHUNK ? oc - at : SNAS_ROW_CHUNK;
}

/* dx[i] += w[i][o] dy[o] (dx may be NULL); dw[i][o] += x[i] dy[o]. */
static inline void snas_pixel_backward(int c, int oc, const snas_real *x, const snas_real *w,
                                       const snas_real *dy, snas_real *dx, snas_real *dw)
{
    for (int i = 0; i < c; i++) {
        if (dx)
            dx[i] += snas_row_dot(oc, w + (size_t)i * (size_t)oc, dy);
        snas_row_add(oc, x[i], dy, dw + (size_t)i * (size_t)oc);
    }
}

#endif

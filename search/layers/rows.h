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

/* sum of x[n] y[n], in eight interleaved partial sums: a fixed order that a compiler may vectorise
 * without being allowed to reassociate. */
static inline snas_real snas_row_dot(int n, const snas_real *restrict x,
                                     const snas_real *restrict y)
{
    snas_real part[8] = {0};
    int i = 0;
    for (; i + 8 <= n; i += 8)
        for (int l = 0; l < 8; l++)
            part[l] += x[i + l] * y[i + l];
    snas_real tail = 0;
    for (; i < n; i++)
        tail += x[i] * y[i];
    return ((part[0] + part[4]) + (part[1] + part[5])) +
           ((part[2] + part[6]) + (part[3] + part[7])) + tail;
}

/* y[o] += x[i] w[i][o]: one pixel through a matrix. */
static inline void snas_pixel_forward(int c, int oc, const snas_real *x, const snas_real *w,
                                      snas_real *y)
{
    for (int i = 0; i < c; i++)
        snas_row_add(oc, x[i], w + (size_t)i * (size_t)oc, y);
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

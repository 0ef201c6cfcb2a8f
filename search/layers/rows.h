#ifndef SNAS_LAYERS_ROWS_H
#define SNAS_LAYERS_ROWS_H

#include "layers/window.h"

/* Rows of channels: the inner loops that every convolution is made of. */

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

/* dx[i] += w[i][o] dy[o]: one pixel back. */
static inline void snas_pixel_backward(int c, int oc, const snas_real *w, const snas_real *dy,
                                       snas_real *dx)
{
    for (int i = 0; i < c; i++)
        dx[i] += snas_row_dot(oc, w + (size_t)i * (size_t)oc, dy);
}

/* dw[i][o] += sum over the image's pixels of x[i] dy[o], for a matrix of `oc` columns that reads x
 * at (down, right); dy points at the first of its channels. */
static inline void snas_matrix_gradient(const struct snas_geometry *g, int down, int right,
                                        const snas_real *x, const snas_real *dy, int oc,
                                        snas_real *dw)
{
    for (int i = 0; i < g->c; i++) {
        for (int o0 = 0; o0 < oc; o0 += SNAS_ROW_CHUNK) {
            int n = snas_stripe(o0, oc);
            double sum[SNAS_ROW_CHUNK] = {0};
            const snas_real *d = dy + o0;
            for (int oy = 0; oy < g->oh; oy++) {
                for (int ox = 0; ox < g->ow; ox++, d += g->oc) {
                    ptrdiff_t at = snas_pixel_at(g, oy, ox, down, right);
                    if (at < 0)
                        continue;
                    double v = x[at * g->c + i];
                    for (int o = 0; o < n; o++)
                        sum[o] += v * d[o];
                }
            }
            for (int o = 0; o < n; o++)
                dw[(ptrdiff_t)i * oc + o0 + o] += (snas_real)sum[o];
        }
    }
}

#endif

#include "layers/layers.h"

/* Channels are taken in chunks, so that a chunk's constants are worked out once and stay at hand
 * for all pixels. */
#define CHUNK 64

static int chunk_end(int c0, int c)
{
    return c - c0 < CHUNK ? c : c0 + CHUNK;
}

void SNAS_R(snas_norm_sums)(size_t pixels, int c, const snas_real *x, double *sum, double *sum2)
{
    for (size_t p = 0; p < pixels; p++, x += c) {
        for (int i = 0; i < c; i++) {
            sum[i] += x[i];
            sum2[i] += (double)x[i] * x[i];
        }
    }
}

void SNAS_R(snas_norm_apply)(size_t pixels, int c, const snas_real *x, const double *mean,
                             const double *inv, const snas_real *gamma, const snas_real *beta,
                             snas_real *y)
{
    for (int c0 = 0; c0 < c; c0 += CHUNK) {
        int n = chunk_end(c0, c) - c0;
        snas_real shift[CHUNK], scale[CHUNK], add[CHUNK];
        for (int i = 0; i < n; i++) {
            shift[i] = (snas_real)mean[c0 + i];
            scale[i] = (snas_real)(gamma ? inv[c0 + i] * gamma[c0 + i] : inv[c0 + i]);
            add[i] = beta ? beta[c0 + i] : 0;
        }
        for (size_t p = 0; p < pixels; p++) {
            const snas_real *in = x + p * (size_t)c + c0;
            snas_real *out = y + p * (size_t)c + c0;
            for (int i = 0; i < n; i++)
                out[i] = (in[i] - shift[i]) * scale[i] + add[i];
        }
    }
}

void SNAS_R(snas_norm_backward_sums)(size_t pixels, int c, const snas_real *x, const double *mean,
                                     const double *inv, const snas_real *dy, double *sum,
                                     double *sum_xhat)
{
    for (size_t p = 0; p < pixels; p++, x += c, dy += c) {
        for (int i = 0; i < c; i++) {
            sum[i] += dy[i];
            sum_xhat[i] += dy[i] * ((x[i] - mean[i]) * inv[i]);
        }
    }
}

void SNAS_R(snas_norm_backward_apply)(size_t pixels, int c, const snas_real *x, const double *mean,
                                      const double *inv, const snas_real *gamma,
                                      const snas_real *dy, const double *sum,
                                      const double *sum_xhat, double count, snas_real *dx)
{
    for (int c0 = 0; c0 < c; c0 += CHUNK) {
        int n = chunk_end(c0, c) - c0;
        snas_real shift[CHUNK], scale[CHUNK], first[CHUNK], second[CHUNK];
        for (int i = 0; i < n; i++) {
            shift[i] = (snas_real)mean[c0 + i];
            scale[i] = (snas_real)(gamma ? inv[c0 + i] * gamma[c0 + i] : inv[c0 + i]);
            first[i] = (snas_real)(sum[c0 + i] / count);
            second[i] = (snas_real)(inv[c0 + i] * sum_xhat[c0 + i] / count);
        }
        for (size_t p = 0; p < pixels; p++) {
            const snas_real *in = x + p * (size_t)c + c0, *g = dy + p * (size_t)c + c0;
            snas_real *out = dx + p * (size_t)c + c0;
            for (int i = 0; i < n; i++)
                out[i] = scale[i] * (g[i] - first[i] - (in[i] - shift[i]) * second[i]);
        }
    }
}

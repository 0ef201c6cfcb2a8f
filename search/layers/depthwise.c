#include <string.h>

#include "layers/rows.h"
#include "layers/window.h"

void SNAS_R(snas_depthwise_forward)(const struct snas_geometry *g, const snas_real *x,
                                    const snas_real *const w[2], snas_real *y)
{
    int c = g->c;
    for (int oy = 0; oy < g->oh; oy++) {
        for (int ox = 0; ox < g->ow; ox++, y += c) {
            for (int i0 = 0; i0 < c; i0 += SNAS_ROW_CHUNK) {
                int n = snas_stripe(i0, c);
                double sum[SNAS_ROW_CHUNK] = {0};
                for (int k = 0; k < g->kh * g->kw; k++) {
                    ptrdiff_t at = snas_window_at(g, oy, ox, k / g->kw, k % g->kw);
                    const snas_real *in = x + at * c + i0, *tap = w[0] + (ptrdiff_t)k * c + i0;
                    for (int i = 0; at >= 0 && i < n; i++)
                        sum[i] += (double)in[i] * tap[i];
                }
                snas_pixel_store(n, sum, y + i0);
            }
        }
    }
}

void SNAS_R(snas_depthwise_backward)(const struct snas_geometry *g, const snas_real *x,
                                     const snas_real *const w[2], const snas_real *dy,
                                     snas_real *dx, snas_real *const dw[2])
{
    int c = g->c;
    if (dx)
        memset(dx, 0, snas_in_values(g) * sizeof *dx);
    for (int oy = 0; oy < g->oh; oy++) {
        for (int ox = 0; ox < g->ow; ox++, dy += c) {
            size_t tap = 0;
            for (int ky = 0; ky < g->kh; ky++) {
                for (int kx = 0; kx < g->kw; kx++, tap += (size_t)c) {
                    ptrdiff_t at = snas_window_at(g, oy, ox, ky, kx);
                    if (at < 0)
                        continue;
                    const snas_real *in = x + at * c, *weight = w[0] + tap;
                    snas_real *dweight = dw[0] + tap;
                    for (int i = 0; i < c; i++)
                        dweight[i] += in[i] * dy[i];
                    if (!dx)
                        continue;
                    snas_real *din = dx + at * c;
                    for (int i = 0; i < c; i++)
                        din[i] += weight[i] * dy[i];
                }
            }
        }
    }
}

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
                    if (at < 0)
                        continue;
                    const snas_real *in = x + at * c + i0, *tap = w[0] + (ptrdiff_t)k * c + i0;
                    for (int i = 0; i < n; i++)
                        sum[i] += (double)in[i] * tap[i];
                }
                snas_pixel_store(n, sum, y + i0);
            }
        }
    }
}

/* dw of tap (ky, kx). */
static void tap_gradient(const struct snas_geometry *g, int ky, int kx, const snas_real *x,
                         const snas_real *dy, snas_real *dw)
{
    for (int i0 = 0; i0 < g->c; i0 += SNAS_ROW_CHUNK) {
        int n = snas_stripe(i0, g->c);
        double sum[SNAS_ROW_CHUNK] = {0};
        const snas_real *d = dy + i0;
        for (int oy = 0; oy < g->oh; oy++) {
            for (int ox = 0; ox < g->ow; ox++, d += g->c) {
                ptrdiff_t at = snas_window_at(g, oy, ox, ky, kx);
                if (at < 0)
                    continue;
                const snas_real *in = x + at * g->c + i0;
                for (int i = 0; i < n; i++)
                    sum[i] += (double)in[i] * d[i];
            }
        }
        for (int i = 0; i < n; i++)
            dw[i0 + i] += (snas_real)sum[i];
    }
}

void SNAS_R(snas_depthwise_backward)(const struct snas_geometry *g, const snas_real *x,
                                     const snas_real *const w[2], const snas_real *dy,
                                     snas_real *dx, snas_real *const dw[2])
{
    int c = g->c, taps = g->kh * g->kw;
    for (int k = 0; k < taps; k++)
        tap_gradient(g, k / g->kw, k % g->kw, x, dy, dw[0] + (ptrdiff_t)k * c);
    if (!dx)
        return;
    memset(dx, 0, snas_in_values(g) * sizeof *dx);
    for (int oy = 0; oy < g->oh; oy++) {
        for (int ox = 0; ox < g->ow; ox++, dy += c) {
            for (int k = 0; k < taps; k++) {
                ptrdiff_t at = snas_window_at(g, oy, ox, k / g->kw, k % g->kw);
                if (at < 0)
                    continue;
                const snas_real *tap = w[0] + (ptrdiff_t)k * c;
                snas_real *din = dx + at * c;
                for (int i = 0; i < c; i++)
                    din[i] += tap[i] * dy[i];
            }
        }
    }
}

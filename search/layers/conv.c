#include <string.h>

#include "layers/rows.h"
#include "layers/window.h"

void SNAS_R(snas_conv_forward)(const struct snas_geometry *g, const snas_real *x,
                               const snas_real *const w[2], snas_real *y)
{
    size_t matrix = (size_t)g->c * (size_t)g->oc;
    for (int oy = 0; oy < g->oh; oy++) {
        for (int ox = 0; ox < g->ow; ox++, y += g->oc) {
            for (int o = 0; o < g->oc; o += SNAS_ROW_CHUNK) {
                int n = snas_stripe(o, g->oc);
                double sum[SNAS_ROW_CHUNK] = {0};
                for (int k = 0; k < g->kh * g->kw; k++) {
                    ptrdiff_t at = snas_window_at(g, oy, ox, k / g->kw, k % g->kw);
                    if (at >= 0)
                        snas_pixel_forward(g->c, g->oc, n, x + at * g->c,
                                           w[0] + (size_t)k * matrix + o, sum);
                }
                snas_pixel_store(n, sum, y + o);
            }
        }
    }
}

void SNAS_R(snas_conv_backward)(const struct snas_geometry *g, const snas_real *x,
                                const snas_real *const w[2], const snas_real *dy, snas_real *dx,
                                snas_real *const dw[2])
{
    size_t matrix = (size_t)g->c * (size_t)g->oc;
    for (int k = 0; k < g->kh * g->kw; k++)
        snas_matrix_gradient(g, snas_tap_offset(g, k / g->kw, g->kh),
                             snas_tap_offset(g, k % g->kw, g->kw), x, dy, g->oc,
                             dw[0] + (size_t)k * matrix);
    if (!dx)
        return;
    memset(dx, 0, snas_in_values(g) * sizeof *dx);
    for (int oy = 0; oy < g->oh; oy++) {
        for (int ox = 0; ox < g->ow; ox++, dy += g->oc) {
            for (int k = 0; k < g->kh * g->kw; k++) {
                ptrdiff_t at = snas_window_at(g, oy, ox, k / g->kw, k % g->kw);
                if (at >= 0)
                    snas_pixel_backward(g->c, g->oc, w[0] + (size_t)k * matrix, dy, dx + at * g->c);
            }
        }
    }
}

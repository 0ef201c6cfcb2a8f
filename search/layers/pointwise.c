#include <string.h>

#include "layers/rows.h"
#include "layers/window.h"

void SNAS_R(snas_pointwise_forward)(const struct snas_geometry *g, const snas_real *x,
                                    const snas_real *const w[2], snas_real *y)
{
    for (int oy = 0; oy < g->oh; oy++) {
        for (int ox = 0; ox < g->ow; ox++, y += g->oc) {
            ptrdiff_t at = (ptrdiff_t)oy * g->stride * g->w + (ptrdiff_t)ox * g->stride;
            for (int o = 0; o < g->oc; o += SNAS_ROW_CHUNK) {
                int n = snas_stripe(o, g->oc);
                double sum[SNAS_ROW_CHUNK] = {0};
                snas_pixel_forward(g->c, g->oc, n, x + at * g->c, w[0] + o, sum);
                snas_pixel_store(n, sum, y + o);
            }
        }
    }
}

void SNAS_R(snas_pointwise_backward)(const struct snas_geometry *g, const snas_real *x,
                                     const snas_real *const w[2], const snas_real *dy,
                                     snas_real *dx, snas_real *const dw[2])
{
    snas_matrix_gradient(g, 0, 0, x, dy, g->oc, dw[0]);
    if (!dx)
        return;
    memset(dx, 0, snas_in_values(g) * sizeof *dx);
    for (int oy = 0; oy < g->oh; oy++) {
        for (int ox = 0; ox < g->ow; ox++, dy += g->oc) {
            ptrdiff_t at = (ptrdiff_t)oy * g->stride * g->w + (ptrdiff_t)ox * g->stride;
            snas_pixel_backward(g->c, g->oc, w[0], dy, dx + at * g->c);
        }
    }
}

#include <string.h>

#include "layers/rows.h"
#include "layers/window.h"

void SNAS_R(snas_reduce_forward)(const struct snas_geometry *g, const snas_real *x,
                                 const snas_real *const w[2], snas_real *y)
{
    const int channels[2] = {g->oc / 2, g->oc - g->oc / 2};
    for (int oy = 0; oy < g->oh; oy++) {
        for (int ox = 0; ox < g->ow; ox++) {
            for (int half = 0; half < 2; y += channels[half++]) {
                ptrdiff_t at = snas_pixel_at(g, oy, ox, half, half);
                for (int o = 0; o < channels[half]; o += SNAS_ROW_CHUNK) {
                    int n = snas_stripe(o, channels[half]);
                    double sum[SNAS_ROW_CHUNK] = {0};
                    if (at >= 0)
                        snas_pixel_forward(g->c, channels[half], n, x + at * g->c, w[half] + o,
                                           sum);
                    snas_pixel_store(n, sum, y + o);
                }
            }
        }
    }
}

void SNAS_R(snas_reduce_backward)(const struct snas_geometry *g, const snas_real *x,
                                  const snas_real *const w[2], const snas_real *dy, snas_real *dx,
                                  snas_real *const dw[2])
{
    const int channels[2] = {g->oc / 2, g->oc - g->oc / 2};
    for (int half = 0; half < 2; half++)
        snas_matrix_gradient(g, half, half, x, dy + (half ? channels[0] : 0), channels[half],
                             dw[half]);
    if (!dx)
        return;
    memset(dx, 0, snas_in_values(g) * sizeof *dx);
    for (int oy = 0; oy < g->oh; oy++) {
        for (int ox = 0; ox < g->ow; ox++) {
            for (int half = 0; half < 2; dy += channels[half++]) {
                ptrdiff_t at = snas_pixel_at(g, oy, ox, half, half);
                if (at >= 0)
                    snas_pixel_backward(g->c, channels[half], w[half], dy, dx + at * g->c);
            }
        }
    }
}

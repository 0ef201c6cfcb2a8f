#include <string.h>

#include "layers/rows.h"
#include "layers/window.h"

void SNAS_R(snas_conv_forward)(const struct snas_geometry *g, const snas_real *x,
                               const snas_real *const w[2], snas_real *y)
{
    size_t matrix = (size_t)g->c * (size_t)g->oc;
    memset(y, 0, snas_out_values(g) * sizeof *y);
    for (int oy = 0; oy < g->oh; oy++) {
        for (int ox = 0; ox < g->ow; ox++, y += g->oc) {
            const snas_real *tap = w[0];
            for (int ky = 0; ky < g->kh; ky++) {
                for (int kx = 0; kx < g->kw; kx++, tap += matrix) {
                    ptrdiff_t at = snas_window_at(g, oy, ox, ky, kx);
                    if (at >= 0)
                        snas_pixel_forward(g->c, g->oc, x + at * g->c, tap, y);
                }
            }
        }
    }
}

void SNAS_R(snas_conv_backward)(const struct snas_geometry *g, const snas_real *x,
                                const snas_real *const w[2], const snas_real *dy, snas_real *dx,
                                snas_real *const dw[2])
{
    size_t matrix = (size_t)g->c * (size_t)g->oc;
    if (dx)
        memset(dx, 0, snas_in_values(g) * sizeof *dx);
    for (int oy = 0; oy < g->oh; oy++) {
        for (int ox = 0; ox < g->ow; ox++, dy += g->oc) {
            size_t tap = 0;
            for (int ky = 0; ky < g->kh; ky++) {
                for (int kx = 0; kx < g->kw; kx++, tap += matrix) {
                    ptrdiff_t at = snas_window_at(g, oy, ox, ky, kx);
                    if (at >= 0)
                        snas_pixel_backward(g->c, g->oc, x + at * g->c, w[0] + tap, dy,
                                            dx ? dx + at * g->c : NULL, dw[0] + tap);
                }
            }
        }
    }
}

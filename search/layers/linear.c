#include <string.h>

#include "layers/rows.h"
#include "layers/layers.h"

void SNAS_R(snas_linear_forward)(const struct snas_geometry *g, const snas_real *x,
                                 const snas_real *const w[2], snas_real *y)
{
    int in = g->h * g->w * g->c;
    for (int o = 0; o < g->oc; o += SNAS_ROW_CHUNK) {
        int n = snas_stripe(o, g->oc);
        double sum[SNAS_ROW_CHUNK] = {0};
        for (int i = 0; i < n; i++)
            sum[i] = w[1][o + i];
        snas_pixel_forward(in, g->oc, n, x, w[0] + o, sum);
        snas_pixel_store(n, sum, y + o);
    }
}

void SNAS_R(snas_linear_backward)(const struct snas_geometry *g, const snas_real *x,
                                  const snas_real *const w[2], const snas_real *dy, snas_real *dx,
                                  snas_real *const dw[2])
{
    int in = g->h * g->w * g->c;
    for (int i = 0; i < in; i++)
        for (int o = 0; o < g->oc; o++)
            dw[0][(ptrdiff_t)i * g->oc + o] += x[i] * dy[o];
    for (int o = 0; o < g->oc; o++)
        dw[1][o] += dy[o];
    if (!dx)
        return;
    memset(dx, 0, (size_t)in * sizeof *dx);
    snas_pixel_backward(in, g->oc, w[0], dy, dx);
}

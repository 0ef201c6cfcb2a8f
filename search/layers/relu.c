#include "layers/layers.h"

void SNAS_R(snas_relu_forward)(const struct snas_geometry *g, const snas_real *x,
                               const snas_real *const w[2], snas_real *y)
{
    (void)w;
    size_t n = (size_t)g->h * (size_t)g->w * (size_t)g->c;
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] < 0 ? 0 : x[i];
}

void SNAS_R(snas_relu_backward)(const struct snas_geometry *g, const snas_real *x,
                                const snas_real *const w[2], const snas_real *dy, snas_real *dx,
                                snas_real *const dw[2])
{
    (void)w;
    (void)dw;
    if (!dx)
        return;
    size_t n = (size_t)g->h * (size_t)g->w * (size_t)g->c;
    for (size_t i = 0; i < n; i++)
        dx[i] = x[i] > 0 ? dy[i] : 0;
}

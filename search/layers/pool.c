#include <string.h>

#include "layers/window.h"

/* Where the maximum of channel i under (oy, ox) lies, in pixels. Every window has a pixel of x. */
static ptrdiff_t argmax(const struct snas_geometry *g, const snas_real *x, int oy, int ox, int i)
{
    ptrdiff_t best = -1;
    snas_real top = 0;
    for (int ky = 0; ky < g->kh; ky++) {
        for (int kx = 0; kx < g->kw; kx++) {
            ptrdiff_t at = snas_window_at(g, oy, ox, ky, kx);
            if (at < 0)
                continue;
            snas_real v = x[at * g->c + i];
            if (best < 0 || v > top || v != v) {
                best = at;
                top = v;
            }
        }
    }
    return best;
}

void SNAS_R(snas_max_pool_forward)(const struct snas_geometry *g, const snas_real *x,
                                   const snas_real *const w[2], snas_real *y)
{
    (void)w;
    for (int oy = 0; oy < g->oh; oy++)
        for (int ox = 0; ox < g->ow; ox++, y += g->c)
            for (int i = 0; i < g->c; i++)
                y[i] = x[argmax(g, x, oy, ox, i) * g->c + i];
}

void SNAS_R(snas_max_pool_backward)(const struct snas_geometry *g, const snas_real *x,
                                    const snas_real *const w[2], const snas_real *dy, snas_real *dx,
                                    snas_real *const dw[2])
{
    (void)w;
    (void)dw;
    if (!dx)
        return;
    memset(dx, 0, snas_in_values(g) * sizeof *dx);
    for (int oy = 0; oy < g->oh; oy++)
        for (int ox = 0; ox < g->ow; ox++, dy += g->c)
            for (int i = 0; i < g->c; i++)
                dx[argmax(g, x, oy, ox, i) * g->c + i] += dy[i];
}

static int window_count(const struct snas_geometry *g, int oy, int ox)
{
    int n = 0;
    for (int ky = 0; ky < g->kh; ky++)
        for (int kx = 0; kx < g->kw; kx++)
            n += snas_window_at(g, oy, ox, ky, kx) >= 0;
    return n;
}

void SNAS_R(snas_avg_pool_forward)(const struct snas_geometry *g, const snas_real *x,
                                   const snas_real *const w[2], snas_real *y)
{
    (void)w;
    for (int oy = 0; oy < g->oh; oy++) {
        for (int ox = 0; ox < g->ow; ox++, y += g->c) {
            memset(y, 0, (size_t)g->c * sizeof *y);
            for (int ky = 0; ky < g->kh; ky++) {
                for (int kx = 0; kx < g->kw; kx++) {
                    ptrdiff_t at = snas_window_at(g, oy, ox, ky, kx);
                    for (int i = 0; at >= 0 && i < g->c; i++)
                        y[i] += x[at * g->c + i];
                }
            }
            snas_real n = (snas_real)window_count(g, oy, ox);
            for (int i = 0; i < g->c; i++)
                y[i] /= n;
        }
    }
}

void SNAS_R(snas_avg_pool_backward)(const struct snas_geometry *g, const snas_real *x,
                                    const snas_real *const w[2], const snas_real *dy, snas_real *dx,
                                    snas_real *const dw[2])
{
    (void)x;
    (void)w;
    (void)dw;
    if (!dx)
        return;
    memset(dx, 0, snas_in_values(g) * sizeof *dx);
    for (int oy = 0; oy < g->oh; oy++) {
        for (int ox = 0; ox < g->ow; ox++, dy += g->c) {
            snas_real n = (snas_real)window_count(g, oy, ox);
            for (int ky = 0; ky < g->kh; ky++) {
                for (int kx = 0; kx < g->kw; kx++) {
                    ptrdiff_t at = snas_window_at(g, oy, ox, ky, kx);
                    for (int i = 0; at >= 0 && i < g->c; i++)
                        dx[at * g->c + i] += dy[i] / n;
                }
            }
        }
    }
}

void SNAS_R(snas_global_pool_forward)(const struct snas_geometry *g, const snas_real *x,
                                      const snas_real *const w[2], snas_real *y)
{
    (void)w;
    size_t pixels = (size_t)g->h * (size_t)g->w;
    for (int i = 0; i < g->c; i++) {
        double sum = 0;
        for (size_t p = 0; p < pixels; p++)
            sum += x[p * (size_t)g->c + (size_t)i];
        y[i] = (snas_real)(sum / (double)pixels);
    }
}

void SNAS_R(snas_global_pool_backward)(const struct snas_geometry *g, const snas_real *x,
                                       const snas_real *const w[2], const snas_real *dy,
                                       snas_real *dx, snas_real *const dw[2])
{
    (void)x;
    (void)w;
    (void)dw;
    if (!dx)
        return;
    size_t pixels = (size_t)g->h * (size_t)g->w;
    for (size_t p = 0; p < pixels; p++, dx += g->c)
        for (int i = 0; i < g->c; i++)
            dx[i] = dy[i] / (snas_real)pixels;
}

#ifndef SNAS_LAYERS_WINDOW_H
#define SNAS_LAYERS_WINDOW_H

#include <stddef.h>

#include "layers/layers.h"

/* Pixel of x under tap (ky, kx) of output pixel (oy, ox), as an index in pixels; -1 in the
 * padding. */
static inline ptrdiff_t snas_window_at(const struct snas_geometry *g, int oy, int ox, int ky,
                                       int kx)
{
    int y = oy * g->stride + ky * g->dilation - g->dilation * (g->kh - 1) / 2;
    int x = ox * g->stride + kx * g->dilation - g->dilation * (g->kw - 1) / 2;
    if (y < 0 || y >= g->h || x < 0 || x >= g->w)
        return -1;
    return (ptrdiff_t)y * g->w + x;
}

static inline size_t snas_in_values(const struct snas_geometry *g)
{
    return (size_t)g->h * (size_t)g->w * (size_t)g->c;
}

static inline size_t snas_out_values(const struct snas_geometry *g)
{
    return (size_t)g->oh * (size_t)g->ow * (size_t)g->oc;
}

#endif

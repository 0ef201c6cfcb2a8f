#ifndef SNAS_LAYERS_WINDOW_H
#define SNAS_LAYERS_WINDOW_H

#include <stddef.h>

#include "layers/layers.h"

/* Pixel of x `down` and `right` of where output pixel (oy, ox) starts, as an index in pixels; -1
 * outside. */
static inline ptrdiff_t snas_pixel_at(const struct snas_geometry *g, int oy, int ox, int down,
                                      int right)
{
    int y = oy * g->stride + down, x = ox * g->stride + right;
    if (y < 0 || y >= g->h || x < 0 || x >= g->w)
        return -1;
    return (ptrdiff_t)y * g->w + x;
}

/* How far tap k lies down (kernel side kh) or right (kw). */
static inline int snas_tap_offset(const struct snas_geometry *g, int k, int side)
{
    return g->dilation * k - g->dilation * (side - 1) / 2;
}

/* The same for tap (ky, kx) of a window: -1 in the padding. */
static inline ptrdiff_t snas_window_at(const struct snas_geometry *g, int oy, int ox, int ky,
                                       int kx)
{
    return snas_pixel_at(g, oy, ox, snas_tap_offset(g, ky, g->kh), snas_tap_offset(g, kx, g->kw));
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

/* Template, included by columns.h: the elementwise kernels and pooling of one column of VL
 * channels. */

static INLINE void V(affine_column)(int rows, int width, struct snas_k_source x, const float *a,
                                    const float *b, int relu, struct snas_k_plane out, int pair)
{
    V(vec) va = {0}, vb = {0};
    if (a) {
        va = V(coef)(a, pair);
        vb = V(coef)(b, pair);
    }
    for (int r = 0; r < rows; r++) {
        const float *xr = x.at + r * x.row;
        float *o = out.at + r * out.row;
        for (int p = 0; p < width; p++, xr += x.px, o += out.px) {
            V(vec) y = V(load)(xr);
            if (a)
                y = y * va + vb;
            V(store)(o, relu ? V(positive)(y) : y);
        }
    }
}

static INLINE void V(norm_dx_column)(int rows, int width, struct snas_k_source g,
                                     struct snas_k_source y, const float *a, const float *b,
                                     const float *d, struct snas_k_plane out, int pair)
{
    V(vec) va = V(coef)(a, pair), vb = V(coef)(b, pair), vd = V(coef)(d, pair);
    for (int r = 0; r < rows; r++) {
        const float *gr = g.at + r * g.row, *yr = y.at + r * y.row;
        float *o = out.at + r * out.row;
        for (int p = 0; p < width; p++, gr += g.px, yr += y.px, o += out.px)
            V(store)(o, va * V(load)(gr) + (vb * V(load)(yr) + vd));
    }
}

static INLINE void V(mask_sums_column)(int rows, int width, struct snas_k_source d,
                                       struct snas_k_source x, struct snas_k_source y,
                                       struct snas_k_plane out, float *sum, float *sum_y, int pair)
{
    V(vec) s = {0}, q = {0};
    for (int r = 0; r < rows; r++) {
        const float *dr = d.at + r * d.row, *yr = y.at + r * y.row;
        const float *xr = x.at ? x.at + r * x.row : dr;
        float *o = out.at + r * out.row;
        for (int p = 0; p < width; p++, dr += d.px, xr += x.px, yr += y.px, o += out.px) {
            V(vec) e = V(load)(dr), v = V(load)(yr);
            if (x.at)
                e = V(keep)(e, V(load)(xr) > 0);
            V(store)(o, e);
            s += e;
            q += e * v;
        }
    }
    V(add_to)(sum, s, pair);
    V(add_to)(sum_y, q, pair);
}

static INLINE void V(add_masked_column)(int rows, int width, struct snas_k_source d,
                                        struct snas_k_source x, struct snas_k_plane out)
{
    for (int r = 0; r < rows; r++) {
        const float *dr = d.at + r * d.row, *xr = x.at ? x.at + r * x.row : NULL;
        float *o = out.at + r * out.row;
        for (int p = 0; p < width; p++, dr += d.px, o += out.px) {
            V(vec) e = V(load)(dr);
            if (xr)
                e = V(keep)(e, V(load)(xr + p * x.px) > 0);
            V(store)(o, V(load)(o) + e);
        }
    }
}

/* Up to four terms of a combine; `first`: out = b + ..., else out += ... */
static INLINE void V(combine_column)(int pixels, ptrdiff_t px, int n, const float *const *x,
                                     const float *const *a, ptrdiff_t at, int cb, const float *b,
                                     float *out, int pair)
{
    const float *x0 = n > 0 ? x[0] + at : NULL, *x1 = n > 1 ? x[1] + at : NULL;
    const float *x2 = n > 2 ? x[2] + at : NULL, *x3 = n > 3 ? x[3] + at : NULL;
    V(vec) zero = {0};
    V(vec)
    a0 = n > 0 ? V(coef)(a[0] + cb, pair) : zero, a1 = n > 1 ? V(coef)(a[1] + cb, pair) : zero;
    V(vec)
    a2 = n > 2 ? V(coef)(a[2] + cb, pair) : zero, a3 = n > 3 ? V(coef)(a[3] + cb, pair) : zero;
    V(vec) vb = b ? V(coef)(b + cb, pair) : zero;
    for (ptrdiff_t p = 0, i = 0; p < pixels; p++, i += px) {
        V(vec) s = b ? vb : V(load)(out + at + i), s2 = zero;
        if (n > 0)
            s += V(load)(x0 + i) * a0;
        if (n > 1)
            s2 += V(load)(x1 + i) * a1;
        if (n > 2)
            s += V(load)(x2 + i) * a2;
        if (n > 3)
            s2 += V(load)(x3 + i) * a3;
        V(store)(out + at + i, s + s2);
    }
}

static INLINE void V(sums_column)(int pixels, ptrdiff_t px, const float *g, const float *y,
                                  float *sum, int pair)
{
    V(vec) s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};
    int p = 0;
    if (y) {
        for (; p + 4 <= pixels; p += 4, g += 4 * px, y += 4 * px) {
            s0 += V(load)(g) * V(load)(y);
            s1 += V(load)(g + px) * V(load)(y + px);
            s2 += V(load)(g + 2 * px) * V(load)(y + 2 * px);
            s3 += V(load)(g + 3 * px) * V(load)(y + 3 * px);
        }
        for (; p < pixels; p++, g += px, y += px)
            s0 += V(load)(g) * V(load)(y);
    } else {
        for (; p + 4 <= pixels; p += 4, g += 4 * px) {
            s0 += V(load)(g);
            s1 += V(load)(g + px);
            s2 += V(load)(g + 2 * px);
            s3 += V(load)(g + 3 * px);
        }
        for (; p < pixels; p++, g += px)
            s0 += V(load)(g);
    }
    V(add_to)(sum, (s0 + s1) + (s2 + s3), pair);
}

/* ---- pooling. Down the three rows of a window into `row`, a pixel of padding at either end. */
static INLINE V(vec) V(larger)(V(vec) a, V(vec) b)
{
    return V(pick)((b > a) | (b != b), b, a);
}

static INLINE void V(pool_rows)(ptrdiff_t n, const float *middle, const float *above,
                                const float *below, int max, float *row)
{
    const float *a = above ? above : middle, *b = below ? below : middle;
    V(vec) zero = {0};
    for (ptrdiff_t i = 0; i + VL <= n; i += VL) {
        V(vec) m = V(load)(middle + i);
        if (max) {
            m = V(larger)(V(larger)(m, V(load)(a + i)), V(load)(b + i));
        } else {
            if (above)
                m += V(load)(a + i);
            m += below ? V(load)(b + i) : zero;
        }
        V(store)(row + i, m);
    }
}

static INLINE void V(pool_across)(int width, int c, int stride, const float *row, int max, int rows,
                                  int w, float *out, float *sum, float *square)
{
    const float inner = 1.0F / (float)(3 * rows), outer = 1.0F / (float)(2 * rows);
    V(vec) s = {0}, q = {0};
    for (int p = 0; p < width; p++) {
        const float *r = row + (ptrdiff_t)p * stride * c;
        V(vec) u = V(load)(r), v = V(load)(r + c), z = V(load)(r + 2 * (ptrdiff_t)c), m;
        if (max) {
            m = V(larger)(V(larger)(u, v), z);
        } else {
            int at_edge = (p == 0) + (p * stride == w - 1);
            m = (u + v + z) * (at_edge == 0 ? inner : at_edge == 1 ? outer : 1.0F / (float)rows);
        }
        V(store)(out + (ptrdiff_t)p * c, m);
        s += m;
        q += m * m;
    }
    V(add_to)(sum, s, 0);
    V(add_to)(square, q, 0);
}

/* One output pixel's share of the gradient, given back over its window of a padded plane. */
static INLINE void V(pool_spread)(const float *x, float *dx, ptrdiff_t row, ptrdiff_t c,
                                  const float *max, const float *dmax, const float *davg,
                                  float share)
{
    V(vec) zero = {0};
    V(vec) m = dmax ? V(load)(max) : zero, g = dmax ? V(load)(dmax) : zero;
    V(vec) a = zero;
    if (davg)
        a = V(load)(davg) * share;
    V(mask) left = zero == zero;
    for (int k = 0; k < 9; k++) {
        ptrdiff_t at = k / 3 * row + k % 3 * c;
        V(vec) d = a;
        if (dmax) {
            V(mask) hit = (V(load)(x + at) == m) & left;
            left &= ~hit;
            d += V(keep)(g, hit);
        }
        V(store)(dx + at, V(load)(dx + at) + d);
    }
}

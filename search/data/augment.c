#include "data/augment.h"

#include <string.h>

struct snas_augment snas_augment_draw(const struct snas_loader_options *o, int height, int width,
                                      struct snas_rng *rng)
{
    struct snas_augment a = {0};
    if (o->crop_padding > 0) {
        uint32_t places = 2 * (uint32_t)o->crop_padding + 1;
        a.dy = (int)snas_rng_below(rng, places) - o->crop_padding;
        a.dx = (int)snas_rng_below(rng, places) - o->crop_padding;
    }
    if (o->flip)
        a.flip = (int)snas_rng_below(rng, 2);
    if (o->cutout > 0) { /* the centre lies inside, the square may reach out */
        a.cut = o->cutout;
        a.cut_y = (int)snas_rng_below(rng, (uint32_t)height) - o->cutout / 2;
        a.cut_x = (int)snas_rng_below(rng, (uint32_t)width) - o->cutout / 2;
    }
    return a;
}

/* One row of `n` pixels; step -1 reads from the last to the first. */
static void convert(const uint8_t *in, int n, int step, int channels, const float table[4][256],
                    float *out)
{
    if (channels == 1) {
        for (int i = 0; i < n; i++)
            out[i] = table[0][in[i * step]];
        return;
    }
    for (int i = 0; i < n; i++, in += step * channels)
        for (int c = 0; c < channels; c++)
            *out++ = table[c][in[c]];
}

static void fill_black(int n, int channels, const float table[4][256], float *out)
{
    for (int i = 0; i < n; i++)
        for (int c = 0; c < channels; c++)
            *out++ = table[c][0];
}

void snas_augment_apply(const struct snas_augment *a, const struct snas_dataset *ds, uint32_t image,
                        const float table[4][256], float *out)
{
    int height = ds->height, width = ds->width, channels = ds->channels;
    size_t row = (size_t)width * (size_t)channels;
    const uint8_t *pixels = ds->pixels + image * (size_t)height * row;
    /* the cropped image shows columns [first, end) of the input, black beside them */
    int first = a->dx > 0 ? a->dx : 0, end = a->dx < 0 ? width + a->dx : width;
    int inside = end > first ? end - first : 0;
    int left = inside == 0 ? width : a->dx < 0 ? -a->dx : 0, right = width - left - inside;
    for (int y = 0; y < height; y++, out += row) {
        int from = y + a->dy;
        if (from < 0 || from >= height || inside == 0) {
            fill_black(width, channels, table, out);
            continue;
        }
        const uint8_t *in = pixels + (size_t)from * row;
        int before = a->flip ? right : left;
        fill_black(before, channels, table, out);
        convert(in + (size_t)(a->flip ? end - 1 : first) * (size_t)channels, inside,
                a->flip ? -1 : 1, channels, table, out + (size_t)before * (size_t)channels);
        fill_black(width - before - inside, channels, table,
                   out + (size_t)(before + inside) * (size_t)channels);
    }
    out -= (size_t)height * row;
    int x0 = a->cut_x > 0 ? a->cut_x : 0,
        x1 = a->cut_x + a->cut < width ? a->cut_x + a->cut : width;
    int y0 = a->cut_y > 0 ? a->cut_y : 0;
    int y1 = a->cut_y + a->cut < height ? a->cut_y + a->cut : height;
    for (int y = y0; y < y1 && x0 < x1; y++)
        memset(out + (size_t)y * row + (size_t)x0 * (size_t)channels, 0,
               (size_t)(x1 - x0) * (size_t)channels * sizeof *out);
}

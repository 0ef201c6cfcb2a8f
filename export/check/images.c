#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "export/check/check.h"

static enum snas_status reserve(const struct snas_shape *in, int n, struct snas_check_images *out,
                                struct snas_err *err)
{
    size_t values = (size_t)in->c * (size_t)in->h * (size_t)in->w;
    out->n = n;
    out->nhwc = snas_alloc((size_t)n * values, sizeof *out->nhwc, err);
    return out->nhwc ? SNAS_OK : SNAS_E_NOMEM;
}

enum snas_status snas_check_images_random(const struct snas_child *child, int n, uint64_t seed,
                                          struct snas_check_images *out, struct snas_err *err)
{
    const struct snas_shape *in = &child->network->options.input;
    size_t values = (size_t)in->c * (size_t)in->h * (size_t)in->w;
    enum snas_status s = reserve(in, n, out, err);
    if (s)
        return s;
    for (int i = 0; i < n; i++) {
        struct snas_rng r = snas_rng_make(seed, SNAS_STREAM_TEST, (uint64_t)i);
        for (size_t k = 0; k < values; k++)
            out->nhwc[(size_t)i * values + k] = (float)snas_rng_normal(&r);
    }
    return SNAS_OK;
}

enum snas_status snas_check_images_load(const struct snas_child *child,
                                        const struct snas_dataset *ds, int n,
                                        struct snas_check_images *out, struct snas_err *err)
{
    const struct snas_network_options *o = &child->network->options;
    if (ds->channels != o->input.c || ds->height != o->input.h || ds->width != o->input.w ||
        ds->classes != o->classes)
        return snas_fail(err, SNAS_E_ARG,
                         "the data set '%s' has images of %d x %d x %d in %d classes, the child "
                         "takes %d x %d x %d in %d",
                         ds->name, ds->channels, ds->height, ds->width, ds->classes, o->input.c,
                         o->input.h, o->input.w, o->classes);
    if (n == 0 || n > ds->n)
        n = ds->n;
    enum snas_status s = reserve(&o->input, n, out, err);
    if (s)
        return s;
    size_t values = (size_t)n * (size_t)o->input.h * (size_t)o->input.w * (size_t)o->input.c;
    for (size_t k = 0; k < values; k++) {
        size_t c = k % (size_t)o->input.c;
        out->nhwc[k] = (float)((ds->pixels[k] / 255.0 - child->info.mean[c]) / child->info.sd[c]);
    }
    return SNAS_OK;
}

void snas_check_images_clear(struct snas_check_images *images)
{
    snas_free(images->nhwc);
    memset(images, 0, sizeof *images);
}

#include "train/source.h"

#include <string.h>

#include "base/mem.h"
#include "base/rng.h"

static enum snas_status deal(const struct snas_search_config *config, struct snas_source *s,
                             struct snas_err *err)
{
    if (config->data.held_out >= s->ds.n)
        return snas_fail(err, SNAS_E_CONFIG,
                         "data.held_out (%lld) leaves nothing to train on: '%s' has %d training "
                         "images",
                         (long long)config->data.held_out, config->data.path, s->ds.n);
    s->n_held = (int)config->data.held_out;
    s->n_rest = s->ds.n - s->n_held;
    if (s->n_rest < config->search.batch)
        return snas_fail(err, SNAS_E_CONFIG,
                         "data.held_out (%d) leaves %d of %d training images, less than a batch of "
                         "%lld",
                         s->n_held, s->n_rest, s->ds.n, (long long)config->search.batch);
    s->held = snas_alloc((size_t)s->n_held, sizeof(*s->held), err);
    s->rest = snas_alloc((size_t)s->n_rest, sizeof(*s->rest), err);
    s->estimate = snas_alloc((size_t)s->n_rest, sizeof(*s->estimate), err);
    if (!s->held || !s->rest || !s->estimate)
        return SNAS_E_NOMEM;
    uint64_t seed = (uint64_t)config->seed;
    snas_dataset_split(s->ds.n, s->n_held, seed, s->held, s->rest);
    snas_dataset_statistics(&s->ds, s->rest, s->n_rest, s->mean, s->sd);
    memcpy(s->estimate, s->rest, (size_t)s->n_rest * sizeof(*s->rest));
    struct snas_rng rng = snas_rng_make(seed, SNAS_STREAM_ESTIMATE, 0);
    snas_rng_shuffle(&rng, s->estimate, (uint32_t)s->n_rest);
    s->n_estimate = config->evaluation.estimate_images < s->n_rest
                        ? (int)config->evaluation.estimate_images
                        : s->n_rest;
    return SNAS_OK;
}

enum snas_status snas_source_open(const struct snas_search_config *config, struct snas_source *out,
                                  struct snas_err *err)
{
    memset(out, 0, sizeof(*out));
    enum snas_status s =
        snas_dataset_open(config->data.path, (enum snas_data_format)config->data.format,
                          SNAS_SPLIT_TRAIN, &out->ds, err);
    if (s == SNAS_OK)
        s = deal(config, out, err);
    if (s != SNAS_OK)
        snas_source_clear(out);
    return s;
}

void snas_source_clear(struct snas_source *s)
{
    snas_dataset_clear(&s->ds);
    snas_free(s->held);
    snas_free(s->rest);
    snas_free(s->estimate);
    memset(s, 0, sizeof(*s));
}

enum snas_status snas_source_stream(const struct snas_source *s,
                                    const struct snas_search_config *config, int held_out,
                                    struct snas_loader **out, struct snas_err *err)
{
    struct snas_loader_options o = {.batch = (int)config->search.batch,
                                    .shuffle = 1,
                                    .crop_padding = (int)config->data.crop_padding,
                                    .flip = config->data.flip,
                                    .cutout = (int)config->data.cutout,
                                    .seed = (uint64_t)config->seed};
    memcpy(o.mean, s->mean, sizeof(o.mean));
    memcpy(o.sd, s->sd, sizeof(o.sd));
    return snas_loader_create(&s->ds, held_out ? s->held : s->rest,
                              held_out ? s->n_held : s->n_rest, &o, out, err);
}

static struct snas_image_set image_set(const struct snas_source *s,
                                       const struct snas_search_config *config,
                                       const uint32_t *indices, int n)
{
    return (struct snas_image_set){.ds = &s->ds,
                                   .indices = indices,
                                   .n = n,
                                   .mean = s->mean,
                                   .sd = s->sd,
                                   .batch = (int)config->search.batch};
}

struct snas_image_set snas_source_held(const struct snas_source *s,
                                       const struct snas_search_config *config, int64_t limit)
{
    return image_set(s, config, s->held, limit && limit < s->n_held ? (int)limit : s->n_held);
}

struct snas_image_set snas_source_estimate(const struct snas_source *s,
                                           const struct snas_search_config *config)
{
    struct snas_image_set set = image_set(s, config, s->estimate, s->n_estimate);
    set.crop_padding = (int)config->data.crop_padding;
    set.flip = config->data.flip;
    set.cutout = (int)config->data.cutout;
    set.seed = (uint64_t)config->seed;
    return set;
}

enum snas_status snas_whole_open(const char *path, enum snas_data_format format,
                                 enum snas_split split, struct snas_whole *out,
                                 struct snas_err *err)
{
    memset(out, 0, sizeof(*out));
    enum snas_status s = snas_dataset_open(path, format, split, &out->ds, err);
    if (s != SNAS_OK)
        return s;
    out->indices = snas_alloc((size_t)out->ds.n, sizeof(*out->indices), err);
    if (!out->indices) {
        snas_whole_clear(out);
        return SNAS_E_NOMEM;
    }
    for (int i = 0; i < out->ds.n; i++)
        out->indices[i] = (uint32_t)i;
    return SNAS_OK;
}

void snas_whole_clear(struct snas_whole *w)
{
    snas_dataset_clear(&w->ds);
    snas_free(w->indices);
    memset(w, 0, sizeof(*w));
}

struct snas_image_set snas_whole_set(const struct snas_whole *w, const double *mean,
                                     const double *sd, int batch)
{
    return (struct snas_image_set){
        .ds = &w->ds, .indices = w->indices, .n = w->ds.n, .mean = mean, .sd = sd, .batch = batch};
}

enum snas_status snas_images_fit(const struct snas_network *network, const struct snas_dataset *ds,
                                 struct snas_err *err)
{
    const struct snas_network_options *o = &network->options;
    if (ds->channels == o->input.c && ds->height == o->input.h && ds->width == o->input.w &&
        ds->classes == o->classes)
        return SNAS_OK;
    return snas_fail(err, SNAS_E_FORMAT,
                     "data '%s' has %dx%dx%d images of %d classes, the network takes %dx%dx%d and "
                     "%d classes",
                     ds->name, ds->channels, ds->height, ds->width, ds->classes, o->input.c,
                     o->input.h, o->input.w, o->classes);
}

enum snas_status snas_whole_open_test(const struct snas_search_config *config,
                                      const struct snas_network *network, struct snas_whole *out,
                                      struct snas_err *err)
{
    enum snas_status status = snas_whole_open(
        config->data.path, (enum snas_data_format)config->data.format, SNAS_SPLIT_TEST, out, err);
    if (status != SNAS_OK)
        return status;
    status = snas_images_fit(network, &out->ds, err);
    if (status != SNAS_OK)
        snas_whole_clear(out);
    return status;
}

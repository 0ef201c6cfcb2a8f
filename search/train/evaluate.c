#include "train/evaluate.h"

#include <string.h>

static enum snas_status open_set(const struct snas_image_set *set, struct snas_loader **loader,
                                 struct snas_err *err)
{
    struct snas_loader_options o = {.batch = set->batch,
                                    .crop_padding = set->crop_padding,
                                    .flip = set->flip,
                                    .cutout = set->cutout,
                                    .seed = set->seed};
    for (int c = 0; c < set->ds->channels; c++) {
        o.mean[c] = set->mean[c];
        o.sd[c] = set->sd[c];
    }
    return snas_loader_create(set->ds, set->indices, set->n, &o, loader, err);
}

static enum snas_status interrupted(struct snas_err *err)
{
    return snas_fail(err, SNAS_E_INTERRUPTED, "interrupted");
}

static void count_confusion(struct snas_net *net, const struct snas_batch *batch,
                            int64_t *confusion)
{
    int classes = snas_net_network(net)->options.classes;
    const float *logits = snas_net_logits(net);
    for (int i = 0; i < batch->n; i++, logits += classes) {
        int best = 0;
        for (int c = 1; c < classes; c++)
            if (logits[c] > logits[best])
                best = c;
        confusion[(int64_t)batch->labels[i] * classes + best]++;
    }
}

enum snas_status snas_evaluate(struct snas_net *net, const struct snas_image_set *set,
                               const struct snas_evaluate_options *options, struct snas_score *out,
                               struct snas_err *err)
{
    struct snas_loader *loader;
    struct snas_loaded loaded;
    memset(out, 0, sizeof(*out));
    enum snas_status s = open_set(set, &loader, err);
    if (s != SNAS_OK)
        return s;
    for (snas_loader_next(loader, &loaded); loaded.n && s == SNAS_OK;
         snas_loader_next(loader, &loaded)) {
        struct snas_forward f = {
            .batch = {loaded.images, loaded.labels, loaded.n}, .z = options->z, .bn = options->bn};
        struct snas_loss loss;
        if (options->draw) {
            options->draw(options->arg, loaded.index, options->draw_z);
            f.z = options->draw_z;
        }
        s = snas_net_forward(net, &f, &loss, err);
        if (s == SNAS_OK && options->stop && *options->stop)
            s = interrupted(err);
        if (s != SNAS_OK)
            break;
        out->n += loaded.n;
        out->correct += loss.correct;
        out->loss += loss.loss * loaded.n;
        if (options->confusion)
            count_confusion(net, &f.batch, options->confusion);
    }
    snas_loader_destroy(loader);
    if (out->n) {
        out->loss /= (double)out->n;
        out->accuracy = (double)out->correct / (double)out->n;
    }
    return s;
}

enum snas_status snas_estimate(struct snas_net *net, const struct snas_image_set *set,
                               const double *z, const volatile int *stop, struct snas_err *err)
{
    struct snas_loader *loader;
    struct snas_loaded loaded;
    enum snas_status s = open_set(set, &loader, err);
    if (s != SNAS_OK)
        return s;
    snas_net_estimate_begin(net);
    for (snas_loader_next(loader, &loaded); loaded.n && s == SNAS_OK;
         snas_loader_next(loader, &loaded)) {
        struct snas_forward f = {
            .batch = {loaded.images, NULL, loaded.n}, .z = z, .bn = SNAS_BN_ESTIMATE};
        struct snas_loss loss;
        s = snas_net_forward(net, &f, &loss, err);
        if (s == SNAS_OK && stop && *stop)
            s = interrupted(err);
    }
    if (s == SNAS_OK)
        snas_net_estimate_end(net);
    snas_loader_destroy(loader);
    return s;
}

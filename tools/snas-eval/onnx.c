/* Evaluation of an ONNX file by a runtime that is not ours. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "export/check/runtime.h"
#include "export/onnx/read.h"
#include "snas-eval/eval.h"
#include "space/child.h"

#define BATCH 64

/* What the file says about its input, from the metadata that snas-export writes. */
struct input {
    int chw[3], classes;
    int unit; /* 1: it takes values of 0..1 and normalises them itself */
    double mean[SNAS_MAX_IMAGE_CHANNELS], sd[SNAS_MAX_IMAGE_CHANNELS];
    char *names[SNAS_MAX_CLASSES]; /* owned */
    int n_names;
};

static void input_clear(struct input *in)
{
    for (int i = 0; i < in->n_names; i++)
        snas_free(in->names[i]);
    in->n_names = 0;
}

static enum snas_status read_reals(const struct snas_onnx_file *f, const char *path,
                                   const char *key, int n, double *out, struct snas_err *err)
{
    const char *text = snas_onnx_meta(f, key);
    json_t *list = text ? json_loads(text, 0, NULL) : NULL;
    enum snas_status s = SNAS_OK;
    if (!text)
        s = snas_fail(err, SNAS_E_FORMAT,
                      "'%s' does not say how its input is normalised: no metadata '%s'", path, key);
    else if (!json_is_array(list) || json_array_size(list) != (size_t)n)
        s = snas_fail(err, SNAS_E_FORMAT, "'%s': metadata '%s' is not a list of %d numbers", path,
                      key, n);
    for (int i = 0; s == SNAS_OK && i < n; i++)
        out[i] = json_number_value(json_array_get(list, (size_t)i));
    json_decref(list);
    return s;
}

static enum snas_status read_names(const struct snas_onnx_file *f, struct input *in,
                                   struct snas_err *err)
{
    const char *text = snas_onnx_meta(f, "class_names");
    json_t *list = text ? json_loads(text, 0, NULL) : NULL;
    enum snas_status s = SNAS_OK;
    if (json_is_array(list) && json_array_size(list) == (size_t)in->classes &&
        in->classes <= SNAS_MAX_CLASSES)
        for (int i = 0; i < in->classes && s == SNAS_OK; i++) {
            const char *name = json_string_value(json_array_get(list, (size_t)i));
            in->names[i] = snas_strdup(name ? name : "?", err);
            in->n_names += in->names[i] != NULL;
            s = in->names[i] ? SNAS_OK : SNAS_E_NOMEM;
        }
    json_decref(list);
    return s;
}

static enum snas_status read_input(const char *path, struct input *in, struct snas_err *err)
{
    struct snas_onnx_file *f;
    enum snas_status s = snas_onnx_read(path, &f, err);
    if (s != SNAS_OK)
        return s;
    const char *range = snas_onnx_meta(f, "value_range");
    snas_onnx_shape(f, in->chw, &in->classes);
    in->unit = range && !strcmp(range, "0..1");
    if (in->chw[0] < 1 || in->chw[0] > SNAS_MAX_IMAGE_CHANNELS)
        s = snas_fail(err, SNAS_E_FORMAT, "'%s' takes %d channels; at most %d are known", path,
                      in->chw[0], SNAS_MAX_IMAGE_CHANNELS);
    if (s == SNAS_OK && !in->unit)
        s = read_reals(f, path, "mean", in->chw[0], in->mean, err);
    if (s == SNAS_OK && !in->unit)
        s = read_reals(f, path, "std", in->chw[0], in->sd, err);
    for (int c = 0; s == SNAS_OK && c < in->chw[0]; c++)
        if (in->unit)
            in->sd[c] = 1;
        else if (!(in->sd[c] > 0))
            s = snas_fail(err, SNAS_E_FORMAT, "'%s': metadata 'std' is not positive", path);
    if (s == SNAS_OK)
        s = read_names(f, in, err);
    snas_onnx_free(f);
    return s;
}

/* The first runtime that is here. */
static enum snas_status open_session(const char *path, int threads, struct snas_session **session,
                                     char *how, int size, struct snas_err *err)
{
    char missing[2][64];
    for (int which = SNAS_RUNTIME_ORT; which <= SNAS_RUNTIME_OPENCV; which++) {
        char version[64];
        if (snas_runtime_available((enum snas_runtime)which, version, sizeof(version))) {
            snprintf(how, (size_t)size, "%s", version);
            return snas_session_open((enum snas_runtime)which, path, threads, session, err);
        }
        memcpy(missing[which], version, sizeof(version));
    }
    return snas_fail(err, SNAS_E_UNSUPPORTED, "no runtime for ONNX files is here (%s; %s)",
                     missing[0], missing[1]);
}

/* [n] images of the set from `first`, NHWC bytes, as normalised NCHW floats. */
static void fill(const struct snas_dataset *ds, int first, int n, const struct input *in,
                 float *nchw)
{
    int channels = ds->channels, pixels = ds->height * ds->width;
    for (int i = 0; i < n; i++) {
        const uint8_t *image = ds->pixels + (size_t)(first + i) * (size_t)pixels * (size_t)channels;
        float *to = nchw + (size_t)i * (size_t)pixels * (size_t)channels;
        for (int c = 0; c < channels; c++)
            for (int p = 0; p < pixels; p++)
                to[(size_t)c * (size_t)pixels + (size_t)p] =
                    (float)((image[p * channels + c] / 255.0 - in->mean[c]) / in->sd[c]);
    }
}

static enum snas_status classify(struct snas_session *session, const struct snas_dataset *ds,
                                 const struct input *in, struct tally *out, struct snas_err *err)
{
    size_t values = (size_t)ds->channels * (size_t)ds->height * (size_t)ds->width;
    float *images = snas_alloc(BATCH * values, sizeof(*images), err);
    float *logits = snas_alloc(BATCH * (size_t)in->classes, sizeof(*logits), err);
    enum snas_status s = images && logits ? SNAS_OK : SNAS_E_NOMEM;
    for (int first = 0; first < ds->n && s == SNAS_OK; first += BATCH) {
        int n = ds->n - first < BATCH ? ds->n - first : BATCH;
        fill(ds, first, n, in, images);
        s = snas_session_run(session, images, n, logits, err);
        for (int i = 0; i < n && s == SNAS_OK; i++) {
            const float *l = logits + (size_t)i * (size_t)in->classes;
            int best = 0;
            for (int c = 1; c < in->classes; c++)
                best = l[c] > l[best] ? c : best;
            out->confusion[(int64_t)ds->labels[first + i] * in->classes + best]++;
        }
    }
    snas_free(images);
    snas_free(logits);
    return s;
}

static enum snas_status check_fit(const char *path, const struct input *in,
                                  const struct snas_dataset *ds, struct snas_err *err)
{
    if (in->chw[0] == ds->channels && in->chw[1] == ds->height && in->chw[2] == ds->width &&
        in->classes == ds->classes)
        return SNAS_OK;
    return snas_fail(err, SNAS_E_FORMAT,
                     "'%s' takes %dx%dx%d images of %d classes, the data '%s' has %dx%dx%d of %d",
                     path, in->chw[0], in->chw[1], in->chw[2], in->classes, ds->name, ds->channels,
                     ds->height, ds->width, ds->classes);
}

enum snas_status eval_onnx(const char *path, const struct request *r, struct tally *out,
                           struct snas_err *err)
{
    struct input in = {0};
    struct snas_dataset ds = {0};
    struct snas_session *session = NULL;
    enum snas_split split;
    enum snas_status s = request_split(r, &split, err);
    if (s == SNAS_OK)
        s = read_input(path, &in, err);
    if (s == SNAS_OK)
        s = snas_dataset_open(request_data(r), SNAS_DATA_AUTO, split, &ds, err);
    if (s == SNAS_OK)
        s = check_fit(path, &in, &ds, err);
    if (s == SNAS_OK)
        s = tally_init(out, in.classes, in.n_names ? in.names : NULL, err);
    if (s == SNAS_OK)
        s = open_session(path, r->threads, &session, out->how, sizeof(out->how), err);
    if (s == SNAS_OK)
        s = classify(session, &ds, &in, out, err);
    if (s == SNAS_OK) {
        snprintf(out->what, sizeof(out->what), "the %s images of %s",
                 split == SNAS_SPLIT_TEST ? "test" : "training", ds.name);
        tally_finish(out);
    }
    if (session)
        snas_session_close(session);
    snas_dataset_clear(&ds);
    input_clear(&in);
    return s;
}

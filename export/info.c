#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/safetensors_json.h"
#include "export/export.h"

static enum snas_status add(struct snas_export_info *info, const char *key, char *owned)
{
    if (!owned)
        return SNAS_E_NOMEM;
    info->text[info->n_text++] = owned;
    info->onnx.meta[info->onnx.n_meta].key = key;
    info->onnx.meta[info->onnx.n_meta++].value = owned;
    return SNAS_OK;
}

/* jansson's own memory becomes ours, so that one function frees every text. Takes `json`. */
static char *dump(json_t *json, struct snas_err *err)
{
    char *text = json ? json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    char *copy = text ? snas_strdup(text, err) : NULL;
    if (!text)
        snas_fail(err, SNAS_E_NOMEM, "no memory for the model's metadata");
    free(text);
    json_decref(json);
    return copy;
}

static char *genotype_json(const struct snas_network *net, struct snas_err *err)
{
    char *text = NULL;
    return snas_genotype_format(net->genotype, net->space, SNAS_GENOTYPE_JSON, &text, err) ? NULL
                                                                                           : text;
}

/* What a caller must know to feed the model. */
static enum snas_status add_input(struct snas_export_info *out, const struct snas_child *child,
                                  int normalise, struct snas_err *err)
{
    const struct snas_child_info *info = &child->info;
    int channels = child->network->options.input.c;
    enum snas_status s = SNAS_OK;
    if (info->n_labels)
        s = add(out, "class_names", dump(snas_json_strings(info->labels, info->n_labels), err));
    if (s == SNAS_OK)
        s = add(out, "mean", dump(snas_json_reals(info->mean, channels), err));
    if (s == SNAS_OK)
        s = add(out, "std", dump(snas_json_reals(info->sd, channels), err));
    if (s == SNAS_OK)
        s = add(out, "channel_order",
                snas_strdup(channels == 3   ? "RGB"
                            : channels == 1 ? "gray"
                                            : "as in the data set",
                            err));
    if (s == SNAS_OK)
        s = add(out, "value_range",
                snas_strdup(normalise ? "0..1" : "(pixel / 255 - mean) / std", err));
    return s;
}

static enum snas_status add_origin(struct snas_export_info *out, const struct snas_child *child,
                                   const struct snas_export_report *report, struct snas_err *err)
{
    const struct snas_child_info *info = &child->info;
    enum snas_status s = add(out, "genotype", genotype_json(child->network, err));
    if (s == SNAS_OK)
        s = add(out, "space", snas_strdup(child->network->space->name, err));
    if (s == SNAS_OK)
        s = add(out, "network",
                snas_format(err, "%d cells, %d channels", child->network->options.layers,
                            child->network->options.channels));
    if (s == SNAS_OK)
        s = add(out, "dataset", snas_strdup(info->dataset, err));
    if (s == SNAS_OK)
        s = add(out, "params", snas_format(err, "%" PRId64, report->after.params));
    if (s == SNAS_OK)
        s = add(out, "madds", snas_format(err, "%" PRId64, report->after.madds));
    if (s == SNAS_OK)
        s = add(out, "counted",
                snas_strdup("convolutions and linear layers, after pruning, one image", err));
    if (s == SNAS_OK && info->validation_accuracy >= 0)
        s = add(out, "validation_accuracy", snas_format(err, "%.4f", info->validation_accuracy));
    if (s == SNAS_OK && info->test_accuracy >= 0)
        s = add(out, "test_accuracy", snas_format(err, "%.4f", info->test_accuracy));
    if (s == SNAS_OK)
        s = add(out, "seed", snas_format(err, "%" PRIu64, info->seed));
    if (s == SNAS_OK)
        s = add(out, "run", snas_format(err, "%s", info->run));
    return s ? s : add(out, "epoch", snas_format(err, "%d", info->epoch));
}

enum snas_status snas_export_info_make(const struct snas_child *child,
                                       const struct snas_export_options *options,
                                       const struct snas_export_report *report,
                                       struct snas_export_info *out, struct snas_err *err)
{
    memset(out, 0, sizeof *out);
    const struct snas_shape *in = &child->network->options.input;
    char *doc = snas_format(err,
                            "Image classifier found by SNAS on %s. input: float32 [batch, %d, %d, "
                            "%d], %s; logits: float32 [batch, %d], no softmax.",
                            child->info.dataset, in->c, in->h, in->w,
                            options->normalise ? "values 0..1" : "normalised as the metadata says",
                            child->network->options.classes);
    if (!doc)
        return SNAS_E_NOMEM;
    out->text[out->n_text++] = doc;
    out->onnx.doc = doc;
    enum snas_status s = add_origin(out, child, report, err);
    if (s == SNAS_OK)
        s = add_input(out, child, options->normalise, err);
    if (s)
        snas_export_info_clear(out);
    return s;
}

void snas_export_info_clear(struct snas_export_info *info)
{
    for (int i = 0; i < info->n_text; i++)
        snas_free(info->text[i]);
    memset(info, 0, sizeof *info);
}

#include "space/child.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/safetensors.h"
#include "space/child_file.h"

#define SNAS_CHILD_FORMAT "snas-child 1"

static enum snas_status check_values(const struct snas_param *p, const float *values,
                                     struct snas_err *err)
{
    for (size_t i = 0; i < p->count; i++) {
        if (!isfinite(values[i]))
            return snas_fail(err, SNAS_E_NUMERIC, "tensor '%s': value %zu is not finite", p->name,
                             i);
        if (p->kind == SNAS_PARAM_VAR && values[i] < 0)
            return snas_fail(err, SNAS_E_NUMERIC, "tensor '%s': variance %zu is negative", p->name,
                             i);
    }
    return SNAS_OK;
}

/* What holds for every child, written or read. */
static enum snas_status check_info(const struct snas_network *net,
                                   const struct snas_child_info *info, struct snas_err *err)
{
    if (!net->genotype)
        return snas_fail(err, SNAS_E_ARG, "a supernet is no child: it has no genotype");
    if (net->options.classes > SNAS_MAX_CLASSES)
        return snas_fail(err, SNAS_E_ARG, "%d classes, at most %d are possible",
                         net->options.classes, SNAS_MAX_CLASSES);
    if (net->options.input.c > SNAS_MAX_IMAGE_CHANNELS)
        return snas_fail(err, SNAS_E_ARG, "%d input channels, at most %d are possible",
                         net->options.input.c, SNAS_MAX_IMAGE_CHANNELS);
    if (info->n_labels != 0 && info->n_labels != net->options.classes)
        return snas_fail(err, SNAS_E_ARG, "%d labels for %d classes", info->n_labels,
                         net->options.classes);
    for (int c = 0; c < net->options.input.c; c++)
        if (!isfinite(info->mean[c]) || !isfinite(info->sd[c]) || info->sd[c] <= 0)
            return snas_fail(err, SNAS_E_NUMERIC,
                             "input channel %d: mean %g, sd %g cannot normalise", c, info->mean[c],
                             info->sd[c]);
    if (!(info->validation_accuracy <= 1) || !(info->test_accuracy <= 1))
        return snas_fail(err, SNAS_E_NUMERIC, "accuracies %g and %g are no shares of 1",
                         info->validation_accuracy, info->test_accuracy);
    if (!isfinite(info->bn_eps) || info->bn_eps <= 0)
        return snas_fail(err, SNAS_E_NUMERIC, "bn_eps %g is not above 0", info->bn_eps);
    return SNAS_OK;
}

static enum snas_status write_tensors(const char *path, const struct snas_child *child,
                                      const struct snas_child_texts *texts, struct snas_err *err)
{
    const struct snas_network *net = child->network;
    struct snas_st_tensor *tensors = snas_alloc((size_t)net->n_params, sizeof tensors[0], err);
    if (!tensors)
        return SNAS_E_NOMEM;
    enum snas_status status = SNAS_OK;
    for (int i = 0; i < net->n_params && status == SNAS_OK; i++) {
        const struct snas_param *p = &net->params[i];
        tensors[i] = (struct snas_st_tensor){
            .name = p->name, .dtype = SNAS_F32, .ndim = p->ndim, .data = child->values[i]};
        for (int d = 0; d < p->ndim; d++)
            tensors[i].shape[d] = p->shape[d];
        status = check_values(p, child->values[i], err);
    }
    struct snas_st_meta meta[SNAS_CHILD_TEXTS + 1] = {{"format", SNAS_CHILD_FORMAT}};
    for (int i = 0; i < SNAS_CHILD_TEXTS; i++)
        meta[i + 1] = (struct snas_st_meta){snas_child_text_keys[i], texts->text[i]};
    if (status == SNAS_OK)
        status =
            snas_st_write(path, tensors, (size_t)net->n_params, meta, SNAS_CHILD_TEXTS + 1, err);
    snas_free(tensors);
    return status;
}

enum snas_status snas_child_write(const char *path, const struct snas_child *child,
                                  struct snas_err *err)
{
    struct snas_child_texts texts = {{NULL}};
    enum snas_status status = check_info(child->network, &child->info, err);
    if (status == SNAS_OK)
        status = snas_child_texts_make(child, &texts, err);
    if (status == SNAS_OK)
        status = write_tensors(path, child, &texts, err);
    snas_child_texts_clear(&texts);
    return status;
}

/* The file's tensor of a parameter, of exactly its shape. */
static enum snas_status read_tensor(const struct snas_st *st, const struct snas_param *p,
                                    float **out, struct snas_err *err)
{
    const struct snas_st_tensor *t = snas_st_find(st, p->name);
    if (!t)
        return snas_fail(err, SNAS_E_FORMAT, "tensor '%s' is missing", p->name);
    int same = t->dtype == SNAS_F32 && t->ndim == p->ndim;
    for (int d = 0; d < p->ndim && same; d++)
        same = t->shape[d] == p->shape[d];
    if (!same)
        return snas_fail(err, SNAS_E_FORMAT,
                         "tensor '%s' has another shape or type than the network's", p->name);
    float *values = snas_alloc(p->count, sizeof values[0], err);
    if (!values)
        return SNAS_E_NOMEM;
    *out = values;
    enum snas_status status = snas_st_copy(st, p->name, SNAS_F32, p->count, values, err);
    return status == SNAS_OK ? check_values(p, values, err) : status;
}

static enum snas_status read_tensors(const struct snas_st *st, struct snas_child *out,
                                     struct snas_err *err)
{
    const struct snas_network *net = out->network;
    out->values = snas_alloc((size_t)net->n_params, sizeof out->values[0], err);
    if (!out->values)
        return SNAS_E_NOMEM;
    if (snas_st_count(st) != (size_t)net->n_params)
        return snas_fail(err, SNAS_E_FORMAT, "%zu tensors, the network has %d parameters",
                         snas_st_count(st), net->n_params);
    enum snas_status status = SNAS_OK;
    for (int i = 0; i < net->n_params && status == SNAS_OK; i++)
        status = read_tensor(st, &net->params[i], &out->values[i], err);
    return status;
}

static enum snas_status read_all(const struct snas_st *st, struct snas_child *out,
                                 struct snas_err *err)
{
    const char *format = snas_st_meta(st, "format");
    if (!format || strcmp(format, SNAS_CHILD_FORMAT) != 0)
        return snas_fail(err, SNAS_E_FORMAT, "no child file: its format is '%s', not '%s'",
                         format ? format : "none", SNAS_CHILD_FORMAT);
    const char *texts[SNAS_CHILD_TEXTS];
    for (int i = 0; i < SNAS_CHILD_TEXTS; i++) {
        texts[i] = snas_st_meta(st, snas_child_text_keys[i]);
        if (!texts[i])
            return snas_fail(err, SNAS_E_FORMAT, "metadata '%s' is missing",
                             snas_child_text_keys[i]);
    }
    enum snas_status status = snas_child_texts_read(texts, out, err);
    if (status == SNAS_OK)
        status = check_info(out->network, &out->info, err);
    return status == SNAS_OK ? read_tensors(st, out, err) : status;
}

enum snas_status snas_child_read(const char *path, struct snas_child *out, struct snas_err *err)
{
    memset(out, 0, sizeof *out);
    struct snas_st *st = NULL;
    enum snas_status status = snas_st_read(path, &st, err);
    if (status != SNAS_OK)
        return status;
    status = read_all(st, out, err);
    snas_st_free(st);
    if (status != SNAS_OK) {
        snas_fail_context(err, "%s", path);
        snas_child_clear(out);
    }
    return status;
}

void snas_child_clear(struct snas_child *child)
{
    for (int i = 0; child->values && i < child->network->n_params; i++)
        snas_free(child->values[i]);
    snas_free(child->values);
    for (int i = 0; child->info.labels && i < child->info.n_labels; i++)
        snas_free(child->info.labels[i]);
    snas_free(child->info.labels);
    snas_network_destroy(child->network);
    memset(child, 0, sizeof *child);
}

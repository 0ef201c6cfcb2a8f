/* A child file's metadata: jansson between the texts and the structs. */
#include "space/child_file.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/safetensors_json.h"

const char *const snas_child_text_keys[SNAS_CHILD_TEXTS] = {
    "space", "genotype", "network", "labels", "mean", "sd", "dataset", "accuracies", "run"};

/* What a NULL of jansson's means. */
static enum snas_status no_json(const char *key, struct snas_err *err)
{
    if (snas_json_starved())
        return snas_fail(err, SNAS_E_NOMEM, "metadata '%s': out of memory", key);
    return snas_fail(err, SNAS_E_ARG, "metadata '%s': a text is not UTF-8", key);
}

/* Takes the reference. 17 digits bring every double back. */
static enum snas_status dump(json_t *json, const char *key, char **out, struct snas_err *err)
{
    *out = json ? json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(json);
    if (*out && !snas_json_starved())
        return SNAS_OK;
    snas_free(*out);
    *out = NULL;
    return no_json(key, err);
}

static json_t *network_json(const struct snas_network_options *o, double bn_eps)
{
    return json_pack("{s:i, s:i, s:[i,i,i], s:i, s:b, s:b, s:f}", "channels", o->channels, "layers",
                     o->layers, "input", o->input.c, o->input.h, o->input.w, "classes", o->classes,
                     "affine", o->affine, "pool_bn", o->pool_bn, "bn_eps", bn_eps);
}

static json_t *accuracy(double value)
{
    return value < 0 ? json_null() : json_real(value);
}

static json_t *run_json(const struct snas_child_info *info)
{
    char seed[24];
    snprintf(seed, sizeof seed, "%" PRIu64, info->seed);
    return json_pack("{s:s, s:s, s:i}", "name", info->run, "seed", seed, "epoch", info->epoch);
}

enum snas_status snas_child_texts_make(const struct snas_child *child, struct snas_child_texts *out,
                                       struct snas_err *err)
{
    const struct snas_network *net = child->network;
    const struct snas_child_info *info = &child->info;
    char **t = out->text;
    enum snas_status status = snas_space_dump(net->space, &t[SNAS_CHILD_SPACE], err);
    if (status == SNAS_OK)
        status = snas_genotype_format(net->genotype, net->space, SNAS_GENOTYPE_JSON,
                                      &t[SNAS_CHILD_GENOTYPE], err);
    if (status == SNAS_OK && !(t[SNAS_CHILD_DATASET] = snas_strdup(info->dataset, err)))
        status = SNAS_E_NOMEM;
    snas_json_begin();
    json_t *json[SNAS_CHILD_TEXTS] = {
        [SNAS_CHILD_NETWORK] = network_json(&net->options, info->bn_eps),
        [SNAS_CHILD_LABELS] = snas_json_strings(info->labels, info->n_labels),
        [SNAS_CHILD_MEAN] = snas_json_reals(info->mean, net->options.input.c),
        [SNAS_CHILD_SD] = snas_json_reals(info->sd, net->options.input.c),
        [SNAS_CHILD_ACCURACIES] =
            json_pack("{s:o, s:o}", "validation", accuracy(info->validation_accuracy), "test",
                      accuracy(info->test_accuracy)),
        [SNAS_CHILD_RUN] = run_json(info),
    };
    for (int i = 0; i < SNAS_CHILD_TEXTS; i++) {
        if (i == SNAS_CHILD_SPACE || i == SNAS_CHILD_GENOTYPE || i == SNAS_CHILD_DATASET)
            continue;
        if (status == SNAS_OK)
            status = dump(json[i], snas_child_text_keys[i], &t[i], err);
        else
            json_decref(json[i]);
    }
    return status;
}

void snas_child_texts_clear(struct snas_child_texts *texts)
{
    for (int i = 0; i < SNAS_CHILD_TEXTS; i++)
        snas_free(texts->text[i]);
    memset(texts, 0, sizeof *texts);
}

static enum snas_status broken(const char *key, struct snas_err *err)
{
    if (snas_json_starved())
        return no_json(key, err);
    return snas_fail(err, SNAS_E_FORMAT, "metadata '%s' is not what a child file has there", key);
}

/* The text as JSON; the caller drops the reference. */
static enum snas_status load(const char *const *text, enum snas_child_text which, json_t **out,
                             struct snas_err *err)
{
    json_error_t why;
    snas_json_begin();
    *out = json_loads(text[which], JSON_REJECT_DUPLICATES, &why);
    if (*out && !snas_json_starved())
        return SNAS_OK;
    json_decref(*out);
    if (snas_json_starved())
        return no_json(snas_child_text_keys[which], err);
    return snas_fail(err, SNAS_E_FORMAT, "metadata '%s':%d:%d: %s", snas_child_text_keys[which],
                     why.line, why.column, why.text);
}

static enum snas_status read_network(const char *const *text, struct snas_network_options *o,
                                     double *bn_eps, struct snas_err *err)
{
    json_t *json;
    enum snas_status status = load(text, SNAS_CHILD_NETWORK, &json, err);
    if (status != SNAS_OK)
        return status;
    int failed =
        json_unpack(json, "{s:i, s:i, s:[i,i,i!], s:i, s:b, s:b, s:F}", "channels", &o->channels,
                    "layers", &o->layers, "input", &o->input.c, &o->input.h, &o->input.w, "classes",
                    &o->classes, "affine", &o->affine, "pool_bn", &o->pool_bn, "bn_eps", bn_eps);
    /* json_unpack stores into an int without looking at its size. */
    static const char *const ints[] = {"channels", "layers", "classes"};
    for (size_t i = 0; !failed && i < sizeof ints / sizeof ints[0]; i++) {
        json_int_t value = json_integer_value(json_object_get(json, ints[i]));
        failed = value < 1 || value > INT_MAX;
    }
    for (size_t i = 0; !failed && i < 3; i++) {
        json_int_t side = json_integer_value(json_array_get(json_object_get(json, "input"), i));
        failed = side < 1 || side > INT_MAX;
    }
    json_decref(json);
    failed |= snas_json_starved(); /* json_unpack allocates */
    return failed ? broken(snas_child_text_keys[SNAS_CHILD_NETWORK], err) : SNAS_OK;
}

static enum snas_status read_labels(const char *const *text, struct snas_child_info *info,
                                    struct snas_err *err)
{
    json_t *json;
    enum snas_status status = load(text, SNAS_CHILD_LABELS, &json, err);
    if (status != SNAS_OK)
        return status;
    size_t n = json_array_size(json);
    if (!json_is_array(json) || n > SNAS_MAX_CLASSES)
        status = broken(snas_child_text_keys[SNAS_CHILD_LABELS], err);
    if (status == SNAS_OK && n > 0 && !(info->labels = snas_alloc(n, sizeof(char *), err)))
        status = SNAS_E_NOMEM;
    for (size_t i = 0; i < n && status == SNAS_OK; i++) {
        const char *label = json_string_value(json_array_get(json, i));
        if (!label)
            status = broken(snas_child_text_keys[SNAS_CHILD_LABELS], err);
        else if (!(info->labels[i] = snas_strdup(label, err)))
            status = SNAS_E_NOMEM;
        else
            info->n_labels++;
    }
    json_decref(json);
    return status;
}

static enum snas_status read_reals(const char *const *text, enum snas_child_text which, int n,
                                   double *values, struct snas_err *err)
{
    json_t *json;
    enum snas_status status = load(text, which, &json, err);
    if (status != SNAS_OK)
        return status;
    int failed = !json_is_array(json) || json_array_size(json) != (size_t)n;
    for (int i = 0; i < n && !failed; i++) {
        const json_t *v = json_array_get(json, (size_t)i);
        failed = !json_is_number(v);
        values[i] = json_number_value(v);
    }
    json_decref(json);
    return failed ? broken(snas_child_text_keys[which], err) : SNAS_OK;
}

/* null: not measured. */
static int read_accuracy(const json_t *v, double *out)
{
    *out = json_is_null(v) ? -1 : json_number_value(v);
    return json_is_null(v) || (json_is_number(v) && *out >= 0 && *out <= 1);
}

static enum snas_status read_accuracies(const char *const *text, struct snas_child_info *info,
                                        struct snas_err *err)
{
    json_t *json;
    enum snas_status status = load(text, SNAS_CHILD_ACCURACIES, &json, err);
    if (status != SNAS_OK)
        return status;
    int good = read_accuracy(json_object_get(json, "validation"), &info->validation_accuracy) &&
               read_accuracy(json_object_get(json, "test"), &info->test_accuracy);
    json_decref(json);
    return good ? SNAS_OK : broken(snas_child_text_keys[SNAS_CHILD_ACCURACIES], err);
}

/* A text that must fit, or -1. */
static int copy_text(char *out, size_t size, const char *text)
{
    if (!text || strlen(text) >= size)
        return -1;
    memcpy(out, text, strlen(text) + 1);
    return 0;
}

static int read_seed(const char *text, uint64_t *seed)
{
    if (!text || text[0] < '0' || text[0] > '9')
        return -1;
    char *end;
    errno = 0;
    *seed = strtoull(text, &end, 10);
    return errno != 0 || *end != '\0' ? -1 : 0;
}

static enum snas_status read_run(const char *const *text, struct snas_child_info *info,
                                 struct snas_err *err)
{
    json_t *json;
    enum snas_status status = load(text, SNAS_CHILD_RUN, &json, err);
    if (status != SNAS_OK)
        return status;
    json_t *epoch = json_object_get(json, "epoch");
    json_int_t number = json_integer_value(epoch);
    int failed =
        copy_text(info->run, sizeof info->run, json_string_value(json_object_get(json, "name"))) ||
        read_seed(json_string_value(json_object_get(json, "seed")), &info->seed) ||
        !json_is_integer(epoch) || number < 0 || number > INT_MAX;
    info->epoch = failed ? 0 : (int)number;
    json_decref(json);
    return failed ? broken(snas_child_text_keys[SNAS_CHILD_RUN], err) : SNAS_OK;
}

static enum snas_status make_network(const char *const *text, struct snas_child *out,
                                     struct snas_err *err)
{
    struct snas_network_options options = {0};
    struct snas_space *space = snas_alloc(1, sizeof *space, err);
    struct snas_genotype *genotype = snas_alloc(1, sizeof *genotype, err);
    enum snas_status status = space && genotype ? SNAS_OK : SNAS_E_NOMEM;
    const char *yaml = text[SNAS_CHILD_SPACE], *json = text[SNAS_CHILD_GENOTYPE];
    if (status == SNAS_OK)
        status = read_network(text, &options, &out->info.bn_eps, err);
    if (status == SNAS_OK)
        status = snas_space_parse("space", yaml, strlen(yaml), space, err);
    if (status == SNAS_OK)
        status = snas_genotype_parse("genotype", json, strlen(json), space, genotype, err);
    if (status == SNAS_OK)
        status = snas_network_create(space, &options, genotype, &out->network, err);
    snas_free(space);
    snas_free(genotype);
    return status;
}

enum snas_status snas_child_texts_read(const char *const *text, struct snas_child *out,
                                       struct snas_err *err)
{
    struct snas_child_info *info = &out->info;
    enum snas_status status = make_network(text, out, err);
    if (status != SNAS_OK)
        return status;
    int c = out->network->options.input.c;
    if (c > SNAS_MAX_IMAGE_CHANNELS)
        return snas_fail(err, SNAS_E_FORMAT, "%d input channels, at most %d are possible", c,
                         SNAS_MAX_IMAGE_CHANNELS);
    if (copy_text(info->dataset, sizeof info->dataset, text[SNAS_CHILD_DATASET]) != 0)
        return broken(snas_child_text_keys[SNAS_CHILD_DATASET], err);
    status = read_labels(text, info, err);
    if (status == SNAS_OK)
        status = read_reals(text, SNAS_CHILD_MEAN, c, info->mean, err);
    if (status == SNAS_OK)
        status = read_reals(text, SNAS_CHILD_SD, c, info->sd, err);
    if (status == SNAS_OK)
        status = read_accuracies(text, info, err);
    return status == SNAS_OK ? read_run(text, info, err) : status;
}

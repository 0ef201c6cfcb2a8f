#include <string.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/safetensors_json.h"

enum { ALIGN = 64, LENGTH_BYTES = 8 };

static enum snas_status tensor_bytes(const struct snas_st_tensor *t, uint64_t *bytes,
                                     struct snas_err *err)
{
    if (!snas_dtype_name(t->dtype) || t->ndim < 0 || t->ndim > SNAS_ST_NDIM_MAX)
        return snas_fail(err, SNAS_E_ARG, "tensor '%.200s': dtype %d, %d dimensions", t->name,
                         (int)t->dtype, t->ndim);
    *bytes = snas_dtype_size(t->dtype);
    for (int i = 0; i < t->ndim; i++)
        if (t->shape[i] < 0 || __builtin_mul_overflow(*bytes, (uint64_t)t->shape[i], bytes))
            return snas_fail(err, SNAS_E_ARG, "tensor '%.200s': a shape that cannot be", t->name);
    return SNAS_OK;
}

/* Puts `value` under `key`; takes the reference. NULL stands for what jansson refused to make. */
static enum snas_status put(json_t *object, const char *key, json_t *value, struct snas_err *err)
{
    if (object && value && json_object_get(object, key)) {
        json_decref(value);
        return snas_fail(err, SNAS_E_ARG, "the name '%.200s' is given twice", key);
    }
    if (!object)
        json_decref(value);
    else if (value && json_object_set_new(object, key, value) == 0)
        return SNAS_OK;
    if (snas_json_starved())
        return snas_fail(err, SNAS_E_NOMEM, "out of memory making a safetensors header");
    return snas_fail(err, SNAS_E_ARG, "'%.200s': its name or value is not UTF-8", key);
}

static enum snas_status put_meta(json_t *header, const struct snas_st_meta *meta, size_t n,
                                 struct snas_err *err)
{
    if (n == 0)
        return SNAS_OK;
    json_t *object = json_object();
    enum snas_status s = put(header, SNAS_ST_META, object, err);
    for (size_t i = 0; i < n && s == SNAS_OK; i++)
        s = put(object, meta[i].key, json_string(meta[i].value), err);
    return s;
}

static enum snas_status put_tensor(json_t *header, const struct snas_st_tensor *t, uint64_t *at,
                                   struct snas_err *err)
{
    uint64_t bytes, end;
    enum snas_status s = tensor_bytes(t, &bytes, err);
    if (s != SNAS_OK)
        return s;
    if (strcmp(t->name, SNAS_ST_META) == 0 || __builtin_add_overflow(*at, bytes, &end) ||
        end > INT64_MAX)
        return snas_fail(err, SNAS_E_ARG, "tensor '%.200s': a name or size that cannot be",
                         t->name);
    json_t *entry = json_object();
    s = put(header, t->name, entry, err);
    if (s == SNAS_OK)
        s = put(entry, "dtype", json_string(snas_dtype_name(t->dtype)), err);
    json_t *shape = json_array(), *offsets = json_array();
    int failed = 0;
    for (int i = 0; i < t->ndim; i++)
        failed |= json_array_append_new(shape, json_integer(t->shape[i]));
    failed |= json_array_append_new(offsets, json_integer((json_int_t)*at));
    failed |= json_array_append_new(offsets, json_integer((json_int_t)end));
    if (s != SNAS_OK || failed) {
        json_decref(shape);
        json_decref(offsets);
        return s != SNAS_OK ? s : snas_fail(err, SNAS_E_NOMEM, "out of memory making a header");
    }
    s = put(entry, "shape", shape, err);
    if (s != SNAS_OK) {
        json_decref(offsets);
        return s;
    }
    *at = end;
    return put(entry, "data_offsets", offsets, err);
}

/* The header's text; blanks behind it bring the data to a multiple of 64 bytes. */
static enum snas_status make_header(const struct snas_st_tensor *tensors, size_t n_tensors,
                                    const struct snas_st_meta *meta, size_t n_meta, char **text,
                                    struct snas_err *err)
{
    *text = NULL;
    snas_json_begin();
    json_t *header = json_object();
    enum snas_status s =
        header ? put_meta(header, meta, n_meta, err)
               : snas_fail(err, SNAS_E_NOMEM, "out of memory making a safetensors header");
    uint64_t at = 0;
    for (size_t i = 0; i < n_tensors && s == SNAS_OK; i++)
        s = put_tensor(header, &tensors[i], &at, err);
    if (s == SNAS_OK) {
        *text = json_dumps(header, JSON_COMPACT);
        if (!*text || snas_json_starved()) {
            snas_free(*text);
            s = snas_fail(err, SNAS_E_NOMEM, "out of memory making a safetensors header");
        }
    }
    json_decref(header);
    return s;
}

static void put_file(struct snas_writer *w, const char *header, uint64_t length, uint64_t padding,
                     const struct snas_st_tensor *tensors, size_t n_tensors)
{
    static const char blanks[ALIGN + 1] =
        "                                                                ";
    uint64_t whole = length + padding, bytes;
    snas_writer_put(w, &whole, LENGTH_BYTES);
    snas_writer_put(w, header, (size_t)length);
    snas_writer_put(w, blanks, (size_t)padding);
    for (size_t i = 0; i < n_tensors; i++)
        if (tensor_bytes(&tensors[i], &bytes, NULL) == SNAS_OK)
            snas_writer_put(w, tensors[i].data, (size_t)bytes);
}

enum snas_status snas_st_write(const char *path, const struct snas_st_tensor *tensors,
                               size_t n_tensors, const struct snas_st_meta *meta, size_t n_meta,
                               struct snas_err *err)
{
    char *header;
    struct snas_writer *w = NULL;
    enum snas_status s = make_header(tensors, n_tensors, meta, n_meta, &header, err);
    if (s != SNAS_OK) {
        snas_fail_context(err, "'%s'", path);
        return s;
    }
    uint64_t length = strlen(header), padding = (ALIGN - (LENGTH_BYTES + length) % ALIGN) % ALIGN;
    if (length + padding > SNAS_ST_HEADER_MAX)
        s = snas_fail(err, SNAS_E_LIMIT, "'%s': a header of %llu bytes", path,
                      (unsigned long long)length);
    else
        s = snas_writer_open(path, &w, err);
    if (s == SNAS_OK) {
        put_file(w, header, length, padding, tensors, n_tensors);
        s = snas_writer_commit(w, err);
    }
    snas_free(header);
    return s;
}

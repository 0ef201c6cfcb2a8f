#include "base/safetensors.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/safetensors_json.h"

/* The reader. The file is held whole; names and metadata are those of the parsed header. */

enum { LENGTH_BYTES = 8 };

struct snas_st {
    char *path, *file;
    size_t size;
    json_t *header;
    const char *data; /* behind the header */
    size_t data_size;
    struct snas_st_tensor *tensors; /* in the order of their data */
    size_t n;
};

static enum snas_status refuse(const struct snas_st *st, struct snas_err *err, const char *what)
{
    return snas_fail(err, SNAS_E_FORMAT, "'%s' is not a safetensors file: %s", st->path, what);
}

static enum snas_status refuse_tensor(const struct snas_st *st, const char *name,
                                      struct snas_err *err, const char *what)
{
    return snas_fail(err, SNAS_E_FORMAT, "'%s': tensor '%.200s': %s", st->path, name, what);
}

static enum snas_status parse_header(struct snas_st *st, struct snas_err *err)
{
    if (st->size < LENGTH_BYTES)
        return refuse(st, err, "it ends before the header's size");
    uint64_t length = 0;
    memcpy(&length, st->file, sizeof length);
    if (length > SNAS_ST_HEADER_MAX || length > st->size - LENGTH_BYTES)
        return snas_fail(err, SNAS_E_FORMAT,
                         "'%s' is not a safetensors file: a header of %llu bytes in a file of %zu",
                         st->path, (unsigned long long)length, st->size);
    const char *text = st->file + LENGTH_BYTES;
    if (length == 0 || text[0] != '{')
        return refuse(st, err, "its header does not begin with '{'");
    json_error_t problem;
    snas_json_begin();
    st->header = json_loadb(text, length, JSON_REJECT_DUPLICATES, &problem);
    if (snas_json_starved())
        return snas_fail(err, SNAS_E_NOMEM, "out of memory reading '%s'", st->path);
    if (!st->header)
        return snas_fail(err, SNAS_E_FORMAT, "'%s' is not a safetensors file: header byte %d: %s",
                         st->path, problem.position, problem.text);
    st->data = text + length;
    st->data_size = st->size - LENGTH_BYTES - (size_t)length;
    return SNAS_OK;
}

static enum snas_status check_meta(const struct snas_st *st, struct snas_err *err)
{
    json_t *meta = json_object_get(st->header, SNAS_ST_META);
    if (!meta)
        return SNAS_OK;
    if (!json_is_object(meta))
        return refuse(st, err, "its metadata is not an object");
    for (void *at = json_object_iter(meta); at; at = json_object_iter_next(meta, at))
        if (!json_is_string(json_object_iter_value(at)))
            return snas_fail(err, SNAS_E_FORMAT, "'%s': metadata '%.200s' is not a string",
                             st->path, json_object_iter_key(at));
    return SNAS_OK;
}

/* A whole number from 0 to `most`. */
static int read_count(const json_t *value, uint64_t most, uint64_t *out)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return 0;
    *out = (uint64_t)json_integer_value(value);
    return *out <= most;
}

static enum snas_status read_shape(const struct snas_st *st, const json_t *shape,
                                   struct snas_st_tensor *t, uint64_t *bytes, struct snas_err *err)
{
    if (!json_is_array(shape) || json_array_size(shape) > SNAS_ST_NDIM_MAX)
        return refuse_tensor(st, t->name, err, "its shape is not a list of up to 4 sizes");
    *bytes = snas_dtype_size(t->dtype);
    t->ndim = (int)json_array_size(shape);
    for (int i = 0; i < t->ndim; i++) {
        uint64_t n;
        if (!read_count(json_array_get(shape, (size_t)i), INT64_MAX, &n))
            return refuse_tensor(st, t->name, err, "its shape holds what is not a size");
        t->shape[i] = (int64_t)n;
        if (__builtin_mul_overflow(*bytes, n, bytes))
            return refuse_tensor(st, t->name, err, "its shape is too large");
    }
    return SNAS_OK;
}

static enum snas_status read_dtype(const struct snas_st *st, const json_t *dtype,
                                   struct snas_st_tensor *t, struct snas_err *err)
{
    const char *text = json_string_value(dtype), *name;
    if (!text)
        return refuse_tensor(st, t->name, err, "it has no dtype");
    for (int i = 0; (name = snas_dtype_name((enum snas_dtype)i)) != NULL; i++) {
        if (strcmp(name, text) == 0) {
            t->dtype = (enum snas_dtype)i;
            return SNAS_OK;
        }
    }
    return snas_fail(err, SNAS_E_FORMAT,
                     "'%s': tensor '%.200s': dtype '%.20s' is not one of F32, F64, I64, U8",
                     st->path, t->name, text);
}

static enum snas_status read_tensor(const struct snas_st *st, const json_t *entry,
                                    struct snas_st_tensor *t, struct snas_err *err)
{
    if (!json_is_object(entry) || json_object_size(entry) != 3)
        return refuse_tensor(st, t->name, err, "expects dtype, shape and data_offsets");
    uint64_t bytes = 0, begin = 0, end = 0;
    enum snas_status s = read_dtype(st, json_object_get(entry, "dtype"), t, err);
    if (s == SNAS_OK)
        s = read_shape(st, json_object_get(entry, "shape"), t, &bytes, err);
    if (s != SNAS_OK)
        return s;
    const json_t *offsets = json_object_get(entry, "data_offsets");
    if (json_array_size(offsets) != 2 ||
        !read_count(json_array_get(offsets, 1), st->data_size, &end) ||
        !read_count(json_array_get(offsets, 0), end, &begin))
        return refuse_tensor(st, t->name, err, "its data_offsets do not lie within the file");
    if (end - begin != bytes)
        return refuse_tensor(st, t->name, err, "its data_offsets do not fit its shape");
    t->data = st->data + begin;
    return SNAS_OK;
}

static size_t tensor_bytes(const struct snas_st_tensor *t)
{
    size_t n = snas_dtype_size(t->dtype);
    for (int i = 0; i < t->ndim; i++)
        n *= (size_t)t->shape[i];
    return n;
}

/* By place; an empty tensor before the one that begins where it stands. */
static int tensor_compare(const void *a, const void *b)
{
    const struct snas_st_tensor *p = a, *q = b;
    if (p->data != q->data)
        return (const char *)p->data < (const char *)q->data ? -1 : 1;
    size_t n = tensor_bytes(p), m = tensor_bytes(q);
    return n != m ? (n < m ? -1 : 1) : strcmp(p->name, q->name);
}

/* Side by side from the first byte to the last: no overlap, no hole, nothing hidden behind. */
static enum snas_status check_layout(const struct snas_st *st, struct snas_err *err)
{
    const char *at = st->data;
    for (size_t i = 0; i < st->n; i++) {
        if ((const char *)st->tensors[i].data != at)
            return refuse_tensor(st, st->tensors[i].name, err,
                                 "its data overlaps another's, or a hole is before it");
        at += tensor_bytes(&st->tensors[i]);
    }
    if (at != st->data + st->data_size)
        return snas_fail(err, SNAS_E_FORMAT, "'%s': %zu bytes that no tensor claims, from %zu on",
                         st->path, (size_t)(st->data + st->data_size - at),
                         (size_t)(at - st->file));
    return SNAS_OK;
}

static enum snas_status read_tensors(struct snas_st *st, struct snas_err *err)
{
    st->tensors = snas_alloc(json_object_size(st->header), sizeof *st->tensors, err);
    if (!st->tensors)
        return SNAS_E_NOMEM;
    for (void *at = json_object_iter(st->header); at; at = json_object_iter_next(st->header, at)) {
        if (strcmp(json_object_iter_key(at), SNAS_ST_META) == 0)
            continue;
        struct snas_st_tensor *t = &st->tensors[st->n++];
        t->name = json_object_iter_key(at);
        enum snas_status s = read_tensor(st, json_object_iter_value(at), t, err);
        if (s != SNAS_OK)
            return s;
    }
    qsort(st->tensors, st->n, sizeof *st->tensors, tensor_compare);
    return check_layout(st, err);
}

/* A device has no end; a directory and what is not there are left to the reader's words. */
static enum snas_status check_kind(const char *path, struct snas_err *err)
{
    struct stat st;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
        return snas_fail(err, SNAS_E_FORMAT, "'%s' is not a regular file", path);
    return SNAS_OK;
}

enum snas_status snas_st_read(const char *path, struct snas_st **out, struct snas_err *err)
{
    *out = NULL;
    struct snas_st *st = snas_alloc(1, sizeof *st, err);
    if (!st)
        return SNAS_E_NOMEM;
    st->path = snas_strdup(path, err);
    enum snas_status s = st->path ? check_kind(path, err) : SNAS_E_NOMEM;
    if (s == SNAS_OK)
        s = snas_read_file(path, SIZE_MAX, &st->file, &st->size, err);
    if (s == SNAS_OK)
        s = parse_header(st, err);
    if (s == SNAS_OK)
        s = check_meta(st, err);
    if (s == SNAS_OK)
        s = read_tensors(st, err);
    if (s != SNAS_OK) {
        snas_st_free(st);
        return s;
    }
    *out = st;
    return SNAS_OK;
}

size_t snas_st_count(const struct snas_st *st)
{
    return st->n;
}

const struct snas_st_tensor *snas_st_at(const struct snas_st *st, size_t i)
{
    if (i >= st->n)
        SNAS_BUG("tensor %zu of %zu", i, st->n);
    return &st->tensors[i];
}

const struct snas_st_tensor *snas_st_find(const struct snas_st *st, const char *name)
{
    for (size_t i = 0; i < st->n; i++)
        if (strcmp(st->tensors[i].name, name) == 0)
            return &st->tensors[i];
    return NULL;
}

const char *snas_st_meta(const struct snas_st *st, const char *key)
{
    return json_string_value(json_object_get(json_object_get(st->header, SNAS_ST_META), key));
}

enum snas_status snas_st_copy(const struct snas_st *st, const char *name, enum snas_dtype dtype,
                              size_t count, void *dst, struct snas_err *err)
{
    const struct snas_st_tensor *t = snas_st_find(st, name);
    if (!t)
        return refuse_tensor(st, name, err, "is not there");
    size_t n = tensor_bytes(t) / snas_dtype_size(t->dtype);
    if (t->dtype != dtype || n != count)
        return snas_fail(
            err, SNAS_E_FORMAT, "'%s': tensor '%.200s' holds %zu x %s where %zu x %s are expected",
            st->path, name, n, snas_dtype_name(t->dtype), count, snas_dtype_name(dtype));
    if (count > 0)
        memcpy(dst, t->data, count * snas_dtype_size(dtype));
    return SNAS_OK;
}

void snas_st_free(struct snas_st *st)
{
    if (!st)
        return;
    json_decref(st->header);
    snas_free(st->tensors);
    snas_free(st->file);
    snas_free(st->path);
    snas_free(st);
}

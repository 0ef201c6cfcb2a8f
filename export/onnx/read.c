#include "export/onnx/read.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/mem.h"
#include "export/onnx/scan.h"
#include "export/onnx/write.h"
#include "onnx.pb-c.h"

enum { DEEPEST = 12, MOST_ITEMS = 4000000 };

struct snas_onnx_file {
    Onnx__ModelProto *model;
    int chw[3], classes;
    int64_t opset;
    struct snas_onnx_tensor *tensors; /* [model->graph->n_initializer] */
    char *external_name;              /* the one file of external data, read when first named */
    char *external;
    size_t external_size;
};

static void *proto_alloc(void *unused, size_t size)
{
    (void)unused;
    return snas_alloc(1, size ? size : 1, NULL);
}

static void proto_free(void *unused, void *p)
{
    (void)unused;
    snas_free(p);
}

static ProtobufCAllocator allocator = {.alloc = proto_alloc, .free = proto_free};

static enum snas_status bad(struct snas_err *err, const char *name, const char *what)
{
    return snas_fail(err, SNAS_E_FORMAT, "%s: %s", name, what);
}

/* --- tensors --- */

static const char *entry(const Onnx__TensorProto *t, const char *key)
{
    for (size_t i = 0; i < t->n_external_data; i++)
        if (t->external_data[i]->key && strcmp(t->external_data[i]->key, key) == 0)
            return t->external_data[i]->value;
    return NULL;
}

/* A decimal number of bytes; 0 on success. */
static int entry_bytes(const Onnx__TensorProto *t, const char *key, uint64_t *out)
{
    const char *s = entry(t, key);
    char *end;
    if (!s || *s < '0' || *s > '9')
        return -1;
    errno = 0;
    *out = strtoull(s, &end, 10);
    return errno || *end ? -1 : 0;
}

static enum snas_status load_external(struct snas_onnx_file *f, const char *name,
                                      const char *location, struct snas_err *err)
{
    if (f->external)
        return strcmp(f->external_name, location) == 0
                   ? SNAS_OK
                   : bad(err, name, "external data in more than one file");
    if (!*location || strchr(location, '/') || strcmp(location, "..") == 0)
        return snas_fail(err, SNAS_E_FORMAT, "%s: external data outside its directory: '%s'", name,
                         location);
    const char *slash = strrchr(name, '/');
    char *path = snas_format(err, "%.*s%s", slash ? (int)(slash - name) + 1 : 0, name, location);
    f->external_name = snas_strdup(location, err);
    enum snas_status s =
        path && f->external_name
            ? snas_read_file(path, (size_t)1 << 40, &f->external, &f->external_size, err)
            : SNAS_E_NOMEM;
    snas_free(path);
    return s;
}

static enum snas_status external_data(struct snas_onnx_file *f, const char *name,
                                      const Onnx__TensorProto *t, struct snas_onnx_tensor *out,
                                      struct snas_err *err)
{
    uint64_t offset = 0, length = 0, bytes = (uint64_t)out->count * sizeof(float);
    const char *location = entry(t, "location");
    if (!location || (entry(t, "offset") && entry_bytes(t, "offset", &offset)) ||
        (entry(t, "length") && entry_bytes(t, "length", &length)))
        return snas_fail(err, SNAS_E_FORMAT, "%s: tensor '%s' has no proper place outside", name,
                         out->name);
    enum snas_status s = load_external(f, name, location, err);
    if (s)
        return s;
    if ((entry(t, "length") && length != bytes) || offset % sizeof(float) ||
        offset > f->external_size || bytes > f->external_size - offset)
        return snas_fail(err, SNAS_E_FORMAT, "%s: tensor '%s' lies outside '%s'", name, out->name,
                         location);
    out->data = (const float *)(const void *)(f->external + offset);
    return SNAS_OK;
}

static enum snas_status read_tensor(struct snas_onnx_file *f, const char *name,
                                    const Onnx__TensorProto *t, struct snas_onnx_tensor *out,
                                    struct snas_err *err)
{
    if (!t->name || !*t->name || t->n_dims > sizeof out->shape / sizeof *out->shape)
        return bad(err, name, "an initializer without a name, or of too many dimensions");
    out->name = t->name;
    out->ndim = (int)t->n_dims;
    out->count = 1;
    for (size_t i = 0; i < t->n_dims; i++) {
        out->shape[i] = t->dims[i];
        if (t->dims[i] < 0 || t->dims[i] > INT_MAX ||
            (t->dims[i] > 0 && out->count > SIZE_MAX / 16 / (size_t)t->dims[i]))
            return snas_fail(err, SNAS_E_FORMAT, "%s: tensor '%s' has a side of %lld", name,
                             t->name, (long long)t->dims[i]);
        out->count *= (size_t)t->dims[i];
    }
    if (t->data_type != ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT)
        return SNAS_OK;
    if (t->has_data_location && t->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL)
        return external_data(f, name, t, out, err);
    if (t->has_raw_data && t->raw_data.len == out->count * sizeof(float))
        out->data = (const float *)(const void *)t->raw_data.data;
    else if (!t->has_raw_data && t->n_float_data == out->count)
        out->data = t->float_data;
    else
        return snas_fail(err, SNAS_E_FORMAT, "%s: tensor '%s' does not hold its %zu values", name,
                         t->name, out->count);
    return SNAS_OK;
}

static enum snas_status read_tensors(struct snas_onnx_file *f, const char *name,
                                     struct snas_err *err)
{
    const Onnx__GraphProto *g = f->model->graph;
    f->tensors = snas_alloc(g->n_initializer ? g->n_initializer : 1, sizeof *f->tensors, err);
    if (!f->tensors)
        return SNAS_E_NOMEM;
    for (size_t i = 0; i < g->n_initializer; i++) {
        enum snas_status s = read_tensor(f, name, g->initializer[i], &f->tensors[i], err);
        if (s)
            return s;
    }
    return SNAS_OK;
}

/* --- input and output --- */

/* The sides behind the batch, all of them fixed; -1 when the value is something else. */
static int fixed_sides(const Onnx__ValueInfoProto *v, size_t rank, int *sides)
{
    if (!v->name || !v->type || v->type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE)
        return -1;
    const Onnx__TypeProto__Tensor *t = v->type->tensor_type;
    if (!t || t->elem_type != ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT || !t->shape ||
        t->shape->n_dim != rank)
        return -1;
    for (size_t i = 1; i < rank; i++) {
        const Onnx__TensorShapeProto__Dimension *d = t->shape->dim[i];
        if (d->value_case != ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE ||
            d->dim_value < 1 || d->dim_value > INT_MAX)
            return -1;
        sides[i - 1] = (int)d->dim_value;
    }
    return 0;
}

static enum snas_status read_model(struct snas_onnx_file *f, const char *name, struct snas_err *err)
{
    const Onnx__ModelProto *m = f->model;
    const Onnx__GraphProto *g = m->graph;
    if (!g || !g->n_node)
        return bad(err, name, "an ONNX file without a graph");
    if (g->n_input != 1 || fixed_sides(g->input[0], 4, f->chw))
        return bad(err, name, "its input is not one float image [batch, C, H, W] of fixed sides");
    if (g->n_output != 1 || fixed_sides(g->output[0], 2, &f->classes))
        return bad(err, name, "its output is not one float [batch, classes]");
    for (size_t i = 0; i < m->n_opset_import; i++)
        if (!m->opset_import[i]->domain || !*m->opset_import[i]->domain)
            f->opset = m->opset_import[i]->version;
    return read_tensors(f, name, err);
}

enum snas_status snas_onnx_parse(const char *name, const void *data, size_t size,
                                 struct snas_onnx_file **out, struct snas_err *err)
{
    *out = NULL;
    struct snas_onnx_scan limits = {.deepest = DEEPEST, .allowed = MOST_ITEMS};
    if (size == 0 || snas_onnx_scan(&onnx__model_proto__descriptor, data, size, &limits, 1) != 0)
        return bad(err, name, "not an ONNX file, or a damaged one");
    struct snas_onnx_file *f = snas_alloc(1, sizeof *f, err);
    if (!f)
        return SNAS_E_NOMEM;
    f->model = onnx__model_proto__unpack(&allocator, size, data);
    enum snas_status s =
        f->model ? read_model(f, name, err)
                 : bad(err, name, "its messages cannot be read: damaged, or too little memory");
    if (s) {
        snas_onnx_free(f);
        return s;
    }
    *out = f;
    return SNAS_OK;
}

enum snas_status snas_onnx_read(const char *path, struct snas_onnx_file **out, struct snas_err *err)
{
    char *data;
    size_t size;
    *out = NULL;
    enum snas_status s = snas_read_file(path, SNAS_ONNX_MAX_BYTES, &data, &size, err);
    if (s)
        return s;
    s = snas_onnx_parse(path, data, size, out, err);
    snas_free(data);
    return s;
}

void snas_onnx_free(struct snas_onnx_file *f)
{
    if (!f)
        return;
    if (f->model)
        onnx__model_proto__free_unpacked(f->model, &allocator);
    snas_free(f->tensors);
    snas_free(f->external_name);
    snas_free(f->external);
    snas_free(f);
}

/* --- what was read --- */

void snas_onnx_shape(const struct snas_onnx_file *f, int *chw, int *classes)
{
    memcpy(chw, f->chw, sizeof f->chw);
    *classes = f->classes;
}

int64_t snas_onnx_opset(const struct snas_onnx_file *f)
{
    return f->opset;
}

int64_t snas_onnx_ir_version(const struct snas_onnx_file *f)
{
    return f->model->ir_version;
}

const char *snas_onnx_meta(const struct snas_onnx_file *f, const char *key)
{
    for (size_t i = 0; i < f->model->n_metadata_props; i++) {
        const Onnx__StringStringEntryProto *e = f->model->metadata_props[i];
        if (e->key && strcmp(e->key, key) == 0)
            return e->value;
    }
    return NULL;
}

size_t snas_onnx_node_count(const struct snas_onnx_file *f)
{
    return f->model->graph->n_node;
}

struct snas_onnx_node snas_onnx_node_at(const struct snas_onnx_file *f, size_t i)
{
    const Onnx__NodeProto *n = f->model->graph->node[i];
    return (struct snas_onnx_node){.name = n->name ? n->name : "",
                                   .op = n->op_type ? n->op_type : ""};
}

size_t snas_onnx_tensor_count(const struct snas_onnx_file *f)
{
    return f->model->graph->n_initializer;
}

const struct snas_onnx_tensor *snas_onnx_tensor_at(const struct snas_onnx_file *f, size_t i)
{
    return &f->tensors[i];
}

const struct snas_onnx_tensor *snas_onnx_tensor_find(const struct snas_onnx_file *f,
                                                     const char *name)
{
    for (size_t i = 0; i < snas_onnx_tensor_count(f); i++)
        if (strcmp(f->tensors[i].name, name) == 0)
            return &f->tensors[i];
    return NULL;
}

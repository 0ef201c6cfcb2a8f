#include "export/onnx/message.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

/* Weights are written from memory as they lie there. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "raw_data is little-endian");

struct snas_onnx_chunk {
    struct snas_onnx_chunk *next;
    max_align_t data[];
};

void *snas_onnx_take(struct snas_onnx_pool *pool, size_t count, size_t size, struct snas_err *err)
{
    struct snas_onnx_chunk *c = snas_alloc(1, sizeof *c + count * size, err);
    if (!c)
        return NULL;
    c->next = pool->chunks;
    pool->chunks = c;
    return c->data;
}

void snas_onnx_pool_clear(struct snas_onnx_pool *pool)
{
    while (pool->chunks) {
        struct snas_onnx_chunk *next = pool->chunks->next;
        snas_free(pool->chunks);
        pool->chunks = next;
    }
}

/* What the functions below share: the first failure sticks, and later calls do nothing, so that a
 * message is put together without a test after every field. */
struct maker {
    struct snas_onnx_pool *pool;
    struct snas_err *err;
    int failed;
};

static void *take(struct maker *m, size_t count, size_t size)
{
    void *p = m->failed ? NULL : snas_onnx_take(m->pool, count ? count : 1, size, m->err);
    m->failed |= !p;
    return p;
}

__attribute__((format(printf, 2, 3))) static char *text(struct maker *m, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *p = take(m, (size_t)n + 1, 1);
    if (p) {
        va_start(args, fmt);
        vsnprintf(p, (size_t)n + 1, fmt, args);
        va_end(args);
    }
    return p;
}

/* protobuf-c declares `char *` for what it only reads. */
static char *borrowed(const char *s)
{
    union {
        const char *in;
        char *out;
    } u = {.in = s};
    return u.out;
}

/* A new message of a type, initialised. */
static void *message(struct maker *m, const ProtobufCMessageDescriptor *type)
{
    void *p = take(m, 1, type->sizeof_message);
    if (p)
        protobuf_c_message_init(type, p);
    return p;
}

/* --- attributes --- */

static Onnx__AttributeProto *attribute(struct maker *m, Onnx__NodeProto *n, const char *name,
                                       Onnx__AttributeProto__AttributeType type)
{
    Onnx__AttributeProto *a = message(m, &onnx__attribute_proto__descriptor);
    if (!a)
        return NULL;
    a->name = borrowed(name);
    a->has_type = 1;
    a->type = type;
    n->attribute[n->n_attribute++] = a;
    return a;
}

static void set_ints(struct maker *m, Onnx__NodeProto *n, const char *name, int count,
                     const int *values)
{
    Onnx__AttributeProto *a = attribute(m, n, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);
    int64_t *ints = take(m, (size_t)count, sizeof *ints);
    if (!ints)
        return;
    for (int i = 0; i < count; i++)
        ints[i] = values[i];
    a->n_ints = (size_t)count;
    a->ints = ints;
}

static void set_int(struct maker *m, Onnx__NodeProto *n, const char *name, int value)
{
    Onnx__AttributeProto *a = attribute(m, n, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
    if (!a)
        return;
    a->has_i = 1;
    a->i = value;
}

static void set_float(struct maker *m, Onnx__NodeProto *n, const char *name, float value)
{
    Onnx__AttributeProto *a = attribute(m, n, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);
    if (!a)
        return;
    a->has_f = 1;
    a->f = value;
}

static void set_window(struct maker *m, Onnx__NodeProto *n, const struct snas_graph_node *from)
{
    set_ints(m, n, "kernel_shape", 2, (const int[]){from->kh, from->kw});
    set_ints(m, n, "strides", 2, (const int[]){from->stride, from->stride});
    set_ints(m, n, "pads", 4, from->pad);
}

static void set_attributes(struct maker *m, Onnx__NodeProto *n, const struct snas_graph_node *from)
{
    switch (from->op) {
    case SNAS_G_CONV:
        set_window(m, n, from);
        set_ints(m, n, "dilations", 2, (const int[]){from->dilation, from->dilation});
        set_int(m, n, "group", from->group);
        break;
    case SNAS_G_BATCH_NORM:
        set_float(m, n, "epsilon", from->epsilon);
        break;
    case SNAS_G_MAX_POOL:
        set_window(m, n, from);
        break;
    case SNAS_G_AVG_POOL:
        set_window(m, n, from);
        set_int(m, n, "count_include_pad", 0);
        break;
    case SNAS_G_CONCAT:
    case SNAS_G_FLATTEN:
        set_int(m, n, "axis", 1);
        break;
    case SNAS_G_GEMM:
        set_int(m, n, "transB", 1);
        break;
    case SNAS_G_RELU:
    case SNAS_G_SHIFT:
    case SNAS_G_ADD:
    case SNAS_G_GLOBAL_POOL:
        break;
    case SNAS_G_ZERO:
        SNAS_BUG("%s is still a zero", from->name);
    }
}

const char *snas_onnx_op_name(enum snas_graph_op op)
{
    static const char *const names[] = {
        [SNAS_G_CONV] = "Conv",
        [SNAS_G_BATCH_NORM] = "BatchNormalization",
        [SNAS_G_RELU] = "Relu",
        [SNAS_G_MAX_POOL] = "MaxPool",
        [SNAS_G_AVG_POOL] = "AveragePool",
        [SNAS_G_SHIFT] = "Slice",
        [SNAS_G_ADD] = "Add",
        [SNAS_G_CONCAT] = "Concat",
        [SNAS_G_GLOBAL_POOL] = "GlobalAveragePool",
        [SNAS_G_FLATTEN] = "Flatten",
        [SNAS_G_GEMM] = "Gemm",
        [SNAS_G_ZERO] = "Zero",
    };
    return names[op];
}

/* --- nodes --- */

/* Slice takes its numbers as inputs; those of one input shape are shared by name. */
static void shift_name(const struct snas_graph *g, const struct snas_graph_node *n, char *name,
                       size_t size)
{
    const struct snas_shape *in = &g->values[n->in[0]].shape;
    snprintf(name, size, "shift.%dx%d.ends", in->h, in->w);
}

static Onnx__NodeProto *make_node(struct maker *m, const struct snas_graph *g,
                                  const struct snas_graph_node *from)
{
    Onnx__NodeProto *n = message(m, &onnx__node_proto__descriptor);
    char **inputs = take(m, (size_t)from->n_in + SNAS_G_TENSORS, sizeof *inputs);
    char **output = take(m, 1, sizeof *output);
    Onnx__AttributeProto **attributes = take(m, 8, sizeof(Onnx__AttributeProto *));
    if (m->failed)
        return NULL;
    n->name = borrowed(from->name);
    n->op_type = borrowed(snas_onnx_op_name(from->op));
    n->input = inputs;
    n->output = output;
    n->attribute = attributes;
    n->n_output = 1;
    output[0] = g->values[from->out].name;
    for (int i = 0; i < from->n_in; i++)
        inputs[n->n_input++] = g->values[from->in[i]].name;
    for (int i = 0; i < SNAS_G_TENSORS; i++)
        if (from->tensor[i] >= 0)
            inputs[n->n_input++] = g->tensors[from->tensor[i]].name;
    if (from->op == SNAS_G_SHIFT) {
        char ends[SNAS_G_NAME];
        shift_name(g, from, ends, sizeof ends);
        inputs[n->n_input++] = borrowed("shift.starts");
        inputs[n->n_input++] = text(m, "%s", ends);
        inputs[n->n_input++] = borrowed("shift.axes");
    }
    set_attributes(m, n, from);
    return n;
}

/* --- initializers --- */

uint64_t snas_onnx_align(uint64_t offset)
{
    return (offset + 4095) / 4096 * 4096;
}

static void set_entry(struct maker *m, Onnx__StringStringEntryProto **list, size_t *n,
                      const char *key, char *value)
{
    Onnx__StringStringEntryProto *e = message(m, &onnx__string_string_entry_proto__descriptor);
    if (!e)
        return;
    e->key = borrowed(key);
    e->value = value;
    list[(*n)++] = e;
}

static Onnx__TensorProto *make_tensor(struct maker *m, const char *name, int type, int ndim,
                                      const int64_t *shape)
{
    Onnx__TensorProto *t = message(m, &onnx__tensor_proto__descriptor);
    int64_t *dims = take(m, (size_t)ndim, sizeof *dims);
    if (m->failed)
        return NULL;
    t->name = borrowed(name);
    t->has_data_type = 1;
    t->data_type = type;
    t->n_dims = (size_t)ndim;
    t->dims = dims;
    memcpy(dims, shape, (size_t)ndim * sizeof *dims);
    return t;
}

static void set_raw(Onnx__TensorProto *t, void *data, size_t bytes)
{
    t->has_raw_data = 1;
    t->raw_data.data = data;
    t->raw_data.len = bytes;
}

/* A float tensor of the graph: in place, or at *offset of the external file. */
static Onnx__TensorProto *make_weight(struct maker *m, const struct snas_graph_tensor *from,
                                      const char *data_name, uint64_t *offset)
{
    Onnx__TensorProto *t =
        make_tensor(m, from->name, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, from->ndim, from->shape);
    if (!t)
        return NULL;
    size_t bytes = from->count * sizeof *from->data;
    if (!data_name) {
        set_raw(t, from->data, bytes);
        return t;
    }
    t->external_data = take(m, 3, sizeof(Onnx__StringStringEntryProto *));
    if (m->failed)
        return NULL;
    t->has_data_location = 1;
    t->data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
    set_entry(m, t->external_data, &t->n_external_data, "location", borrowed(data_name));
    set_entry(m, t->external_data, &t->n_external_data, "offset", text(m, "%" PRIu64, *offset));
    set_entry(m, t->external_data, &t->n_external_data, "length", text(m, "%zu", bytes));
    *offset = snas_onnx_align(*offset + bytes);
    return t;
}

static void add_shift_tensor(struct maker *m, Onnx__GraphProto *graph, const char *name, int a,
                             int b)
{
    for (size_t i = 0; i < graph->n_initializer; i++)
        if (strcmp(graph->initializer[i]->name, name) == 0)
            return;
    const int64_t two = 2;
    int64_t *values = take(m, 2, sizeof *values);
    Onnx__TensorProto *t =
        make_tensor(m, text(m, "%s", name), ONNX__TENSOR_PROTO__DATA_TYPE__INT64, 1, &two);
    if (m->failed)
        return;
    values[0] = a;
    values[1] = b;
    set_raw(t, values, 2 * sizeof *values);
    graph->initializer[graph->n_initializer++] = t;
}

static void add_shift_tensors(struct maker *m, const struct snas_graph *g, Onnx__GraphProto *graph)
{
    for (int i = 0; !m->failed && i < g->n_nodes; i++) {
        if (g->nodes[i].op != SNAS_G_SHIFT)
            continue;
        char ends[SNAS_G_NAME];
        shift_name(g, &g->nodes[i], ends, sizeof ends);
        const struct snas_shape *in = &g->values[g->nodes[i].in[0]].shape;
        add_shift_tensor(m, graph, "shift.starts", 1, 1);
        add_shift_tensor(m, graph, ends, in->h, in->w);
        add_shift_tensor(m, graph, "shift.axes", 2, 3);
    }
}

/* --- graph and model --- */

static Onnx__ValueInfoProto *make_value(struct maker *m, const struct snas_graph_value *v)
{
    int n = v->flat ? 2 : 4;
    const int sides[3] = {v->shape.c, v->shape.h, v->shape.w};
    Onnx__ValueInfoProto *info = message(m, &onnx__value_info_proto__descriptor);
    Onnx__TypeProto *type = message(m, &onnx__type_proto__descriptor);
    Onnx__TypeProto__Tensor *tensor = message(m, &onnx__type_proto__tensor__descriptor);
    Onnx__TensorShapeProto *shape = message(m, &onnx__tensor_shape_proto__descriptor);
    Onnx__TensorShapeProto__Dimension **dims =
        take(m, (size_t)n, sizeof(Onnx__TensorShapeProto__Dimension *));
    for (int i = 0; !m->failed && i < n; i++) {
        dims[i] = message(m, &onnx__tensor_shape_proto__dimension__descriptor);
        if (dims[i] && i == 0) {
            dims[i]->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
            dims[i]->dim_param = borrowed("batch");
        } else if (dims[i]) {
            dims[i]->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
            dims[i]->dim_value = sides[i - 1];
        }
    }
    if (m->failed)
        return NULL;
    shape->n_dim = (size_t)n;
    shape->dim = dims;
    tensor->has_elem_type = 1;
    tensor->elem_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    tensor->shape = shape;
    type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    type->tensor_type = tensor;
    info->name = borrowed(v->name);
    info->type = type;
    return info;
}

static Onnx__GraphProto *make_graph(struct maker *m, const struct snas_graph *g,
                                    const char *data_name)
{
    Onnx__GraphProto *graph = message(m, &onnx__graph_proto__descriptor);
    Onnx__NodeProto **nodes = take(m, (size_t)g->n_nodes, sizeof(Onnx__NodeProto *));
    /* A slice brings at most three tensors of its own. */
    Onnx__TensorProto **tensors =
        take(m, (size_t)g->n_tensors + 3 * (size_t)g->n_nodes, sizeof(Onnx__TensorProto *));
    Onnx__ValueInfoProto **ends = take(m, 2, sizeof(Onnx__ValueInfoProto *));
    if (m->failed)
        return NULL;
    graph->name = borrowed("snas");
    graph->node = nodes;
    graph->initializer = tensors;
    uint64_t offset = 0;
    for (int i = 0; !m->failed && i < g->n_nodes; i++)
        nodes[graph->n_node++] = make_node(m, g, &g->nodes[i]);
    for (int i = 0; !m->failed && i < g->n_tensors; i++)
        tensors[graph->n_initializer++] = make_weight(m, &g->tensors[i], data_name, &offset);
    if (!m->failed)
        add_shift_tensors(m, g, graph);
    ends[0] = make_value(m, &g->values[g->input]);
    ends[1] = make_value(m, &g->values[g->output]);
    graph->n_input = graph->n_output = 1;
    graph->input = &ends[0];
    graph->output = &ends[1];
    return graph;
}

Onnx__ModelProto *snas_onnx_model(const struct snas_graph *g, const struct snas_onnx_info *info,
                                  const char *data_name, struct snas_onnx_pool *pool,
                                  struct snas_err *err)
{
    struct maker m = {.pool = pool, .err = err};
    Onnx__ModelProto *model = message(&m, &onnx__model_proto__descriptor);
    Onnx__OperatorSetIdProto *opset = message(&m, &onnx__operator_set_id_proto__descriptor);
    Onnx__OperatorSetIdProto **opsets = take(&m, 1, sizeof(Onnx__OperatorSetIdProto *));
    Onnx__StringStringEntryProto **meta =
        take(&m, (size_t)info->n_meta, sizeof(Onnx__StringStringEntryProto *));
    Onnx__GraphProto *graph = make_graph(&m, g, data_name);
    if (m.failed)
        return NULL;
    opset->domain = borrowed("");
    opset->has_version = 1;
    opset->version = SNAS_ONNX_OPSET;
    opsets[0] = opset;
    model->has_ir_version = 1;
    model->ir_version = SNAS_ONNX_IR;
    model->n_opset_import = 1;
    model->opset_import = opsets;
    model->producer_name = borrowed("snas");
    model->producer_version = borrowed(SNAS_VERSION);
    model->has_model_version = 1;
    model->model_version = 1;
    model->doc_string = borrowed(info->doc);
    model->graph = graph;
    model->metadata_props = meta;
    for (int i = 0; i < info->n_meta; i++)
        set_entry(&m, meta, &model->n_metadata_props, info->meta[i].key,
                  borrowed(info->meta[i].value));
    return m.failed ? NULL : model;
}

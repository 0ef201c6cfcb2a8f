#include "export/build.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

struct builder {
    const struct snas_child *child;
    const struct snas_network *net;
    struct snas_graph *g;
    int *value; /* [net->n_tensors] graph value, or -1: not made yet */
    int *relu;  /* [value] its Relu's output, or -1; as long as relu_room */
    int relu_room;
    struct snas_err *err;
    /* Where the layers now being made belong: "/cell2/node1/edge0_sep_conv_3x3" and
     * "cell2.node1.edge0". */
    char path[SNAS_G_NAME], scope[SNAS_G_NAME];
};

static struct snas_graph_node make(const struct builder *b, enum snas_graph_op op,
                                   const char *layer)
{
    char name[SNAS_G_NAME], scope[SNAS_G_NAME];
    snas_graph_set_name(name, "%s/%s", b->path, layer);
    snas_graph_set_name(scope, "%s.%s", b->scope, layer);
    return snas_graph_node_make(op, name, scope);
}

/* Adds the node with a new value of this shape; `*out` gets the value. */
static enum snas_status emit(struct builder *b, struct snas_graph_node *n, struct snas_shape shape,
                             int flat, int *out)
{
    enum snas_status s = snas_graph_add_value(b->g, shape, flat, &n->out, b->err);
    if (s == SNAS_OK)
        s = snas_graph_add_node(b->g, n, b->err);
    *out = n->out;
    return s;
}

static enum snas_status emit_unary(struct builder *b, struct snas_graph_node *n, int in,
                                   struct snas_shape shape, int *out)
{
    n->n_in = 1;
    n->in[0] = in;
    return emit(b, n, shape, 0, out);
}

/* --- tensors --- */

static const struct snas_param *param_of(const struct builder *b, int param)
{
    if (param < 0 || param >= b->net->n_params)
        SNAS_BUG("layer without its parameter");
    return &b->net->params[param];
}

/* [kh][kw][in][out] (a pointwise one has no kh, kw) -> [out][in][kh][kw]. With `groups` > 1 (a
 * depthwise one) `in` is 1. */
static void to_oihw(const float *src, int taps, int in, int out, float *dst)
{
    for (int t = 0; t < taps; t++)
        for (int i = 0; i < in; i++)
            for (int o = 0; o < out; o++)
                dst[((size_t)o * (size_t)in + (size_t)i) * (size_t)taps + (size_t)t] =
                    src[((size_t)t * (size_t)in + (size_t)i) * (size_t)out + (size_t)o];
}

static enum snas_status add_conv_weight(struct builder *b, int param, int kh, int kw, int in,
                                        int out, int *tensor)
{
    const struct snas_param *p = param_of(b, param);
    if (p->count != (size_t)kh * (size_t)kw * (size_t)in * (size_t)out)
        SNAS_BUG("%s has %zu values", p->name, p->count);
    int64_t shape[4] = {out, in, kh, kw};
    enum snas_status s = snas_graph_add_tensor(b->g, p->name, 4, shape, tensor, b->err);
    if (s == SNAS_OK)
        to_oihw(b->child->values[param], kh * kw, in, out, b->g->tensors[*tensor].data);
    return s;
}

/* A vector: the parameter's values, or `fill` when there is no such parameter. */
static enum snas_status add_vector(struct builder *b, int param, const char *scope,
                                   const char *part, int count, float fill, int *tensor)
{
    char name[SNAS_G_NAME];
    snas_graph_set_name(name, "%s.%s", scope, part);
    int64_t shape[1] = {count};
    enum snas_status s = snas_graph_add_tensor(b->g, param >= 0 ? b->net->params[param].name : name,
                                               1, shape, tensor, b->err);
    if (s)
        return s;
    if (param >= 0 && b->net->params[param].count != (size_t)count)
        SNAS_BUG("%s has %zu values", b->net->params[param].name, b->net->params[param].count);
    for (int i = 0; i < count; i++)
        b->g->tensors[*tensor].data[i] = param >= 0 ? b->child->values[param][i] : fill;
    return SNAS_OK;
}

/* --- layers: one case per step kind --- */

static enum snas_status layer_conv(struct builder *b, const struct snas_layer *l, int in, int *out)
{
    const struct snas_step *step = &l->step;
    int depthwise = step->kind == SNAS_STEP_DEPTHWISE;
    struct snas_graph_node n = make(b, SNAS_G_CONV, l->name);
    n.kh = step->kind == SNAS_STEP_POINTWISE ? 1 : step->kh;
    n.kw = step->kind == SNAS_STEP_POINTWISE ? 1 : step->kw;
    n.stride = step->stride;
    n.dilation = n.kh * n.kw > 1 ? step->dilation : 1;
    n.group = depthwise ? l->in.c : 1;
    n.pad[0] = n.pad[2] = n.dilation * (n.kh - 1) / 2;
    n.pad[1] = n.pad[3] = n.dilation * (n.kw - 1) / 2;
    enum snas_status s =
        add_conv_weight(b, l->weight, n.kh, n.kw, depthwise ? 1 : l->in.c, l->out.c, &n.tensor[0]);
    if (s == SNAS_OK && l->bias >= 0)
        s = add_vector(b, l->bias, n.scope, "bias", l->out.c, 0, &n.tensor[1]);
    return s ? s : emit_unary(b, &n, in, l->out, out);
}

static enum snas_status layer_bn(struct builder *b, const struct snas_layer *l, int in, int *out)
{
    struct snas_graph_node n = make(b, SNAS_G_BATCH_NORM, l->name);
    n.epsilon = (float)b->child->info.bn_eps;
    static const char *const part[SNAS_G_TENSORS] = {"gamma", "beta", "mean", "var"};
    int affine = l->affine;
    int param[SNAS_G_TENSORS] = {affine ? l->weight : -1, affine ? l->bias : -1, l->mean, l->var};
    param_of(b, l->mean);
    param_of(b, l->var);
    for (int k = 0; k < SNAS_G_TENSORS; k++) {
        enum snas_status s =
            add_vector(b, param[k], n.scope, part[k], l->out.c, k == 0 ? 1.0F : 0.0F, &n.tensor[k]);
        if (s)
            return s;
    }
    return emit_unary(b, &n, in, l->out, out);
}

static enum snas_status layer_pool(struct builder *b, const struct snas_layer *l, int in, int *out)
{
    struct snas_graph_node n =
        make(b, l->step.kind == SNAS_STEP_MAX_POOL ? SNAS_G_MAX_POOL : SNAS_G_AVG_POOL, l->name);
    n.kh = l->step.kh;
    n.kw = l->step.kw;
    n.stride = l->step.stride;
    n.pad[0] = n.pad[2] = (n.kh - 1) / 2;
    n.pad[1] = n.pad[3] = (n.kw - 1) / 2;
    if (n.kh == 2) { /* windows side by side: the last ones of an odd side are cut off */
        n.pad[2] = l->in.h & 1;
        n.pad[3] = l->in.w & 1;
    }
    return emit_unary(b, &n, in, l->out, out);
}

/* Two 1x1 stride-2 convolutions, the second on x without its first row and column. On an odd side
 * that one would end one pixel early: it is padded behind, where the engine has zeros. */
static enum snas_status layer_reduce(struct builder *b, const struct snas_layer *l, int in,
                                     int *out)
{
    if (l->in.h < 2 || l->in.w < 2)
        return snas_fail(b->err, SNAS_E_UNSUPPORTED,
                         "%s: a factorized reduce of %d x %d pixels has no second half to export",
                         b->scope, l->in.h, l->in.w);
    int half = l->out.c / 2;
    struct snas_shape ya = l->out, yb = l->out, shifted = l->in;
    ya.c = half;
    yb.c = l->out.c - half;
    shifted.h--;
    shifted.w--;
    char layer[48];
    snprintf(layer, sizeof layer, "%s_shift", l->name);
    struct snas_graph_node shift = make(b, SNAS_G_SHIFT, layer);
    snprintf(layer, sizeof layer, "%s_a", l->name);
    struct snas_graph_node first = make(b, SNAS_G_CONV, layer);
    snprintf(layer, sizeof layer, "%s_b", l->name);
    struct snas_graph_node second = make(b, SNAS_G_CONV, layer);
    struct snas_graph_node both = make(b, SNAS_G_CONCAT, l->name);
    first.stride = second.stride = 2;
    second.pad[2] = l->in.h & 1;
    second.pad[3] = l->in.w & 1;
    both.n_in = 2;
    int moved;
    enum snas_status s = add_conv_weight(b, l->weight, 1, 1, l->in.c, ya.c, &first.tensor[0]);
    if (s == SNAS_OK)
        s = add_conv_weight(b, l->bias, 1, 1, l->in.c, yb.c, &second.tensor[0]);
    if (s == SNAS_OK)
        s = emit_unary(b, &first, in, ya, &both.in[0]);
    if (s == SNAS_OK)
        s = emit_unary(b, &shift, in, shifted, &moved);
    if (s == SNAS_OK)
        s = emit_unary(b, &second, moved, yb, &both.in[1]);
    return s ? s : emit(b, &both, l->out, 0, out);
}

static enum snas_status layer_linear(struct builder *b, const struct snas_layer *l, int in,
                                     int *out)
{
    char layer[48];
    snprintf(layer, sizeof layer, "%s_flatten", l->name);
    struct snas_graph_node flatten = make(b, SNAS_G_FLATTEN, layer);
    struct snas_graph_node gemm = make(b, SNAS_G_GEMM, l->name);
    struct snas_shape features = {l->in.c * l->in.h * l->in.w, 1, 1};
    flatten.n_in = gemm.n_in = 1;
    flatten.in[0] = in;
    const struct snas_param *p = param_of(b, l->weight);
    if (l->in.h != 1 || l->in.w != 1 || p->count != (size_t)features.c * (size_t)l->out.c)
        SNAS_BUG("%s: linear of %d x %d pixels", p->name, l->in.h, l->in.w);
    int64_t shape[2] = {l->out.c, features.c};
    enum snas_status s = snas_graph_add_tensor(b->g, p->name, 2, shape, &gemm.tensor[0], b->err);
    if (s)
        return s;
    to_oihw(b->child->values[l->weight], 1, features.c, l->out.c,
            b->g->tensors[gemm.tensor[0]].data);
    s = add_vector(b, l->bias, gemm.scope, "bias", l->out.c, 0, &gemm.tensor[1]);
    if (s == SNAS_OK)
        s = emit(b, &flatten, features, 1, &gemm.in[0]);
    return s ? s : emit(b, &gemm, l->out, 1, out);
}

/* The Relu of a tensor that several read is named after the tensor; its first reader makes it. */
static enum snas_status layer_relu(struct builder *b, const struct snas_layer *l, int in, int *out)
{
    if (in >= b->relu_room) {
        int room = 2 * in + 64;
        int *grown = snas_realloc(b->relu, (size_t)room, sizeof *grown, b->err);
        if (!grown)
            return SNAS_E_NOMEM;
        for (int i = b->relu_room; i < room; i++)
            grown[i] = -1;
        b->relu = grown;
        b->relu_room = room;
    }
    if (b->relu[in] >= 0) {
        *out = b->relu[in];
        return SNAS_OK;
    }
    struct snas_graph_node n = make(b, SNAS_G_RELU, l->name);
    for (int t = 0; t < b->net->n_tensors; t++)
        if (b->value[t] == in) {
            snas_graph_set_name(n.name, "/%s/relu", b->net->tensors[t].name);
            for (char *c = n.name + 1; *c; c++)
                *c = *c == '.' ? '/' : *c;
            break;
        }
    enum snas_status s = emit_unary(b, &n, in, l->in, out);
    if (s == SNAS_OK)
        b->relu[in] = *out;
    return s;
}

static enum snas_status build_layer(struct builder *b, const struct snas_layer *l, int in, int *out)
{
    struct snas_graph_node n;
    switch (l->step.kind) {
    case SNAS_STEP_RELU:
        return layer_relu(b, l, in, out);
    case SNAS_STEP_DEPTHWISE:
    case SNAS_STEP_POINTWISE:
    case SNAS_STEP_CONV:
        return layer_conv(b, l, in, out);
    case SNAS_STEP_BN:
        return layer_bn(b, l, in, out);
    case SNAS_STEP_MAX_POOL:
    case SNAS_STEP_AVG_POOL:
        return layer_pool(b, l, in, out);
    case SNAS_STEP_FACTORIZED_REDUCE:
        return layer_reduce(b, l, in, out);
    case SNAS_STEP_GLOBAL_POOL:
        n = make(b, SNAS_G_GLOBAL_POOL, l->name);
        return emit_unary(b, &n, in, l->out, out);
    case SNAS_STEP_LINEAR:
        return layer_linear(b, l, in, out);
    }
    SNAS_BUG("step kind %d", (int)l->step.kind);
}

/* --- blocks, tensors, cells --- */

/* Both names from the block's: "cell2.node1.edge0" -> "/cell2/node1/edge0_sep_conv_3x3". */
static void enter(struct builder *b, const struct snas_block *block)
{
    snas_graph_set_name(b->scope, "%s", block->name);
    char path[sizeof block->name];
    memcpy(path, block->name, sizeof path);
    for (char *c = path; *c; c++)
        *c = *c == '.' ? '/' : *c;
    int edge = block->op >= 0;
    snas_graph_set_name(b->path, "/%s%s%s", path, edge ? "_" : "",
                        edge ? b->net->space->ops[block->op].name : "");
}

static enum snas_status build_block(struct builder *b, int block, int in, int *out)
{
    const struct snas_block *k = &b->net->blocks[block];
    enter(b, k);
    *out = in;
    for (int i = 0; i < k->n_layers; i++) {
        enum snas_status s = build_layer(b, &b->net->layers[k->first_layer + i], *out, out);
        if (s)
            return s;
    }
    return SNAS_OK;
}

/* Names that follow from a tensor: "cell2.node1" -> "/cell2/node1". */
static void enter_tensor(struct builder *b, const struct snas_tensor *t)
{
    snas_graph_set_name(b->scope, "%s", t->name);
    snas_graph_set_name(b->path, "/%s", t->name);
    for (char *c = b->path; *c; c++)
        *c = *c == '.' ? '/' : *c;
}

/* Chain of binary sums; layer names "add1", "add2", ... */
static enum snas_status build_sum(struct builder *b, struct snas_shape shape, const int *terms,
                                  int n, int *out)
{
    *out = terms[0];
    for (int i = 1; i < n; i++) {
        char layer[16];
        snprintf(layer, sizeof layer, "add%d", i);
        struct snas_graph_node add = make(b, SNAS_G_ADD, layer);
        add.n_in = 2;
        add.in[0] = *out;
        add.in[1] = terms[i];
        enum snas_status s = emit(b, &add, shape, 0, out);
        if (s)
            return s;
    }
    return SNAS_OK;
}

static enum snas_status build_zero(struct builder *b, struct snas_shape shape, int *out)
{
    struct snas_graph_node zero = make(b, SNAS_G_ZERO, "zero");
    return emit(b, &zero, shape, 0, out);
}

/* The value of a tensor; one that is made of parts is put together when it is first read. */
static enum snas_status tensor_value(struct builder *b, int tensor, int *out)
{
    const struct snas_tensor *t = &b->net->tensors[tensor];
    *out = b->value[tensor];
    if (*out >= 0)
        return SNAS_OK;
    int part[SNAS_MAX_NODES] = {0};
    for (int i = 0; i < t->n_parts; i++) {
        part[i] = b->value[t->parts[i]];
        if (part[i] < 0)
            SNAS_BUG("%s is read before %s is made", t->name, b->net->tensors[t->parts[i]].name);
    }
    if (t->n_parts == 0)
        SNAS_BUG("%s is read before it is made", t->name);
    enum snas_status s;
    enter_tensor(b, t);
    if (t->sum) {
        s = build_sum(b, t->shape, part, t->n_parts, out);
    } else {
        struct snas_graph_node n = make(b, SNAS_G_CONCAT, "concat");
        n.n_in = t->n_parts;
        memcpy(n.in, part, sizeof *part * (size_t)t->n_parts);
        s = emit(b, &n, t->shape, 0, out);
    }
    b->value[tensor] = *out;
    return s;
}

/* Blocks from the same tensor to the same one. */
static enum snas_status build_paths(struct builder *b, int block, int n)
{
    const struct snas_block *k = &b->net->blocks[block];
    int in, path[SNAS_MAX_PATHS] = {0}, out = -1;
    enum snas_status s = tensor_value(b, k->in, &in);
    for (int p = 0; s == SNAS_OK && p < n; p++)
        s = build_block(b, block + p, in, &path[p]);
    enter_tensor(b, &b->net->tensors[k->out]);
    if (s == SNAS_OK)
        s = build_sum(b, b->net->tensors[k->out].shape, path, n, &out);
    if (s == SNAS_OK)
        b->value[k->out] = out;
    return s;
}

/* A stem or the head. */
static enum snas_status build_fixed(struct builder *b, int block)
{
    return build_paths(b, block, 1);
}

static enum snas_status build_node(struct builder *b, const struct snas_cell *cell,
                                   const struct snas_node *node)
{
    const struct snas_tensor *t = &b->net->tensors[node->tensor];
    int *terms = snas_alloc((size_t)node->n_edges + 1, sizeof *terms, b->err);
    if (!terms)
        return SNAS_E_NOMEM;
    int n = 0, out = -1;
    enum snas_status s = SNAS_OK;
    for (int e = node->first_edge; s == SNAS_OK && e < node->first_edge + node->n_edges; e++) {
        const struct snas_edge *edge = &b->net->edges[e];
        if (b->net->blocks[edge->first_block].zero)
            continue;
        int in, term = -1;
        s = tensor_value(b, cell->slot[edge->from], &in);
        if (s == SNAS_OK)
            s = build_block(b, edge->first_block, in, &term);
        terms[n++] = term;
    }
    enter_tensor(b, t);
    if (s == SNAS_OK)
        s = n ? build_sum(b, t->shape, terms, n, &out) : build_zero(b, t->shape, &out);
    b->value[node->tensor] = out;
    snas_free(terms);
    return s;
}

static enum snas_status build_cell(struct builder *b, const struct snas_cell *cell)
{
    enum snas_status s = SNAS_OK;
    for (int i = 0; s == SNAS_OK && i < cell->inputs; i++)
        if (cell->n_pre[i] > 0)
            s = build_paths(b, cell->pre[i], cell->n_pre[i]);
    for (int i = 0; s == SNAS_OK && i < cell->n_nodes; i++)
        s = build_node(b, cell, &b->net->nodes[cell->first_node + i]);
    return s;
}

/* (x - mean) / sd as a BatchNormalization: var + epsilon is put right by the scale. */
static enum snas_status build_normalise(struct builder *b, int *value)
{
    const struct snas_child_info *info = &b->child->info;
    struct snas_shape shape = b->g->values[*value].shape;
    struct snas_graph_node n = snas_graph_node_make(SNAS_G_BATCH_NORM, "/normalise", "normalise");
    n.epsilon = 1e-5F;
    static const char *const part[SNAS_G_TENSORS] = {"scale", "bias", "mean", "var"};
    for (int k = 0; k < SNAS_G_TENSORS; k++) {
        enum snas_status s = add_vector(b, -1, n.scope, part[k], shape.c, 0, &n.tensor[k]);
        if (s)
            return s;
    }
    for (int c = 0; c < shape.c; c++) {
        float var = (float)(info->sd[c] * info->sd[c]);
        b->g->tensors[n.tensor[0]].data[c] =
            (float)(sqrt((double)var + (double)n.epsilon) / info->sd[c]);
        b->g->tensors[n.tensor[2]].data[c] = (float)info->mean[c];
        b->g->tensors[n.tensor[3]].data[c] = var;
    }
    return emit_unary(b, &n, *value, shape, value);
}

static enum snas_status build_all(struct builder *b, const struct snas_build_options *options)
{
    const struct snas_network *net = b->net;
    int in;
    enum snas_status s = snas_graph_add_value(b->g, net->options.input, 0, &in, b->err);
    b->g->input = in;
    if (s == SNAS_OK && options->normalise)
        s = build_normalise(b, &in);
    b->value[net->input] = in;
    for (int i = 0; s == SNAS_OK && i < net->n_stems; i++)
        s = build_fixed(b, net->stem[i]);
    for (int i = 0; s == SNAS_OK && i < net->n_cells; i++)
        s = build_cell(b, &net->cells[i]);
    if (s == SNAS_OK)
        s = build_fixed(b, net->head);
    b->g->output = s == SNAS_OK ? b->value[net->logits] : -1;
    return s;
}

enum snas_status snas_graph_build(const struct snas_child *child,
                                  const struct snas_build_options *options, struct snas_graph *out,
                                  struct snas_err *err)
{
    memset(out, 0, sizeof *out);
    const struct snas_network *net = child->network;
    if (!net->genotype)
        return snas_fail(err, SNAS_E_UNSUPPORTED, "a supernet cannot be exported: derive a child");
    struct builder b = {.child = child, .net = net, .g = out, .err = err};
    b.value = snas_alloc((size_t)net->n_tensors, sizeof *b.value, err);
    if (!b.value)
        return SNAS_E_NOMEM;
    for (int i = 0; i < net->n_tensors; i++)
        b.value[i] = -1;
    enum snas_status s = build_all(&b, options);
    snas_free(b.value);
    snas_free(b.relu);
    if (s)
        snas_graph_clear(out);
    return s;
}

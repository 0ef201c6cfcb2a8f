/* The builder: one walk from the image to the logits. */
#include "space/network.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define SNAS_MAX_LAYERS 1000

struct builder {
    struct snas_network *net;
    int room_tensors, room_params, room_layers, room_blocks, room_nodes, room_edges;
    enum snas_status status; /* the first error; everything after it does nothing */
    struct snas_err *err;
};

/* What a block is made of. */
struct recipe {
    int op; /* index into the space's ops, or -1 */
    int n_steps;
    const struct snas_step *steps;
    int in;       /* tensor */
    int channels; /* of its output */
    int base;     /* C of steps that give their channels as a fraction */
    int affine;   /* of its batch norms */
};

static void give_up(struct builder *b, enum snas_status status)
{
    if (b->status == SNAS_OK)
        b->status = status;
}

static void __attribute__((format(printf, 3, 4)))
set_name(char *name, size_t size, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(name, size, fmt, args);
    va_end(args);
    if (n < 0 || (size_t)n >= size)
        SNAS_BUG("the name '%s...' does not fit", name);
}

/* Room for one more item behind n; the items stay where they are when there is none. */
static void *grow(struct builder *b, void *items, int *room, int n, size_t size)
{
    if (b->status != SNAS_OK || n < *room)
        return items;
    int more = *room ? 2 * *room : 32;
    void *grown = snas_realloc(items, (size_t)more, size, b->err);
    if (!grown) {
        give_up(b, SNAS_E_NOMEM);
        return items;
    }
    *room = more;
    return grown;
}

/* 0 when the shape is one that a tensor can have. */
static int check_values(struct builder *b, const char *name, int64_t count)
{
    if (count >= 1 && count <= INT_MAX)
        return 0;
    give_up(b, snas_fail(b->err, SNAS_E_ARG, "%s: %lld values in a tensor, 1..%d are possible",
                         name, (long long)count, INT_MAX));
    return -1;
}

/* a * b, or a number beyond INT_MAX when the product is; a, b >= 0. */
static int64_t product(int64_t a, int64_t b)
{
    if (a > INT_MAX || b > INT_MAX)
        return (int64_t)INT_MAX + 1;
    return a * b;
}

static int add_tensor(struct builder *b, struct snas_shape shape, const char *name)
{
    struct snas_network *net = b->net;
    net->tensors = grow(b, net->tensors, &b->room_tensors, net->n_tensors, sizeof net->tensors[0]);
    if (b->status != SNAS_OK ||
        check_values(b, name, product(product(shape.c, shape.h), shape.w)) != 0)
        return -1;
    struct snas_tensor *t = &net->tensors[net->n_tensors];
    memset(t, 0, sizeof *t);
    set_name(t->name, sizeof t->name, "%s", name);
    t->shape = shape;
    return net->n_tensors++;
}

/* A parameter of the newest layer of the newest block. */
static int add_param(struct builder *b, const char *suffix, enum snas_param_kind kind, int fan_in,
                     int ndim, const int *shape)
{
    struct snas_network *net = b->net;
    net->params = grow(b, net->params, &b->room_params, net->n_params, sizeof net->params[0]);
    if (b->status != SNAS_OK)
        return -1;
    struct snas_param *p = &net->params[net->n_params];
    memset(p, 0, sizeof *p);
    set_name(p->name, sizeof p->name, "%s.%s.%s", net->blocks[net->n_blocks - 1].name,
             net->layers[net->n_layers - 1].name, suffix);
    int64_t count = 1;
    for (int i = 0; i < ndim; i++) {
        p->shape[i] = shape[i];
        count = product(count, shape[i]);
    }
    if (check_values(b, p->name, count) != 0)
        return -1;
    p->kind = kind;
    p->ndim = ndim;
    p->count = (size_t)count;
    p->fan_in = fan_in;
    return net->n_params++;
}

static int add_bn_param(struct builder *b, const char *suffix, enum snas_param_kind kind, int c)
{
    return add_param(b, suffix, kind, 0, 1, &c);
}

/* The parameters of the newest layer, by its step and shapes. */
static void add_params(struct builder *b, struct snas_layer *layer)
{
    int cin = layer->in.c, cout = layer->out.c, kh = layer->step.kh, kw = layer->step.kw;
    switch (layer->step.kind) {
    case SNAS_STEP_DEPTHWISE:
        layer->weight = add_param(b, "weight", SNAS_PARAM_WEIGHT, kh * kw, 3, (int[]){kh, kw, cin});
        break;
    case SNAS_STEP_POINTWISE:
        layer->weight = add_param(b, "weight", SNAS_PARAM_WEIGHT, cin, 2, (int[]){cin, cout});
        break;
    case SNAS_STEP_CONV:
        layer->weight = add_param(b, "weight", SNAS_PARAM_WEIGHT, (int)product(cin, kh * kw), 4,
                                  (int[]){kh, kw, cin, cout});
        break;
    case SNAS_STEP_FACTORIZED_REDUCE:
        layer->weight = add_param(b, "weight1", SNAS_PARAM_WEIGHT, cin, 2, (int[]){cin, cout / 2});
        layer->bias =
            add_param(b, "weight2", SNAS_PARAM_WEIGHT, cin, 2, (int[]){cin, cout - cout / 2});
        break;
    case SNAS_STEP_LINEAR:
        layer->weight = add_param(b, "weight", SNAS_PARAM_WEIGHT, cin, 2, (int[]){cin, cout});
        layer->bias = add_param(b, "bias", SNAS_PARAM_BIAS, 0, 1, &cout);
        break;
    case SNAS_STEP_BN:
        if (layer->affine) {
            layer->weight = add_bn_param(b, "gamma", SNAS_PARAM_GAMMA, cin);
            layer->bias = add_bn_param(b, "beta", SNAS_PARAM_BETA, cin);
        }
        layer->mean = add_bn_param(b, "mean", SNAS_PARAM_MEAN, cin);
        layer->var = add_bn_param(b, "var", SNAS_PARAM_VAR, cin);
        break;
    case SNAS_STEP_RELU:
    case SNAS_STEP_MAX_POOL:
    case SNAS_STEP_AVG_POOL:
    case SNAS_STEP_GLOBAL_POOL:
        break;
    }
}

static const char *layer_word(enum snas_step_kind kind)
{
    static const char *const names[] = {
        [SNAS_STEP_RELU] = "relu",       [SNAS_STEP_DEPTHWISE] = "dw",
        [SNAS_STEP_POINTWISE] = "pw",    [SNAS_STEP_CONV] = "conv",
        [SNAS_STEP_BN] = "bn",           [SNAS_STEP_MAX_POOL] = "max",
        [SNAS_STEP_AVG_POOL] = "avg",    [SNAS_STEP_FACTORIZED_REDUCE] = "fr",
        [SNAS_STEP_GLOBAL_POOL] = "gap", [SNAS_STEP_LINEAR] = "linear",
    };
    return names[kind];
}

/* Shape behind a step, in 64 bits: a product that is too large is refused by the caller. */
static int step_shape(struct builder *b, const char *where, const struct recipe *r,
                      const struct snas_step *step, struct snas_shape in, struct snas_shape *out)
{
    *out = in;
    int64_t c = in.c;
    switch (step->kind) {
    case SNAS_STEP_POINTWISE:
    case SNAS_STEP_CONV:
    case SNAS_STEP_FACTORIZED_REDUCE:
        c = step->mul ? (int64_t)r->base * step->mul / step->div : r->channels;
        break;
    case SNAS_STEP_LINEAR:
        c = r->channels;
        break;
    case SNAS_STEP_GLOBAL_POOL:
        out->h = out->w = 1;
        break;
    case SNAS_STEP_RELU:
    case SNAS_STEP_DEPTHWISE:
    case SNAS_STEP_BN:
    case SNAS_STEP_MAX_POOL:
    case SNAS_STEP_AVG_POOL:
        break;
    }
    int least = step->kind == SNAS_STEP_FACTORIZED_REDUCE ? 2 : 1;
    if (c < least) {
        give_up(b, snas_fail(b->err, SNAS_E_ARG, "%s: %lld channels, at least %d are needed", where,
                             (long long)c, least));
        return -1;
    }
    if (check_values(b, where, c) != 0)
        return -1;
    out->c = (int)c;
    if (step->stride == 2 && (in.h < 2 || in.w < 2)) {
        give_up(b, snas_fail(b->err, SNAS_E_ARG,
                             "%s: the input is too small: %d x %d cannot be halved here", where,
                             in.h, in.w));
        return -1;
    }
    out->h = (out->h + step->stride - 1) / step->stride;
    out->w = (out->w + step->stride - 1) / step->stride;
    return 0;
}

static void add_layer(struct builder *b, const struct recipe *r, const struct snas_step *step)
{
    struct snas_network *net = b->net;
    net->layers = grow(b, net->layers, &b->room_layers, net->n_layers, sizeof net->layers[0]);
    if (b->status != SNAS_OK)
        return;
    struct snas_block *block = &net->blocks[net->n_blocks - 1];
    struct snas_layer *layer = &net->layers[net->n_layers];
    memset(layer, 0, sizeof *layer);
    layer->step = *step;
    layer->in = block->out_shape;
    layer->weight = layer->bias = layer->mean = layer->var = -1;
    layer->affine = step->kind == SNAS_STEP_BN && r->affine;
    int count = 1;
    for (int i = block->first_layer; i < net->n_layers; i++)
        count += net->layers[i].step.kind == step->kind;
    set_name(layer->name, sizeof layer->name, "%s%d", layer_word(step->kind), count);
    if (step_shape(b, block->name, r, step, layer->in, &layer->out) != 0 ||
        check_values(b, block->name, product(product(layer->out.c, layer->out.h), layer->out.w)) !=
            0)
        return;
    net->n_layers++;
    block->n_layers++;
    block->out_shape = layer->out;
    add_params(b, layer);
}

/* The block of a recipe, without a tensor for its output. */
static int add_block(struct builder *b, const char *name, const struct recipe *r)
{
    struct snas_network *net = b->net;
    net->blocks = grow(b, net->blocks, &b->room_blocks, net->n_blocks, sizeof net->blocks[0]);
    if (b->status != SNAS_OK)
        return -1;
    int index = net->n_blocks++;
    struct snas_block *block = &net->blocks[index];
    memset(block, 0, sizeof *block);
    set_name(block->name, sizeof block->name, "%s", name);
    block->op = r->op;
    block->zero = r->op >= 0 && net->space->ops[r->op].zero;
    block->in = r->in;
    block->out = -1;
    block->first_layer = net->n_layers;
    block->in_shape = block->out_shape = net->tensors[r->in].shape;
    for (int i = 0; i < r->n_steps && b->status == SNAS_OK; i++) {
        enum snas_step_kind before = i > 0 ? r->steps[i - 1].kind : SNAS_STEP_RELU;
        int after_pool = before == SNAS_STEP_MAX_POOL || before == SNAS_STEP_AVG_POOL;
        if (r->op >= 0 && r->steps[i].kind == SNAS_STEP_BN && after_pool && !net->options.pool_bn)
            continue;
        add_layer(b, r, &r->steps[i]);
    }
    if (b->status == SNAS_OK && block->out_shape.c != r->channels && !block->zero)
        give_up(b, snas_fail(b->err, SNAS_E_CONFIG,
                             "space '%s': %s gives %d channels where %d are needed",
                             net->space->name, name, block->out_shape.c, r->channels));
    return b->status == SNAS_OK ? index : -1;
}

/* A block whose output is a tensor of the same name (or another one). Returns the tensor. */
static int add_value(struct builder *b, const char *name, const char *tensor,
                     const struct recipe *r, int *block)
{
    *block = add_block(b, name, r);
    if (*block < 0)
        return -1;
    int out = add_tensor(b, b->net->blocks[*block].out_shape, tensor);
    b->net->blocks[*block].out = out;
    return out;
}

static struct recipe steps_recipe(const struct snas_steps *steps, int in, int64_t channels,
                                  int base, int affine)
{
    return (struct recipe){.op = -1,
                           .n_steps = steps->n,
                           .steps = steps->step,
                           .in = in,
                           .channels = channels > INT_MAX ? INT_MAX : (int)channels,
                           .base = base,
                           .affine = affine};
}

/* One block per candidate op of an edge from a slot, or the one block of a choice (op >= 0). */
static void add_edge(struct builder *b, const struct snas_cell *cell, int cell_index, int node,
                     int from, int op)
{
    struct snas_network *net = b->net;
    const struct snas_cell_kind *kind = &net->space->kinds[cell->kind];
    net->edges = grow(b, net->edges, &b->room_edges, net->n_edges, sizeof net->edges[0]);
    if (b->status != SNAS_OK)
        return;
    struct snas_edge *e = &net->edges[net->n_edges];
    struct snas_node *n = &net->nodes[cell->first_node + node];
    *e = (struct snas_edge){.from = from,
                            .to = node,
                            .stride = from < cell->inputs ? kind->stride : 1,
                            .kind_edge = snas_kind_edge(kind, from, node),
                            .first_block = net->n_blocks,
                            .n_ops = op >= 0 ? 1 : kind->n_ops,
                            .z = net->n_z};
    int position = n->n_edges++;
    net->n_edges++;
    net->n_z += e->n_ops;
    for (int k = 0; k < e->n_ops && b->status == SNAS_OK; k++) {
        int which = op >= 0 ? op : kind->op[k];
        const struct snas_op *o = &net->space->ops[which];
        struct recipe r = {.op = which,
                           .n_steps = o->n_steps[e->stride - 1],
                           .steps = o->steps[e->stride - 1],
                           .in = cell->slot[from],
                           .channels = cell->channels,
                           .base = cell->channels,
                           .affine = net->options.affine};
        char name[sizeof net->blocks[0].name];
        if (op >= 0)
            set_name(name, sizeof name, "cell%d.node%d.edge%d", cell_index, node, position);
        else
            set_name(name, sizeof name, "cell%d.node%d.edge%d.%s", cell_index, node, position,
                     o->name);
        int block = add_block(b, name, &r);
        if (block < 0)
            return;
        struct snas_shape *got = &net->blocks[block].out_shape;
        struct snas_shape want = net->tensors[n->tensor].shape;
        if (o->zero)
            *got = want;
        if (got->h != want.h || got->w != want.w)
            give_up(b, snas_fail(b->err, SNAS_E_CONFIG,
                                 "space '%s': %s gives %d x %d where %d x %d is needed",
                                 net->space->name, name, got->h, got->w, want.h, want.w));
    }
}

static void add_node(struct builder *b, struct snas_cell *cell, int cell_index, int node,
                     struct snas_shape shape)
{
    struct snas_network *net = b->net;
    net->nodes = grow(b, net->nodes, &b->room_nodes, net->n_nodes, sizeof net->nodes[0]);
    char name[sizeof net->tensors[0].name];
    set_name(name, sizeof name, "cell%d.node%d", cell_index, node);
    int tensor = add_tensor(b, shape, name);
    if (tensor < 0)
        return;
    net->nodes[net->n_nodes++] =
        (struct snas_node){.tensor = tensor, .first_edge = net->n_edges, .n_edges = 0};
    const struct snas_genotype *g = net->genotype;
    int slots = cell->inputs + node;
    if (g) {
        const struct snas_genotype_cell *gc = &g->cells[cell->kind];
        for (int i = 0; i < gc->n_choices[node]; i++)
            add_edge(b, cell, cell_index, node, gc->choices[node][i].from, gc->choices[node][i].op);
    } else {
        for (int slot = 0; slot < slots; slot++)
            add_edge(b, cell, cell_index, node, slot, -1);
    }
    cell->slot[slots] = tensor;
}

/* The nodes that a cell's output is made of: list[] of node indexes. */
static int output_nodes(const struct snas_network *net, const struct snas_cell *cell, int *list)
{
    if (net->genotype) {
        const struct snas_genotype_cell *gc = &net->genotype->cells[cell->kind];
        memcpy(list, gc->concat, sizeof(int) * (size_t)gc->n_concat);
        return gc->n_concat;
    }
    if (net->space->kinds[cell->kind].output == SNAS_OUTPUT_LAST) {
        list[0] = cell->n_nodes - 1;
        return 1;
    }
    for (int i = 0; i < cell->n_nodes; i++)
        list[i] = i;
    return cell->n_nodes;
}

static void add_cell_output(struct builder *b, struct snas_cell *cell, int cell_index)
{
    struct snas_network *net = b->net;
    int list[SNAS_MAX_NODES];
    int n = output_nodes(net, cell, list);
    if (n == 1) { /* the node itself */
        cell->out = net->nodes[cell->first_node + list[0]].tensor;
        return;
    }
    int sum = net->space->kinds[cell->kind].output == SNAS_OUTPUT_SUM;
    struct snas_shape shape = net->tensors[net->nodes[cell->first_node].tensor].shape;
    int64_t channels = sum ? shape.c : product(shape.c, n);
    shape.c = channels > INT_MAX ? INT_MAX : (int)channels;
    char name[sizeof net->tensors[0].name];
    set_name(name, sizeof name, "cell%d", cell_index);
    cell->out = add_tensor(b, shape, name);
    if (cell->out < 0)
        return;
    struct snas_tensor *t = &net->tensors[cell->out];
    t->n_parts = n;
    t->sum = sum;
    for (int i = 0; i < n; i++)
        t->parts[i] = net->nodes[cell->first_node + list[i]].tensor;
}

/* The blocks that bring an input to its slot: one for preprocessing, or a path each. */
static void add_input(struct builder *b, struct snas_cell *cell, int cell_index, int i,
                      const struct snas_steps *paths, int n_paths, int affine)
{
    struct snas_network *net = b->net;
    char tensor[sizeof net->tensors[0].name], name[sizeof net->blocks[0].name];
    set_name(tensor, sizeof tensor, "cell%d.pre%d", cell_index, i);
    cell->pre[i] = net->n_blocks;
    cell->n_pre[i] = n_paths;
    for (int p = 0; p < n_paths; p++) {
        struct recipe r =
            steps_recipe(&paths[p], cell->input[i], cell->channels, cell->channels, affine);
        int block;
        if (n_paths == 1)
            set_name(name, sizeof name, "%s", tensor);
        else
            set_name(name, sizeof name, "%s.path%d", tensor, p);
        if (p == 0)
            cell->slot[i] = add_value(b, name, tensor, &r, &block);
        else if ((block = add_block(b, name, &r)) >= 0)
            net->blocks[block].out = cell->slot[i];
        if (b->status != SNAS_OK)
            return;
        struct snas_shape got = net->blocks[block].out_shape;
        struct snas_shape want = net->tensors[cell->slot[i]].shape;
        if (got.h != want.h || got.w != want.w)
            give_up(b, snas_fail(b->err, SNAS_E_CONFIG,
                                 "space '%s': %s gives %d x %d where %d x %d is needed",
                                 net->space->name, name, got.h, got.w, want.h, want.w));
    }
}

/* The inputs brought to the cell's channels and to the newer input's side. */
static void add_inputs(struct builder *b, struct snas_cell *cell, int cell_index)
{
    struct snas_network *net = b->net;
    const struct snas_space *space = net->space;
    struct snas_shape last = net->tensors[cell->input[cell->inputs - 1]].shape;
    if (space->n_between > 0 && cell_index > 0 &&
        cell_index % (net->options.layers / space->n_stages) == 0) {
        for (int i = 0; i < cell->inputs && b->status == SNAS_OK; i++)
            add_input(b, cell, cell_index, i, space->between, space->n_between, 1);
        return;
    }
    for (int i = 0; i < cell->inputs; i++) {
        struct snas_shape from = net->tensors[cell->input[i]].shape;
        int same = from.h == last.h && from.w == last.w;
        const struct snas_steps *steps = same ? &space->preprocess_same : &space->preprocess_reduce;
        cell->slot[i] = cell->input[i];
        if (steps->n > 0)
            add_input(b, cell, cell_index, i, steps, 1, net->options.affine);
        if (b->status != SNAS_OK)
            return;
        struct snas_shape got = net->tensors[cell->slot[i]].shape;
        if (got.h != last.h || got.w != last.w || got.c != cell->channels) {
            give_up(b,
                    snas_fail(b->err, SNAS_E_CONFIG,
                              "space '%s': input %d of cell %d has %d x %d and %d channels where "
                              "%d x %d and %d channels are needed",
                              space->name, i, cell_index, got.h, got.w, got.c, last.h, last.w,
                              cell->channels));
            return;
        }
    }
}

/* A cell behind the tensors before[0] (the older) and before[1]. */
static void add_cell(struct builder *b, int index, const int *before, int channels)
{
    struct snas_network *net = b->net;
    struct snas_cell *cell = &net->cells[index];
    cell->kind = snas_space_cell_kind(net->space, net->options.layers, index);
    const struct snas_cell_kind *kind = &net->space->kinds[cell->kind];
    cell->reduction = kind->stride == 2;
    cell->channels = channels;
    cell->inputs = kind->inputs;
    for (int i = 0; i < kind->inputs; i++)
        cell->input[i] = before[SNAS_MAX_INPUTS - kind->inputs + i];
    cell->n_nodes = net->genotype ? net->genotype->cells[cell->kind].n_nodes : kind->nodes;
    cell->first_node = net->n_nodes;
    cell->first_edge = net->n_edges;
    add_inputs(b, cell, index);
    if (b->status != SNAS_OK)
        return;
    struct snas_shape shape = net->tensors[cell->slot[0]].shape;
    shape.h = (shape.h + kind->stride - 1) / kind->stride;
    shape.w = (shape.w + kind->stride - 1) / kind->stride;
    for (int node = 0; node < cell->n_nodes && b->status == SNAS_OK; node++)
        add_node(b, cell, index, node, shape);
    cell->n_edges = net->n_edges - cell->first_edge;
    if (b->status == SNAS_OK)
        add_cell_output(b, cell, index);
}

static void add_stems(struct builder *b, int *before)
{
    struct snas_network *net = b->net;
    int in = net->input, c = net->options.channels;
    for (int i = 0; i < net->space->n_stems; i++) {
        const struct snas_steps *stem = &net->space->stems[i];
        struct recipe r = steps_recipe(stem, in, product(stem->channels, c), c, 1);
        char name[sizeof net->tensors[0].name];
        set_name(name, sizeof name, "stem%d", i);
        in = add_value(b, name, name, &r, &net->stem[i]);
        if (in < 0)
            return;
        net->n_stems++;
        before[0] = i == 0 ? in : before[1];
        before[1] = in;
    }
}

/* Of a cell, in multiples of C. */
static int stage_channels(const struct snas_space *space, int layers, int cell)
{
    return space->stage_channels[cell / (layers / space->n_stages)];
}

static void build(struct builder *b)
{
    struct snas_network *net = b->net;
    const struct snas_network_options *o = &net->options;
    if (net->space->n_stages && o->layers % net->space->n_stages != 0) {
        give_up(b,
                snas_fail(b->err, SNAS_E_ARG,
                          "layers: %d, but space '%s' has %d stages of equally many cells: a "
                          "multiple of %d is needed",
                          o->layers, net->space->name, net->space->n_stages, net->space->n_stages));
        return;
    }
    net->input = add_tensor(b, o->input, "input");
    if (net->input < 0)
        return;
    int before[SNAS_MAX_INPUTS] = {net->input, net->input};
    add_stems(b, before);
    int64_t channels = o->channels;
    for (int i = 0; i < o->layers && b->status == SNAS_OK; i++) {
        if (net->space->kinds[snas_space_cell_kind(net->space, o->layers, i)].stride == 2)
            channels *= 2;
        if (net->space->n_stages)
            channels = product(o->channels, stage_channels(net->space, o->layers, i));
        if (check_values(b, "cell channels", channels) != 0)
            return;
        add_cell(b, i, before, (int)channels);
        net->n_cells++;
        before[0] = before[1];
        before[1] = net->cells[i].out;
    }
    if (b->status != SNAS_OK)
        return;
    struct recipe r = steps_recipe(&net->space->head, before[1], o->classes, o->channels, 1);
    net->logits = add_value(b, "head", "logits", &r, &net->head);
}

static enum snas_status check_options(const struct snas_network_options *o, struct snas_err *err)
{
    if (o->channels < 1)
        return snas_fail(err, SNAS_E_ARG, "channels: %d, at least 1 is needed", o->channels);
    if (o->layers < 1 || o->layers > SNAS_MAX_LAYERS)
        return snas_fail(err, SNAS_E_ARG, "layers: %d, 1..%d are possible", o->layers,
                         SNAS_MAX_LAYERS);
    if (o->classes < 1)
        return snas_fail(err, SNAS_E_ARG, "classes: %d, at least 1 is needed", o->classes);
    if (o->input.c < 1 || o->input.h < 1 || o->input.w < 1)
        return snas_fail(err, SNAS_E_ARG, "input: %dx%dx%d, every number must be at least 1",
                         o->input.c, o->input.h, o->input.w);
    return SNAS_OK;
}

/* A copy of something, owned by the network. */
static void *duplicate(struct builder *b, const void *what, size_t size)
{
    void *copy = b->status == SNAS_OK ? snas_alloc(1, size, b->err) : NULL;
    if (copy)
        memcpy(copy, what, size);
    else
        give_up(b, SNAS_E_NOMEM);
    return copy;
}

enum snas_status snas_network_create(const struct snas_space *space,
                                     const struct snas_network_options *options,
                                     const struct snas_genotype *genotype,
                                     struct snas_network **out, struct snas_err *err)
{
    *out = NULL;
    enum snas_status status = check_options(options, err);
    if (status != SNAS_OK)
        return status;
    struct snas_network *net = snas_alloc(1, sizeof *net, err);
    if (!net)
        return SNAS_E_NOMEM;
    struct builder b = {.net = net, .status = SNAS_OK, .err = err};
    net->options = *options;
    net->space = duplicate(&b, space, sizeof *space);
    if (genotype)
        net->genotype = duplicate(&b, genotype, sizeof *genotype);
    if (b.status == SNAS_OK) {
        net->cells = snas_alloc((size_t)options->layers, sizeof net->cells[0], err);
        if (!net->cells)
            give_up(&b, SNAS_E_NOMEM);
    }
    if (b.status == SNAS_OK)
        build(&b);
    if (b.status != SNAS_OK) {
        snas_network_destroy(net);
        return b.status;
    }
    *out = net;
    return SNAS_OK;
}

void snas_network_destroy(struct snas_network *net)
{
    if (!net)
        return;
    snas_free(net->tensors);
    snas_free(net->params);
    snas_free(net->layers);
    snas_free(net->blocks);
    snas_free(net->cells);
    snas_free(net->nodes);
    snas_free(net->edges);
    snas_free((void *)net->space);
    snas_free((void *)net->genotype);
    snas_free(net);
}

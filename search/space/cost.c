#include "space/cost.h"

#include <string.h>

#include "base/mem.h"

const char *const snas_cost_column_names[SNAS_COST_COLUMNS] = {"params", "madds", "mac"};

/* Weights of a convolution or linear layer that reads `cin` channels; 0 for the other layers. */
static int64_t layer_weights(const struct snas_layer *l, int64_t cin)
{
    int64_t cout = l->out.c, taps = (int64_t)l->step.kh * l->step.kw;
    switch (l->step.kind) {
    case SNAS_STEP_DEPTHWISE:
        return taps * cin;
    case SNAS_STEP_POINTWISE:
    case SNAS_STEP_FACTORIZED_REDUCE:
    case SNAS_STEP_LINEAR:
        return cin * cout;
    case SNAS_STEP_CONV:
        return taps * cin * cout;
    case SNAS_STEP_RELU:
    case SNAS_STEP_BN:
    case SNAS_STEP_MAX_POOL:
    case SNAS_STEP_AVG_POOL:
    case SNAS_STEP_GLOBAL_POOL:
        break;
    }
    return 0;
}

static int is_pool(const struct snas_layer *l)
{
    return l->step.kind == SNAS_STEP_MAX_POOL || l->step.kind == SNAS_STEP_AVG_POOL;
}

static int64_t area(struct snas_shape s)
{
    return (int64_t)s.h * s.w;
}

/* Values that a layer of the authors' count reads and writes. At stride 2 they read 4 y^2 values
 * per channel, whether the input's side is odd or even. */
static double layer_access(const struct snas_layer *l)
{
    double y2 = (double)area(l->out), stride2 = (double)l->step.stride * l->step.stride;
    double in = stride2 * y2 * l->in.c, out = y2 * l->out.c;
    if (l->step.kind == SNAS_STEP_FACTORIZED_REDUCE) /* two convolutions, each reads all of it */
        in *= 2;
    return in + out;
}

void snas_cost_block(const struct snas_network *net, int block, double *cost)
{
    const struct snas_block *b = &net->blocks[block];
    for (int i = 0; i < SNAS_COST_COLUMNS; i++)
        cost[i] = 0;
    if (b->zero)
        return;
    if (b->n_layers == 0) /* an identity is a copy: every value read and written */
        cost[SNAS_COST_MAC] = 2.0 * (double)area(b->out_shape) * b->out_shape.c;
    for (int i = b->first_layer; i < b->first_layer + b->n_layers; i++) {
        const struct snas_layer *l = &net->layers[i];
        double weights = (double)layer_weights(l, l->in.c), y2 = (double)area(l->out);
        if (is_pool(l)) {
            cost[SNAS_COST_MADDS] += (double)l->step.kh * l->step.kw * y2 * l->out.c;
        } else if (weights > 0) {
            cost[SNAS_COST_PARAMS] += weights;
            cost[SNAS_COST_MADDS] += weights * y2;
            cost[SNAS_COST_MAC] += weights;
        } else {
            continue;
        }
        cost[SNAS_COST_MAC] += layer_access(l);
    }
}

enum snas_status snas_cost_table_create(const struct snas_network *net, struct snas_cost_table *out,
                                        struct snas_err *err)
{
    memset(out, 0, sizeof *out);
    out->n_z = net->n_z;
    for (int c = 0; c < SNAS_COST_COLUMNS; c++) {
        out->column[c] = snas_alloc((size_t)net->n_z, sizeof(double), err);
        if (!out->column[c]) {
            snas_cost_table_clear(out);
            return SNAS_E_NOMEM;
        }
    }
    for (int e = 0; e < net->n_edges; e++)
        for (int k = 0; k < net->edges[e].n_ops; k++) {
            double cost[SNAS_COST_COLUMNS];
            snas_cost_block(net, net->edges[e].first_block + k, cost);
            for (int c = 0; c < SNAS_COST_COLUMNS; c++)
                out->column[c][net->edges[e].z + k] = cost[c];
        }
    return SNAS_OK;
}

void snas_cost_table_clear(struct snas_cost_table *table)
{
    for (int c = 0; c < SNAS_COST_COLUMNS; c++)
        snas_free(table->column[c]);
    memset(table, 0, sizeof *table);
}

static int block_alive(const struct snas_alive *alive, int block)
{
    return !alive || alive->block[block];
}

/* Channels of a tensor that are left: those of a concatenation's living parts. */
static int64_t channels_left(const struct snas_network *net, const struct snas_alive *alive,
                             int tensor)
{
    const struct snas_tensor *t = &net->tensors[tensor];
    if (!alive || t->n_parts == 0 || t->sum)
        return t->shape.c;
    int64_t c = 0;
    for (int p = 0; p < t->n_parts; p++)
        if (alive->tensor[t->parts[p]])
            c += net->tensors[t->parts[p]].shape.c;
    return c;
}

static void add_layer(const struct snas_layer *l, int64_t cin, int64_t cout,
                      struct snas_totals *out)
{
    int64_t weights = layer_weights(l, cin), y2 = area(l->out), values = cout * y2;
    out->conv_params += weights;
    out->params += weights;
    out->madds += weights * y2;
    out->madds_all += weights * y2;
    out->activation_bytes += 4 * values;
    switch (l->step.kind) {
    case SNAS_STEP_LINEAR:
        out->params += cout;
        out->conv_params += cout;
        break;
    case SNAS_STEP_BN:
        out->params += l->affine ? 2 * cout : 0;
        out->madds_all += 2 * values;
        break;
    case SNAS_STEP_RELU:
        out->madds_all += values;
        break;
    case SNAS_STEP_MAX_POOL:
    case SNAS_STEP_AVG_POOL:
        out->madds_all += (int64_t)l->step.kh * l->step.kw * values;
        break;
    case SNAS_STEP_GLOBAL_POOL:
        out->madds_all += cin * area(l->in);
        break;
    case SNAS_STEP_DEPTHWISE:
    case SNAS_STEP_POINTWISE:
    case SNAS_STEP_CONV:
    case SNAS_STEP_FACTORIZED_REDUCE:
        break;
    }
}

static int mixes_channels(enum snas_step_kind kind)
{
    return kind == SNAS_STEP_POINTWISE || kind == SNAS_STEP_CONV ||
           kind == SNAS_STEP_FACTORIZED_REDUCE || kind == SNAS_STEP_LINEAR;
}

/* Sums of a node's edges and of a cell whose output is a sum: n values take n - 1 additions. */
static int64_t additions(const struct snas_tensor *t, int n)
{
    return n > 1 ? (n - 1) * t->shape.c * area(t->shape) : 0;
}

static void add_block(const struct snas_network *net, const struct snas_alive *alive, int b,
                      struct snas_totals *out)
{
    const struct snas_block *block = &net->blocks[b];
    if (!block_alive(alive, b))
        return;
    int64_t c = channels_left(net, alive, block->in);
    for (int i = block->first_layer; i < block->first_layer + block->n_layers; i++) {
        const struct snas_layer *l = &net->layers[i];
        int64_t cin = c;
        if (mixes_channels(l->step.kind))
            c = l->out.c;
        add_layer(l, cin, c, out);
    }
}

static void add_node_sum(const struct snas_network *net, const struct snas_alive *alive, int n,
                         struct snas_totals *out)
{
    const struct snas_node *node = &net->nodes[n];
    int terms = 0;
    for (int e = node->first_edge; e < node->first_edge + node->n_edges; e++)
        for (int k = 0; k < net->edges[e].n_ops; k++) {
            int b = net->edges[e].first_block + k;
            terms += !net->blocks[b].zero && block_alive(alive, b);
        }
    out->madds_all += additions(&net->tensors[node->tensor], terms);
}

static void add_tensor_sum(const struct snas_network *net, const struct snas_alive *alive, int t,
                           struct snas_totals *out)
{
    const struct snas_tensor *tensor = &net->tensors[t];
    int terms = 0;
    for (int p = 0; tensor->sum && p < tensor->n_parts; p++)
        terms += !alive || (alive->tensor[t] && alive->tensor[tensor->parts[p]]);
    out->madds_all += additions(tensor, terms);
}

void snas_network_totals(const struct snas_network *net, const struct snas_alive *alive,
                         struct snas_totals *out)
{
    memset(out, 0, sizeof *out);
    for (int b = 0; b < net->n_blocks; b++)
        add_block(net, alive, b, out);
    for (int n = 0; n < net->n_nodes; n++)
        add_node_sum(net, alive, n, out);
    for (int i = 0; i < net->n_tensors; i++)
        add_tensor_sum(net, alive, i, out);
}

void snas_block_totals(const struct snas_network *net, const struct snas_alive *alive, int block,
                       struct snas_totals *out)
{
    memset(out, 0, sizeof *out);
    add_block(net, alive, block, out);
}

void snas_cell_totals(const struct snas_network *net, const struct snas_alive *alive, int cell,
                      struct snas_totals *out)
{
    const struct snas_cell *c = &net->cells[cell];
    memset(out, 0, sizeof *out);
    for (int i = 0; i < c->inputs; i++)
        add_block(net, alive, c->pre[i], out);
    for (int e = c->first_edge; e < c->first_edge + c->n_edges; e++)
        for (int k = 0; k < net->edges[e].n_ops; k++)
            add_block(net, alive, net->edges[e].first_block + k, out);
    for (int n = c->first_node; n < c->first_node + c->n_nodes; n++)
        add_node_sum(net, alive, n, out);
    add_tensor_sum(net, alive, c->out, out);
}

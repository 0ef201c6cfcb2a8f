#include "space/cost.h"

#include <math.h>
#include <string.h>

const struct snas_cost_column_info snas_cost_columns[SNAS_COST_COLUMNS] = {
    [SNAS_COST_PARAMS] = {"params", "parameters", 0, 1},
    [SNAS_COST_MADDS] = {"madds", "multiply-adds", 0, 1},
    [SNAS_COST_MAC] = {"mac", "memory access", 0, 1},
    [SNAS_COST_MADDS_CONV] = {"madds_conv", "madds of conv+linear", 0, 1},
    [SNAS_COST_MADDS_ALL] = {"madds_all", "madds with BN, ReLU", 0, 1},
    [SNAS_COST_PEAK_BYTES] = {"peak_bytes", "peak bytes", 0, 0},
    [SNAS_COST_LATENCY] = {"latency_ms", "latency ms", 1, 1},
    [SNAS_COST_LATENCY_MIN] = {"latency_min_ms", "min ms", 1, 1},
    [SNAS_COST_LATENCY_P90] = {"latency_p90_ms", "p90 ms", 1, 1},
    [SNAS_COST_RUNS] = {"runs", "runs", 1, 0},
};

int snas_cost_column_find(const char *name)
{
    for (int c = 0; c < SNAS_COST_COLUMNS; c++)
        if (strcmp(snas_cost_columns[c].name, name) == 0)
            return c;
    return -1;
}

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

static int64_t values(struct snas_shape s)
{
    return s.c * area(s);
}

/* Multiply-adds of a layer that writes `cout` channels beyond those of its weights: BN 2 a value,
 * ReLU 1, pools k*k, the global pool 1 a value read. */
static int64_t other_madds(const struct snas_layer *l, int64_t cin, int64_t cout)
{
    int64_t written = cout * area(l->out);
    switch (l->step.kind) {
    case SNAS_STEP_BN:
        return 2 * written;
    case SNAS_STEP_RELU:
        return written;
    case SNAS_STEP_MAX_POOL:
    case SNAS_STEP_AVG_POOL:
        return (int64_t)l->step.kh * l->step.kw * written;
    case SNAS_STEP_GLOBAL_POOL:
        return cin * area(l->in);
    case SNAS_STEP_LINEAR:
    case SNAS_STEP_DEPTHWISE:
    case SNAS_STEP_POINTWISE:
    case SNAS_STEP_CONV:
    case SNAS_STEP_FACTORIZED_REDUCE:
        break;
    }
    return 0;
}

static void add_cost(const struct snas_layer *l, double *cost)
{
    double weights = (double)layer_weights(l, l->in.c), y2 = (double)area(l->out);
    double bytes = 4.0 * (double)(values(l->in) + values(l->out));
    if (is_pool(l))
        cost[SNAS_COST_MADDS] += (double)other_madds(l, l->in.c, l->out.c);
    cost[SNAS_COST_PARAMS] += weights;
    cost[SNAS_COST_MADDS] += weights * y2;
    cost[SNAS_COST_MADDS_CONV] += weights * y2;
    cost[SNAS_COST_MADDS_ALL] += weights * y2 + (double)other_madds(l, l->in.c, l->out.c);
    if (is_pool(l) || weights > 0)
        cost[SNAS_COST_MAC] += weights + layer_access(l);
    if (bytes > cost[SNAS_COST_PEAK_BYTES])
        cost[SNAS_COST_PEAK_BYTES] = bytes;
}

void snas_cost_block(const struct snas_network *net, int block, double *cost)
{
    const struct snas_block *b = &net->blocks[block];
    for (int i = 0; i < SNAS_COST_COLUMNS; i++)
        cost[i] = 0;
    if (b->zero)
        return;
    if (b->n_layers == 0) { /* the authors count a copy: every value read and written */
        cost[SNAS_COST_MAC] = 2.0 * (double)values(b->out_shape);
        cost[SNAS_COST_PEAK_BYTES] = 4.0 * (double)values(b->out_shape); /* there is one */
    }
    for (int i = b->first_layer; i < b->first_layer + b->n_layers; i++)
        add_cost(&net->layers[i], cost);
}

double snas_cost_linear_form(const double *cost)
{
    return 0.43 *
           (2 * cost[SNAS_COST_PARAMS] + cost[SNAS_COST_MADDS] / 4000 + cost[SNAS_COST_MAC] / 100);
}

double snas_cost_log_form(const double *cost)
{
    double sum = 0;
    for (int c = SNAS_COST_PARAMS; c <= SNAS_COST_MAC; c++)
        sum += cost[c] > 1 ? log(cost[c]) : 0;
    return sum / 3;
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
    int64_t weights = layer_weights(l, cin), y2 = area(l->out);
    int64_t bias = l->step.kind == SNAS_STEP_LINEAR ? cout : 0;
    out->conv_params += weights + bias;
    out->params += weights + bias;
    if (l->step.kind == SNAS_STEP_BN && l->affine)
        out->params += 2 * cout;
    out->madds += weights * y2;
    out->madds_all += weights * y2 + other_madds(l, cin, cout);
    out->activation_bytes += 4 * cout * y2;
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

/* The paths of the fixed block that leads to a cell's input. */
static void add_path_sum(const struct snas_network *net, const struct snas_alive *alive,
                         const struct snas_cell *c, int input, struct snas_totals *out)
{
    int terms = 0;
    for (int p = 0; p < c->n_pre[input]; p++)
        terms += block_alive(alive, c->pre[input] + p);
    out->madds_all += additions(&net->tensors[c->slot[input]], terms);
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
    for (int i = 0; i < net->n_cells; i++)
        for (int k = 0; k < net->cells[i].inputs; k++)
            add_path_sum(net, alive, &net->cells[i], k, out);
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
    for (int i = 0; i < c->inputs; i++) {
        for (int p = 0; p < c->n_pre[i]; p++)
            add_block(net, alive, c->pre[i] + p, out);
        add_path_sum(net, alive, c, i, out);
    }
    for (int e = c->first_edge; e < c->first_edge + c->n_edges; e++)
        for (int k = 0; k < net->edges[e].n_ops; k++)
            add_block(net, alive, net->edges[e].first_block + k, out);
    for (int n = c->first_node; n < c->first_node + c->n_nodes; n++)
        add_node_sum(net, alive, n, out);
    add_tensor_sum(net, alive, c->out, out);
}

#include "net/segments.h"

static size_t shape_values(struct snas_shape s)
{
    return (size_t)s.c * (size_t)s.h * (size_t)s.w;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static void cut(const struct snas_network *network, struct snas_entry *e, int block, int target,
                int z)
{
    const struct snas_block *b = &network->blocks[block];
    *e = (struct snas_entry){.block = block, .target = target, .z = z};
    e->first[0] = b->first_layer;
    int end = b->first_layer + b->n_layers;
    for (int l = b->first_layer; l < end; l++) {
        if (network->layers[l].step.kind != SNAS_STEP_BN)
            continue;
        e->last[e->n_bn] = e->bn[e->n_bn] = l;
        e->first[++e->n_bn] = l + 1;
    }
    e->last[e->n_bn] = end;
    e->tail = e->first[e->n_bn] < end;
}

struct snas_shape snas_segment_in(const struct snas_net *net, const struct snas_entry *e, int s)
{
    const struct snas_network *network = net->network;
    return s == 0 ? network->blocks[e->block].in_shape : network->layers[e->bn[s - 1]].out;
}

/* Worker scratch that the entry's segments need at most. */
static void measure(const struct snas_net *net, struct snas_segments *seg,
                    const struct snas_entry *e)
{
    for (int s = 0; s <= e->n_bn; s++) {
        size_t in = shape_values(snas_segment_in(net, e, s)), sum = in, most = in;
        for (int l = e->first[s]; l < e->last[s]; l++) {
            size_t out = shape_values(net->network->layers[l].out);
            sum += out;
            most = larger(most, out);
        }
        seg->values = larger(seg->values, sum);
        seg->gradient = larger(seg->gradient, most);
        if (s < e->n_bn && net->network->layers[e->bn[s]].in.c > seg->channels)
            seg->channels = net->network->layers[e->bn[s]].in.c;
    }
}

static void add_stage(struct snas_segments *seg, int first)
{
    struct snas_stage *stage = &seg->stages[seg->n_stages];
    *stage = (struct snas_stage){.first = first, .n = seg->n_entries - first};
    for (int i = first; i < seg->n_entries; i++)
        if (seg->entries[i].n_bn > stage->depth)
            stage->depth = seg->entries[i].n_bn;
    if (stage->n > 0)
        seg->n_stages++;
}

static void add_entry(const struct snas_net *net, struct snas_segments *seg, int block, int target,
                      int z)
{
    struct snas_entry *e = &seg->entries[seg->n_entries++];
    cut(net->network, e, block, target, z);
    measure(net, seg, e);
}

static void add_cell(const struct snas_net *net, struct snas_segments *seg,
                     const struct snas_cell *cell)
{
    const struct snas_network *network = net->network;
    for (int i = 0; i < cell->inputs; i++)
        for (int p = 0; p < cell->n_pre[i]; p++)
            add_entry(net, seg, cell->pre[i] + p, cell->slot[i], -1);
    add_stage(seg, 0);
    for (int n = 0; n < cell->n_nodes; n++) {
        const struct snas_node *node = &network->nodes[cell->first_node + n];
        int first = seg->n_entries;
        for (int i = node->first_edge; i < node->first_edge + node->n_edges; i++) {
            const struct snas_edge *edge = &network->edges[i];
            for (int k = 0; k < edge->n_ops; k++)
                if (!network->blocks[edge->first_block + k].zero)
                    add_entry(net, seg, edge->first_block + k, node->tensor, edge->z + k);
        }
        add_stage(seg, first);
    }
}

/* The y of one entry: kept for the backward, or two in turn that the next stage may overwrite. */
static void place_y(struct snas_net *net, struct snas_unit *unit, struct snas_entry *e,
                    size_t *temp)
{
    size_t batch = (size_t)net->options.batch * net->real, most = 0;
    for (int s = 0; s < e->n_bn; s++) {
        size_t bytes = batch * shape_values(net->network->layers[e->bn[s]].in);
        most = larger(most, (bytes + 63) / 64 * 64);
        if (net->options.training)
            e->y_at[s] = snas_net_reserve_saved(net, unit, bytes);
    }
    int stored_g = e->n_bn > 1 || (e->n_bn == 1 && e->tail);
    if (net->options.training && stored_g) {
        e->g_at = *temp;
        *temp += most;
    }
    if (net->options.training)
        return;
    for (int s = 0; s < e->n_bn; s++)
        e->y_at[s] = *temp + (size_t)(s % 2) * most;
    *temp += most * (size_t)(e->n_bn < 2 ? e->n_bn : 2);
}

static void place(struct snas_net *net, struct snas_unit *unit, struct snas_segments *seg)
{
    for (int i = 0; i < seg->n_stages; i++) {
        size_t row = 0;
        for (int k = 0; k < seg->stages[i].n; k++) {
            struct snas_entry *e = &seg->entries[seg->stages[i].first + k];
            int most = 0;
            for (int s = 0; s < e->n_bn; s++)
                if (net->network->layers[e->bn[s]].in.c > most)
                    most = net->network->layers[e->bn[s]].in.c;
            e->sum_at = row;
            row += 2 * (size_t)most;
        }
        seg->sum_row = larger(seg->sum_row, row);
    }
    seg->sum_row = (seg->sum_row + 7) / 8 * 8; /* groups on cache lines of their own */
    size_t sums = (SNAS_GROUPS + 1) * seg->sum_row * sizeof(double);
    for (int i = 0; i < seg->n_stages; i++) {
        size_t temp = sums;
        for (int k = 0; k < seg->stages[i].n; k++)
            place_y(net, unit, &seg->entries[seg->stages[i].first + k], &temp);
        snas_net_want_temp(net, temp);
    }
    seg->values = (seg->values + 15) / 16 * 16;
    seg->gradient = (seg->gradient + 15) / 16 * 16;
    snas_net_want_scratch(net, (seg->values + 2 * seg->gradient) * net->real +
                                   2 * (size_t)seg->channels * sizeof(double));
}

static int count_blocks(const struct snas_net *net, const struct snas_unit *unit)
{
    if (unit->kind != SNAS_UNIT_CELL)
        return 1;
    const struct snas_cell *cell = &net->network->cells[unit->index];
    int n = 1; /* a cell without blocks is possible */
    for (int i = 0; i < cell->inputs; i++)
        n += cell->n_pre[i];
    for (int i = cell->first_edge; i < cell->first_edge + cell->n_edges; i++)
        n += net->network->edges[i].n_ops;
    return n;
}

enum snas_status snas_segments_create(struct snas_net *net, struct snas_unit *unit,
                                      struct snas_segments **out, struct snas_err *err)
{
    struct snas_segments *seg = *out = snas_alloc(1, sizeof *seg, err);
    if (!seg)
        return SNAS_E_NOMEM;
    seg->entries = snas_alloc((size_t)count_blocks(net, unit), sizeof *seg->entries, err);
    if (!seg->entries)
        return SNAS_E_NOMEM;
    seg->stages = snas_alloc(1 + SNAS_MAX_NODES, sizeof *seg->stages, err);
    if (!seg->stages)
        return SNAS_E_NOMEM;
    if (unit->kind == SNAS_UNIT_CELL) {
        add_cell(net, seg, &net->network->cells[unit->index]);
    } else {
        add_entry(net, seg, unit->index, net->network->blocks[unit->index].out, -1);
        add_stage(seg, 0);
    }
    place(net, unit, seg);
    return SNAS_OK;
}

void snas_segments_destroy(struct snas_segments *seg)
{
    if (!seg)
        return;
    snas_free(seg->stages);
    snas_free(seg->entries);
    snas_free(seg);
}

/* What of a network can reach the logits, and which child parameter is which of the supernet's. */
#include <string.h>

#include "base/mem.h"
#include "space/network.h"

/* Forward: `value` becomes 1 for tensors that are not constant zero. A block answers zero with
 * zero (the header says when that is exact), a sum or concatenation is zero when all of it is. */
static void mark_values(const struct snas_network *net, unsigned char *value)
{
    value[net->input] = 1;
    for (int i = 0; i < net->n_stems; i++) {
        const struct snas_block *b = &net->blocks[net->stem[i]];
        value[b->out] = value[b->in];
    }
    for (int c = 0; c < net->n_cells; c++) {
        const struct snas_cell *cell = &net->cells[c];
        for (int i = 0; i < cell->inputs; i++)
            value[cell->slot[i]] = value[cell->input[i]];
        for (int n = 0; n < cell->n_nodes; n++) {
            const struct snas_node *node = &net->nodes[cell->first_node + n];
            for (int e = node->first_edge; e < node->first_edge + node->n_edges; e++)
                for (int k = 0; k < net->edges[e].n_ops; k++) {
                    const struct snas_block *b = &net->blocks[net->edges[e].first_block + k];
                    if (!b->zero && value[b->in])
                        value[node->tensor] = 1;
                }
        }
        const struct snas_tensor *out = &net->tensors[cell->out];
        for (int p = 0; p < out->n_parts; p++)
            value[cell->out] |= value[out->parts[p]];
    }
    value[net->logits] = value[net->blocks[net->head].in];
}

/* A block that somebody reads is computed when it is not zero, and then reads its input. */
static void mark_block(const struct snas_network *net, const unsigned char *value,
                       unsigned char *read, unsigned char *block, int index, int out)
{
    const struct snas_block *b = &net->blocks[index];
    block[index] = !b->zero && value[b->in] && read[out];
    read[b->in] |= block[index];
}

/* Backward: `read` becomes 1 for tensors that something alive reads. */
static void mark_reads(const struct snas_network *net, const unsigned char *value,
                       unsigned char *read, unsigned char *block)
{
    read[net->logits] = 1;
    mark_block(net, value, read, block, net->head, net->logits);
    for (int c = net->n_cells - 1; c >= 0; c--) {
        const struct snas_cell *cell = &net->cells[c];
        const struct snas_tensor *out = &net->tensors[cell->out];
        for (int p = 0; p < out->n_parts; p++)
            read[out->parts[p]] |= read[cell->out];
        for (int n = cell->n_nodes - 1; n >= 0; n--) {
            const struct snas_node *node = &net->nodes[cell->first_node + n];
            for (int e = node->first_edge; e < node->first_edge + node->n_edges; e++)
                for (int k = 0; k < net->edges[e].n_ops; k++)
                    mark_block(net, value, read, block, net->edges[e].first_block + k,
                               node->tensor);
        }
        for (int i = 0; i < cell->inputs; i++)
            for (int p = 0; p < cell->n_pre[i]; p++)
                mark_block(net, value, read, block, cell->pre[i] + p, cell->slot[i]);
    }
    for (int i = net->n_stems - 1; i >= 0; i--)
        mark_block(net, value, read, block, net->stem[i], net->blocks[net->stem[i]].out);
}

enum snas_status snas_network_alive(const struct snas_network *net, struct snas_alive *out,
                                    struct snas_err *err)
{
    memset(out, 0, sizeof *out);
    out->tensor = snas_alloc((size_t)net->n_tensors, 1, err);
    out->block = snas_alloc((size_t)net->n_blocks, 1, err);
    unsigned char *read = snas_alloc((size_t)net->n_tensors, 1, err);
    if (!out->tensor || !out->block || !read) {
        snas_free(read);
        snas_alive_clear(out);
        return SNAS_E_NOMEM;
    }
    mark_values(net, out->tensor);
    out->connected = out->tensor[net->logits];
    mark_reads(net, out->tensor, read, out->block);
    for (int t = 0; t < net->n_tensors; t++)
        out->tensor[t] &= read[t];
    snas_free(read);
    return SNAS_OK;
}

void snas_alive_clear(struct snas_alive *alive)
{
    snas_free(alive->tensor);
    snas_free(alive->block);
    memset(alive, 0, sizeof *alive);
}

int snas_network_param(const struct snas_network *net, const char *name)
{
    for (int i = 0; i < net->n_params; i++)
        if (strcmp(net->params[i].name, name) == 0)
            return i;
    return -1;
}

int64_t snas_network_param_count(const struct snas_network *net)
{
    int64_t count = 0;
    for (int i = 0; i < net->n_params; i++)
        if (net->params[i].kind != SNAS_PARAM_MEAN && net->params[i].kind != SNAS_PARAM_VAR)
            count += (int64_t)net->params[i].count;
    return count;
}

static enum snas_status map_param(const struct snas_network *supernet,
                                  const struct snas_network *child, int to, int from, int *map,
                                  struct snas_err *err)
{
    if (to < 0 && from < 0)
        return SNAS_OK;
    if (to >= 0 && from >= 0) {
        const struct snas_param *a = &supernet->params[from], *b = &child->params[to];
        if (a->ndim == b->ndim && memcmp(a->shape, b->shape, sizeof a->shape) == 0) {
            map[to] = from;
            return SNAS_OK;
        }
    }
    return snas_fail(err, SNAS_E_UNSUPPORTED,
                     "parameter '%s' of the child has no counterpart of its shape in the supernet",
                     to >= 0 ? child->params[to].name : supernet->params[from].name);
}

static enum snas_status map_block(const struct snas_network *supernet,
                                  const struct snas_network *child, int to, int from, int *map,
                                  struct snas_err *err)
{
    const struct snas_block *a = &supernet->blocks[from], *b = &child->blocks[to];
    if (a->n_layers != b->n_layers)
        return snas_fail(err, SNAS_E_UNSUPPORTED, "'%s' and '%s' are made of different layers",
                         b->name, a->name);
    for (int i = 0; i < b->n_layers; i++) {
        const struct snas_layer *la = &supernet->layers[a->first_layer + i];
        const struct snas_layer *lb = &child->layers[b->first_layer + i];
        enum snas_status status = map_param(supernet, child, lb->weight, la->weight, map, err);
        if (status == SNAS_OK)
            status = map_param(supernet, child, lb->bias, la->bias, map, err);
        if (status == SNAS_OK)
            status = map_param(supernet, child, lb->mean, la->mean, map, err);
        if (status == SNAS_OK)
            status = map_param(supernet, child, lb->var, la->var, map, err);
        if (status != SNAS_OK)
            return status;
    }
    return SNAS_OK;
}

/* The supernet's block of the op that a child's edge holds, or -1. */
static int candidate(const struct snas_network *supernet, int cell_index,
                     const struct snas_network *child, const struct snas_edge *edge)
{
    const struct snas_cell *cell = &supernet->cells[cell_index];
    if (edge->kind_edge < 0 || edge->kind_edge >= cell->n_edges)
        return -1;
    const struct snas_edge *e = &supernet->edges[cell->first_edge + edge->kind_edge];
    for (int k = 0; k < e->n_ops; k++)
        if (supernet->blocks[e->first_block + k].op == child->blocks[edge->first_block].op)
            return e->first_block + k;
    return -1;
}

static enum snas_status map_cell(const struct snas_network *supernet,
                                 const struct snas_network *child, int index, int *map,
                                 struct snas_err *err)
{
    const struct snas_cell *a = &supernet->cells[index], *b = &child->cells[index];
    if (a->kind != b->kind || a->n_nodes != b->n_nodes)
        return snas_fail(err, SNAS_E_UNSUPPORTED, "cell %d: another kind of cell in the supernet",
                         index);
    for (int i = 0; i < b->inputs; i++)
        for (int p = 0; p < b->n_pre[i]; p++) {
            enum snas_status status =
                map_block(supernet, child, b->pre[i] + p, a->pre[i] + p, map, err);
            if (status != SNAS_OK)
                return status;
        }
    uint32_t taken[SNAS_MAX_NODES][SNAS_MAX_SLOTS] = {{0}}; /* a bit per op of the edge */
    for (int e = b->first_edge; e < b->first_edge + b->n_edges; e++) {
        const struct snas_edge *edge = &child->edges[e];
        int from = candidate(supernet, index, child, edge);
        uint32_t *ops = &taken[edge->to][edge->from], bit = 0;
        if (from >= 0)
            bit = 1u << (from - supernet->edges[a->first_edge + edge->kind_edge].first_block);
        if (!bit || (*ops & bit))
            return snas_fail(err, SNAS_E_UNSUPPORTED,
                             "'%s' has no counterpart of its own in the supernet",
                             child->blocks[edge->first_block].name);
        *ops |= bit;
        enum snas_status status = map_block(supernet, child, edge->first_block, from, map, err);
        if (status != SNAS_OK)
            return status;
    }
    return SNAS_OK;
}

enum snas_status snas_network_map_params(const struct snas_network *supernet,
                                         const struct snas_network *child, int *map,
                                         struct snas_err *err)
{
    if (supernet->genotype || !child->genotype || supernet->n_cells != child->n_cells ||
        supernet->n_stems != child->n_stems)
        return snas_fail(err, SNAS_E_UNSUPPORTED,
                         "not a supernet and a child of it: %d and %d cells", supernet->n_cells,
                         child->n_cells);
    enum snas_status status = map_block(supernet, child, child->head, supernet->head, map, err);
    for (int i = 0; i < child->n_stems && status == SNAS_OK; i++)
        status = map_block(supernet, child, child->stem[i], supernet->stem[i], map, err);
    for (int c = 0; c < child->n_cells && status == SNAS_OK; c++)
        status = map_cell(supernet, child, c, map, err);
    return status;
}

/* What one forward has to compute, given its z: from the logits back to the image. */
#include <string.h>

#include "net/unit.h"

/* A block that is wanted is computed and reads its input. */
static void want(struct snas_net *net, int block)
{
    net->live_block[block] = 1;
    net->live_tensor[net->network->blocks[block].in] = 1;
}

static void want_parts(struct snas_net *net, int tensor)
{
    const struct snas_tensor *t = &net->network->tensors[tensor];
    for (int i = 0; i < t->n_parts; i++)
        net->live_tensor[t->parts[i]] = 1;
}

/* A node that somebody reads wants the blocks into it; without any it is a constant zero. */
static void want_node(struct snas_net *net, const struct snas_node *node)
{
    const struct snas_network *network = net->network;
    net->zero_tensor[node->tensor] = 1;
    for (int i = node->first_edge; i < node->first_edge + node->n_edges; i++) {
        const struct snas_edge *edge = &network->edges[i];
        for (int k = 0; k < edge->n_ops; k++) {
            int block = edge->first_block + k;
            if (network->blocks[block].zero || net->run.z[edge->z + k] == 0)
                continue;
            net->zero_tensor[node->tensor] = 0;
            want(net, block);
        }
    }
}

static void want_cell(struct snas_net *net, const struct snas_cell *cell)
{
    if (net->live_tensor[cell->out])
        want_parts(net, cell->out);
    for (int n = cell->n_nodes - 1; n >= 0; n--) {
        const struct snas_node *node = &net->network->nodes[cell->first_node + n];
        if (net->live_tensor[node->tensor])
            want_node(net, node);
    }
    for (int i = 0; i < cell->inputs; i++)
        for (int p = 0; net->live_tensor[cell->slot[i]] && p < cell->n_pre[i]; p++)
            want(net, cell->pre[i] + p);
}

void snas_net_find_live(struct snas_net *net)
{
    const struct snas_network *network = net->network;
    memset(net->live_block, 0, (size_t)network->n_blocks);
    memset(net->live_tensor, 0, (size_t)network->n_tensors);
    memset(net->zero_tensor, 0, (size_t)network->n_tensors);
    net->live_tensor[network->logits] = 1;
    want(net, network->head);
    for (int c = network->n_cells - 1; c >= 0; c--)
        want_cell(net, &network->cells[c]);
    for (int i = network->n_stems - 1; i >= 0; i--)
        if (net->live_tensor[network->blocks[network->stem[i]].out])
            want(net, network->stem[i]);
}

#include <string.h>

#include "export/passes/pass.h"

/* Both compute the same: no constants of their own, and all else alike. */
static int same(const struct snas_graph_node *a, const struct snas_graph_node *b)
{
    for (int k = 0; k < SNAS_G_TENSORS; k++)
        if (a->tensor[k] >= 0 || b->tensor[k] >= 0)
            return 0;
    return a->op == b->op && a->n_in == b->n_in && a->kh == b->kh && a->kw == b->kw &&
           a->stride == b->stride && memcmp(a->pad, b->pad, sizeof a->pad) == 0 &&
           memcmp(a->in, b->in, sizeof *a->in * (size_t)a->n_in) == 0;
}

enum snas_status snas_pass_share(struct snas_graph *g, struct snas_err *err)
{
    (void)err;
    for (int i = 0; i < g->n_nodes; i++)
        for (int k = 0; k < i; k++)
            if (!g->nodes[k].removed && g->nodes[i].op != SNAS_G_ZERO &&
                same(&g->nodes[k], &g->nodes[i])) {
                g->nodes[i].removed = 1;
                snas_graph_replace(g, g->nodes[i].out, g->nodes[k].out);
                break;
            }
    snas_graph_sweep(g);
    return SNAS_OK;
}

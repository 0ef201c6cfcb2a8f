#include "export/passes/pass.h"

/* A sum with one zero term is its other term. */
static void prune_add(struct snas_graph *g, const struct snas_channels *ch,
                      struct snas_graph_node *n)
{
    for (int i = 0; i < 2; i++)
        if (!snas_channels_any(g, ch, ch->may, n->in[i])) {
            n->removed = 1;
            snas_graph_replace(g, n->out, n->in[1 - i]);
            return;
        }
}

enum snas_status snas_pass_prune(struct snas_graph *g, struct snas_err *err)
{
    struct snas_channels ch;
    enum snas_status s = snas_channels_find(g, &ch, err);
    if (s)
        return s;
    if (!ch.from_input[g->output])
        s = snas_fail(err, SNAS_E_STATE,
                      "the child is disconnected: no path leads from its input to its classifier, "
                      "so its answer would be the same for every image");
    for (int i = 0; s == SNAS_OK && i < g->n_nodes; i++) {
        struct snas_graph_node *n = &g->nodes[i];
        if (!snas_channels_any(g, &ch, ch.may, n->out)) {
            /* A concatenation may still list it: the slice pass sees to that. */
            n->op = SNAS_G_ZERO;
            n->n_in = 0;
            for (int k = 0; k < SNAS_G_TENSORS; k++)
                n->tensor[k] = -1;
        } else if (!snas_channels_any(g, &ch, ch.need, n->out)) {
            n->removed = 1;
        } else if (n->op == SNAS_G_ADD) {
            prune_add(g, &ch, n);
        }
    }
    snas_channels_clear(&ch);
    if (s == SNAS_OK)
        snas_graph_sweep(g);
    return s;
}

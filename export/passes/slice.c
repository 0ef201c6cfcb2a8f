#include <string.h>

#include "export/passes/pass.h"

/* Keeps the rows (`row_keep`, over shape[0]) and columns (`column_keep`, over shape[1]) of a
 * tensor, in place; NULL keeps all. */
static void slice_tensor(struct snas_graph_tensor *t, const unsigned char *row_keep,
                         const unsigned char *column_keep)
{
    size_t rows = (size_t)t->shape[0], columns = t->ndim > 1 ? (size_t)t->shape[1] : 1;
    size_t block = t->count / rows / columns;
    size_t kept = 0, kept_rows = 0, kept_columns = 0;
    for (size_t r = 0; r < rows; r++) {
        if (row_keep && !row_keep[r])
            continue;
        kept_rows++;
        kept_columns = 0;
        for (size_t c = 0; c < columns; c++) {
            if (column_keep && !column_keep[c])
                continue;
            kept_columns++;
            memmove(t->data + kept, t->data + (r * columns + c) * block, block * sizeof *t->data);
            kept += block;
        }
    }
    t->shape[0] = (int64_t)kept_rows;
    if (t->ndim > 1)
        t->shape[1] = (int64_t)kept_columns;
    t->count = kept;
}

/* A concatenation loses the parts of which no channel is needed. */
static void slice_concat(struct snas_graph *g, const struct snas_channels *ch,
                         struct snas_graph_node *n)
{
    const unsigned char *y = ch->need + ch->first[n->out];
    int kept = 0;
    for (int i = 0; i < n->n_in; i++) {
        size_t count = (size_t)g->values[n->in[i]].shape.c;
        if (memchr(y, 1, count))
            n->in[kept++] = n->in[i];
        y += count;
    }
    n->n_in = kept;
}

static void slice_node(struct snas_graph *g, const struct snas_channels *ch,
                       struct snas_graph_node *n)
{
    const unsigned char *rows = ch->need + ch->first[n->out];
    int mixes = n->op == SNAS_G_GEMM || (n->op == SNAS_G_CONV && n->group == 1);
    const unsigned char *columns = mixes ? ch->need + ch->first[n->in[0]] : NULL;
    if (n->op == SNAS_G_CONCAT)
        slice_concat(g, ch, n);
    for (int k = 0; k < SNAS_G_TENSORS; k++)
        if (n->tensor[k] >= 0)
            slice_tensor(&g->tensors[n->tensor[k]], rows, k == 0 ? columns : NULL);
    if (n->group > 1)
        n->group = (int)g->tensors[n->tensor[0]].shape[0];
}

enum snas_status snas_pass_slice(struct snas_graph *g, struct snas_err *err)
{
    struct snas_channels ch;
    enum snas_status s = snas_channels_find(g, &ch, err);
    if (s)
        return s;
    for (int i = 0; i < g->n_nodes; i++) {
        struct snas_graph_node *n = &g->nodes[i];
        n->removed = !snas_channels_any(g, &ch, ch.need, n->out);
        if (!n->removed)
            slice_node(g, &ch, n);
    }
    for (int v = 0; v < g->n_values; v++) {
        int kept = 0;
        for (int c = 0; c < g->values[v].shape.c; c++)
            kept += ch.need[ch.first[v] + (size_t)c];
        g->values[v].shape.c = kept;
    }
    for (int i = 0; i < g->n_nodes; i++) {
        struct snas_graph_node *n = &g->nodes[i];
        if (n->op == SNAS_G_CONCAT && n->n_in == 1) {
            n->removed = 1;
            snas_graph_replace(g, n->out, n->in[0]);
        }
    }
    snas_channels_clear(&ch);
    snas_graph_sweep(g);
    return SNAS_OK;
}

#include <math.h>

#include "export/passes/pass.h"

/* Scales the rows of a convolution's weight by the batch norm's channels from `first` on, and gives
 * it the bias that is left: w' = w s, b' = beta + (b - mean) s, s = scale / sqrt(var + eps). */
static enum snas_status fold_into(struct snas_graph *g, int conv, const struct snas_graph_node *bn,
                                  int first, struct snas_err *err)
{
    if (g->nodes[conv].tensor[1] < 0) {
        int64_t channels = g->tensors[g->nodes[conv].tensor[0]].shape[0];
        int bias;
        enum snas_status s = snas_graph_add_tensor(g, "", 1, &channels, &bias, err);
        if (s)
            return s;
        g->nodes[conv].tensor[1] = bias;
    }
    struct snas_graph_tensor *w = &g->tensors[g->nodes[conv].tensor[0]];
    float *b = g->tensors[g->nodes[conv].tensor[1]].data;
    const float *p[SNAS_G_TENSORS];
    for (int k = 0; k < SNAS_G_TENSORS; k++)
        p[k] = g->tensors[bn->tensor[k]].data + first;
    size_t rows = (size_t)w->shape[0], row = w->count / rows;
    for (size_t c = 0; c < rows; c++) {
        double s = (double)p[0][c] / sqrt((double)p[3][c] + (double)bn->epsilon);
        for (size_t i = c * row; i < (c + 1) * row; i++)
            w->data[i] = (float)((double)w->data[i] * s);
        b[c] = (float)((double)p[1][c] + ((double)b[c] - (double)p[2][c]) * s);
    }
    return SNAS_OK;
}

/* The convolution that alone makes `value` for one reader, or -1. */
static int lone_conv(const struct snas_graph *g, int value)
{
    int producer = snas_graph_producer(g, value);
    if (producer < 0 || g->nodes[producer].op != SNAS_G_CONV)
        return -1;
    return snas_graph_readers(g, value) == 1 ? producer : -1;
}

/* Folds into the parts of `source`: a convolution, or a concatenation of nothing but such. 0 in
 * `*folded` when it is neither. */
static enum snas_status fold_bn(struct snas_graph *g, int bn_index, int *folded,
                                struct snas_err *err)
{
    const struct snas_graph_node bn = g->nodes[bn_index];
    *folded = 0;
    int part[SNAS_MAX_NODES] = {lone_conv(g, bn.in[0])}, n = 1;
    int source = snas_graph_producer(g, bn.in[0]);
    if (source >= 0 && g->nodes[source].op == SNAS_G_CONCAT &&
        snas_graph_readers(g, bn.in[0]) == 1) {
        n = g->nodes[source].n_in;
        for (int i = 0; i < n; i++)
            part[i] = lone_conv(g, g->nodes[source].in[i]);
    }
    for (int i = 0; i < n; i++)
        if (part[i] < 0)
            return SNAS_OK;
    int first = 0;
    for (int i = 0; i < n; i++) {
        enum snas_status s = fold_into(g, part[i], &bn, first, err);
        if (s)
            return s;
        first += g->values[g->nodes[part[i]].out].shape.c;
    }
    *folded = 1;
    return SNAS_OK;
}

enum snas_status snas_pass_fold(struct snas_graph *g, struct snas_err *err)
{
    for (int i = 0; i < g->n_nodes; i++) {
        if (g->nodes[i].op != SNAS_G_BATCH_NORM)
            continue;
        int folded;
        enum snas_status s = fold_bn(g, i, &folded, err);
        if (s)
            return s;
        if (folded) {
            g->nodes[i].removed = 1;
            snas_graph_replace(g, g->nodes[i].out, g->nodes[i].in[0]);
        }
    }
    snas_graph_sweep(g);
    return SNAS_OK;
}

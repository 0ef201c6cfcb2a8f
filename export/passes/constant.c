#include <string.h>

#include "export/passes/pass.h"

/* Every side in a network comes from the input's by halving and rounding up, and so does a 1x1
 * convolution's of that stride. */
static int stride_to(int from, int to)
{
    int stride = 1;
    while ((from + stride - 1) / stride > to)
        stride *= 2;
    return stride;
}

enum snas_status snas_pass_constant(struct snas_graph *g, int *kept, struct snas_err *err)
{
    *kept = 0;
    for (int i = 0; i < g->n_nodes; i++) {
        if (g->nodes[i].op != SNAS_G_ZERO)
            continue;
        const struct snas_shape in = g->values[g->input].shape;
        const struct snas_shape out = g->values[g->nodes[i].out].shape;
        int64_t shape[4] = {out.c, in.c, 1, 1};
        int weight;
        enum snas_status s = snas_graph_add_tensor(g, "", 4, shape, &weight, err);
        if (s)
            return s;
        struct snas_graph_node *n = &g->nodes[i];
        n->op = SNAS_G_CONV;
        n->n_in = 1;
        n->in[0] = g->input;
        n->kh = n->kw = n->dilation = n->group = 1;
        memset(n->pad, 0, sizeof n->pad);
        n->stride = stride_to(in.h, out.h);
        if (stride_to(in.w, out.w) != n->stride)
            return snas_fail(err, SNAS_E_UNSUPPORTED,
                             "%s is a constant of %d x %d pixels, which no stride makes of the "
                             "input's %d x %d",
                             n->scope, out.h, out.w, in.h, in.w);
        n->tensor[0] = weight;
        ++*kept;
    }
    return SNAS_OK;
}

#include "export/graph.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

/* Room for one more item of an array that doubles. */
static enum snas_status grow(void **items, int *room, int used, size_t size, struct snas_err *err)
{
    if (used < *room)
        return SNAS_OK;
    int wanted = *room ? 2 * *room : 64;
    void *grown = snas_realloc(*items, (size_t)wanted, size, err);
    if (!grown)
        return SNAS_E_NOMEM;
    *items = grown;
    *room = wanted;
    return SNAS_OK;
}

void snas_graph_set_name(char *name, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(name, SNAS_G_NAME, fmt, args);
    va_end(args);
    if (n < 0 || n >= SNAS_G_NAME)
        SNAS_BUG("the name '%s...' does not fit", name);
}

enum snas_status snas_graph_add_value(struct snas_graph *g, struct snas_shape shape, int flat,
                                      int *out, struct snas_err *err)
{
    void *items = g->values;
    if (grow(&items, &g->value_room, g->n_values, sizeof *g->values, err))
        return SNAS_E_NOMEM;
    g->values = items;
    struct snas_graph_value *v = &g->values[g->n_values];
    memset(v, 0, sizeof *v);
    v->shape = shape;
    v->flat = flat;
    *out = g->n_values++;
    return SNAS_OK;
}

enum snas_status snas_graph_add_tensor(struct snas_graph *g, const char *name, int ndim,
                                       const int64_t *shape, int *out, struct snas_err *err)
{
    void *items = g->tensors;
    if (grow(&items, &g->tensor_room, g->n_tensors, sizeof *g->tensors, err))
        return SNAS_E_NOMEM;
    g->tensors = items;
    struct snas_graph_tensor *t = &g->tensors[g->n_tensors];
    memset(t, 0, sizeof *t);
    snas_graph_set_name(t->name, "%s", name);
    t->ndim = ndim;
    t->count = 1;
    for (int i = 0; i < ndim; i++) {
        t->shape[i] = shape[i];
        t->count *= (size_t)shape[i];
    }
    t->data = snas_alloc(t->count, sizeof *t->data, err);
    if (!t->data)
        return SNAS_E_NOMEM;
    *out = g->n_tensors++;
    return SNAS_OK;
}

enum snas_status snas_graph_add_node(struct snas_graph *g, const struct snas_graph_node *node,
                                     struct snas_err *err)
{
    void *items = g->nodes;
    if (grow(&items, &g->node_room, g->n_nodes, sizeof *g->nodes, err))
        return SNAS_E_NOMEM;
    g->nodes = items;
    g->nodes[g->n_nodes++] = *node;
    return SNAS_OK;
}

struct snas_graph_node snas_graph_node_make(enum snas_graph_op op, const char *name,
                                            const char *scope)
{
    struct snas_graph_node n = {.op = op, .kh = 1, .kw = 1, .stride = 1, .dilation = 1, .group = 1};
    snas_graph_set_name(n.name, "%s", name);
    snas_graph_set_name(n.scope, "%s", scope);
    for (int i = 0; i < SNAS_G_TENSORS; i++)
        n.tensor[i] = -1;
    return n;
}

void snas_graph_replace(struct snas_graph *g, int from, int to)
{
    for (int i = 0; i < g->n_nodes; i++)
        for (int k = 0; k < g->nodes[i].n_in; k++)
            if (g->nodes[i].in[k] == from)
                g->nodes[i].in[k] = to;
    if (g->output == from)
        g->output = to;
}

int snas_graph_producer(const struct snas_graph *g, int value)
{
    for (int i = 0; i < g->n_nodes; i++)
        if (!g->nodes[i].removed && g->nodes[i].out == value)
            return i;
    return -1;
}

int snas_graph_readers(const struct snas_graph *g, int value)
{
    int n = g->output == value;
    for (int i = 0; i < g->n_nodes; i++)
        for (int k = 0; !g->nodes[i].removed && k < g->nodes[i].n_in; k++)
            n += g->nodes[i].in[k] == value;
    return n;
}

/* Indexes only ever fall, so a renumbered tensor is not met again. */
static void sweep_tensors(struct snas_graph *g)
{
    int kept = 0;
    for (int t = 0; t < g->n_tensors; t++) {
        int used = 0;
        for (int i = 0; i < g->n_nodes; i++)
            for (int k = 0; k < SNAS_G_TENSORS; k++)
                if (g->nodes[i].tensor[k] == t) {
                    g->nodes[i].tensor[k] = kept;
                    used = 1;
                }
        if (used)
            g->tensors[kept++] = g->tensors[t];
        else
            snas_free(g->tensors[t].data);
    }
    g->n_tensors = kept;
}

void snas_graph_sweep(struct snas_graph *g)
{
    int kept = 0;
    for (int i = 0; i < g->n_nodes; i++)
        if (!g->nodes[i].removed)
            g->nodes[kept++] = g->nodes[i];
    g->n_nodes = kept;
    sweep_tensors(g);
}

void snas_graph_clear(struct snas_graph *g)
{
    for (int i = 0; i < g->n_tensors; i++)
        snas_free(g->tensors[i].data);
    snas_free(g->tensors);
    snas_free(g->values);
    snas_free(g->nodes);
    memset(g, 0, sizeof *g);
}

void snas_graph_count(const struct snas_graph *g, struct snas_graph_counts *out)
{
    memset(out, 0, sizeof *out);
    for (int i = 0; i < g->n_nodes; i++) {
        const struct snas_graph_node *n = &g->nodes[i];
        if (n->op != SNAS_G_CONV && n->op != SNAS_G_GEMM)
            continue;
        int64_t weights = (int64_t)g->tensors[n->tensor[0]].count;
        const struct snas_shape *y = &g->values[n->out].shape;
        out->params += weights;
        out->madds += n->op == SNAS_G_CONV ? weights * y->h * y->w : weights;
        if (n->op == SNAS_G_GEMM)
            out->params += (int64_t)g->tensors[n->tensor[1]].count;
    }
    for (int i = 0; i < g->n_tensors; i++)
        out->bytes += (int64_t)(g->tensors[i].count * sizeof(float));
}

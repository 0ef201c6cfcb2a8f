#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "export/passes/pass.h"

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names are unique by construction (blocks and layers are); a broken one must not reach a file,
 * where it would wire the network wrongly. */
static enum snas_status check_unique(const struct snas_graph *g, struct snas_err *err)
{
    size_t most = (size_t)g->n_nodes * 2 + (size_t)g->n_tensors + 1, n = 0;
    const char **names = snas_alloc(most, sizeof *names, err);
    if (!names)
        return SNAS_E_NOMEM;
    names[n++] = g->values[g->input].name;
    for (int i = 0; i < g->n_nodes; i++) {
        names[n++] = g->nodes[i].name;
        names[n++] = g->values[g->nodes[i].out].name;
    }
    for (int i = 0; i < g->n_tensors; i++)
        names[n++] = g->tensors[i].name;
    qsort(names, n, sizeof *names, compare);
    for (size_t i = 1; i < n; i++)
        if (strcmp(names[i - 1], names[i]) == 0)
            SNAS_BUG("two things are named '%s'", names[i]);
    snas_free(names);
    return SNAS_OK;
}

enum snas_status snas_pass_name(struct snas_graph *g, struct snas_err *err)
{
    static const char *const part[SNAS_G_TENSORS] = {"weight", "bias", "mean", "var"};
    for (int i = 0; i < g->n_nodes; i++) {
        const struct snas_graph_node *n = &g->nodes[i];
        snas_graph_set_name(g->values[n->out].name, "%s_out", n->name);
        for (int k = 0; k < SNAS_G_TENSORS; k++)
            if (n->tensor[k] >= 0 && !g->tensors[n->tensor[k]].name[0])
                snas_graph_set_name(g->tensors[n->tensor[k]].name, "%s.%s", n->scope, part[k]);
    }
    snas_graph_set_name(g->values[g->input].name, "input");
    snas_graph_set_name(g->values[g->output].name, "logits");
    return check_unique(g, err);
}

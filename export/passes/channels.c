/* Which channels of which values may be other than zero, and which must be there. */
#include <string.h>

#include "base/mem.h"
#include "export/passes/pass.h"

/* A batch norm of a zero gives (0 - mean) * inv * scale + bias: zero only when this is. */
static int bn_makes_constant(const struct snas_graph *g, const struct snas_graph_node *n, int c)
{
    float scale = g->tensors[n->tensor[0]].data[c], bias = g->tensors[n->tensor[1]].data[c];
    float mean = g->tensors[n->tensor[2]].data[c];
    return bias != 0 || (mean != 0 && scale != 0);
}

static int has_bias(const struct snas_graph *g, const struct snas_graph_node *n, int c)
{
    return n->tensor[1] >= 0 && g->tensors[n->tensor[1]].data[c] != 0;
}

/* An op that treats every channel by itself and keeps their number. */
static int is_channelwise(const struct snas_graph_node *n)
{
    switch (n->op) {
    case SNAS_G_BATCH_NORM:
    case SNAS_G_RELU:
    case SNAS_G_MAX_POOL:
    case SNAS_G_AVG_POOL:
    case SNAS_G_SHIFT:
    case SNAS_G_ADD:
    case SNAS_G_GLOBAL_POOL:
    case SNAS_G_FLATTEN:
        return 1;
    case SNAS_G_CONV:
        return n->group > 1;
    case SNAS_G_CONCAT:
    case SNAS_G_GEMM:
    case SNAS_G_ZERO:
        return 0;
    }
    SNAS_BUG("graph op %d", (int)n->op);
}

int snas_channels_any(const struct snas_graph *g, const struct snas_channels *ch,
                      const unsigned char *of, int value)
{
    return memchr(of + ch->first[value], 1, (size_t)g->values[value].shape.c) != NULL;
}

static void find_may(const struct snas_graph *g, const struct snas_channels *ch,
                     const struct snas_graph_node *n)
{
    unsigned char *y = ch->may + ch->first[n->out];
    int count = g->values[n->out].shape.c, mixed = !is_channelwise(n) && n->op != SNAS_G_CONCAT;
    int at = 0;
    for (int i = 0; i < n->n_in; i++) {
        const unsigned char *x = ch->may + ch->first[n->in[i]];
        ch->from_input[n->out] |= ch->from_input[n->in[i]];
        if (n->op == SNAS_G_CONCAT) {
            memcpy(y + at, x, (size_t)g->values[n->in[i]].shape.c);
            at += g->values[n->in[i]].shape.c;
        } else if (mixed) {
            memset(y, snas_channels_any(g, ch, ch->may, n->in[i]), (size_t)count);
        } else {
            for (int c = 0; c < count; c++)
                y[c] |= x[c];
        }
    }
    for (int c = 0; c < count; c++)
        if (n->op == SNAS_G_BATCH_NORM)
            y[c] |= (unsigned char)bn_makes_constant(g, n, c);
        else if (n->op == SNAS_G_CONV || n->op == SNAS_G_GEMM)
            y[c] |= (unsigned char)has_bias(g, n, c);
}

/* need[to] |= need[from] for `count` channels; 1 when that changed anything. */
static int spread(unsigned char *to, const unsigned char *from, int count)
{
    int changed = 0;
    for (int c = 0; c < count; c++)
        if (from[c] && !to[c])
            changed = to[c] = 1;
    return changed;
}

/* One node's say: what it must be given, and what it gives because its inputs have it. A channel
 * that a channelwise op keeps on one side it keeps on the other; but an input that is zero all
 * through, and that nobody needs, is left out of sums and concatenations. */
static int spread_need(const struct snas_graph *g, const struct snas_channels *ch,
                       const struct snas_graph_node *n)
{
    if (!snas_channels_any(g, ch, ch->need, n->out) || !snas_channels_any(g, ch, ch->may, n->out))
        return 0;
    unsigned char *y = ch->need + ch->first[n->out];
    int changed = 0;
    for (int i = 0; i < n->n_in; i++) {
        int in = n->in[i], count = g->values[in].shape.c;
        unsigned char *x = ch->need + ch->first[in];
        int zero = !snas_channels_any(g, ch, ch->may, in);
        if (n->op == SNAS_G_CONCAT) {
            if (!zero || memchr(y, 1, (size_t)count))
                changed |= spread(x, y, count) | spread(y, x, count);
            y += count;
        } else if (is_channelwise(n)) {
            if (n->op != SNAS_G_ADD || !zero)
                changed |= spread(x, y, count) | spread(y, x, count);
        } else if (zero) { /* no convolution of no channels: it keeps the first */
            changed |= spread(x, (const unsigned char[]){1}, 1);
        } else {
            changed |= spread(x, ch->may + ch->first[in], count);
        }
    }
    return changed;
}

enum snas_status snas_channels_find(const struct snas_graph *g, struct snas_channels *out,
                                    struct snas_err *err)
{
    memset(out, 0, sizeof *out);
    size_t total = 0;
    out->first = snas_alloc((size_t)g->n_values, sizeof *out->first, err);
    out->from_input = snas_alloc((size_t)g->n_values, 1, err);
    for (int v = 0; out->first && v < g->n_values; v++) {
        out->first[v] = total;
        total += (size_t)g->values[v].shape.c;
    }
    out->may = snas_alloc(total, 1, err);
    out->need = snas_alloc(total, 1, err);
    if (!out->first || !out->from_input || !out->may || !out->need) {
        snas_channels_clear(out);
        return SNAS_E_NOMEM;
    }
    memset(out->may + out->first[g->input], 1, (size_t)g->values[g->input].shape.c);
    out->from_input[g->input] = 1;
    for (int i = 0; i < g->n_nodes; i++)
        find_may(g, out, &g->nodes[i]);
    memset(out->need + out->first[g->output], 1, (size_t)g->values[g->output].shape.c);
    /* What a concatenation needs of its parts can change what another reader of a part gets, so
     * the walk is repeated until it is still (twice, as a rule). */
    for (int changed = 1; changed;) {
        changed = 0;
        for (int i = g->n_nodes - 1; i >= 0; i--)
            changed |= spread_need(g, out, &g->nodes[i]);
    }
    return SNAS_OK;
}

void snas_channels_clear(struct snas_channels *ch)
{
    snas_free(ch->first);
    snas_free(ch->may);
    snas_free(ch->need);
    snas_free(ch->from_input);
    memset(ch, 0, sizeof *ch);
}

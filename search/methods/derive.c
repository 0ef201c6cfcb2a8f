#include "methods/derive.h"

#include <string.h>

#include "base/mem.h"
#include "methods/budget.h"
#include "methods/concrete.h"

static int argmax(const struct snas_method *m, int r)
{
    const double *x = m->alpha + m->rows[r].first;
    int best = 0;
    for (int k = 1; k < m->rows[r].n_ops; k++)
        if (x[k] > x[best])
            best = k;
    return best;
}

/* choice[kind][edge] as the genotype functions take it, backed by one block. */
struct choices {
    int edge[SNAS_MAX_KINDS][SNAS_MAX_NODES * SNAS_MAX_SLOTS];
    int *kind[SNAS_MAX_KINDS];
};

static void choices_init(struct choices *c)
{
    memset(c->edge, 0, sizeof(c->edge));
    for (int kind = 0; kind < SNAS_MAX_KINDS; kind++)
        c->kind[kind] = c->edge[kind];
}

void snas_method_derive(const struct snas_method *m, struct snas_genotype *out)
{
    struct choices c;
    choices_init(&c);
    for (int r = 0; r < m->n_rows; r++)
        c.edge[m->rows[r].kind][m->rows[r].kind_edge] = argmax(m, r);
    snas_genotype_from_choice(m->network->space, (const int *const *)c.kind, out);
}

/* Of a row: the most probable op that computes something, or -1, and its probability. */
static int best_op(const struct snas_method *m, int r, double *probability)
{
    const struct snas_alpha_row *row = &m->rows[r];
    const struct snas_space *space = m->network->space;
    double p[SNAS_MAX_OPS];
    int best = -1;
    snas_softmax(m->alpha + row->first, row->n_ops, p);
    for (int k = 0; k < row->n_ops; k++)
        if (!space->ops[space->kinds[row->kind].op[k]].zero && (best < 0 || p[k] > p[best]))
            best = k;
    *probability = best < 0 ? -1 : p[best];
    return best;
}

/* Position of `none` in a kind's list, or -1. */
static int none_of(const struct snas_space *space, int kind)
{
    for (int k = 0; k < space->kinds[kind].n_ops; k++)
        if (space->ops[space->kinds[kind].op[k]].zero)
            return k;
    return -1;
}

/* 1: fewer than two rows of the node come before this one, by probability, then by order. */
static int among_two(const struct snas_method *m, int r, double probability)
{
    int before = 0;
    for (int other = 0; other < m->n_rows; other++) {
        double p;
        if (other == r || m->rows[other].kind != m->rows[r].kind ||
            m->rows[other].node != m->rows[r].node)
            continue;
        best_op(m, other, &p);
        before += p > probability || (p == probability && other < r);
    }
    return before < 2;
}

static enum snas_status derive_top2(const struct snas_method *m, struct snas_genotype *out,
                                    struct snas_err *err)
{
    struct choices c;
    choices_init(&c);
    for (int r = 0; r < m->n_rows; r++) {
        const struct snas_alpha_row *row = &m->rows[r];
        double p;
        int best = best_op(m, r, &p), none = none_of(m->network->space, row->kind);
        int keep = best >= 0 && among_two(m, r, p);
        if (!keep && none < 0)
            return snas_fail(err, SNAS_E_UNSUPPORTED,
                             "derive.rule top2 leaves edges out, but cells of kind '%s' have no "
                             "op that is none",
                             m->network->space->kinds[row->kind].name);
        c.edge[row->kind][row->kind_edge] = keep ? best : none;
    }
    snas_genotype_from_choice(m->network->space, (const int *const *)c.kind, out);
    return SNAS_OK;
}

static void choices_to_z(const struct snas_network *network, const struct choices *c, double *z)
{
    memset(z, 0, (size_t)network->n_z * sizeof(*z));
    for (int i = 0; i < network->n_cells; i++) {
        const struct snas_cell *cell = &network->cells[i];
        for (int e = cell->first_edge; e < cell->first_edge + cell->n_edges; e++) {
            const struct snas_edge *edge = &network->edges[e];
            int op = c->edge[cell->kind][edge->kind_edge];
            if (op >= 0)
                z[edge->z + op] = 1;
        }
    }
}

/* Position of an op of the space in a kind's list, or -1. */
static int position_of(const struct snas_cell_kind *kind, int op)
{
    for (int k = 0; k < kind->n_ops; k++)
        if (kind->op[k] == op)
            return k;
    return -1;
}

static enum snas_status genotype_cell_to_z(const struct snas_network *network, int cell_index,
                                           const struct snas_genotype_cell *g, double *z,
                                           struct snas_err *err)
{
    const struct snas_cell *cell = &network->cells[cell_index];
    const struct snas_cell_kind *kind = &network->space->kinds[cell->kind];
    const struct snas_edge *edges = network->edges + cell->first_edge;
    if (g->n_nodes != kind->nodes)
        return snas_fail(err, SNAS_E_UNSUPPORTED,
                         "cell '%s' has %d nodes, those of space '%s' have %d", kind->name,
                         g->n_nodes, network->space->name, kind->nodes);
    for (int n = 0; n < g->n_nodes; n++)
        for (int i = 0; i < g->n_choices[n]; i++) {
            const struct snas_choice *c = &g->choices[n][i];
            int edge = snas_kind_edge(kind, c->from, n), op = position_of(kind, c->op);
            if (edge < 0 || op < 0)
                return snas_fail(err, SNAS_E_UNSUPPORTED,
                                 "cell '%s', node %d: '%s' from slot %d is no candidate there",
                                 kind->name, n, network->space->ops[c->op].name, c->from);
            if (z[edges[edge].z + op] != 0)
                return snas_fail(err, SNAS_E_UNSUPPORTED,
                                 "cell '%s', node %d: '%s' twice from slot %d, an edge has it once",
                                 kind->name, n, network->space->ops[c->op].name, c->from);
            z[edges[edge].z + op] = 1;
        }
    int none = none_of(network->space, cell->kind);
    for (int e = 0; e < cell->n_edges && none >= 0; e++) {
        int used = 0;
        for (int k = 0; k < edges[e].n_ops; k++)
            used |= z[edges[e].z + k] != 0;
        z[edges[e].z + none] = !used;
    }
    return SNAS_OK;
}

enum snas_status snas_z_from_genotype(const struct snas_network *network,
                                      const struct snas_genotype *g, double *z,
                                      struct snas_err *err)
{
    enum snas_status s = SNAS_OK;
    memset(z, 0, (size_t)network->n_z * sizeof(*z));
    for (int c = 0; c < network->n_cells && s == SNAS_OK; c++)
        s = genotype_cell_to_z(network, c, &g->cells[network->cells[c].kind], z, err);
    return s;
}

void snas_z_random(const struct snas_network *network, uint64_t seed, uint64_t index, double *z,
                   struct snas_genotype *g)
{
    struct choices c;
    struct snas_rng rng = snas_rng_make(seed, SNAS_STREAM_GENOTYPE, index);
    choices_init(&c);
    for (int kind = 0; kind < network->space->n_kinds; kind++) {
        const struct snas_cell_kind *k = &network->space->kinds[kind];
        int edges = snas_kind_edges(k);
        for (int e = 0; e < edges; e++)
            c.edge[kind][e] = (int)snas_rng_below(&rng, (uint32_t)k->n_ops);
    }
    choices_to_z(network, &c, z);
    snas_genotype_from_choice(network->space, (const int *const *)c.kind, g);
}

static void sample_genotype(const struct snas_method *m, uint64_t seed, uint64_t step, double *z,
                            struct snas_genotype *out)
{
    const struct snas_network *net = m->network;
    struct choices c;
    if (m->ops->sample_genotype) {
        m->ops->sample_genotype(m, seed, SNAS_STREAM_HARD, step, out);
        return;
    }
    choices_init(&c);
    for (int r = 0; r < m->n_rows; r++) /* of kinds that the network has no cell of */
        c.edge[m->rows[r].kind][m->rows[r].kind_edge] = argmax(m, r);
    m->ops->sample(m, seed, SNAS_STREAM_HARD, step, 1, z);
    for (int e = net->n_edges - 1; e >= 0; e--) /* the first cell of a kind comes last */
        for (int k = 0; k < net->edges[e].n_ops; k++)
            if (z[net->edges[e].z + k] != 0) {
                const struct snas_alpha_row *row = &m->rows[m->edge_row[e]];
                c.edge[row->kind][row->kind_edge] = k;
            }
    snas_genotype_from_choice(net->space, (const int *const *)c.kind, out);
}

enum snas_derive_rule snas_method_rule(const struct snas_method *m, enum snas_derive_rule rule)
{
    return rule == SNAS_DERIVE_AUTO ? m->ops->rule : rule;
}

int snas_method_decides(const struct snas_method *m, enum snas_derive_rule rule)
{
    return !m->ops->keeps_alpha && snas_method_rule(m, rule) != SNAS_DERIVE_BEST;
}

/* Numbers of the samples in SNAS_STREAM_HARD: an epoch's one, and the final ones, of which each may
 * be drawn again; below and between lie those of evaluations (train/epoch.c, train/finish.c). */
#define EPOCH_SAMPLE ((uint64_t)1 << 42)
#define FINAL_SAMPLE ((uint64_t)1 << 44)
#define ATTEMPTS 1000

enum snas_status snas_method_derive_epoch(const struct snas_method *m, enum snas_derive_rule rule,
                                          uint64_t seed, int epoch, double *z,
                                          struct snas_genotype *out, struct snas_err *err)
{
    switch (snas_method_rule(m, rule)) {
    case SNAS_DERIVE_TOP2:
        return derive_top2(m, out, err);
    case SNAS_DERIVE_BEST:
        sample_genotype(m, seed, EPOCH_SAMPLE + (uint64_t)epoch, z, out);
        return SNAS_OK;
    case SNAS_DERIVE_AUTO:
    case SNAS_DERIVE_ARGMAX:
        break;
    }
    snas_method_derive(m, out);
    return SNAS_OK;
}

struct candidate {
    struct snas_genotype genotype;
    double accuracy;
    int number;
};

/* The i-th candidate: connected and within the budget, if some tries find one so. */
static enum snas_status draw_candidate(const struct snas_method *m, uint64_t seed, int i, double *z,
                                       struct candidate *out, struct snas_err *err)
{
    enum snas_status s = SNAS_OK;
    int fits = 0;
    out->number = i;
    for (int t = 0; t < ATTEMPTS && !fits && s == SNAS_OK; t++) {
        double cost[SNAS_BUDGETS];
        int connected;
        sample_genotype(m, seed, FINAL_SAMPLE + (uint64_t)i * ATTEMPTS + (uint64_t)t, z,
                        &out->genotype);
        s = snas_budget_cost(m->network, m->budget ? &m->budget->table : NULL, &out->genotype, cost,
                             &connected, err);
        fits = connected && (!m->budget || snas_budget_fits(m->budget, cost));
    }
    return s;
}

static enum snas_status score(const struct snas_method *m, const struct snas_method_context *ctx,
                              int64_t images, double *z, struct candidate *c, struct snas_err *err)
{
    enum snas_status s = snas_z_from_genotype(m->network, &c->genotype, z, err);
    return s == SNAS_OK ? ctx->evaluate(ctx->owner, z, images, &c->accuracy, err) : s;
}

/* Keeps the `n` best seen so far, best first; of equals the earlier. */
static void keep(struct candidate *best, int n, int *have, const struct candidate *c)
{
    int at = *have;
    while (at > 0 && best[at - 1].accuracy < c->accuracy)
        at--;
    if (at >= n)
        return;
    int last = *have < n ? (*have)++ : n - 1;
    for (; last > at; last--)
        best[last] = best[last - 1];
    best[at] = *c;
}

static enum snas_status derive_best(const struct snas_method *m,
                                    const struct snas_method_context *ctx,
                                    const struct snas_derive_options *o, double *z,
                                    struct candidate *best, struct snas_genotype *out,
                                    struct snas_err *err)
{
    int have = 0, n = o->images ? o->rescored : 1;
    enum snas_status s = SNAS_OK;
    for (int i = 0; i < o->samples && s == SNAS_OK; i++) {
        struct candidate c;
        s = draw_candidate(m, ctx->seed, i, z, &c, err);
        if (s == SNAS_OK)
            s = score(m, ctx, o->images, z, &c, err);
        if (s == SNAS_OK)
            keep(best, n, &have, &c);
        if (o->progress)
            o->progress(o->arg, i + 1, o->samples);
    }
    int first = 0;
    for (int i = 0; i < have && n > 1 && s == SNAS_OK; i++) {
        s = score(m, ctx, 0, z, &best[i], err);
        if (best[i].accuracy > best[first].accuracy)
            first = i;
    }
    if (s == SNAS_OK)
        *out = best[first].genotype;
    return s;
}

enum snas_status snas_method_derive_final(const struct snas_method *m,
                                          const struct snas_method_context *ctx,
                                          const struct snas_derive_options *o,
                                          struct snas_genotype *out, struct snas_err *err)
{
    if (snas_method_rule(m, o->rule) != SNAS_DERIVE_BEST)
        return snas_method_derive_epoch(m, o->rule, ctx->seed, ctx->epoch, NULL, out, err);
    double *z = snas_alloc((size_t)m->network->n_z, sizeof(*z), err);
    struct candidate *best = z ? snas_alloc((size_t)o->rescored, sizeof(*best), err) : NULL;
    enum snas_status s = best ? derive_best(m, ctx, o, z, best, out, err) : SNAS_E_NOMEM;
    snas_free(best);
    snas_free(z);
    return s;
}

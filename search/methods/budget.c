#include "methods/budget.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "methods/concrete.h"
#include "methods/method.h"

const char *const snas_budget_names[SNAS_BUDGETS] = {"params", "madds", "latency_ms"};
const int snas_budget_decimals[SNAS_BUDGETS] = {0, 0, 4};

#define LAST_QUARTER 0.75

static void totals_to_cost(const struct snas_totals *t, double *cost)
{
    cost[SNAS_BUDGET_PARAMS] = (double)t->params;
    cost[SNAS_BUDGET_MADDS] = (double)t->madds;
}

static enum snas_status child_latency(const struct snas_network *supernet,
                                      const struct snas_cost_table *costs,
                                      const struct snas_network *child,
                                      const struct snas_alive *alive, double *ms,
                                      struct snas_err *err)
{
    double sum;
    if (!costs || !costs->column[SNAS_COST_LATENCY])
        return SNAS_OK;
    enum snas_status s =
        snas_cost_child_sum(supernet, costs, SNAS_COST_LATENCY, child, alive, &sum, err);
    if (s == SNAS_OK)
        *ms = snas_cost_latency(costs, sum);
    return s;
}

enum snas_status snas_budget_cost(const struct snas_network *supernet,
                                  const struct snas_cost_table *costs,
                                  const struct snas_genotype *g, double cost[SNAS_BUDGETS],
                                  int *connected, struct snas_err *err)
{
    struct snas_network *child;
    struct snas_alive alive;
    memset(cost, 0, SNAS_BUDGETS * sizeof(*cost));
    *connected = 0;
    enum snas_status s = snas_network_create(supernet->space, &supernet->options, g, &child, err);
    if (s != SNAS_OK)
        return s;
    s = snas_network_alive(child, &alive, err);
    if (s == SNAS_OK) {
        struct snas_totals totals;
        *connected = alive.connected;
        snas_network_totals(child, &alive, &totals);
        if (alive.connected) {
            totals_to_cost(&totals, cost);
            s = child_latency(supernet, costs, child, &alive, &cost[SNAS_BUDGET_LATENCY], err);
        }
        snas_alive_clear(&alive);
    }
    snas_network_destroy(child);
    return s;
}

/* Everything but the edges. */
static enum snas_status fixed_cost(const struct snas_network *net, double *cost,
                                   struct snas_err *err)
{
    struct snas_alive all = {.block = snas_alloc((size_t)net->n_blocks, 1, err),
                             .tensor = snas_alloc((size_t)net->n_tensors, 1, err)};
    struct snas_totals totals;
    if (!all.block || !all.tensor) {
        snas_alive_clear(&all);
        return SNAS_E_NOMEM;
    }
    memset(all.tensor, 1, (size_t)net->n_tensors);
    for (int b = 0; b < net->n_blocks; b++)
        all.block[b] = net->blocks[b].op < 0;
    snas_network_totals(net, &all, &totals);
    totals_to_cost(&totals, cost);
    snas_alive_clear(&all);
    return SNAS_OK;
}

/* The cheapest connected child. Pruning is monotone (an edge less never costs more) and a cost is a
 * sum over living blocks, so a cheapest one needs, in each kind of cell, at most one edge from
 * each input straight to one node that is read: nothing (the kind is skipped), one edge, or one
 * from each input. The last node is read under every output rule. All of these are tried, with
 * every op of an edge that is not dearer than another everywhere. A kind without a `none` has all
 * its edges, each with its cheapest op. */
struct floor {
    const struct snas_network *net;
    const struct snas_cost_table *table; /* of latencies */
    double *const *cost;                 /* [SNAS_BUDGETS] [n_z] */
    int which;
    int choice[SNAS_MAX_KINDS][SNAS_MAX_NODES * SNAS_MAX_SLOTS];
    double best;
    struct snas_err *err;
};

/* 1 when another op costs no more on this edge of any cell of the kind. */
static int dominated(const struct floor *f, int kind, int kind_edge, int op)
{
    const struct snas_network *net = f->net;
    const struct snas_cell_kind *k = &net->space->kinds[kind];
    for (int other = 0; other < k->n_ops; other++) {
        int cheaper = other != op && !net->space->ops[k->op[other]].zero, strictly = 0;
        for (int c = 0; c < net->n_cells && cheaper; c++) {
            const struct snas_cell *cell = &net->cells[c];
            if (cell->kind != kind)
                continue;
            const double *cost = f->cost[f->which] + net->edges[cell->first_edge + kind_edge].z;
            cheaper = cost[other] <= cost[op];
            strictly |= cost[other] < cost[op];
        }
        if (cheaper && (strictly || other < op))
            return 1;
    }
    return 0;
}

/* Position of the kind's `none`, or -1. */
static int none_of(const struct snas_space *space, int kind)
{
    for (int op = 0; op < space->kinds[kind].n_ops; op++)
        if (space->ops[space->kinds[kind].op[op]].zero)
            return op;
    return -1;
}

/* The op that costs least on this edge in all cells of the kind together. */
static int cheapest(const struct floor *f, int kind, int kind_edge)
{
    const struct snas_network *net = f->net;
    double sum[SNAS_MAX_OPS] = {0};
    int best = 0;
    for (int op = 0; op < net->space->kinds[kind].n_ops; op++) {
        for (int c = 0; c < net->n_cells; c++)
            if (net->cells[c].kind == kind)
                sum[op] +=
                    f->cost[f->which][net->edges[net->cells[c].first_edge + kind_edge].z + op];
        best = sum[op] < sum[best] ? op : best;
    }
    return best;
}

static enum snas_status try_kind(struct floor *f, int kind);

/* Input `slot` onwards of the kind's cheapest node. */
static enum snas_status try_input(struct floor *f, int kind, int slot)
{
    const struct snas_cell_kind *k = &f->net->space->kinds[kind];
    if (slot == k->inputs || none_of(f->net->space, kind) < 0)
        return try_kind(f, kind + 1);
    int edge = snas_kind_edge(k, slot, k->nodes - 1);
    enum snas_status s = SNAS_OK;
    for (int op = 0; op < k->n_ops && s == SNAS_OK; op++) {
        if (!f->net->space->ops[k->op[op]].zero && dominated(f, kind, edge, op))
            continue;
        f->choice[kind][edge] = op;
        s = try_input(f, kind, slot + 1);
    }
    return s;
}

static enum snas_status try_kind(struct floor *f, int kind)
{
    const struct snas_space *space = f->net->space;
    if (kind < space->n_kinds)
        return try_input(f, kind, 0);
    const int *choice[SNAS_MAX_KINDS];
    struct snas_genotype g;
    double cost[SNAS_BUDGETS];
    int connected;
    for (int i = 0; i < SNAS_MAX_KINDS; i++)
        choice[i] = f->choice[i];
    snas_genotype_from_choice(space, choice, &g);
    enum snas_status s = snas_budget_cost(f->net, f->table, &g, cost, &connected, f->err);
    if (s == SNAS_OK && connected)
        f->best = fmin(f->best, cost[f->which]);
    return s;
}

static enum snas_status find_floor(struct snas_budget *b, int which, struct snas_err *err)
{
    struct floor f = {
        .net = b->network, .table = &b->table, .cost = b->cost, .which = which, .best = INFINITY};
    const struct snas_space *space = b->network->space;
    f.err = err;
    for (int kind = 0; kind < space->n_kinds; kind++) {
        int none = none_of(space, kind);
        for (int e = 0; e < snas_kind_edges(&space->kinds[kind]); e++)
            f.choice[kind][e] = none >= 0 ? none : cheapest(&f, kind, e);
    }
    enum snas_status s = try_kind(&f, 0);
    b->floor[which] = f.best;
    if (s == SNAS_OK && b->options.limit[which] < f.best)
        s = snas_fail(err, SNAS_E_CONFIG,
                      "budget.%s %.*f cannot be met: the cheapest connected child of this space at "
                      "this size has %.*f",
                      snas_budget_names[which], snas_budget_decimals[which],
                      b->options.limit[which], snas_budget_decimals[which], f.best);
    return s;
}

/* What a decision costs: for a latency the table's slope times the row. */
static enum snas_status fill_column(struct snas_budget *b, int which,
                                    const struct snas_cost_table *costs, struct snas_err *err)
{
    static const enum snas_cost_column columns[SNAS_BUDGETS] = {
        SNAS_COST_PARAMS, SNAS_COST_MADDS_CONV, SNAS_COST_LATENCY};
    const double *column = costs->column[columns[which]];
    double scale = 1;
    if (!column)
        return snas_fail(err, SNAS_E_CONFIG,
                         "budget.%s needs a table of measured latencies: costs.table FILE "
                         "(snas-cost measure makes one)",
                         snas_budget_names[which]);
    if (which == SNAS_BUDGET_LATENCY) {
        b->table.n_z = costs->n_z;
        b->table.fit = costs->fit;
        if (snas_cost_table_add(&b->table, SNAS_COST_LATENCY, err) != SNAS_OK)
            return SNAS_E_NOMEM;
        memcpy(b->table.column[SNAS_COST_LATENCY], column, (size_t)costs->n_z * sizeof(double));
        b->fixed[which] = snas_cost_latency(costs, 0);
        scale = snas_cost_latency(costs, 1) - b->fixed[which];
    }
    for (int i = 0; i < costs->n_z; i++)
        b->cost[which][i] = scale * column[i];
    return SNAS_OK;
}

enum snas_status snas_budget_init(struct snas_budget *b, const struct snas_network *network,
                                  const struct snas_cost_table *costs,
                                  const struct snas_budget_options *options, struct snas_err *err)
{
    memset(b, 0, sizeof(*b));
    b->options = *options;
    b->network = network;
    if (!snas_budget_active(b))
        return SNAS_OK;
    enum snas_status s = fixed_cost(network, b->fixed, err);
    for (int i = 0; i < SNAS_BUDGETS && s == SNAS_OK; i++) {
        if (options->limit[i] <= 0)
            continue;
        size_t n = (size_t)network->n_z;
        b->cost[i] = snas_alloc(n, sizeof(double), err);
        if (!b->cost[i]) {
            s = SNAS_E_NOMEM;
            break;
        }
        s = fill_column(b, i, costs, err);
        if (s == SNAS_OK)
            s = find_floor(b, i, err);
    }
    if (s != SNAS_OK)
        snas_budget_clear(b);
    return s;
}

void snas_budget_clear(struct snas_budget *b)
{
    for (int i = 0; i < SNAS_BUDGETS; i++) {
        snas_free(b->cost[i]);
        b->cost[i] = NULL;
    }
    snas_cost_table_clear(&b->table);
}

int snas_budget_active(const struct snas_budget *b)
{
    for (int i = 0; i < SNAS_BUDGETS; i++)
        if (b->options.limit[i] > 0)
            return 1;
    return 0;
}

int snas_budget_fits(const struct snas_budget *b, const double cost[SNAS_BUDGETS])
{
    for (int i = 0; i < SNAS_BUDGETS; i++)
        if (b->options.limit[i] > 0 && cost[i] > b->options.limit[i])
            return 0;
    return 1;
}

static double pressure(const struct snas_budget *b, int i)
{
    double p = b->state.multiplier[i] + b->options.damping * b->state.violation[i];
    return b->state.pushed[i] > 0 ? p : fmax(0, p);
}

double snas_budget_gradient(const struct snas_budget *b, const struct snas_method *m,
                            double *dalpha)
{
    double value = 0;
    for (int i = 0; i < SNAS_BUDGETS; i++) {
        if (!b->cost[i])
            continue;
        double mu = pressure(b, i);
        value += mu * b->state.violation[i];
        for (int e = 0; mu != 0 && e < b->network->n_edges; e++) {
            const struct snas_alpha_row *row = &m->rows[m->edge_row[e]];
            const double *cost = b->cost[i] + b->network->edges[e].z;
            double p[SNAS_MAX_OPS], d[SNAS_MAX_OPS];
            snas_softmax(m->alpha + row->first, row->n_ops, p);
            for (int k = 0; k < row->n_ops; k++)
                d[k] = mu * cost[k] / b->options.limit[i];
            snas_concrete_backward(p, d, row->n_ops, 1, dalpha + row->first);
        }
    }
    return value;
}

static void expect(struct snas_budget *b, const struct snas_method *m)
{
    for (int i = 0; i < SNAS_BUDGETS; i++) {
        b->state.expected[i] = b->fixed[i];
        for (int e = 0; b->cost[i] && e < b->network->n_edges; e++) {
            const struct snas_edge *edge = &b->network->edges[e];
            double p[SNAS_MAX_OPS];
            snas_softmax(m->alpha + m->rows[m->edge_row[e]].first, edge->n_ops, p);
            for (int k = 0; k < edge->n_ops; k++)
                b->state.expected[i] += p[k] * b->cost[i][edge->z + k];
        }
    }
}

/* The argmax child changes seldom; its network is described only then. */
static enum snas_status count_child(struct snas_budget *b, const struct snas_method *m,
                                    struct snas_err *err)
{
    struct snas_genotype g;
    int connected;
    snas_method_derive(m, &g);
    if (b->known && snas_genotype_equal(&g, &b->genotype))
        return SNAS_OK;
    b->genotype = g;
    b->known = 1;
    return snas_budget_cost(b->network, &b->table, &g, b->state.child, &connected, err);
}

static int argmax(const double *x, int n)
{
    int best = 0;
    for (int k = 1; k < n; k++)
        best = x[k] > x[best] ? k : best;
    return best;
}

/* One decision for every edge of every kind of cell, and what the child has of the limit that it
 * comes nearest to; 0: it is disconnected. */
struct decisions {
    int op[SNAS_MAX_KINDS][SNAS_MAX_NODES * SNAS_MAX_SLOTS];
    double used;
};

static enum snas_status count_decisions(const struct snas_budget *b, struct decisions *d,
                                        struct snas_err *err)
{
    const int *kind[SNAS_MAX_KINDS];
    struct snas_genotype g;
    double cost[SNAS_BUDGETS];
    int connected;
    for (int k = 0; k < SNAS_MAX_KINDS; k++)
        kind[k] = d->op[k];
    snas_genotype_from_choice(b->network->space, kind, &g);
    d->used = 0;
    enum snas_status s = snas_budget_cost(b->network, &b->table, &g, cost, &connected, err);
    for (int i = 0; s == SNAS_OK && connected && i < SNAS_BUDGETS; i++)
        if (b->options.limit[i] > 0)
            d->used = fmax(d->used, cost[i] / b->options.limit[i]);
    return s;
}

/* Whether one decision may take the child from `was` to `now`: not over the limit again, nor, where
 * the budget has pushed, below what it shall use or uses. */
static int may_become(const struct snas_budget *b, double was, double now)
{
    double pushed = 0, least = 0;
    for (int i = 0; i < SNAS_BUDGETS; i++)
        pushed = fmax(pushed, b->state.pushed[i]);
    if (pushed > 0)
        least = fmin(was, b->options.target);
    return was > 1 ? now > 0 : now <= 1 && now >= least;
}

/* Gives a row the strongest of the ops that lead its decision and are allowed to take it; those
 * that are not may come no further than that one. */
static enum snas_status decide(const struct snas_budget *b, struct snas_method *m, int r,
                               struct decisions *d, struct snas_err *err)
{
    const struct snas_alpha_row *row = &m->rows[r];
    double *alpha = m->alpha + row->first, left[SNAS_MAX_OPS];
    int *op = &d->op[row->kind][row->kind_edge], was = *op, settled = 0;
    const double used = d->used;
    memcpy(left, alpha, (size_t)row->n_ops * sizeof(*left));
    enum snas_status s = SNAS_OK;
    while (s == SNAS_OK && !settled) {
        *op = argmax(left, row->n_ops);
        left[*op] = -INFINITY;
        if (*op != was)
            s = count_decisions(b, d, err);
        settled = *op == was || may_become(b, used, d->used);
    }
    if (*op == was)
        d->used = used;
    for (int k; (k = argmax(alpha, row->n_ops)) != *op;)
        alpha[k] = nextafter(alpha[*op], -INFINITY);
    return s;
}

/* The step's changes of decisions, one after the other in the order of the rows. */
static enum snas_status decide_all(const struct snas_budget *b, struct snas_method *m,
                                   const double *before, struct snas_err *err)
{
    struct decisions d;
    int changed = 0;
    for (int r = 0; r < m->n_rows; r++) {
        const struct snas_alpha_row *row = &m->rows[r];
        int op = argmax(before + row->first, row->n_ops);
        d.op[row->kind][row->kind_edge] = op;
        changed |= op != argmax(m->alpha + row->first, row->n_ops);
    }
    enum snas_status s = changed ? count_decisions(b, &d, err) : SNAS_OK;
    for (int r = 0; changed && r < m->n_rows && s == SNAS_OK; r++)
        s = decide(b, m, r, &d, err);
    return s;
}

enum snas_status snas_budget_update(struct snas_budget *b, struct snas_method *m,
                                    const double *before, double progress, int64_t steps,
                                    struct snas_err *err)
{
    double entropy, margin, undecided;
    enum snas_status s = progress > LAST_QUARTER ? decide_all(b, m, before, err) : SNAS_OK;
    if (s == SNAS_OK)
        s = count_child(b, m, err);
    if (s != SNAS_OK)
        return s;
    expect(b, m);
    snas_method_overall(m, &entropy, &margin, &undecided);
    double hard = fmax(1 - undecided, fmin(1, fmax(0, 4 * progress - 2)));
    /* what is left of the run must do: the gain grows as it gets short */
    double gain = b->options.rate / (double)steps / fmax(0.1, 1 - progress);
    for (int i = 0; i < SNAS_BUDGETS; i++) {
        if (!b->cost[i])
            continue;
        double cost = (1 - hard) * b->state.expected[i] + hard * b->state.child[i];
        double v = cost / (b->options.target * b->options.limit[i]) - 1;
        v = fmin(1, fmax(-1, v));
        if (progress > LAST_QUARTER && cost <= b->options.limit[i])
            v = fmin(0, v); /* it cannot go back over the limit */
        b->state.pushed[i] += pressure(b, i) / (double)steps;
        b->state.violation[i] = v;
        /* back to 0 faster than away from it: what the way to the limit has piled up would carry
         * the child far beyond */
        double lambda = b->state.multiplier[i];
        lambda += (lambda * v < 0 ? 4 : 1) * gain * v;
        b->state.multiplier[i] = b->state.pushed[i] > 0 ? lambda : fmax(0, lambda);
    }
    return SNAS_OK;
}

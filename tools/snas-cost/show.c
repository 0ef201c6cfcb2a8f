/* snas-cost show: the table of a configuration, for a reader and for programs. */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "snas-cost/cost.h"

/* Edges that cost the same: of one kind of cell, channels, side and stride. */
struct group {
    const struct snas_cell *cell;
    const struct snas_edge *edge; /* the first of them */
    int edges, first_cell, last_cell;
};

static struct snas_shape side_of(const struct snas_network *net, const struct snas_edge *e)
{
    return net->blocks[e->first_block].out_shape;
}

static int belongs(const struct snas_network *net, const struct group *g,
                   const struct snas_cell *cell, const struct snas_edge *e)
{
    struct snas_shape a = side_of(net, g->edge), b = side_of(net, e);
    struct snas_shape in = net->blocks[g->edge->first_block].in_shape;
    struct snas_shape of = net->blocks[e->first_block].in_shape;
    return g->cell->kind == cell->kind && g->cell->channels == cell->channels && a.h == b.h &&
           a.w == b.w && g->edge->stride == e->stride && in.h == of.h && in.w == of.w;
}

/* groups [n_edges]; how many there are. */
static int make_groups(const struct snas_network *net, struct group *groups)
{
    int n = 0;
    for (int c = 0; c < net->n_cells; c++)
        for (int i = 0; i < net->cells[c].n_edges; i++) {
            const struct snas_cell *cell = &net->cells[c];
            const struct snas_edge *e = &net->edges[cell->first_edge + i];
            int g = 0;
            while (g < n && !belongs(net, &groups[g], cell, e))
                g++;
            if (g == n)
                groups[n++] = (struct group){.cell = cell, .edge = e, .first_cell = c};
            groups[g].edges++;
            groups[g].last_cell = c;
        }
    return n;
}

static void entry(const struct snas_cost_table *table, int z, double *cost)
{
    for (int c = 0; c < SNAS_COST_COLUMNS; c++)
        cost[c] = table->column[c] ? table->column[c][z] : 0;
}

static const char *op_of(const struct snas_network *net, const struct snas_cell *cell, int k)
{
    return net->space->ops[net->space->kinds[cell->kind].op[k]].name;
}

static void add_group(const struct subject *s, const struct snas_cost_table *table,
                      const struct group *g, struct snas_text *t)
{
    const struct snas_network *net = s->net;
    struct snas_shape side = side_of(net, g->edge);
    int measured = table->column[SNAS_COST_LATENCY] != NULL;
    snas_text_add(t, "\n%s cell%s %d", net->space->kinds[g->cell->kind].name,
                  g->first_cell == g->last_cell ? "" : "s", g->first_cell);
    if (g->last_cell != g->first_cell)
        snas_text_add(t, " to %d", g->last_cell);
    snas_text_add(t, ", %d edges of stride %d: C = %d, %d x %d behind them\n", g->edges,
                  g->edge->stride, g->cell->channels, side.h, side.w);
    snas_text_add(t, "  %-14s %9s %11s %11s %11s %10s %10s %9s %7s%s\n", "", "params", "madds",
                  "conv+linear", "+ BN, ReLU", "mac", "peak bytes", "linear", "log",
                  measured ? "     median        min        p90" : "");
    for (int k = 0; k < g->edge->n_ops; k++) {
        double cost[SNAS_COST_COLUMNS];
        entry(table, g->edge->z + k, cost);
        snas_text_add(t, "  %-14s %9.0f %11.0f %11.0f %11.0f %10.0f %10.0f %9.2f %7.3f",
                      op_of(net, g->cell, k), cost[SNAS_COST_PARAMS], cost[SNAS_COST_MADDS],
                      cost[SNAS_COST_MADDS_CONV], cost[SNAS_COST_MADDS_ALL], cost[SNAS_COST_MAC],
                      cost[SNAS_COST_PEAK_BYTES], snas_cost_linear_form(cost),
                      snas_cost_log_form(cost));
        if (measured)
            snas_text_add(t, " %7.4f ms %7.4f ms %7.4f ms", cost[SNAS_COST_LATENCY],
                          cost[SNAS_COST_LATENCY_MIN], cost[SNAS_COST_LATENCY_P90]);
        snas_text_add(t, "\n");
    }
}

/* The log form of every edge at uniform alpha: mean over the normal cells, over the reductions. */
static void add_uniform(const struct snas_network *net, const struct snas_cost_table *table,
                        struct snas_text *t)
{
    double sum[2] = {0, 0};
    int cells[2] = {0, 0};
    for (int c = 0; c < net->n_cells; c++) {
        const struct snas_cell *cell = &net->cells[c];
        cells[cell->reduction]++;
        for (int i = 0; i < cell->n_edges; i++) {
            const struct snas_edge *e = &net->edges[cell->first_edge + i];
            double mean[SNAS_COST_COLUMNS] = {0}, cost[SNAS_COST_COLUMNS];
            for (int k = 0; k < e->n_ops; k++) {
                entry(table, e->z + k, cost);
                for (int column = 0; column < SNAS_COST_COLUMNS; column++)
                    mean[column] += cost[column] / e->n_ops;
            }
            sum[cell->reduction] += snas_cost_log_form(mean);
        }
    }
    snas_text_add(t,
                  "\nat uniform alpha the authors' log form is %.6f over the normal and %.6f over "
                  "the reduction cells;\nthe mean of a cell %.6f + %.6f\n",
                  sum[0], sum[1], cells[0] ? sum[0] / cells[0] : 0,
                  cells[1] ? sum[1] / cells[1] : 0);
}

static enum snas_status format_text(const struct subject *s, const struct snas_cost_table *table,
                                    char **text, struct snas_err *err)
{
    const struct snas_network *net = s->net;
    const struct snas_network_options *o = &net->options;
    struct group *groups = snas_alloc((size_t)net->n_edges, sizeof *groups, err);
    struct snas_text t = {0};
    if (!groups)
        return SNAS_E_NOMEM;
    snas_text_add(
        &t,
        "%s: space %s, %d cells, C = %d, input %dx%dx%d; %d edges with %d candidate ops\n"
        "params and mac (values read and written) count convolutions, as the authors do;\n"
        "madds also pools (k*k). conv+linear and + BN (2), ReLU (1), pools are the two\n"
        "conventions of papers. peak bytes: read and written by an op's largest layer.\n"
        "linear and log: the authors' combined cost of an edge that is this op.\n",
        s->config, net->space->name, o->layers, o->channels, o->input.c, o->input.h, o->input.w,
        net->n_edges, net->n_z);
    if (table->source.runtime[0])
        snas_text_add(&t, "latency of one image: %s on %s, %d threads, %s\n", table->source.runtime,
                      table->source.device, table->source.threads, table->source.date);
    if (table->fit.networks)
        snas_text_add(
            &t,
            "a whole network: %.4f ms + %.4f x sum of rows; on %d networks %.1f%% off, at "
            "worst %.1f%%, rank correlation %.3f\n",
            table->fit.a_ms, table->fit.b, table->fit.networks, 100 * table->fit.mean_error,
            100 * table->fit.worst_error, table->fit.spearman);
    int n = make_groups(net, groups);
    for (int g = 0; g < n; g++)
        add_group(s, table, &groups[g], &t);
    add_uniform(net, table, &t);
    snas_free(groups);
    return snas_text_take(&t, text, err);
}

/* A line per entry of z: CSV, or the objects of a JSON list. */
static enum snas_status format_entries(const struct subject *s, const struct snas_cost_table *table,
                                       int json, char **text, struct snas_err *err)
{
    const struct snas_network *net = s->net;
    struct snas_text t = {0};
    snas_text_add(&t, json ? "[\n" : "cell,kind,node,from,op,channels,height,width,stride");
    for (int c = 0; c < SNAS_COST_COLUMNS && !json; c++)
        if (table->column[c])
            snas_text_add(&t, ",%s", snas_cost_columns[c].name);
    if (!json)
        snas_text_add(&t, ",linear,log\n");
    for (int c = 0; c < net->n_cells; c++)
        for (int i = 0; i < net->cells[c].n_edges; i++) {
            const struct snas_cell *cell = &net->cells[c];
            const struct snas_edge *e = &net->edges[cell->first_edge + i];
            struct snas_shape side = side_of(net, e);
            for (int k = 0; k < e->n_ops; k++) {
                double cost[SNAS_COST_COLUMNS];
                entry(table, e->z + k, cost);
                snas_text_add(&t,
                              json ? "  {\"cell\": %d, \"kind\": \"%s\", \"node\": %d, \"from\": "
                                     "%d, \"op\": \"%s\", \"channels\": %d, \"height\": %d, "
                                     "\"width\": %d, \"stride\": %d"
                                   : "%d,%s,%d,%d,%s,%d,%d,%d,%d",
                              c, net->space->kinds[cell->kind].name, e->to, e->from,
                              op_of(net, cell, k), cell->channels, side.h, side.w, e->stride);
                for (int col = 0; col < SNAS_COST_COLUMNS; col++) {
                    if (table->column[col] && json)
                        snas_text_add(&t, ", \"%s\": %.9g", snas_cost_columns[col].name, cost[col]);
                    else if (table->column[col])
                        snas_text_add(&t, ",%.9g", cost[col]);
                }
                snas_text_add(&t,
                              json ? ", \"linear\": %.9g, \"log\": %.9g}%s\n" : ",%.9g,%.9g%s\n",
                              snas_cost_linear_form(cost), snas_cost_log_form(cost),
                              json && e->z + k + 1 < net->n_z ? "," : "");
            }
        }
    if (json)
        snas_text_add(&t, "]\n");
    return snas_text_take(&t, text, err);
}

enum snas_status cost_show(const struct subject *s, struct snas_err *err)
{
    struct snas_cost_table table = {0};
    char *text = NULL;
    enum snas_status status = args.table ? snas_cost_table_read(args.table, s->net, &table, err)
                                         : snas_cost_table_create(s->net, &table, err);
    if (status == SNAS_OK && args.yaml)
        status = snas_cost_table_format(s->net, &table, &text, err);
    else if (status == SNAS_OK && (args.csv || args.json))
        status = format_entries(s, &table, args.json, &text, err);
    else if (status == SNAS_OK)
        status = format_text(s, &table, &text, err);
    if (status == SNAS_OK)
        status = cost_write(text, strlen(text), err);
    snas_free(text);
    snas_cost_table_clear(&table);
    return status;
}

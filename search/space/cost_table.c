#include "space/cost_table.h"

#include <string.h>

#include "base/mem.h"

enum snas_status snas_cost_table_add(struct snas_cost_table *table, enum snas_cost_column c,
                                     struct snas_err *err)
{
    if (!table->column[c])
        table->column[c] = snas_alloc((size_t)table->n_z, sizeof(double), err);
    return table->column[c] ? SNAS_OK : SNAS_E_NOMEM;
}

enum snas_status snas_cost_table_create(const struct snas_network *net, struct snas_cost_table *out,
                                        struct snas_err *err)
{
    memset(out, 0, sizeof *out);
    out->n_z = net->n_z;
    for (int c = 0; c < SNAS_COST_COLUMNS; c++)
        if (!snas_cost_columns[c].measured && snas_cost_table_add(out, c, err) != SNAS_OK) {
            snas_cost_table_clear(out);
            return SNAS_E_NOMEM;
        }
    for (int e = 0; e < net->n_edges; e++)
        for (int k = 0; k < net->edges[e].n_ops; k++) {
            double cost[SNAS_COST_COLUMNS];
            snas_cost_block(net, net->edges[e].first_block + k, cost);
            for (int c = 0; c < SNAS_COST_COLUMNS; c++)
                if (out->column[c])
                    out->column[c][net->edges[e].z + k] = cost[c];
        }
    return SNAS_OK;
}

double snas_cost_latency(const struct snas_cost_table *table, double sum)
{
    return table->fit.networks ? table->fit.a_ms + table->fit.b * sum : sum;
}

void snas_cost_table_clear(struct snas_cost_table *table)
{
    for (int c = 0; c < SNAS_COST_COLUMNS; c++)
        snas_free(table->column[c]);
    memset(table, 0, sizeof *table);
}

const double *snas_cost_edge(const struct snas_cost_table *table, const struct snas_network *net,
                             enum snas_cost_column c, int cell, int edge)
{
    if (cell < 0 || cell >= net->n_cells || edge < 0 || edge >= net->cells[cell].n_edges)
        SNAS_BUG("no edge %d of cell %d", edge, cell);
    const double *column = table->column[c];
    return column ? column + net->edges[net->cells[cell].first_edge + edge].z : NULL;
}

/* The entry of z that an edge of a child is. */
static int find_z(const struct snas_network *net, const struct snas_cell *cell,
                  const struct snas_edge *edge, int op)
{
    const struct snas_cell_kind *kind = &net->space->kinds[cell->kind];
    int at = snas_kind_edge(kind, edge->from, edge->to);
    for (int k = 0; at >= 0 && k < kind->n_ops; k++)
        if (kind->op[k] == op)
            return net->edges[cell->first_edge + at].z + k;
    return -1;
}

enum snas_status snas_cost_child_sum(const struct snas_network *net,
                                     const struct snas_cost_table *table,
                                     enum snas_cost_column column, const struct snas_network *child,
                                     const struct snas_alive *alive, double *sum,
                                     struct snas_err *err)
{
    *sum = 0;
    for (int c = 0; c < child->n_cells; c++)
        for (int i = 0; i < child->cells[c].n_edges; i++) {
            const struct snas_edge *edge = &child->edges[child->cells[c].first_edge + i];
            if (alive && !alive->block[edge->first_block])
                continue;
            int op = child->blocks[edge->first_block].op;
            int z = find_z(net, &net->cells[c], edge, op);
            if (z < 0)
                return snas_fail(err, SNAS_E_UNSUPPORTED,
                                 "the table has no %s from %d to node %d of cell %d",
                                 child->space->ops[op].name, edge->from, edge->to, c);
            *sum += table->column[column][z];
        }
    return SNAS_OK;
}

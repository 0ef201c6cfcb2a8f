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

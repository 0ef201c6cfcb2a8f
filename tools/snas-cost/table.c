#include "snas-cost/table.h"

#include <string.h>

enum snas_status table_set_latency(const struct snas_network *net, const struct snas_micro_set *set,
                                   double (*latency)[4], struct snas_cost_table *table,
                                   struct snas_err *err)
{
    static const enum snas_cost_column columns[4] = {SNAS_COST_LATENCY_MIN, SNAS_COST_LATENCY,
                                                     SNAS_COST_LATENCY_P90, SNAS_COST_RUNS};
    for (int c = 0; c < 4; c++) {
        enum snas_status s = snas_cost_table_add(table, columns[c], err);
        if (s != SNAS_OK)
            return s;
        for (int z = 0; z < net->n_z; z++)
            table->column[columns[c]][z] = set->of_z[z] < 0 ? 0 : latency[set->of_z[z]][c];
    }
    return SNAS_OK;
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

enum snas_status table_child_sum(const struct snas_network *net,
                                 const struct snas_cost_table *table, enum snas_cost_column column,
                                 const struct snas_network *child, const struct snas_alive *alive,
                                 double *sum, struct snas_err *err)
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

#include "methods/penalty.h"

#include <string.h>

void snas_penalty_uniform(const struct snas_network *network, const struct snas_cost_table *costs,
                          double *uniform)
{
    for (int c = 0; c < SNAS_COST_COLUMNS; c++) {
        uniform[c] = 0;
        for (int e = 0; costs->column[c] && e < network->n_edges; e++) {
            const struct snas_edge *edge = &network->edges[e];
            for (int k = 0; k < edge->n_ops; k++)
                uniform[c] += costs->column[c][edge->z + k] / edge->n_ops;
        }
    }
}

enum snas_status snas_penalty_charges(const struct snas_network *network,
                                      const struct snas_cost_table *costs,
                                      const struct snas_penalty_options *options, double *charge,
                                      struct snas_err *err)
{
    memset(charge, 0, (size_t)network->n_z * sizeof(*charge));
    if (options->strength == 0)
        return SNAS_OK;
    double uniform[SNAS_COST_COLUMNS], shares = 0;
    snas_penalty_uniform(network, costs, uniform);
    for (int c = 0; c < SNAS_COST_COLUMNS; c++) {
        shares += options->share[c];
        if (options->share[c] > 0 && uniform[c] <= 0)
            return snas_fail(
                err, SNAS_E_CONFIG,
                "penalty on %s: no op of this space costs any, so it cannot be weighed",
                snas_cost_columns[c].name);
    }
    if (shares <= 0)
        return snas_fail(err, SNAS_E_CONFIG,
                         "penalty strength %g, but the shares of params, madds and mac are all 0",
                         options->strength);
    for (int c = 0; c < SNAS_COST_COLUMNS; c++) {
        if (options->share[c] <= 0)
            continue;
        double factor = options->strength * options->share[c] / shares / uniform[c];
        for (int i = 0; i < network->n_z; i++)
            charge[i] += factor * costs->column[c][i];
    }
    return SNAS_OK;
}

double snas_penalty_authors(const struct snas_network *network, const struct snas_cost_table *costs)
{
    double sum[2] = {0, 0};
    int cells[2] = {0, 0};
    for (int i = 0; i < network->n_cells; i++) {
        const struct snas_cell *cell = &network->cells[i];
        int which = cell->reduction != 0;
        cells[which]++;
        for (int e = cell->first_edge; e < cell->first_edge + cell->n_edges; e++) {
            const struct snas_edge *edge = &network->edges[e];
            for (int z = edge->z; z < edge->z + edge->n_ops; z++)
                sum[which] += 0.43 *
                              (2 * costs->column[SNAS_COST_PARAMS][z] +
                               costs->column[SNAS_COST_MADDS][z] / 4000 +
                               costs->column[SNAS_COST_MAC][z] / 100) /
                              edge->n_ops;
        }
    }
    double total = 0;
    for (int which = 0; which < 2; which++)
        if (cells[which])
            total += sum[which] / cells[which];
    return total;
}

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

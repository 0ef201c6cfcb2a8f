#ifndef SNAS_COST_TABLE_H
#define SNAS_COST_TABLE_H

#include "export/micro.h"
#include "space/cost_table.h"

/* Latency of every micro-network -> the columns of the table. latency[i]: minimum, median, 90% in
 * milliseconds, number of runs. */
enum snas_status table_set_latency(const struct snas_network *net, const struct snas_micro_set *set,
                                   double (*latency)[4], struct snas_cost_table *table,
                                   struct snas_err *err);

/* Sum of a column over the edges of a child of the network that exact pruning leaves. A genotype
 * with an op that the kind's list lacks is an error. `alive` may be NULL: all. */
enum snas_status table_child_sum(const struct snas_network *net,
                                 const struct snas_cost_table *table, enum snas_cost_column column,
                                 const struct snas_network *child, const struct snas_alive *alive,
                                 double *sum, struct snas_err *err);

#endif

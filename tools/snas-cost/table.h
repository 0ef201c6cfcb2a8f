#ifndef SNAS_COST_TABLE_H
#define SNAS_COST_TABLE_H

#include "export/micro.h"
#include "space/cost_table.h"

/* Latency of every micro-network -> the columns of the table. latency[i]: minimum, median, 90% in
 * milliseconds, number of runs. */
enum snas_status table_set_latency(const struct snas_network *net, const struct snas_micro_set *set,
                                   double (*latency)[4], struct snas_cost_table *table,
                                   struct snas_err *err);

#endif

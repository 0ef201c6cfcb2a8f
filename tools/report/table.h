#ifndef SNAS_REPORT_TABLE_H
#define SNAS_REPORT_TABLE_H

#include <stdio.h>

#include "report/comparison.h"

/* A comparison written out: runs, means over seeds, differences to the first group. The callers'
 * stream keeps the errors of writing. CSV has a row per run and no means. */
void snas_table_text(const struct snas_comparison *c, FILE *out);
void snas_table_markdown(const struct snas_comparison *c, FILE *out);
void snas_table_csv(const struct snas_comparison *c, FILE *out);
enum snas_status snas_table_json(const struct snas_comparison *c, FILE *out, struct snas_err *err);

#endif

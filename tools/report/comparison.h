#ifndef SNAS_REPORT_COMPARISON_H
#define SNAS_REPORT_COMPARISON_H

#include "report/latency.h"
#include "report/record.h"

/* Runs side by side. Runs of one configuration with other seeds are a group. */

struct snas_comparison_entry {
    struct snas_record record;
    int group;
    int timed; /* 1: latency is that of the run's child */
    struct snas_latency latency;
};
struct snas_comparison {
    int n, n_groups;
    struct snas_comparison_entry *entries; /* [n], by group, then by seed */
};

/* What a column shows: a number, and how it is written. */
enum snas_column_format { SNAS_COLUMN_WHOLE, SNAS_COLUMN_PERCENT, SNAS_COLUMN_REAL };
struct snas_comparison_column {
    const char *key, *title; /* of CSV and JSON; of tables */
    enum snas_column_format format;
    double (*of)(const struct snas_comparison_entry *entry); /* NaN: nothing to show */
};
extern const struct snas_comparison_column snas_comparison_columns[];
extern const int snas_comparison_n_columns;
int snas_comparison_column(const char *key); /* index or -1 */

/* Reads all runs; errors of several are told together. Caller clears. */
enum snas_status snas_comparison_read(char *const *dirs, int n, struct snas_comparison *out,
                                      struct snas_err *err);
/* How the latencies were measured, a line per way that there is: *ways of them; NULL when none was
 * measured (*ways 0) or no memory. More than one: the figures cannot be compared, and it says so.
 * Caller frees with snas_free. */
char *snas_comparison_protocols(const struct snas_comparison *c, int *ways);
void snas_comparison_clear(struct snas_comparison *c);
/* "mnist, snas, penalty 0.3": what a group's runs have in common; with the first one's directory
 * where another group would be called the same. */
void snas_comparison_label(const struct snas_comparison *c, int group, char *text, size_t size);

/* Of a column over a group; n: runs that have a value. */
struct snas_moments {
    int n;
    double mean, sd; /* sd of a sample (n - 1); NaN below two */
};
/* Of n values; those that are NaN are left out. */
struct snas_moments snas_moments_of(const double *values, int n);
struct snas_moments snas_comparison_moments(const struct snas_comparison *c, int group, int column);
/* Of the differences to group 0, over the seeds that both have. */
struct snas_moments snas_comparison_paired(const struct snas_comparison *c, int group, int column);

#endif

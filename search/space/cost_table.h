#ifndef SNAS_SPACE_COST_TABLE_H
#define SNAS_SPACE_COST_TABLE_H

#include "space/cost.h"

/* Per-edge costs of a supernet: an entry per cell position, edge and op, laid out as z is.
 *
 * A penalty reads table->column[c][net->edges[e].z + k], or asks for the entries of one edge of one
 * cell with snas_cost_edge. A column that the table does not have is NULL: the measured ones in a
 * table that was not read from a measured file. snas_cost_table_create computes what the layers
 * tell; snas_cost_table_read takes a file of `snas-cost measure` or `snas-cost import`
 * (docs/costs.md) and refuses one that does not belong to the network. */

/* Where the measured columns come from; all empty when nothing was measured. */
struct snas_cost_source {
    char runtime[96]; /* "ONNX Runtime 1.30.0", "the engine (avx512)", or an import's name */
    char device[96];  /* "AMD EPYC 9R45" */
    int threads;      /* 0: not known */
    int opset;        /* of the models that were run; 0: none were */
    char date[16];    /* "2026-11-24" */
};

/* How a whole network's latency follows from the sum of its rows, as `snas-cost check` found on
 * `networks` of them (0: not checked). The errors are of networks left out of the fit. */
struct snas_cost_fit {
    int networks;
    double a_ms, b; /* latency = a + b * sum, milliseconds */
    double mean_error, worst_error, spearman;
};

struct snas_cost_table {
    int n_z;
    double *column[SNAS_COST_COLUMNS]; /* [n_z], owned; NULL: not in this table */
    struct snas_cost_source source;
    struct snas_cost_fit fit;
};

/* Milliseconds of a whole network whose rows' latencies add to `sum`; `sum` itself in a table that
 * was not checked. */
double snas_cost_latency(const struct snas_cost_table *table, double sum);

/* Sum of a column over the edges of a child of the network `net` whose table this is; with `alive`
 * (may be NULL: all) over those that exact pruning leaves. SNAS_E_UNSUPPORTED: a genotype with an
 * op that the kind's list lacks. */
enum snas_status snas_cost_child_sum(const struct snas_network *net,
                                     const struct snas_cost_table *table,
                                     enum snas_cost_column column, const struct snas_network *child,
                                     const struct snas_alive *alive, double *sum,
                                     struct snas_err *err);

/* The computed columns. */
enum snas_status snas_cost_table_create(const struct snas_network *net, struct snas_cost_table *out,
                                        struct snas_err *err);
void snas_cost_table_clear(struct snas_cost_table *table);
/* Adds a column of zeros where there is none. */
enum snas_status snas_cost_table_add(struct snas_cost_table *table, enum snas_cost_column c,
                                     struct snas_err *err);

/* The entries of one edge of the cell at a position, [n_ops] in the kind's op order; `edge` counts
 * from 0 within the cell. NULL when the table has no such column. */
const double *snas_cost_edge(const struct snas_cost_table *table, const struct snas_network *net,
                             enum snas_cost_column c, int cell, int edge);

/* The file (docs/costs.md): YAML, every column the table has, a row per entry of z. Replaced
 * atomically; the same table gives the same bytes. */
enum snas_status snas_cost_table_write(const char *path, const struct snas_network *net,
                                       const struct snas_cost_table *table, struct snas_err *err);
/* The text of the file. Caller frees with snas_free. */
enum snas_status snas_cost_table_format(const struct snas_network *net,
                                        const struct snas_cost_table *table, char **text,
                                        struct snas_err *err);
/* Reads a table of exactly this network. Computed columns are computed; where the file has them
 * they must be the same. A measured column must be in all rows or in none. All errors at once
 * ("file:line:col: ..."): another version, space or size of network, a row that is missing, given
 * twice or of no entry, a number that is none, not finite or negative. On error `out` is empty. */
enum snas_status snas_cost_table_read(const char *path, const struct snas_network *net,
                                      struct snas_cost_table *out, struct snas_err *err);
/* The same from text; `name` stands for the file in messages. */
enum snas_status snas_cost_table_parse(const char *name, const char *text, size_t size,
                                       const struct snas_network *net, struct snas_cost_table *out,
                                       struct snas_err *err);

#endif

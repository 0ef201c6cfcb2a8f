#ifndef SNAS_REPORT_RECORD_H
#define SNAS_REPORT_RECORD_H

#include "space/cost.h"
#include "space/genotype.h"
#include "train/config.h"

/* A run, read back from the files of its directory: what tables, pages and drawings are made of. */

/* metrics.csv: numbers by name. */
struct snas_record_series {
    int n_rows, n_columns;
    char **names;   /* [n_columns] */
    double *values; /* [n_rows][n_columns]; NaN where a field is empty */
};

/* Share of an edge in the expected cost of its kind's cells and of all kinds together. */
struct snas_record_share {
    int kind, node, slot;
    double share;
};

struct snas_record {
    char *dir;
    struct snas_search_config config;
    struct snas_space space;
    struct snas_record_series series;
    struct snas_record_series bias, timing; /* bias.csv, timing.csv: empty where there is none */
    struct snas_genotype *history;          /* [series.n_rows]: the argmax after each epoch */
    int n_shares;                           /* 0: the run has no costs by edge */
    struct snas_record_share *shares;       /* after the last epoch, in the order of the file */

    /* result.json; accuracies 0..1, NaN where not measured. */
    int finished, connected;
    char method[SNAS_NAME_MAX]; /* with its variant: "darts-second" */
    char dataset[64];
    double sampled, hard_mean, hard_sd; /* validation */
    double child_before, child, test;   /* the child without, with BN re-estimated; test images */
    double entropy_share, margin;
    int best_epoch, epochs;
    double best_accuracy;
    int chosen_epoch;                     /* whose child it is, from 1; 0: an older run, unsaid */
    char chosen[256];                     /* why that one's; "" where the run does not say */
    char outcome[32];                     /* "complete", "collapsed" (guard.stop); "" likewise */
    struct snas_totals described, pruned; /* activation_bytes is not in the file: 0 */
    struct snas_genotype genotype;
    struct snas_genotype_counts counts; /* of the genotype's cells, a kind counted once */
    double depth; /* longest path of edges through all cells, one behind the other; NaN: an older
                     run, which does not say how many there are */
};

/* Errors name the file. An unfinished run is read as far as it got (finished 0). SNAS_E_STATE:
 * not a run directory. Caller clears. */
enum snas_status snas_record_read(const char *dir, struct snas_record *out, struct snas_err *err);
void snas_record_clear(struct snas_record *r);

/* A series' value in row (from 0); NaN when there is no such column. */
double snas_record_series_value(const struct snas_record_series *s, int row, const char *column);
/* Of metrics.csv. */
double snas_record_value(const struct snas_record *r, int row, const char *column);

#endif

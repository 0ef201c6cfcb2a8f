#ifndef SNAS_REPRODUCE_GATHER_H
#define SNAS_REPRODUCE_GATHER_H

#include <jansson.h>

#include "report/comparison.h"
#include "snas-reproduce/plan.h"

/* The experiment's runs, read back. An entry is a method, or the penalised method at a strength;
 * entries of methods come first, in the plan's order. */
struct entry {
    char label[96];      /* "darts-second", "snas, penalty 0.3" */
    int method;          /* of the plan */
    const char *penalty; /* its strength, NULL: none */
    struct {
        char *dir;
        int done; /* finished: record is read */
        struct snas_record record;
    } runs[PLAN_SEEDS];
};
struct results {
    const struct plan *plan;
    const struct snas_list *extra; /* assignments of the command line */
    const char *out;
    int n;
    struct entry entries[PLAN_METHODS + PLAN_STRENGTHS];
    /* Random genotypes with a run's weights, by seed (snas-eval --random); NaN: not scored. */
    double random_accuracy[PLAN_SEEDS], random_sd[PLAN_SEEDS];
    double random_params[PLAN_SEEDS], random_madds[PLAN_SEEDS];
    json_t *credit; /* credit.json, NULL: not there */
};

/* Names the entries and their directories; reads nothing. Clear after an error too. */
enum snas_status results_name(const struct plan *p, const struct snas_list *extra, const char *out,
                              struct results *r, struct snas_err *err);
/* Reads what is finished. */
enum snas_status results_read(struct results *r, struct snas_err *err);
void results_clear(struct results *r);
/* Files of the experiment; caller frees with snas_free. */
char *results_random_path(const struct results *r, int seed, struct snas_err *err);
char *results_trial_dir(const struct plan *p, const char *out, int method, int setting,
                        struct snas_err *err);

/* What a finished run is measured by. NaN: it has no such thing. */
enum metric {
    METRIC_SEARCH, /* validation accuracy of the search's own networks at the end */
    METRIC_BEFORE, /* of the child as searched, then with batch norm re-estimated; validation */
    METRIC_CHILD,
    METRIC_TEST,
    METRIC_ENTROPY, /* share of uniform */
    METRIC_PARAMS,
    METRIC_MADDS,
    METRIC_EDGES,
    METRIC_SKIPS,
    METRIC_DEAD,
    METRIC_RISE,     /* mean over the epochs of the search's validation accuracy */
    METRIC_FALL,     /* METRIC_SEARCH - METRIC_CHILD */
    METRIC_GAP,      /* of the last measurement of the bias, its size */
    METRIC_TOPOLOGY, /* edges that are there after the first epoch and not after the last, or the
                        reverse */
    METRIC_MINUTES,
    METRICS
};
double metric_of(const struct snas_record *r, enum metric m);
extern const char *const metric_names[METRICS]; /* of report.json */
/* Of an entry's finished runs. */
struct snas_moments results_moments(const struct results *r, int entry, enum metric m);
/* The entry of a name: a method's, or "penalty-0", "penalty-1", "penalty-last" by rank of strength;
 * -1: none. */
int results_find(const struct results *r, const char *name);
/* Images that theta, and alpha on held-out images, were trained on; 0 where none. */
int64_t results_images(const struct snas_record *r);

/* "91.25%", "91.25 +- 0.30%"; "-" where there is nothing. digits: behind the point; percent 1: in
 * points of percent. */
struct figure {
    char text[48];
};
struct figure figure_of(struct snas_moments m, int percent, int digits);

#endif

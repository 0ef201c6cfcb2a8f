#ifndef SNAS_REPRODUCE_PLAN_H
#define SNAS_REPRODUCE_PLAN_H

#include "base/status.h"
#include "cli/cli.h"
#include "train/config.h"

/* The experiment as its file says it (configs/reproduce/, docs/reproduce.md). */

enum { PLAN_METHODS = 16, PLAN_SETTINGS = 8, PLAN_SEEDS = 32, PLAN_STRENGTHS = 8 };

/* Assignments "key=value", or words of a command line. */
struct plan_words {
    int n;
    char *items[SNAS_LIST_MAX];
};

struct plan_method {
    char name[SNAS_NAME_MAX]; /* "darts-second": also what its runs and the claims call it */
    int n_settings;           /* that are tried; the same for every method */
    struct plan_words settings[PLAN_SETTINGS];
    int last;                    /* 1: its runs come behind all others */
    int chosen;                  /* the setting that is used: 0, or what the trials said */
    double tried[PLAN_SETTINGS]; /* the trial's child on validation images; NaN: not there, or its
                                    child is no network */
};

struct plan {
    char name[SNAS_NAME_MAX];
    const char *path;      /* of its file, as the caller named it */
    char *search;          /* the configuration that all searches share */
    struct plan_words set; /* over it */
    int n_seeds;
    char *seeds[PLAN_SEEDS];
    int n_methods;
    struct plan_method methods[PLAN_METHODS];
    int penalised; /* the method with penalties, -1: none */
    int n_strengths;
    char *strengths[PLAN_STRENGTHS]; /* rising */
    int n_random; /* random genotypes that the weights of `scored` score; 0: none */
    int scored;   /* the method, -1 */
    char *credit; /* snas-credit's configuration; NULL: none */
    struct plan_words credit_set, credit_options;
    char *trial_seed; /* needed where a method has several settings */
    struct plan_words trial_set;
};

/* Reads it and each configuration that comes of it; `extra` goes over all searches and
 * snas-credit's. Errors name file, line and column. Caller clears, after an error too. */
enum snas_status plan_read(const char *path, const struct snas_list *extra, struct plan *out,
                           struct snas_err *err);
void plan_clear(struct plan *p);
int plan_find(const struct plan *p, const char *method); /* index or -1 */

/* Assignments of a search: `set`, the setting's, then penalty and seed (NULL: none), then extra;
 * the number of them. Pointers into the plan, and into `own`, which must live as long. */
struct plan_own {
    char penalty[64], seed[64];
};
enum { PLAN_ASSIGNMENTS = 4 * SNAS_LIST_MAX + 2 };
int plan_assign(const struct plan *p, const struct plan_words *setting, const char *penalty,
                const char *seed, const struct plan_words *over, const struct snas_list *extra,
                struct plan_own *own, const char *out[PLAN_ASSIGNMENTS]);

#endif

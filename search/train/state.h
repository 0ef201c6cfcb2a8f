#ifndef SNAS_TRAIN_STATE_H
#define SNAS_TRAIN_STATE_H

/* Internal to train/: everything a running search owns. */

#include "methods/budget.h"
#include "methods/derive.h"
#include "methods/penalty.h"
#include "train/candidate.h"
#include "train/guard.h"
#include "train/measured.h"
#include "train/run.h"
#include "train/search.h"
#include "train/source.h"

/* What must survive a kill beside theta, momentum, statistics and the method; all of it is in the
 * checkpoint. */
struct snas_counters {
    int64_t epoch;         /* epochs whose rows are written */
    int64_t step_in_epoch; /* steps of the current epoch */
    int64_t correct, images;
    int64_t best_epoch;   /* whose child scored best, from 1; 0: none yet */
    int64_t held_batches; /* taken from the held-out stream so far */
    int64_t phase_done;   /* 1: the method has ended the current epoch */
};
struct snas_sums {
    double loss, penalty; /* of the current epoch, weighted by images */
    double live_ops;      /* likewise */
    double best_accuracy; /* of best_epoch's child */
};

/* The child after an epoch: for the guards, and for another one to offer when the last misses its
 * budget. */
struct snas_epoch_child {
    double cost[SNAS_BUDGETS], connected, accuracy;
    struct snas_guard_counts counts;
};

struct snas_search {
    const struct snas_search_config *config;
    const struct snas_search_options *options;
    struct snas_space space;
    struct snas_source source;
    struct snas_network *network;
    struct snas_cost_table costs;
    struct snas_penalty penalty; /* for the reports: the method has its own */
    struct snas_net *net;
    struct snas_method *method;
    struct snas_loader *stream[2];    /* training; validation (made when a method asks) */
    struct snas_epoch_child *history; /* [epochs] of the run */
    float *momentum;                  /* [snas_net_theta_size] */
    double *z;                        /* [n_z] for evaluations */
    char *config_text;
    struct snas_counters at;
    struct snas_sums sums;
    struct snas_choice_state choice;
    struct snas_measured_log measured;
    struct snas_search_memory memory;
    int64_t steps_per_epoch;
    struct snas_run run;
    int finished; /* found so */

    /* of this sitting, never saved */
    double epoch_seconds, epoch_stall, last_save, save_seconds;
    int64_t epoch_images;
};

/* Everything but the run directory. `search` is zeroed by the call; clear it after an error too. */
enum snas_status snas_search_init(struct snas_search *search,
                                  const struct snas_search_config *config,
                                  const struct snas_search_options *options, struct snas_err *err);
void snas_search_clear(struct snas_search *search);

/* Space and supernet of a configuration on images of this shape. */
enum snas_status snas_supernet_describe(const struct snas_search_config *config,
                                        const struct snas_dataset *ds, struct snas_space *space,
                                        struct snas_network **network, struct snas_err *err);
void snas_search_net_options(const struct snas_search_config *config, int training,
                             struct snas_net_options *out);

/* memory.c: what stands beside the net, and what is left for it (0: no limit known). */
enum snas_status snas_search_budget(struct snas_search *search, size_t *left, struct snas_err *err);

/* What the method sees of the search as it stands. */
void snas_search_context(struct snas_search *search, struct snas_method_context *out);
/* One step of the method; counters and sums follow. */
enum snas_status snas_search_step(struct snas_search *search, struct snas_err *err);

/* bias.c: measures and writes the epoch's row of bias.csv, in epochs that have one. */
enum snas_status snas_search_bias(struct snas_search *search, struct snas_err *err);
int64_t snas_search_bias_rows(const struct snas_search *search); /* written so far */

/* checkpoint.c */
enum snas_status snas_checkpoint_save(struct snas_search *search, struct snas_err *err);
/* SNAS_E_STATE with the reason when the file is of another configuration or other data. */
enum snas_status snas_checkpoint_load(struct snas_search *search, struct snas_err *err);

/* epoch.c: evaluates, writes the epoch's files and rows, moves the counters on. */
enum snas_status snas_search_end_epoch(struct snas_search *search, struct snas_err *err);
enum snas_status snas_metrics_header(struct snas_search *search, struct snas_err *err);
/* Accuracy under fresh samples (soft, as the search uses them), batch statistics. */
enum snas_status snas_search_sampled(struct snas_search *search, int64_t images,
                                     struct snas_score *out, struct snas_err *err);

/* What the final report says; result.c writes it as JSON. */
struct snas_result {
    struct snas_genotype genotype;
    int connected;
    double entropy, margin, undecided;
    double sampled, before, after, test; /* accuracies, 0..1; test of the re-estimated child */
    int epoch;                           /* whose child it is, from 1 */
    char reason[200];                    /* why that one's */
    int hard_n;
    double hard_mean, hard_sd;
    int budget_met, within; /* with a budget: the epoch (from 0) of the child that is offered when
                               it is missed; -1: none */
    double within_accuracy;
    double cost[SNAS_BUDGETS];            /* of the child: pruned, and as the table has it */
    struct snas_totals described, pruned; /* of the child: as described, after exact pruning */
};
/* finish.c: 1 when the entropy says that the rule that made the child looked at noise. */
int snas_search_undecided(const struct snas_search *search, const struct snas_result *r);
enum snas_status snas_result_write(struct snas_search *search, const struct snas_result *r,
                                   struct snas_err *err);

/* SNAS_E_LIMIT when the finished run in the directory missed its budget. */
enum snas_status snas_result_check_budget(const struct snas_run *run, struct snas_err *err);

/* finish.c: child, final report. SNAS_E_LIMIT, everything written: the child misses its budget. */
enum snas_status snas_search_finish(struct snas_search *search, struct snas_err *err);

#endif

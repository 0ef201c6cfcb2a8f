#ifndef SNAS_TRAIN_SHARED_H
#define SNAS_TRAIN_SHARED_H

#include "space/cost_table.h"
#include "train/source.h"

/* The weights that a run's candidates share, for scoring any genotype of its space. */
struct snas_shared {
    struct snas_search_config config; /* the run's, with the caller's data path and threads */
    struct snas_space space;
    struct snas_source source;
    struct snas_network *network;
    struct snas_net *net;
    struct snas_cost_table costs; /* with latencies where the run had a table */
    double *z;
};
/* Reads config.yaml and the checkpoint of a run directory. `data` NULL: the configuration's
 * default path. `training` 1: the net can run backward. Clear after an error too. */
enum snas_status snas_shared_open(const char *dir, const char *data, int threads, int training,
                                  struct snas_shared *out, struct snas_err *err);
void snas_shared_clear(struct snas_shared *s);

/* Accuracy of a genotype (several ops of an edge are added up, one op twice is refused) with batch
 * norm re-estimated for it on the run's training images; confusion as in snas_evaluate_options, or
 * NULL. */
enum snas_status snas_shared_score(struct snas_shared *s, const struct snas_genotype *g,
                                   const struct snas_image_set *set, int64_t *confusion,
                                   struct snas_score *out, struct snas_err *err);

/* 1: the genotype's pruned network is connected and within the budgets of the run's configuration,
 * by the run's own cost table where one of them is a latency. */
enum snas_status snas_shared_fits(const struct snas_shared *s, const struct snas_genotype *g,
                                  int *fits, struct snas_err *err);

/* 1 when a path of the genotype's network leads from the input to the logits. */
enum snas_status snas_shared_connected(const struct snas_shared *s, const struct snas_genotype *g,
                                       int *connected, struct snas_err *err);

#endif

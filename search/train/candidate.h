#ifndef SNAS_TRAIN_CANDIDATE_H
#define SNAS_TRAIN_CANDIDATE_H

#include "methods/budget.h"
#include "net/net.h"

/* Internal to train/: an epoch's child scored by itself, and the choice of one of them. */

struct snas_search;

/* A child with weights of its own: the supernet's, with batch norm re-estimated for it on training
 * images. */
struct snas_candidate {
    struct snas_genotype genotype;
    struct snas_network *network;
    struct snas_net *net; /* NULL: no path leads to its logits */
    struct snas_totals described, pruned;
    double cost[SNAS_BUDGETS]; /* 0 without a net */
    double before, after;      /* held-out accuracy without, with re-estimation; 0 without a net */
};
/* Makes and scores the child of a genotype as the supernet stands, on all held-out images. Clear
 * after an error too. */
enum snas_status snas_candidate_make(struct snas_search *search, const struct snas_genotype *g,
                                     struct snas_candidate *out, struct snas_err *err);
void snas_candidate_clear(struct snas_candidate *c);
/* Into a file of the run directory, as the child of `epoch` (from 1); test accuracy below 0: not
 * measured. Needs a net. */
enum snas_status snas_candidate_write(struct snas_search *search, struct snas_candidate *c,
                                      int epoch, double test, const char *name,
                                      struct snas_err *err);
/* From such a file; its scores are not in it. */
enum snas_status snas_candidate_read(struct snas_search *search, const char *name,
                                     struct snas_candidate *out, struct snas_err *err);

/* What is remembered of a candidate. Doubles, since the checkpoint takes them as they are. */
struct snas_candidate_score {
    double epoch; /* from 1; 0: none */
    double connected, fits;
    double before, after;
};
/* Saved with the run. */
struct snas_choice_state {
    struct snas_candidate_score best, last;
};
/* Whether a is to be chosen before b: a connected one before one that is not, then one that fits,
 * then the more accurate; of equals the earlier. */
int snas_candidate_better(const struct snas_candidate_score *a,
                          const struct snas_candidate_score *b);

/* Remembers the child of `epoch` (from 1) as the last one offered, and keeps it in SNAS_RUN_BEST
 * when it is the best yet. Offering it again changes nothing. */
enum snas_status snas_choice_offer(struct snas_search *search, struct snas_candidate *c, int epoch,
                                   struct snas_err *err);
/* Makes and offers the child of the epoch that ends, in epochs that choose.every divides.
 * *accuracy: after re-estimation; NaN in other epochs and of a disconnected child. */
enum snas_status snas_choice_epoch(struct snas_search *search, const struct snas_genotype *g,
                                   double *accuracy, struct snas_err *err);
/* Why the child of `epoch` is the run's, in a line. */
void snas_choice_reason(const struct snas_search *search, int epoch, char *text, size_t size);

/* Of the first `epochs` children of the history the connected one within the budget whose accuracy
 * was the best (of equals the earlier), from 0; -1: none, or no budget. */
int snas_within_epoch(const struct snas_search *search, int64_t epochs);
/* At the end of an epoch: keeps the epoch's child in SNAS_RUN_WITHIN when it is that one. Its batch
 * norm is not re-estimated yet. */
enum snas_status snas_within_keep(struct snas_search *search, const struct snas_genotype *g,
                                  struct snas_err *err);
/* At the end of the search. The budget was missed (`wanted` 1): re-estimates batch norm of the kept
 * child and scores it, so that it can be used as the run's own; *after its accuracy. Else the file
 * is removed. */
enum snas_status snas_within_settle(struct snas_search *search, int wanted, double *after,
                                    struct snas_err *err);

#endif

#ifndef SNAS_TRAIN_GUARD_H
#define SNAS_TRAIN_GUARD_H

#include "methods/method.h"

/* Internal to train/: what is watched through a search, so that one which goes wrong says so while
 * it runs. All of it is a function of the history of epochs, so a resumed run says and does the
 * same. */

struct snas_search;

/* Of the cells of an epoch's genotype. Doubles, since the checkpoint takes them as they are. */
struct snas_guard_counts {
    double skips, pools, dead_nodes; /* kinds that the network has cells of, each counted once */
    double share;     /* skips and pools among the edges of the kinds with stride 1; 0: no edges */
    double undecided; /* entropy, share of uniform */
    double margin;
};
void snas_guard_count(const struct snas_method *m, const struct snas_genotype *g,
                      struct snas_guard_counts *out);

/* snas_method_decides of the search: 0 where the distribution need not decide. */
int snas_guard_by_distribution(const struct snas_search *search);
/* How often the genotype's cell of a kind has each op of the kind's list, `none` for the edges that
 * it leaves out; count [n_ops]. */
void snas_guard_count_ops(const struct snas_space *space, const struct snas_genotype *g, int kind,
                          int *count);

enum snas_guard_warning {
    SNAS_GUARD_UNDECIDED, /* entropy above 3/4 of uniform in the middle of alpha's epochs */
    SNAS_GUARD_CLOSE,     /* first ops lead by less than 0.1 at three quarters of them */
    SNAS_GUARD_COLLAPSED, /* share at guard.collapse_share or above, guard.collapse_epochs long */
    SNAS_GUARD_WARNINGS
};
/* Epoch (from 1) at whose end the warning came; 0: it did not, up to at.epoch. */
int snas_guard_warned(const struct snas_search *search, enum snas_guard_warning warning);
/* The warning's line, for the log and result.json. */
void snas_guard_text(const struct snas_search *search, enum snas_guard_warning warning, char *text,
                     size_t size);
/* Says each warning that came with the epoch just counted (the last of at.epoch). */
void snas_guard_say(struct snas_search *search);
/* 1 when guard.stop ends the search after at.epoch epochs. */
int snas_guard_stops(const struct snas_search *search);

#endif

#ifndef SNAS_METHODS_ENAS_H
#define SNAS_METHODS_ENAS_H

#include "methods/controller.h"
#include "methods/method.h"

/* ENAS (Pham et al., ICML 2018), cells: a step trains the shared weights of one child that the
 * controller samples (only its ops are computed); after an epoch the controller is trained on the
 * accuracies of sampled children on held-out batches. docs/enas.md.
 *
 * Alpha is for reports only: ln of how often each op is on its edge in `marginal_samples` samples,
 * counted with one sample of all ops alike so that it is finite. `none` is there when the edge is
 * not; two ops on one edge count half each; a kind without `none` counts the edges that are
 * there. */

struct snas_enas_options {
    struct snas_controller_options controller;
    int updates, samples; /* of the controller after an epoch; children of each (30, 10) */
    int marginal_samples;
};
/* `network` must outlive the method. */
enum snas_status snas_method_enas(const struct snas_network *network,
                                  const struct snas_enas_options *options, uint64_t seed,
                                  struct snas_method **out, struct snas_err *err);

/* The child of picks: per node the edges that were picked, with the ops they were picked with, in
 * the order of slots and ops; the same op picked twice from one slot is there once. */
void snas_picks_genotype(const struct snas_space *space, const struct snas_picks *picks,
                         struct snas_genotype *out);

#endif

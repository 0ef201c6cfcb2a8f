#ifndef SNAS_EXPORT_PASSES_PASS_H
#define SNAS_EXPORT_PASSES_PASS_H

#include "export/graph.h"

/* Rewrites of a graph. Each keeps the outputs: exactly (prune, slice, share, constant, name), or to
 * rounding (fold, computed in double). Each leaves a graph that is whole, in topological order. */

/* Removes what is a constant zero and what nobody reads: terms of sums, dead nodes, dead cells,
 * preprocessing, recursively. A zero is proven from the values: an edge that starts at a dead node
 * stays when its batch norm makes a constant of it (affine, or statistics that were not
 * re-estimated on the child). SNAS_E_STATE: disconnected, the output does not depend on the
 * input. */
enum snas_status snas_pass_prune(struct snas_graph *g, struct snas_err *err);

/* Cuts the channels of zero parts of concatenations, and of what is computed from them, out of
 * every reader's weights. Of a pruned graph. */
enum snas_status snas_pass_slice(struct snas_graph *g, struct snas_err *err);

/* Makes once what is computed twice without constants: the Relu of a tensor that lost its dead
 * neighbours, one pool of one source on several edges. */
enum snas_status snas_pass_share(struct snas_graph *g, struct snas_err *err);

/* What is still a SNAS_G_ZERO is the source of a constant that counts: it becomes a 1x1
 * convolution of the input with zero weights, which every runtime computes alike at any batch.
 * `*kept` gets how many. */
enum snas_status snas_pass_constant(struct snas_graph *g, int *kept, struct snas_err *err);

/* Folds each batch norm into the convolution before it, or into both halves of a factorized
 * reduce. One behind a pool or a sum stays. */
enum snas_status snas_pass_fold(struct snas_graph *g, struct snas_err *err);

/* Gives values and nameless tensors their names, and makes all names unique. */
enum snas_status snas_pass_name(struct snas_graph *g, struct snas_err *err);

/* Per value and channel, what prune and slice decide by. */
struct snas_channels {
    size_t *first;             /* [n_values] offset of a value's channels */
    unsigned char *may;        /* 1: may differ from zero, for some input, at some pixel */
    unsigned char *need;       /* 1: must be there; a value without any is not needed at all */
    unsigned char *from_input; /* [n_values] 1: depends on the input */
};
enum snas_status snas_channels_find(const struct snas_graph *g, struct snas_channels *out,
                                    struct snas_err *err);
int snas_channels_any(const struct snas_graph *g, const struct snas_channels *ch,
                      const unsigned char *of, int value);
void snas_channels_clear(struct snas_channels *ch);

#endif

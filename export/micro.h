#ifndef SNAS_EXPORT_MICRO_H
#define SNAS_EXPORT_MICRO_H

#include "space/child.h"

/* Small networks whose run time tells what one edge of a cell adds to a network, and networks of
 * random weights of which only the time is asked. Both are children like any other, so they go
 * through the same builder, passes and runtime as what is deployed.
 *
 * A micro-network stands in an edge's place: an entry (1x1 convolution), a cell of
 * SNAS_MICRO_COPIES nodes that each add the edge's op to a 1x1 convolution of the same input, the
 * concatenation of the nodes, the head. What belongs to an edge is therefore in it: its additions
 * to the node, which runtimes fuse into a convolution where they can; its share of a ReLU that
 * several readers of one value have in common; the layout that convolutions around it choose. The
 * null network of an edge's shape is the same without the op. An edge takes
 *
 *   (time of the micro-network - time of its null network) / SNAS_MICRO_COPIES.  */
#define SNAS_MICRO_COPIES 4
#define SNAS_MICRO_NAME 96

struct snas_micro {
    char name[SNAS_MICRO_NAME]; /* "sep_conv_3x3_c16_32x32_s1", "null_c16_32x32_s1": of the edge's
                                   input; usable as a file name */
    int op;                     /* index into the space's ops; -1: a null network */
    int stride;
    struct snas_shape in;
    int null; /* index of the null network to take off; its own for a null one */
};

/* The different micro-networks of a supernet. Edges of one shape share them; `none` needs none. */
struct snas_micro_set {
    int n;
    struct snas_micro *items;
    int *of_z; /* [n_z] index into items, or -1 for what costs nothing */
};
enum snas_status snas_micro_set_create(const struct snas_network *supernet,
                                       struct snas_micro_set *out, struct snas_err *err);
void snas_micro_set_clear(struct snas_micro_set *set);

/* Caller clears with snas_child_clear. */
enum snas_status snas_micro_child(const struct snas_network *supernet,
                                  const struct snas_micro *micro, struct snas_child *out,
                                  struct snas_err *err);

/* A child of this network with random weights that keep values at a common size through any depth
 * (denormal numbers would be slow), and with statistics of mean 0, so that dead nodes are pruned
 * exactly as after re-estimation. Takes `network` over, also on error. */
enum snas_status snas_random_child(struct snas_network *network, uint64_t seed,
                                   struct snas_child *out, struct snas_err *err);

#endif

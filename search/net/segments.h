#ifndef SNAS_NET_SEGMENTS_H
#define SNAS_NET_SEGMENTS_H

/* Internal to net/: a unit as the reference runs it, whatever the type of its values. A block is
 * cut at its batch norms, because a BN needs sums over the whole batch while all other steps work
 * image by image:
 *
 *   x -> segment 0 -> y[0] | BN 0 -> segment 1 -> y[1] | ... | BN K-1 -> segment K (tail) -> O
 *
 * Only the y are kept, everything else is worked out again in the backward. A stage is a set of
 * blocks that can run side by side: a cell's preprocessing, or all that ends in one node. */

#include "net/unit.h"

struct snas_entry {
    int block;
    int target; /* tensor that its output is added into */
    int z;      /* index into z and d z; -1: counts 1 */
    int n_bn;
    int bn[SNAS_STEPS_MAX];                                  /* layers */
    int first[SNAS_STEPS_MAX + 1], last[SNAS_STEPS_MAX + 1]; /* segment s: layers [first, last) */
    size_t y_at[SNAS_STEPS_MAX]; /* bytes from y_base; [batch][h][w][c] */
    size_t g_at;                 /* bytes into temp: gradient of a BN's output */
    int tail;                    /* segment n_bn has layers */
    size_t sum_at;               /* doubles into a row of sums: sum [c], second sum [c] */
};

struct snas_stage {
    int first, n; /* entries */
    int depth;    /* most BNs of an entry */
};

struct snas_segments {
    int n_stages, n_entries;
    struct snas_stage *stages;
    struct snas_entry *entries;
    unsigned char *y_base; /* saved memory (training) or temp */
    /* Rows of doubles at the start of temp: one per group, one for the totals. */
    size_t sum_row;
    /* Worker scratch, in values of the net's precision: a segment's values, two gradients; then
     * doubles of one BN. */
    size_t values, gradient;
    int channels; /* most of a BN */
};

/* Cuts the unit and reserves its memory; passes stay to be made. */
enum snas_status snas_segments_create(struct snas_net *net, struct snas_unit *unit,
                                      struct snas_segments **out, struct snas_err *err);
void snas_segments_destroy(struct snas_segments *s);
/* Shape of what a segment is given. */
struct snas_shape snas_segment_in(const struct snas_net *net, const struct snas_entry *e, int s);

#endif

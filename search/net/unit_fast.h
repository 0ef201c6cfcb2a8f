#ifndef SNAS_NET_UNIT_FAST_H
#define SNAS_NET_UNIT_FAST_H

/* Internal to net/: the vectorised implementation of stems and cells (float only).
 *
 * A unit is a small graph. Slots are values (what comes from other units, what the unit makes),
 * blocks lead from slot to slot, and a block is a chain of segments, each of which ends at a BN:
 *
 *   source tile -> [relu] [depthwise] matrix product -> y | BN -> tile -> ... -> y | BN -> sum
 *
 * Only y is kept. A tile is the segment's input of one image, zero-bordered (and, for stride 2, cut
 * into the four planes of even and odd rows and columns, so that every tap of every convolution
 * walks along a row): made once for all blocks that leave a slot. A dense convolution is a matrix
 * product with several taps; so is the factorized reduction. An average over windows of 2 x 2 side
 * by side is a depthwise convolution with constant weights, on a tile in which the pixels of
 * windows that an odd side cuts off count twice.
 *
 * Slots are grouped in stages, no slot of a stage feeding another of it; a pass is a stage and a
 * level (which segment of the blocks that leave it). Backward goes over the same stages from the
 * last; dN, y and three coefficients a channel give dY = a dN + b y + d, the whole BN backward. */

#include "kernels/kernels.h"
#include "net/unit.h"

#define SNAS_FAST_TAPS 49
#define SNAS_FAST_PIECES 4      /* of a group, in passes of later segments */
#define SNAS_FAST_CHANNELS 2048 /* of a BN or a slot: sums of an image stand on the stack */
#define SNAS_FAST_TERMS                                                                            \
    (SNAS_MAX_SLOTS * SNAS_MAX_OPS + 2) /* blocks of a unit that meet in a slot */

/* Channels as the kernels want them. */
static inline int snas_fast_padded(int c)
{
    return (c + SNAS_K_CHANNELS - 1) / SNAS_K_CHANNELS * SNAS_K_CHANNELS;
}

struct snas_fast_tile {
    int h, w, c, stride, pad; /* c padded; pad even for stride 2 */
    ptrdiff_t row, plane;     /* floats; plane: of one parity */
    size_t size;              /* floats of all */
};

/* Of a dense convolution its taps, of a depthwise one its runs of taps. */
#define SNAS_FAST_RUNS 28
struct snas_fast_taps {
    int n;
    union {
        struct snas_k_tap tap[SNAS_FAST_TAPS];
        struct snas_k_run run[SNAS_FAST_RUNS];
    } u;
};

/* A batch norm (layer -1: none, y counts as it is) and its numbers. */
struct snas_fast_norm {
    int layer, c, cp;
    double pixels; /* of an image */
    size_t coef;   /* floats: forward a, b; backward a, b, d; cp each */
    size_t sum;    /* doubles into a group's row: two sums, cp each */
};

struct snas_fast_segment {
    int relu, depthwise, matrix; /* layers; depthwise may be -1 */
    int mean;                    /* "depthwise" is an average pool */
    int k, kp, n, np;            /* channels in and out of the matrix, padded */
    int n_offsets;               /* taps of the convolution */
    int h, w, oh, ow, stride;
    int gpad;                       /* border of the gradient plane, backward */
    ptrdiff_t grow;                 /* its row, floats */
    int offsets[SNAS_FAST_TAPS][2]; /* of the taps on the image: rows, columns */
    struct snas_fast_taps taps;     /* on the tile; w into its weights */
    struct snas_fast_taps back[4];  /* by parity of the input's pixel, on the gradient plane */
    struct snas_fast_tile tile;     /* of a later segment; the first uses its view's */
    size_t w_depthwise, w_matrix, w_transposed; /* floats */
    size_t y, g; /* bytes: pre-BN output; gradient of the BN's output (not of the last segment) */
    struct snas_fast_norm norm;
};

/* Blocks that leave a slot and read the same tile. */
struct snas_fast_view {
    int slot, relu, stride, mean;
    struct snas_fast_tile tile;
};

struct snas_fast_pool {
    int slot, max, stride, h, w, c, oh, ow;
    size_t y, sum;
    int live;
};

enum snas_fast_kind { SNAS_FAST_IDENTITY, SNAS_FAST_POOL, SNAS_FAST_CONV };

struct snas_fast_block {
    enum snas_fast_kind kind;
    int block, from, to, z; /* network block; slots; index of z or -1 */
    int first, n;           /* segments */
    int view, pool;
    struct snas_fast_norm *norm; /* of the output */
    struct snas_fast_norm own;   /* the pool's or (no layer) the identity's */
    int live;
};

struct snas_fast_slot {
    int tensor, n_parts, part[SNAS_MAX_NODES]; /* parts: tensors with values, side by side */
    int c, cp, h, w;
    int stage, made; /* made: the unit computes it */
};

/* Worker scratch, offsets in floats. */
struct snas_fast_scratch {
    size_t tile, dx, g, t, dy, unpacked, pool, coef, dw, size;
    size_t image; /* floats of one unpacked image */
};

struct snas_fast {
    const struct snas_kernels *k;
    int n_slots, n_blocks, n_segments, n_views, n_pools, n_stages;
    struct snas_fast_slot slots[SNAS_MAX_SLOTS + SNAS_MAX_INPUTS];
    struct snas_fast_block *blocks;
    struct snas_fast_segment *segments;
    struct snas_fast_view *views;
    struct snas_fast_pool *pools;
    int levels[SNAS_MAX_SLOTS + SNAS_MAX_INPUTS]; /* by stage: most segments of a block */
    size_t n_weights, n_coefs, n_sums;
    size_t weights_at, coefs_at, sums_at; /* arena */
    float *weights, *coefs;
    double *sums;          /* [SNAS_GROUPS][n_sums] */
    unsigned char *y_base; /* of y and g */
    struct snas_fast_scratch scratch;
};

/* Finds segments, views, pools, stages. 0: something is not known here. */
int snas_fast_build(const struct snas_net *net, const struct snas_unit *unit, struct snas_fast *f);
int snas_fast_count(const struct snas_net *net, const struct snas_unit *unit, int *segments);

ptrdiff_t snas_fast_tile_at(const struct snas_fast_tile *t, int y, int x);

/* A group at work. */
struct snas_fast_work {
    struct snas_net *net;
    struct snas_fast *f;
    const struct snas_kernels *k;
    int group, image, stage, level;
    int slot;       /* level 0: the only one of the stage that is worked on; -1: all */
    int begin, end; /* later levels: blocks that are worked on */
    float *scratch;
    double *sums; /* the group's row */
};
/* Whether a slot, or a block at a later level, is this piece's. */
int snas_fast_has_slot(const struct snas_fast_work *w, int slot);
int snas_fast_has_block(const struct snas_fast_work *w, int block);
void snas_fast_clear_sums(const struct snas_fast_work *w, size_t sum, int c);

/* What is read next: values at two places (either NULL). */
struct snas_fast_ahead {
    const float *at[2];
    ptrdiff_t values;
};

/* The kernel's depthwise of a segment's taps. Row by row it asks for a share of what is read next:
 * that comes from memory while the arithmetic has no use for it. */
void snas_fast_depthwise(const struct snas_fast_work *w, int rows, int width, int c,
                         struct snas_k_source in, const struct snas_fast_taps *taps,
                         const float *weights, struct snas_k_plane out, int accumulate,
                         const struct snas_fast_ahead *ahead);
/* y before segment `level` of the block behind block i that a pass of that level takes next, of
 * this image; nothing when there is none. */
struct snas_fast_ahead snas_fast_next_y(const struct snas_fast_work *w, int i);

struct snas_fast_work snas_fast_begin(struct snas_net *net, struct snas_unit *unit,
                                      const struct snas_pass *pass, int group, int worker);
/* Image `image` of a made slot's value or gradient with padded channels: itself, or a copy in
 * scratch place `place`. */
const float *snas_fast_image(const struct snas_fast_work *w, void *const *values, int slot,
                             int place);
/* Copies c channels of compact pixels between strides. */
void snas_fast_pack(const struct snas_kernels *k, int pixels, int c, const float *from,
                    ptrdiff_t from_px, float *to, ptrdiff_t to_px);
float *snas_fast_values(const struct snas_fast_work *w, void *const *values, int tensor);
void snas_fast_load_slot(const struct snas_fast_work *w, const struct snas_fast_view *v,
                         float *tile);
void snas_fast_load_y(const struct snas_fast_work *w, const struct snas_fast_segment *before,
                      const struct snas_fast_segment *s, float *tile);
/* Adds the gradient of a view's tile (planes as snas_fast_plane) to what the slot is made of. */
void snas_fast_add_slot(const struct snas_fast_work *w, const struct snas_fast_view *v,
                        const float *tile, const float *dx);
/* The gradient of a mean's tile (by planes) to that of what was loaded into it. */
void snas_fast_weigh_gradient(const struct snas_fast_tile *t, float *dx);
float *snas_fast_y(const struct snas_fast_work *w, size_t at, ptrdiff_t values);
/* Shape of a parity's plane of an h x w image; returns its offset in floats in a gradient. */
size_t snas_fast_plane(int h, int w, int c, int stride, int parity, int *rows, int *width);
/* Zeroes a plane of `all` rows around its rows [top, top + rows), values [left, left + width). */
void snas_fast_clear_border(float *plane, ptrdiff_t row, int all, int top, int rows, ptrdiff_t left,
                            ptrdiff_t width);
/* An image's factor of a block in its slot. */
float snas_fast_factor(const struct snas_fast_work *w, const struct snas_fast_block *b);
/* Drop path's part of it. */
float snas_fast_keep(const struct snas_fast_work *w, const struct snas_fast_block *b);
/* Rows of a band whose depthwise output stays in the first cache. */
int snas_fast_band(const struct snas_fast_segment *s);

/* Weights of matrix t of a segment: k rows of *columns, which make columns *c0.. of the product. */
const float *snas_fast_matrix(const struct snas_net *net, const struct snas_fast_segment *s, int t,
                              int *c0, int *columns);
void snas_fast_prepare_weights(struct snas_net *net, struct snas_fast *f);
void snas_fast_forward_run(struct snas_net *net, struct snas_unit *unit,
                           const struct snas_pass *pass, int group, int worker);
void snas_fast_forward_finish(struct snas_net *net, struct snas_unit *unit,
                              const struct snas_pass *pass, int part, int worker);
void snas_fast_backward_run(struct snas_net *net, struct snas_unit *unit,
                            const struct snas_pass *pass, int group, int worker);
void snas_fast_backward_finish(struct snas_net *net, struct snas_unit *unit,
                               const struct snas_pass *pass, int part, int worker);

#endif

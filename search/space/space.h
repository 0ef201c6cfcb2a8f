#ifndef SNAS_SPACE_SPACE_H
#define SNAS_SPACE_SPACE_H

#include <stddef.h>

#include "space/op.h"

/* A search space: configs/spaces/<name>.yaml.
 *
 *   name: darts
 *   cells:
 *     normal: {inputs: 2, nodes: 4, output: concat, ops: [none, max_pool_3x3, ...]}
 *     reduce: {inputs: 2, nodes: 4, output: concat, ops: [...], stride: 2}
 *   stack: {reduce_at: [1/3, 2/3]}        # cell index = layers * fraction, rounded down
 *   stem: [{channels: 3, steps: [conv3x3, bn]}]   # channels in multiples of C; 1 or 2 blocks, one
 *                                         # behind the other: the first cell's inputs
 *   preprocess: {same: [relu, pw, bn], reduce: [relu, fr, bn]}
 *   head: [gap, linear]
 *   ops:                                  # optional: further ops made of known steps
 *     my_conv: {stride1: [relu, dw7, pw, bn], stride2: [relu, dw7s2, pw, bn]}
 *     nothing: {zero: true}               # like the built-in none
 *
 * In place of reduce_at, `stack` may give stages (NAS-Bench-201): equally many cells each, with
 * channels in multiples of C, and a fixed block in front of every stage but the first, whose paths
 * read the same value and are added:
 *
 *   stack: {stages: [1, 2, 4],
 *           between: [[relu, conv3x3s2, bn, relu, conv3x3, bn], [avg2s2, pw]]}
 *
 * Without `preprocess`, or where its steps are none ([]), a cell takes its inputs as they are.
 *
 * `output` is concat, loose, last or sum (concat when it is not given), inputs 2, stride 1. A name
 * of the file's own ops comes before a built-in one.
 *
 * Every node takes an edge from every earlier slot of its cell (slot 0..inputs-1: the cell's
 * inputs, then its nodes); in a cell with stride 2 the edges from the inputs have stride 2 and the
 * channels double. */

enum snas_output_rule {
    SNAS_OUTPUT_CONCAT,       /* all nodes */
    SNAS_OUTPUT_CONCAT_LOOSE, /* nodes that feed no other (genotypes of ENAS); in a supernet any
                                 node can end loose, so there all are concatenated */
    SNAS_OUTPUT_LAST,         /* the last node */
    SNAS_OUTPUT_SUM           /* sum of all nodes */
};

#define SNAS_MAX_KINDS 4
#define SNAS_MAX_INPUTS 2
#define SNAS_MAX_NODES 16
#define SNAS_MAX_SLOTS (SNAS_MAX_INPUTS + SNAS_MAX_NODES)
#define SNAS_MAX_OPS 32
#define SNAS_MAX_STEMS 2
#define SNAS_MAX_STAGES 8
#define SNAS_MAX_PATHS 4

struct snas_cell_kind {
    char name[SNAS_NAME_MAX]; /* "normal", "reduce" */
    int inputs, nodes, stride;
    enum snas_output_rule output;
    int n_ops;
    int op[SNAS_MAX_OPS]; /* indexes into snas_space.ops */
};

struct snas_steps {
    int channels; /* multiple of C for stems; unused elsewhere */
    int n;
    struct snas_step step[SNAS_STEPS_MAX];
};

struct snas_space {
    char name[SNAS_NAME_MAX];
    int n_kinds; /* kind 0 is the normal one; a kind with stride 2 is a reduction */
    struct snas_cell_kind kinds[SNAS_MAX_KINDS];
    int n_ops;
    struct snas_op ops[SNAS_MAX_OPS];
    int n_reduce_at;
    int reduce_num[4], reduce_den[4]; /* fractions of the layer count */
    int n_stems;
    struct snas_steps stems[SNAS_MAX_STEMS];
    struct snas_steps preprocess_same, preprocess_reduce, head;
    int n_stages;                        /* 0: the stack goes by reduce_at */
    int stage_channels[SNAS_MAX_STAGES]; /* of a stage's cells, in multiples of C */
    int n_between;                       /* paths of the fixed block between two stages */
    struct snas_steps between[SNAS_MAX_PATHS];
};

/* Edges of one cell of a kind: sum over nodes j of (inputs + j). Edge order: node by node, within
 * a node by slot. */
int snas_kind_edges(const struct snas_cell_kind *kind);
/* Index of the edge slot -> node (node from 0), or -1. */
int snas_kind_edge(const struct snas_cell_kind *kind, int slot, int node);
int snas_space_op(const struct snas_space *space, const char *name);   /* index or -1 */
int snas_space_kind(const struct snas_space *space, const char *name); /* index or -1 */
/* Kind of the cell at a position (from 0): the normal one, or at `reduce_at` the first kind with
 * stride 2 (the second at the second reduction, where a space has two, and so on). Fractions that
 * fall on one cell, as with very few layers, make one reduction. */
int snas_space_cell_kind(const struct snas_space *space, int layers, int cell);

/* 1 when a genotype of the space can be written as NAS-Bench-201's string. */
int snas_space_is_nb201(const struct snas_space *space);

/* Reads a space file; `name` may be a path or a shipped name ("darts"). All errors at once. */
enum snas_status snas_space_read(const char *name, struct snas_space *out, struct snas_err *err);
/* From text (a child file carries its space); `name` stands for the file in messages. */
enum snas_status snas_space_parse(const char *name, const char *text, size_t size,
                                  struct snas_space *out, struct snas_err *err);
/* Text that snas_space_parse reads back to the same space, ops included. Caller frees. */
enum snas_status snas_space_dump(const struct snas_space *space, char **text, struct snas_err *err);

#endif

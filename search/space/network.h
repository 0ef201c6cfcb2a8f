#ifndef SNAS_SPACE_NETWORK_H
#define SNAS_SPACE_NETWORK_H

#include <stddef.h>
#include <stdint.h>

#include "space/genotype.h"
#include "space/space.h"

/* The network, described once: space x C x layers x input x classes (x genotype). One function
 * makes it; plan, engine, cost table, counts, export and drawings read it. Immutable afterwards.
 * Tensors, blocks, cells, nodes and edges are stored in the order in which they can be computed.
 * The batch is left open. Everything refers to everything else by index. */

struct snas_shape {
    int c, h, w;
};

enum snas_param_kind {
    SNAS_PARAM_WEIGHT,
    SNAS_PARAM_BIAS,
    SNAS_PARAM_GAMMA,
    SNAS_PARAM_BETA,
    SNAS_PARAM_MEAN, /* running statistics: not trained, not counted */
    SNAS_PARAM_VAR
};

/* A weight or a statistic. Shapes, in the engine's storage order (NHWC):
 *   depthwise [kh, kw, C]; pointwise [Cin, Cout]; dense conv [kh, kw, Cin, Cout];
 *   factorized reduce: two weights "weight1" [Cin, Cout/2] and "weight2" [Cin, Cout - Cout/2], the
 *   second of the shifted x; linear [in, out];
 *   bias, gamma, beta, mean, var [C]. */
struct snas_param {
    char name[96]; /* "cell2.node1.edge0.sep_conv_3x3.dw1.weight"; children:
                      "cell2.node1.edge0.dw1.weight" */
    enum snas_param_kind kind;
    int ndim;
    int shape[4];
    size_t count;
    int fan_in; /* inputs of one output value (sets the scale at the start); 0 for BN */
};

/* One step at one place. */
struct snas_layer {
    struct snas_step step;
    struct snas_shape in, out;
    char name[24];    /* "dw1", "pw1", "bn1", ... counted within its block */
    int affine;       /* bn: has gamma and beta */
    int weight, bias; /* params (gamma and beta for bn), or -1; for fr: the two weights */
    int mean, var;    /* bn: running statistics, or -1 */
};

/* A sequence of layers from one tensor to one value. */
struct snas_block {
    char name[72]; /* "stem0", "cell2.pre1", "cell5.pre0.path1", "cell2.node1.edge0.sep_conv_3x3",
                      "head" */
    int op;        /* index into the space's ops; -1: stem, preprocessing, head */
    int zero;      /* `none` */
    int in;        /* tensor */
    int out; /* tensor of a stem, preprocessing or head (the paths of a fixed block have one, and
                are added); -1 for an edge's block, whose output is summed into the node */
    int first_layer, n_layers; /* 0 layers and not zero: identity */
    struct snas_shape in_shape, out_shape;
};

/* A value that others read. A concatenation lists its parts in order; a plain one has none. A
 * concat part may be a dead node (no edges): a constant zero that export slices away. A cell whose
 * output is a single node has no tensor of its own: snas_cell.out is the node's. */
struct snas_tensor {
    char name[40]; /* "input", "stem0", "cell2.pre0", "cell2.node1", "cell2", "logits" */
    struct snas_shape shape;
    int n_parts;
    int parts[SNAS_MAX_NODES];
    int sum; /* 1: the parts are added instead of concatenated */
};

struct snas_edge {
    int from; /* slot in the cell */
    int to;   /* node in the cell, from 0 */
    int stride;
    int kind_edge; /* index among the kind's edges (row of alpha); -1 in a genotype network whose
                      genotype has no such index */
    int first_block,
        n_ops; /* one block per candidate op, in the kind's op order; 1 in a genotype network */
    int z;     /* offset of this edge's n_ops entries in z and d z */
};

struct snas_node {
    int tensor;
    int first_edge, n_edges; /* edges are stored node by node; 0: dead */
};

struct snas_cell {
    int kind;
    int reduction; /* stride 2 */
    int channels;  /* of a node */
    int inputs;
    int input[SNAS_MAX_INPUTS]; /* tensors: outputs of the cells before (input[0] the older), or
                                   stems */
    /* What brings an input to the cell, from block pre[i] on: preprocessing (1), the paths of the
     * fixed block in front of a stage (1 or more), nothing (0: the slot is the input itself). */
    int pre[SNAS_MAX_INPUTS], n_pre[SNAS_MAX_INPUTS];
    int n_nodes;
    int slot[SNAS_MAX_SLOTS]; /* tensor of each slot: inputs behind their blocks, then nodes */
    int first_node;           /* into snas_network.nodes */
    int first_edge, n_edges;
    int out; /* tensor */
};

struct snas_network_options {
    int channels; /* C */
    int layers;   /* cells */
    struct snas_shape input;
    int classes;
    int affine;  /* gamma and beta in the cells' BN (those of stems, head and the fixed blocks
                    between stages always have them) */
    int pool_bn; /* BN after pools: 1 in a supernet and its child, 0 in published genotypes */
};

struct snas_network {
    struct snas_network_options options;
    const struct snas_space *space;       /* owned copy */
    const struct snas_genotype *genotype; /* owned copy; NULL: supernet */
    int n_tensors, n_params, n_layers, n_blocks, n_cells, n_nodes, n_edges;
    struct snas_tensor *tensors;
    struct snas_param *params;
    struct snas_layer *layers;
    struct snas_block *blocks;
    struct snas_cell *cells;
    struct snas_node *nodes;
    struct snas_edge *edges;
    int n_stems, stem[SNAS_MAX_STEMS]; /* blocks */
    int head;                          /* block: last cell's output -> logits */
    int input, logits;                 /* tensors */
    int n_z;                           /* entries of z: all edges x ops, by cell, edge, op */
};

/* genotype NULL: the supernet with all edges and ops. Errors: sides too small for the reductions,
 * layers that the space's stages cannot share, channels or classes < 1, more than 2^31 values in a
 * tensor, no memory. Caller destroys. */
enum snas_status snas_network_create(const struct snas_space *space,
                                     const struct snas_network_options *options,
                                     const struct snas_genotype *genotype,
                                     struct snas_network **out, struct snas_err *err);
void snas_network_destroy(struct snas_network *net);

int snas_network_param(const struct snas_network *net, const char *name); /* index or -1 */
/* Trained values (weights, biases, gammas, betas). */
int64_t snas_network_param_count(const struct snas_network *net);
/* For every parameter of a child network the parameter of the supernet that it came from (same
 * space, C, layers; no op twice on an edge): map[child param] = supernet param. */
enum snas_status snas_network_map_params(const struct snas_network *supernet,
                                         const struct snas_network *child, int *map,
                                         struct snas_err *err);

/* What is left when everything that cannot influence the logits, or is a constant zero, is gone:
 * method.md's pitfall 5, applied recursively. One byte per item: 1 = alive.
 *
 * "A block answers zero with zero" is exact for a network that is still to be trained, and for a
 * trained one whose BN has no affine part and had its statistics estimated on the child itself
 * (mean 0 where the input is 0). It is not otherwise: a stale running mean makes an edge from a
 * dead node -mean/sd, and with affine BN every edge from a dead node is a constant (its beta, which
 * varies at the borders behind padding), not zero. Who prunes weights must know which case it is.
 */
struct snas_alive {
    unsigned char *tensor; /* a dead node, a dead cell output, ... is zero everywhere */
    unsigned char *block;  /* must be computed: not zero, its input not zero, its output read */
    int connected;         /* a path from the input reaches the logits */
};
/* For a genotype network; a supernet has everything alive but its `none` blocks. */
enum snas_status snas_network_alive(const struct snas_network *net, struct snas_alive *out,
                                    struct snas_err *err);
void snas_alive_clear(struct snas_alive *alive);

#endif

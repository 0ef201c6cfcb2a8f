#ifndef SNAS_EXPORT_GRAPH_H
#define SNAS_EXPORT_GRAPH_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "space/network.h"

/* The exporter's intermediate form: nodes in topological order, values between them, tensors that
 * hold constants. Built from a network and a child's values (export/build.h), rewritten by passes
 * (export/passes/pass.h), written as ONNX (export/onnx/write.h). Everything refers to everything
 * else by index; layouts are ONNX's (NCHW, OIHW), the batch is left open. */

enum snas_graph_op {
    SNAS_G_CONV,        /* weight [out, in / group, kh, kw], bias [out] or none */
    SNAS_G_BATCH_NORM,  /* scale, bias, mean, var [C]; running statistics */
    SNAS_G_RELU,        /* */
    SNAS_G_MAX_POOL,    /* padding never wins */
    SNAS_G_AVG_POOL,    /* padding not counted */
    SNAS_G_SHIFT,       /* without its first row and column: [H, W] -> [H - 1, W - 1] */
    SNAS_G_ADD,         /* of two */
    SNAS_G_CONCAT,      /* along channels */
    SNAS_G_GLOBAL_POOL, /* mean over H x W, which become 1 x 1 */
    SNAS_G_FLATTEN,     /* [C, 1, 1] -> [C] */
    SNAS_G_GEMM,        /* weight [out, in], bias [out] */
    SNAS_G_ZERO         /* a dead node: zeros, no inputs; no pass list leaves one behind */
};

#define SNAS_G_NAME 128
#define SNAS_G_TENSORS 4 /* of a node */

struct snas_graph_tensor {
    char name[SNAS_G_NAME]; /* "cell2.node1.edge0.dw1.weight"; empty until the name pass when it
                               comes from no parameter */
    int ndim;
    int64_t shape[4];
    size_t count;
    float *data; /* owned by the graph */
};

struct snas_graph_value {
    char name[SNAS_G_NAME]; /* by the name pass: "<node>_out", "input", "logits" */
    struct snas_shape shape;
    int flat; /* 1: [batch, c]; 0: [batch, c, h, w] */
};

struct snas_graph_node {
    enum snas_graph_op op;
    char name[SNAS_G_NAME];       /* "/cell2/node1/edge0_sep_conv_3x3/dw1" */
    char scope[SNAS_G_NAME];      /* "cell2.node1.edge0.dw1": what its tensors' names begin with */
    int n_in, in[SNAS_MAX_NODES]; /* values */
    int out;                      /* value; each has one producer */
    /* conv and gemm: weight, bias; batch norm: scale, bias, mean, var; -1: none. A tensor belongs
     * to one node. */
    int tensor[SNAS_G_TENSORS];
    int kh, kw, stride, dilation, group;
    int pad[4]; /* top, left, bottom, right */
    float epsilon;
    int removed; /* 1: gone at the next snas_graph_sweep */
};

struct snas_graph {
    int n_nodes, n_values, n_tensors;
    int node_room, value_room, tensor_room;
    struct snas_graph_node *nodes;
    struct snas_graph_value *values;
    struct snas_graph_tensor *tensors;
    int input, output; /* values */
};

/* All fail with SNAS_E_NOMEM only. `*out` gets the new item's index. Pointers into the arrays end
 * with the next call. */
enum snas_status snas_graph_add_value(struct snas_graph *g, struct snas_shape shape, int flat,
                                      int *out, struct snas_err *err);
/* Zeroed data of the product of shape[0..ndim-1]; `name` may be "". */
enum snas_status snas_graph_add_tensor(struct snas_graph *g, const char *name, int ndim,
                                       const int64_t *shape, int *out, struct snas_err *err);
/* A copy of `node`, last in order. */
enum snas_status snas_graph_add_node(struct snas_graph *g, const struct snas_graph_node *node,
                                     struct snas_err *err);
/* A node of this op with no inputs, no tensors, kernel 1, stride 1, dilation 1, group 1. */
struct snas_graph_node snas_graph_node_make(enum snas_graph_op op, const char *name,
                                            const char *scope);
/* Writes a name of at most SNAS_G_NAME - 1 bytes; the parts are bounded, so a longer one is a bug.
 */
void snas_graph_set_name(char *name, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Every reader of `from`, and the graph's output, reads `to` from now on. */
void snas_graph_replace(struct snas_graph *g, int from, int to);
int snas_graph_producer(const struct snas_graph *g, int value); /* node, or -1: the input */
int snas_graph_readers(const struct snas_graph *g, int value);  /* inputs that name it */
/* Drops nodes marked removed and the tensors that no node names any more (indexes change). */
void snas_graph_sweep(struct snas_graph *g);
void snas_graph_clear(struct snas_graph *g);

/* Counts in the convention "convolutions and linear layers": values of their weights and of the
 * linear bias; multiply-adds of one image. */
struct snas_graph_counts {
    int64_t params, madds;
    int64_t bytes; /* of all tensors */
};
void snas_graph_count(const struct snas_graph *g, struct snas_graph_counts *out);

#endif

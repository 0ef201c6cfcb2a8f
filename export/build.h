#ifndef SNAS_EXPORT_BUILD_H
#define SNAS_EXPORT_BUILD_H

#include "export/graph.h"
#include "space/child.h"

struct snas_build_options {
    int normalise; /* 1: the graph takes values of 0..1 and normalises them itself, by one
                      BatchNormalization with the child's mean and sd */
};

/* One walk over the child's description: every layer as it stands, nothing pruned or folded; a
 * dead node is a SNAS_G_ZERO. One Relu per distinct tensor, shared by its readers. Weights are
 * transposed from the engine's order to ONNX's. SNAS_E_UNSUPPORTED: a supernet; a factorized
 * reduce of a tensor one pixel high or wide. On error `out` is empty. */
enum snas_status snas_graph_build(const struct snas_child *child,
                                  const struct snas_build_options *options, struct snas_graph *out,
                                  struct snas_err *err);

#endif

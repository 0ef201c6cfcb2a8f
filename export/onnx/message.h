#ifndef SNAS_EXPORT_ONNX_MESSAGE_H
#define SNAS_EXPORT_ONNX_MESSAGE_H

/* Internal to export/onnx: a graph as protobuf-c's structs. */

#include "export/onnx/write.h"
#include "onnx.pb-c.h"

/* All structs of a model, freed at once. */
struct snas_onnx_pool {
    struct snas_onnx_chunk *chunks;
};
void *snas_onnx_take(struct snas_onnx_pool *pool, size_t count, size_t size, struct snas_err *err);
void snas_onnx_pool_clear(struct snas_onnx_pool *pool);

/* The model; weights point into the graph, or, with `data_name` (a file's name without directory),
 * are described as external data in the order of the graph's tensors. */
Onnx__ModelProto *snas_onnx_model(const struct snas_graph *g, const struct snas_onnx_info *info,
                                  const char *data_name, struct snas_onnx_pool *pool,
                                  struct snas_err *err);
/* Offset behind a tensor's data, rounded up to where the next one begins. */
uint64_t snas_onnx_align(uint64_t offset);

#endif

#ifndef SNAS_EXPORT_ONNX_WRITE_H
#define SNAS_EXPORT_ONNX_WRITE_H

#include "export/graph.h"

/* A graph as an ONNX file: opset 13, IR version 7, batch left open. Same graph and information,
 * same bytes. */

#define SNAS_ONNX_OPSET 13
#define SNAS_ONNX_IR 7
#define SNAS_ONNX_MAX_BYTES 2147483647 /* a protobuf message's; above: external data */
#define SNAS_ONNX_META_MAX 24

struct snas_onnx_info {
    const char *doc; /* doc_string */
    int n_meta;
    struct {
        const char *key;
        const char *value;
    } meta[SNAS_ONNX_META_MAX];
};

/* A model that is written but not yet in its place: what a check reads before the commit. */
struct snas_onnx_staged {
    struct snas_writer *writer;
    char *path;      /* where it is to go */
    char *data_path; /* external data, already in place, or NULL */
    int data_is_new; /* 0: a file of the same bytes was there before */
    uint64_t bytes;  /* of model and external data */
};

/* Writes beside `path`. Above `limit` bytes (SNAS_ONNX_MAX_BYTES; a test may force less) weights go
 * into "<path>.<hash of them>.data", at offsets that are multiples of 4096; the name holds the hash
 * so that an earlier model keeps its own weights until this one takes its place. */
enum snas_status snas_onnx_stage(const struct snas_graph *g, const struct snas_onnx_info *info,
                                 const char *path, uint64_t limit, struct snas_onnx_staged *out,
                                 struct snas_err *err);
/* Where the staged model can be read; valid until the commit or the abort. */
const char *snas_onnx_staged_path(const struct snas_onnx_staged *staged);
/* Both leave `staged` empty. A failed commit leaves what stood at `path` before; when only the
 * last step failed (the directory could not be synced) the new model is there, whole. */
enum snas_status snas_onnx_commit(struct snas_onnx_staged *staged, struct snas_err *err);
void snas_onnx_abort(struct snas_onnx_staged *staged);

/* "Conv", "Slice", ... and its wiring are the writer's alone; this is for summaries. */
const char *snas_onnx_op_name(enum snas_graph_op op);

#endif

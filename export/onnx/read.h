#ifndef SNAS_EXPORT_ONNX_READ_H
#define SNAS_EXPORT_ONNX_READ_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* Reads an ONNX file that holds an image classifier: one float input [batch, C, H, W], one output
 * [batch, classes]. Files are not trusted: nesting, counts, sizes, names and offsets are checked
 * before they are used, and a bad one gives SNAS_E_FORMAT. */

struct snas_onnx_file;

struct snas_onnx_tensor {
    const char *name;
    int ndim;
    int64_t shape[8];
    size_t count;
    const float *data; /* NULL when it is not of floats */
};
struct snas_onnx_node {
    const char *name, *op;
};

enum snas_status snas_onnx_read(const char *path, struct snas_onnx_file **out,
                                struct snas_err *err);
/* The same from memory; `name` stands for the file in messages, external data lies in the
 * directory of `name`. */
enum snas_status snas_onnx_parse(const char *name, const void *data, size_t size,
                                 struct snas_onnx_file **out, struct snas_err *err);
void snas_onnx_free(struct snas_onnx_file *f); /* NULL allowed */

/* chw[3]. */
void snas_onnx_shape(const struct snas_onnx_file *f, int *chw, int *classes);
int64_t snas_onnx_opset(const struct snas_onnx_file *f);
int64_t snas_onnx_ir_version(const struct snas_onnx_file *f);
/* A metadata value, or NULL. */
const char *snas_onnx_meta(const struct snas_onnx_file *f, const char *key);
size_t snas_onnx_node_count(const struct snas_onnx_file *f);
struct snas_onnx_node snas_onnx_node_at(const struct snas_onnx_file *f, size_t i);
size_t snas_onnx_tensor_count(const struct snas_onnx_file *f);
const struct snas_onnx_tensor *snas_onnx_tensor_at(const struct snas_onnx_file *f, size_t i);
const struct snas_onnx_tensor *snas_onnx_tensor_find(const struct snas_onnx_file *f,
                                                     const char *name); /* or NULL */

#endif

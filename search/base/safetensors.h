#ifndef SNAS_BASE_SAFETENSORS_H
#define SNAS_BASE_SAFETENSORS_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* The safetensors container (8-byte header size, JSON header, raw little-endian data): child files
 * and checkpoints. Python reads it with the package of that name. Metadata values are strings. */
enum snas_dtype { SNAS_F32, SNAS_F64, SNAS_I64, SNAS_U8 };
size_t snas_dtype_size(enum snas_dtype t);

struct snas_st_tensor {
    const char *name;
    enum snas_dtype dtype;
    int ndim;
    int64_t shape[4];
    const void *data; /* shape's product x dtype size bytes; of a file read: in any alignment, so
                       * snas_st_copy is the way to numbers */
};
struct snas_st_meta {
    const char *key, *value; /* UTF-8 */
};

/* Written in the given order, 64-byte aligned header, atomically (base/io.h). Same input, same
 * bytes. Names must be unique. */
enum snas_status snas_st_write(const char *path, const struct snas_st_tensor *tensors,
                               size_t n_tensors, const struct snas_st_meta *meta, size_t n_meta,
                               struct snas_err *err);

/* A file read whole and checked: header, overlaps, holes, sizes, file length. Tensors come in the
 * order of their data; names and texts live as long as it does. */
struct snas_st;
enum snas_status snas_st_read(const char *path, struct snas_st **out, struct snas_err *err);
size_t snas_st_count(const struct snas_st *st);
const struct snas_st_tensor *snas_st_at(const struct snas_st *st, size_t i);
const struct snas_st_tensor *snas_st_find(const struct snas_st *st, const char *name); /* or NULL */
const char *snas_st_meta(const struct snas_st *st, const char *key);                   /* or NULL */
/* Copies a tensor of exactly this dtype and element count; the error names file and tensor. */
enum snas_status snas_st_copy(const struct snas_st *st, const char *name, enum snas_dtype dtype,
                              size_t count, void *dst, struct snas_err *err);
void snas_st_free(struct snas_st *st);

#endif

#include "export/onnx/write.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/hash.h"
#include "base/mem.h"
#include "export/onnx/message.h"

/* protobuf-c packs into this, which hands on to the writer: no second copy of the weights. */
struct sink {
    ProtobufCBuffer base;
    struct snas_writer *writer;
};

static void append(ProtobufCBuffer *buffer, size_t size, const uint8_t *data)
{
    snas_writer_put(((struct sink *)buffer)->writer, data, size);
}

static uint64_t weight_bytes(const struct snas_graph *g)
{
    uint64_t bytes = 0;
    for (int i = 0; i < g->n_tensors; i++)
        bytes += g->tensors[i].count * sizeof(float);
    return bytes;
}

/* Of shapes and values, to name the file of external data. */
static uint64_t weight_hash(const struct snas_graph *g)
{
    uint64_t h = SNAS_HASH_START;
    for (int i = 0; i < g->n_tensors; i++) {
        uint64_t count = g->tensors[i].count;
        h = snas_hash(h, g->tensors[i].data, count * sizeof(float));
        h = snas_hash(h, &count, sizeof count);
    }
    return h;
}

static void put_external(const struct snas_graph *g, struct snas_writer *w)
{
    static const unsigned char zeros[4096];
    for (int i = 0; i < g->n_tensors; i++) {
        uint64_t at = snas_writer_bytes(w);
        snas_writer_put(w, zeros, (size_t)(snas_onnx_align(at) - at));
        snas_writer_put(w, g->tensors[i].data, g->tensors[i].count * sizeof(float));
    }
}

/* `path` and the name in it of the file for external data: beside the staged model, so that both
 * the check and a later reader find it. */
static enum snas_status name_external(const struct snas_graph *g, const char *path,
                                      struct snas_onnx_staged *out, const char **name,
                                      struct snas_err *err)
{
    const char *near = snas_writer_temporary(out->writer);
    const char *slash = strrchr(near, '/'), *own = strrchr(path, '/');
    int directory = slash ? (int)(slash - near) + 1 : 0;
    out->data_path = snas_format(err, "%.*s%s.%016" PRIx64 ".data", directory, near,
                                 own ? own + 1 : path, weight_hash(g));
    if (!out->data_path)
        return SNAS_E_NOMEM;
    *name = out->data_path + directory;
    return SNAS_OK;
}

static enum snas_status write_external(const struct snas_graph *g, struct snas_onnx_staged *out,
                                       struct snas_err *err)
{
    struct snas_writer *w;
    int there = snas_path_exists(out->data_path);
    enum snas_status s = snas_writer_open(out->data_path, &w, err);
    if (s)
        return s;
    put_external(g, w);
    out->bytes += snas_writer_bytes(w);
    out->data_is_new = !there; /* even when the commit fails it may have got as far as the name */
    return snas_writer_commit(w, err);
}

/* A writer keeps its first error until the commit; what did not reach the file is told before
 * anybody reads it. */
static enum snas_status complete(struct snas_onnx_staged *out, struct snas_err *err)
{
    const char *temporary = snas_writer_temporary(out->writer);
    struct stat st;
    if (stat(temporary, &st) == 0 && (uint64_t)st.st_size == snas_writer_bytes(out->writer))
        return SNAS_OK;
    struct snas_writer *w = out->writer;
    out->writer = NULL;
    enum snas_status s = snas_writer_commit(w, err);
    return s ? s : snas_fail(err, SNAS_E_IO, "a file changed while it was written");
}

static enum snas_status write_model(const struct snas_graph *g, const struct snas_onnx_info *info,
                                    const char *path, uint64_t limit, struct snas_onnx_pool *pool,
                                    struct snas_onnx_staged *out, struct snas_err *err)
{
    const char *data_name = NULL;
    Onnx__ModelProto *model = NULL;
    enum snas_status s = SNAS_OK;
    if (weight_bytes(g) < limit) {
        model = snas_onnx_model(g, info, NULL, pool, err);
        if (!model)
            return SNAS_E_NOMEM;
    }
    if (!model || onnx__model_proto__get_packed_size(model) > limit) {
        s = name_external(g, path, out, &data_name, err);
        if (s == SNAS_OK)
            s = write_external(g, out, err);
        if (s)
            return s;
        model = snas_onnx_model(g, info, data_name, pool, err);
        if (!model)
            return SNAS_E_NOMEM;
    }
    struct sink sink = {.base = {append}, .writer = out->writer};
    onnx__model_proto__pack_to_buffer(model, &sink.base);
    out->bytes += snas_writer_bytes(out->writer);
    return complete(out, err);
}

enum snas_status snas_onnx_stage(const struct snas_graph *g, const struct snas_onnx_info *info,
                                 const char *path, uint64_t limit, struct snas_onnx_staged *out,
                                 struct snas_err *err)
{
    memset(out, 0, sizeof *out);
    struct snas_onnx_pool pool = {0};
    out->path = snas_strdup(path, err);
    enum snas_status s = out->path ? snas_writer_open(path, &out->writer, err) : SNAS_E_NOMEM;
    if (s == SNAS_OK)
        s = write_model(g, info, path, limit, &pool, out, err);
    snas_onnx_pool_clear(&pool);
    if (s)
        snas_onnx_abort(out);
    return s;
}

const char *snas_onnx_staged_path(const struct snas_onnx_staged *staged)
{
    return snas_writer_temporary(staged->writer);
}

/* What an abort removes when the writer is gone already. */
static void forget(struct snas_onnx_staged *staged, int with_data)
{
    if (with_data && staged->data_is_new)
        unlink(staged->data_path);
    snas_free(staged->path);
    snas_free(staged->data_path);
    memset(staged, 0, sizeof *staged);
}

enum snas_status snas_onnx_commit(struct snas_onnx_staged *staged, struct snas_err *err)
{
    struct stat own, there;
    int known = stat(snas_onnx_staged_path(staged), &own) == 0;
    enum snas_status s = snas_writer_commit(staged->writer, err);
    /* A commit that failed behind its rename has put the model in place: it needs its weights. */
    int placed = s == SNAS_OK || (known && stat(staged->path, &there) == 0 &&
                                  own.st_dev == there.st_dev && own.st_ino == there.st_ino);
    forget(staged, !placed);
    return s;
}

void snas_onnx_abort(struct snas_onnx_staged *staged)
{
    snas_writer_abort(staged->writer);
    forget(staged, 1);
}

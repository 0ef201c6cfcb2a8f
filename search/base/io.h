#ifndef SNAS_BASE_IO_H
#define SNAS_BASE_IO_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* Files. All writing that must survive a kill goes through snas_writer: a temporary file beside
 * the target, fsync, rename, fsync of the directory. Error lines quote the path and say what the
 * system said. The calls below go through one table of functions that a test may replace. */

struct snas_io_ops { /* each returns like its POSIX namesake, -1 with errno on error */
    int (*open)(const char *path, int flags, unsigned mode);
    long (*read)(int fd, void *buf, size_t n);
    long (*write)(int fd, const void *buf, size_t n);
    int (*fsync)(int fd);
    int (*close)(int fd);
    int (*rename)(const char *from, const char *to);
    int (*unlink)(const char *path);
};
/* Replaces the table (NULL: the real one). For tests; not thread safe. */
void snas_io_replace(const struct snas_io_ops *ops);

/* Whole file into memory, NUL added behind the last byte (not counted); caller frees with
 * snas_free. A file larger than `limit` bytes is an error. */
enum snas_status snas_read_file(const char *path, size_t limit, char **data, size_t *size,
                                struct snas_err *err);
/* The same for a file that may be gzip-compressed (by its magic, not its name); `limit` bounds
 * the decompressed size, so that a bomb is refused. */
enum snas_status snas_read_file_gz(const char *path, size_t limit, char **data, size_t *size,
                                   struct snas_err *err);
/* Replaces `path` by `size` bytes, atomically and durably. */
enum snas_status snas_write_file(const char *path, const void *data, size_t size,
                                 struct snas_err *err);

struct snas_writer; /* an atomic replacement in the making */
enum snas_status snas_writer_open(const char *path, struct snas_writer **out, struct snas_err *err);
/* Keeps the first error and ignores what follows it, so that callbacks may return void. */
void snas_writer_put(struct snas_writer *w, const void *data, size_t size);
uint64_t snas_writer_bytes(const struct snas_writer *w);
/* Path of the temporary file: what a check reads before the commit (flushed by this call). */
const char *snas_writer_temporary(struct snas_writer *w);
enum snas_status snas_writer_commit(struct snas_writer *w, struct snas_err *err); /* frees w */
void snas_writer_abort(struct snas_writer *w); /* removes the temporary, frees w; NULL allowed */

/* Creates the directory and its parents where missing. */
enum snas_status snas_make_dirs(const char *path, struct snas_err *err);
int snas_path_exists(const char *path);       /* 1 or 0 */
int snas_path_is_directory(const char *path); /* 1, or 0 (errno: why it is not there) */
/* "a/b"; caller frees with snas_free. An absolute `b` is returned alone. */
char *snas_path_join(const char *a, const char *b, struct snas_err *err);
/* Finds a shipped data file ("configs/spaces/darts.yaml"): as given, beside the current directory,
 * under SNAS_DATA_DIR of the environment, beside the binary's source tree, under the install
 * prefix, in this order. Caller frees. The error lists where it looked. */
enum snas_status snas_find_shipped(const char *relative, char **path, struct snas_err *err);

#endif

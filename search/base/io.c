#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/io_ops.h"
#include "base/mem.h"

/* Reading whole files, and finding them. Writing is in writer.c. */

static int real_open(const char *path, int flags, unsigned mode)
{
    return open(path, flags, mode);
}

static long real_read(int fd, void *buf, size_t n)
{
    return read(fd, buf, n);
}

static long real_write(int fd, const void *buf, size_t n)
{
    return write(fd, buf, n);
}

static const struct snas_io_ops real_ops = {.open = real_open,
                                            .read = real_read,
                                            .write = real_write,
                                            .fsync = fsync,
                                            .close = close,
                                            .rename = rename,
                                            .unlink = unlink};
static const struct snas_io_ops *ops = &real_ops;

void snas_io_replace(const struct snas_io_ops *replacement)
{
    ops = replacement ? replacement : &real_ops;
}

const struct snas_io_ops *snas_io_now(void)
{
    return ops;
}

int snas_io_open(const char *path, int flags)
{
    int fd;
    do
        fd = ops->open(path, flags | O_CLOEXEC, 0666);
    while (fd < 0 && errno == EINTR);
    return fd;
}

struct buffer {
    char *data;
    size_t size, room;
};

/* Room for `more` bytes and a NUL; grows by half again, and at the end not beyond the limit. */
static enum snas_status buffer_reserve(struct buffer *b, size_t more, size_t limit,
                                       struct snas_err *err)
{
    if (b->room - b->size > more)
        return SNAS_OK;
    size_t room = b->room + b->room / 2;
    if (room > limit && limit >= b->size + more)
        room = limit;
    if (room < b->size + more)
        room = b->size + more;
    char *grown = snas_realloc(b->data, room + 1, 1, err);
    if (!grown)
        return SNAS_E_NOMEM;
    b->data = grown;
    b->room = room + 1;
    return SNAS_OK;
}

static enum snas_status too_large(const char *path, size_t limit, struct snas_err *err)
{
    return snas_fail(err, SNAS_E_LIMIT, "'%s' is larger than the %zu bytes allowed here", path,
                     limit);
}

/* First room: the size the system tells, which need not be true (pipes, files that grow). */
static enum snas_status read_fd(const char *path, int fd, size_t limit, struct buffer *b,
                                struct snas_err *err)
{
    struct stat st;
    size_t step = 4096;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size >= 0) {
        if ((uint64_t)st.st_size > limit)
            return too_large(path, limit, err);
        step = (size_t)st.st_size + 1; /* one more, so that the next read meets the end */
    }
    for (;;) {
        enum snas_status s = buffer_reserve(b, step, limit, err);
        if (s != SNAS_OK)
            return s;
        long got = ops->read(fd, b->data + b->size, b->room - b->size - 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return snas_fail(err, SNAS_E_IO, "cannot read '%s': %s", path, strerror(errno));
        if (got == 0)
            break;
        b->size += (size_t)got;
        if (b->size > limit)
            return too_large(path, limit, err);
        step = b->room - b->size > 1 ? 0 : 4096;
    }
    b->data[b->size] = '\0';
    return SNAS_OK;
}

enum snas_status snas_read_file(const char *path, size_t limit, char **data, size_t *size,
                                struct snas_err *err)
{
    *data = NULL;
    *size = 0;
    if (limit > SIZE_MAX / 4)
        limit = SIZE_MAX / 4;
    int fd = snas_io_open(path, O_RDONLY);
    if (fd < 0)
        return snas_fail(err, SNAS_E_IO, "cannot open '%s': %s", path, strerror(errno));
    struct buffer b = {0};
    enum snas_status s = read_fd(path, fd, limit, &b, err);
    ops->close(fd);
    if (s != SNAS_OK) {
        snas_free(b.data);
        return s;
    }
    *data = b.data;
    *size = b.size;
    return SNAS_OK;
}

static void *zlib_alloc(void *unused, unsigned count, unsigned size)
{
    (void)unused;
    return snas_alloc(count, size, NULL);
}

static void zlib_free(void *unused, void *p)
{
    (void)unused;
    snas_free(p);
}

/* Takes input in parts that fit zlib's 32-bit counter; `left` is what is not yet handed over. */
static void gz_feed(z_stream *z, size_t *left)
{
    if (z->avail_in == 0 && *left > 0) {
        z->avail_in = *left < (1u << 30) ? (unsigned)*left : 1u << 30;
        *left -= z->avail_in;
    }
}

/* All members of a gzip file, as gzip(1) reads them. */
static enum snas_status gz_inflate(const char *path, z_stream *z, size_t size, size_t limit,
                                   struct buffer *out, struct snas_err *err)
{
    size_t left = size;
    for (;;) {
        enum snas_status s = buffer_reserve(out, 1 << 16, limit, err);
        if (s != SNAS_OK)
            return s;
        size_t room = out->room - out->size - 1;
        gz_feed(z, &left);
        z->next_out = (unsigned char *)out->data + out->size;
        z->avail_out = room < (1u << 30) ? (unsigned)room : 1u << 30;
        size_t given = z->avail_out;
        int code = inflate(z, Z_NO_FLUSH);
        out->size += given - z->avail_out;
        size_t at = size - left - z->avail_in;
        if (out->size > limit)
            return too_large(path, limit, err);
        if (code == Z_MEM_ERROR)
            return snas_fail(err, SNAS_E_NOMEM, "out of memory reading '%s'", path);
        if (code == Z_STREAM_END) {
            gz_feed(z, &left);
            if (z->avail_in == 0)
                return SNAS_OK;
            inflateReset(z);
        } else if (code == Z_BUF_ERROR ||
                   (code == Z_OK && z->avail_in == 0 && left == 0 && z->avail_out > 0)) {
            return snas_fail(err, SNAS_E_FORMAT, "'%s' is cut off: its gzip data ends at byte %zu",
                             path, at);
        } else if (code != Z_OK) {
            return snas_fail(err, SNAS_E_FORMAT, "'%s' is damaged: gzip data at byte %zu: %s", path,
                             at, z->msg ? z->msg : "invalid");
        }
    }
}

enum snas_status snas_read_file_gz(const char *path, size_t limit, char **data, size_t *size,
                                   struct snas_err *err)
{
    if (limit > SIZE_MAX / 8)
        limit = SIZE_MAX / 8;
    /* What does not compress grows by a few bytes in 16 KiB, and there is a header. */
    char *packed;
    size_t n;
    enum snas_status s = snas_read_file(path, limit + limit / 1024 + 4096, &packed, &n, err);
    *data = NULL;
    *size = 0;
    if (s != SNAS_OK)
        return s;
    if (n < 2 || (unsigned char)packed[0] != 0x1F || (unsigned char)packed[1] != 0x8B) {
        if (n > limit) {
            snas_free(packed);
            return too_large(path, limit, err);
        }
        *data = packed;
        *size = n;
        return SNAS_OK;
    }
    z_stream z = {.zalloc = zlib_alloc, .zfree = zlib_free, .next_in = (unsigned char *)packed};
    struct buffer out = {0};
    if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK) {
        s = snas_fail(err, SNAS_E_NOMEM, "out of memory reading '%s'", path);
    } else {
        s = gz_inflate(path, &z, n, limit, &out, err);
        inflateEnd(&z);
    }
    snas_free(packed);
    if (s != SNAS_OK) {
        snas_free(out.data);
        return s;
    }
    out.data[out.size] = '\0';
    *data = out.data;
    *size = out.size;
    return SNAS_OK;
}

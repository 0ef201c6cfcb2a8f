#include "base/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io_ops.h"
#include "base/mem.h"

/* The temporary file is "<target>.<process>-<count>.tmp", so two processes that write one target
 * never share it. One that was killed leaves its file behind; whoever writes the same target next
 * removes it. */

enum { BUFFER = 1 << 16 };

struct snas_writer {
    char *target, *temporary;
    int fd;
    uint64_t bytes;
    size_t held; /* bytes in `buffer` */
    struct snas_err first;
    unsigned char buffer[BUFFER];
};

static char *directory_of(const char *path, struct snas_err *err)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return snas_strdup(".", err);
    return slash == path ? snas_strdup("/", err)
                         : snas_format(err, "%.*s", (int)(slash - path), path);
}

/* 1 when `entry` is a temporary of `name` whose process is gone. */
static int is_left_over(const char *entry, const char *name, size_t length)
{
    if (strncmp(entry, name, length) != 0 || entry[length] != '.')
        return 0;
    char *end;
    errno = 0;
    long process = strtol(entry + length + 1, &end, 10);
    if (errno != 0 || process <= 0 || process > 0x7FFFFFFF || *end != '-')
        return 0;
    strtol(end + 1, &end, 10);
    return strcmp(end, ".tmp") == 0 && kill((pid_t)process, 0) != 0 && errno == ESRCH;
}

static enum snas_status sweep(const char *target, struct snas_err *err)
{
    char *dir = directory_of(target, err);
    if (!dir)
        return SNAS_E_NOMEM;
    enum snas_status s = SNAS_OK;
    const char *slash = strrchr(target, '/'), *name = slash ? slash + 1 : target;
    DIR *d = opendir(dir);
    for (struct dirent *e; s == SNAS_OK && d && (e = readdir(d)) != NULL;) {
        if (!is_left_over(e->d_name, name, strlen(name)))
            continue;
        char *path = snas_path_join(dir, e->d_name, err);
        if (path)
            snas_io_now()->unlink(path);
        else
            s = SNAS_E_NOMEM;
        snas_free(path);
    }
    if (d)
        closedir(d);
    snas_free(dir);
    return s;
}

/* The file behind a symbolic link is replaced, not the link. */
static char *resolve(const char *path, struct snas_err *err)
{
    struct stat st;
    if (lstat(path, &st) != 0 || !S_ISLNK(st.st_mode))
        return snas_strdup(path, err);
    char *real = realpath(path, NULL);
    char *copy = snas_strdup(real ? real : path, err);
    free(real);
    return copy;
}

static enum snas_status writer_start(struct snas_writer *w, const char *path, struct snas_err *err)
{
    static atomic_uint count;
    w->target = resolve(path, err);
    if (!w->target)
        return SNAS_E_NOMEM;
    struct stat st;
    if (stat(w->target, &st) == 0 && !S_ISREG(st.st_mode))
        return snas_fail(err, SNAS_E_IO, "cannot write '%s': %s", path,
                         S_ISDIR(st.st_mode) ? "it is a directory" : "it is not a regular file");
    enum snas_status s = sweep(w->target, err);
    if (s != SNAS_OK)
        return s;
    w->temporary =
        snas_format(err, "%s.%ld-%u.tmp", w->target, (long)getpid(), atomic_fetch_add(&count, 1));
    if (!w->temporary)
        return SNAS_E_NOMEM;
    w->fd = snas_io_open(w->temporary, O_WRONLY | O_CREAT | O_TRUNC);
    if (w->fd < 0)
        return snas_fail(err, SNAS_E_IO, "cannot create '%s': %s", w->temporary, strerror(errno));
    return SNAS_OK;
}

static void writer_free(struct snas_writer *w)
{
    snas_free(w->target);
    snas_free(w->temporary);
    snas_free(w);
}

enum snas_status snas_writer_open(const char *path, struct snas_writer **out, struct snas_err *err)
{
    *out = NULL;
    struct snas_writer *w = snas_alloc(1, sizeof *w, err);
    if (!w)
        return SNAS_E_NOMEM;
    w->fd = -1;
    enum snas_status s = writer_start(w, path, err);
    if (s != SNAS_OK) {
        writer_free(w);
        return s;
    }
    *out = w;
    return SNAS_OK;
}

static void write_all(struct snas_writer *w, const unsigned char *data, size_t size)
{
    while (size > 0 && w->first.code == SNAS_OK) {
        long n = snas_io_now()->write(w->fd, data, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            snas_fail(&w->first, SNAS_E_IO, "cannot write '%s': %s", w->temporary,
                      n < 0 ? strerror(errno) : "the system takes no more");
            return;
        }
        data += n;
        size -= (size_t)n;
    }
}

static void flush(struct snas_writer *w)
{
    write_all(w, w->buffer, w->held);
    w->held = 0;
}

void snas_writer_put(struct snas_writer *w, const void *data, size_t size)
{
    if (size == 0)
        return;
    w->bytes += size;
    if (size > BUFFER - w->held)
        flush(w);
    if (size >= BUFFER) {
        write_all(w, data, size);
        return;
    }
    memcpy(w->buffer + w->held, data, size);
    w->held += size;
}

uint64_t snas_writer_bytes(const struct snas_writer *w)
{
    return w->bytes;
}

const char *snas_writer_temporary(struct snas_writer *w)
{
    flush(w);
    return w->temporary;
}

static int sync_fd(int fd)
{
    int r;
    do
        r = snas_io_now()->fsync(fd);
    while (r != 0 && errno == EINTR);
    return r;
}

/* Makes the rename itself durable. Some file systems cannot sync a directory: not an error. */
static enum snas_status sync_directory(const char *target, struct snas_err *err)
{
    char *dir = directory_of(target, err);
    if (!dir)
        return SNAS_E_NOMEM;
    enum snas_status s = SNAS_OK;
    int fd = snas_io_open(dir, O_RDONLY | O_DIRECTORY);
    if (fd < 0 || (sync_fd(fd) != 0 && errno != EINVAL && errno != ENOTSUP))
        s = snas_fail(err, SNAS_E_IO, "cannot sync directory '%s': %s", dir, strerror(errno));
    if (fd >= 0)
        snas_io_now()->close(fd);
    snas_free(dir);
    return s;
}

/* To the disk, under the temporary name. */
static enum snas_status finish_temporary(struct snas_writer *w, struct snas_err *err)
{
    flush(w);
    if (w->first.code == SNAS_OK && sync_fd(w->fd) != 0)
        snas_fail(&w->first, SNAS_E_IO, "cannot sync '%s': %s", w->temporary, strerror(errno));
    /* After EINTR Linux has closed the descriptor: never close it again. */
    if (snas_io_now()->close(w->fd) != 0 && errno != EINTR && w->first.code == SNAS_OK)
        snas_fail(&w->first, SNAS_E_IO, "cannot close '%s': %s", w->temporary, strerror(errno));
    w->fd = -1;
    if (w->first.code != SNAS_OK)
        return snas_fail(err, w->first.code, "%s", w->first.text);
    return SNAS_OK;
}

enum snas_status snas_writer_commit(struct snas_writer *w, struct snas_err *err)
{
    enum snas_status s = finish_temporary(w, err);
    if (s == SNAS_OK && snas_io_now()->rename(w->temporary, w->target) != 0)
        s = snas_fail(err, SNAS_E_IO, "cannot rename '%s' to '%s': %s", w->temporary, w->target,
                      strerror(errno));
    if (s != SNAS_OK) {
        snas_writer_abort(w);
        return s;
    }
    s = sync_directory(w->target, err);
    writer_free(w);
    return s;
}

void snas_writer_abort(struct snas_writer *w)
{
    if (!w)
        return;
    if (w->fd >= 0)
        snas_io_now()->close(w->fd);
    snas_io_now()->unlink(w->temporary);
    writer_free(w);
}

enum snas_status snas_write_file(const char *path, const void *data, size_t size,
                                 struct snas_err *err)
{
    struct snas_writer *w;
    enum snas_status s = snas_writer_open(path, &w, err);
    if (s != SNAS_OK)
        return s;
    snas_writer_put(w, data, size);
    return snas_writer_commit(w, err);
}

#ifndef SNAS_FUZZ_MEMORY_FILE_H
#define SNAS_FUZZ_MEMORY_FILE_H

#include <errno.h>
#include <string.h>

#include "base/io.h"

/* A file that is the fuzzer's bytes, for readers that take a path: no disk is touched. */
enum { MEMORY_FD = 1 << 20 };
static struct {
    const uint8_t *data;
    size_t size, at;
} memory_file;

static int memory_open(const char *path, int flags, unsigned mode)
{
    (void)path;
    (void)flags;
    (void)mode;
    memory_file.at = 0;
    return MEMORY_FD;
}

static long memory_read(int fd, void *buf, size_t n)
{
    (void)fd;
    if (n > memory_file.size - memory_file.at)
        n = memory_file.size - memory_file.at;
    memcpy(buf, memory_file.data + memory_file.at, n);
    memory_file.at += n;
    return (long)n;
}

static int memory_close(int fd)
{
    (void)fd;
    return 0;
}

static void memory_file_set(const uint8_t *data, size_t size)
{
    static const struct snas_io_ops ops = {
        .open = memory_open, .read = memory_read, .close = memory_close};
    static const uint8_t none[1];
    memory_file.data = size ? data : none;
    memory_file.size = size;
    snas_io_replace(&ops);
}

#endif

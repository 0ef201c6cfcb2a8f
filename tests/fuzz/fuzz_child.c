#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "space/child.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* By way of a file, as the reader takes a path. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[] = "/tmp/snas-fuzz-XXXXXX";
    struct snas_child child;
    struct snas_err err = {0};
    int fd = mkstemp(path);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    close(fd);
    if (snas_child_read(path, &child, &err) == SNAS_OK)
        snas_child_clear(&child);
    unlink(path);
    return 0;
}

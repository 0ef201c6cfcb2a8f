#include "base/available.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static FILE *open_in(const char *root, const char *path)
{
    char name[PATH_MAX];
    int n = snprintf(name, sizeof name, "%s%s", root, path);
    return n > 0 && (size_t)n < sizeof name ? fopen(name, "re") : NULL;
}

/* The kB behind `key` in /proc/meminfo, as bytes; 0: not there. */
static size_t read_meminfo(const char *root, const char *key)
{
    char line[256];
    size_t bytes = 0, n = strlen(key);
    FILE *f = open_in(root, "/proc/meminfo");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, key, n) == 0)
            bytes = (size_t)strtoull(line + n, NULL, 10) * 1024;
    if (f)
        (void)fclose(f);
    return bytes;
}

/* A control group's limit; "max" and what is not there are none. */
static size_t read_limit(const char *root, const char *path)
{
    char line[64] = "";
    FILE *f = open_in(root, path);
    int there = f && fgets(line, sizeof line, f) && line[0] >= '0' && line[0] <= '9';
    if (f)
        (void)fclose(f);
    return there ? (size_t)strtoull(line, NULL, 10) : SIZE_MAX;
}

size_t snas_memory_available_in(const char *root)
{
    static const char *const limits[] = {"/sys/fs/cgroup/memory.max",
                                         "/sys/fs/cgroup/memory/memory.limit_in_bytes"};
    size_t bytes = read_meminfo(root, "MemAvailable:");
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        size_t limit = read_limit(root, limits[i]);
        if (limit < bytes)
            bytes = limit;
    }
    return bytes;
}

size_t snas_memory_available(void)
{
    return snas_memory_available_in("");
}

#include "base/hash.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/io.h"
#include "base/mem.h"

uint64_t snas_hash(uint64_t hash, const void *data, size_t size)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * 1099511628211ULL;
    return hash;
}

enum snas_status snas_hash_file(const char *path, size_t limit, char text[17], struct snas_err *err)
{
    char *data;
    size_t size;
    enum snas_status s = snas_read_file(path, limit, &data, &size, err);
    if (s != SNAS_OK)
        return s;
    snprintf(text, 17, "%016" PRIx64, snas_hash(SNAS_HASH_START, data, size));
    snas_free(data);
    return SNAS_OK;
}

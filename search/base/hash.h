#ifndef SNAS_BASE_HASH_H
#define SNAS_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* FNV-1a, 64 bits: to tell one file from another, not to keep anybody out. Begin with
 * SNAS_HASH_START and go on with what the call before returned. */
#define SNAS_HASH_START 14695981039346656037ULL
uint64_t snas_hash(uint64_t hash, const void *data, size_t size);
/* Of a file's bytes, at most `limit` of them, as 16 hexadecimal digits. */
enum snas_status snas_hash_file(const char *path, size_t limit, char text[17],
                                struct snas_err *err);

#endif

#ifndef SNAS_BASE_MEM_H
#define SNAS_BASE_MEM_H

#include <stddef.h>

#include "base/status.h"

/* Every allocation of base, data, space, train and export goes through here, so that a test can
 * fail the Nth one. All return zeroed memory or NULL with `err` set (SNAS_E_NOMEM). */
void *snas_alloc(size_t count, size_t size, struct snas_err *err);
void *snas_realloc(void *old, size_t count, size_t size, struct snas_err *err); /* not zeroed */
char *snas_strdup(const char *text, struct snas_err *err);
char *snas_format(struct snas_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void snas_free(void *p);

/* Test hook: the nth allocation from now (1 = the next) fails, once; 0 turns it off.
 * Returns how many allocations were made since the last call. */
long snas_mem_fail_at(long nth);

/* An arena whose size is known before it is filled: a plan reserves, then one block is allocated,
 * then offsets become pointers. Offsets are multiples of 64 bytes, as is the block. */
struct snas_arena {
    unsigned char *base;
    size_t reserved; /* bytes reserved so far */
    size_t size;     /* bytes allocated; 0 before snas_arena_commit */
};
size_t snas_arena_reserve(struct snas_arena *arena, size_t bytes);                  /* -> offset */
enum snas_status snas_arena_commit(struct snas_arena *arena, struct snas_err *err); /* zeroed */
void *snas_arena_at(const struct snas_arena *arena, size_t offset);
void snas_arena_clear(struct snas_arena *arena);

#endif

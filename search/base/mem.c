#include "base/mem.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { ARENA_ALIGN = 64, HUGE_PAGE = 2 << 20 };

static atomic_long made;    /* allocations since the last snas_mem_fail_at */
static atomic_long fail_at; /* 0: never */

/* Counts one allocation; 1 when it is the one that has to fail. */
static int must_fail(void)
{
    long n = atomic_fetch_add(&made, 1) + 1;
    return n == atomic_load(&fail_at);
}

long snas_mem_fail_at(long nth)
{
    atomic_store(&fail_at, nth);
    return atomic_exchange(&made, 0);
}

static void *no_memory(size_t count, size_t size, struct snas_err *err)
{
    snas_fail(err, SNAS_E_NOMEM, "out of memory: cannot allocate %zu x %zu bytes", count, size);
    return NULL;
}

/* Bytes to ask for; 0 when no system has them. An empty array still gets a pointer: NULL means
 * failure and nothing else. */
static size_t bytes_of(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > PTRDIFF_MAX)
        return 0;
    return bytes ? bytes : 1;
}

void *snas_alloc(size_t count, size_t size, struct snas_err *err)
{
    size_t bytes = bytes_of(count, size);
    if (must_fail() || bytes == 0)
        return no_memory(count, size, err);
    void *p = calloc(bytes, 1);
    return p ? p : no_memory(count, size, err);
}

void *snas_realloc(void *old, size_t count, size_t size, struct snas_err *err)
{
    size_t bytes = bytes_of(count, size);
    if (must_fail() || bytes == 0)
        return no_memory(count, size, err);
    void *p = realloc(old, bytes);
    return p ? p : no_memory(count, size, err);
}

char *snas_strdup(const char *text, struct snas_err *err)
{
    size_t n = strlen(text) + 1;
    char *copy = snas_alloc(n, 1, err);
    if (copy)
        memcpy(copy, text, n);
    return copy;
}

char *snas_format(struct snas_err *err, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *text = n < 0 ? no_memory(1, 1, err) : snas_alloc((size_t)n + 1, 1, err);
    if (text)
        vsnprintf(text, (size_t)n + 1, fmt, again);
    va_end(again);
    return text;
}

void snas_free(void *p)
{
    free(p);
}

size_t snas_arena_reserve(struct snas_arena *arena, size_t bytes)
{
    size_t offset = arena->reserved, end;
    /* A size nobody has saturates, and the commit refuses it: plans need no check per tensor. */
    if (__builtin_add_overflow(offset, bytes, &end) || end > SIZE_MAX - (ARENA_ALIGN - 1))
        end = SIZE_MAX - (ARENA_ALIGN - 1);
    arena->reserved = (end + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
    return offset;
}

/* A step walks through all of a large arena: with small pages the page walks cost a part of it
 * (5 - 7% measured in a virtual machine). Only advice: where it is refused nothing changes. */
static void advise_huge_pages(unsigned char *p, size_t bytes)
{
    size_t skip = (HUGE_PAGE - (uintptr_t)p % HUGE_PAGE) % HUGE_PAGE;
    if (bytes >= skip + HUGE_PAGE)
        (void)madvise(p + skip, (bytes - skip) / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
}

/* calloc and not aligned_alloc + memset: fresh pages are zero already, and a large arena costs
 * memory only where it is touched. What calloc returned stands just before the block. */
enum snas_status snas_arena_commit(struct snas_arena *arena, struct snas_err *err)
{
    if (arena->base)
        SNAS_BUG("arena committed twice");
    size_t bytes;
    if (__builtin_add_overflow(arena->reserved, 2 * (size_t)ARENA_ALIGN, &bytes))
        bytes = SIZE_MAX;
    unsigned char *p = snas_alloc(bytes, 1, err);
    if (!p)
        return SNAS_E_NOMEM;
    advise_huge_pages(p, bytes);
    unsigned char *base = p + 2 * ARENA_ALIGN - (uintptr_t)p % ARENA_ALIGN;
    memcpy(base - sizeof p, &p, sizeof p);
    arena->base = base;
    arena->size = arena->reserved;
    return SNAS_OK;
}

void *snas_arena_at(const struct snas_arena *arena, size_t offset)
{
    if (!arena->base || offset > arena->size)
        SNAS_BUG("arena offset %zu of %zu", offset, arena->size);
    return arena->base + offset;
}

void snas_arena_clear(struct snas_arena *arena)
{
    if (arena->base) {
        void *p;
        memcpy(&p, arena->base - sizeof p, sizeof p);
        snas_free(p);
    }
    memset(arena, 0, sizeof *arena);
}

#include "base/safetensors_json.h"

#include <pthread.h>

#include "base/mem.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "safetensors holds little-endian data");

static const struct {
    const char *name;
    size_t size;
} dtypes[] = {[SNAS_F32] = {"F32", 4},
              [SNAS_F64] = {"F64", 8},
              [SNAS_I64] = {"I64", 8},
              [SNAS_U8] = {"U8", 1}};
enum { N_DTYPES = sizeof dtypes / sizeof *dtypes };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static _Thread_local int starved;

const char *snas_dtype_name(enum snas_dtype t)
{
    return (unsigned)t < N_DTYPES ? dtypes[t].name : NULL;
}

size_t snas_dtype_size(enum snas_dtype t)
{
    if ((unsigned)t >= N_DTYPES)
        SNAS_BUG("dtype %d", (int)t);
    return dtypes[t].size;
}

static void *json_alloc(size_t size)
{
    void *p = snas_alloc(1, size, NULL);
    starved |= p == NULL;
    return p;
}

static void install(void)
{
    json_set_alloc_funcs(json_alloc, snas_free);
}

void snas_json_begin(void)
{
    pthread_once(&once, install);
    starved = 0;
}

int snas_json_starved(void)
{
    return starved;
}

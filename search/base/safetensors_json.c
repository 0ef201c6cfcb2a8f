#include "base/safetensors_json.h"

#include <pthread.h>
#include <stdlib.h>

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

/* After a failed allocation jansson 2.14's printer goes on and leaves a part out, and its lexer
 * goes on and looks for the end of a string that it lacks. So it never sees one: where ours fails
 * it gets its memory all the same, and what it makes of it is thrown away (snas_json_starved). */
static void *json_alloc(size_t size)
{
    void *p = snas_alloc(1, size, NULL);
    if (p)
        return p;
    starved = 1;
    p = malloc(size);
    if (!p)
        SNAS_BUG("no memory left for %zu bytes of JSON", size);
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

/* Adds to the list, or drops it. Takes both references. */
static json_t *append(json_t *list, json_t *value)
{
    if (json_array_append_new(list, value) == 0)
        return list;
    json_decref(list);
    return NULL;
}

json_t *snas_json_strings(char *const *texts, int n)
{
    json_t *list = json_array();
    for (int i = 0; list && i < n; i++)
        list = append(list, json_string(texts[i]));
    return list;
}

json_t *snas_json_reals(const double *values, int n)
{
    json_t *list = json_array();
    for (int i = 0; list && i < n; i++)
        list = append(list, json_real(values[i]));
    return list;
}

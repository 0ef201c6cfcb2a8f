#ifndef SNAS_BASE_SAFETENSORS_JSON_H
#define SNAS_BASE_SAFETENSORS_JSON_H

#include <jansson.h>

#include "base/safetensors.h"

/* What reading and writing the header share. */
#define SNAS_ST_META "__metadata__"
enum {
    SNAS_ST_HEADER_MAX = 16 << 20, /* a child has some 100 KiB; this bounds what a bad file costs */
    SNAS_ST_NDIM_MAX = sizeof((struct snas_st_tensor){0}.shape) / sizeof(int64_t)
};

const char *snas_dtype_name(enum snas_dtype t); /* "F32"; NULL when t is none */
/* Makes jansson allocate by base/mem.h. Call before the first json_ call. */
void snas_json_begin(void);
/* 1 when an allocation of jansson's failed in this thread since snas_json_begin: ask after success,
 * too, and throw the result away. */
int snas_json_starved(void);

/* Lists; NULL: no memory, or a text that is not UTF-8. The caller has the reference. */
json_t *snas_json_strings(char *const *texts, int n);
json_t *snas_json_reals(const double *values, int n);

#endif

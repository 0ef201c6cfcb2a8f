#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/tables.h"

/* Fastest first. */
static const struct snas_kernels *const tables[] = {
#if defined(__x86_64__)
    &snas_kernels_avx512,
    &snas_kernels_avx2,
#endif
    &snas_kernels_generic,
};
enum { TABLES = sizeof tables / sizeof tables[0] };

/* Whether this processor runs what the table's file was compiled for. */
static int possible(const struct snas_kernels *k)
{
#if defined(__x86_64__)
    if (k == &snas_kernels_avx512)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("fma");
    if (k == &snas_kernels_avx2)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
    return k != NULL;
}

const struct snas_kernels *snas_kernels_find(const char *isa)
{
    for (int i = 0; i < TABLES; i++)
        if (strcmp(tables[i]->isa, isa) == 0)
            return possible(tables[i]) ? tables[i] : NULL;
    return NULL;
}

enum snas_status snas_kernels_check(struct snas_err *err)
{
    const char *wanted = getenv("SNAS_ISA");
    char has[64] = "ref";
    if (!wanted || strcmp(wanted, "ref") == 0 || snas_kernels_find(wanted))
        return SNAS_OK;
    for (int i = TABLES - 1; i >= 0; i--)
        if (possible(tables[i]))
            snprintf(has + strlen(has), sizeof has - strlen(has), ", %s", tables[i]->isa);
    return snas_fail(err, SNAS_E_ARG,
                     "SNAS_ISA=%.40s: this processor has %s; unset it for the fastest", wanted,
                     has);
}

const struct snas_kernels *snas_kernels_get(void)
{
    const char *wanted = getenv("SNAS_ISA");
    if (wanted && strcmp(wanted, "ref") == 0)
        return NULL;
    const struct snas_kernels *k = wanted ? snas_kernels_find(wanted) : NULL;
    for (int i = 0; !k && i < TABLES; i++)
        if (possible(tables[i]))
            k = tables[i];
    return k;
}

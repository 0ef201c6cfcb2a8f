#ifndef SNAS_KERNELS_TABLES_H
#define SNAS_KERNELS_TABLES_H

#include "kernels/kernels.h"

/* One per instruction set, each defined by the file of that name. */
extern const struct snas_kernels snas_kernels_generic;
#if defined(__x86_64__)
extern const struct snas_kernels snas_kernels_avx2, snas_kernels_avx512;
#endif

#endif

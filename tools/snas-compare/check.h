#ifndef SNAS_COMPARE_CHECK_H
#define SNAS_COMPARE_CHECK_H

#include <stdio.h>

#include "report/comparison.h"

/* A file of bounds (--check): what every run must hold. Violations are printed, one a line. */
enum snas_status compare_check(const struct snas_comparison *c, const char *path, int *violations,
                               FILE *out, struct snas_err *err);

#endif

#ifndef SNAS_COMPARE_COMPARE_H
#define SNAS_COMPARE_COMPARE_H

#include <stdio.h>

#include "report/comparison.h"

void compare_print_text(const struct snas_comparison *c, FILE *out);
void compare_print_markdown(const struct snas_comparison *c, FILE *out);
void compare_print_csv(const struct snas_comparison *c, FILE *out);
enum snas_status compare_print_json(const struct snas_comparison *c, FILE *out,
                                    struct snas_err *err);

/* A file of bounds (--check): what every run must hold. Violations are printed, one a line. */
enum snas_status compare_check(const struct snas_comparison *c, const char *path, int *violations,
                               FILE *out, struct snas_err *err);

#endif

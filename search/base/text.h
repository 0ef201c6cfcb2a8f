#ifndef SNAS_BASE_TEXT_H
#define SNAS_BASE_TEXT_H

#include <stddef.h>

#include "base/status.h"

/* A text that grows. Keeps its first error and ignores what follows it; the caller looks once, at
 * the end. Start from {0}. */
struct snas_text {
    char *data; /* NUL-terminated; NULL while empty */
    size_t n, room;
    int failed; /* no memory */
};

void snas_text_add(struct snas_text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* SNAS_OK, or SNAS_E_NOMEM when anything is missing from it. */
enum snas_status snas_text_check(const struct snas_text *t, struct snas_err *err);
/* Hands the text over (caller frees with snas_free), or SNAS_E_NOMEM and NULL. */
enum snas_status snas_text_take(struct snas_text *t, char **out, struct snas_err *err);
void snas_text_clear(struct snas_text *t);

#endif

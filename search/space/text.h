#ifndef SNAS_SPACE_TEXT_H
#define SNAS_SPACE_TEXT_H

#include <stddef.h>

#include "base/status.h"

/* Internal to space/: a text that grows. Keeps its first error and ignores what follows it; the
 * caller looks once, at the end. Start from {0}. */
struct snas_text {
    char *data;
    size_t n, room;
    int failed; /* no memory */
};

void snas_text_add(struct snas_text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Hands the text over (caller frees with snas_free), or SNAS_E_NOMEM and NULL. */
enum snas_status snas_text_take(struct snas_text *t, char **out, struct snas_err *err);

/* Where `name` is: a path, or the name of a shipped file <folder>/<name><extension>. A name without
 * '/' and '.' is looked for among the shipped ones first. Caller frees. */
enum snas_status snas_shipped_or_path(const char *folder, const char *name, const char *extension,
                                      char **path, struct snas_err *err);
/* 1 when `text` may name a space, a kind, an op or a genotype: letters, digits, '_', behind the
 * first also ".+-", not longer than fits. Such names need no escapes in any notation. */
int snas_is_name(const char *text);

#endif

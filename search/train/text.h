#ifndef SNAS_TRAIN_TEXT_H
#define SNAS_TRAIN_TEXT_H

#include <stddef.h>

#include "base/status.h"

/* A growing text: the run's CSV files are built in one and written whole. Remembers the first
 * failure, so that callers check once, at the end. */
struct snas_text {
    char *data; /* NUL-terminated once something was added; free with snas_text_clear */
    size_t size, capacity;
    enum snas_status status;
};
void snas_text_add(struct snas_text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void snas_text_clear(struct snas_text *t);
/* SNAS_OK, or what went wrong while adding. */
enum snas_status snas_text_check(const struct snas_text *t, struct snas_err *err);

#endif

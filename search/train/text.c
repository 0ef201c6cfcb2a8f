#include "train/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

void snas_text_add(struct snas_text *t, const char *fmt, ...)
{
    va_list args;
    if (t->status != SNAS_OK)
        return;
    va_start(args, fmt);
    int need = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (need < 0) {
        t->status = SNAS_E_FORMAT;
        return;
    }
    if (t->size + (size_t)need + 1 > t->capacity) {
        size_t capacity = 2 * (t->size + (size_t)need + 1);
        char *data = snas_realloc(t->data, capacity, 1, NULL);
        if (!data) {
            t->status = SNAS_E_NOMEM;
            return;
        }
        t->data = data;
        t->capacity = capacity;
    }
    va_start(args, fmt);
    vsnprintf(t->data + t->size, t->capacity - t->size, fmt, args);
    va_end(args);
    t->size += (size_t)need;
}

void snas_text_clear(struct snas_text *t)
{
    snas_free(t->data);
    memset(t, 0, sizeof(*t));
}

enum snas_status snas_text_check(const struct snas_text *t, struct snas_err *err)
{
    return t->status == SNAS_OK ? SNAS_OK
                                : snas_fail(err, t->status, "cannot build a text of the run");
}

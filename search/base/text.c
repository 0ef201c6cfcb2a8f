#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"

void snas_text_add(struct snas_text *t, const char *fmt, ...)
{
    if (t->failed)
        return;
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (n < 0)
        SNAS_BUG("a format that does not print: '%s'", fmt);
    size_t need = t->n + (size_t)n + 1;
    if (need > t->room) {
        size_t room = need + t->room + 256;
        char *data = snas_realloc(t->data, room, 1, NULL);
        if (!data) {
            t->failed = 1;
            return;
        }
        t->data = data;
        t->room = room;
    }
    va_start(args, fmt);
    vsnprintf(t->data + t->n, t->room - t->n, fmt, args);
    va_end(args);
    t->n += (size_t)n;
}

enum snas_status snas_text_check(const struct snas_text *t, struct snas_err *err)
{
    return t->failed ? snas_fail(err, SNAS_E_NOMEM, "no memory for a text") : SNAS_OK;
}

enum snas_status snas_text_take(struct snas_text *t, char **out, struct snas_err *err)
{
    enum snas_status s = snas_text_check(t, err);
    *out = NULL;
    if (s != SNAS_OK) {
        snas_text_clear(t);
        return s;
    }
    *out = t->data ? t->data : snas_strdup("", err);
    *t = (struct snas_text){0};
    return *out ? SNAS_OK : SNAS_E_NOMEM;
}

void snas_text_clear(struct snas_text *t)
{
    snas_free(t->data);
    *t = (struct snas_text){0};
}

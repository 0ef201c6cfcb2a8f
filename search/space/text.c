#include "space/text.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/io.h"
#include "base/mem.h"
#include "space/op.h"

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

enum snas_status snas_text_take(struct snas_text *t, char **out, struct snas_err *err)
{
    *out = NULL;
    if (t->failed) {
        snas_free(t->data);
        *t = (struct snas_text){0};
        return snas_fail(err, SNAS_E_NOMEM, "no memory for a text");
    }
    *out = t->data ? t->data : snas_strdup("", err);
    *t = (struct snas_text){0};
    return *out ? SNAS_OK : SNAS_E_NOMEM;
}

enum snas_status snas_shipped_or_path(const char *folder, const char *name, const char *extension,
                                      char **path, struct snas_err *err)
{
    *path = NULL;
    if (strpbrk(name, "/.") == NULL) {
        char *relative = snas_format(err, "%s/%s%s", folder, name, extension);
        if (!relative)
            return SNAS_E_NOMEM;
        enum snas_status status = snas_find_shipped(relative, path, err);
        snas_free(relative);
        if (status == SNAS_OK || status == SNAS_E_NOMEM || !snas_path_exists(name))
            return status;
    }
    *path = snas_strdup(name, err);
    return *path ? SNAS_OK : SNAS_E_NOMEM;
}

int snas_is_name(const char *text)
{
    size_t n = strlen(text);
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)text[i]) && strchr(i > 0 ? "_.+-" : "_", text[i]) == NULL)
            return 0;
    return n > 0 && n < SNAS_NAME_MAX;
}

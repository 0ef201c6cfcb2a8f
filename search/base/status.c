#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#undef snas_fail /* the analyzer's views of them */
#undef snas_fail_more

static const char more[] = "\nand more";

/* Formats into `out` and never leaves half a UTF-8 character at the cut. Texts quote files and
 * arguments: what would steer a terminal is shown as '?'. */
__attribute__((format(printf, 3, 0))) static size_t format_cut(char *out, size_t size,
                                                               const char *fmt, va_list args)
{
    int wanted = vsnprintf(out, size, fmt, args);
    if (wanted < 0)
        out[0] = '\0';
    for (char *p = out; *p; p++)
        if (((unsigned char)*p < 0x20 && *p != '\n') || *p == 0x7F)
            *p = '?';
    if (wanted < 0)
        return 0;
    if ((size_t)wanted < size)
        return (size_t)wanted;
    size_t n = size - 1;
    while (n > 0 && ((unsigned char)out[n - 1] & 0xC0) == 0x80)
        n--;
    if (n > 0 && (unsigned char)out[n - 1] >= 0xC0)
        n--; /* its lead byte, too: the tail is gone */
    else
        n = size - 1;
    out[n] = '\0';
    return n;
}

/* The text is made aside first: an argument may be err->text itself. */
enum snas_status snas_fail(struct snas_err *err, enum snas_status code, const char *fmt, ...)
{
    if (!err)
        return code;
    char text[sizeof err->text];
    va_list args;
    va_start(args, fmt);
    size_t n = format_cut(text, sizeof text, fmt, args);
    va_end(args);
    memcpy(err->text, text, n + 1);
    err->code = code;
    return code;
}

enum snas_status snas_fail_more(struct snas_err *err, enum snas_status code, const char *fmt, ...)
{
    if (!err)
        return code;
    char text[sizeof err->text];
    va_list args;
    va_start(args, fmt);
    size_t n = format_cut(text, sizeof text, fmt, args);
    va_end(args);

    size_t have = strlen(err->text);
    err->code = code;
    if (have == 0) {
        memcpy(err->text, text, n + 1);
    } else if (have + 1 + n + sizeof more <= sizeof err->text) {
        err->text[have] = '\n';
        memcpy(err->text + have + 1, text, n + 1);
    } else {
        size_t tail = sizeof more - 1;
        int said = have >= tail && strcmp(err->text + have - tail, more) == 0;
        if (!said && have + sizeof more <= sizeof err->text)
            memcpy(err->text + have, more, sizeof more);
    }
    return code;
}

enum snas_status snas_fail_context(struct snas_err *err, const char *fmt, ...)
{
    if (!err)
        return SNAS_OK;
    char text[sizeof err->text];
    va_list args;
    va_start(args, fmt);
    size_t n = format_cut(text, sizeof text, fmt, args);
    va_end(args);
    snas_fail(err, err->code, "%.*s: %s", (int)n, text, err->text);
    return err->code;
}

void snas_bug(const char *file, int line, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fprintf(stderr, "%s:%d: bug: ", file, line);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    abort();
}

#include "base/config_value.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

/* Suffixes, the larger first: writing takes the largest that divides. */
struct unit {
    const char *name;
    int64_t factor;
};
static const struct unit counts[] = {
    {"G", 1000000000}, {"M", 1000000}, {"k", 1000}, {"", 1}, {NULL, 0}};
static const struct unit sizes[] = {{"TiB", (int64_t)1 << 40},
                                    {"GiB", 1 << 30},
                                    {"MiB", 1 << 20},
                                    {"KiB", 1 << 10},
                                    {"", 1},
                                    {"TB", 1000000000000},
                                    {"GB", 1000000000},
                                    {"MB", 1000000},
                                    {"kB", 1000},
                                    {"B", 1},
                                    {NULL, 0}};

const char *snas_value_choice(const char *choices, int index, size_t *length)
{
    for (;; index--) {
        *length = strcspn(choices, "|");
        if (index == 0)
            return choices;
        if (choices[*length] == '\0')
            return NULL;
        choices += *length + 1;
    }
}

/* -1 where the text is none of the choices. */
static int find_choice(const char *choices, const char *text)
{
    size_t n;
    const char *choice;
    for (int i = 0; (choice = snas_value_choice(choices, i, &n)) != NULL; i++)
        if (strlen(text) == n && strncmp(text, choice, n) == 0)
            return i;
    return -1;
}

static void list_choices(const char *choices, char *text, size_t size)
{
    size_t n, used = 0;
    const char *choice;
    text[0] = '\0';
    for (int i = 0; (choice = snas_value_choice(choices, i, &n)) != NULL && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%.*s", i ? ", " : "", (int)n, choice);
}

/* Digits, a sign before and a unit behind. 1: read; 0: not such a text; -1: beyond 64 bits. */
static int read_whole(const char *text, const struct unit *units, int64_t *value)
{
    const char *digits = text + (*text == '-' || *text == '+');
    if (!isdigit((unsigned char)*digits))
        return 0;
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    int overflow = errno == ERANGE;
    while (*end == ' ')
        end++;
    for (; units->name; units++)
        if (strcmp(units->name, end) == 0)
            return overflow || __builtin_mul_overflow(number, units->factor, value) ? -1 : 1;
    return 0;
}

/* strtod takes hexadecimal, nan and inf, too: not here. */
static int read_real(const char *text, double *value)
{
    if (text[strspn(text, "0123456789+-.eE")] != '\0')
        return 0;
    char *end;
    *value = strtod(text, &end);
    if (end == text || *end != '\0')
        return 0;
    return isfinite(*value) ? 1 : -1;
}

static int read_string(const char *text, void *target, char *why, size_t why_size)
{
    size_t n = strlen(text), step;
    uint32_t code;
    if (n >= SNAS_STRING_MAX) {
        snprintf(why, why_size, "longer than %d bytes", SNAS_STRING_MAX - 1);
        return 0;
    }
    for (size_t i = 0; i < n; i += step) {
        step = snas_utf8_next(text + i, &code);
        if (step == 0) {
            snprintf(why, why_size, "is not UTF-8 at byte %zu", i);
            return 0;
        }
    }
    if (target)
        memcpy(target, text, n + 1);
    return 1;
}

static int read_enum(const struct snas_key *key, const char *text, int *target, char *why,
                     size_t why_size)
{
    int i = find_choice(key->choices, text);
    if (i < 0) {
        char list[512];
        list_choices(key->choices, list, sizeof list);
        snprintf(why, why_size, "expects one of %s, not '%s'", list, text);
        return 0;
    }
    if (target)
        *target = i;
    return 1;
}

static int in_range(const struct snas_key *key, double value, const char *text, char *why,
                    size_t why_size)
{
    if ((key->min == 0 && key->max == 0) || (value >= key->min && value <= key->max))
        return 1;
    snprintf(why, why_size, "%s is not in %.10g to %.10g", text, key->min, key->max);
    return 0;
}

static int read_number(const struct snas_key *key, const char *text, int quoted, void *target,
                       char *why, size_t why_size)
{
    int64_t whole = 0;
    double real = 0;
    int known = 0;
    const char *expected = "a number";
    if (key->type == SNAS_T_INT) {
        known = read_whole(text, counts, &whole);
        expected = "an integer";
    } else if (key->type == SNAS_T_BYTES) {
        known = read_whole(text, sizes, &whole);
        expected = "a size such as 512MiB";
    } else {
        known = read_real(text, &real);
    }
    if (quoted || known == 0) {
        snprintf(why, why_size, quoted ? "expects %s, not the text '%s'" : "expects %s, not '%s'",
                 expected, text);
        return 0;
    }
    if (known < 0 || (key->type == SNAS_T_BYTES && whole < 0)) {
        snprintf(why, why_size, known < 0 ? "%s is too large" : "%s is negative", text);
        return 0;
    }
    if (!in_range(key, key->type == SNAS_T_REAL ? real : (double)whole, text, why, why_size))
        return 0;
    if (target && key->type == SNAS_T_REAL)
        *(double *)target = real;
    else if (target)
        *(int64_t *)target = whole;
    return 1;
}

int snas_value_read(const struct snas_key *key, const char *text, int quoted, void *target,
                    char *why, size_t why_size)
{
    if (text[0] == '\0' && !quoted) {
        snprintf(why, why_size, "has no value");
        return 0;
    }
    switch (key->type) {
    case SNAS_T_BOOL: {
        int truth = strcmp(text, "true") == 0;
        if (quoted || (!truth && strcmp(text, "false") != 0)) {
            snprintf(why, why_size, "expects true or false, not '%s'", text);
            return 0;
        }
        if (target)
            *(int *)target = truth;
        return 1;
    }
    case SNAS_T_INT:
    case SNAS_T_REAL:
    case SNAS_T_BYTES:
        return read_number(key, text, quoted, target, why, why_size);
    case SNAS_T_STRING:
        return read_string(text, target, why, why_size);
    case SNAS_T_ENUM:
        return read_enum(key, text, target, why, why_size);
    }
    SNAS_BUG("key '%s' has type %d", key->name, (int)key->type);
}

/* 1: may stand in a YAML text as it is, inside double quotes. */
static int printable(uint32_t c)
{
    if (c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029 || c == 0xFEFF)
        return 0;
    return c < 0xFFFE || c > 0xFFFF;
}

static void write_string(const char *s, char *text, size_t size)
{
    char *p = text;
    uint32_t code;
    if (size < SNAS_VALUE_TEXT_MAX)
        SNAS_BUG("a buffer of %zu bytes for a string", size);
    *p++ = '"';
    for (size_t step; *s; s += step) {
        step = snas_utf8_next(s, &code);
        if (step == 0)
            SNAS_BUG("a configured string that is not UTF-8");
        if (code == '"' || code == '\\')
            *p++ = '\\';
        if (printable(code)) {
            memcpy(p, s, step);
            p += step;
        } else {
            p += sprintf(p, "\\u%04X", (unsigned)code);
        }
    }
    memcpy(p, "\"", 2);
}

/* The shortest text that reads back as the same number. */
static void write_real(double v, char *text, size_t size)
{
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, size, "%.*g", digits, v);
        if (strtod(text, NULL) == v)
            return;
    }
}

void snas_value_write(const struct snas_key *key, const void *target, char *text, size_t size)
{
    switch (key->type) {
    case SNAS_T_BOOL:
        snprintf(text, size, "%s", *(const int *)target ? "true" : "false");
        return;
    case SNAS_T_INT:
        snprintf(text, size, "%lld", (long long)*(const int64_t *)target);
        return;
    case SNAS_T_REAL:
        write_real(*(const double *)target, text, size);
        return;
    case SNAS_T_STRING:
        write_string(target, text, size);
        return;
    case SNAS_T_ENUM: {
        size_t n;
        const char *choice = snas_value_choice(key->choices, *(const int *)target, &n);
        if (!choice)
            SNAS_BUG("key '%s' has no choice %d", key->name, *(const int *)target);
        snprintf(text, size, "%.*s", (int)n, choice);
        return;
    }
    case SNAS_T_BYTES: {
        int64_t v = *(const int64_t *)target;
        const struct unit *u = sizes;
        while (v == 0 ? u->factor != 1 : v % u->factor != 0)
            u++;
        snprintf(text, size, "%lld%s", (long long)(v / u->factor), u->name);
        return;
    }
    }
    SNAS_BUG("key '%s' has type %d", key->name, (int)key->type);
}

void snas_value_describe(const struct snas_key *key, char *text, size_t size)
{
    static const char *const names[] = {
        [SNAS_T_BOOL] = "true or false", [SNAS_T_INT] = "integer",  [SNAS_T_REAL] = "number",
        [SNAS_T_STRING] = "text",        [SNAS_T_ENUM] = "one of ", [SNAS_T_BYTES] = "size"};
    int n = snprintf(text, size, "%s", names[key->type]);
    if (key->type == SNAS_T_ENUM)
        list_choices(key->choices, text + n, size - (size_t)n);
    else if (key->min != 0 || key->max != 0)
        snprintf(text + n, size - (size_t)n, ", %.10g to %.10g", key->min, key->max);
}

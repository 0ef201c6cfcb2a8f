#include "base/utf8.h"

size_t snas_utf8_next(const char *text, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *s = (const unsigned char *)text;
    size_t n = s[0] < 0x80 ? 1 : s[0] < 0xC0 ? 0 : s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;
    if (n == 0 || s[0] > 0xF4)
        return 0;
    uint32_t c = n == 1 ? s[0] : s[0] & (0x7Fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xC0) != 0x80)
            return 0;
        c = c << 6 | (s[i] & 0x3F);
    }
    *code = c;
    return c < least[n] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF) ? 0 : n;
}

void snas_utf8_clean(char *text)
{
    uint32_t code;
    for (size_t n; *text; text += n) {
        n = snas_utf8_next(text, &code);
        if (n == 0 || code < 0x20 || (code >= 0x7F && code < 0xA0)) {
            for (size_t i = 0; i < (n ? n : 1); i++)
                text[i] = '?';
            n = n ? n : 1;
        }
    }
}

/* From Unicode's East Asian Width and the blocks of combining marks: what a status line may meet,
 * not the whole table. Independent of the locale. */
static int width_of(uint32_t c)
{
    static const struct {
        uint32_t first, last;
        int width;
    } ranges[] = {
        {0x0300, 0x036F, 0},   {0x200B, 0x200F, 0},   {0x20D0, 0x20FF, 0},   {0xFE00, 0xFE0F, 0},
        {0x1100, 0x115F, 2},   {0x2E80, 0x303E, 2},   {0x3041, 0xA4CF, 2},   {0xAC00, 0xD7A3, 2},
        {0xF900, 0xFAFF, 2},   {0xFE30, 0xFE6F, 2},   {0xFF00, 0xFF60, 2},   {0xFFE0, 0xFFE6, 2},
        {0x1F300, 0x1F64F, 2}, {0x1F680, 0x1F6FF, 2}, {0x1F900, 0x1FAFF, 2}, {0x20000, 0x3FFFD, 2},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (c >= ranges[i].first && c <= ranges[i].last)
            return ranges[i].width;
    return 1;
}

/* Bytes of the longest part that needs at most `columns`; *used: what it needs. */
static size_t fitting(const char *text, int columns, int *used)
{
    size_t at = 0, n;
    uint32_t code;
    *used = 0;
    for (; text[at] && (n = snas_utf8_next(text + at, &code)) != 0; at += n) {
        int width = width_of(code);
        if (*used + width > columns)
            break;
        *used += width;
    }
    return at;
}

int snas_utf8_columns(const char *text)
{
    int used;
    fitting(text, 0x7FFFFFFF - 2, &used);
    return used;
}

void snas_utf8_cut(char *text, int columns)
{
    int used;
    text[fitting(text, columns, &used)] = '\0';
}

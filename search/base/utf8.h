#ifndef SNAS_BASE_UTF8_H
#define SNAS_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Length in bytes of the UTF-8 character at `s` (NUL-terminated) and its code point; 0 where the
 * bytes are none (overlong forms and surrogates are none). */
size_t snas_utf8_next(const char *s, uint32_t *code);
/* Puts '?' for every byte that is no text and every control character, in place. */
void snas_utf8_clean(char *text);
/* Columns a terminal needs for clean text: wide characters take two, combining ones none. */
int snas_utf8_columns(const char *text);
/* Cuts clean text to at most `columns`, between characters. */
void snas_utf8_cut(char *text, int columns);

#endif

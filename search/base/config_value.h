#ifndef SNAS_BASE_CONFIG_VALUE_H
#define SNAS_BASE_CONFIG_VALUE_H

#include "base/config.h"

/* Inside base: one value of a key, from text and to text. */

enum { SNAS_VALUE_TEXT_MAX = 6 * SNAS_STRING_MAX + 3 }; /* a string of escapes, and its quotes */

/* Reads `text` and, when `target` is not NULL, stores it there. When it is wrong, writes what is
 * wrong into `why` ("expects a number, not 'abc'") and returns 0, else 1. `quoted` as in
 * base/yaml.h; a string that is not quoted may be anything but empty. */
int snas_value_read(const struct snas_key *key, const char *text, int quoted, void *target,
                    char *why, size_t why_size);
/* The value as it is written in YAML; reads back as the same. */
void snas_value_write(const struct snas_key *key, const void *target, char *text, size_t size);
/* Choice `index` of "adam|sgd" as start and length; NULL beyond the last. */
const char *snas_value_choice(const char *choices, int index, size_t *length);
/* "integer, 1 to 64", "one of adam, sgd": what help and the docs say of a key. */
void snas_value_describe(const struct snas_key *key, char *text, size_t size);

#endif

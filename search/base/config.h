#ifndef SNAS_BASE_CONFIG_H
#define SNAS_BASE_CONFIG_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/status.h"
#include "base/yaml.h"

/* Typed configuration: one table of keys drives the parser, its errors, --help, the docs page and
 * the resolved config. */

enum snas_type {
    SNAS_T_BOOL,   /* int *        true/false */
    SNAS_T_INT,    /* int64_t *    also 300k, 40M (powers of ten) */
    SNAS_T_REAL,   /* double *     */
    SNAS_T_STRING, /* char[SNAS_STRING_MAX] */
    SNAS_T_ENUM,   /* int *        index into `choices` */
    SNAS_T_BYTES   /* int64_t *    512MiB, 4GiB, 0 = no limit */
};
#define SNAS_STRING_MAX 256

struct snas_key {
    const char *name; /* "alpha.learning_rate": one dot per level */
    enum snas_type type;
    size_t offset;       /* into the caller's struct */
    const char *initial; /* default, as it would be written in YAML */
    double min, max;     /* inclusive, for INT, REAL, BYTES; both 0: any */
    const char *choices; /* "adam|sgd" for ENUM, else NULL */
    const char *help;    /* one line, with the unit and the source */
    int local; /* not in the resolved config: 1 of this machine or sitting (paths, threads), 2 a
                  shorthand for other keys, which have what it says */
};
struct snas_schema {
    const char *title;
    const struct snas_key *keys;
    size_t n_keys;
};

/* Sets every key of `target` to its default. Broken defaults are SNAS_BUG. */
void snas_config_defaults(const struct snas_schema *schema, void *target);
/* Reads a YAML file over what `target` holds. All errors are collected ("file:line:col: ..."): an
 * unknown key (with the nearest known one), a wrong type, a value out of range, a key given twice.
 */
enum snas_status snas_config_read(const struct snas_schema *schema, const char *path, void *target,
                                  struct snas_err *err);
/* The same for text already read; `name` stands for the file in messages. */
enum snas_status snas_config_parse(const struct snas_schema *schema, const char *name,
                                   const char *text, size_t size, void *target,
                                   struct snas_err *err);
/* One "key=value" of --set; messages begin "--set key=value: ". */
enum snas_status snas_config_set(const struct snas_schema *schema, const char *assignment,
                                 void *target, struct snas_err *err);
/* YAML text of every non-local key, in table order, that parses back to the same values.
 * Caller frees with snas_free. */
enum snas_status snas_config_dump(const struct snas_schema *schema, const void *target, char **text,
                                  struct snas_err *err);
/* The name of the first non-local key in which two targets differ; NULL: in none. */
const char *snas_config_differs(const struct snas_schema *schema, const void *a, const void *b);
/* Human help, one key a line with type, default and range. */
void snas_config_help(const struct snas_schema *schema, FILE *out);
/* The same as a Markdown table: docs/configuration.md is made from it. */
void snas_config_markdown(const struct snas_schema *schema, FILE *out);

/* Index of the nearest of n names to `text` by edit distance, or -1 when none is near. */
int snas_nearest(const char *text, const char *const *names, size_t n);

#endif

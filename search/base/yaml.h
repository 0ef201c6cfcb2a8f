#ifndef SNAS_BASE_YAML_H
#define SNAS_BASE_YAML_H

#include <stddef.h>

#include "base/status.h"

/* A YAML document (libyaml) as a tree that remembers where everything stood. JSON is YAML's
 * subset, so JSON genotypes come in this way too. Anchors, aliases, tags, keys given twice and a
 * second document are refused; depth (64) and size (4 MiB) are bounded, so hostile files end in an
 * error. A text with nothing in it reads as an empty plain scalar. */
enum snas_yaml_kind { SNAS_YAML_SCALAR, SNAS_YAML_LIST, SNAS_YAML_MAP };

struct snas_yaml {
    enum snas_yaml_kind kind;
    int line, column; /* from 1 */
    char *text;       /* scalar: its text; else NULL */
    int quoted;       /* scalar: 1 when quoted (then it is a string whatever it looks like) */
    size_t n;         /* list or map: number of entries */
    struct snas_yaml **items; /* list: entries; map: values */
    struct snas_yaml **keys;  /* map: scalar keys; else NULL */
};

/* `name` stands for the file in error lines "name:line:col: ...". Caller frees the tree. */
enum snas_status snas_yaml_parse(const char *name, const char *text, size_t size,
                                 struct snas_yaml **out, struct snas_err *err);
enum snas_status snas_yaml_read(const char *path, struct snas_yaml **out, struct snas_err *err);
void snas_yaml_free(struct snas_yaml *doc);
const struct snas_yaml *snas_yaml_get(const struct snas_yaml *map, const char *key); /* or NULL */

#endif

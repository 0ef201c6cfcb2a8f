#ifndef SNAS_BASE_YAML_TREE_H
#define SNAS_BASE_YAML_TREE_H

#include "base/yaml.h"

/* Inside base: a tree in which maps may hold a key twice, for callers that report that together
 * with their own errors. */
enum snas_status snas_yaml_parse_twice(const char *name, const char *text, size_t size,
                                       struct snas_yaml **out, struct snas_err *err);
/* first[i]: index of the first key of `map` that reads as key i does; i itself where none is
 * earlier. Caller frees with snas_free; NULL on no memory. */
size_t *snas_yaml_first_keys(const struct snas_yaml *map, struct snas_err *err);

enum { SNAS_YAML_DEPTH_MAX = 64, SNAS_YAML_SIZE_MAX = 4 << 20 };

#endif

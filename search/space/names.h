#ifndef SNAS_SPACE_NAMES_H
#define SNAS_SPACE_NAMES_H

#include "base/text.h"

/* Internal to space/: names, and where they lead. */

/* Where `name` is: a path, or the name of a shipped file <folder>/<name><extension>. A name without
 * '/' and '.' is looked for among the shipped ones first. Caller frees. */
enum snas_status snas_shipped_or_path(const char *folder, const char *name, const char *extension,
                                      char **path, struct snas_err *err);
/* 1 when `text` may name a space, a kind, an op or a genotype: letters, digits, '_', behind the
 * first also ".+-", not longer than fits. Such names need no escapes in any notation. */
int snas_is_name(const char *text);
/* Words of enum snas_output_rule, then NULL. */
extern const char *const snas_output_rules[];

#endif

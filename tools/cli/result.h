#ifndef SNAS_TOOLS_RESULT_H
#define SNAS_TOOLS_RESULT_H

#include "base/status.h"

/* Prints what a finished run found, from its files: `result` is its result.json, `child` its
 * child.safetensors (not there when the child is disconnected). json 1: result.json as it is, else
 * for a reader, with the child's cells drawn. `title` heads the text. */
enum snas_status snas_result_print(const char *title, const char *result, const char *child,
                                   int json, struct snas_err *err);

#endif

#ifndef SNAS_TOOLS_SHAPE_H
#define SNAS_TOOLS_SHAPE_H

#include "space/network.h"

/* "3x32x32": channels, height and width as commands take them. SNAS_E_FORMAT names the text. */
enum snas_status snas_cli_shape(const char *text, struct snas_shape *out, struct snas_err *err);

#endif

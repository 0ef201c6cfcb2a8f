#include "cli/shape.h"

#include <stdlib.h>

enum snas_status snas_cli_shape(const char *text, struct snas_shape *out, struct snas_err *err)
{
    int *const sides[] = {&out->c, &out->h, &out->w};
    const char *at = text;
    for (int i = 0; i < 3; i++) {
        char *end;
        long side = strtol(at, &end, 10);
        if (end == at || side < 1 || side > 65536 || *end != (i < 2 ? 'x' : '\0'))
            return snas_fail(err, SNAS_E_FORMAT, "--input: '%s' is not like 3x32x32", text);
        *sides[i] = (int)side;
        at = end + 1;
    }
    return SNAS_OK;
}

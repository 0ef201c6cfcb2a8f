#include "space/names.h"

#include <ctype.h>
#include <string.h>

#include "base/io.h"
#include "base/mem.h"
#include "space/op.h"

enum snas_status snas_shipped_or_path(const char *folder, const char *name, const char *extension,
                                      char **path, struct snas_err *err)
{
    *path = NULL;
    if (strpbrk(name, "/.") == NULL) {
        char *relative = snas_format(err, "%s/%s%s", folder, name, extension);
        if (!relative)
            return SNAS_E_NOMEM;
        enum snas_status status = snas_find_shipped(relative, path, err);
        snas_free(relative);
        if (status == SNAS_OK || status == SNAS_E_NOMEM || !snas_path_exists(name))
            return status;
    }
    *path = snas_strdup(name, err);
    return *path ? SNAS_OK : SNAS_E_NOMEM;
}

int snas_is_name(const char *text)
{
    size_t n = strlen(text);
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)text[i]) && strchr(i > 0 ? "_.+-" : "_", text[i]) == NULL)
            return 0;
    return n > 0 && n < SNAS_NAME_MAX;
}

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "train/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was taken must survive being written and read again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct snas_search_config config, again;
    struct snas_err err = {0};
    char *text;
    snas_config_defaults(&snas_search_schema, &config);
    if (snas_config_parse(&snas_search_schema, "fuzz", (const char *)data, size, &config, &err))
        return 0;
    if (snas_config_dump(&snas_search_schema, &config, &text, &err))
        SNAS_BUG("a read config cannot be written: %s", err.text);
    snas_config_defaults(&snas_search_schema, &again);
    if (snas_config_parse(&snas_search_schema, "dump", text, strlen(text), &again, &err))
        SNAS_BUG("a written config cannot be read: %s", err.text);
    snas_free(text);
    return 0;
}

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "space/genotype.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Against the DARTS space. What was taken must survive being written and read again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct snas_space space;
    static struct snas_genotype genotype, again;
    struct snas_err err = {0};
    char *text;
    if (space.n_kinds == 0 && snas_space_read("darts", &space, &err))
        SNAS_BUG("%s", err.text);
    if (snas_genotype_parse("fuzz", (const char *)data, size, &space, &genotype, &err))
        return 0;
    if (snas_genotype_format(&genotype, &space, SNAS_GENOTYPE_JSON, &text, &err))
        SNAS_BUG("a read genotype cannot be written: %s", err.text);
    if (snas_genotype_parse("dump", text, strlen(text), &space, &again, &err))
        SNAS_BUG("a written genotype cannot be read: %s", err.text);
    if (!snas_genotype_equal(&genotype, &again))
        SNAS_BUG("a genotype changed on its way through JSON: %s", text);
    snas_free(text);
    return 0;
}

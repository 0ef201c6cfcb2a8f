#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "base/safetensors.h"
#include "memory_file.h"

/* Every tensor of a file that is accepted lies inside it, and together they are all of its data. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct snas_err err = {0};
    struct snas_st *st;
    memory_file_set(data, size);
    enum snas_status s = snas_st_read("fuzz.safetensors", &st, &err);
    if (s != SNAS_OK) {
        if (st || err.code != s || !err.text[0])
            SNAS_BUG("refused by '%s'", err.text);
        return 0;
    }
    size_t total = 0;
    for (size_t i = 0; i < snas_st_count(st); i++) {
        const struct snas_st_tensor *t = snas_st_at(st, i);
        size_t count = 1;
        for (int d = 0; d < t->ndim; d++)
            count *= (size_t)t->shape[d];
        size_t bytes = count * snas_dtype_size(t->dtype);
        void *copy = snas_alloc(bytes, 1, NULL);
        if (!copy || snas_st_copy(st, t->name, t->dtype, count, copy, &err) != SNAS_OK)
            SNAS_BUG("tensor '%s': %s", t->name, err.text);
        snas_free(copy);
        total += bytes;
    }
    if (total > size)
        SNAS_BUG("%zu bytes of tensors in %zu", total, size);
    snas_st_free(st);
    return 0;
}

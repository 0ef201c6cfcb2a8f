#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "memory_file.h"

/* No file yields more than it may, and what is not packed comes out as it is. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { LIMIT = 1 << 16 };
    struct snas_err err = {0};
    char *out;
    size_t n;
    memory_file_set(data, size);
    enum snas_status s = snas_read_file_gz("fuzz.gz", LIMIT, &out, &n, &err);
    if (s == SNAS_OK ? n > LIMIT || out[n] != '\0' : out || err.code != s || !err.text[0])
        SNAS_BUG("%zu bytes; '%s'", n, err.text);
    if (s == SNAS_OK && (size < 2 || data[0] != 0x1F || data[1] != 0x8B) &&
        (n != size || (n > 0 && memcmp(out, data, n) != 0)))
        SNAS_BUG("%zu of %zu bytes", n, size);
    snas_free(out);
    return 0;
}

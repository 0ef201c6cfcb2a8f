#include <stddef.h>
#include <stdint.h>

#include "data/reader.h"

/* CIFAR's records: what is accepted must be whole records with labels in range. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int fine = 0; fine < 2; fine++) {
        struct snas_err err = {0};
        int n = 0;
        size_t record = SNAS_CIFAR_PIXELS + (size_t)fine + 1;
        enum snas_status st = snas_cifar_parse(
            "cifar", fine ? SNAS_DATA_CIFAR100 : SNAS_DATA_CIFAR10, data, size, &n, &err);
        if (st != SNAS_OK && err.text[0] == '\0')
            SNAS_BUG("refused without a word");
        if (st == SNAS_OK && (n < 1 || (size_t)n * record != size))
            SNAS_BUG("%d records in %zu bytes", n, size);
        for (int i = 0; st == SNAS_OK && i < n; i++)
            if (data[(size_t)i * record + (size_t)fine] >= (fine ? 100 : 10))
                SNAS_BUG("record %d has a label out of range", i);
    }
    return 0;
}

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "data/reader.h"

/* IDX files of images and of labels, and lists of class names: what is accepted must be what the
 * bytes say, and every message must fit and say something. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_refusal(enum snas_status st, const struct snas_err *err)
{
    if (st != SNAS_OK && (err->text[0] == '\0' || err->code != st))
        SNAS_BUG("refused without a word");
}

static void try_images(const uint8_t *data, size_t size)
{
    struct snas_dataset ds = {0};
    struct snas_err err = {0};
    size_t offset = 0;
    enum snas_status st = snas_idx_parse_images("images", data, size, &ds, &offset, &err);
    check_refusal(st, &err);
    if (st != SNAS_OK)
        return;
    size_t image = (size_t)ds.height * (size_t)ds.width * (size_t)ds.channels;
    if (ds.n < 1 || image < 1 || offset > size || (size - offset) / image != (size_t)ds.n)
        SNAS_BUG("%d images of %zu bytes in %zu", ds.n, image, size);
}

static void try_labels(const uint8_t *data, size_t size)
{
    struct snas_err err = {0};
    int n = 0;
    enum snas_status st = snas_idx_parse_labels("labels", data, size, &n, &err);
    check_refusal(st, &err);
    if (st == SNAS_OK && (n < 1 || (size_t)n + SNAS_IDX_LABELS_AT != size))
        SNAS_BUG("%d labels in %zu bytes", n, size);
}

static void try_names(const uint8_t *data, size_t size)
{
    struct snas_err err = {0};
    char **names = NULL;
    int classes = size > 0 ? 1 + data[0] % 8 : 1;
    size_t skip = size > 0;
    enum snas_status st =
        snas_names_parse("names", (const char *)data + skip, size - skip, classes, &names, &err);
    check_refusal(st, &err);
    for (int i = 0; st == SNAS_OK && i < classes; i++)
        if (names[i] == NULL || names[i][0] == '\0')
            SNAS_BUG("class %d has no name", i);
    if (st == SNAS_OK)
        snas_names_free(names, classes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try_images(data, size);
    try_labels(data, size);
    try_names(data, size);
    return 0;
}

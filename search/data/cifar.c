#include "data/reader.h"

#include <limits.h>
#include <string.h>

#include "base/io.h"
#include "base/mem.h"

/* CIFAR's binary version (Krizhevsky, "Learning multiple layers of features from tiny images",
 * 2009): records of one label byte (CIFAR-100: coarse, then fine) and 3 planes of 32 x 32. */

struct layout {
    int n_train;
    const char *train[5], *test;
    int label_bytes;     /* the last one is the class */
    int label_values[2]; /* of each label byte */
    const char *names_file, *names;
};

static const struct layout layouts[] = {
    {5,
     {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin",
      "data_batch_5.bin"},
     "test_batch.bin",
     1,
     {10, 0},
     "batches.meta.txt",
     snas_names_cifar10},
    {1, {"train.bin"}, "test.bin", 2, {20, 100}, "fine_label_names.txt", snas_names_cifar100}};

static const struct layout *layout_of(enum snas_data_format format)
{
    if (format != SNAS_DATA_CIFAR10 && format != SNAS_DATA_CIFAR100)
        SNAS_BUG("format %d is not CIFAR's", (int)format);
    return &layouts[format == SNAS_DATA_CIFAR100];
}

int snas_cifar_find(const char *directory, enum snas_data_format format)
{
    return snas_data_has(directory, layout_of(format)->train[0]);
}

enum snas_status snas_cifar_parse(const char *path, enum snas_data_format format,
                                  const unsigned char *bytes, size_t size, int *n,
                                  struct snas_err *err)
{
    const struct layout *l = layout_of(format);
    size_t record = (size_t)l->label_bytes + SNAS_CIFAR_PIXELS;
    if (size == 0 || size % record != 0)
        return snas_fail(err, SNAS_E_FORMAT,
                         "'%s': byte %zu: the file ends inside a record (records have %zu bytes)",
                         path, size, record);
    if (size / record > INT_MAX / 5)
        return snas_fail(err, SNAS_E_FORMAT, "'%s': %zu records are too many", path, size / record);
    for (size_t at = 0; at < size; at += record)
        for (int i = 0; i < l->label_bytes; i++)
            if (bytes[at + (size_t)i] >= l->label_values[i])
                return snas_fail(err, SNAS_E_FORMAT, "'%s': byte %zu: label %d is not in 0..%d",
                                 path, at + (size_t)i, bytes[at + (size_t)i],
                                 l->label_values[i] - 1);
    *n = (int)(size / record);
    return SNAS_OK;
}

/* Planes of one record -> interleaved channels. */
static void interleave(const unsigned char *planes, uint8_t *pixels)
{
    const int side2 = SNAS_CIFAR_SIDE * SNAS_CIFAR_SIDE;
    for (int i = 0; i < side2; i++)
        for (int c = 0; c < 3; c++)
            pixels[3 * i + c] = planes[c * side2 + i];
}

/* Room for `files` files of n images each. */
static enum snas_status make_room(const struct layout *l, int files, int n,
                                  struct snas_dataset *out, struct snas_err *err)
{
    out->n = files * n;
    out->channels = 3;
    out->height = out->width = SNAS_CIFAR_SIDE;
    out->classes = l->label_values[l->label_bytes - 1];
    out->pixels = snas_alloc((size_t)out->n, SNAS_CIFAR_PIXELS, err);
    out->labels = snas_alloc((size_t)out->n, sizeof *out->labels, err);
    return out->pixels != NULL && out->labels != NULL ? SNAS_OK : SNAS_E_NOMEM;
}

static enum snas_status take_file(const char *path, enum snas_data_format format, int file,
                                  int files, struct snas_dataset *out, struct snas_err *err)
{
    const struct layout *l = layout_of(format);
    unsigned char *bytes;
    size_t size;
    int n = 0;
    enum snas_status st = snas_data_read(path, &bytes, &size, err);
    if (st != SNAS_OK)
        return st;
    st = snas_cifar_parse(path, format, bytes, size, &n, err);
    if (st == SNAS_OK && file == 0)
        st = make_room(l, files, n, out, err);
    else if (st == SNAS_OK && n != out->n / files)
        st = snas_fail(err, SNAS_E_FORMAT,
                       "'%s': byte %zu: the file ends after %d records, '%s' has %d", path, size, n,
                       l->train[0], out->n / files);
    for (int i = 0; st == SNAS_OK && i < n; i++) {
        const unsigned char *record =
            bytes + (size_t)i * (size_t)(l->label_bytes + SNAS_CIFAR_PIXELS);
        size_t image = (size_t)file * (size_t)n + (size_t)i;
        out->labels[image] = record[l->label_bytes - 1];
        interleave(record + l->label_bytes, out->pixels + image * SNAS_CIFAR_PIXELS);
    }
    snas_free(bytes);
    return st;
}

enum snas_status snas_cifar_open(const char *directory, enum snas_data_format format,
                                 enum snas_split split, struct snas_dataset *out,
                                 struct snas_err *err)
{
    const struct layout *l = layout_of(format);
    int files = split == SNAS_SPLIT_TRAIN ? l->n_train : 1;
    for (int i = 0; i < files; i++) {
        const char *name = split == SNAS_SPLIT_TRAIN ? l->train[i] : l->test;
        char *path = snas_path_join(directory, name, err);
        if (path == NULL)
            return SNAS_E_NOMEM;
        enum snas_status st = take_file(path, format, i, files, out, err);
        snas_free(path);
        if (st != SNAS_OK)
            return st;
    }
    char *path = snas_path_join(directory, l->names_file, err);
    if (path == NULL)
        return SNAS_E_NOMEM;
    enum snas_status st = snas_path_exists(path)
                              ? snas_names_read(path, out->classes, &out->names, err)
                              : snas_names_known(l->names, out->classes, &out->names, err);
    snas_free(path);
    return st;
}

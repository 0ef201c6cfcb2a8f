#ifndef SNAS_DATA_DATASET_H
#define SNAS_DATA_DATASET_H

#include <stdint.h>

#include "base/status.h"

/* Labelled images in memory, as bytes, checked completely when opened: sizes, magic numbers,
 * dimensions, label range. Errors are SNAS_E_IO (not there, not readable; lists what was looked
 * for), SNAS_E_FORMAT ("'path': byte offset: ...", the offset counted from 0 in the unpacked data),
 * SNAS_E_ARG (ambiguous), SNAS_E_NOMEM. docs/data.md describes the formats for users. */

enum snas_data_format {
    SNAS_DATA_AUTO,    /* by the files that are there */
    SNAS_DATA_IDX,     /* MNIST, Fashion-MNIST, EMNIST: train-images-idx3-ubyte[.gz], ... */
    SNAS_DATA_CIFAR10, /* data_batch_{1..5}.bin, test_batch.bin, batches.meta.txt */
    SNAS_DATA_CIFAR100 /* train.bin, test.bin, fine_label_names.txt */
};
enum snas_split { SNAS_SPLIT_TRAIN, SNAS_SPLIT_TEST };

struct snas_dataset {
    char name[64]; /* directory's last part */
    int n, channels, height, width, classes;
    uint8_t *pixels; /* [n][height][width][channels] */
    int *labels;     /* [n], 0..classes-1 */
    char **names;    /* [classes] class names, or NULL */
};

/* `directory` holds the files, or is "directory/prefix" of prefixed IDX files
 * (".../emnist-letters"). The classes of an IDX set are those of its training labels, for both
 * splits: 0..largest, or, when the smallest is 1 (EMNIST's letters), 1..largest moved down to begin
 * at 0. Class names come from class-names.txt, batches.meta.txt or fine_label_names.txt, else are
 * known for CIFAR and for an IDX set of 10 classes whose name contains "fashion". `out` need not be
 * initialised; after an error there is nothing to clear. */
enum snas_status snas_dataset_open(const char *directory, enum snas_data_format format,
                                   enum snas_split split, struct snas_dataset *out,
                                   struct snas_err *err);
void snas_dataset_clear(struct snas_dataset *ds);

/* Deals the indices of 0..n-1 into a held-out part of `held_out` images (0..n) and the rest, by
 * seed, both in random order. The caller owns both arrays ([held_out] and [n - held_out]). */
void snas_dataset_split(int n, int held_out, uint64_t seed, uint32_t *held, uint32_t *rest);

/* Mean and standard deviation (of the population) per channel of the given n >= 1 images, of
 * values scaled to 0..1. A channel that never changes gets sd 1, so that normalising is possible.
 * mean, sd: [channels]. */
void snas_dataset_statistics(const struct snas_dataset *ds, const uint32_t *indices, int n,
                             double *mean, double *sd);

#endif

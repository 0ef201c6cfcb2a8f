#ifndef SNAS_DATA_DATASET_H
#define SNAS_DATA_DATASET_H

#include <stdint.h>

#include "base/status.h"

/* Labelled images in memory, as bytes, checked completely when opened: sizes, magic numbers, label
 * range. Errors name the file and the offset. */

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

/* Fashion-MNIST's and CIFAR's class names are known where the files do not carry them. The number
 * of classes of an IDX set comes from its training labels (largest + 1) for both splits. */
enum snas_status snas_dataset_open(const char *directory, enum snas_data_format format,
                                   enum snas_split split, struct snas_dataset *out,
                                   struct snas_err *err);
void snas_dataset_clear(struct snas_dataset *ds);

/* Deals the indices of 0..n-1 into a held-out part of `held_out` images and the rest, by seed. The
 * caller owns both arrays ([held_out] and [n - held_out]). */
void snas_dataset_split(int n, int held_out, uint64_t seed, uint32_t *held, uint32_t *rest);

/* Mean and standard deviation per channel of the given images, of values scaled to 0..1. */
void snas_dataset_statistics(const struct snas_dataset *ds, const uint32_t *indices, int n,
                             double *mean, double *sd);

#endif

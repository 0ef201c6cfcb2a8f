#ifndef SNAS_DATA_LOADER_H
#define SNAS_DATA_LOADER_H

#include "data/dataset.h"

/* Batches of normalised NHWC float images, made ahead of time by one thread of the loader's own.
 * Batch b of a loader is a function of (seed, b) alone: order is a fresh permutation of the part
 * on each pass over it, augmentation a function of the position in the stream. */

struct snas_loader_options {
    int batch;
    int shuffle; /* 0: in the given order, once; last batch may be short. 1: an endless stream of
                    full batches */
    int crop_padding; /* random crop after zero padding by so many pixels (zero of the normalised
                         image's pixel 0, as torchvision: pad before normalising); 0: off */
    int flip;         /* random horizontal flip */
    int cutout;       /* side of the square set to zero after normalising; 0: off */
    double mean[4], sd[4];
    uint64_t seed;
    int ahead; /* batches made ahead; 0: 3 */
};

struct snas_loaded {
    const float *images; /* [n][H][W][C] */
    const int *labels;   /* [n] */
    int n;
    int64_t index; /* of the batch in the stream */
};

struct snas_loader;
/* `ds` and `indices` must outlive the loader. */
enum snas_status snas_loader_create(const struct snas_dataset *ds, const uint32_t *indices, int n,
                                    const struct snas_loader_options *options,
                                    struct snas_loader **out, struct snas_err *err);
/* The next batch is number `index` (resume; or 0 to start an ordered loader again). */
void snas_loader_seek(struct snas_loader *l, int64_t index);
/* Valid until the next call. n = 0: an ordered loader has reached its end. */
void snas_loader_next(struct snas_loader *l, struct snas_loaded *out);
/* Seconds that callers have waited in snas_loader_next since the last call of this function. */
double snas_loader_stall(struct snas_loader *l);
void snas_loader_destroy(struct snas_loader *l);

#endif

#ifndef SNAS_DATA_LOADER_H
#define SNAS_DATA_LOADER_H

#include "data/dataset.h"

/* Batches of normalised NHWC float images, made ahead of time by one thread of the loader's own.
 * Batch b of a loader is a function of (seed, b) alone: order is a fresh permutation of the part
 * on each pass over it, augmentation a function of the position in the stream. A batch of an
 * endless stream may end one pass and begin the next, so every image comes once a pass whatever
 * the batch. One thread at a time may call. */

struct snas_loader_options {
    int batch;
    int shuffle; /* 0: in the given order, once; last batch may be short. 1: an endless stream of
                    full batches */
    int crop_padding; /* random crop after zero padding by so many pixels (zero of the normalised
                         image's pixel 0, as torchvision: pad before normalising); 0: off */
    int flip;         /* random horizontal flip */
    int cutout;       /* side of the square set to zero after normalising; 0: off */
    double mean[4], sd[4]; /* per channel, of values scaled to 0..1; sd > 0 */
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
/* `ds` and `indices` must outlive the loader. SNAS_E_ARG: an option or an index out of range;
 * SNAS_E_NOMEM; SNAS_E_IO: no thread to be had. Nothing is allocated afterwards. */
enum snas_status snas_loader_create(const struct snas_dataset *ds, const uint32_t *indices, int n,
                                    const struct snas_loader_options *options,
                                    struct snas_loader **out, struct snas_err *err);
/* The next batch is number `index` >= 0 (resume; or 0 to start an ordered loader again). */
void snas_loader_seek(struct snas_loader *l, int64_t index);
/* Valid until the next call. n = 0: an ordered loader has reached its end. */
void snas_loader_next(struct snas_loader *l, struct snas_loaded *out);
/* Seconds that callers have waited in snas_loader_next since the last call of this function. */
double snas_loader_stall(struct snas_loader *l);
/* At any moment; NULL allowed. */
void snas_loader_destroy(struct snas_loader *l);

#endif

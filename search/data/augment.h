#ifndef SNAS_DATA_AUGMENT_H
#define SNAS_DATA_AUGMENT_H

#include <stdint.h>

#include "base/rng.h"
#include "data/dataset.h"
#include "data/loader.h"

/* Inside the room: one image's way from bytes to normalised floats, as torchvision's
 * RandomCrop(size, padding), RandomHorizontalFlip, ToTensor, Normalize and DARTS' Cutout do it, in
 * that order. */

struct snas_augment { /* what happens to one image */
    int dy, dx;       /* output (y, x) shows input (y + dy, x + dx) before flipping */
    int flip;
    int cut_y, cut_x, cut; /* top left corner (may lie outside) and side of the zeroed square */
};

/* Draws the choices from `rng`; an image with everything off draws nothing. */
struct snas_augment snas_augment_draw(const struct snas_loader_options *o, int height, int width,
                                      struct snas_rng *rng);
/* table[channel][byte]: its normalised value. out: [height][width][channels]. */
void snas_augment_apply(const struct snas_augment *a, const struct snas_dataset *ds, uint32_t image,
                        const float table[4][256], float *out);

#endif

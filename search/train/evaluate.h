#ifndef SNAS_TRAIN_EVALUATE_H
#define SNAS_TRAIN_EVALUATE_H

#include <stdint.h>

#include "data/loader.h"
#include "net/net.h"

/* Accuracy and BN re-estimation of a net on a list of images. */

/* Which images, and how they are normalised; never augmented. */
struct snas_image_set {
    const struct snas_dataset *ds;
    const uint32_t *indices; /* [n] */
    int n;
    const double *mean, *sd; /* [channels] */
    int batch;               /* at most the net's */
    /* as in snas_loader_options, drawn from seed; all 0: the images as they are */
    int crop_padding, flip, cutout;
    uint64_t seed;
};

struct snas_evaluate_options {
    enum snas_bn_mode bn;
    const double *z; /* fixed z; NULL for a child, or with draw */
    /* Fills z [n_z] afresh for every batch; NULL: z above. */
    void (*draw)(void *arg, int64_t batch, double *z);
    void *arg;
    double *draw_z;           /* [n_z] room for draw */
    int64_t *confusion;       /* [classes][classes], row = label, added to; or NULL */
    const volatile int *stop; /* not 0: give up with SNAS_E_INTERRUPTED; or NULL */
};
struct snas_score {
    int64_t n, correct;
    double loss, accuracy;
};
enum snas_status snas_evaluate(struct snas_net *net, const struct snas_image_set *set,
                               const struct snas_evaluate_options *options, struct snas_score *out,
                               struct snas_err *err);

/* Re-estimates the running statistics of every BN that z (NULL: a child) computes. */
enum snas_status snas_estimate(struct snas_net *net, const struct snas_image_set *set,
                               const double *z, const volatile int *stop, struct snas_err *err);

#endif

#ifndef SNAS_TRAIN_BIAS_H
#define SNAS_TRAIN_BIAS_H

#include "methods/method.h"
#include "train/evaluate.h"

/* The bias of a mixture (docs/bias.md; method.md section 1): L(sum_k p_k O_k), which DARTS
 * optimises, beside E_Z[L(Z)], Z one-hot with the probabilities p = softmax(alpha), which SNAS
 * optimises. Both with the same weights, on the same images, with batch statistics. */

struct snas_bias_options {
    int samples;  /* of Z, at least 2 */
    int per_cell; /* 0: the cells of a kind share a sample, 1: each has its own */
    uint64_t seed;
    int epoch;                /* numbers the samples, with the seed */
    const volatile int *stop; /* as in snas_evaluate_options */
};
struct snas_bias {
    int64_t images;
    struct snas_score mixture;
    double hard_loss, hard_accuracy; /* means over the samples */
    double hard_sd;                  /* standard deviation of a sample's loss */
    double hard_se;                  /* standard error of hard_loss: hard_sd / sqrt(samples) */
};

/* z: [n_z] room. */
enum snas_status snas_bias_measure(struct snas_net *net, const struct snas_method *m,
                                   const struct snas_image_set *set,
                                   const struct snas_bias_options *options, double *z,
                                   struct snas_bias *out, struct snas_err *err);

/* Columns and a row of bias.csv. */
#define SNAS_BIAS_HEADER                                                                           \
    "epoch,samples,images,mixture_loss,mixture_accuracy,hard_loss,hard_loss_se,hard_loss_sd,"      \
    "hard_accuracy,gap\n"

#endif

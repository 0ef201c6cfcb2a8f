#ifndef SNAS_BASE_RNG_H
#define SNAS_BASE_RNG_H

#include <stdint.h>

/* Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011): a number
 * is a function of (seed, stream, step, index), so threads, resumes and skipped work never change
 * it. A stream is what the numbers are for; a step is usually the training step or the epoch. */
enum snas_stream {
    SNAS_STREAM_INIT = 1, /* theta at the start; step = parameter index */
    SNAS_STREAM_ALPHA,    /* alpha at the start */
    SNAS_STREAM_SPLIT,    /* which images are held out */
    SNAS_STREAM_ORDER,    /* order of the images; step = epoch */
    SNAS_STREAM_AUGMENT,  /* crop, flip, cutout; step = position in the run of the image */
    SNAS_STREAM_GUMBEL,   /* architecture samples; step = training step */
    SNAS_STREAM_HARD,     /* hard samples for evaluation */
    SNAS_STREAM_DROP_PATH,
    SNAS_STREAM_ESTIMATE,   /* which images re-estimate BN statistics */
    SNAS_STREAM_GENOTYPE,   /* random genotypes */
    SNAS_STREAM_CONTROLLER, /* ENAS: children that are rewarded; marginals */
    SNAS_STREAM_BIAS,       /* one-hot samples beside the mixture */
    SNAS_STREAM_MEASURED,   /* one-hot networks that are timed */
    SNAS_STREAM_TEST = 1000
};

/* The bare function, one block: the known answers are given for it. */
void snas_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

struct snas_rng {
    uint32_t key[2];
    uint32_t counter[4]; /* [0] runs on; [1..3] = stream and step */
    uint32_t block[4];
    unsigned used; /* words of `block` given out */
};

/* Plain value: copy it, keep it on the stack. Numbers depend on the arguments alone. */
struct snas_rng snas_rng_make(uint64_t seed, enum snas_stream stream, uint64_t step);
uint32_t snas_rng_u32(struct snas_rng *r);
uint32_t snas_rng_below(struct snas_rng *r, uint32_t n); /* 0..n-1 without bias, n >= 1 */
double snas_rng_uniform(struct snas_rng *r);             /* in the open interval (0, 1) */
double snas_rng_normal(struct snas_rng *r);              /* mean 0, sd 1 (Box-Muller) */
double snas_rng_gumbel(struct snas_rng *r);              /* -log(-log U), always finite */
void snas_rng_shuffle(struct snas_rng *r, uint32_t *items, uint32_t n);

#endif

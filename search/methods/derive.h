#ifndef SNAS_METHODS_DERIVE_H
#define SNAS_METHODS_DERIVE_H

#include "methods/method.h"

/* From a distribution to a genotype, by any rule of any method (docs/methods.md). */

struct snas_derive_options {
    enum snas_derive_rule rule;
    int samples;    /* of BEST, at least 1: networks drawn */
    int64_t images; /* validation images that each is scored on; 0: all */
    int rescored;   /* at least 1: the best so many are scored again on all images, when `images`
                       were not all */
    void (*progress)(void *arg, int done, int of); /* may be NULL */
    void *arg;
};

/* The rule that is meant: AUTO is the method's own. */
enum snas_derive_rule snas_method_rule(const struct snas_method *m, enum snas_derive_rule rule);

/* 1 when how certain alpha is says how far the search has decided on its child: not where the child
 * is chosen by its score, nor where alpha is none of the method's decisions. */
int snas_method_decides(const struct snas_method *m, enum snas_derive_rule rule);

/* The genotype after an epoch (from 0). Nothing is evaluated: under the rule BEST it is one sample.
 * z: [n_z] room for BEST. SNAS_E_UNSUPPORTED: TOP2 in a space without `none`. */
enum snas_status snas_method_derive_epoch(const struct snas_method *m, enum snas_derive_rule rule,
                                          uint64_t seed, int epoch, double *z,
                                          struct snas_genotype *out, struct snas_err *err);
/* The child's genotype. BEST draws from (seed, SNAS_STREAM_HARD), connected networks that fit the
 * budget as far as 1000 tries find one, and asks the context's evaluate. */
enum snas_status snas_method_derive_final(const struct snas_method *m,
                                          const struct snas_method_context *ctx,
                                          const struct snas_derive_options *options,
                                          struct snas_genotype *out, struct snas_err *err);

#endif

#ifndef SNAS_METHODS_ENTROPY_H
#define SNAS_METHODS_ENTROPY_H

#include "methods/method.h"

/* The entropy schedule: a term in alpha's loss,
 *
 *   w(epoch) x mean over the edges of entropy / ln(number of ops),
 *
 * the mean being `undecided` of snas_method_overall: 1 at uniform alpha, so w is in nats of the
 * loss there. Above 0 it makes the search decide, below 0 it keeps it open. */
struct snas_entropy_options {
    double start, end; /* w in the first and the last epoch in which alpha moves; both 0: off */
};
int snas_entropy_active(const struct snas_entropy_options *options);
/* w, linear over the epochs [first, epochs); epochs before `first` have that of `first`, and a
 * single epoch has `end`. */
double snas_entropy_weight(const struct snas_entropy_options *options, int epoch, int first,
                           int epochs);
/* Adds the term's exact gradient to gradient[n_alpha] and returns its value. Edges of kinds that
 * the network has no cells of, and those with a single op, have none. */
double snas_entropy_gradient(const struct snas_method *m, double weight, double *gradient);

#endif

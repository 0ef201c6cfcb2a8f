#ifndef SNAS_KERNELS_OPTIMISER_H
#define SNAS_KERNELS_OPTIMISER_H

#include <stddef.h>
#include <stdint.h>

/* Optimiser updates on flat vectors, formulas and order of operations as in PyTorch's SGD and Adam
 * (torch/optim, 1.13). Sums run in a fixed order: same input, same bits. */

/* Sum of squares in double, over 16 interleaved partial sums. */
double snas_k_sum_squares_f32(size_t n, const float *x);
double snas_k_sum_squares_f64(size_t n, const double *x);

/* Factor that brings a gradient of this norm down to `clip` (1 when it is below, or clip is 0):
 * clip / (norm + 1e-6), as torch.nn.utils.clip_grad_norm_. */
double snas_k_clip_factor(double norm, double clip);

/* d = scale * g + weight_decay * w;  v = momentum * v + d;  w -= rate * v.  [n] each. */
void snas_k_sgd_f32(size_t n, float *w, float *v, const float *g, float scale, float rate,
                    float momentum, float weight_decay);
/* The same without momentum. */
void snas_k_sgd_f64(size_t n, double *w, const double *g, double scale, double rate,
                    double weight_decay);

/* Adam with L2 weight decay (added to the gradient, not decoupled). `step` counts from 1. */
struct snas_k_adam {
    double rate, beta1, beta2, eps, weight_decay;
};
void snas_k_adam_f64(size_t n, double *w, double *m, double *v, const double *g, double scale,
                     const struct snas_k_adam *o, int64_t step);

#endif

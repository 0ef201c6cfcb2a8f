#ifndef SNAS_LAYERS_LAYERS_H
#define SNAS_LAYERS_LAYERS_H

#include <stddef.h>

#include "layers/real.h"

/* The reference layers: forward beside backward, for one image, NHWC. A step kind per file. All
 * but batch norm have the same two signatures, so that a caller needs one table.
 *
 * forward:  y [oh][ow][oc] from x [h][w][c]; y is overwritten and does not overlap x.
 * backward: dx (overwritten; NULL: not wanted) from dy; dw is added to (its entries are not NULL
 *           where w's are not). x is what forward was given.
 * w, dw: up to two parameters in storage order (space/network.h): depthwise [kh][kw][c]; pointwise
 *        [c][oc]; conv [kh][kw][c][oc]; factorized reduce [c][oc/2] and [c][oc - oc/2]; linear
 *        [c][oc] and bias [oc]; the others none.
 * NaN in x reaches y (ReLU and max pooling too), so that a broken step shows in the loss. */
struct snas_geometry {
    int h, w, c;    /* of x */
    int oh, ow, oc; /* of y; oh = ceil(h / stride) */
    int kh, kw, stride, dilation;
};

typedef void SNAS_R(snas_layer_forward)(const struct snas_geometry *g, const snas_real *x,
                                        const snas_real *const w[2], snas_real *y);
typedef void SNAS_R(snas_layer_backward)(const struct snas_geometry *g, const snas_real *x,
                                         const snas_real *const w[2], const snas_real *dy,
                                         snas_real *dx, snas_real *const dw[2]);

SNAS_R(snas_layer_forward) SNAS_R(snas_relu_forward);
SNAS_R(snas_layer_backward) SNAS_R(snas_relu_backward); /* slope 0 at 0 */

/* Zero padding dilation * (k - 1) / 2 on every side, k odd. */
SNAS_R(snas_layer_forward) SNAS_R(snas_depthwise_forward);
SNAS_R(snas_layer_backward) SNAS_R(snas_depthwise_backward);
SNAS_R(snas_layer_forward) SNAS_R(snas_conv_forward);
SNAS_R(snas_layer_backward) SNAS_R(snas_conv_backward);

SNAS_R(snas_layer_forward) SNAS_R(snas_pointwise_forward);
SNAS_R(snas_layer_backward) SNAS_R(snas_pointwise_backward);

/* Two 1x1 stride-2 convolutions side by side, the second on x shifted by one pixel both ways:
 * y[i][j] = (x[2i][2j] w0, x[2i+1][2j+1] w1), zero where an odd side has no such pixel. */
SNAS_R(snas_layer_forward) SNAS_R(snas_reduce_forward);
SNAS_R(snas_layer_backward) SNAS_R(snas_reduce_backward);

/* k x k, padding (k - 1) / 2. Padding never wins the maximum (of equal values the first does, row
 * by row) and is not counted in the average. */
SNAS_R(snas_layer_forward) SNAS_R(snas_max_pool_forward);
SNAS_R(snas_layer_backward) SNAS_R(snas_max_pool_backward);
SNAS_R(snas_layer_forward) SNAS_R(snas_avg_pool_forward);
SNAS_R(snas_layer_backward) SNAS_R(snas_avg_pool_backward);
SNAS_R(snas_layer_forward) SNAS_R(snas_global_pool_forward); /* mean over h x w */
SNAS_R(snas_layer_backward) SNAS_R(snas_global_pool_backward);

SNAS_R(snas_layer_forward) SNAS_R(snas_linear_forward);
SNAS_R(snas_layer_backward) SNAS_R(snas_linear_backward);

/* Batch norm over `pixels` x c values, in four parts because sums over the batch stand between
 * them. Statistics and sums are double in both builds. gamma and beta may both be NULL.
 * sums:           sum[c] += x, sum2[c] += x^2
 * apply:          y = gamma (x - mean) inv + beta; y may be x
 * backward_sums:  sum[c] += dy, sum_xhat[c] += dy * (x - mean) inv: dbeta and dgamma
 * backward_apply: dx = gamma inv (dy - (sum + xhat sum_xhat) / count), the sums being the whole
 *                 batch's over count values a channel; dx may be dy */
void SNAS_R(snas_norm_sums)(size_t pixels, int c, const snas_real *x, double *sum, double *sum2);
void SNAS_R(snas_norm_apply)(size_t pixels, int c, const snas_real *x, const double *mean,
                             const double *inv, const snas_real *gamma, const snas_real *beta,
                             snas_real *y);
void SNAS_R(snas_norm_backward_sums)(size_t pixels, int c, const snas_real *x, const double *mean,
                                     const double *inv, const snas_real *dy, double *sum,
                                     double *sum_xhat);
void SNAS_R(snas_norm_backward_apply)(size_t pixels, int c, const snas_real *x, const double *mean,
                                      const double *inv, const snas_real *gamma,
                                      const snas_real *dy, const double *sum,
                                      const double *sum_xhat, double count, snas_real *dx);

#endif

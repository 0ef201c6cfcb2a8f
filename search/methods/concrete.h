#ifndef SNAS_METHODS_CONCRETE_H
#define SNAS_METHODS_CONCRETE_H

/* The concrete distribution (Gumbel-softmax) on one row of alpha; SNAS paper, equation 6. All in
 * double and through log-softmax: at T = 0.03 a float z underflows. */

/* p = softmax(alpha); [n]. */
void snas_softmax(const double *alpha, int n, double *p);

/* z = softmax((alpha + gumbel) / temperature); [n]. */
void snas_concrete_sample(const double *alpha, const double *gumbel, int n, double temperature,
                          double *z);

/* What a step computes of a sample: live[k] = z[k], or 0 where it is below the threshold; [n]. */
void snas_concrete_live(const double *z, int n, double threshold, double *live);

/* dalpha[k] += z[k] / T * (dz[k] - sum_j z[j] dz[j]); returns the sum, which is the edge's credit
 * when dz is d loss / d z. */
double snas_concrete_backward(const double *z, const double *dz, int n, double temperature,
                              double *dalpha);

/* log density of the concrete distribution at z, of which ln z is given [n] (at T = 0.03 a float z
 * underflows): ln (n-1)! + (n-1) ln T + sum alpha - (T+1) sum ln z - n ln sum_k e^alpha_k z_k^-T.
 */
double snas_concrete_log_density(const double *alpha, const double *log_z, int n,
                                 double temperature);

/* score[k] = d log density / d alpha_k = 1 - n softmax(alpha - T ln z)_k. With z's own noise that
 * softmax is one of -gumbel: neither alpha nor T is left in it, and nothing can underflow. */
void snas_concrete_score(const double *gumbel, int n, double *score);

#endif

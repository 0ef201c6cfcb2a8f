#ifndef SNAS_CREDIT_RANK_H
#define SNAS_CREDIT_RANK_H

#include "base/status.h"

/* Spearman's rank correlation of a and b [n], equal values at the mean of their ranks; 0 when one
 * of them has no two values that differ. `room` [2 n]. */
double snas_rank_correlation(int n, const double *a, const double *b, double *room);

/* Solves (A + ridge I) x = b for a symmetric positive semidefinite A [n][n] (lower half, row by
 * row) by Cholesky; A is overwritten, b becomes x. ridge > 0. SNAS_E_NUMERIC: not positive. */
enum snas_status snas_ridge_solve(int n, double *a, double *b, double ridge, struct snas_err *err);

#endif

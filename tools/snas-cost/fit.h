#ifndef SNAS_COST_FIT_H
#define SNAS_COST_FIT_H

#include "base/status.h"

/* y = a + b x by least squares, and how far it can be trusted. */
struct fit {
    double a, b;
    double *predicted;  /* [n] each from a fit without it; owned */
    double mean_error;  /* mean of |predicted - y| / y */
    double worst_error; /* the largest, of point `worst` */
    int worst;
    double spearman; /* rank correlation of x and y; ties share their mean rank */
};
/* SNAS_E_ARG: fewer than 4 points, or all x the same. y > 0. */
enum snas_status fit_line(const double *x, const double *y, int n, struct fit *out,
                          struct snas_err *err);
void fit_clear(struct fit *f);

#endif

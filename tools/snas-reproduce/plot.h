#ifndef SNAS_REPRODUCE_PLOT_H
#define SNAS_REPRODUCE_PLOT_H

#include "base/status.h"

/* Plots of lines with bands of a standard deviation, or of points, by gnuplot. */

struct plot_line {
    char title[96];
    int n;
    double *x, *y, *sd; /* [n]; NaN: no point; sd NaN or NULL: no band */
    int points;         /* 1: points alone */
};
struct plot {
    const char *name; /* of its files: NAME.gp, which holds the data, and NAME.svg */
    const char *x, *y;
    int diagonal; /* 1: the line y = x */
    int log_x;
    int n;
    struct plot_line *lines;
};

/* Gives each of n lines room for `most` points. Caller clears, after an error too. */
enum snas_status plot_reserve(struct plot *p, int n, int most, struct snas_err *err);
void plot_clear(struct plot *p);
/* Adds a point. */
void plot_add(struct plot_line *l, double x, double y, double sd);
/* Draws it into dir. A plot without a point is drawn empty. */
enum snas_status plot_draw(const struct plot *p, const char *dir, struct snas_err *err);
/* SNAS_E_UNSUPPORTED, with what to do, when gnuplot is not there. */
enum snas_status plot_possible(struct snas_err *err);

#endif

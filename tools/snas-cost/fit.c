#include "snas-cost/fit.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"

/* Without point `out` (-1: with all); 0, or -1 when all x are the same. */
static int solve(const double *x, const double *y, int n, int out, double *a, double *b)
{
    double mx = 0, my = 0, xx = 0, xy = 0;
    int used = n - (out >= 0);
    for (int i = 0; i < n; i++)
        if (i != out) {
            mx += x[i] / used;
            my += y[i] / used;
        }
    for (int i = 0; i < n; i++)
        if (i != out) {
            xx += (x[i] - mx) * (x[i] - mx);
            xy += (x[i] - mx) * (y[i] - my);
        }
    if (!(xx > 0))
        return -1;
    *b = xy / xx;
    *a = my - *b * mx;
    return 0;
}

static double rank(const double *v, int n, int i)
{
    double r = 0;
    for (int k = 0; k < n; k++)
        r += v[k] < v[i] ? 1 : v[k] == v[i] ? 0.5 : 0;
    return r;
}

static double rank_correlation(const double *x, const double *y, int n)
{
    double mean = n / 2.0, xx = 0, yy = 0, xy = 0;
    for (int i = 0; i < n; i++) {
        double rx = rank(x, n, i) - mean, ry = rank(y, n, i) - mean;
        xx += rx * rx;
        yy += ry * ry;
        xy += rx * ry;
    }
    return xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : 0;
}

enum snas_status fit_line(const double *x, const double *y, int n, struct fit *out,
                          struct snas_err *err)
{
    memset(out, 0, sizeof *out);
    if (n < 4 || solve(x, y, n, -1, &out->a, &out->b) != 0)
        return snas_fail(err, SNAS_E_ARG,
                         "a line needs 4 or more networks whose rows do not all add to the same");
    out->predicted = snas_alloc((size_t)n, sizeof *out->predicted, err);
    if (!out->predicted)
        return SNAS_E_NOMEM;
    for (int i = 0; i < n; i++) {
        double a = out->a, b = out->b;
        if (solve(x, y, n, i, &a, &b) != 0) /* all others are the same: the line of all */
            a = out->a;
        out->predicted[i] = a + b * x[i];
        double error = fabs(out->predicted[i] - y[i]) / y[i];
        out->mean_error += error / n;
        if (error > out->worst_error) {
            out->worst_error = error;
            out->worst = i;
        }
    }
    out->spearman = rank_correlation(x, y, n);
    return SNAS_OK;
}

void fit_clear(struct fit *f)
{
    snas_free(f->predicted);
    memset(f, 0, sizeof *f);
}

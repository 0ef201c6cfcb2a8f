#include "credit/rank.h"

#include <math.h>
#include <stddef.h>

static void ranks(int n, const double *v, double *rank)
{
    for (int i = 0; i < n; i++) {
        int below = 0, equal = 0;
        for (int j = 0; j < n; j++) {
            below += v[j] < v[i];
            equal += v[j] == v[i];
        }
        rank[i] = below + (equal - 1) / 2.0 - (n - 1) / 2.0;
    }
}

double snas_rank_correlation(int n, const double *a, const double *b, double *room)
{
    double *ra = room, *rb = room + n, aa = 0, bb = 0, ab = 0;
    ranks(n, a, ra);
    ranks(n, b, rb);
    for (int i = 0; i < n; i++) {
        aa += ra[i] * ra[i];
        bb += rb[i] * rb[i];
        ab += ra[i] * rb[i];
    }
    return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 0;
}

/* A = L L'. */
static enum snas_status factor(int n, double *a, double ridge, struct snas_err *err)
{
    for (int i = 0; i < n; i++) {
        double *ai = a + (size_t)i * (size_t)n;
        ai[i] += ridge;
        for (int j = 0; j <= i; j++) {
            const double *aj = a + (size_t)j * (size_t)n;
            double sum = ai[j];
            for (int k = 0; k < j; k++)
                sum -= ai[k] * aj[k];
            if (i == j && !(sum > 0))
                return snas_fail(err, SNAS_E_NUMERIC, "the predictor's equations have no solution");
            ai[j] = i == j ? sqrt(sum) : sum / aj[j];
        }
    }
    return SNAS_OK;
}

enum snas_status snas_ridge_solve(int n, double *a, double *b, double ridge, struct snas_err *err)
{
    enum snas_status s = factor(n, a, ridge, err);
    if (s != SNAS_OK)
        return s;
    for (int i = 0; i < n; i++) {
        const double *ai = a + (size_t)i * (size_t)n;
        for (int k = 0; k < i; k++)
            b[i] -= ai[k] * b[k];
        b[i] /= ai[i];
    }
    for (int i = n - 1; i >= 0; i--) {
        b[i] /= a[(size_t)i * (size_t)n + (size_t)i];
        for (int k = 0; k < i; k++)
            b[k] -= a[(size_t)i * (size_t)n + (size_t)k] * b[i];
    }
    return SNAS_OK;
}

#include "methods/concrete.h"

#include <math.h>

void snas_softmax(const double *alpha, int n, double *p)
{
    double top = alpha[0], sum = 0;
    for (int k = 1; k < n; k++)
        top = alpha[k] > top ? alpha[k] : top;
    for (int k = 0; k < n; k++)
        sum += exp(alpha[k] - top);
    double log_sum = log(sum);
    for (int k = 0; k < n; k++)
        p[k] = exp(alpha[k] - top - log_sum);
}

void snas_concrete_sample(const double *alpha, const double *gumbel, int n, double temperature,
                          double *z)
{
    for (int k = 0; k < n; k++)
        z[k] = (alpha[k] + gumbel[k]) / temperature;
    snas_softmax(z, n, z);
}

void snas_concrete_live(const double *z, int n, double threshold, double *live)
{
    for (int k = 0; k < n; k++)
        live[k] = z[k] < threshold ? 0 : z[k];
}

double snas_concrete_backward(const double *z, const double *dz, int n, double temperature,
                              double *dalpha)
{
    double dot = 0;
    for (int k = 0; k < n; k++)
        dot += z[k] * dz[k];
    for (int k = 0; k < n; k++)
        dalpha[k] += z[k] / temperature * (dz[k] - dot);
    return dot;
}

double snas_concrete_log_density(const double *alpha, const double *log_z, int n,
                                 double temperature)
{
    double top = alpha[0] - temperature * log_z[0], sum = 0;
    double density = lgamma(n) + (n - 1) * log(temperature);
    for (int k = 0; k < n; k++) {
        double power = alpha[k] - temperature * log_z[k];
        top = power > top ? power : top;
        density += alpha[k] - (temperature + 1) * log_z[k];
    }
    for (int k = 0; k < n; k++)
        sum += exp(alpha[k] - temperature * log_z[k] - top);
    return density - n * (top + log(sum));
}

void snas_concrete_score(const double *gumbel, int n, double *score)
{
    for (int k = 0; k < n; k++)
        score[k] = -gumbel[k];
    snas_softmax(score, n, score);
    for (int k = 0; k < n; k++)
        score[k] = 1 - n * score[k];
}

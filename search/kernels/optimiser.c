#include "kernels/optimiser.h"

#include <math.h>

#define LANES 16

static double lanes_sum(const double *s)
{
    double total = 0;
    for (int l = 0; l < LANES; l++)
        total += s[l];
    return total;
}

double snas_k_sum_squares_f32(size_t n, const float *x)
{
    double s[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int l = 0; l < LANES; l++)
            s[l] += (double)x[i + l] * x[i + l];
    for (int l = 0; i < n; i++, l++)
        s[l] += (double)x[i] * x[i];
    return lanes_sum(s);
}

double snas_k_sum_squares_f64(size_t n, const double *x)
{
    double s[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int l = 0; l < LANES; l++)
            s[l] += x[i + l] * x[i + l];
    for (int l = 0; i < n; i++, l++)
        s[l] += x[i] * x[i];
    return lanes_sum(s);
}

double snas_k_clip_factor(double norm, double clip)
{
    double f = clip / (norm + 1e-6);
    return clip > 0 && f < 1 ? f : 1;
}

void snas_k_sgd_f32(size_t n, float *w, float *v, const float *g, float scale, float rate,
                    float momentum, float weight_decay)
{
    for (size_t i = 0; i < n; i++) {
        float d = scale * g[i] + weight_decay * w[i];
        v[i] = momentum * v[i] + d;
        w[i] -= rate * v[i];
    }
}

void snas_k_sgd_f64(size_t n, double *w, const double *g, double scale, double rate,
                    double weight_decay)
{
    for (size_t i = 0; i < n; i++)
        w[i] -= rate * (scale * g[i] + weight_decay * w[i]);
}

void snas_k_adam_f64(size_t n, double *w, double *m, double *v, const double *g, double scale,
                     const struct snas_k_adam *o, int64_t step)
{
    double correct1 = 1 - pow(o->beta1, (double)step);
    double correct2 = sqrt(1 - pow(o->beta2, (double)step));
    double size = o->rate / correct1;
    for (size_t i = 0; i < n; i++) {
        double d = scale * g[i] + o->weight_decay * w[i];
        m[i] = o->beta1 * m[i] + (1 - o->beta1) * d;
        v[i] = o->beta2 * v[i] + (1 - o->beta2) * d * d;
        w[i] -= size * m[i] / (sqrt(v[i]) / correct2 + o->eps);
    }
}

/* Every layer's backward against central differences of its forward, in double. */
#include "../support.h"

#include <math.h>

#include "base/rng.h"
#include "layers/layers.h"

enum { MOST = 8192 };

struct layer_case {
    const char *name;
    snas_layer_forward_f64 *forward;
    snas_layer_backward_f64 *backward;
    struct snas_geometry g;
    size_t weights[2];
};

static size_t in_values(const struct snas_geometry *g)
{
    return (size_t)g->h * (size_t)g->w * (size_t)g->c;
}

static size_t out_values(const struct snas_geometry *g)
{
    return (size_t)g->oh * (size_t)g->ow * (size_t)g->oc;
}

/* Distinct values at least 0.02 apart, none within 0.01 of zero: a step of 1e-4 turns no ReLU and
 * no maximum. */
static void fill_apart(struct snas_rng *rng, size_t n, double *x)
{
    static uint32_t order[MOST];
    assert_true(n <= MOST);
    for (uint32_t i = 0; i < n; i++)
        order[i] = i;
    snas_rng_shuffle(rng, order, (uint32_t)n);
    for (size_t i = 0; i < n; i++)
        x[i] = 0.02 * ((double)order[i] - floor((double)n / 2)) + 0.01;
}

static void fill_normal(struct snas_rng *rng, size_t n, double *x)
{
    for (size_t i = 0; i < n; i++)
        x[i] = snas_rng_normal(rng);
}

struct problem {
    const struct layer_case *c;
    double x[MOST], w[2][MOST], dy[MOST], y[MOST], dx[MOST], dw[2][MOST];
};

static double objective(struct problem *p)
{
    const double *const w[2] = {p->c->weights[0] ? p->w[0] : NULL,
                                p->c->weights[1] ? p->w[1] : NULL};
    double sum = 0;
    p->c->forward(&p->c->g, p->x, w, p->y);
    for (size_t i = 0; i < out_values(&p->c->g); i++)
        sum += p->y[i] * p->dy[i];
    return sum;
}

static void compare(struct problem *p, double *at, size_t n, const double *gradient,
                    const char *what)
{
    const double h = 1e-4;
    for (size_t i = 0; i < n; i++) {
        double kept = at[i];
        at[i] = kept + h;
        double up = objective(p);
        at[i] = kept - h;
        double down = objective(p);
        at[i] = kept;
        double numeric = (up - down) / (2 * h);
        if (!(fabs(numeric - gradient[i]) <= 1e-7 * (1 + fabs(numeric))))
            fail_msg("%s: d%s[%zu] is %.12g, central difference %.12g", p->c->name, what, i,
                     gradient[i], numeric);
    }
}

static void check(const struct layer_case *c)
{
    static struct problem p;
    struct snas_rng rng = snas_rng_make(7, SNAS_STREAM_TEST, 0);
    p.c = c;
    assert_true(out_values(&c->g) <= MOST);
    fill_apart(&rng, in_values(&c->g), p.x);
    fill_normal(&rng, out_values(&c->g), p.dy);
    for (int k = 0; k < 2; k++) {
        fill_normal(&rng, c->weights[k], p.w[k]);
        fill_normal(&rng, c->weights[k], p.dw[k]); /* gradients are added to what is there */
    }
    double before[2] = {p.dw[0][0], p.dw[1][0]};
    const double *const w[2] = {c->weights[0] ? p.w[0] : NULL, c->weights[1] ? p.w[1] : NULL};
    double *const dw[2] = {c->weights[0] ? p.dw[0] : NULL, c->weights[1] ? p.dw[1] : NULL};
    for (int k = 0; k < 2; k++)
        for (size_t i = 1; i < c->weights[k]; i++)
            p.dw[k][i] = 0;
    c->backward(&c->g, p.x, w, p.dy, NULL, dw);
    for (int k = 0; k < 2; k++) {
        p.dw[k][0] -= before[k];
        compare(&p, p.w[k], c->weights[k], p.dw[k], k ? "w1" : "w0");
    }
    c->backward(&c->g, p.x, w, p.dy, p.dx, dw);
    compare(&p, p.x, in_values(&c->g), p.dx, "x");
}

#define KERNEL(h, w, c, oc, kh, kw, s, d)                                                          \
    {                                                                                              \
        (h), (w), (c), ((h) + (s)-1) / (s), ((w) + (s)-1) / (s), (oc), (kh), (kw), (s), (d)        \
    }

static void relu__matches_central_differences(void **state)
{
    (void)state;
    check(&(struct layer_case){"relu",
                               snas_relu_forward_f64,
                               snas_relu_backward_f64,
                               KERNEL(5, 4, 7, 7, 1, 1, 1, 1),
                               {0, 0}});
}

static void depthwise__matches_central_differences_when_sides_are_odd_or_small(void **state)
{
    (void)state;
    static const struct snas_geometry g[] = {
        KERNEL(7, 6, 5, 5, 3, 3, 1, 1), KERNEL(7, 6, 5, 5, 3, 3, 2, 1),
        KERNEL(6, 7, 3, 3, 5, 5, 1, 1), KERNEL(9, 7, 3, 3, 5, 5, 2, 1),
        KERNEL(7, 7, 3, 3, 3, 3, 1, 2), KERNEL(7, 6, 3, 3, 5, 5, 2, 2),
        KERNEL(5, 5, 2, 2, 7, 7, 1, 1), KERNEL(1, 1, 17, 17, 5, 5, 1, 2),
        KERNEL(2, 1, 4, 4, 3, 3, 2, 2),
    };
    for (size_t i = 0; i < sizeof g / sizeof *g; i++)
        check(&(struct layer_case){"depthwise",
                                   snas_depthwise_forward_f64,
                                   snas_depthwise_backward_f64,
                                   g[i],
                                   {(size_t)(g[i].kh * g[i].kw * g[i].c), 0}});
}

static void conv__matches_central_differences_when_kernels_are_not_square(void **state)
{
    (void)state;
    static const struct snas_geometry g[] = {
        KERNEL(6, 5, 3, 4, 3, 3, 1, 1),
        KERNEL(7, 5, 2, 9, 3, 3, 2, 1),
        KERNEL(5, 6, 3, 2, 1, 7, 1, 1),
        KERNEL(5, 6, 3, 2, 7, 1, 2, 1),
    };
    for (size_t i = 0; i < sizeof g / sizeof *g; i++)
        check(&(struct layer_case){"conv",
                                   snas_conv_forward_f64,
                                   snas_conv_backward_f64,
                                   g[i],
                                   {(size_t)(g[i].kh * g[i].kw * g[i].c * g[i].oc), 0}});
}

static void
pointwise__matches_central_differences_when_channels_are_no_multiple_of_eight(void **state)
{
    (void)state;
    static const struct snas_geometry g[] = {
        KERNEL(3, 4, 1, 1, 1, 1, 1, 1),
        KERNEL(3, 4, 5, 19, 1, 1, 1, 1),
        KERNEL(5, 4, 9, 8, 1, 1, 2, 1),
    };
    for (size_t i = 0; i < sizeof g / sizeof *g; i++)
        check(&(struct layer_case){"pointwise",
                                   snas_pointwise_forward_f64,
                                   snas_pointwise_backward_f64,
                                   g[i],
                                   {(size_t)(g[i].c * g[i].oc), 0}});
}

static void reduce__matches_central_differences_when_sides_are_odd(void **state)
{
    (void)state;
    static const struct snas_geometry g[] = {
        KERNEL(6, 4, 3, 8, 1, 1, 2, 1),
        KERNEL(7, 5, 3, 5, 1, 1, 2, 1),
        KERNEL(1, 2, 3, 2, 1, 1, 2, 1),
    };
    for (size_t i = 0; i < sizeof g / sizeof *g; i++)
        check(&(struct layer_case){
            "reduce",
            snas_reduce_forward_f64,
            snas_reduce_backward_f64,
            g[i],
            {(size_t)(g[i].c * (g[i].oc / 2)), (size_t)(g[i].c * (g[i].oc - g[i].oc / 2))}});
}

static void pools__match_central_differences_when_padding_takes_part(void **state)
{
    (void)state;
    static const struct snas_geometry g[] = {
        KERNEL(6, 5, 3, 3, 3, 3, 1, 1),
        KERNEL(7, 4, 5, 5, 3, 3, 2, 1),
        KERNEL(1, 2, 1, 1, 3, 3, 2, 1),
    };
    for (size_t i = 0; i < sizeof g / sizeof *g; i++) {
        check(&(struct layer_case){
            "max pool", snas_max_pool_forward_f64, snas_max_pool_backward_f64, g[i], {0, 0}});
        check(&(struct layer_case){
            "avg pool", snas_avg_pool_forward_f64, snas_avg_pool_backward_f64, g[i], {0, 0}});
    }
    struct snas_geometry all = {5, 3, 4, 1, 1, 4, 1, 1, 1, 1};
    check(&(struct layer_case){
        "global pool", snas_global_pool_forward_f64, snas_global_pool_backward_f64, all, {0, 0}});
}

static void linear__matches_central_differences(void **state)
{
    (void)state;
    struct snas_geometry g = {1, 1, 13, 1, 1, 5, 1, 1, 1, 1};
    check(&(struct layer_case){
        "linear", snas_linear_forward_f64, snas_linear_backward_f64, g, {13 * 5, 5}});
}

/* Batch norm has the batch's sums between its parts: the same check around all four. */
enum { PIXELS = 12, CHANNELS = 70 };
static double norm_x[PIXELS * CHANNELS], norm_dy[PIXELS * CHANNELS];
static double norm_gamma[CHANNELS], norm_beta[CHANNELS];

static double norm_objective(const double *gamma, const double *beta, double *mean, double *inv)
{
    static double y[PIXELS * CHANNELS];
    double sum[CHANNELS] = {0}, sum2[CHANNELS] = {0}, total = 0;
    snas_norm_sums_f64(PIXELS, CHANNELS, norm_x, sum, sum2);
    for (int c = 0; c < CHANNELS; c++) {
        mean[c] = sum[c] / PIXELS;
        inv[c] = 1 / sqrt(sum2[c] / PIXELS - mean[c] * mean[c] + 1e-5);
    }
    snas_norm_apply_f64(PIXELS, CHANNELS, norm_x, mean, inv, gamma, beta, y);
    for (int i = 0; i < PIXELS * CHANNELS; i++)
        total += y[i] * norm_dy[i];
    return total;
}

static void norm_compare(double *at, int n, const double *gradient, const double *gamma,
                         const double *beta, const char *what)
{
    double mean[CHANNELS], inv[CHANNELS];
    const double h = 1e-5;
    for (int i = 0; i < n; i++) {
        double kept = at[i];
        at[i] = kept + h;
        double up = norm_objective(gamma, beta, mean, inv);
        at[i] = kept - h;
        double down = norm_objective(gamma, beta, mean, inv);
        at[i] = kept;
        double numeric = (up - down) / (2 * h);
        if (!(fabs(numeric - gradient[i]) <= 1e-6 * (1 + fabs(numeric))))
            fail_msg("d%s[%d] is %.12g, central difference %.12g", what, i, gradient[i], numeric);
    }
}

static void check_norm(const double *gamma, const double *beta)
{
    static double dx[PIXELS * CHANNELS];
    double mean[CHANNELS], inv[CHANNELS], sum[CHANNELS] = {0}, sum_xhat[CHANNELS] = {0};
    struct snas_rng rng = snas_rng_make(8, SNAS_STREAM_TEST, 0);
    fill_normal(&rng, PIXELS * CHANNELS, norm_x);
    fill_normal(&rng, PIXELS * CHANNELS, norm_dy);
    fill_normal(&rng, CHANNELS, norm_gamma);
    fill_normal(&rng, CHANNELS, norm_beta);
    norm_objective(gamma, beta, mean, inv);
    snas_norm_backward_sums_f64(PIXELS, CHANNELS, norm_x, mean, inv, norm_dy, sum, sum_xhat);
    snas_norm_backward_apply_f64(PIXELS, CHANNELS, norm_x, mean, inv, gamma, norm_dy, sum, sum_xhat,
                                 PIXELS, dx);
    norm_compare(norm_x, PIXELS * CHANNELS, dx, gamma, beta, "x");
    if (!gamma)
        return;
    norm_compare(norm_gamma, CHANNELS, sum_xhat, gamma, beta, "gamma");
    norm_compare(norm_beta, CHANNELS, sum, gamma, beta, "beta");
}

static void norm__matches_central_differences_when_affine_and_not(void **state)
{
    (void)state;
    check_norm(NULL, NULL);
    check_norm(norm_gamma, norm_beta);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(relu__matches_central_differences),
        cmocka_unit_test(depthwise__matches_central_differences_when_sides_are_odd_or_small),
        cmocka_unit_test(conv__matches_central_differences_when_kernels_are_not_square),
        cmocka_unit_test(
            pointwise__matches_central_differences_when_channels_are_no_multiple_of_eight),
        cmocka_unit_test(reduce__matches_central_differences_when_sides_are_odd),
        cmocka_unit_test(pools__match_central_differences_when_padding_takes_part),
        cmocka_unit_test(linear__matches_central_differences),
        cmocka_unit_test(norm__matches_central_differences_when_affine_and_not),
    };
    return snas_test_run(tests);
}

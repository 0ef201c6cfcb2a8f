/* The concrete distribution against its definition and against method.md's check values. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/rng.h"
#include "methods/concrete.h"

#define OPS 8

static void close_to(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance))
        fail_msg("%.17g, expected %.17g +- %g", value, expected, tolerance);
}

static void draw(struct snas_rng *rng, double *gumbel)
{
    for (int k = 0; k < OPS; k++)
        gumbel[k] = snas_rng_gumbel(rng);
}

static void concrete__argmax_follows_softmax_when_sampled_often(void **state)
{
    (void)state;
    enum { DRAWS = 40000 };
    const double alpha[OPS] = {0.3, -1, 2, 0, 0.5, 1.1, -0.4, 0.9};
    struct snas_rng rng = snas_rng_make(1, SNAS_STREAM_TEST, 0);
    double p[OPS], hits[OPS] = {0};
    snas_softmax(alpha, OPS, p);
    for (int i = 0; i < DRAWS; i++) {
        double gumbel[OPS], z[OPS], sum = 0;
        int best = 0;
        draw(&rng, gumbel);
        snas_concrete_sample(alpha, gumbel, OPS, 0.5, z);
        for (int k = 0; k < OPS; k++) {
            sum += z[k];
            best = z[k] > z[best] ? k : best;
        }
        close_to(sum, 1, 1e-12);
        hits[best]++;
    }
    for (int k = 0; k < OPS; k++)
        close_to(hits[k] / DRAWS, p[k], 4 * sqrt(p[k] * (1 - p[k]) / DRAWS));
}

static void concrete__sample_stays_finite_when_temperature_is_low(void **state)
{
    (void)state;
    const double alpha[OPS] = {40, -40, 0, 1, 2, 3, 4, 5}, gumbel[OPS] = {0};
    double z[OPS], dz[OPS] = {1, 2, 3, 4, 5, 6, 7, 8}, dalpha[OPS] = {0};
    snas_concrete_sample(alpha, gumbel, OPS, 0.03, z);
    close_to(z[0], 1, 1e-15);
    snas_concrete_backward(z, dz, OPS, 0.03, dalpha);
    for (int k = 0; k < OPS; k++)
        assert_true(isfinite(z[k]) && isfinite(dalpha[k]));
}

static double loss(const double *alpha, const double *gumbel, double temperature, const double *dz)
{
    double z[OPS], sum = 0;
    snas_concrete_sample(alpha, gumbel, OPS, temperature, z);
    for (int k = 0; k < OPS; k++)
        sum += dz[k] * z[k];
    return sum;
}

static void concrete__jacobian_equals_central_differences_when_temperature_varies(void **state)
{
    (void)state;
    const double temperatures[] = {1, 0.5, 0.1, 0.03};
    struct snas_rng rng = snas_rng_make(2, SNAS_STREAM_TEST, 0);
    for (int t = 0; t < 4; t++) {
        double T = temperatures[t], alpha[OPS], gumbel[OPS], dz[OPS], z[OPS], dalpha[OPS] = {0};
        draw(&rng, gumbel);
        for (int k = 0; k < OPS; k++) {
            /* noise nearly cancelled, so that z is not one-hot at the low temperatures */
            alpha[k] = -gumbel[k] + T * snas_rng_normal(&rng);
            dz[k] = snas_rng_normal(&rng);
        }
        snas_concrete_sample(alpha, gumbel, OPS, T, z);
        double dot = snas_concrete_backward(z, dz, OPS, T, dalpha);
        close_to(dot, loss(alpha, gumbel, T, dz), 1e-12);
        for (int k = 0; k < OPS; k++) {
            double h = 1e-5 * T, at = alpha[k];
            alpha[k] = at + h;
            double up = loss(alpha, gumbel, T, dz);
            alpha[k] = at - h;
            double down = loss(alpha, gumbel, T, dz);
            alpha[k] = at;
            close_to(dalpha[k], (up - down) / (2 * h), 1e-8 / T);
        }
    }
}

/* d E[Z_0] / d alpha_0 at uniform alpha, 8 ops. */
static void concrete__hard_expectation_has_the_papers_gradient_when_uniform(void **state)
{
    (void)state;
    const double alpha[OPS] = {1, 1, 1, 1, 1, 1, 1, 1}, dz[OPS] = {1};
    double p[OPS], dalpha[OPS] = {0};
    snas_softmax(alpha, OPS, p);
    snas_concrete_backward(p, dz, OPS, 1, dalpha);
    close_to(dalpha[0], 0.109375, 1e-15);
}

static void relaxed_gradient(double temperature, double expected)
{
    enum { DRAWS = 200000 };
    const double alpha[OPS] = {1, 1, 1, 1, 1, 1, 1, 1}, dz[OPS] = {1};
    struct snas_rng rng = snas_rng_make(3, SNAS_STREAM_TEST, (uint64_t)(100 * temperature));
    double sum = 0, sum2 = 0;
    for (int i = 0; i < DRAWS; i++) {
        double gumbel[OPS], z[OPS], dalpha[OPS] = {0};
        draw(&rng, gumbel);
        snas_concrete_sample(alpha, gumbel, OPS, temperature, z);
        snas_concrete_backward(z, dz, OPS, temperature, dalpha);
        sum += dalpha[0];
        sum2 += dalpha[0] * dalpha[0];
    }
    double mean = sum / DRAWS, sd = sqrt(sum2 / DRAWS - mean * mean);
    /* the value is known to three digits */
    close_to(mean, expected, 3 * sd / sqrt(DRAWS) + 0.0005);
}

static void concrete__relaxed_expectation_has_the_papers_gradient_when_uniform(void **state)
{
    (void)state;
    relaxed_gradient(0.5, 0.101);
    relaxed_gradient(1, 0.081);
}

/* The score is written in the noise, the density in alpha, T and ln z. */
static void concrete__score_equals_central_differences_of_the_log_density(void **state)
{
    (void)state;
    const double temperatures[] = {1, 0.5, 0.03};
    struct snas_rng rng = snas_rng_make(4, SNAS_STREAM_TEST, 0);
    for (int t = 0; t < 3; t++) {
        double T = temperatures[t], alpha[OPS], gumbel[OPS], log_z[OPS], score[OPS], sum = 0;
        draw(&rng, gumbel);
        for (int k = 0; k < OPS; k++) {
            alpha[k] = snas_rng_normal(&rng);
            log_z[k] = (alpha[k] + gumbel[k]) / T;
        }
        double top = log_z[0];
        for (int k = 1; k < OPS; k++)
            top = fmax(top, log_z[k]);
        for (int k = 0; k < OPS; k++)
            sum += exp(log_z[k] - top);
        for (int k = 0; k < OPS; k++)
            log_z[k] -= top + log(sum);
        snas_concrete_score(gumbel, OPS, score);
        for (int k = 0; k < OPS; k++) {
            double h = 1e-5, at = alpha[k];
            alpha[k] = at + h;
            double up = snas_concrete_log_density(alpha, log_z, OPS, T);
            alpha[k] = at - h;
            double down = snas_concrete_log_density(alpha, log_z, OPS, T);
            alpha[k] = at;
            close_to(score[k], (up - down) / (2 * h), 1e-8);
        }
    }
}

/* ln 7! + 7 ln T + sum alpha - (T+1) sum ln z - 8 ln sum e^alpha z^-T at uniform z, alpha 0. */
static void concrete__log_density_is_the_formulas_when_uniform(void **state)
{
    (void)state;
    double alpha[OPS] = {0}, log_z[OPS], T = 0.5;
    for (int k = 0; k < OPS; k++)
        log_z[k] = -log(8);
    close_to(snas_concrete_log_density(alpha, log_z, OPS, T),
             log(5040) + 7 * log(T) + (T + 1) * 8 * log(8) - 8 * (log(8) + T * log(8)), 1e-10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(concrete__argmax_follows_softmax_when_sampled_often),
        cmocka_unit_test(concrete__sample_stays_finite_when_temperature_is_low),
        cmocka_unit_test(concrete__jacobian_equals_central_differences_when_temperature_varies),
        cmocka_unit_test(concrete__hard_expectation_has_the_papers_gradient_when_uniform),
        cmocka_unit_test(concrete__score_equals_central_differences_of_the_log_density),
        cmocka_unit_test(concrete__log_density_is_the_formulas_when_uniform),
        cmocka_unit_test(concrete__relaxed_expectation_has_the_papers_gradient_when_uniform),
    };
    return cmocka_run_group_tests_name("methods.concrete", tests, NULL, NULL);
}

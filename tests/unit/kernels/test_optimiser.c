/* Optimisers against PyTorch 1.13 (torch.optim.SGD, Adam, clip_grad_norm_) in float64: three steps
 * on three values. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "kernels/optimiser.h"

static const double start[3] = {1.0, -2.0, 0.5};
static const double gradients[3][3] = {{3.0, -4.0, 0.25}, {0.5, 2.0, -1.0}, {-1.5, 0.75, 2.0}};

static void close_to(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance))
        fail_msg("%.17g, expected %.17g", value, expected);
}

static void run_sgd_f32(double clip, double w_out[3])
{
    float w[3], v[3] = {0};
    for (int i = 0; i < 3; i++)
        w[i] = (float)start[i];
    for (int t = 0; t < 3; t++) {
        float g[3];
        for (int i = 0; i < 3; i++)
            g[i] = (float)gradients[t][i];
        double factor = snas_k_clip_factor(sqrt(snas_k_sum_squares_f32(3, g)), clip);
        snas_k_sgd_f32(3, w, v, g, (float)factor, 0.1f, 0.9f, 0.01f);
    }
    for (int i = 0; i < 3; i++)
        w_out[i] = w[i];
}

static void optimiser__sgd_equals_pytorch_when_momentum_and_decay_are_on(void **state)
{
    (void)state;
    const double expected[3] = {0.23758449899999989, -1.3611091980000001, 0.41944237449999994};
    double w[3];
    run_sgd_f32(0, w);
    for (int i = 0; i < 3; i++)
        close_to(w[i], expected[i], 1e-6);
}

static void optimiser__sgd_equals_pytorch_when_gradients_are_clipped(void **state)
{
    (void)state;
    const double expected[3] = {0.70211590604965701, -1.9453237811224862, 0.48267524927729194};
    double w[3];
    run_sgd_f32(2, w);
    for (int i = 0; i < 3; i++)
        close_to(w[i], expected[i], 1e-6);
}

static void optimiser__plain_sgd_equals_pytorch_when_decay_is_on(void **state)
{
    (void)state;
    const double expected[3] = {0.79765269899999991, -1.8696055980000001, 0.37345147449999994};
    double w[3] = {start[0], start[1], start[2]};
    for (int t = 0; t < 3; t++)
        snas_k_sgd_f64(3, w, gradients[t], 1, 0.1, 0.01);
    for (int i = 0; i < 3; i++)
        close_to(w[i], expected[i], 1e-14);
}

static void optimiser__adam_equals_pytorch_when_decay_is_on(void **state)
{
    (void)state;
    const double expected[3] = {0.95575294111055709, -1.9748707855475012, 0.47337226589813675};
    const struct snas_k_adam adam = {0.03, 0.5, 0.999, 1e-8, 0.001};
    double w[3] = {start[0], start[1], start[2]}, m[3] = {0}, v[3] = {0};
    for (int t = 0; t < 3; t++)
        snas_k_adam_f64(3, w, m, v, gradients[t], 1, &adam, t + 1);
    for (int i = 0; i < 3; i++)
        close_to(w[i], expected[i], 1e-14);
}

static void optimiser__sums_cover_every_value_when_length_is_not_a_multiple(void **state)
{
    (void)state;
    float x[67];
    double y[67];
    for (size_t n = 0; n <= 67; n++) {
        double expected = 0;
        for (size_t i = 0; i < n; i++) {
            x[i] = (float)(i + 1);
            y[i] = (double)(i + 1);
            expected += (double)((i + 1) * (i + 1));
        }
        close_to(snas_k_sum_squares_f32(n, x), expected, 0);
        close_to(snas_k_sum_squares_f64(n, y), expected, 0);
    }
}

static void optimiser__clip_factor_is_one_when_norm_is_below_or_clip_is_off(void **state)
{
    (void)state;
    close_to(snas_k_clip_factor(4.9, 5), 1, 0);
    close_to(snas_k_clip_factor(1e9, 0), 1, 0);
    close_to(snas_k_clip_factor(10, 5), 5 / (10 + 1e-6), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(optimiser__sgd_equals_pytorch_when_momentum_and_decay_are_on),
        cmocka_unit_test(optimiser__sgd_equals_pytorch_when_gradients_are_clipped),
        cmocka_unit_test(optimiser__plain_sgd_equals_pytorch_when_decay_is_on),
        cmocka_unit_test(optimiser__adam_equals_pytorch_when_decay_is_on),
        cmocka_unit_test(optimiser__sums_cover_every_value_when_length_is_not_a_multiple),
        cmocka_unit_test(optimiser__clip_factor_is_one_when_norm_is_below_or_clip_is_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

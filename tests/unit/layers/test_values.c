/* What layers answer at the borders, in numbers worked out by hand, and in float as in double. */
#include "../support.h"

#include <math.h>

#include "layers/layers.h"

static void max_pool__lets_no_padding_win_when_all_values_are_negative(void **state)
{
    (void)state;
    const struct snas_geometry g = {2, 3, 1, 2, 3, 1, 3, 3, 1, 1};
    const snas_real x[] = {-5, -3, -9, -4, -8, -7};
    const snas_real expected[] = {-3, -3, -3, -3, -3, -3};
    snas_real y[6];
    SNAS_R(snas_max_pool_forward)(&g, x, NULL, y);
    assert_memory_equal(y, expected, sizeof y);
}

static void max_pool__gives_the_gradient_to_the_first_when_values_are_equal(void **state)
{
    (void)state;
    const struct snas_geometry g = {2, 2, 1, 1, 1, 1, 3, 3, 2, 1};
    const snas_real x[] = {1, 1, 1, 1}, dy[] = {2};
    const snas_real expected[] = {2, 0, 0, 0};
    snas_real dx[4];
    SNAS_R(snas_max_pool_backward)(&g, x, NULL, dy, dx, NULL);
    assert_memory_equal(dx, expected, sizeof dx);
}

static void avg_pool__counts_no_padding_when_at_the_border(void **state)
{
    (void)state;
    const struct snas_geometry g = {2, 3, 1, 2, 3, 1, 3, 3, 1, 1};
    const snas_real x[] = {4, 8, 3, 12, 0, 9};
    const snas_real expected[] = {6, 6, 5, 6, 6, 5};
    snas_real y[6];
    SNAS_R(snas_avg_pool_forward)(&g, x, NULL, y);
    assert_memory_equal(y, expected, sizeof y);
}

static void reduce__pads_the_shifted_half_with_zero_when_the_side_is_odd(void **state)
{
    (void)state;
    const struct snas_geometry g = {3, 3, 1, 2, 2, 2, 1, 1, 2, 1};
    const snas_real x[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    const snas_real first[] = {10}, second[] = {100};
    const snas_real *const w[2] = {first, second};
    /* (0,0) and (1,1); (0,2) and nothing; (2,0) and nothing; (2,2) and nothing */
    const snas_real expected[] = {10, 500, 30, 0, 70, 0, 90, 0};
    snas_real y[8];
    SNAS_R(snas_reduce_forward)(&g, x, w, y);
    assert_memory_equal(y, expected, sizeof y);
}

static void depthwise__takes_every_second_pixel_when_dilated(void **state)
{
    (void)state;
    const struct snas_geometry g = {1, 5, 1, 1, 3, 1, 1, 3, 2, 2};
    const snas_real x[] = {1, 2, 3, 4, 5}, taps[] = {100, 10, 1};
    const snas_real *const w[2] = {taps, NULL};
    const snas_real expected[] = {13, 135, 350};
    snas_real y[3];
    SNAS_R(snas_depthwise_forward)(&g, x, w, y);
    assert_memory_equal(y, expected, sizeof y);
}

static void conv__reads_weights_as_rows_columns_in_out(void **state)
{
    (void)state;
    const struct snas_geometry g = {1, 2, 2, 1, 2, 1, 1, 3, 1, 1};
    const snas_real x[] = {1, 2, 3, 4}, taps[] = {1, 10, 100, 1000, 10000, 100000};
    const snas_real *const w[2] = {taps, NULL};
    const snas_real expected[] = {100 + 2000 + 30000 + 400000, 1 + 20 + 300 + 4000};
    snas_real y[2];
    SNAS_R(snas_conv_forward)(&g, x, w, y);
    assert_memory_equal(y, expected, sizeof y);
}

static void relu_and_max_pool__pass_nan_on(void **state)
{
    (void)state;
    const struct snas_geometry g = {1, 3, 1, 1, 3, 1, 3, 3, 1, 1};
    const snas_real x[] = {(snas_real)NAN, 1, 2};
    snas_real y[3];
    SNAS_R(snas_relu_forward)(&g, x, NULL, y);
    assert_true(isnan(y[0]) && y[1] == 1);
    SNAS_R(snas_max_pool_forward)(&g, x, NULL, y);
    assert_true(isnan(y[0]) && isnan(y[1]) && y[2] == 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(max_pool__lets_no_padding_win_when_all_values_are_negative),
        cmocka_unit_test(max_pool__gives_the_gradient_to_the_first_when_values_are_equal),
        cmocka_unit_test(avg_pool__counts_no_padding_when_at_the_border),
        cmocka_unit_test(reduce__pads_the_shifted_half_with_zero_when_the_side_is_odd),
        cmocka_unit_test(depthwise__takes_every_second_pixel_when_dilated),
        cmocka_unit_test(conv__reads_weights_as_rows_columns_in_out),
        cmocka_unit_test(relu_and_max_pool__pass_nan_on),
    };
    return snas_test_run(tests);
}

#include <math.h>

#include "known.h"

/* The real CIFAR-10 of ../shared (recoded through JPEG, so a little softer than the original). */

static const char *directory;

static void cifar10__has_its_known_shape_when_opened(void **state)
{
    (void)state;
    static const struct known known = {"cifar10", "airplane", "truck", 32, 3};
    check_known(directory, SNAS_SPLIT_TRAIN, &known, 50000);
    check_known(directory, SNAS_SPLIT_TEST, &known, 10000);
}

static void cifar10__has_its_known_statistics_when_computed(void **state)
{
    (void)state;
    static const double known_mean[] = {0.4914, 0.4822, 0.4465},
                        known_sd[] = {0.2470, 0.2435, 0.2616};
    struct snas_dataset ds;
    struct snas_err err = {0};
    assert_ok(snas_dataset_open(directory, SNAS_DATA_CIFAR10, SNAS_SPLIT_TRAIN, &ds, &err), &err);
    uint32_t *all = malloc((size_t)ds.n * sizeof *all);
    assert_non_null(all);
    for (int i = 0; i < ds.n; i++)
        all[i] = (uint32_t)i;
    double mean[3], sd[3];
    snas_dataset_statistics(&ds, all, ds.n, mean, sd);
    for (int c = 0; c < 3; c++) /* those of the original; JPEG takes some of the detail */
        assert_true(fabs(mean[c] - known_mean[c]) < 0.002 && fabs(sd[c] - known_sd[c]) < 0.005);
    free(all);
    snas_dataset_clear(&ds);
}

int main(void)
{
    if (snas_test_shared("data") == NULL)
        return SNAS_TEST_SKIP;
    directory = getenv("SNAS_TEST_CIFAR10");
    if (directory == NULL)
        directory = "cifar10";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cifar10__has_its_known_shape_when_opened),
        cmocka_unit_test(cifar10__has_its_known_statistics_when_computed),
    };
    return snas_test_run(tests);
}

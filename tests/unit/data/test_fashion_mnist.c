#include <math.h>

#include "known.h"
#include "data/loader.h"

/* The real thing: Debian's package dataset-fashion-mnist, which must be installed. */

#define DIRECTORY "/usr/share/datasets/fashion-mnist"

static void fashion_mnist__has_its_known_shape_when_opened(void **state)
{
    (void)state;
    static const struct known known = {"fashion-mnist", "T-shirt/top", "Ankle boot", 28, 1};
    check_known(DIRECTORY, SNAS_SPLIT_TRAIN, &known, 60000);
    check_known(DIRECTORY, SNAS_SPLIT_TEST, &known, 10000);
}

static void fashion_mnist__has_its_known_statistics_when_computed(void **state)
{
    (void)state;
    struct snas_dataset ds;
    struct snas_err err = {0};
    assert_int_equal(snas_dataset_open(DIRECTORY, SNAS_DATA_IDX, SNAS_SPLIT_TRAIN, &ds, &err),
                     SNAS_OK);
    assert_int_equal(ds.labels[0], 9); /* the first image is the ankle boot of every tutorial */
    uint32_t *all = malloc((size_t)ds.n * sizeof *all);
    assert_non_null(all);
    for (int i = 0; i < ds.n; i++)
        all[i] = (uint32_t)i;
    double mean, sd;
    snas_dataset_statistics(&ds, all, ds.n, &mean, &sd);
    assert_true(fabs(mean - 0.2860) < 5e-5 && fabs(sd - 0.3530) < 5e-5); /* as published */

    struct snas_loader *l;
    struct snas_loader_options o = {
        .batch = 64, .shuffle = 1, .crop_padding = 4, .flip = 1, .mean = {mean}, .sd = {sd}};
    assert_int_equal(snas_loader_create(&ds, all, ds.n, &o, &l, &err), SNAS_OK);
    double sum = 0, square = 0;
    for (int k = 0; k < 100; k++) {
        struct snas_loaded b;
        snas_loader_next(l, &b);
        for (int i = 0; i < 64 * 28 * 28; i++) {
            sum += b.images[i];
            square += (double)b.images[i] * b.images[i];
        }
    }
    double n = 100.0 * 64 * 28 * 28; /* crops lose a little of the picture, so roughly 0 and 1 */
    assert_true(fabs(sum / n) < 0.1 && fabs(square / n - 1) < 0.1);
    snas_loader_destroy(l);
    free(all);
    snas_dataset_clear(&ds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fashion_mnist__has_its_known_shape_when_opened),
        cmocka_unit_test(fashion_mnist__has_its_known_statistics_when_computed),
    };
    return snas_test_run(tests);
}

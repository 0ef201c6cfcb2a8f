#ifndef SNAS_TESTS_DATA_KNOWN_H
#define SNAS_TESTS_DATA_KNOWN_H

#include "support.h"

#include "data/dataset.h"

/* What is known of a published data set of ten classes. */
struct known {
    const char *name, *first, *last; /* of the set, of classes 0 and 9 */
    int side, channels;
};

/* n square images, as many of each class. */
static inline void check_known(const char *directory, enum snas_split split,
                               const struct known *known, int n)
{
    struct snas_dataset ds;
    struct snas_err err = {0};
    assert_ok(snas_dataset_open(directory, SNAS_DATA_AUTO, split, &ds, &err), &err);
    assert_int_equal(ds.n, n);
    assert_int_equal(ds.height, known->side);
    assert_int_equal(ds.width, known->side);
    assert_int_equal(ds.channels, known->channels);
    assert_int_equal(ds.classes, 10);
    assert_string_equal(ds.name, known->name);
    assert_string_equal(ds.names[0], known->first);
    assert_string_equal(ds.names[9], known->last);
    int count[10] = {0};
    for (int i = 0; i < n; i++)
        count[ds.labels[i]]++;
    for (int c = 0; c < 10; c++)
        assert_int_equal(count[c], n / 10);
    snas_dataset_clear(&ds);
}

#endif

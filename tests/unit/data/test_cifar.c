#include "files.h"

#include "base/mem.h"
#include "data/dataset.h"

/* search/data/cifar.c through its front. */

static unsigned char bytes[20 * 3074];

static void refused(enum snas_split split, enum snas_status code, const char *text)
{
    struct snas_dataset ds;
    struct snas_err err = {0};
    assert_int_equal(snas_dataset_open(dir, SNAS_DATA_AUTO, split, &ds, &err), code);
    assert_contains(err.text, text);
    assert_null(ds.pixels);
    assert_null(ds.labels);
    assert_null(ds.names);
}

/* Images first..first+n-1 of make_cifar. */
static void check_set(const char *path, enum snas_data_format format, enum snas_split split,
                      int first, int n, int classes)
{
    struct snas_dataset ds;
    struct snas_err err = {0};
    assert_ok(snas_dataset_open(path, format, split, &ds, &err), &err);
    assert_int_equal(ds.n, n);
    assert_int_equal(ds.height, 32);
    assert_int_equal(ds.width, 32);
    assert_int_equal(ds.channels, 3);
    assert_int_equal(ds.classes, classes);
    for (int i = 0; i < n; i++) {
        assert_int_equal(ds.labels[i], (first + i) % classes);
        for (size_t c = 0; c < 3; c++)
            for (size_t at = 0; at < 1024; at++)
                assert_int_equal(ds.pixels[(size_t)i * 3072 + at * 3 + c],
                                 pixel((size_t)(first + i), c * 1024 + at));
    }
    assert_non_null(ds.names);
    snas_dataset_clear(&ds);
}

static void cifar__gives_the_five_files_in_order_when_training(void **state)
{
    (void)state;
    put_cifar10_set();
    check_set(dir, SNAS_DATA_AUTO, SNAS_SPLIT_TRAIN, 0, 15, 10);
    check_set(dir, SNAS_DATA_CIFAR10, SNAS_SPLIT_TEST, 8, 2, 10);
}

static void cifar__gives_fine_labels_when_there_are_a_hundred(void **state)
{
    (void)state;
    put("train.bin", bytes, make_cifar(bytes, 15, 90, 100));
    put("test.bin", bytes, make_cifar(bytes, 3, 97, 100));
    check_set(dir, SNAS_DATA_AUTO, SNAS_SPLIT_TRAIN, 90, 15, 100);
    check_set(dir, SNAS_DATA_CIFAR100, SNAS_SPLIT_TEST, 97, 3, 100);
}

static void cifar__is_found_when_the_download_made_a_directory(void **state)
{
    (void)state;
    put_cifar10_set();
    assert_int_equal(mkdir(inside("top"), 0700), 0);
    static const char *const files[] = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                                        "data_batch_4.bin", "data_batch_5.bin"};
    assert_int_equal(mkdir(inside("top/cifar-10-batches-bin"), 0700), 0);
    for (int i = 0; i < 5; i++) {
        char to[64];
        snprintf(to, sizeof to, "top/cifar-10-batches-bin/%s", files[i]);
        assert_int_equal(rename(inside(files[i]), inside(to)), 0);
    }
    check_set(inside("top"), SNAS_DATA_AUTO, SNAS_SPLIT_TRAIN, 0, 15, 10);
    put("data_batch_1", "", 0);
    refused(SNAS_SPLIT_TRAIN, SNAS_E_IO, "(what is here is CIFAR's Python version)");
}

static void cifar__names_its_classes_when_a_file_does_or_not(void **state)
{
    (void)state;
    struct snas_dataset ds;
    struct snas_err err = {0};
    put_cifar10_set();
    assert_int_equal(snas_dataset_open(dir, SNAS_DATA_AUTO, SNAS_SPLIT_TEST, &ds, &err), SNAS_OK);
    assert_string_equal(ds.names[0], "airplane");
    assert_string_equal(ds.names[9], "truck");
    snas_dataset_clear(&ds);
    put("batches.meta.txt", "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n", 21);
    assert_int_equal(snas_dataset_open(dir, SNAS_DATA_AUTO, SNAS_SPLIT_TEST, &ds, &err), SNAS_OK);
    assert_string_equal(ds.names[0], "a");
    assert_string_equal(ds.names[9], "j");
    snas_dataset_clear(&ds);
    put("batches.meta.txt", "a\nb\n", 4);
    refused(SNAS_SPLIT_TEST, SNAS_E_FORMAT, "/batches.meta.txt': 2 class names for 10 classes");
    empty_dir();
    put("train.bin", bytes, make_cifar(bytes, 1, 0, 100));
    assert_int_equal(snas_dataset_open(dir, SNAS_DATA_AUTO, SNAS_SPLIT_TRAIN, &ds, &err), SNAS_OK);
    assert_string_equal(ds.names[0], "apple");
    assert_string_equal(ds.names[99], "worm");
    for (int i = 1; i < 100; i++) /* the official order is the alphabet's */
        assert_true(strcmp(ds.names[i - 1], ds.names[i]) < 0);
    snas_dataset_clear(&ds);
}

static void cifar__names_the_offset_when_a_file_is_cut(void **state)
{
    (void)state;
    static const int cuts[] = {0, 1, 3072, 3074, 2 * 3073 + 1, 3 * 3073 - 1};
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        char text[128];
        put_cifar10_set();
        make_cifar(bytes, 3, 3, 10);
        put("data_batch_2.bin", bytes, (size_t)cuts[i]);
        snprintf(text, sizeof text, "/data_batch_2.bin': byte %d: the file ends inside a record",
                 cuts[i]);
        refused(SNAS_SPLIT_TRAIN, SNAS_E_FORMAT, text);
    }
    put("data_batch_2.bin", bytes, 2 * 3073); /* at a record's end: the other files tell */
    refused(SNAS_SPLIT_TRAIN, SNAS_E_FORMAT,
            "/data_batch_2.bin': byte 6146: the file ends after 2 records, 'data_batch_1.bin' has "
            "3");
    put("test_batch.bin", bytes, 3073 + 7);
    refused(SNAS_SPLIT_TEST, SNAS_E_FORMAT, "/test_batch.bin': byte 3080: the file ends inside");
}

static void cifar__names_the_offset_when_a_label_is_out_of_range(void **state)
{
    (void)state;
    put_cifar10_set();
    size_t size = make_cifar(bytes, 3, 6, 10);
    bytes[2 * 3073] = 10;
    put("data_batch_3.bin", bytes, size);
    refused(SNAS_SPLIT_TRAIN, SNAS_E_FORMAT,
            "/data_batch_3.bin': byte 6146: label 10 is not in 0..9");
    empty_dir();
    size = make_cifar(bytes, 3, 0, 100);
    bytes[3074 + 1] = 100;
    put("train.bin", bytes, size);
    refused(SNAS_SPLIT_TRAIN, SNAS_E_FORMAT, "/train.bin': byte 3075: label 100 is not in 0..99");
    bytes[3074 + 1] = 99;
    bytes[3074] = 20;
    put("train.bin", bytes, size);
    refused(SNAS_SPLIT_TRAIN, SNAS_E_FORMAT, "/train.bin': byte 3074: label 20 is not in 0..19");
}

static void cifar__names_the_file_when_one_is_missing(void **state)
{
    (void)state;
    put_cifar10_set();
    assert_int_equal(unlink(inside("test_batch.bin")), 0);
    refused(SNAS_SPLIT_TEST, SNAS_E_IO, "/test_batch.bin': No such file or directory");
    assert_int_equal(unlink(inside("data_batch_4.bin")), 0);
    refused(SNAS_SPLIT_TRAIN, SNAS_E_IO, "/data_batch_4.bin': No such file or directory");
    assert_int_equal(mkdir(inside("data_batch_4.bin"), 0700), 0);
    refused(SNAS_SPLIT_TRAIN, SNAS_E_IO, "/data_batch_4.bin'");
}

static void cifar__frees_all_when_an_allocation_fails(void **state)
{
    (void)state;
    put_cifar10_set();
    put("batches.meta.txt", "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n", 21);
    struct snas_dataset ds;
    struct snas_err err = {0};
    snas_mem_fail_at(0);
    assert_int_equal(snas_dataset_open(dir, SNAS_DATA_AUTO, SNAS_SPLIT_TRAIN, &ds, &err), SNAS_OK);
    snas_dataset_clear(&ds);
    long n = snas_mem_fail_at(0);
    assert_true(n > 20);
    for (long i = 1; i <= n; i++) {
        memset(&err, 0, sizeof err);
        snas_mem_fail_at(i);
        enum snas_status st = snas_dataset_open(dir, SNAS_DATA_AUTO, SNAS_SPLIT_TRAIN, &ds, &err);
        snas_mem_fail_at(0);
        assert_int_equal(st, SNAS_E_NOMEM);
        assert_int_equal(err.code, SNAS_E_NOMEM);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(cifar__gives_the_five_files_in_order_when_training),
        TEST(cifar__gives_fine_labels_when_there_are_a_hundred),
        TEST(cifar__is_found_when_the_download_made_a_directory),
        TEST(cifar__names_its_classes_when_a_file_does_or_not),
        TEST(cifar__names_the_offset_when_a_file_is_cut),
        TEST(cifar__names_the_offset_when_a_label_is_out_of_range),
        TEST(cifar__names_the_file_when_one_is_missing),
        TEST(cifar__frees_all_when_an_allocation_fails),
    };
    return snas_test_run(tests);
}

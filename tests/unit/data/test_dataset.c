#include "files.h"

#include <math.h>

#include "data/dataset.h"

/* search/data/dataset.c: finding a set, naming it, dealing it, its statistics. */

static void refused(const char *path, enum snas_data_format format, enum snas_status code,
                    const char *text)
{
    struct snas_dataset ds;
    struct snas_err err = {0};
    assert_int_equal(snas_dataset_open(path, format, SNAS_SPLIT_TRAIN, &ds, &err), code);
    assert_int_equal(err.code, code);
    assert_contains(err.text, text);
    assert_null(ds.pixels);
}

static void dataset__says_why_when_there_is_no_directory(void **state)
{
    (void)state;
    refused(inside("none"), SNAS_DATA_AUTO, SNAS_E_IO, "/none': No such file or directory");
    refused("none", SNAS_DATA_AUTO, SNAS_E_IO, "'none': No such file or directory");
    refused("", SNAS_DATA_AUTO, SNAS_E_IO, "'': No such file or directory");
    put("file", "x", 1);
    refused(inside("file"), SNAS_DATA_AUTO, SNAS_E_IO, "/file': Not a directory");
    refused(inside("file"), SNAS_DATA_CIFAR10, SNAS_E_IO, "/file': Not a directory");
    refused(inside("file/x"), SNAS_DATA_AUTO, SNAS_E_IO, "/file/x': Not a directory");
    char longest[3000];
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    refused(longest, SNAS_DATA_AUTO, SNAS_E_IO, "File name too long");
}

static void dataset__lists_what_it_looked_for_when_nothing_is_there(void **state)
{
    (void)state;
    refused(dir, SNAS_DATA_AUTO, SNAS_E_IO, "looked for train-images-idx3-ubyte (");
    refused(dir, SNAS_DATA_AUTO, SNAS_E_IO,
            ", data_batch_1.bin (CIFAR-10, binary version), "
            "train.bin (CIFAR-100, binary version)");
    refused(dir, SNAS_DATA_CIFAR10, SNAS_E_IO, "looked for data_batch_1.bin (");
    put_idx_set(0); /* there, but not what was asked for */
    refused(dir, SNAS_DATA_CIFAR100, SNAS_E_IO, "looked for train.bin (");
}

static void dataset__wants_the_format_when_two_are_there(void **state)
{
    (void)state;
    put_idx_set(0);
    put_cifar10_set();
    refused(dir, SNAS_DATA_AUTO, SNAS_E_ARG, "holds both IDX and CIFAR-10: say which format");
    struct snas_dataset ds;
    assert_int_equal(snas_dataset_open(dir, SNAS_DATA_IDX, SNAS_SPLIT_TRAIN, &ds, NULL), SNAS_OK);
    assert_int_equal(ds.n, 12);
    snas_dataset_clear(&ds);
    assert_int_equal(snas_dataset_open(dir, SNAS_DATA_CIFAR10, SNAS_SPLIT_TRAIN, &ds, NULL),
                     SNAS_OK);
    assert_int_equal(ds.n, 15);
    snas_dataset_clear(&ds);
}

static void check_name(const char *path, const char *name, const char *first_class)
{
    struct snas_dataset ds;
    struct snas_err err = {0};
    assert_ok(snas_dataset_open(path, SNAS_DATA_AUTO, SNAS_SPLIT_TRAIN, &ds, &err), &err);
    assert_string_equal(ds.name, name);
    if (first_class == NULL)
        assert_null(ds.names);
    else
        assert_string_equal(ds.names[0], first_class);
    snas_dataset_clear(&ds);
}

static void put_ten_classes(const char *below)
{
    unsigned char bytes[1024];
    char name[128];
    snprintf(name, sizeof name, "%s/train-images-idx3-ubyte", below);
    put(name, bytes, make_images(bytes, 20, 2, 2, 0));
    snprintf(name, sizeof name, "%s/train-labels-idx1-ubyte", below);
    put(name, bytes, make_labels(bytes, 20, 0, 10));
}

static void dataset__is_named_by_its_directory_when_opened(void **state)
{
    (void)state;
    assert_int_equal(mkdir(inside("FashionMNIST"), 0700), 0);
    assert_int_equal(mkdir(inside("FashionMNIST/raw"), 0700), 0);
    put_ten_classes("FashionMNIST/raw"); /* torchvision's way */
    check_name(inside("FashionMNIST"), "FashionMNIST", "T-shirt/top");
    check_name(inside("FashionMNIST/raw"), "FashionMNIST", "T-shirt/top");
    check_name(inside("FashionMNIST/raw//"), "FashionMNIST", "T-shirt/top");
    check_name(inside("FashionMNIST/raw/../raw/."), "FashionMNIST", "T-shirt/top");
    assert_int_equal(mkdir(inside("mine \x1b[31m"), 0700), 0);
    put_ten_classes("mine \x1b[31m"); /* nothing that a terminal would obey */
    check_name(inside("mine \x1b[31m"), "mine__[31m", NULL);
    const char *far =
        "a-name-that-is-longer-than-a-name-can-be-and-is-cut-at-63-bytes-without-fail";
    assert_int_equal(mkdir(inside(far), 0700), 0);
    put_ten_classes(far);
    check_name(inside(far), "a-name-that-is-longer-than-a-name-can-be-and-is-cut-at-63-bytes",
               NULL);
}

static void dataset_split__is_a_partition_when_dealt(void **state)
{
    (void)state;
    static const int sizes[][2] = {{1, 0},   {1, 1},     {2, 1},    {10, 3},
                                   {100, 0}, {100, 100}, {999, 400}};
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
        int n = sizes[k][0], held_out = sizes[k][1];
        uint32_t held[1000], rest[1000];
        char seen[1000] = {0};
        held[held_out] = rest[n - held_out] = 12345;
        snas_dataset_split(n, held_out, 1, held, rest);
        assert_int_equal(held[held_out], 12345);
        assert_int_equal(rest[n - held_out], 12345);
        for (int i = 0; i < n; i++) {
            uint32_t image = i < held_out ? held[i] : rest[i - held_out];
            assert_true(image < (uint32_t)n);
            assert_int_equal(seen[image]++, 0);
        }
    }
}

static void dataset_split__depends_on_the_seed_alone_when_dealt_again(void **state)
{
    (void)state;
    uint32_t held[3][50], rest[3][150];
    for (int k = 0; k < 3; k++)
        snas_dataset_split(200, 50, k < 2 ? 1 : 2, held[k], rest[k]);
    assert_memory_equal(held[0], held[1], sizeof held[0]);
    assert_memory_equal(rest[0], rest[1], sizeof rest[0]);
    assert_memory_not_equal(held[0], held[2], sizeof held[0]);
}

static void dataset_split__holds_out_each_image_as_often_when_seeds_vary(void **state)
{
    (void)state;
    enum { N = 20, HELD = 5, DEALS = 8000 };
    int count[N] = {0};
    for (uint64_t seed = 0; seed < DEALS; seed++) {
        uint32_t held[HELD], rest[N - HELD];
        snas_dataset_split(N, HELD, seed, held, rest);
        for (int i = 0; i < HELD; i++)
            count[held[i]]++;
    }
    double sd = sqrt(DEALS * 0.25 * 0.75); /* 38.7 of 2000 */
    for (int i = 0; i < N; i++)
        assert_true(fabs(count[i] - DEALS * 0.25) < 4.5 * sd);
}

static void dataset_statistics__equal_direct_sums_when_computed(void **state)
{
    (void)state;
    enum { N = 7, AREA = 6, C = 3 };
    uint8_t pixels[N * AREA * C];
    for (int i = 0; i < N * AREA * C; i++)
        pixels[i] = (uint8_t)(i % C == 1 ? 77 : i * i * 31 + i);
    struct snas_dataset ds = {
        .n = N, .channels = C, .height = 2, .width = 3, .classes = 2, .pixels = pixels};
    uint32_t some[] = {5, 0, 2, 6};
    double mean[C], sd[C];
    snas_dataset_statistics(&ds, some, 4, mean, sd);
    for (int c = 0; c < C; c++) {
        double sum = 0, square = 0;
        for (int i = 0; i < 4; i++)
            for (int k = 0; k < AREA; k++)
                sum += pixels[(some[i] * AREA + (uint32_t)k) * C + (uint32_t)c] / 255.0;
        for (int i = 0; i < 4; i++)
            for (int k = 0; k < AREA; k++) {
                double v = pixels[(some[i] * AREA + (uint32_t)k) * C + (uint32_t)c] / 255.0;
                square += (v - sum / 24) * (v - sum / 24);
            }
        assert_true(fabs(mean[c] - sum / 24) < 1e-14);
        if (c == 1) /* never changes */
            assert_true(sd[c] == 1);
        else
            assert_true(fabs(sd[c] - sqrt(square / 24)) < 1e-14);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(dataset__says_why_when_there_is_no_directory),
        TEST(dataset__lists_what_it_looked_for_when_nothing_is_there),
        TEST(dataset__wants_the_format_when_two_are_there),
        TEST(dataset__is_named_by_its_directory_when_opened),
        cmocka_unit_test(dataset_split__is_a_partition_when_dealt),
        cmocka_unit_test(dataset_split__depends_on_the_seed_alone_when_dealt_again),
        cmocka_unit_test(dataset_split__holds_out_each_image_as_often_when_seeds_vary),
        cmocka_unit_test(dataset_statistics__equal_direct_sums_when_computed),
    };
    return snas_test_run(tests);
}

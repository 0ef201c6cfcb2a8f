#include "files.h"

#include "base/mem.h"
#include "data/dataset.h"

/* search/data/idx.c through its front. */

static enum snas_status open_split(enum snas_split split, struct snas_dataset *ds,
                                   struct snas_err *err)
{
    memset(err, 0, sizeof *err);
    return snas_dataset_open(dir, SNAS_DATA_AUTO, split, ds, err);
}

/* Opening fails, says `text`, and leaves nothing behind. */
static void refused(enum snas_split split, enum snas_status code, const char *text)
{
    struct snas_dataset ds;
    struct snas_err err;
    assert_int_equal(open_split(split, &ds, &err), code);
    assert_int_equal(err.code, code);
    assert_contains(err.text, text);
    assert_null(ds.pixels);
    assert_null(ds.labels);
    assert_null(ds.names);
}

static void check_set(enum snas_split split, int n, int channels)
{
    struct snas_dataset ds;
    struct snas_err err;
    assert_ok(open_split(split, &ds, &err), &err);
    assert_int_equal(ds.n, n);
    assert_int_equal(ds.height, 5);
    assert_int_equal(ds.width, 4);
    assert_int_equal(ds.channels, channels);
    assert_int_equal(ds.classes, 3);
    assert_string_equal(ds.name, strrchr(dir, '/') + 1);
    size_t image = 20 * (size_t)channels;
    for (int i = 0; i < n; i++) {
        assert_int_equal(ds.labels[i], i % 3);
        for (size_t k = 0; k < image; k++)
            assert_int_equal(ds.pixels[(size_t)i * image + k], pixel((size_t)i, k));
    }
    snas_dataset_clear(&ds);
    assert_null(ds.pixels);
}

static void idx__gives_images_and_labels_when_plain(void **state)
{
    (void)state;
    put_idx_set(0);
    check_set(SNAS_SPLIT_TRAIN, 12, 1);
    check_set(SNAS_SPLIT_TEST, 6, 1);
}

static void idx__gives_the_same_when_packed_dotted_or_prefixed(void **state)
{
    (void)state;
    unsigned char bytes[1024];
    put_gz("train-images-idx3-ubyte.gz", bytes, make_images(bytes, 12, 5, 4, 0));
    put_gz("train-labels.idx1-ubyte.gz", bytes, make_labels(bytes, 12, 0, 3));
    put("t10k-images.idx3-ubyte", bytes, make_images(bytes, 6, 5, 4, 0));
    put("test-labels-idx1-ubyte", bytes, make_labels(bytes, 6, 0, 3));
    check_set(SNAS_SPLIT_TRAIN, 12, 1);
    check_set(SNAS_SPLIT_TEST, 6, 1);
    empty_dir();
    put_gz("emnist-x-train-images-idx3-ubyte.gz", bytes, make_images(bytes, 12, 5, 4, 0));
    put_gz("emnist-x-train-labels-idx1-ubyte.gz", bytes, make_labels(bytes, 12, 0, 3));
    put_gz("emnist-x-test-images-idx3-ubyte.gz", bytes, make_images(bytes, 6, 5, 4, 0));
    put_gz("emnist-x-test-labels-idx1-ubyte.gz", bytes, make_labels(bytes, 6, 0, 3));
    check_set(SNAS_SPLIT_TRAIN, 12, 1);
    check_set(SNAS_SPLIT_TEST, 6, 1);
}

static void idx__gives_colours_when_there_are_four_dimensions(void **state)
{
    (void)state;
    unsigned char bytes[1024];
    put_idx_set(0);
    put("train-images-idx4-ubyte", bytes, make_images(bytes, 12, 5, 4, 3));
    assert_int_equal(unlink(inside("train-images-idx3-ubyte")), 0);
    check_set(SNAS_SPLIT_TRAIN, 12, 3);
}

static void idx__moves_labels_to_zero_when_training_labels_begin_at_one(void **state)
{
    (void)state;
    put_idx_set(1);
    check_set(SNAS_SPLIT_TRAIN, 12, 1);
    check_set(SNAS_SPLIT_TEST, 6, 1);
    unsigned char bytes[64];
    size_t size = make_labels(bytes, 6, 1, 3);
    bytes[8 + 4] = 0;
    put("t10k-labels-idx1-ubyte", bytes, size);
    refused(SNAS_SPLIT_TEST, SNAS_E_FORMAT,
            "/t10k-labels-idx1-ubyte': byte 12: label 0 is not in 1..3");
}

static void idx__prefers_the_plain_file_when_both_are_there(void **state)
{
    (void)state;
    unsigned char bytes[1024];
    for (int i = 0; i < 12; i++) { /* a directory gives its entries in an order of its own */
        static const char *const kinds[] = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte"};
        struct snas_dataset ds;
        struct snas_err err = {0};
        char set[8], name[64], packed[80];
        snprintf(set, sizeof set, "s%d", i);
        for (int k = 0; k < 2; k++) {
            size_t size = k == 0 ? make_images(bytes, 12, 5, 4, 0) : make_labels(bytes, 12, 0, 3);
            snprintf(name, sizeof name, "%s-%s", set, kinds[k]);
            snprintf(packed, sizeof packed, "%s.gz", name);
            if (i % 2 == 0)
                put(packed, "damaged", 7);
            put(name, bytes, size);
            if (i % 2 == 1)
                put(packed, "damaged", 7);
        }
        assert_ok(snas_dataset_open(inside(set), SNAS_DATA_AUTO, SNAS_SPLIT_TRAIN, &ds, &err),
                  &err);
        snas_dataset_clear(&ds);
    }
}

static void idx__chooses_by_prefix_when_several_sets_are_there(void **state)
{
    (void)state;
    unsigned char bytes[1024];
    const char *sets[] = {"b", "a"};
    for (int i = 0; i < 2; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s-train-images-idx3-ubyte", sets[i]);
        put(name, bytes, make_images(bytes, 12, 5, 4, 0));
        snprintf(name, sizeof name, "%s-train-labels-idx1-ubyte", sets[i]);
        put(name, bytes, make_labels(bytes, 12, 0, 2 + i));
    }
    refused(SNAS_SPLIT_TRAIN, SNAS_E_ARG, "several IDX sets");
    char both[256];
    snprintf(both, sizeof both, "'%s/a' or '%s/b'", dir, dir);
    refused(SNAS_SPLIT_TRAIN, SNAS_E_ARG, both);
    for (int i = 0; i < 2; i++) {
        struct snas_dataset ds;
        struct snas_err err = {0};
        assert_int_equal(
            snas_dataset_open(inside(sets[i]), SNAS_DATA_AUTO, SNAS_SPLIT_TRAIN, &ds, &err),
            SNAS_OK);
        assert_int_equal(ds.classes, 2 + i);
        assert_string_equal(ds.name, sets[i]);
        snas_dataset_clear(&ds);
    }
    put_idx_set(0); /* the set without a prefix is the directory's own */
    check_set(SNAS_SPLIT_TRAIN, 12, 1);
}

static void idx__names_the_offset_when_a_file_ends_early(void **state)
{
    (void)state;
    unsigned char bytes[1024];
    static const int cuts[] = {0, 3, 4, 11, 15, 16, 17, 16 + 239};
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        char text[128];
        put_idx_set(0);
        make_images(bytes, 12, 5, 4, 0);
        put("train-images-idx3-ubyte", bytes, (size_t)cuts[i]);
        snprintf(text, sizeof text, "/train-images-idx3-ubyte': byte %d: the file ends here",
                 cuts[i]);
        refused(SNAS_SPLIT_TRAIN, SNAS_E_FORMAT, text);
    }
    static const int label_cuts[] = {0, 3, 4, 7, 8, 19};
    for (size_t i = 0; i < sizeof label_cuts / sizeof label_cuts[0]; i++) {
        char text[128];
        put_idx_set(0);
        make_labels(bytes, 12, 0, 3);
        put("train-labels-idx1-ubyte", bytes, (size_t)label_cuts[i]);
        snprintf(text, sizeof text, "/train-labels-idx1-ubyte': byte %d: the file ends here",
                 label_cuts[i]);
        refused(SNAS_SPLIT_TRAIN, SNAS_E_FORMAT, text);
        refused(SNAS_SPLIT_TEST, SNAS_E_FORMAT, text);
    }
}

static void idx__refuses_when_a_packed_file_is_cut_or_damaged(void **state)
{
    (void)state;
    unsigned char bytes[1024], packed[2048];
    put_idx_set(0);
    assert_int_equal(unlink(inside("train-images-idx3-ubyte")), 0);
    put_gz("train-images-idx3-ubyte.gz", bytes, make_images(bytes, 12, 5, 4, 0));
    FILE *f = fopen(inside("train-images-idx3-ubyte.gz"), "rb");
    assert_non_null(f);
    size_t size = fread(packed, 1, sizeof packed, f);
    fclose(f);
    assert_true(size > 40 && size < sizeof packed);
    for (size_t cut = 2; cut < size; cut++) {
        put("train-images-idx3-ubyte.gz", packed, cut);
        refused(SNAS_SPLIT_TRAIN, SNAS_E_FORMAT, "train-images-idx3-ubyte.gz'");
    }
    packed[size / 2] ^= 0x55;
    put("train-images-idx3-ubyte.gz", packed, size);
    refused(SNAS_SPLIT_TRAIN, SNAS_E_FORMAT, "train-images-idx3-ubyte.gz'");
}

static void idx__refuses_trailing_bytes_when_a_file_is_too_long(void **state)
{
    (void)state;
    unsigned char bytes[1024];
    put_idx_set(0);
    put("train-images-idx3-ubyte", bytes, make_images(bytes, 12, 5, 4, 0) + 2);
    refused(SNAS_SPLIT_TRAIN, SNAS_E_FORMAT,
            "/train-images-idx3-ubyte': byte 256: 2 bytes behind the last image");
    put_idx_set(0);
    put("t10k-labels-idx1-ubyte", bytes, make_labels(bytes, 6, 0, 3) + 1);
    refused(SNAS_SPLIT_TEST, SNAS_E_FORMAT,
            "/t10k-labels-idx1-ubyte': byte 14: 1 bytes behind the last label");
}

static void idx__refuses_when_the_magic_is_another(void **state)
{
    (void)state;
    unsigned char bytes[1024];
    put_idx_set(0);
    size_t size = make_images(bytes, 12, 5, 4, 0);
    bytes[2] = 0x0d; /* floats */
    put("train-images-idx3-ubyte", bytes, size);
    refused(SNAS_SPLIT_TRAIN, SNAS_E_FORMAT,
            "/train-images-idx3-ubyte': byte 0: magic number 0x00000d03");
    put("train-images-idx3-ubyte", bytes, make_labels(bytes, 12, 0, 3));
    refused(SNAS_SPLIT_TRAIN, SNAS_E_FORMAT, "these are labels");
    put_idx_set(0);
    put("train-labels-idx1-ubyte", bytes, make_images(bytes, 12, 5, 4, 0));
    refused(SNAS_SPLIT_TRAIN, SNAS_E_FORMAT,
            "/train-labels-idx1-ubyte': byte 0: magic number 0x00000803 (these are images)");
}

static void idx__refuses_when_dimensions_are_absurd(void **state)
{
    (void)state;
    static const struct {
        uint32_t n, h, w, c;
        const char *text;
    } cases[] = {{0, 5, 4, 0, "byte 4: 0 images"},
                 {0x80000000u, 5, 4, 0, "byte 4: 2147483648 images"},
                 {12, 0, 4, 0, "byte 8: height 0 is not in 1..4096"},
                 {12, 4097, 4, 0, "byte 8: height 4097"},
                 {12, 5, 0, 0, "byte 12: width 0"},
                 {12, 5, 0xffffffffu, 0, "byte 12: width 4294967295"},
                 {12, 5, 4, 2, "byte 16: 2 channels"},
                 {12, 5, 4, 0xffffffffu, "byte 16: 4294967295 channels"},
                 {0x7fffffffu, 4096, 4096, 3, "108086391006560276 bytes are due"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        unsigned char bytes[1024];
        put_idx_set(0);
        size_t size = make_images(bytes, 12, 5, 4, cases[i].c != 0);
        big_endian(bytes + 4, cases[i].n);
        big_endian(bytes + 8, cases[i].h);
        big_endian(bytes + 12, cases[i].w);
        if (cases[i].c != 0)
            big_endian(bytes + 16, cases[i].c);
        put("train-images-idx3-ubyte", bytes, size);
        refused(SNAS_SPLIT_TRAIN, SNAS_E_FORMAT, cases[i].text);
        refused(SNAS_SPLIT_TRAIN, SNAS_E_FORMAT, "/train-images-idx3-ubyte': byte ");
    }
    unsigned char bytes[64];
    put_idx_set(0);
    size_t size = make_labels(bytes, 12, 0, 3);
    big_endian(bytes + 4, 0xffffffffu);
    put("train-labels-idx1-ubyte", bytes, size);
    refused(SNAS_SPLIT_TRAIN, SNAS_E_FORMAT,
            "/train-labels-idx1-ubyte': byte 4: 4294967295 labels");
    big_endian(bytes + 4, 0);
    put("train-labels-idx1-ubyte", bytes, size);
    refused(SNAS_SPLIT_TRAIN, SNAS_E_FORMAT, "byte 4: 0 labels");
}

static void idx__refuses_when_counts_disagree(void **state)
{
    (void)state;
    unsigned char bytes[64];
    put_idx_set(0);
    put("train-labels-idx1-ubyte", bytes, make_labels(bytes, 11, 0, 3));
    refused(SNAS_SPLIT_TRAIN, SNAS_E_FORMAT,
            "/train-labels-idx1-ubyte': byte 4: 11 labels for 12 images of '");
    put("t10k-labels-idx1-ubyte", bytes, make_labels(bytes, 7, 0, 3));
    refused(SNAS_SPLIT_TEST, SNAS_E_FORMAT,
            "/t10k-labels-idx1-ubyte': byte 4: 7 labels for 6 images of '");
}

static void idx__refuses_labels_when_training_has_none_such(void **state)
{
    (void)state;
    unsigned char bytes[64];
    put_idx_set(0);
    size_t size = make_labels(bytes, 6, 0, 3);
    bytes[8 + 5] = 3;
    put("t10k-labels-idx1-ubyte", bytes, size);
    refused(SNAS_SPLIT_TEST, SNAS_E_FORMAT,
            "/t10k-labels-idx1-ubyte': byte 13: label 3 is not in 0..2");
    put("train-labels-idx1-ubyte", bytes, make_labels(bytes, 12, 7, 1));
    refused(SNAS_SPLIT_TRAIN, SNAS_E_FORMAT,
            "/train-labels-idx1-ubyte': byte 8: all 12 labels are 7");
}

static void idx__lists_what_it_looked_for_when_a_file_is_missing(void **state)
{
    (void)state;
    put_idx_set(0);
    assert_int_equal(unlink(inside("t10k-labels-idx1-ubyte")), 0);
    refused(SNAS_SPLIT_TEST, SNAS_E_IO,
            "no file t10k-labels-idx1-ubyte or test-labels-idx1-ubyte (looked also for");
    assert_int_equal(unlink(inside("train-labels-idx1-ubyte")), 0);
    refused(SNAS_SPLIT_TRAIN, SNAS_E_IO, "no file train-labels-idx1-ubyte (looked also for");
}

static void idx__refuses_when_a_file_is_a_pipe_or_a_device(void **state)
{
    (void)state;
    put_idx_set(0);
    assert_int_equal(unlink(inside("train-images-idx3-ubyte")), 0);
    assert_int_equal(mkfifo(inside("train-images-idx3-ubyte"), 0600), 0);
    refused(SNAS_SPLIT_TRAIN, SNAS_E_IO, "/train-images-idx3-ubyte' is not a regular file");
    assert_int_equal(unlink(inside("t10k-labels-idx1-ubyte")), 0);
    assert_int_equal(symlink("/dev/zero", inside("t10k-labels-idx1-ubyte")), 0);
    refused(SNAS_SPLIT_TEST, SNAS_E_IO, "/t10k-labels-idx1-ubyte' is not a regular file");
}

static void idx__takes_class_names_when_a_file_gives_them(void **state)
{
    (void)state;
    struct snas_dataset ds;
    struct snas_err err;
    put_idx_set(0);
    put("class-names.txt", "cat\r\nd\xc3\xb6g\nbig  bird\n\n", 20);
    assert_int_equal(open_split(SNAS_SPLIT_TEST, &ds, &err), SNAS_OK);
    assert_string_equal(ds.names[0], "cat");
    assert_string_equal(ds.names[1], "d\xc3\xb6g");
    assert_string_equal(ds.names[2], "big  bird");
    snas_dataset_clear(&ds);
    put("class-names.txt", "cat\ndog\n", 8);
    refused(SNAS_SPLIT_TEST, SNAS_E_FORMAT, "/class-names.txt': 2 class names for 3 classes");
    put("class-names.txt", "a\nb\nc\nd\n", 8);
    refused(SNAS_SPLIT_TEST, SNAS_E_FORMAT, "/class-names.txt': 4 class names for 3 classes");
    static const char *const bad[] = {"a\nb\x01\n",   "a\nb\xff\n",       "a\nb\xc3\n",
                                      "a\nb\xc0\x80", "a\nb\xed\xa0\x80", "a\nb\xf4\x90\x80\x80",
                                      "a\nb\x7f",     "a\nb\xc2\x80",     "a\nb\xe2\x82"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        put("class-names.txt", bad[i], strlen(bad[i]));
        refused(SNAS_SPLIT_TEST, SNAS_E_FORMAT, "/class-names.txt:2:2: not a printable UTF-8");
    }
}

static void idx__frees_all_when_an_allocation_fails(void **state)
{
    (void)state;
    put_idx_set(0);
    put("class-names.txt", "a\nb\nc\n", 6);
    struct snas_dataset ds;
    struct snas_err err;
    snas_mem_fail_at(0);
    assert_int_equal(open_split(SNAS_SPLIT_TEST, &ds, &err), SNAS_OK);
    snas_dataset_clear(&ds);
    long n = snas_mem_fail_at(0);
    assert_true(n > 10);
    for (long i = 1; i <= n; i++) {
        snas_mem_fail_at(i);
        enum snas_status st = open_split(SNAS_SPLIT_TEST, &ds, &err);
        snas_mem_fail_at(0);
        if (st == SNAS_OK) /* a look at what is there may fail without harm */
            snas_dataset_clear(&ds);
        else
            assert_int_not_equal(err.code, SNAS_OK);
        assert_true(st == SNAS_OK || st == SNAS_E_NOMEM);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(idx__gives_images_and_labels_when_plain),
        TEST(idx__gives_the_same_when_packed_dotted_or_prefixed),
        TEST(idx__gives_colours_when_there_are_four_dimensions),
        TEST(idx__moves_labels_to_zero_when_training_labels_begin_at_one),
        TEST(idx__prefers_the_plain_file_when_both_are_there),
        TEST(idx__chooses_by_prefix_when_several_sets_are_there),
        TEST(idx__names_the_offset_when_a_file_ends_early),
        TEST(idx__refuses_when_a_packed_file_is_cut_or_damaged),
        TEST(idx__refuses_trailing_bytes_when_a_file_is_too_long),
        TEST(idx__refuses_when_the_magic_is_another),
        TEST(idx__refuses_when_dimensions_are_absurd),
        TEST(idx__refuses_when_counts_disagree),
        TEST(idx__refuses_labels_when_training_has_none_such),
        TEST(idx__lists_what_it_looked_for_when_a_file_is_missing),
        TEST(idx__refuses_when_a_file_is_a_pipe_or_a_device),
        TEST(idx__takes_class_names_when_a_file_gives_them),
        TEST(idx__frees_all_when_an_allocation_fails),
    };
    return snas_test_run(tests);
}

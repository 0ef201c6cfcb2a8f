#include "support.h"

#include <math.h>

#include "base/clock.h"
#include "base/mem.h"
#include "data/loader.h"

/* search/data/loader.c on a made data set: 23 images of 6 x 5 pixels, 3 channels. */

enum { N = 23, H = 6, W = 5, C = 3, IMAGE = H * W * C, PART = 20 };

static uint8_t pixels[N * IMAGE];
static int labels[N];
static uint32_t part[PART];
static struct snas_dataset set = {.n = N,
                                  .channels = C,
                                  .height = H,
                                  .width = W,
                                  .classes = N,
                                  .pixels = pixels,
                                  .labels = labels};

static int setup(void **state)
{
    (void)state;
    for (int i = 0; i < N * IMAGE; i++)
        pixels[i] = (uint8_t)(i * 37 + i / 11);
    for (int i = 0; i < N; i++)
        labels[i] = i; /* tells which image came */
    for (int i = 0; i < PART; i++)
        part[i] = (uint32_t)(PART - i);
    return 0;
}

static struct snas_loader_options options(void)
{
    return (struct snas_loader_options){
        .batch = 6, .shuffle = 1, .mean = {0.25, 0.5, 0.125}, .sd = {0.5, 0.25, 1}, .seed = 7};
}

static struct snas_loader_options all_options(void)
{
    struct snas_loader_options o = options();
    o.crop_padding = 2;
    o.flip = 1;
    o.cutout = 3;
    return o;
}

static struct snas_loader *create(const struct snas_loader_options *o)
{
    struct snas_loader *l = NULL;
    struct snas_err err = {0};
    assert_ok(snas_loader_create(&set, part, PART, o, &l, &err), &err);
    return l;
}

static void loader__gives_normalised_images_in_order_when_not_shuffled(void **state)
{
    (void)state;
    struct snas_loader_options o = options();
    o.shuffle = 0;
    struct snas_loader *l = create(&o);
    for (int round = 0; round < 2; round++) {
        int seen = 0;
        struct snas_loaded b;
        for (int k = 0; k < 4; k++) {
            snas_loader_next(l, &b);
            assert_int_equal(b.index, k);
            assert_int_equal(b.n, k < 3 ? 6 : 2); /* the last one is short */
            for (int i = 0; i < b.n; i++, seen++) {
                assert_int_equal(b.labels[i], part[seen]);
                for (int at = 0; at < IMAGE; at++) {
                    double v = pixels[part[seen] * IMAGE + (uint32_t)at] / 255.0;
                    double want = (v - o.mean[at % C]) / o.sd[at % C];
                    assert_true(fabs(b.images[i * IMAGE + at] - want) < 1e-6);
                }
            }
        }
        assert_int_equal(seen, PART);
        for (int k = 0; k < 2; k++) { /* the end stays the end */
            snas_loader_next(l, &b);
            assert_int_equal(b.n, 0);
        }
        snas_loader_seek(l, 0);
    }
    snas_loader_seek(l, 3);
    struct snas_loaded b;
    snas_loader_next(l, &b);
    assert_int_equal(b.n, 2);
    snas_loader_seek(l, 9);
    snas_loader_next(l, &b);
    assert_int_equal(b.n, 0);
    snas_loader_destroy(l);
}

static void loader__gives_every_image_once_a_pass_when_shuffled(void **state)
{
    (void)state;
    struct snas_loader_options o = options();
    struct snas_loader *l = create(&o);
    int order[3][PART], at = 0;
    while (at < 3 * PART) { /* 10 batches of 6 are 3 passes over 20 */
        struct snas_loaded b;
        snas_loader_next(l, &b);
        assert_int_equal(b.n, 6);
        for (int i = 0; i < b.n; i++, at++)
            order[at / PART][at % PART] = b.labels[i];
    }
    for (int pass = 0; pass < 3; pass++) {
        int count[N] = {0};
        for (int i = 0; i < PART; i++)
            count[order[pass][i]]++;
        for (int i = 0; i < PART; i++)
            assert_int_equal(count[part[i]], 1);
        if (pass > 0)
            assert_memory_not_equal(order[pass], order[pass - 1], sizeof order[0]);
    }
    snas_loader_destroy(l);
}

static void loader__fills_batches_when_they_are_larger_than_the_part(void **state)
{
    (void)state;
    struct snas_loader_options o = options();
    o.batch = 50;
    struct snas_loader *l = create(&o);
    struct snas_loaded b;
    snas_loader_next(l, &b);
    assert_int_equal(b.n, 50);
    int count[N] = {0};
    for (int i = 0; i < 40; i++)
        count[b.labels[i]]++;
    for (int i = 0; i < PART; i++)
        assert_int_equal(count[part[i]], 2);
    snas_loader_destroy(l);
}

/* Batch `index` of a loader that has done nothing else. */
static void fresh(const struct snas_loader_options *o, int64_t index, float *images, int *of)
{
    struct snas_loader *l = create(o);
    struct snas_loaded b;
    snas_loader_seek(l, index);
    snas_loader_next(l, &b);
    assert_int_equal(b.index, index);
    memcpy(images, b.images, (size_t)b.n * IMAGE * sizeof *images);
    memcpy(of, b.labels, (size_t)b.n * sizeof *of);
    snas_loader_destroy(l);
}

static void loader__gives_the_same_batch_when_reached_by_any_way(void **state)
{
    (void)state;
    struct snas_loader_options o = all_options();
    static float want[12][6 * IMAGE], other[6 * IMAGE];
    int of[12][6], other_of[6];
    for (int k = 0; k < 12; k++)
        fresh(&o, k, want[k], of[k]);
    for (int ahead = 1; ahead < 6; ahead++) { /* one after the other, then by leaps */
        o.ahead = ahead;
        struct snas_loader *l = create(&o);
        struct snas_loaded b;
        for (int step = 0; step < 60; step++) {
            int k = step < 12 ? step : step * 7 % 12;
            if (step >= 12)
                snas_loader_seek(l, k);
            snas_loader_next(l, &b);
            assert_int_equal(b.index, k);
            assert_memory_equal(b.images, want[k], sizeof want[k]);
            assert_memory_equal(b.labels, of[k], sizeof of[k]);
        }
        snas_loader_destroy(l);
    }
    o.seed++;
    fresh(&o, 0, other, other_of);
    assert_memory_not_equal(other_of, of[0], sizeof other_of);
    int64_t far = INT64_MAX; /* a position past 2^63 is as good as any */
    fresh(&o, far, other, other_of);
}

static void loader__gives_the_same_stream_when_the_batch_is_another(void **state)
{
    (void)state;
    static float stream[2][60 * IMAGE];
    for (int k = 0; k < 2; k++) {
        struct snas_loader_options o = all_options();
        o.batch = k == 0 ? 5 : 12;
        struct snas_loader *l = create(&o);
        for (int at = 0; at < 60; at += o.batch) {
            struct snas_loaded b;
            snas_loader_next(l, &b);
            memcpy(stream[k] + at * IMAGE, b.images, (size_t)o.batch * IMAGE * sizeof(float));
        }
        snas_loader_destroy(l);
    }
    assert_memory_equal(stream[0], stream[1], sizeof stream[0]);
}

static void loader__keeps_the_batch_in_hand_when_others_are_made_or_sought(void **state)
{
    (void)state;
    struct snas_loader_options o = all_options();
    struct snas_loader *l = create(&o);
    struct snas_loaded b;
    static float copy[6 * IMAGE];
    for (int k = 0; k < 20; k++) {
        snas_loader_next(l, &b);
        memcpy(copy, b.images, sizeof copy);
        if (k % 3 == 2)
            snas_loader_seek(l, 100 * k);
        usleep(2000);
        assert_memory_equal(b.images, copy, sizeof copy);
    }
    snas_loader_destroy(l);
}

static void loader__augments_each_pass_differently_when_asked(void **state)
{
    (void)state;
    struct snas_loader_options o = all_options();
    o.batch = PART;
    static float first[PART * IMAGE], second[PART * IMAGE];
    int of[2][PART];
    fresh(&o, 0, first, of[0]);
    fresh(&o, 1, second, of[1]);
    int same = 0;
    for (int i = 0; i < PART; i++)
        for (int k = 0; k < PART; k++) {
            int at = 0;
            while (at < IMAGE && first[i * IMAGE + at] == second[k * IMAGE + at])
                at++;
            same += of[0][i] == of[1][k] && at == IMAGE;
        }
    assert_true(same < PART / 4);
}

static void loader__counts_the_wait_once_when_the_caller_is_faster(void **state)
{
    (void)state;
    static uint8_t large[256 * 256];
    static int label[1];
    struct snas_dataset one = {.n = 1,
                               .channels = 1,
                               .height = 256,
                               .width = 256,
                               .classes = 2,
                               .pixels = large,
                               .labels = label};
    uint32_t zero = 0;
    struct snas_loader_options o = options();
    o.batch = 64;
    struct snas_loader *l;
    assert_int_equal(snas_loader_create(&one, &zero, 1, &o, &l, NULL), SNAS_OK);
    struct snas_loaded b;
    double begin = snas_seconds();
    for (int k = 0; k < 8; k++)
        snas_loader_next(l, &b);
    double most = snas_seconds() - begin, stall = snas_loader_stall(l);
    assert_true(stall > 0 && stall <= most);
    assert_true(snas_loader_stall(l) == 0);
    snas_loader_destroy(l);
}

static void loader__stops_when_destroyed_at_any_moment(void **state)
{
    (void)state;
    struct snas_loader_options o = all_options();
    for (int k = 0; k < 200; k++) {
        struct snas_loader *l = create(&o);
        struct snas_loaded b;
        for (int i = 0; i < k % 5; i++)
            snas_loader_next(l, &b);
        if (k % 3 == 0)
            snas_loader_seek(l, k);
        if (k % 7 == 0)
            usleep((useconds_t)k);
        snas_loader_destroy(l);
    }
    snas_loader_destroy(NULL);
}

static void loader__refuses_when_an_option_is_out_of_range(void **state)
{
    (void)state;
    struct snas_loader_options good = options(), bad[14];
    for (size_t i = 0; i < 14; i++)
        bad[i] = good;
    bad[0].batch = 0;
    bad[1].batch = -1;
    bad[2].batch = INT32_MAX;
    bad[3].ahead = -1;
    bad[4].ahead = INT32_MAX;
    bad[5].crop_padding = -1;
    bad[6].crop_padding = INT32_MAX;
    bad[7].cutout = -1;
    bad[8].cutout = INT32_MAX;
    bad[9].sd[2] = 0;
    bad[10].sd[0] = -1;
    bad[11].sd[1] = NAN;
    bad[12].mean[0] = NAN;
    bad[13].mean[1] = INFINITY;
    struct snas_loader *l;
    for (size_t i = 0; i < 14; i++) {
        struct snas_err err = {0};
        assert_int_equal(snas_loader_create(&set, part, PART, &bad[i], &l, &err), SNAS_E_ARG);
        assert_true(err.text[0] != '\0');
    }
    struct snas_err err = {0};
    uint32_t beyond[2] = {0, N};
    assert_int_equal(snas_loader_create(&set, beyond, 2, &good, &l, &err), SNAS_E_ARG);
    assert_string_equal(err.text, "image 23 of a data set of 23");
    assert_int_equal(snas_loader_create(&set, part, 0, &good, &l, &err), SNAS_E_ARG);
}

static void loader__frees_all_when_an_allocation_fails(void **state)
{
    (void)state;
    struct snas_loader_options o = all_options();
    snas_mem_fail_at(0);
    snas_loader_destroy(create(&o));
    long n = snas_mem_fail_at(0);
    assert_true(n >= 4);
    for (long i = 1; i <= n; i++) {
        struct snas_loader *l = NULL;
        struct snas_err err = {0};
        snas_mem_fail_at(i);
        enum snas_status st = snas_loader_create(&set, part, PART, &o, &l, &err);
        snas_mem_fail_at(0);
        assert_int_equal(st, SNAS_E_NOMEM);
        assert_int_equal(err.code, SNAS_E_NOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loader__gives_normalised_images_in_order_when_not_shuffled),
        cmocka_unit_test(loader__gives_every_image_once_a_pass_when_shuffled),
        cmocka_unit_test(loader__fills_batches_when_they_are_larger_than_the_part),
        cmocka_unit_test(loader__gives_the_same_batch_when_reached_by_any_way),
        cmocka_unit_test(loader__gives_the_same_stream_when_the_batch_is_another),
        cmocka_unit_test(loader__keeps_the_batch_in_hand_when_others_are_made_or_sought),
        cmocka_unit_test(loader__augments_each_pass_differently_when_asked),
        cmocka_unit_test(loader__counts_the_wait_once_when_the_caller_is_faster),
        cmocka_unit_test(loader__stops_when_destroyed_at_any_moment),
        cmocka_unit_test(loader__refuses_when_an_option_is_out_of_range),
        cmocka_unit_test(loader__frees_all_when_an_allocation_fails),
    };
    return cmocka_run_group_tests(tests, setup, NULL) != 0;
}

#include "base/rng.h"

#include <math.h>

#include "support.h"

/* Known answers: Random123's kat_vectors, philox4x32 10. */
static void rng__gives_the_published_words_when_bare(void **state)
{
    (void)state;
    static const struct {
        uint32_t counter[4], key[2], out[4];
    } known[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        uint32_t out[4];
        snas_philox(known[i].counter, known[i].key, out);
        assert_memory_equal(out, known[i].out, sizeof out);
    }
}

/* Seed, stream and step go into key and counter; words come in order, block after block. */
static void rng__follows_the_counter_when_drawn(void **state)
{
    (void)state;
    const uint64_t seed = 0x299f31d0a4093822u, step = 0x0370734413198a2eu;
    struct snas_rng r = snas_rng_make(seed, SNAS_STREAM_TEST, step);
    const uint32_t key[2] = {0xa4093822, 0x299f31d0};
    for (uint32_t block = 0; block < 3; block++) {
        const uint32_t counter[4] = {block, SNAS_STREAM_TEST, 0x13198a2e, 0x03707344};
        uint32_t out[4];
        snas_philox(counter, key, out);
        for (int i = 0; i < 4; i++)
            assert_int_equal(snas_rng_u32(&r), out[i]);
    }
}

static void rng__differs_when_stream_or_step_or_seed_does(void **state)
{
    (void)state;
    struct snas_rng r[4] = {
        snas_rng_make(1, SNAS_STREAM_TEST, 1), snas_rng_make(2, SNAS_STREAM_TEST, 1),
        snas_rng_make(1, SNAS_STREAM_INIT, 1), snas_rng_make(1, SNAS_STREAM_TEST, 2)};
    uint32_t first[4];
    for (int i = 0; i < 4; i++)
        first[i] = snas_rng_u32(&r[i]);
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < i; k++)
            assert_int_not_equal(first[i], first[k]);
}

static void rng__stays_below_and_even_when_n_is_small(void **state)
{
    (void)state;
    struct snas_rng r = snas_rng_make(3, SNAS_STREAM_TEST, 0);
    int counts[7] = {0};
    for (int i = 0; i < 70000; i++) {
        uint32_t v = snas_rng_below(&r, 7);
        assert_true(v < 7);
        counts[v]++;
    }
    for (int i = 0; i < 7; i++) /* 10000 expected, sd 93: five of them */
        assert_true(abs(counts[i] - 10000) < 465);
    for (int i = 0; i < 100; i++)
        assert_int_equal(snas_rng_below(&r, 1), 0);
}

/* With n = 3 * 2^30 the unfair method gives the first half 2/3 more often: easily seen. */
static void rng__has_no_bias_when_n_is_large(void **state)
{
    (void)state;
    struct snas_rng r = snas_rng_make(4, SNAS_STREAM_TEST, 0);
    const uint32_t n = 3u << 30;
    int low = 0;
    for (int i = 0; i < 30000; i++)
        low += snas_rng_below(&r, n) % 3 == 0;
    assert_true(abs(low - 10000) < 410); /* sd 82 */
}

static void rng__has_the_right_moments_when_many(void **state)
{
    (void)state;
    enum { N = 200000 };
    struct snas_rng r = snas_rng_make(5, SNAS_STREAM_TEST, 0);
    double u = 0, uu = 0, n = 0, nn = 0, g = 0, gg = 0;
    for (int i = 0; i < N; i++) {
        double a = snas_rng_uniform(&r), b = snas_rng_normal(&r), c = snas_rng_gumbel(&r);
        assert_true(a > 0 && a < 1);
        assert_true(isfinite(b) && isfinite(c));
        u += a, uu += a * a, n += b, nn += b * b, g += c, gg += c * c;
    }
    /* Five standard errors of each. */
    assert_true(fabs(u / N - 0.5) < 5 * 0.2887 / sqrt(N));
    assert_true(fabs(uu / N - 1.0 / 3) < 5 * 0.2981 / sqrt(N));
    assert_true(fabs(n / N) < 5 / sqrt(N));
    assert_true(fabs(nn / N - 1) < 5 * 1.4142 / sqrt(N));
    const double euler = 0.57721566, variance = 1.64493407; /* pi^2 / 6 */
    assert_true(fabs(g / N - euler) < 5 * 1.2825 / sqrt(N));
    assert_true(fabs(gg / N - euler * euler - variance) < 5 * 4.5 / sqrt(N));
}

static void rng__stays_finite_when_the_words_are_extreme(void **state)
{
    (void)state;
    for (int ones = 0; ones < 2; ones++) {
        struct snas_rng r = {.used = 0};
        memset(r.block, ones ? 0xFF : 0, sizeof r.block);
        struct snas_rng a = r, b = r, c = r;
        double u = snas_rng_uniform(&a);
        assert_true(u > 0 && u < 1);
        assert_true(isfinite(snas_rng_gumbel(&b)));
        assert_true(isfinite(snas_rng_normal(&c)));
    }
}

static void rng__permutes_when_shuffling(void **state)
{
    (void)state;
    uint32_t items[100], seen[100] = {0};
    for (uint32_t i = 0; i < 100; i++)
        items[i] = i;
    struct snas_rng r = snas_rng_make(6, SNAS_STREAM_TEST, 0);
    snas_rng_shuffle(&r, items, 100);
    int moved = 0;
    for (uint32_t i = 0; i < 100; i++) {
        seen[items[i]]++;
        moved += items[i] != i;
    }
    for (int i = 0; i < 100; i++)
        assert_int_equal(seen[i], 1);
    assert_true(moved > 80);
    /* Each item comes first equally often. */
    int first[3] = {0};
    for (int i = 0; i < 6000; i++) {
        uint32_t three[3] = {0, 1, 2};
        snas_rng_shuffle(&r, three, 3);
        first[three[0]]++;
    }
    for (int i = 0; i < 3; i++)
        assert_true(abs(first[i] - 2000) < 185);
    snas_rng_shuffle(&r, NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rng__gives_the_published_words_when_bare),
        cmocka_unit_test(rng__follows_the_counter_when_drawn),
        cmocka_unit_test(rng__differs_when_stream_or_step_or_seed_does),
        cmocka_unit_test(rng__stays_below_and_even_when_n_is_small),
        cmocka_unit_test(rng__has_no_bias_when_n_is_large),
        cmocka_unit_test(rng__has_the_right_moments_when_many),
        cmocka_unit_test(rng__stays_finite_when_the_words_are_extreme),
        cmocka_unit_test(rng__permutes_when_shuffling),
    };
    return snas_test_run(tests);
}

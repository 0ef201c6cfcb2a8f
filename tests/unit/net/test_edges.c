/* Every op alone, as normal and as reduction edge, by every instruction set against the reference
 * in double at 1e-5; networks of any list of ops, any side and any batch. */
#include "compare.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { EDGE_DRAWS = 1, SIDE_STEP = 8, LISTS = 3 };
#else
enum { EDGE_DRAWS = 4, SIDE_STEP = 1, LISTS = 12 };
#endif

static const char *const ops[] = {"max_pool_3x3", "avg_pool_3x3", "skip_connect", "sep_conv_3x3",
                                  "sep_conv_5x5", "sep_conv_7x7", "dil_conv_3x3", "dil_conv_5x5",
                                  "conv_1x1",     "conv_3x3",     "conv_7x1_1x7", "nor_conv_3x3"};
enum { OPS = sizeof ops / sizeof ops[0] };
/* One, and around the lanes of every vector; primes. */
static const int channels[] = {1, 3, 4, 5, 7, 8, 9, 11, 13, 15, 16, 17, 23, 31, 32, 33};
static const int sides[] = {1, 2, 3, 4, 5, 7, 8, 9, 11, 13, 14, 16, 17, 28};

static int one_of(struct snas_rng *rng, int n, const int *list)
{
    return list[snas_rng_below(rng, (uint32_t)n)];
}
#define ONE_OF(rng, list) one_of(rng, (int)(sizeof(list) / sizeof((list)[0])), list)

/* A cell of one node: an edge of the op from either input. */
static void check_edge(const char *op, int reduction, const struct shape *shape, int batch)
{
    struct snas_space space;
    struct setup s = {.shape = *shape, .bn = SNAS_BN_BATCH_UPDATE, .batch = batch};
    fixture_space(&space, 1, 1, &op);
    space.stems[0] = fixture_steps(1, "conv3x3 bn");
    space.n_reduce_at = reduction;
    space.reduce_num[0] = 0;
    if (getenv("SNAS_TEST_SHOW"))
        print_message("%s%s, batch %d\n", op, reduction ? ", stride 2" : "", batch);
    check(&space, &s, 1e-5);
}

static void edge__agrees_at_1e_5_when_channels_and_sides_vary(void **state)
{
    (void)state;
    static const int batches[] = {2, 5, 9};
    struct snas_rng rng = snas_rng_make(21, SNAS_STREAM_TEST, 0);
    for (int op = 0; op < OPS; op++)
        for (int reduction = 0; reduction < 2; reduction++)
            for (int i = 0; i < EDGE_DRAWS; i++) {
                struct shape shape = {.layers = 1, .affine = i & 1};
                shape.channels = ONE_OF(&rng, channels);
                shape.input = 1 + (int)snas_rng_below(&rng, 3);
                shape.h = ONE_OF(&rng, sides);
                shape.w = ONE_OF(&rng, sides);
                /* A BN of very few values is ill-conditioned in any precision. */
                if (shape.h * shape.w < 8)
                    shape.w += 7;
                shape.h += reduction && shape.h == 1;
                shape.w += reduction && shape.w == 1;
                check_edge(ops[op], reduction, &shape, ONE_OF(&rng, batches));
            }
}

static void edge__agrees_at_1e_5_when_the_side_is_1_to_33(void **state)
{
    (void)state;
    for (int side = 1; side <= 33; side += SIDE_STEP) {
        const struct shape shape = {1, side % 3 ? 8 : 5, 1, side < 3 ? 8 : side % 5 + 2, side, 0};
        for (int reduction = 0; reduction < (side > 1 ? 2 : 1); reduction++)
            check_edge(ops[(side + 5 * reduction) % OPS], reduction, &shape, 4);
    }
}

/* A list of distinct ops in any order, at times with `none` among them. */
static int draw_ops(struct snas_rng *rng, const char **list)
{
    const char *all[OPS + 1];
    memcpy(all, ops, sizeof ops);
    all[OPS] = "none";
    int n = 2 + (int)snas_rng_below(rng, 6);
    for (int i = 0; i < n; i++) {
        int k = i + (int)snas_rng_below(rng, (uint32_t)(OPS + 1 - i));
        list[i] = all[k];
        all[k] = all[i];
    }
    return n;
}

static void supernet__is_as_exact_as_the_reference_when_ops_are_any(void **state)
{
    (void)state;
    static const int some_sides[] = {7, 9, 14, 15}, batches[] = {1, 3, 8, 11, 17};
    struct snas_rng rng = snas_rng_make(22, SNAS_STREAM_TEST, 0);
    for (int i = 0; i < LISTS; i++) {
        const char *list[OPS + 1];
        struct snas_space space;
        fixture_space(&space, 1 + (int)snas_rng_below(&rng, 3), draw_ops(&rng, list), list);
        struct setup s = {.shape = {3, ONE_OF(&rng, channels), 3, 0, 0, i & 1},
                          .bn = SNAS_BN_BATCH_UPDATE,
                          .z = (enum z_mode)(i % 3)};
        s.shape.channels = s.shape.channels > 17 ? 12 : s.shape.channels;
        s.shape.h = ONE_OF(&rng, some_sides);
        s.shape.w = ONE_OF(&rng, some_sides);
        s.batch = ONE_OF(&rng, batches);
        s.rounding = 1e-5;
        check(&space, &s, 0);
    }
}

/* Fewer images than were planned, fewer than groups, and no multiple of them. */
static void supernet__is_as_exact_as_the_reference_when_a_batch_is_short(void **state)
{
    (void)state;
    static const int sizes[][2] = {{5, 3}, {11, 11}, {20, 13}, {24, 9}, {9, 1}};
    static const char *const list[] = {"sep_conv_3x3", "none", "max_pool_3x3", "skip_connect"};
    struct snas_space space;
    fixture_space(&space, 2, 4, list);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct setup s = {.shape = {3, 8, 1, 14, 14, 0},
                          .bn = SNAS_BN_BATCH_UPDATE,
                          .batch = sizes[i][0],
                          .images = sizes[i][1],
                          .rounding = 1e-5};
        check(&space, &s, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edge__agrees_at_1e_5_when_channels_and_sides_vary),
        cmocka_unit_test(edge__agrees_at_1e_5_when_the_side_is_1_to_33),
        cmocka_unit_test(supernet__is_as_exact_as_the_reference_when_ops_are_any),
        cmocka_unit_test(supernet__is_as_exact_as_the_reference_when_a_batch_is_short),
    };
    return snas_test_run(tests);
}

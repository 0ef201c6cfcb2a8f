#include "support.h"

#include "data/augment.h"

/* search/data/augment.c against a pixel-by-pixel statement of what it means. */

enum { H = 5, W = 4, C_MAX = 3 };

static uint8_t pixels[2 * H * W * C_MAX];
static float table[4][256];

static int setup(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)(i * 29 + 1);
    for (int c = 0; c < 4; c++)
        for (int v = 0; v < 256; v++)
            table[c][v] = (float)(1000 * (c + 1) + v); /* tells channel and byte */
    return 0;
}

/* Output (y, x): mirrored if flipped, then moved, black outside, then the square zeroed. */
static float expected(const struct snas_augment *a, uint32_t image, int channels, int y, int x,
                      int c)
{
    if (y >= a->cut_y && y < a->cut_y + a->cut && x >= a->cut_x && x < a->cut_x + a->cut)
        return 0;
    int sy = y + a->dy, sx = (a->flip ? W - 1 - x : x) + a->dx;
    int inside = sy >= 0 && sy < H && sx >= 0 && sx < W;
    return table[c][inside ? pixels[(((int)image * H + sy) * W + sx) * channels + c] : 0];
}

static void check(const struct snas_augment *a, int channels)
{
    struct snas_dataset ds = {
        .n = 2, .channels = channels, .height = H, .width = W, .classes = 2, .pixels = pixels};
    for (uint32_t image = 0; image < 2; image++) {
        float out[H * W * C_MAX + 1];
        int n = H * W * channels;
        for (int i = 0; i <= n; i++)
            out[i] = -1;
        snas_augment_apply(a, &ds, image, (const float(*)[256])table, out);
        for (int i = 0; i < n; i++)
            assert_true(out[i] == expected(a, image, channels, i / channels / W, i / channels % W,
                                           i % channels));
        assert_true(out[n] == -1);
    }
}

static void augment__moves_and_mirrors_when_every_crop_is_tried(void **state)
{
    (void)state;
    struct snas_augment a = {0};
    for (int channels = 1; channels <= C_MAX; channels += 2)
        for (a.flip = 0; a.flip < 2; a.flip++)
            for (a.dy = -H - 2; a.dy <= H + 2; a.dy++)
                for (a.dx = -W - 2; a.dx <= W + 2; a.dx++)
                    check(&a, channels);
}

static void augment__zeroes_the_square_when_every_place_is_tried(void **state)
{
    (void)state;
    struct snas_augment a = {.dy = 1, .dx = -1, .flip = 1};
    for (int channels = 1; channels <= C_MAX; channels += 2)
        for (a.cut = 0; a.cut < 9; a.cut++)
            for (a.cut_y = -9; a.cut_y <= H + 1; a.cut_y++)
                for (a.cut_x = -9; a.cut_x <= W + 1; a.cut_x++)
                    check(&a, channels);
}

static void augment__draws_each_choice_as_often_when_asked(void **state)
{
    (void)state;
    enum { DRAWS = 40000 };
    struct snas_loader_options o = {.crop_padding = 2, .flip = 1, .cutout = 3};
    int dy[5] = {0}, dx[5] = {0}, flip[2] = {0}, cut_y[H] = {0}, cut_x[W] = {0};
    for (uint64_t i = 0; i < DRAWS; i++) {
        struct snas_rng rng = snas_rng_make(3, SNAS_STREAM_AUGMENT, i);
        struct snas_augment a = snas_augment_draw(&o, H, W, &rng);
        assert_in_range(a.dy + 2, 0, 4);
        assert_in_range(a.dx + 2, 0, 4);
        assert_in_range(a.cut_y + 1, 0, H - 1); /* the centre is inside */
        assert_in_range(a.cut_x + 1, 0, W - 1);
        assert_int_equal(a.cut, 3);
        dy[a.dy + 2]++;
        dx[a.dx + 2]++;
        flip[a.flip]++;
        cut_y[a.cut_y + 1]++;
        cut_x[a.cut_x + 1]++;
    }
    for (int i = 0; i < 5; i++) { /* 4.5 standard deviations of 40,000 draws: at most 450 */
        assert_in_range(dy[i], DRAWS / 5 - 450, DRAWS / 5 + 450);
        assert_in_range(dx[i], DRAWS / 5 - 450, DRAWS / 5 + 450);
        assert_in_range(cut_y[i], DRAWS / 5 - 450, DRAWS / 5 + 450);
    }
    for (int i = 0; i < W; i++)
        assert_in_range(cut_x[i], DRAWS / 4 - 450, DRAWS / 4 + 450);
    assert_in_range(flip[0], DRAWS / 2 - 450, DRAWS / 2 + 450);
}

static void augment__draws_nothing_when_all_is_off(void **state)
{
    (void)state;
    struct snas_loader_options o = {0};
    struct snas_rng rng = snas_rng_make(3, SNAS_STREAM_AUGMENT, 1), before = rng;
    struct snas_augment a = snas_augment_draw(&o, H, W, &rng), none = {0};
    assert_memory_equal(&rng, &before, sizeof rng);
    assert_memory_equal(&a, &none, sizeof a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(augment__moves_and_mirrors_when_every_crop_is_tried),
        cmocka_unit_test(augment__zeroes_the_square_when_every_place_is_tried),
        cmocka_unit_test(augment__draws_each_choice_as_often_when_asked),
        cmocka_unit_test(augment__draws_nothing_when_all_is_off),
    };
    return cmocka_run_group_tests(tests, setup, NULL) != 0;
}

/* The images that evaluation and re-estimation see. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "fixture.h"
#include "train/state.h"
#include "train/source.h"

static void ok(enum snas_status s, const struct snas_err *err)
{
    if (s != SNAS_OK)
        fail_msg("%s", err->text);
}

/* Batch norm's statistics of the evenly mixed supernet as the config's search would re-estimate
 * them, or with the augmentation of `o` instead. */
static float *estimated(const char *text, const struct snas_loader_options *o, size_t *size)
{
    const struct snas_search_config c = fixture_config(text);
    struct snas_source source;
    struct snas_space space;
    struct snas_network *network;
    struct snas_net *net;
    struct snas_net_options no;
    struct snas_err err = {0};
    ok(snas_source_open(&c, &source, &err), &err);
    ok(snas_supernet_describe(&c, &source.ds, &space, &network, &err), &err);
    snas_search_net_options(&c, 0, &no);
    ok(snas_net_create(network, &no, &net, &err), &err);
    snas_net_init(net, 3);
    double *z = malloc((size_t)network->n_z * sizeof(*z));
    assert_non_null(z);
    for (int i = 0; i < network->n_z; i++)
        z[i] = 0.2;
    struct snas_image_set set = snas_source_estimate(&source, &c);
    if (o) {
        set.crop_padding = o->crop_padding;
        set.flip = o->flip;
        set.cutout = o->cutout;
    }
    ok(snas_estimate(net, &set, z, NULL, &err), &err);
    *size = snas_net_stats_size(net);
    float *stats = malloc(*size);
    assert_non_null(stats);
    memcpy(stats, snas_net_stats(net), *size);
    free(z);
    snas_net_destroy(net);
    snas_network_destroy(network);
    snas_source_clear(&source);
    return stats;
}

static void estimate__sees_images_as_the_search_does_when_it_augments(void **state)
{
    static const char *const texts[] = {"data: {crop_padding: 2}\n", "data: {flip: true}\n",
                                        "data: {cutout: 3}\n", ""};
    static const struct snas_loader_options options[] = {
        {.crop_padding = 2}, {.flip = 1}, {.cutout = 3}, {.flip = 0}};
    static const struct snas_loader_options plain = {.flip = 0};
    (void)state;
    for (int i = 0; i < 4; i++) {
        size_t size, other;
        float *asked = estimated(texts[i], NULL, &size);
        float *wanted = estimated("", &options[i], &other);
        assert_int_equal(size, other);
        assert_memory_equal(asked, wanted, size);
        float *bare = estimated(texts[i], &plain, &other);
        assert_int_equal(memcmp(asked, bare, size) == 0, i == 3);
        free(asked);
        free(wanted);
        free(bare);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(estimate__sees_images_as_the_search_does_when_it_augments),
    };
    return cmocka_run_group_tests_name("train.evaluate", tests, fixture_open, fixture_close);
}

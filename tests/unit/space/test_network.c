#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "fixture.h"

static struct snas_network_options search_options(void)
{
    return (struct snas_network_options){
        .channels = 16, .layers = 8, .input = {3, 32, 32}, .classes = 10, .pool_bn = 1};
}

static struct snas_network *make(const struct snas_space *space,
                                 const struct snas_network_options *o,
                                 const struct snas_genotype *g)
{
    struct snas_network *net = NULL;
    struct snas_err err = {0};
    if (snas_network_create(space, o, g, &net, &err) != SNAS_OK)
        fail_msg("%s", err.text);
    return net;
}

static void network__has_the_published_parameters_when_it_is_the_search_supernet(void **state)
{
    (void)state;
    struct snas_space space;
    fixture_darts(&space);
    struct snas_network_options o = search_options();
    struct snas_network *net = make(&space, &o, NULL);
    assert_int_equal(snas_network_param_count(net), 1930618);
    assert_int_equal(net->n_cells, 8);
    assert_int_equal(net->n_edges, 8 * 14);
    assert_int_equal(net->n_z, 8 * 14 * 8);
    snas_network_destroy(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(network__has_the_published_parameters_when_it_is_the_search_supernet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

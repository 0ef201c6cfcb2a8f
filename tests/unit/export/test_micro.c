#include "export/micro.h"

#include <math.h>

#include "base/mem.h"
#include "export/export.h"
#include "net/net.h"
#include "space/cost.h"
#include "space/fixture.h"
#include "support.h"

static struct snas_network *make_supernet(const struct snas_space *space, int channels, int layers)
{
    struct snas_network *net;
    struct snas_err err = {0};
    struct snas_network_options o = {
        .channels = channels, .layers = layers, .input = {3, 15, 16}, .classes = 10, .pool_bn = 1};
    assert_ok(snas_network_create(space, &o, NULL, &net, &err), &err);
    return net;
}

/* Channels, layers: normal cells at C and 4C, both reductions. */
static void micro__set_covers_every_entry_once_when_edges_share_shapes(void **state)
{
    (void)state;
    struct snas_space space;
    struct snas_micro_set set;
    struct snas_err err = {0};
    fixture_darts(&space);
    struct snas_network *net = make_supernet(&space, 4, 8);
    assert_ok(snas_micro_set_create(net, &set, &err), &err);
    /* stride 1 at C, 2C, 4C; stride 2 to 2C and 4C: seven ops and a null network each */
    assert_int_equal(set.n, 5 * 8);
    for (int e = 0; e < net->n_edges; e++)
        for (int k = 0; k < net->edges[e].n_ops; k++) {
            const struct snas_block *b = &net->blocks[net->edges[e].first_block + k];
            int i = set.of_z[net->edges[e].z + k];
            assert_true((i < 0) == b->zero);
            if (i < 0)
                continue;
            const struct snas_micro *m = &set.items[i];
            assert_int_equal(m->op, b->op);
            assert_int_equal(m->stride, net->edges[e].stride);
            assert_memory_equal(&m->in, &b->in_shape, sizeof m->in);
            assert_int_equal(set.items[m->null].op, -1);
            assert_memory_equal(&set.items[m->null].in, &m->in, sizeof m->in);
            assert_int_equal(set.items[m->null].stride, m->stride);
        }
    for (int i = 0; i < set.n; i++)
        for (int k = 0; k < i; k++)
            assert_string_not_equal(set.items[i].name, set.items[k].name);
    snas_micro_set_clear(&set);
    snas_network_destroy(net);
}

/* Multiply-adds of a micro-network less its null's are those of its copies: nothing else differs.
 * The values that run through it stay finite and of a common size. */
static void micro__differs_from_its_null_by_the_copies_when_built(void **state)
{
    (void)state;
    struct snas_space space;
    struct snas_micro_set set;
    struct snas_err err = {0};
    fixture_darts(&space);
    struct snas_network *net = make_supernet(&space, 4, 3);
    assert_ok(snas_micro_set_create(net, &set, &err), &err);
    for (int z = 0; z < net->n_z; z++) {
        if (set.of_z[z] < 0)
            continue;
        const struct snas_micro *m = &set.items[set.of_z[z]];
        struct snas_child with, without;
        struct snas_totals a, b;
        double cost[SNAS_COST_COLUMNS];
        assert_ok(snas_micro_child(net, m, &with, &err), &err);
        assert_ok(snas_micro_child(net, &set.items[m->null], &without, &err), &err);
        snas_network_totals(with.network, NULL, &a);
        snas_network_totals(without.network, NULL, &b);
        int block = 0;
        for (int e = 0; e < net->n_edges; e++)
            if (z >= net->edges[e].z && z < net->edges[e].z + net->edges[e].n_ops)
                block = net->edges[e].first_block + z - net->edges[e].z;
        snas_cost_block(net, block, cost);
        assert_true((double)(a.madds - b.madds) == SNAS_MICRO_COPIES * cost[SNAS_COST_MADDS_CONV]);
        assert_true((double)(a.params - b.params) == SNAS_MICRO_COPIES * cost[SNAS_COST_PARAMS]);
        double sums = (double)net->blocks[block].out_shape.c * net->blocks[block].out_shape.h *
                      net->blocks[block].out_shape.w;
        assert_true((double)(a.madds_all - b.madds_all) ==
                    SNAS_MICRO_COPIES * (cost[SNAS_COST_MADDS_ALL] + sums));
        snas_child_clear(&with);
        snas_child_clear(&without);
    }
    snas_micro_set_clear(&set);
    snas_network_destroy(net);
}

/* Every micro-network exports, with nothing pruned from it. */
static void micro__exports_whole_when_the_side_is_odd(void **state)
{
    (void)state;
    struct snas_space space;
    struct snas_micro_set set;
    struct snas_err err = {0};
    fixture_darts(&space);
    struct snas_network *net = make_supernet(&space, 4, 3);
    assert_ok(snas_micro_set_create(net, &set, &err), &err);
    for (int i = 0; i < set.n; i++) {
        struct snas_child child;
        struct snas_graph g;
        struct snas_export_report report;
        const struct snas_export_options o = {0};
        assert_ok(snas_micro_child(net, &set.items[i], &child, &err), &err);
        assert_ok(snas_export_graph(&child, &o, &g, &report, &err), &err);
        assert_int_equal(report.before.params, report.after.params);
        assert_int_equal(report.constants, 0);
        snas_graph_clear(&g);
        snas_child_clear(&child);
    }
    snas_micro_set_clear(&set);
    snas_network_destroy(net);
}

/* Eight cells of four nodes in a row, each a sep conv of the one before. */
static void random_child__keeps_values_normal_when_the_network_is_deep(void **state)
{
    (void)state;
    struct snas_space space;
    struct snas_genotype g = {.name = "deep"};
    struct snas_child child;
    struct snas_network *network;
    struct snas_net *net;
    struct snas_err err = {0};
    fixture_darts(&space);
    for (int k = 0; k < 2; k++) {
        g.cells[k].n_nodes = g.cells[k].n_concat = 4;
        for (int n = 0; n < 4; n++) {
            g.cells[k].n_choices[n] = 1;
            g.cells[k].choices[n][0] =
                (struct snas_choice){snas_space_op(&space, "sep_conv_3x3"), n + 1};
            g.cells[k].concat[n] = 3; /* through every node */
        }
        g.cells[k].n_concat = 1;
    }
    struct snas_network_options o = {
        .channels = 8, .layers = 8, .input = {3, 32, 32}, .classes = 10, .pool_bn = 1};
    assert_ok(snas_network_create(&space, &o, &g, &network, &err), &err);
    assert_ok(snas_random_child(network, 1, &child, &err), &err);
    struct snas_net_options no;
    snas_net_options_default(&no);
    no.batch = no.threads = 1;
    no.training = 0;
    assert_ok(snas_net_create(network, &no, &net, &err), &err);
    for (int p = 0; p < network->n_params; p++)
        memcpy(snas_net_param(net, p), child.values[p], network->params[p].count * sizeof(float));
    float *image = calloc(3072, sizeof *image);
    assert_non_null(image);
    for (int i = 0; i < 3072; i++)
        image[i] = (float)(i % 7) - 3;
    struct snas_forward f = {.batch = {.images = image, .n = 1}, .bn = SNAS_BN_RUNNING};
    struct snas_loss loss;
    assert_ok(snas_net_forward(net, &f, &loss, &err), &err);
    const float *logits = snas_net_logits(net);
    double largest = 0;
    for (int i = 0; i < 10; i++) {
        assert_true(isfinite(logits[i]));
        largest = fmax(largest, fabs(logits[i]));
    }
    assert_true(largest > 1e-6 && largest < 1e6);
    free(image);
    snas_net_destroy(net);
    snas_child_clear(&child);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(micro__set_covers_every_entry_once_when_edges_share_shapes),
        cmocka_unit_test(micro__differs_from_its_null_by_the_copies_when_built),
        cmocka_unit_test(micro__exports_whole_when_the_side_is_odd),
        cmocka_unit_test(random_child__keeps_values_normal_when_the_network_is_deep),
    };
    return snas_test_run(tests);
}

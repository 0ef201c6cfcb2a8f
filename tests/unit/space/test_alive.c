#include "testing.h"

/* Two cells of two nodes behind one stem; ops: 0 none, 1 max pool, 2 skip, 3 sep conv. */
struct world {
    struct snas_space space;
    struct snas_network *net;
    struct snas_alive alive;
};

static void build(struct world *w, const struct snas_genotype_cell *cell, int layers)
{
    static const char *const ops[] = {"none", "max_pool_3x3", "skip_connect", "sep_conv_3x3"};
    struct snas_genotype g = {.name = "world"};
    struct snas_network_options o = {
        .channels = 4, .layers = layers, .input = {1, 6, 6}, .classes = 2, .pool_bn = 1};
    struct snas_err err = {0};
    fixture_space(&w->space, 2, 4, ops);
    w->space.n_kinds = 1;
    w->space.n_reduce_at = 0;
    if (cell)
        g.cells[0] = *cell;
    w->net = make_network(&w->space, &o, cell ? &g : NULL);
    assert_ok(snas_network_alive(w->net, &w->alive, &err), &err);
}

static void clear(struct world *w)
{
    snas_alive_clear(&w->alive);
    snas_network_destroy(w->net);
}

static int block_alive(const struct world *w, const char *name)
{
    for (int i = 0; i < w->net->n_blocks; i++)
        if (strcmp(w->net->blocks[i].name, name) == 0)
            return w->alive.block[i];
    fail_msg("no block '%s'", name);
    return 0;
}

static int tensor_alive(const struct world *w, const char *name)
{
    for (int i = 0; i < w->net->n_tensors; i++)
        if (strcmp(w->net->tensors[i].name, name) == 0)
            return w->alive.tensor[i];
    fail_msg("no tensor '%s'", name);
    return 0;
}

static void alive__is_everything_but_none_when_it_is_a_supernet(void **state)
{
    (void)state;
    struct world w;
    build(&w, NULL, 3);
    for (int b = 0; b < w.net->n_blocks; b++)
        assert_int_equal(w.alive.block[b], !w.net->blocks[b].zero);
    for (int t = 0; t < w.net->n_tensors; t++)
        assert_true(w.alive.tensor[t]);
    assert_true(w.alive.connected);
    clear(&w);
}

static void alive__follows_dead_nodes_through_edges_when_they_feed_others(void **state)
{
    (void)state;
    struct world w;
    /* node 0 has no input; node 1 = sep(node 0) + skip(input 1) */
    const struct snas_genotype_cell cell = {.n_nodes = 2,
                                            .n_choices = {0, 2},
                                            .choices = {{{0, 0}}, {{3, 2}, {2, 1}}},
                                            .n_concat = 2,
                                            .concat = {0, 1}};
    build(&w, &cell, 2);
    assert_true(w.alive.connected);
    assert_false(tensor_alive(&w, "cell0.node0"));
    assert_true(tensor_alive(&w, "cell0.node1"));
    assert_true(tensor_alive(&w, "cell0"));
    assert_false(block_alive(&w, "cell0.node1.edge0"));
    assert_true(block_alive(&w, "cell0.node1.edge1"));
    assert_false(block_alive(&w, "cell0.pre0")); /* nobody reads input 0 */
    assert_true(block_alive(&w, "cell0.pre1"));
    assert_true(block_alive(&w, "stem0"));
    clear(&w);
}

static void alive__is_dead_all_the_way_when_a_node_hears_only_dead_ones(void **state)
{
    (void)state;
    struct world w;
    /* node 1 reads only node 0, which is dead: the cell outputs zero, nothing reaches the head */
    const struct snas_genotype_cell cell = {.n_nodes = 2,
                                            .n_choices = {0, 1},
                                            .choices = {{{0, 0}}, {{3, 2}}},
                                            .n_concat = 2,
                                            .concat = {0, 1}};
    build(&w, &cell, 2);
    assert_false(w.alive.connected);
    for (int b = 0; b < w.net->n_blocks; b++)
        assert_false(w.alive.block[b]);
    for (int t = 0; t < w.net->n_tensors; t++)
        assert_false(w.alive.tensor[t]);
    clear(&w);
}

static void alive__drops_what_nobody_reads_when_a_node_is_not_concatenated(void **state)
{
    (void)state;
    struct world w;
    /* node 1 has an input but no reader: it, and input 0, which only it reads, are gone */
    const struct snas_genotype_cell cell = {.n_nodes = 2,
                                            .n_choices = {1, 1},
                                            .choices = {{{2, 1}}, {{3, 0}}},
                                            .n_concat = 1,
                                            .concat = {0}};
    build(&w, &cell, 3);
    assert_true(w.alive.connected);
    assert_false(tensor_alive(&w, "cell2.node1"));
    assert_false(block_alive(&w, "cell2.node1.edge0"));
    assert_false(block_alive(&w, "cell2.pre0"));
    assert_true(block_alive(&w, "cell2.node0.edge0"));
    clear(&w);
}

static void alive__skips_dead_cells_when_later_ones_hear_past_them(void **state)
{
    (void)state;
    /* Reductions (cells 1 and 2 of 3) are dead, so are the cells that hear only them. */
    struct world w;
    static const char *const ops[] = {"none", "max_pool_3x3", "skip_connect", "sep_conv_3x3"};
    struct snas_genotype g = {.name = "world"};
    struct snas_network_options o = {
        .channels = 4, .layers = 4, .input = {1, 8, 8}, .classes = 2, .pool_bn = 1};
    struct snas_err err = {0};
    fixture_space(&w.space, 2, 4, ops);
    w.space.n_reduce_at = 1; /* cell 1 of 4 */
    g.cells[0] = (struct snas_genotype_cell){.n_nodes = 2,
                                             .n_choices = {1, 1},
                                             .choices = {{{2, 0}}, {{2, 1}}},
                                             .n_concat = 2,
                                             .concat = {0, 1}};
    g.cells[1] = (struct snas_genotype_cell){.n_nodes = 2, .n_concat = 2, .concat = {0, 1}};
    w.net = make_network(&w.space, &o, &g);
    assert_ok(snas_network_alive(w.net, &w.alive, &err), &err);
    assert_true(w.alive.connected);
    assert_false(tensor_alive(&w, "cell1"));
    assert_false(block_alive(&w, "cell1.pre0"));
    assert_false(block_alive(&w, "cell1.pre1"));
    assert_true(block_alive(&w, "cell2.pre0")); /* cell 0 past cell 1 */
    assert_false(block_alive(&w, "cell2.pre1"));
    assert_true(tensor_alive(&w, "cell2.node0"));
    assert_false(tensor_alive(&w, "cell2.node1"));
    assert_false(block_alive(&w, "cell3.pre0")); /* cell 1 */
    assert_true(block_alive(&w, "cell3.pre1"));
    clear(&w);
}

static void alive__drops_whole_cells_when_nobody_reads_them(void **state)
{
    (void)state;
    struct world w;
    /* every node hears input 0 alone: cell 3 reads cell 1, which reads the stem */
    const struct snas_genotype_cell cell = {.n_nodes = 2,
                                            .n_choices = {1, 1},
                                            .choices = {{{2, 0}}, {{3, 0}}},
                                            .n_concat = 2,
                                            .concat = {0, 1}};
    build(&w, &cell, 4);
    assert_true(w.alive.connected);
    assert_false(tensor_alive(&w, "cell2"));
    assert_false(tensor_alive(&w, "cell2.node0"));
    assert_false(block_alive(&w, "cell2.node1.edge0"));
    assert_false(block_alive(&w, "cell2.pre0"));
    assert_false(tensor_alive(&w, "cell0.node1"));
    assert_true(tensor_alive(&w, "cell1.node1"));
    assert_true(block_alive(&w, "cell3.pre0"));
    assert_false(block_alive(&w, "cell3.pre1"));
    clear(&w);
}

static enum snas_status attempt_alive(void *arg, struct snas_err *err)
{
    struct snas_alive alive;
    enum snas_status status = snas_network_alive(arg, &alive, err);
    if (status == SNAS_OK)
        snas_alive_clear(&alive);
    return status;
}

static void alive__frees_all_when_an_allocation_fails(void **state)
{
    (void)state;
    struct world w;
    build(&w, NULL, 1);
    fail_every_allocation(attempt_alive, w.net);
    clear(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alive__is_everything_but_none_when_it_is_a_supernet),
        cmocka_unit_test(alive__follows_dead_nodes_through_edges_when_they_feed_others),
        cmocka_unit_test(alive__is_dead_all_the_way_when_a_node_hears_only_dead_ones),
        cmocka_unit_test(alive__drops_what_nobody_reads_when_a_node_is_not_concatenated),
        cmocka_unit_test(alive__skips_dead_cells_when_later_ones_hear_past_them),
        cmocka_unit_test(alive__drops_whole_cells_when_nobody_reads_them),
        cmocka_unit_test(alive__frees_all_when_an_allocation_fails),
    };
    return snas_test_run(tests);
}

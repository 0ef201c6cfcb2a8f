#include "testing.h"

static const struct snas_tensor *tensor_named(const struct snas_network *net, const char *name)
{
    for (int i = 0; i < net->n_tensors; i++)
        if (strcmp(net->tensors[i].name, name) == 0)
            return &net->tensors[i];
    fail_msg("no tensor '%s'", name);
    return NULL;
}

static const struct snas_block *block_named(const struct snas_network *net, const char *name)
{
    for (int i = 0; i < net->n_blocks; i++)
        if (strcmp(net->blocks[i].name, name) == 0)
            return &net->blocks[i];
    fail_msg("no block '%s'", name);
    return NULL;
}

static void assert_shape(struct snas_shape s, int c, int h, int w)
{
    if (s.c != c || s.h != h || s.w != w)
        fail_msg("shape %dx%dx%d where %dx%dx%d is wanted", s.c, s.h, s.w, c, h, w);
}

static void network__has_the_published_parameters_when_it_is_the_search_supernet(void **state)
{
    (void)state;
    struct snas_space space;
    fixture_darts(&space);
    struct snas_network_options o = search_options();
    struct snas_network *net = make_network(&space, &o, NULL);
    assert_int_equal(snas_network_param_count(net), 1930618);
    assert_int_equal(net->n_cells, 8);
    assert_int_equal(net->n_edges, 8 * 14);
    assert_int_equal(net->n_z, 8 * 14 * 8);
    assert_shape(tensor_named(net, "cell7")->shape, 256, 8, 8);
    assert_shape(tensor_named(net, "logits")->shape, 10, 1, 1);
    assert_shape(tensor_named(net, "stem0")->shape, 48, 32, 32);
    snas_network_destroy(net);
}

/* Every index within its array, every block's layers chained, every order as the header says. */
static void assert_sound(const struct snas_network *net)
{
    int z = 0, params = 0;
    for (int b = 0; b < net->n_blocks; b++) {
        const struct snas_block *block = &net->blocks[b];
        assert_in_range(block->in, 0, net->n_tensors - 1);
        struct snas_shape shape = block->in_shape;
        assert_memory_equal(&shape, &net->tensors[block->in].shape, sizeof shape);
        for (int i = block->first_layer; i < block->first_layer + block->n_layers; i++) {
            assert_memory_equal(&net->layers[i].in, &shape, sizeof shape);
            shape = net->layers[i].out;
        }
        if (!block->zero)
            assert_memory_equal(&shape, &block->out_shape, sizeof shape);
        if (block->out >= 0)
            assert_memory_equal(&shape, &net->tensors[block->out].shape, sizeof shape);
    }
    for (int c = 0; c < net->n_cells; c++) {
        const struct snas_cell *cell = &net->cells[c];
        int e = cell->first_edge;
        for (int n = 0; n < cell->n_nodes; n++) {
            const struct snas_node *node = &net->nodes[cell->first_node + n];
            struct snas_shape want = net->tensors[node->tensor].shape;
            assert_int_equal(want.c, cell->channels);
            assert_int_equal(node->first_edge, e);
            assert_int_equal(cell->slot[cell->inputs + n], node->tensor);
            for (; e < node->first_edge + node->n_edges; e++) {
                const struct snas_edge *edge = &net->edges[e];
                assert_int_equal(edge->to, n);
                assert_int_equal(edge->z, z);
                z += edge->n_ops;
                for (int k = 0; k < edge->n_ops; k++) {
                    const struct snas_block *b = &net->blocks[edge->first_block + k];
                    assert_int_equal(b->in, cell->slot[edge->from]);
                    assert_memory_equal(&b->out_shape, &want, sizeof want);
                }
            }
        }
        assert_int_equal(e, cell->first_edge + cell->n_edges);
    }
    assert_int_equal(z, net->n_z);
    for (int i = 0; i < net->n_params; i++) {
        assert_int_equal(snas_network_param(net, net->params[i].name), i); /* names are unique */
        params++;
    }
    assert_int_equal(params, net->n_params);
    assert_int_equal(snas_network_param(net, "nothing"), -1);
}

static void network__is_sound_when_its_sides_are_odd_and_its_sizes_are_any(void **state)
{
    (void)state;
    struct snas_space space;
    fixture_darts(&space);
    static const struct snas_shape inputs[] = {{1, 28, 28}, {4, 7, 9}, {2, 33, 5}, {3, 32, 32}};
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++)
        for (int layers = 1; layers <= 7; layers++) {
            struct snas_network_options o = {.channels = 2 + (int)i,
                                             .layers = layers,
                                             .input = inputs[i],
                                             .classes = 1 + 99 * (int)i,
                                             .affine = layers % 2,
                                             .pool_bn = layers % 3 == 0};
            struct snas_network *net = make_network(&space, &o, NULL);
            if (layers <= 3)
                assert_sound(net);
            snas_network_destroy(net);
        }
}

static void network__halves_odd_sides_upwards_when_cells_reduce(void **state)
{
    (void)state;
    struct snas_space space;
    fixture_darts(&space);
    struct snas_network_options o = {
        .channels = 8, .layers = 3, .input = {1, 28, 28}, .classes = 10, .pool_bn = 1};
    struct snas_network *net = make_network(&space, &o, NULL);
    assert_shape(tensor_named(net, "cell0")->shape, 32, 28, 28);
    assert_shape(tensor_named(net, "cell1")->shape, 64, 14, 14);
    assert_shape(tensor_named(net, "cell2")->shape, 128, 7, 7);
    /* cell 2's input 0 is cell 0's output: 28 beside 14 */
    assert_int_equal(net->layers[block_named(net, "cell2.pre0")->first_layer + 1].step.kind,
                     SNAS_STEP_FACTORIZED_REDUCE);
    assert_int_equal(net->layers[block_named(net, "cell2.pre1")->first_layer + 1].step.kind,
                     SNAS_STEP_POINTWISE);
    snas_network_destroy(net);
    o.input = (struct snas_shape){3, 7, 13};
    net = make_network(&space, &o, NULL);
    assert_shape(tensor_named(net, "cell1")->shape, 64, 4, 7);
    assert_shape(tensor_named(net, "cell2")->shape, 128, 2, 4);
    assert_shape(tensor_named(net, "cell2.pre0")->shape, 32, 4, 7);
    snas_network_destroy(net);
}

static void network__reduces_at_the_thirds_when_layers_are_few_or_many(void **state)
{
    (void)state;
    static const struct {
        int layers;
        const char *reductions; /* a letter a cell: r or n */
    } cases[] = {{1, "r"},       {2, "rr"},       {3, "nrr"},     {4, "nrr n"},
                 {5, "nr nr n"}, {6, "nnr nr n"}, {8, "nnrnnrnn"}};
    struct snas_space space;
    fixture_darts(&space);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int cell = 0;
        for (const char *p = cases[i].reductions; *p; p++)
            if (*p != ' ')
                assert_int_equal(snas_space_cell_kind(&space, cases[i].layers, cell++), *p == 'r');
        assert_int_equal(cell, cases[i].layers);
    }
}

static void network__has_the_layers_and_names_of_the_header_when_it_is_a_supernet(void **state)
{
    (void)state;
    struct snas_space space;
    fixture_darts(&space);
    struct snas_network_options o = search_options();
    struct snas_network *net = make_network(&space, &o, NULL);
    const struct snas_block *sep = block_named(net, "cell2.node1.edge0.sep_conv_3x3");
    assert_int_equal(sep->n_layers, 8);
    static const char *const names[] = {"relu1", "dw1", "pw1", "bn1", "relu2", "dw2", "pw2", "bn2"};
    for (int i = 0; i < 8; i++)
        assert_string_equal(net->layers[sep->first_layer + i].name, names[i]);
    int dw = snas_network_param(net, "cell2.node1.edge0.sep_conv_3x3.dw1.weight");
    assert_true(dw >= 0);
    assert_int_equal(net->params[dw].ndim, 3);
    assert_int_equal(net->params[dw].shape[2], 32);
    assert_int_equal(net->params[dw].fan_in, 9);
    int fr = snas_network_param(net, "cell3.pre0.fr1.weight2");
    assert_true(fr >= 0);
    assert_int_equal(net->params[fr].shape[0], 64);
    assert_int_equal(net->params[fr].shape[1], 16);
    assert_int_equal(net->params[fr].fan_in, 64);
    int stem = snas_network_param(net, "stem0.bn1.gamma");
    assert_true(stem >= 0);
    assert_int_equal(net->params[stem].kind, SNAS_PARAM_GAMMA);
    assert_int_equal(snas_network_param(net, "cell0.pre0.bn1.gamma"), -1);
    assert_true(snas_network_param(net, "cell0.pre0.bn1.var") >= 0);
    int linear = snas_network_param(net, "head.linear1.weight");
    assert_true(linear >= 0);
    assert_int_equal(net->params[linear].shape[0], 256);
    assert_int_equal(net->params[linear].shape[1], 10);
    assert_true(block_named(net, "cell0.node0.edge0.none")->zero);
    assert_int_equal(block_named(net, "cell0.node0.edge0.skip_connect")->n_layers, 0);
    snas_network_destroy(net);
}

static void network__gives_the_odd_channel_to_the_second_half_when_channels_are_odd(void **state)
{
    (void)state;
    struct snas_space space;
    fixture_darts(&space);
    struct snas_network_options o = {
        .channels = 3, .layers = 3, .input = {3, 8, 8}, .classes = 2, .affine = 1};
    space.n_reduce_at = 1; /* cell 1, so that cell 2 has 6 channels and cell 1 skips with 3 + 3 */
    struct snas_network *net = make_network(&space, &o, NULL);
    int first = snas_network_param(net, "cell2.pre0.fr1.weight1");
    int second = snas_network_param(net, "cell2.pre0.fr1.weight2");
    assert_int_equal(net->params[first].shape[1] + net->params[second].shape[1], 6);
    snas_network_destroy(net);
    o.layers = 1;
    space.kinds[1].stride = 2;
    space.reduce_num[0] = 0;
    space.stems[0] = fixture_steps(3, "conv3x3 bn fr:C");
    space.stems[0].channels = 1;
    net = make_network(&space, &o, NULL);
    first = snas_network_param(net, "stem0.fr1.weight1");
    second = snas_network_param(net, "stem0.fr1.weight2");
    assert_int_equal(net->params[first].shape[1], 1);
    assert_int_equal(net->params[second].shape[1], 2);
    snas_network_destroy(net);
}

static void network__takes_its_first_inputs_from_both_stems_when_there_are_two(void **state)
{
    (void)state;
    struct snas_space space;
    read_space("darts-imagenet", &space);
    struct snas_network_options o = {
        .channels = 6, .layers = 3, .input = {3, 40, 40}, .classes = 5, .affine = 1};
    struct snas_network *net = make_network(&space, &o, NULL);
    assert_sound(net);
    assert_shape(tensor_named(net, "stem0")->shape, 6, 10, 10);
    assert_shape(tensor_named(net, "stem1")->shape, 6, 5, 5);
    assert_string_equal(net->tensors[net->cells[0].input[0]].name, "stem0");
    assert_string_equal(net->tensors[net->cells[0].input[1]].name, "stem1");
    assert_shape(tensor_named(net, "cell0.pre0")->shape, 6, 5, 5);
    int half = snas_network_param(net, "stem0.conv1.weight");
    assert_int_equal(net->params[half].shape[3], 3);
    snas_network_destroy(net);
}

/* One input, a sum or the last node as output. */
static void network__follows_the_output_rule_when_it_is_not_concat(void **state)
{
    (void)state;
    static const char *const ops[] = {"none", "skip_connect", "nor_conv_3x3"};
    struct snas_space space;
    fixture_space(&space, 3, 3, ops);
    space.n_kinds = 1;
    space.n_reduce_at = 0;
    space.kinds[0].inputs = 1;
    struct snas_network_options o = {
        .channels = 4, .layers = 2, .input = {1, 6, 6}, .classes = 2, .affine = 1};
    space.kinds[0].output = SNAS_OUTPUT_LAST;
    struct snas_network *net = make_network(&space, &o, NULL);
    assert_sound(net);
    assert_int_equal(net->n_edges, 2 * 6);
    assert_string_equal(net->tensors[net->cells[0].out].name, "cell0.node2");
    assert_int_equal(net->cells[1].input[0], net->cells[0].out);
    snas_network_destroy(net);
    space.kinds[0].output = SNAS_OUTPUT_SUM;
    net = make_network(&space, &o, NULL);
    assert_sound(net);
    assert_true(tensor_named(net, "cell1")->sum);
    assert_int_equal(tensor_named(net, "cell1")->n_parts, 3);
    assert_shape(tensor_named(net, "cell1")->shape, 4, 6, 6);
    snas_network_destroy(net);
}

static void network__uses_a_kind_for_each_reduction_when_the_space_has_two(void **state)
{
    (void)state;
    struct snas_space space;
    fixture_darts(&space);
    space.n_kinds = 3;
    space.kinds[2] = space.kinds[1];
    snprintf(space.kinds[2].name, SNAS_NAME_MAX, "second");
    assert_int_equal(snas_space_cell_kind(&space, 6, 2), 1);
    assert_int_equal(snas_space_cell_kind(&space, 6, 4), 2);
    assert_int_equal(snas_space_cell_kind(&space, 6, 5), 0);
}

/* Same op twice from one slot, and a node without input. */
static void network__keeps_every_choice_when_a_genotype_repeats_one(void **state)
{
    (void)state;
    struct snas_space space;
    fixture_darts(&space);
    struct snas_genotype g = {.name = "twice"};
    for (int k = 0; k < 2; k++)
        g.cells[k] = (struct snas_genotype_cell){
            .n_nodes = 3,
            .n_choices = {2, 0, 3},
            .choices = {{{2, 0}, {2, 0}}, {{0, 0}}, {{4, 3}, {3, 1}, {3, 2}}},
            .n_concat = 1,
            .concat = {2}};
    struct snas_network_options o = search_options();
    struct snas_network *net = make_network(&space, &o, &g);
    assert_sound(net);
    assert_int_equal(net->n_edges, 8 * 5);
    assert_int_equal(net->n_z, 8 * 5);
    assert_int_equal(net->nodes[1].n_edges, 0);
    assert_int_equal(net->cells[0].out, net->nodes[2].tensor);
    assert_true(snas_network_param(net, "cell0.node0.edge1.bn1.mean") >= 0);
    assert_true(snas_network_param(net, "cell0.node2.edge0.dw2.weight") >= 0);
    assert_int_equal(net->edges[2].kind_edge, snas_kind_edge(&space.kinds[0], 3, 2));
    snas_network_destroy(net);
}

static void assert_refused(const struct snas_space *space, const struct snas_network_options *o,
                           const char *part)
{
    struct snas_network *net = NULL;
    struct snas_err err = {0};
    assert_int_not_equal(snas_network_create(space, o, NULL, &net, &err), SNAS_OK);
    assert_null(net);
    assert_contains(err.text, part);
    assert_int_not_equal(snas_network_create(space, o, NULL, &net, NULL), SNAS_OK);
}

static void network__is_refused_when_a_size_is_impossible(void **state)
{
    (void)state;
    struct snas_space space;
    fixture_darts(&space);
    struct snas_network_options good = search_options(), o;
    o = good, o.channels = 0;
    assert_refused(&space, &o, "channels");
    o = good, o.classes = 0;
    assert_refused(&space, &o, "classes");
    o = good, o.layers = 0;
    assert_refused(&space, &o, "layers");
    o = good, o.layers = 1001;
    assert_refused(&space, &o, "layers");
    o = good, o.input.h = 0;
    assert_refused(&space, &o, "input");
    o = good, o.input.h = o.input.w = 2;
    assert_refused(&space, &o, "the input is too small: 1 x 1");
    o = good, o.channels = 2147483647;
    assert_refused(&space, &o, "values in a tensor");
    o = good, o.input.h = o.input.w = 65536;
    assert_refused(&space, &o, "values in a tensor");
    o = good, o.classes = 2147483647;
    assert_refused(&space, &o, "values in a tensor");
    o = good, o.channels = 1;
    space.preprocess_same = fixture_steps(1, "relu bn");
    assert_refused(&space, &o, "cell0.pre0 gives 3 channels where 1 are needed");
    fixture_darts(&space);
    space.stems[0] = fixture_steps(1, "conv3x3s2:C/2 bn");
    o.channels = 1;
    assert_refused(&space, &o, "stem0: 0 channels, at least 1");
    space.stems[0] = fixture_steps(1, "conv3x3 bn fr bn");
    assert_refused(&space, &o, "stem0: 1 channels, at least 2");
}

static void network__maps_its_parameters_to_the_supernet_when_it_is_a_child(void **state)
{
    (void)state;
    struct snas_space space;
    read_space("darts", &space);
    struct snas_genotype g;
    read_genotype("SNAS_mild", &space, &g);
    struct snas_network_options o = search_options();
    struct snas_network *supernet = make_network(&space, &o, NULL);
    struct snas_network *child = make_network(&space, &o, &g);
    int *map = calloc((size_t)child->n_params, sizeof map[0]);
    unsigned char *taken = calloc((size_t)supernet->n_params, 1);
    struct snas_err err = {0};
    memset(map, 0xff, (size_t)child->n_params * sizeof map[0]);
    assert_ok(snas_network_map_params(supernet, child, map, &err), &err);
    for (int i = 0; i < child->n_params; i++) {
        assert_in_range(map[i], 0, supernet->n_params - 1);
        assert_int_equal(taken[map[i]]++, 0);
        assert_int_equal(supernet->params[map[i]].kind, child->params[i].kind);
    }
    /* node 3's second choice is sep_conv_3x3 of slot 1 */
    int from = snas_network_param(supernet, "cell4.node3.edge1.sep_conv_3x3.pw2.weight");
    int to = snas_network_param(child, "cell4.node3.edge1.pw2.weight");
    assert_int_equal(map[to], from);
    free(taken);
    snas_network_destroy(child);
    o.affine = 1;
    child = make_network(&space, &o, &g);
    free(map);
    map = calloc((size_t)child->n_params, sizeof map[0]);
    assert_int_equal(snas_network_map_params(supernet, child, map, &err), SNAS_E_UNSUPPORTED);
    assert_contains(err.text, "gamma");
    free(map);
    snas_network_destroy(child);
    snas_network_destroy(supernet);
}

static void network__maps_each_op_when_a_slot_gives_two(void **state)
{
    (void)state;
    struct snas_space space;
    read_space("darts", &space);
    struct snas_genotype g;
    read_genotype("DARTS_V2", &space, &g);
    g.cells[0].choices[1][0] = (struct snas_choice){snas_space_op(&space, "sep_conv_3x3"), 2};
    g.cells[0].choices[1][1] = (struct snas_choice){snas_space_op(&space, "dil_conv_5x5"), 2};
    struct snas_network_options o = search_options();
    struct snas_network *supernet = make_network(&space, &o, NULL);
    struct snas_network *child = make_network(&space, &o, &g);
    int *map = calloc((size_t)child->n_params, sizeof map[0]);
    struct snas_err err = {0};
    assert_ok(snas_network_map_params(supernet, child, map, &err), &err);
    int first = snas_network_param(child, "cell0.node1.edge0.dw1.weight");
    int second = snas_network_param(child, "cell0.node1.edge1.dw1.weight");
    assert_int_equal(map[first],
                     snas_network_param(supernet, "cell0.node1.edge2.sep_conv_3x3.dw1.weight"));
    assert_int_equal(map[second],
                     snas_network_param(supernet, "cell0.node1.edge2.dil_conv_5x5.dw1.weight"));
    free(map);
    snas_network_destroy(child);
    snas_network_destroy(supernet);
}

static void network__maps_nothing_when_a_slot_gives_an_op_twice(void **state)
{
    (void)state;
    struct snas_space space;
    fixture_darts(&space);
    struct snas_genotype g;
    read_genotype("DARTS_V2", &space, &g);
    g.cells[0].choices[1][1] = g.cells[0].choices[1][0];
    struct snas_network_options o = search_options();
    struct snas_network *supernet = make_network(&space, &o, NULL);
    struct snas_network *child = make_network(&space, &o, &g);
    int *map = calloc((size_t)child->n_params, sizeof map[0]);
    struct snas_err err = {0};
    assert_int_equal(snas_network_map_params(supernet, child, map, &err), SNAS_E_UNSUPPORTED);
    assert_contains(err.text, "cell0.node1.edge1");
    assert_int_equal(snas_network_map_params(child, supernet, map, &err), SNAS_E_UNSUPPORTED);
    free(map);
    snas_network_destroy(child);
    snas_network_destroy(supernet);
}

static enum snas_status attempt_network(void *arg, struct snas_err *err)
{
    struct snas_network_options o = {
        .channels = 4, .layers = 3, .input = {3, 8, 8}, .classes = 2, .affine = 1};
    struct snas_network *net;
    struct snas_genotype g = {.name = "some"};
    for (int k = 0; k < 2; k++)
        g.cells[k] = (struct snas_genotype_cell){
            .n_nodes = 1, .n_choices = {1}, .choices = {{{4, 0}}}, .n_concat = 1};
    enum snas_status status = snas_network_create(arg, &o, NULL, &net, err);
    if (status == SNAS_OK)
        snas_network_destroy(net);
    if (status == SNAS_OK)
        status = snas_network_create(arg, &o, &g, &net, err);
    if (status == SNAS_OK)
        snas_network_destroy(net);
    return status;
}

static void network__frees_all_when_an_allocation_fails(void **state)
{
    (void)state;
    struct snas_space space;
    fixture_darts(&space);
    fail_every_allocation(attempt_network, &space);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(network__has_the_published_parameters_when_it_is_the_search_supernet),
        cmocka_unit_test(network__is_sound_when_its_sides_are_odd_and_its_sizes_are_any),
        cmocka_unit_test(network__halves_odd_sides_upwards_when_cells_reduce),
        cmocka_unit_test(network__reduces_at_the_thirds_when_layers_are_few_or_many),
        cmocka_unit_test(network__has_the_layers_and_names_of_the_header_when_it_is_a_supernet),
        cmocka_unit_test(network__gives_the_odd_channel_to_the_second_half_when_channels_are_odd),
        cmocka_unit_test(network__takes_its_first_inputs_from_both_stems_when_there_are_two),
        cmocka_unit_test(network__follows_the_output_rule_when_it_is_not_concat),
        cmocka_unit_test(network__uses_a_kind_for_each_reduction_when_the_space_has_two),
        cmocka_unit_test(network__keeps_every_choice_when_a_genotype_repeats_one),
        cmocka_unit_test(network__is_refused_when_a_size_is_impossible),
        cmocka_unit_test(network__maps_its_parameters_to_the_supernet_when_it_is_a_child),
        cmocka_unit_test(network__maps_each_op_when_a_slot_gives_two),
        cmocka_unit_test(network__maps_nothing_when_a_slot_gives_an_op_twice),
        cmocka_unit_test(network__frees_all_when_an_allocation_fails),
    };
    return snas_test_run(tests);
}

/* Spaces whose stack is stages with a fixed block between, and NAS-Bench-201's. */
#include "testing.h"

#include "space/cost.h"

#define CELL "name: x\ncells: {a: {inputs: 1, nodes: 2, output: last, ops: [skip_connect]}}\n"
#define STEM "stem: [{channels: 1, steps: [conv3x3, bn]}]\n"
#define HEAD "head: [bn, relu, gap, linear]\n"
#define BETWEEN "between: [[relu, conv3x3s2, bn], [avg2s2, pw]]"

static void stages__are_read_back_when_dumped(void **state)
{
    (void)state;
    static const char *const stacks[] = {
        "stack: {stages: [1, 2, 4], " BETWEEN "}\n",
        "stack: {stages: [1, 1]}\n",
        "stack: {stages: [1, 1], between: [[], [\"pw:C/2\", bn, pw]]}\n",
        "preprocess: {same: []}\n",
    };
    for (size_t i = 0; i < sizeof stacks / sizeof stacks[0]; i++) {
        struct snas_space a, b;
        struct snas_err err = {0};
        char text[1024], *dumped;
        snprintf(text, sizeof text, CELL "%s" STEM HEAD, stacks[i]);
        assert_ok(parse_space(text, &a, &err), &err);
        assert_ok(snas_space_dump(&a, &dumped, &err), &err);
        assert_ok(parse_space(dumped, &b, &err), &err);
        assert_memory_equal(&a, &b, sizeof a);
        snas_free(dumped);
    }
}

static void stages__are_refused_with_their_place_when_they_are_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {CELL "stack: {stages: []}\n" STEM HEAD, "s.yaml:3:17: stages is a list of 1..8"},
        {CELL "stack: {stages: 3}\n" STEM HEAD, "s.yaml:3:17: stages is a list of 1..8"},
        {CELL "stack:\n  stages: [1, 0, 4]\n  " BETWEEN "\n" STEM HEAD,
         "s.yaml:4:15: a stage's channels (in multiples of C) is a number from 1 to 64, not '0'"},
        {CELL "stack: {stages: [1, two], " BETWEEN "}\n" STEM HEAD, "s.yaml:3:21: a stage's"},
        {CELL "stack: {stages: [1, 2], reduce_at: [1/2]}\n" STEM HEAD,
         "s.yaml:3:8: stack needs 'reduce_at' or 'stages', one of the two"},
        {CELL "stack: {" BETWEEN "}\n" STEM HEAD, "there are no 'stages'"},
        {CELL "stack: {stages: [1, 2], between: []}\n" STEM HEAD,
         "s.yaml:3:34: between is a list of 1..4 paths"},
        {CELL "stack: {stages: [1, 2], between: [conv3x3s2, bn]}\n" STEM HEAD,
         "s.yaml:3:35: between is a list of at most 16 steps"},
        {CELL "stack: {stages: [1, 2], between: [[conv3x3s2], [avg3, gap]]}\n" STEM HEAD,
         "s.yaml:3:55: between: 'gap' belongs into the head"},
        /* paths that do not meet */
        {CELL "stack:\n  stages: [1, 2]\n  between:\n    - [conv3x3s2, bn]\n    - [pw]\n" STEM HEAD,
         "s.yaml:7:7: between: the strides make 1, those of the first path make 2"},
        {CELL
         "stack:\n  stages: [1, 2]\n  between:\n    - [conv3x3s2, bn]\n    - [avg2s2]\n" STEM HEAD,
         "s.yaml:7:7: between: a path without pw, conv or fr keeps its channels, but those of the "
         "stages differ"},
        {CELL
         "stack: {stages: [1, 2], between: [[conv3x3s2], [avg2s2, \"pw:2C\", bn]]}\n" STEM HEAD,
         "s.yaml:3:48: between: the path ends with 2/1 of the channels of the stage's cells"},
        /* channels that nothing changes */
        {CELL "stack: {stages: [1, 1, 2]}\n" STEM HEAD,
         "s.yaml:3:24: 2 C follows 1 C: 'between' must say how"},
        {CELL "stem: [{channels: 3, steps: [conv3x3, bn]}]\n" HEAD,
         "s.yaml:3:19: without preprocess the first cell takes the stem's 3 C channels, and it has "
         "1 C"},
        {CELL "stack: {stages: [2, 4], " BETWEEN "}\n" STEM HEAD,
         "s.yaml:4:19: without preprocess the first cell takes the stem's 1 C channels, and it has "
         "2 C"},
        {"name: x\ncells:\n  a: {inputs: 1, nodes: 2, output: concat, ops: [skip_connect]}\n" STEM
             HEAD,
         "s.yaml:3:3: cell 'a': without preprocess"},
        {"name: x\ncells:\n  a: {inputs: 2, nodes: 1, output: last, ops: [skip_connect]}\n" STEM
             HEAD,
         "a space of cells with two inputs needs 'preprocess'"},
        /* a step that is none */
        {CELL "stack: {stages: [1, 2], between: [[avg2, pw]]}\n" STEM HEAD,
         "s.yaml:3:36: between: 'avg2' is no step"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct snas_space s;
        struct snas_err err = {0};
        if (parse_space(cases[i].text, &s, &err) == SNAS_OK)
            fail_msg("case %zu is taken: %s", i, cases[i].text);
        assert_contains(err.text, cases[i].says);
    }
}

static void network__is_refused_when_the_stages_cannot_share_its_layers(void **state)
{
    (void)state;
    struct snas_space space;
    struct snas_network *net;
    struct snas_err err = {0};
    read_space("nas-bench-201", &space);
    struct snas_network_options o = search_options();
    assert_int_equal(snas_network_create(&space, &o, NULL, &net, &err), SNAS_E_ARG);
    assert_contains(err.text, "layers: 8, but space 'nas-bench-201' has 3 stages");
    assert_null(net);
    o.layers = 3;
    o.input = (struct snas_shape){3, 1, 1};
    assert_int_equal(snas_network_create(&space, &o, NULL, &net, &err), SNAS_E_ARG);
    assert_contains(err.text, "cannot be halved");
}

static void network__has_stages_with_a_fixed_block_between_when_the_space_is_nas_bench_201(void **s)
{
    (void)s;
    struct snas_space space;
    read_space("nas-bench-201", &space);
    assert_true(snas_space_is_nb201(&space));
    struct snas_network_options o = search_options();
    o.layers = 15;
    struct snas_network *net = make_network(&space, &o, NULL);
    for (int i = 0; i < 15; i++) {
        const struct snas_cell *cell = &net->cells[i];
        const struct snas_shape shape = net->tensors[cell->slot[0]].shape;
        assert_int_equal(cell->channels, 16 << (i / 5));
        assert_int_equal(shape.c, cell->channels);
        assert_int_equal(shape.h, 32 >> (i / 5));
        assert_int_equal(cell->n_edges, 6);
        assert_int_equal(cell->n_pre[0], i == 5 || i == 10 ? 2 : 0);
        assert_int_equal(cell->out, cell->slot[3]);
        if (cell->n_pre[0] == 0)
            assert_int_equal(cell->slot[0], i ? net->cells[i - 1].out : net->blocks[0].out);
        else
            for (int p = 0; p < 2; p++)
                assert_int_equal(net->blocks[cell->pre[0] + p].out, cell->slot[0]);
    }
    assert_true(snas_network_param(net, "cell5.pre0.path0.conv2.weight") >= 0);
    assert_true(snas_network_param(net, "cell10.pre0.path1.pw1.weight") >= 0);
    assert_true(snas_network_param(net, "cell5.pre0.path0.bn1.gamma") >= 0); /* fixed: affine */
    assert_int_equal(snas_network_param(net, "cell5.node0.edge0.nor_conv_3x3.bn1.gamma"), -1);
    assert_true(snas_network_param(net, "head.bn1.gamma") >= 0);
    snas_network_destroy(net);
}

/* The largest network of NAS-Bench-201, which the benchmark lists with 1.531546 M parameters and
 * 220.12 M multiply-adds. By hand, C = 16, N = 5:
 *
 *   stem       conv 3x3 3 -> 16, BN                  9*3*16 + 2*16             =       464
 *   stage 1    5 cells x 6 edges x (3x3 conv, BN)    30 * (9*16*16 + 2*16)     =    70,080
 *   residual 1 conv a, BN; conv b, BN; shortcut      (9*16*32 + 64) + (9*32*32 + 64) + 16*32
 *                                                                              =    14,464
 *   stage 2                                          30 * (9*32*32 + 2*32)     =   278,400
 *   residual 2                                       (9*32*64 + 128) + (9*64*64 + 128) + 32*64
 *                                                                              =    57,600
 *   stage 3                                          30 * (9*64*64 + 2*64)     = 1,109,760
 *   tail BN                                          2*64                      =       128
 *   linear                                           64*10 + 10                =       650
 *   all                                                                          1,531,546
 *
 * Multiply-adds: stem 432*32*32; every stage 30 * 9*16*16 * 32*32 (C doubles where the side halves)
 * = 70,778,880; residual 1 (4,608 + 9,216 + 512)*16*16 = 3,670,016 = residual 2
 * (18,432 + 36,864 + 2,048)*8*8; linear 640:
 *   442,368 + 3 * 70,778,880 + 2 * 3,670,016 + 640 = 220,119,680 */
static void totals__are_those_worked_out_by_hand_when_all_edges_are_nor_conv_3x3(void **state)
{
    (void)state;
    static const char text[] = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+"
                               "|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|";
    struct snas_space space;
    struct snas_genotype g;
    struct snas_totals totals;
    struct snas_err err = {0};
    read_space("nas-bench-201", &space);
    assert_ok(snas_genotype_parse("nb201", text, strlen(text), &space, &g, &err), &err);
    struct snas_network_options o = {
        .channels = 16, .layers = 15, .input = {3, 32, 32}, .classes = 10, .affine = 1};
    struct snas_network *net = make_network(&space, &o, &g);
    snas_network_totals(net, NULL, &totals);
    assert_int_equal(snas_network_param_count(net), 1531546);
    assert_int_equal(totals.params, 1531546);
    assert_int_equal(totals.madds, 220119680);
    struct snas_totals sum = {0}, part;
    for (int i = 0; i < net->n_cells; i++) {
        snas_cell_totals(net, NULL, i, &part);
        sum.params += part.params;
        sum.madds += part.madds;
        sum.madds_all += part.madds_all;
    }
    const int ends[2] = {net->stem[0], net->head};
    for (int i = 0; i < 2; i++) {
        snas_block_totals(net, NULL, ends[i], &part);
        sum.params += part.params;
        sum.madds += part.madds;
        sum.madds_all += part.madds_all;
    }
    assert_int_equal(sum.params, totals.params);
    assert_int_equal(sum.madds, totals.madds);
    assert_int_equal(sum.madds_all, totals.madds_all);
    snas_network_destroy(net);
}

/* Node 0 has no input, so its edges go; node 1 lives by the cell's input alone. */
static void alive__leaves_dead_nodes_out_when_cells_have_one_input(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int connected, edges; /* of a cell that are computed */
    } cases[] = {
        {"|none~0|+|nor_conv_3x3~0|nor_conv_1x1~1|+|none~0|skip_connect~1|avg_pool_3x3~2|", 1, 2},
        {"|skip_connect~0|+|none~0|none~1|+|skip_connect~0|none~1|nor_conv_3x3~2|", 1, 1},
        {"|nor_conv_3x3~0|+|skip_connect~0|none~1|+|none~0|none~1|none~2|", 0, 0},
    };
    struct snas_space space;
    read_space("nas-bench-201", &space);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct snas_genotype g;
        struct snas_alive alive;
        struct snas_err err = {0};
        assert_ok(snas_genotype_parse("g", cases[i].text, strlen(cases[i].text), &space, &g, &err),
                  &err);
        struct snas_network_options o = search_options();
        o.layers = 6;
        struct snas_network *net = make_network(&space, &o, &g);
        assert_ok(snas_network_alive(net, &alive, &err), &err);
        assert_int_equal(alive.connected, cases[i].connected);
        int edges = 0;
        for (int e = 0; e < net->n_edges; e++)
            edges += alive.block[net->edges[e].first_block];
        assert_int_equal(edges, 6 * cases[i].edges);
        for (int c = 0; c < 6; c++)
            for (int p = 0; p < net->cells[c].n_pre[0]; p++)
                assert_int_equal(alive.block[net->cells[c].pre[0] + p], cases[i].connected);
        snas_alive_clear(&alive);
        snas_network_destroy(net);
    }
}

static void child__takes_every_parameter_from_the_supernet_when_it_has_stages(void **state)
{
    (void)state;
    static const char text[] = "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|none~0|"
                               "avg_pool_3x3~1|nor_conv_3x3~2|";
    struct snas_space space;
    struct snas_genotype g;
    struct snas_err err = {0};
    read_space("nas-bench-201", &space);
    assert_ok(snas_genotype_parse("g", text, strlen(text), &space, &g, &err), &err);
    struct snas_network_options o = search_options();
    o.layers = 6;
    struct snas_network *supernet = make_network(&space, &o, NULL);
    struct snas_network *child = make_network(&space, &o, &g);
    int *map = test_malloc((size_t)child->n_params * sizeof *map);
    memset(map, 0xff, (size_t)child->n_params * sizeof *map);
    assert_ok(snas_network_map_params(supernet, child, map, &err), &err);
    for (int i = 0; i < child->n_params; i++) {
        assert_true(map[i] >= 0);
        if (strstr(child->params[i].name, "edge") == NULL) /* fixed ones have one name in both */
            assert_string_equal(child->params[i].name, supernet->params[map[i]].name);
    }
    test_free(map);
    snas_network_destroy(child);
    snas_network_destroy(supernet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stages__are_read_back_when_dumped),
        cmocka_unit_test(stages__are_refused_with_their_place_when_they_are_wrong),
        cmocka_unit_test(network__is_refused_when_the_stages_cannot_share_its_layers),
        cmocka_unit_test(
            network__has_stages_with_a_fixed_block_between_when_the_space_is_nas_bench_201),
        cmocka_unit_test(totals__are_those_worked_out_by_hand_when_all_edges_are_nor_conv_3x3),
        cmocka_unit_test(alive__leaves_dead_nodes_out_when_cells_have_one_input),
        cmocka_unit_test(child__takes_every_parameter_from_the_supernet_when_it_has_stages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

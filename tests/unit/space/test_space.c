#include "testing.h"

#define CELLS                                                                                      \
    "cells:\n"                                                                                     \
    "  normal: {inputs: 2, nodes: 2, ops: [none, skip_connect, sep_conv_3x3]}\n"                   \
    "  reduce: {inputs: 2, nodes: 2, ops: [none, skip_connect], stride: 2}\n"
#define REST                                                                                       \
    "stem: [{channels: 3, steps: [conv3x3, bn]}]\n"                                                \
    "preprocess: {same: [relu, pw, bn], reduce: [relu, fr, bn]}\n"                                 \
    "head: [gap, linear]\n"
#define STACK "stack: {reduce_at: [1/3, 2/3]}\n"

static void space__equals_the_one_made_by_hand_when_it_is_darts(void **state)
{
    (void)state;
    struct snas_space have, want;
    read_space("darts", &have);
    fixture_darts(&want);
    /* what a file says nothing of */
    want.preprocess_same.channels = want.preprocess_reduce.channels = want.head.channels = 0;
    assert_memory_equal(&have, &want, sizeof want);
}

static void space__reads_back_what_it_dumped_when_it_is_any_shipped_one(void **state)
{
    (void)state;
    static const char *const names[] = {"darts", "darts-imagenet", "nasnet", "tiny",
                                        "nas-bench-201"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct snas_space a, b;
        struct snas_err err = {0};
        char *text = NULL;
        read_space(names[i], &a);
        assert_string_equal(a.name, names[i]);
        assert_ok(snas_space_dump(&a, &text, &err), &err);
        assert_ok(parse_space(text, &b, &err), &err);
        assert_memory_equal(&a, &b, sizeof a);
        snas_free(text);
    }
}

static void space__takes_ops_of_its_own_when_the_file_defines_them(void **state)
{
    (void)state;
    struct snas_space s, back;
    struct snas_err err = {0};
    assert_ok(parse_space("name: own\n"
                          "ops:\n"
                          "  bottleneck: {stride1: [relu, \"pw:C/4\", bn, relu, dw7, pw, bn],\n"
                          "               stride2: [relu, \"pw:C/4\", bn, relu, dw7s2, pw, bn]}\n"
                          "  nothing: {zero: true}\n"
                          "cells:\n"
                          "  one: {inputs: 1, nodes: 3, output: last,\n"
                          "        ops: [nothing, bottleneck, skip_connect]}\n"
                          "stem: [{channels: 1, steps: [conv3x3, bn]}]\n"
                          "preprocess: {same: [relu, pw, bn]}\n"
                          "head: [bn, relu, gap, linear]\n",
                          &s, &err),
              &err);
    assert_int_equal(s.n_ops, 3);
    assert_int_equal(s.ops[0].n_steps[1], 7);
    assert_int_equal(s.ops[0].steps[0][1].div, 4);
    assert_true(s.ops[1].zero);
    assert_int_equal(s.kinds[0].op[0], 1);
    assert_int_equal(s.kinds[0].output, SNAS_OUTPUT_LAST);
    struct snas_network_options o = {
        .channels = 8, .layers = 2, .input = {3, 9, 9}, .classes = 4, .affine = 1};
    struct snas_network *net = make_network(&s, &o, NULL);
    int pw = snas_network_param(net, "cell0.node0.edge0.bottleneck.pw1.weight");
    assert_int_equal(net->params[pw].shape[0], 8);
    assert_int_equal(net->params[pw].shape[1], 2);
    snas_network_destroy(net);
    char *text;
    assert_ok(snas_space_dump(&s, &text, &err), &err);
    assert_ok(parse_space(text, &back, &err), &err);
    assert_memory_equal(&s, &back, sizeof s);
    snas_free(text);
}

static void space__says_every_error_with_its_place_when_a_file_has_many(void **state)
{
    (void)state;
    struct snas_space s;
    struct snas_err err = {0};
    assert_int_equal(
        parse_space("name: many\n"
                    "cells:\n"
                    "  normal: {inputs: 3, nodes: 2, ops: [none, sep_conv_3x4], outpt: sum}\n"
                    "  reduce: {nodes: 0, ops: [none], stride: 2, output: concta}\n"
                    "stack: {reduce_at: [1/3, 3/3]}\n"
                    "stem: [{channels: 3, steps: [conv3x3, bm]}]\n"
                    "preprocess: {same: [relu, pws2, bn], reduce: [relu, fr, bn]}\n"
                    "haed: [gap, linear]\n",
                    &s, &err),
        SNAS_E_CONFIG);
    static const char *const lines[] = {
        "s.yaml:3:20: inputs is a number from 1 to 2, not '3'",
        "s.yaml:3:45: unknown op 'sep_conv_3x4' (did you mean 'sep_conv_3x3'?)",
        "s.yaml:3:60: unknown key 'outpt' (did you mean 'output'?)",
        "s.yaml:4:19: nodes is a number from 1 to 16, not '0'",
        "s.yaml:4:27: a cell needs an op other than zero",
        "s.yaml:4:54: unknown output rule 'concta' (did you mean 'concat'?)",
        "s.yaml:5:26: reduce_at: a fraction of the layers like 1/3, below 1, is expected",
        "s.yaml:6:39: stem: 'bm' is no step",
        "s.yaml:7:20: preprocess.same: the strides make 2, they must make 1",
        "s.yaml:8:1: unknown key 'haed' (did you mean 'head'?)",
        "s.yaml:1:1: a space needs 'head'",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        assert_contains(err.text, lines[i]);
    int newlines = 0;
    for (const char *p = err.text; *p; p++)
        newlines += *p == '\n';
    assert_int_equal(newlines + 1, sizeof lines / sizeof lines[0]);
}

static void space__is_refused_when_one_thing_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "s.yaml:1:1"},
        {"[1, 2]", "s.yaml:1:1: a space is a map"},
        {"name: x\n" CELLS REST, "need each other"},
        {"name: x\n" CELLS STACK REST "stack: {reduce_at: [1/2]}\n", "twice"},
        {"name: 'a b'\n" CELLS STACK REST, "name is made of"},
        {"name: [a]\n" CELLS STACK REST, "name is one word"},
        {"name: x\ncells: 3\n" STACK REST, "cells is a map"},
        {"name: x\ncells: {}\n" STACK REST, "1..4 kinds"},
        {"name: x\ncells: {a: {nodes: 1, ops: [skip_connect], stride: 2}}\n" STACK REST,
         "the first kind is the normal one"},
        {"name: x\ncells: {a: {nodes: 1, ops: [skip_connect]}, b: {nodes: 1, ops: "
         "[skip_connect]}}\n" STACK REST,
         "no cell would be of kind 'b'"},
        {"name: x\ncells: {a: {nodes: 1, ops: [none, none]}}\n" REST, "listed twice"},
        {"name: x\ncells: {a: {nodes: 1, ops: []}}\n" REST, "list of 1..32 ops"},
        {"name: x\ncells: {a: {nodes: one, ops: [skip_connect]}}\n" REST, "not 'one'"},
        {"name: x\ncells: {a: {nodes: '1', ops: [skip_connect]}}\n" REST, "not '1'"},
        {"name: x\ncells: {a: {ops: [skip_connect]}}\n" REST, "a cell needs 'nodes'"},
        {"name: x\ncells: {a: {nodes: 1}}\n" REST, "a cell needs 'ops'"},
        {"name: x\ncells: {a: [1]}\n" REST, "a cell is a map"},
        {"name: x\ncells: {a: {nodes: 1, ops: [[x]]}}\n" REST, "an op is one word"},
        {"name: x\n" CELLS "stack: {reduce_at: 1/3}\n" REST, "list of at most 4"},
        {"name: x\n" CELLS "stack: {reduce_at: [1/2, 1/3, 1/4, 1/5, 1/6]}\n" REST, "at most 4"},
        {"name: x\n" CELLS "stack: {reduce_at: [1/0]}\n" REST, "a fraction"},
        {"name: x\n" CELLS "stack: {reduce_at: [1/3x]}\n" REST, "a fraction"},
        {"name: x\n" CELLS "stack: {}\n" REST, "stack needs 'reduce_at'"},
        {"name: x\n" CELLS STACK "stem: []\npreprocess: {same: [pw], reduce: [fr]}\n"
         "head: [gap, linear]\n",
         "stem is a list of 1..2"},
        {"name: x\n" CELLS STACK "stem: [{channels: 0, steps: [conv3x3]}]\n"
         "preprocess: {same: [pw], reduce: [fr]}\nhead: [gap, linear]\n",
         "channels (in multiples of C) is a number from 1 to 64"},
        {"name: x\n" CELLS STACK "stem: [{channels: 1, steps: [gap]}]\n"
         "preprocess: {same: [pw], reduce: [fr]}\nhead: [gap, linear]\n",
         "'gap' belongs into the head"},
        {"name: x\n" CELLS STACK "stem: [{channels: 1, steps: [pw]}]\n"
         "preprocess: {same: [pw]}\nhead: [gap, linear]\n",
         "preprocess of cells with two inputs needs 'reduce'"},
        {"name: x\n" CELLS STACK "stem: [{channels: 1, steps: [pw]}]\n"
         "preprocess: {same: [pw], reduce: [pw]}\nhead: [gap, linear]\n",
         "the strides make 1, they must make 2"},
        {"name: x\n" CELLS STACK "stem: [{channels: 1, steps: [pw]}]\n"
         "preprocess: {same: [pw], reduce: [fr]}\nhead: [linear]\n",
         "the head ends in gap, linear"},
        {"name: x\n" CELLS STACK "stem: [{channels: 1, steps: [pw]}]\n"
         "preprocess: {same: [pw], reduce: [fr]}\nhead: [linear, gap, linear]\n",
         "the head ends in gap, linear"},
        {"name: x\nops: {a: {stride1: [pw]}}\n" CELLS STACK REST, "an op needs 'stride2'"},
        {"name: x\nops: {a: {stride1: [pw], stride2: [pw]}}\n" CELLS STACK REST,
         "stride2: the strides make 1, they must make 2"},
        {"name: x\nops: {a: {zero: false}}\n" CELLS STACK REST, "zero: true"},
        {"name: x\nops: {a: {zero: true, stride1: []}}\n" CELLS STACK REST, "zero: true"},
        {"name: x\nops: {a: {stride1: [relu, relu, relu, relu, relu, relu, relu, relu, relu, relu, "
         "relu, relu, relu, relu, relu, relu, pw], stride2: [fr]}}\n" CELLS STACK REST,
         "at most 16 steps"},
        {"name: x\nops: [a]\n" CELLS STACK REST, "ops is a map"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct snas_space s;
        struct snas_err err = {0};
        if (parse_space(cases[i].text, &s, &err) == SNAS_OK)
            fail_msg("case %zu is taken: %s", i, cases[i].text);
        assert_contains(err.text, cases[i].says);
        assert_contains(err.text, "s.yaml:");
        assert_int_not_equal(parse_space(cases[i].text, &s, NULL), SNAS_OK);
    }
}

static void space__is_refused_when_it_has_too_many_ops(void **state)
{
    (void)state;
    char text[4096] = "name: x\nops:\n";
    for (int i = 0; i < SNAS_MAX_OPS; i++) {
        size_t n = strlen(text);
        snprintf(text + n, sizeof text - n, "  op%d: {stride1: [], stride2: [fr]}\n", i);
    }
    size_t n = strlen(text);
    snprintf(text + n, sizeof text - n, "%s", CELLS STACK REST);
    struct snas_space s;
    struct snas_err err = {0};
    assert_int_equal(parse_space(text, &s, &err), SNAS_E_CONFIG);
    assert_contains(err.text, "more than 32 ops");
}

static void space__says_what_it_looked_for_when_there_is_none(void **state)
{
    (void)state;
    struct snas_space s;
    struct snas_err err = {0};
    assert_int_not_equal(snas_space_read("dart", &s, &err), SNAS_OK);
    assert_contains(err.text, "space 'dart'");
    assert_int_equal(snas_space_read("./none.yaml", &s, &err), SNAS_E_IO);
    assert_contains(err.text, "./none.yaml");
}

static void kind_edge__numbers_all_edges_in_order_when_nodes_are_walked(void **state)
{
    (void)state;
    for (int inputs = 1; inputs <= 2; inputs++) {
        struct snas_cell_kind kind = {.inputs = inputs, .nodes = 5};
        int next = 0;
        for (int node = 0; node < 5; node++)
            for (int slot = 0; slot < inputs + node; slot++)
                assert_int_equal(snas_kind_edge(&kind, slot, node), next++);
        assert_int_equal(snas_kind_edges(&kind), next);
        assert_int_equal(snas_kind_edge(&kind, inputs, 0), -1);
        assert_int_equal(snas_kind_edge(&kind, -1, 0), -1);
        assert_int_equal(snas_kind_edge(&kind, 0, 5), -1);
    }
}

static enum snas_status attempt_space(void *arg, struct snas_err *err)
{
    (void)arg;
    struct snas_space s;
    char *text = NULL;
    enum snas_status status = snas_space_read("tiny", &s, err);
    if (status == SNAS_OK)
        status = snas_space_dump(&s, &text, err);
    if (status == SNAS_OK)
        status = parse_space(text, &s, err);
    snas_free(text);
    return status;
}

static void space__frees_all_when_an_allocation_fails(void **state)
{
    (void)state;
    fail_every_allocation(attempt_space, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(space__equals_the_one_made_by_hand_when_it_is_darts),
        cmocka_unit_test(space__reads_back_what_it_dumped_when_it_is_any_shipped_one),
        cmocka_unit_test(space__takes_ops_of_its_own_when_the_file_defines_them),
        cmocka_unit_test(space__says_every_error_with_its_place_when_a_file_has_many),
        cmocka_unit_test(space__is_refused_when_one_thing_is_wrong),
        cmocka_unit_test(space__is_refused_when_it_has_too_many_ops),
        cmocka_unit_test(space__says_what_it_looked_for_when_there_is_none),
        cmocka_unit_test(kind_edge__numbers_all_edges_in_order_when_nodes_are_walked),
        cmocka_unit_test(space__frees_all_when_an_allocation_fails),
    };
    return snas_test_run(tests);
}

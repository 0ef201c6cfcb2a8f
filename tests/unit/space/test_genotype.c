#include "base/rng.h"
#include "testing.h"

static enum snas_status parse(const char *text, const struct snas_space *space,
                              struct snas_genotype *g, struct snas_err *err)
{
    return snas_genotype_parse("g.txt", text, strlen(text), space, g, err);
}

static void assert_cell(const struct snas_space *space, const struct snas_genotype_cell *c,
                        const char *want)
{
    char have[512] = "";
    for (int n = 0; n < c->n_nodes; n++)
        for (int i = 0; i < c->n_choices[n]; i++) {
            size_t k = strlen(have);
            snprintf(have + k, sizeof have - k, "%d:%s(%d) ", n,
                     space->ops[c->choices[n][i].op].name, c->choices[n][i].from);
        }
    for (int i = 0; i < c->n_concat; i++) {
        size_t k = strlen(have);
        snprintf(have + k, sizeof have - k, "%d", c->concat[i]);
    }
    assert_string_equal(have, want);
}

static const char tuple[] = "Some.Name = Genotype(normal=[('sep_conv_3x3', 1), (\"skip_connect\", "
                            "0), ('skip_connect', 2),\n"
                            " ('max_pool_3x3', 0),], normal_concat=range(2, 4), # a comment\n"
                            " reduce=[[('max_pool_3x3', 1)], []], reduce_concat=[3])\n";

static void genotype__is_read_as_written_when_it_is_a_tuple(void **state)
{
    (void)state;
    struct snas_space space;
    struct snas_genotype g;
    struct snas_err err = {0};
    read_space("tiny", &space);
    assert_ok(parse(tuple, &space, &g, &err), &err);
    assert_string_equal(g.name, "Some.Name");
    assert_cell(&space, &g.cells[0],
                "0:sep_conv_3x3(1) 0:skip_connect(0) 1:skip_connect(2) 1:max_pool_3x3(0) 01");
    assert_cell(&space, &g.cells[1], "0:max_pool_3x3(1) 1");
}

static void genotype__is_read_as_written_when_it_is_json_or_yaml(void **state)
{
    (void)state;
    struct snas_space space;
    struct snas_genotype a, b, c;
    struct snas_err err = {0};
    read_space("tiny", &space);
    assert_ok(parse("{\"name\": \"x\", \"normal\": {\"nodes\": [[[\"sep_conv_3x3\", 1], "
                    "[\"sep_conv_3x3\", 1]], []], \"concat\": [1, 0]},\n"
                    " \"reduce\": {\"nodes\": [[], [[\"skip_connect\", 2]]]}}",
                    &space, &a, &err),
              &err);
    assert_string_equal(a.name, "x");
    assert_cell(&space, &a.cells[0], "0:sep_conv_3x3(1) 0:sep_conv_3x3(1) 10");
    assert_cell(&space, &a.cells[1], "1:skip_connect(2) 01");
    assert_ok(parse("# a genotype\nname: x\nreduce:\n  nodes: [[], [[skip_connect, 2]]]\nnormal:\n"
                    "  nodes:\n    - [[sep_conv_3x3, 1], [sep_conv_3x3, 1]]\n    - []\n"
                    "  concat: [1, 0]\n",
                    &space, &b, &err),
              &err);
    assert_true(snas_genotype_equal(&a, &b));
    c = a;
    c.cells[1].choices[1][0].from = 1;
    assert_false(snas_genotype_equal(&a, &c));
    c = a;
    c.cells[0].concat[0] = 0;
    assert_false(snas_genotype_equal(&a, &c));
    c = a;
    c.cells[0].n_choices[0]--;
    assert_false(snas_genotype_equal(&a, &c));
}

/* NAS-Bench-201's cell: one input, three nodes behind it, the last is the output. */
static void nb201_space(struct snas_space *space)
{
    static const char *const ops[] = {"none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3",
                                      "avg_pool_3x3"};
    fixture_space(space, 3, 5, ops);
    space->n_kinds = 1;
    space->n_reduce_at = 0;
    space->kinds[0].inputs = 1;
    space->kinds[0].output = SNAS_OUTPUT_LAST;
}

static void genotype__reads_and_writes_the_string_when_a_space_has_one_cell(void **state)
{
    (void)state;
    static const char text[] =
        "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|none~1|nor_conv_1x1~2|";
    struct snas_space space;
    struct snas_genotype g;
    struct snas_err err = {0};
    char *back = NULL;
    nb201_space(&space);
    assert_ok(parse(text, &space, &g, &err), &err);
    assert_cell(&space, &g.cells[0],
                "0:nor_conv_3x3(0) 1:skip_connect(1) 2:avg_pool_3x3(0) 2:nor_conv_1x1(2) 2");
    assert_ok(snas_genotype_format(&g, &space, SNAS_GENOTYPE_NB201, &back, &err), &err);
    assert_string_equal(back, text);
    snas_free(back);
    read_space("tiny", &space);
    assert_int_equal(parse(text, &space, &g, &err), SNAS_E_CONFIG);
    assert_contains(err.text, "this notation has one cell");
    assert_int_equal(snas_genotype_format(&g, &space, SNAS_GENOTYPE_NB201, &back, &err),
                     SNAS_E_UNSUPPORTED);
}

/* Any genotype of a space, repeated ops and dead nodes included. */
static void random_genotype(struct snas_rng *rng, const struct snas_space *space,
                            struct snas_genotype *g)
{
    memset(g, 0, sizeof *g);
    for (int k = 0; k < space->n_kinds; k++) {
        struct snas_genotype_cell *c = &g->cells[k];
        c->n_nodes = 1 + (int)snas_rng_below(rng, 5);
        for (int n = 0; n < c->n_nodes; n++) {
            c->n_choices[n] = (int)snas_rng_below(rng, 4);
            for (int i = 0; i < c->n_choices[n]; i++)
                c->choices[n][i] = (struct snas_choice){
                    .op = 1 + (int)snas_rng_below(rng, (uint32_t)space->n_ops - 1),
                    .from = (int)snas_rng_below(rng, (uint32_t)(space->kinds[k].inputs + n))};
        }
        int rule = space->kinds[k].output;
        for (int n = 0; n < c->n_nodes; n++)
            if (rule == SNAS_OUTPUT_LAST ? n == c->n_nodes - 1 : snas_rng_below(rng, 2) || n == 0)
                c->concat[c->n_concat++] = n;
    }
}

static void genotype__reads_back_what_it_wrote_when_it_is_any(void **state)
{
    (void)state;
    struct snas_space spaces[2];
    read_space("tiny", &spaces[0]);
    nb201_space(&spaces[1]);
    struct snas_rng rng = snas_rng_make(7, SNAS_STREAM_TEST, 0);
    for (int turn = 0; turn < 400; turn++)
        for (int s = 0; s < 2; s++)
            for (int notation = 0; notation < 2 + s; notation++) {
                struct snas_genotype a, b;
                struct snas_err err = {0};
                char *text = NULL;
                random_genotype(&rng, &spaces[s], &a);
                if (notation != SNAS_GENOTYPE_NB201 && turn % 2)
                    snprintf(a.name, sizeof a.name, "turn%d", turn);
                assert_ok(snas_genotype_format(&a, &spaces[s],
                                               (enum snas_genotype_notation)notation, &text, &err),
                          &err);
                assert_ok(parse(text, &spaces[s], &b, &err), &err);
                if (!snas_genotype_equal(&a, &b))
                    fail_msg("changed: %s", text);
                assert_string_equal(a.name, b.name);
                snas_free(text);
            }
}

static void genotype__is_the_published_one_when_it_is_shipped(void **state)
{
    (void)state;
    struct snas_space space;
    struct snas_genotype g;
    read_space("darts", &space);
    read_genotype("DARTS_V2", &space, &g);
    assert_string_equal(g.name, "DARTS_V2");
    assert_cell(&space, &g.cells[0],
                "0:sep_conv_3x3(0) 0:sep_conv_3x3(1) 1:sep_conv_3x3(0) 1:sep_conv_3x3(1) "
                "2:sep_conv_3x3(1) 2:skip_connect(0) 3:skip_connect(0) 3:dil_conv_3x3(2) 0123");
    assert_cell(&space, &g.cells[1],
                "0:max_pool_3x3(0) 0:max_pool_3x3(1) 1:skip_connect(2) 1:max_pool_3x3(1) "
                "2:max_pool_3x3(0) 2:skip_connect(2) 3:skip_connect(2) 3:max_pool_3x3(1) 0123");
}

static void genotype__takes_its_name_from_its_file_when_the_text_has_none(void **state)
{
    (void)state;
    struct snas_space space;
    struct snas_genotype g;
    struct snas_err err = {0};
    read_space("tiny", &space);
    char *dir = snas_test_make_dir();
    const char *text = strchr(tuple, '=') + 2, *path = snas_test_path(dir, "my cell.v2.txt");
    snas_test_write(path, text, strlen(text));
    assert_ok(snas_genotype_read(path, &space, &g, &err), &err);
    assert_string_equal(g.name, "my_cell_v2");
    snas_test_remove_dir(dir);
    assert_int_equal(snas_genotype_read("./none.txt", &space, &g, &err), SNAS_E_IO);
    assert_int_not_equal(snas_genotype_read("DARTS_V9", &space, &g, &err), SNAS_OK);
    assert_contains(err.text, "genotype 'DARTS_V9'");
}

#define R ", reduce=[[('skip_connect', 0)]], reduce_concat=[2])"
#define N "{normal: {nodes: [[[skip_connect, 0]]]}, "

static void genotype__is_refused_with_its_place_when_it_is_hostile(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "g.txt:1:1: there is no genotype in it"},
        {"  # only this", "there is no genotype in it"},
        {"Genotype", "g.txt:1:9: '(' is expected, the text ends"},
        {"Genotype(", "the name of a cell is expected, the text ends"},
        {"Genotype()", "cell 'normal' is missing"},
        {"Genotype(normal=[('skip_connect', 0)", "']' is expected, the text ends"},
        {"Genotype(normal=[('sep_conv_3x4', 0), ('skip_connect', 0)]" R,
         "g.txt:1:19: space 'tiny' has no op 'sep_conv_3x4' (did you mean 'sep_conv_3x3'?)"},
        {"Genotype(normal=[('none', 0), ('skip_connect', 0)]" R, "g.txt:1:19: 'none' is no choice"},
        {"Genotype(normal=[('skip_connect', 2), ('skip_connect', 0)]" R,
         "g.txt:1:19: node 0 cannot read slot 2: it has slots 0..1 before it"},
        {"Genotype(normal=[('skip_connect', 99999999999999999999), ('skip_connect', 0)]" R,
         "cannot read slot"},
        {"Genotype(normal=[('skip_connect', -1), ('skip_connect', 0)]" R, "a number is expected"},
        {"Genotype(normal=[('skip_connect', 0)]" R, "g.txt:1:17: 1 choices: a flat list has two"},
        {"Genotype(normal=[]" R, "0 nodes, 1..16"},
        {"Genotype(normal=[('skip_connect', 0), [('skip_connect', 0)]]" R, "'(' is expected"},
        {"Genotype(normal=[[('skip_connect', 0)], ('skip_connect', 0)]" R, "'[' is expected"},
        {"Genotype(normal=[('skip_connect' 0)]" R, "',' is expected before '0"},
        {"Genotype(normal=[('skip_connect\", 0)]" R, "''' is expected"},
        {"Genotype(normal=[[('skip_connect', 0)]], normal=[[('skip_connect', 0)]]" R,
         "cell 'normal' is given twice"},
        {"Genotype(normal=[[('skip_connect', 0)]], normal_concat=[2], normal_concat=[2]" R,
         "'normal_concat' is given twice"},
        {"Genotype(norml=[[('skip_connect', 0)]]" R, "(did you mean 'normal'?)"},
        {"Genotype(other_concat=[2]" R, "no kind of cell 'other'"},
        {"Genotype(normal=[[('skip_connect', 0)]], normal_concat=[1]" R,
         "slot 1 is an input, not a node"},
        {"Genotype(normal=[[('skip_connect', 0)]], normal_concat=[2, 2]" R,
         "node 0 is concatenated twice"},
        {"Genotype(normal=[[('skip_connect', 0)]], normal_concat=[3]" R,
         "cell 'normal' concatenates node 1 and has 1 nodes"},
        {"Genotype(normal=[[('skip_connect', 0)]], normal_concat=[]" R, "concatenates nothing"},
        {"Genotype(normal=[[('skip_connect', 0)]], normal_concat=range(2, 99999)" R,
         "no node 16 to concatenate"},
        {"Genotype(normal=[[('skip_connect', 0)]], normal_concat=rnge(2, 4)" R,
         "a list of slots or range"},
        {"Genotype(normal=[[('skip_connect', 0)]]" R " Genotype()", "the end is expected"},
        {"a b = Genotype(normal=[])", "no genotype"},
        {"{", "g.txt:"},
        {"[]", "g.txt:1:1: no genotype"},
        {"DARTS_V2", "g.txt:1:1: no genotype"},
        {"{normal: 1, reduce: 2}", "g.txt:1:10: a cell is a map with nodes and concat"},
        {"{name: [1], normal: 1}", "name is a text"},
        {"{name: 'a\"b', normal: 1}", "is no name for a genotype"},
        {N "redce: {nodes: [[[skip_connect, 0]]]}}", "(did you mean 'reduce'?)"},
        {N "reduce: {nodes: [[[skip_connect, 0]]], concatt: [0]}}", "(did you mean 'concat'?)"},
        {N "reduce: {nodes: []}}", "nodes is a list of 1..16"},
        {N "reduce: {nodes: [skip_connect]}}", "a node is a list"},
        {N "reduce: {nodes: [[skip_connect, 0]]}}", "a choice is [op, slot]"},
        {N "reduce: {nodes: [[[skip_connect, x]]]}}", "a choice is [op, slot]"},
        {N "reduce: {nodes: [[[skip_connect, -1]]]}}", "a choice is [op, slot]"},
        {N "reduce: {nodes: [[[skip_connect, 2]]]}}", "node 0 cannot read slot 2"},
        {N "reduce: {nodes: [[[skip_connect, 0]]], concat: 0}}", "concat is a list"},
        {N "reduce: {nodes: [[[skip_connect, 0]]], concat: [0, 1]}}", "concatenates node 1"},
        {"{normal: {nodes: [[[skip_connect, 0]]]}}", "cell 'reduce' is missing"},
    };
    struct snas_space space;
    read_space("tiny", &space);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct snas_genotype g;
        struct snas_err err = {0};
        if (parse(cases[i].text, &space, &g, &err) == SNAS_OK)
            fail_msg("case %zu is taken: %s", i, cases[i].text);
        assert_contains(err.text, cases[i].says);
        assert_int_not_equal(parse(cases[i].text, &space, &g, NULL), SNAS_OK);
    }
}

static void genotype__is_refused_when_the_string_is_hostile(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"|", "'~' is expected"},
        {"|nor_conv_3x3~0", "'|' is expected, the text ends"},
        {"|nor_conv_3x3~1|", "cannot read slot 1"},
        {"|nor_conv_4x4~0|", "has no op 'nor_conv_4x4'"},
        {"|nor_conv_3x3~0|x", "'~' is expected"},
        {"|none~0|+|none~0|+|none~0|+|none~0|+|none~0|+|none~0|+|none~0|+|none~0|+|none~0|+|none~0|"
         "+|none~0|+|none~0|+|none~0|+|none~0|+|none~0|+|none~0|+|none~0|",
         "more than 16 nodes"},
    };
    struct snas_space space;
    nb201_space(&space);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct snas_genotype g;
        struct snas_err err = {0};
        assert_int_equal(parse(cases[i].text, &space, &g, &err), SNAS_E_CONFIG);
        assert_contains(err.text, cases[i].says);
    }
}

/* head, then n skips from slot 0, then tail */
static void repeat(char *text, size_t size, const char *head, int n, const char *tail)
{
    size_t used = (size_t)snprintf(text, size, "%s", head);
    for (int i = 0; i < n; i++)
        used += (size_t)snprintf(text + used, size - used, "('skip_connect', 0), ");
    used += (size_t)snprintf(text + used, size - used, "%s", tail);
    assert_true(used < size);
}

static void genotype__is_refused_when_it_exceeds_its_arrays(void **state)
{
    (void)state;
    struct snas_space space;
    struct snas_genotype g;
    struct snas_err err = {0};
    char text[2048];
    read_space("tiny", &space);
    repeat(text, sizeof text, "Genotype(normal=[", 2 * SNAS_MAX_NODES + 2, "]" R);
    assert_int_equal(parse(text, &space, &g, &err), SNAS_E_CONFIG);
    assert_contains(err.text, "more than 16 nodes");
    repeat(text, sizeof text, "Genotype(normal=[[", SNAS_MAX_CHOICES + 1, "]]" R);
    err = (struct snas_err){0};
    assert_int_equal(parse(text, &space, &g, &err), SNAS_E_CONFIG);
    assert_contains(err.text, "more than 16 choices");
    assert_int_equal(snas_genotype_parse("g.txt", "Genotype\0(", 10, &space, &g, &err),
                     SNAS_E_CONFIG);
    assert_contains(err.text, "NUL");
}

/* Every prefix of a good text is refused or read, and never overruns (sanitizers look). */
static void genotype__survives_when_its_text_is_cut_anywhere(void **state)
{
    (void)state;
    struct snas_space space;
    struct snas_genotype g;
    read_space("tiny", &space);
    size_t n = strlen(tuple);
    for (size_t cut = 0; cut + 2 < n; cut++) {
        char *copy = malloc(cut + 1);
        memcpy(copy, tuple, cut);
        assert_int_not_equal(snas_genotype_parse("g.txt", copy, cut, &space, &g, NULL), SNAS_OK);
        free(copy);
    }
}

static void choice__gives_the_genotype_and_back_when_edges_hold_one_op(void **state)
{
    (void)state;
    struct snas_space space;
    read_space("tiny", &space); /* none, max_pool_3x3, skip_connect, sep_conv_3x3; 5 edges */
    const int normal[] = {3, 0, 0, 2, 1}, reduce[] = {0, 0, 0, 0, 0};
    const int *const choice[] = {normal, reduce};
    struct snas_genotype g;
    struct snas_err err = {0};
    snas_genotype_from_choice(&space, choice, &g);
    assert_cell(&space, &g.cells[0], "0:sep_conv_3x3(0) 1:skip_connect(1) 1:max_pool_3x3(2) 01");
    assert_cell(&space, &g.cells[1], "01");
    int back0[5], back1[5];
    int *const back[] = {back0, back1};
    assert_ok(snas_genotype_to_choice(&space, &g, back, &err), &err);
    assert_memory_equal(back0, normal, sizeof normal);
    assert_memory_equal(back1, reduce, sizeof reduce);
    g.cells[0].choices[1][1].from = 1;
    assert_int_equal(snas_genotype_to_choice(&space, &g, back, &err), SNAS_E_UNSUPPORTED);
    assert_contains(err.text, "two ops from slot 1");
    g.cells[0].n_nodes = 3;
    assert_int_equal(snas_genotype_to_choice(&space, &g, back, &err), SNAS_E_UNSUPPORTED);
    assert_contains(err.text, "3 nodes");
}

static void choice__follows_the_output_rule_when_it_is_any(void **state)
{
    (void)state;
    struct snas_space space;
    read_space("tiny", &space);
    const int edges[] = {3, 0, 0, 0, 1}; /* node 1 reads node 0 */
    const int *const choice[] = {edges, edges};
    struct snas_genotype g;
    space.kinds[0].output = SNAS_OUTPUT_CONCAT_LOOSE;
    space.kinds[1].output = SNAS_OUTPUT_LAST;
    snas_genotype_from_choice(&space, choice, &g);
    assert_cell(&space, &g.cells[0], "0:sep_conv_3x3(0) 1:max_pool_3x3(2) 1");
    assert_cell(&space, &g.cells[1], "0:sep_conv_3x3(0) 1:max_pool_3x3(2) 1");
    space.kinds[0].output = SNAS_OUTPUT_SUM;
    const int apart[] = {3, 0, 0, 1, 0};
    const int *const second[] = {edges, apart};
    space.kinds[1].output = SNAS_OUTPUT_CONCAT_LOOSE;
    snas_genotype_from_choice(&space, second, &g);
    assert_cell(&space, &g.cells[0], "0:sep_conv_3x3(0) 1:max_pool_3x3(2) 01");
    assert_cell(&space, &g.cells[1], "0:sep_conv_3x3(0) 1:max_pool_3x3(1) 01");
}

static enum snas_status attempt_genotype(void *arg, struct snas_err *err)
{
    struct snas_genotype g;
    char *text = NULL;
    enum snas_status status = snas_genotype_read("SNAS_mild", arg, &g, err);
    for (int notation = 0; notation < 2 && status == SNAS_OK; notation++) {
        status = snas_genotype_format(&g, arg, (enum snas_genotype_notation)notation, &text, err);
        if (status == SNAS_OK)
            status = parse(text, arg, &g, err);
        snas_free(text);
        text = NULL;
    }
    return status;
}

static void genotype__frees_all_when_an_allocation_fails(void **state)
{
    (void)state;
    struct snas_space space;
    read_space("darts", &space);
    fail_every_allocation(attempt_genotype, &space);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(genotype__is_read_as_written_when_it_is_a_tuple),
        cmocka_unit_test(genotype__is_read_as_written_when_it_is_json_or_yaml),
        cmocka_unit_test(genotype__reads_and_writes_the_string_when_a_space_has_one_cell),
        cmocka_unit_test(genotype__reads_back_what_it_wrote_when_it_is_any),
        cmocka_unit_test(genotype__is_the_published_one_when_it_is_shipped),
        cmocka_unit_test(genotype__takes_its_name_from_its_file_when_the_text_has_none),
        cmocka_unit_test(genotype__is_refused_with_its_place_when_it_is_hostile),
        cmocka_unit_test(genotype__is_refused_when_the_string_is_hostile),
        cmocka_unit_test(genotype__is_refused_when_it_exceeds_its_arrays),
        cmocka_unit_test(genotype__survives_when_its_text_is_cut_anywhere),
        cmocka_unit_test(choice__gives_the_genotype_and_back_when_edges_hold_one_op),
        cmocka_unit_test(choice__follows_the_output_rule_when_it_is_any),
        cmocka_unit_test(genotype__frees_all_when_an_allocation_fails),
    };
    return snas_test_run(tests);
}

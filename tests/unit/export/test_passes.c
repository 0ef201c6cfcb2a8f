#include "export/pipeline.h"

#include "export/build.h"
#include "export/passes/pass.h"
#include "space/cost.h"

static char *dir;
static struct snas_space space;

enum { PRUNE = 1, SLICE = 2, SHARE = 4, FOLD = 8 };

/* Builds and runs the passes of a set; what makes the graph writable is always run. */
static void build(const struct snas_child *child, int passes, struct snas_graph *g, int *constants)
{
    struct snas_err err = {0};
    assert_ok(snas_graph_build(child, &(struct snas_build_options){0}, g, &err), &err);
    if (passes & PRUNE)
        assert_ok(snas_pass_prune(g, &err), &err);
    if (passes & SLICE)
        assert_ok(snas_pass_slice(g, &err), &err);
    if (passes & SHARE)
        assert_ok(snas_pass_share(g, &err), &err);
    assert_ok(snas_pass_constant(g, constants, &err), &err);
    if (passes & FOLD)
        assert_ok(snas_pass_fold(g, &err), &err);
    assert_ok(snas_pass_name(g, &err), &err);
}

static enum snas_status answers_alike(const struct snas_child *child, const struct snas_graph *g,
                                      struct snas_err *err)
{
    const char *path = snas_test_path(dir, "passes.onnx");
    pipeline_write(g, child, &(struct snas_export_options){0}, &(struct snas_export_report){0},
                   path);
    return pipeline_check(path, child, 0, err);
}

/* Node `node` of a kind is dead, the others read it and each other by every sort of op. */
static void with_dead_node(struct snas_genotype *g)
{
    fixture_genotype(&space, g);
    for (int k = 0; k < 2; k++) {
        fixture_choose(&space, g, k, 0, "sep_conv_3x3", 0);
        fixture_choose(&space, g, k, 0, "max_pool_3x3", 1);
        fixture_choose(&space, g, k, 2, "dil_conv_3x3", 3);
        fixture_choose(&space, g, k, 2, "skip_connect", 2);
        fixture_choose(&space, g, k, 3, "sep_conv_3x3", 3);
        fixture_choose(&space, g, k, 3, "max_pool_3x3", 1);
        fixture_choose(&space, g, k, 3, "avg_pool_3x3", 3);
        fixture_choose(&space, g, k, 3, "skip_connect", 3);
    }
}

static void passes__keep_the_answers_when_run_in_any_number(void **state)
{
    (void)state;
    static const int sets[] = {
        0, PRUNE, FOLD, SHARE, PRUNE | SLICE, PRUNE | FOLD, PRUNE | SLICE | SHARE | FOLD};
    for (int sort = 0; sort < 4; sort++) {
        struct snas_genotype g;
        struct snas_child child;
        struct fixture_options o = fixture_default;
        o.affine = sort == 1;
        o.stale = sort == 2;
        o.pool_bn = sort != 3;
        with_dead_node(&g);
        fixture_child(&space, &g, &o, &child);
        for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
            struct snas_graph graph;
            struct snas_err err = {0};
            int constants;
            build(&child, sets[i], &graph, &constants);
            if (answers_alike(&child, &graph, &err) != SNAS_OK)
                fail_msg("passes %d, child %d: %s", sets[i], sort, err.text);
            snas_graph_clear(&graph);
        }
        snas_child_clear(&child);
    }
}

/* Two who know nothing of each other: the graph's proof from values, and the description's. */
static void prune__leaves_what_the_description_calls_alive_when_statistics_are_estimated(void **s)
{
    (void)s;
    for (uint64_t seed = 100; seed < 130; seed++) {
        struct snas_genotype g;
        struct snas_child child;
        struct snas_graph graph;
        struct snas_err err = {0};
        struct snas_alive alive;
        struct snas_totals described, pruned;
        struct snas_graph_counts counts;
        struct fixture_options o = fixture_default;
        o.seed = seed;
        o.layers = 4;
        fixture_random_genotype(&space, seed, &g);
        fixture_child(&space, &g, &o, &child);
        assert_ok(snas_network_alive(child.network, &alive, &err), &err);
        snas_network_totals(child.network, NULL, &described);
        snas_network_totals(child.network, &alive, &pruned);
        assert_ok(snas_graph_build(&child, &(struct snas_build_options){0}, &graph, &err), &err);
        snas_graph_count(&graph, &counts);
        assert_int_equal(counts.params, described.conv_params);
        assert_int_equal(counts.madds, described.madds);
        enum snas_status status = snas_pass_prune(&graph, &err);
        assert_int_equal(status, alive.connected ? SNAS_OK : SNAS_E_STATE);
        if (alive.connected) {
            assert_ok(snas_pass_slice(&graph, &err), &err);
            snas_graph_count(&graph, &counts);
            assert_int_equal(counts.params, pruned.conv_params);
            assert_int_equal(counts.madds, pruned.madds);
            for (int i = 0; i < graph.n_nodes; i++)
                assert_int_not_equal(graph.nodes[i].op, SNAS_G_ZERO);
        }
        snas_graph_clear(&graph);
        snas_alive_clear(&alive);
        snas_child_clear(&child);
    }
}

/* An affine batch norm makes a constant of a dead node: dropping the edge would be wrong, and the
 * check would see it. */
static void prune__keeps_the_constant_when_batch_norm_is_affine(void **state)
{
    (void)state;
    struct snas_genotype g;
    struct snas_child child;
    struct snas_graph graph;
    struct snas_err err = {0};
    int constants;
    struct fixture_options o = fixture_default;
    o.affine = 1;
    with_dead_node(&g);
    fixture_child(&space, &g, &o, &child);
    build(&child, PRUNE | SLICE | SHARE | FOLD, &graph, &constants);
    assert_true(constants > 0);
    assert_ok(answers_alike(&child, &graph, &err), &err);
    /* The same file without what the constants add. */
    int zeroed = 0;
    for (int i = 0; i < graph.n_nodes; i++) {
        struct snas_graph_node *n = &graph.nodes[i];
        if (n->op != SNAS_G_CONV || n->in[0] != graph.input || n->tensor[1] < 0 ||
            strstr(n->name, "stem"))
            continue;
        memset(graph.tensors[n->tensor[1]].data, 0,
               graph.tensors[n->tensor[1]].count * sizeof(float));
        zeroed++;
    }
    assert_int_equal(zeroed, constants);
    assert_int_equal(answers_alike(&child, &graph, &err), SNAS_E_NUMERIC);
    snas_graph_clear(&graph);
    snas_child_clear(&child);
}

static void prune__removes_a_cell_and_its_readers_when_all_its_nodes_are_dead(void **state)
{
    (void)state;
    struct snas_genotype g;
    struct snas_child child;
    struct snas_graph graph;
    struct snas_err err = {0};
    int constants;
    struct fixture_options o = fixture_default;
    o.layers = 4; /* reductions at 1 and 2: both are dead, cell 3 reads them alone */
    fixture_genotype(&space, &g);
    for (int node = 0; node < 4; node++)
        fixture_choose(&space, &g, 0, node, "sep_conv_3x3", 0);
    fixture_child(&space, &g, &o, &child);
    assert_ok(snas_graph_build(&child, &(struct snas_build_options){0}, &graph, &err), &err);
    assert_int_equal(snas_pass_prune(&graph, &err), SNAS_E_STATE);
    assert_contains(err.text, "disconnected");
    snas_graph_clear(&graph);
    snas_child_clear(&child);

    o.layers = 3; /* reductions at 1 and 2 read input 0 alone */
    for (int node = 0; node < 4; node++)
        fixture_choose(&space, &g, 1, node, "max_pool_3x3", 0);
    fixture_child(&space, &g, &o, &child);
    build(&child, PRUNE | SLICE | SHARE | FOLD, &graph, &constants);
    for (int i = 0; i < graph.n_nodes; i++) /* cell 2 reads cell 0: cell 1 and input 1 are unread */
        assert_null(strstr(graph.nodes[i].name, "cell1/"));
    assert_ok(answers_alike(&child, &graph, &err), &err);
    snas_graph_clear(&graph);
    snas_child_clear(&child);
}

static const struct snas_graph_node *find(const struct snas_graph *g, const char *name)
{
    for (int i = 0; i < g->n_nodes; i++)
        if (strcmp(g->nodes[i].name, name) == 0)
            return &g->nodes[i];
    fail_msg("no node %s", name);
    return NULL;
}

static void slice__cuts_dead_channels_out_of_every_reader(void **state)
{
    (void)state;
    struct snas_genotype g;
    struct snas_child child;
    struct snas_graph whole, cut;
    int constants;
    with_dead_node(&g);
    fixture_child(&space, &g, &fixture_default, &child); /* C = 4; node 1 of 4 is dead */
    build(&child, 0, &whole, &constants);
    build(&child, PRUNE | SLICE, &cut, &constants);
    static const char *const readers[] = {"/cell1/pre1/pw1", "/cell2/pre0/fr1_a",
                                          "/cell2/pre0/fr1_b", "/head/linear1"};
    for (size_t i = 0; i < 4; i++) {
        const struct snas_graph_tensor *a = &whole.tensors[find(&whole, readers[i])->tensor[0]];
        const struct snas_graph_tensor *b = &cut.tensors[find(&cut, readers[i])->tensor[0]];
        int64_t quarter = a->shape[1] / 4;
        assert_int_equal(b->shape[0], a->shape[0]);
        assert_int_equal(b->shape[1], 3 * quarter);
        for (int64_t row = 0; row < a->shape[0]; row++) { /* columns of nodes 0, 2 and 3 */
            const float *x = a->data + row * a->shape[1], *y = b->data + row * b->shape[1];
            assert_memory_equal(y, x, (size_t)quarter * sizeof *x);
            assert_memory_equal(y + quarter, x + 2 * quarter, 2 * (size_t)quarter * sizeof *x);
        }
    }
    snas_graph_clear(&whole);
    snas_graph_clear(&cut);
    snas_child_clear(&child);
}

static int count_op(const struct snas_graph *g, enum snas_graph_op op)
{
    int n = 0;
    for (int i = 0; i < g->n_nodes; i++)
        n += g->nodes[i].op == op;
    return n;
}

static void share__makes_a_pool_once_when_several_edges_read_it(void **state)
{
    (void)state;
    struct snas_genotype g;
    struct snas_child child;
    struct snas_graph graph;
    int constants;
    fixture_genotype(&space, &g);
    for (int k = 0; k < 2; k++)
        for (int node = 0; node < 4; node++)
            fixture_choose(&space, &g, k, node, node < 3 ? "max_pool_3x3" : "avg_pool_3x3", 1);
    struct fixture_options o = fixture_default;
    o.layers = 1;
    fixture_child(&space, &g, &o, &child);
    build(&child, 0, &graph, &constants);
    assert_int_equal(count_op(&graph, SNAS_G_MAX_POOL), 3);
    snas_graph_clear(&graph);
    build(&child, SHARE, &graph, &constants);
    assert_int_equal(count_op(&graph, SNAS_G_MAX_POOL), 1);
    assert_int_equal(count_op(&graph, SNAS_G_AVG_POOL), 1);
    assert_int_equal(count_op(&graph, SNAS_G_BATCH_NORM), 1 + 2 + 4); /* their own statistics */
    snas_graph_clear(&graph);
    snas_child_clear(&child);
}

static void fold__leaves_batch_norm_behind_pools_alone(void **state)
{
    (void)state;
    struct snas_genotype g;
    struct snas_child child;
    struct snas_graph graph;
    int constants;
    with_dead_node(&g);
    fixture_child(&space, &g, &fixture_default, &child);
    build(&child, PRUNE | SLICE | FOLD, &graph, &constants);
    for (int i = 0; i < graph.n_nodes; i++) {
        const struct snas_graph_node *n = &graph.nodes[i];
        if (n->op == SNAS_G_BATCH_NORM)
            assert_non_null(strstr(n->name, "_pool_3x3"));
        if (n->op == SNAS_G_CONV)
            assert_int_equal(n->tensor[1] >= 0, n->group == 1);
    }
    assert_true(count_op(&graph, SNAS_G_BATCH_NORM) > 0);
    snas_graph_clear(&graph);
    snas_child_clear(&child);
}

/* w' = w s, b' = beta - mean s, to the last bit of what double gives. */
static void fold__is_computed_in_double(void **state)
{
    (void)state;
    struct snas_genotype g;
    struct snas_child child;
    struct snas_graph plain, folded;
    int constants;
    struct fixture_options o = fixture_default;
    o.affine = o.stale = 1;
    with_dead_node(&g);
    fixture_child(&space, &g, &o, &child);
    build(&child, 0, &plain, &constants);
    build(&child, FOLD, &folded, &constants);
    const struct snas_graph_node *conv = find(&plain, "/cell0/pre0/pw1");
    const struct snas_graph_node *bn = find(&plain, "/cell0/pre0/bn1");
    const struct snas_graph_node *both = find(&folded, "/cell0/pre0/pw1");
    const struct snas_graph_tensor *w = &plain.tensors[conv->tensor[0]];
    const struct snas_graph_tensor *w2 = &folded.tensors[both->tensor[0]];
    size_t row = w->count / (size_t)w->shape[0];
    for (int64_t c = 0; c < w->shape[0]; c++) {
        double p[SNAS_G_TENSORS];
        for (int k = 0; k < SNAS_G_TENSORS; k++)
            p[k] = plain.tensors[bn->tensor[k]].data[c];
        double s = p[0] / sqrt(p[3] + (double)bn->epsilon);
        for (size_t i = (size_t)c * row; i < ((size_t)c + 1) * row; i++)
            assert_true(w2->data[i] == (float)(w->data[i] * s));
        assert_true(folded.tensors[both->tensor[1]].data[c] == (float)(p[1] - p[2] * s));
    }
    snas_graph_clear(&plain);
    snas_graph_clear(&folded);
    snas_child_clear(&child);
}

static int set_up(void **state)
{
    (void)state;
    dir = snas_test_make_dir();
    fixture_darts(&space);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    snas_test_remove_dir(dir);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passes__keep_the_answers_when_run_in_any_number),
        cmocka_unit_test(
            prune__leaves_what_the_description_calls_alive_when_statistics_are_estimated),
        cmocka_unit_test(prune__keeps_the_constant_when_batch_norm_is_affine),
        cmocka_unit_test(prune__removes_a_cell_and_its_readers_when_all_its_nodes_are_dead),
        cmocka_unit_test(slice__cuts_dead_channels_out_of_every_reader),
        cmocka_unit_test(share__makes_a_pool_once_when_several_edges_read_it),
        cmocka_unit_test(fold__leaves_batch_norm_behind_pools_alone),
        cmocka_unit_test(fold__is_computed_in_double),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down) != 0;
}

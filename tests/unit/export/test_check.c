#include "export/pipeline.h"

/* Wrong exports of every kind are refused; right ones are not. */

static char *dir;
static struct snas_space space;
static struct snas_child child;

static const struct snas_export_options plain = {0};

static void graph_of_child(struct snas_graph *g, const struct snas_export_options *options)
{
    struct snas_err err = {0};
    struct snas_export_report report;
    assert_ok(snas_export_graph(&child, options, g, &report, &err), &err);
}

/* Stages the graph over a model that stands there, checks it, and gives up as a command would. */
static void refused(const struct snas_graph *g, const char *words)
{
    struct snas_err err = {0};
    struct snas_onnx_info info = {.doc = "planted"};
    struct snas_onnx_staged staged;
    const char *path = snas_test_path(dir, "model.onnx");
    snas_test_write(path, "good", 4);
    assert_ok(snas_onnx_stage(g, &info, path, SNAS_ONNX_MAX_BYTES, &staged, &err), &err);
    assert_int_equal(snas_test_count_entries(dir), 2);
    enum snas_status s = pipeline_check(snas_onnx_staged_path(&staged), &child, 0, &err);
    if (s != SNAS_E_NUMERIC)
        fail_msg("not refused: %d %s", (int)s, err.text);
    assert_contains(err.text, words);
    snas_onnx_abort(&staged);
    assert_int_equal(snas_test_count_entries(dir), 1);
    size_t size;
    char *left = snas_test_read(path, &size);
    assert_int_equal(size, 4);
    assert_memory_equal(left, "good", 4);
    free(left);
}

static struct snas_graph_node *first(struct snas_graph *g, enum snas_graph_op op, const char *name)
{
    for (int i = 0; i < g->n_nodes; i++)
        if (g->nodes[i].op == op && strstr(g->nodes[i].name, name))
            return &g->nodes[i];
    fail_msg("no node like %s", name);
    return NULL;
}

/* Takes a node out, as if it had been forgotten: its readers read its input `i`. */
static void lose(struct snas_graph *g, struct snas_graph_node *n, int i)
{
    int value = n->in[i];
    n->removed = 1;
    snas_graph_replace(g, n->out, value);
    snas_graph_sweep(g);
}

static void check__refuses_when_one_weight_is_changed(void **state)
{
    (void)state;
    static const char *const weights[] = {"/stem0/conv1", "/cell1/pre1/pw1",
                                          "edge0_sep_conv_3x3/dw1", "fr1_b"};
    for (size_t i = 0; i < sizeof weights / sizeof *weights; i++) {
        struct snas_graph g;
        graph_of_child(&g, &plain);
        g.tensors[first(&g, SNAS_G_CONV, weights[i])->tensor[0]].data[1] += 0.05F;
        refused(&g, "does not answer as the engine does");
        snas_graph_clear(&g);
    }
}

static void check__refuses_when_an_edge_is_lost(void **state)
{
    (void)state;
    struct snas_graph g;
    graph_of_child(&g, &plain);
    lose(&g, first(&g, SNAS_G_ADD, "/cell1/"), 0);
    refused(&g, "does not answer as the engine does");
    snas_graph_clear(&g);
}

static void check__refuses_when_a_relu_is_lost(void **state)
{
    (void)state;
    struct snas_graph g;
    graph_of_child(&g, &plain);
    lose(&g, first(&g, SNAS_G_RELU, "/cell1/relu"), 0);
    refused(&g, "does not answer as the engine does");
    snas_graph_clear(&g);
}

static void check__refuses_when_a_batch_norm_is_lost_or_folded_wrongly(void **state)
{
    (void)state;
    struct snas_graph g;
    struct snas_export_options keep_bn = {.keep_bn = 1};
    graph_of_child(&g, &keep_bn);
    lose(&g, first(&g, SNAS_G_BATCH_NORM, "/cell1/pre1/bn1"), 0);
    refused(&g, "does not answer as the engine does");
    snas_graph_clear(&g);

    graph_of_child(&g, &plain); /* the shift was forgotten */
    struct snas_graph_node *n = first(&g, SNAS_G_CONV, "/cell0/pre0/pw1");
    memset(g.tensors[n->tensor[1]].data, 0, g.tensors[n->tensor[1]].count * sizeof(float));
    refused(&g, "does not answer as the engine does");
    snas_graph_clear(&g);

    graph_of_child(&g, &plain); /* the halves of a factorized reduce were exchanged */
    struct snas_graph_node *a = first(&g, SNAS_G_CONV, "fr1_a");
    struct snas_graph_node *b = first(&g, SNAS_G_CONV, "fr1_b");
    int bias = a->tensor[1];
    a->tensor[1] = b->tensor[1];
    b->tensor[1] = bias;
    refused(&g, "does not answer as the engine does");
    snas_graph_clear(&g);
}

static void check__refuses_when_the_second_half_of_a_reduce_is_not_shifted(void **state)
{
    (void)state;
    struct snas_graph g;
    graph_of_child(&g, &plain);
    struct snas_graph_node *b = first(&g, SNAS_G_CONV, "fr1_b");
    b->pad[2] = b->pad[3] = 0;
    lose(&g, first(&g, SNAS_G_SHIFT, "fr1_shift"), 0);
    refused(&g, "does not answer as the engine does");
    snas_graph_clear(&g);
}

static void check__refuses_when_a_logit_is_not_a_number(void **state)
{
    (void)state;
    struct snas_graph g;
    graph_of_child(&g, &plain);
    g.tensors[first(&g, SNAS_G_GEMM, "/head/linear1")->tensor[1]].data[3] = NAN;
    refused(&g, "class 3: nan");
    snas_graph_clear(&g);
}

/* Two logits exchanged where they differ by less than the tolerance would not be seen; a tolerance
 * that is far too wide would let these pass. */
static void check__refuses_when_a_logit_is_off_by_twice_what_is_allowed(void **state)
{
    (void)state;
    struct snas_graph g;
    graph_of_child(&g, &plain);
    struct snas_check_images images;
    struct snas_err err = {0};
    assert_ok(snas_check_images_random(&child, 14, 5, &images, &err), &err);
    float logits[14 * 10];
    assert_ok(snas_check_reference(&child, &images, 1, logits, &err), &err);
    float least = INFINITY; /* the image of the smallest logits is the strictest */
    for (int i = 0; i < 14; i++) {
        float size = 0;
        for (int k = 0; k < 10; k++)
            size = fmaxf(size, fabsf(logits[i * 10 + k]));
        least = fminf(least, size);
    }
    g.tensors[first(&g, SNAS_G_GEMM, "/head/linear1")->tensor[1]].data[3] +=
        2 * (1e-4F + 1e-4F * least);
    refused(&g, "class 3");
    snas_check_images_clear(&images);
    snas_graph_clear(&g);
}

static void check__refuses_when_the_model_is_another_childs(void **state)
{
    (void)state;
    struct snas_graph g;
    struct snas_err err = {0};
    graph_of_child(&g, &plain);
    const char *path = snas_test_path(dir, "model.onnx");
    pipeline_write(&g, &child, &plain, &(struct snas_export_report){0}, path);
    snas_graph_clear(&g);
    struct snas_child other;
    struct snas_genotype genotype;
    struct fixture_options o = fixture_default;
    fixture_random_genotype(&space, 1, &genotype);
    o.classes = 7;
    fixture_child(&space, &genotype, &o, &other);
    assert_int_equal(pipeline_check(path, &other, 0, &err), SNAS_E_FORMAT);
    assert_contains(err.text, "answers 10 classes");
    snas_child_clear(&other);
}

static void check__says_what_the_runtime_says_when_the_file_is_no_model(void **state)
{
    (void)state;
    struct snas_err err = {0};
    const char *path = snas_test_path(dir, "model.onnx");
    snas_test_write(path, "good", 4);
    assert_int_equal(pipeline_check(path, &child, 0, &err), SNAS_E_FORMAT);
    assert_contains(err.text, path);
}

static void check__answers_that_nothing_ran_when_no_runtime_may(void **state)
{
    (void)state;
    struct snas_err err = {0};
    struct snas_check_images images;
    struct snas_check_result result;
    struct snas_check_options o = {.threads = 1};
    assert_ok(snas_check_images_random(&child, 2, 5, &images, &err), &err);
    setenv("SNAS_RUNTIMES", "none", 1);
    assert_ok(snas_check_model("nowhere", &child, &images, &o, &result, &err), &err);
    unsetenv("SNAS_RUNTIMES");
    assert_int_equal(result.n_runtimes, 0);
    snas_check_images_clear(&images);
}

static void images__are_refused_when_they_are_not_the_childs(void **state)
{
    (void)state;
    struct snas_err err = {0};
    struct snas_check_images images = {0};
    struct snas_dataset ds = {
        .name = "other", .n = 1, .channels = 3, .height = 9, .width = 9, .classes = 10};
    assert_int_equal(snas_check_images_load(&child, &ds, 0, &images, &err), SNAS_E_ARG);
    assert_contains(err.text, "'other' has images of 3 x 9 x 9 in 10 classes");
}

static void images__are_normalised_by_the_childs_mean_when_loaded(void **state)
{
    (void)state;
    struct snas_err err = {0};
    struct snas_check_images images;
    uint8_t pixels[2 * 81];
    for (int i = 0; i < 162; i++)
        pixels[i] = (uint8_t)i;
    struct snas_dataset ds = {
        .n = 2, .channels = 1, .height = 9, .width = 9, .classes = 10, .pixels = pixels};
    assert_ok(snas_check_images_load(&child, &ds, 0, &images, &err), &err);
    assert_int_equal(images.n, 2);
    for (int i = 0; i < 162; i++)
        assert_true(fabs(images.nhwc[i] - (i / 255.0 - 0.3) / 0.2) < 1e-6);
    snas_check_images_clear(&images);
}

static int set_up(void **state)
{
    (void)state;
    struct snas_genotype g;
    struct fixture_options o = fixture_default;
    dir = snas_test_make_dir();
    fixture_darts(&space);
    fixture_genotype(&space, &g);
    for (int k = 0; k < 2; k++)
        for (int node = 0; node < 4; node++) {
            fixture_choose(&space, &g, k, node, node % 2 ? "max_pool_3x3" : "sep_conv_3x3",
                           node % 2);
            fixture_choose(&space, &g, k, node, "dil_conv_3x3", 1);
        }
    o.stale = 1;
    fixture_child(&space, &g, &o, &child);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    snas_child_clear(&child);
    snas_test_remove_dir(dir);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check__refuses_when_one_weight_is_changed),
        cmocka_unit_test(check__refuses_when_an_edge_is_lost),
        cmocka_unit_test(check__refuses_when_a_relu_is_lost),
        cmocka_unit_test(check__refuses_when_a_batch_norm_is_lost_or_folded_wrongly),
        cmocka_unit_test(check__refuses_when_the_second_half_of_a_reduce_is_not_shifted),
        cmocka_unit_test(check__refuses_when_a_logit_is_not_a_number),
        cmocka_unit_test(check__refuses_when_a_logit_is_off_by_twice_what_is_allowed),
        cmocka_unit_test(check__refuses_when_the_model_is_another_childs),
        cmocka_unit_test(check__says_what_the_runtime_says_when_the_file_is_no_model),
        cmocka_unit_test(check__answers_that_nothing_ran_when_no_runtime_may),
        cmocka_unit_test(images__are_refused_when_they_are_not_the_childs),
        cmocka_unit_test(images__are_normalised_by_the_childs_mean_when_loaded),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down) != 0;
}

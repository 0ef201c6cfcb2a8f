#include <math.h>

#include "base/safetensors.h"
#include "space/child.h"
#include "testing.h"

static char *directory;

static int make_directory(void **state)
{
    (void)state;
    directory = snas_test_make_dir();
    return 0;
}

static int remove_directory(void **state)
{
    (void)state;
    snas_test_remove_dir(directory);
    return 0;
}

static void make_child(struct snas_child *child)
{
    struct snas_space space;
    struct snas_genotype g;
    struct snas_err err = {0};
    static const char text[] =
        "made = Genotype(normal=[[('sep_conv_3x3', 1)], []], normal_concat=[2, 3],"
        " reduce=[[('max_pool_3x3', 1)], [('skip_connect', 2)]], reduce_concat=[3])";
    read_space("tiny", &space);
    assert_ok(snas_genotype_parse("text", text, strlen(text), &space, &g, &err), &err);
    struct snas_network_options o = {
        .channels = 2, .layers = 3, .input = {2, 8, 8}, .classes = 3, .pool_bn = 1};
    memset(child, 0, sizeof *child);
    child->network = make_network(&space, &o, &g);
    const struct snas_network *net = child->network;
    child->values = snas_alloc((size_t)net->n_params, sizeof child->values[0], &err);
    for (int i = 0; i < net->n_params; i++) {
        child->values[i] = snas_alloc(net->params[i].count, sizeof(float), &err);
        for (size_t k = 0; k < net->params[i].count; k++)
            child->values[i][k] = (float)(i + 1) / (float)(k + 3);
    }
    child->info = (struct snas_child_info){.dataset = "stripes \xc3\xa9",
                                           .n_labels = 3,
                                           .mean = {0.1, 1.0 / 3},
                                           .sd = {0.25, 1e-3},
                                           .bn_eps = 1e-5,
                                           .seed = 18446744073709551615u,
                                           .run = "a \"run\"",
                                           .epoch = 7,
                                           .validation_accuracy = 0.8671875,
                                           .test_accuracy = -1};
    child->info.labels = snas_alloc(3, sizeof(char *), &err);
    child->info.labels[0] = snas_strdup("T-shirt/top", &err);
    child->info.labels[1] = snas_strdup("\xe7\x8c\xab", &err);
    child->info.labels[2] = snas_strdup("", &err);
}

static const char *write_child(const struct snas_child *child, const char *name)
{
    struct snas_err err = {0};
    const char *path = snas_test_path(directory, name);
    assert_ok(snas_child_write(path, child, &err), &err);
    return path;
}

static void child__reads_back_what_it_wrote_when_all_is_set(void **state)
{
    (void)state;
    struct snas_child a, b;
    struct snas_err err = {0};
    make_child(&a);
    assert_ok(snas_child_read(write_child(&a, "child"), &b, &err), &err);
    const struct snas_network *net = a.network, *back = b.network;
    assert_int_equal(net->n_params, back->n_params);
    for (int i = 0; i < net->n_params; i++) {
        assert_string_equal(net->params[i].name, back->params[i].name);
        assert_memory_equal(a.values[i], b.values[i], net->params[i].count * sizeof(float));
    }
    assert_memory_equal(net->space, back->space, sizeof *net->space);
    assert_true(snas_genotype_equal(net->genotype, back->genotype));
    assert_string_equal(back->genotype->name, "made");
    assert_memory_equal(&net->options, &back->options, sizeof net->options);
    assert_string_equal(a.info.dataset, b.info.dataset);
    assert_string_equal(a.info.run, b.info.run);
    assert_int_equal(b.info.n_labels, 3);
    for (int i = 0; i < 3; i++)
        assert_string_equal(a.info.labels[i], b.info.labels[i]);
    assert_memory_equal(a.info.mean, b.info.mean, sizeof a.info.mean);
    assert_memory_equal(a.info.sd, b.info.sd, sizeof a.info.sd);
    assert_true(a.info.bn_eps == b.info.bn_eps);
    assert_true(a.info.seed == b.info.seed);
    assert_int_equal(b.info.epoch, 7);
    assert_true(b.info.validation_accuracy == 0.8671875);
    assert_true(b.info.test_accuracy < 0);
    snas_child_clear(&b);
    snas_child_clear(&a);
    snas_child_clear(&a); /* a cleared one may be cleared again */
}

static void child__has_the_same_bytes_when_it_is_written_twice(void **state)
{
    (void)state;
    struct snas_child a, b;
    struct snas_err err = {0};
    size_t n1 = 0, n2 = 0;
    make_child(&a);
    char *one = snas_test_read(write_child(&a, "one"), &n1);
    assert_ok(snas_child_read(snas_test_path(directory, "one"), &b, &err), &err);
    char *two = snas_test_read(write_child(&b, "two"), &n2);
    assert_int_equal(n1, n2);
    assert_memory_equal(one, two, n1);
    free(one);
    free(two);
    snas_child_clear(&b);
    snas_child_clear(&a);
}

static void assert_not_written(const struct snas_child *child, const char *says)
{
    struct snas_err err = {0};
    const char *path = snas_test_path(directory, "refused");
    assert_int_not_equal(snas_child_write(path, child, &err), SNAS_OK);
    assert_contains(err.text, says);
    assert_int_not_equal(access(path, F_OK), 0);
}

static void child__is_not_written_when_it_could_not_be_read(void **state)
{
    (void)state;
    struct snas_child c;
    make_child(&c);
    struct snas_child_info good = c.info;
    float old = c.values[3][0];
    c.values[3][0] = NAN;
    assert_not_written(&c, "is not finite");
    c.values[3][0] = old;
    int var = snas_network_param(c.network, "stem0.bn1.var");
    c.values[var][1] = -1e-9f;
    assert_not_written(&c, "variance 1 is negative");
    c.values[var][1] = 0;
    c.info.n_labels = 2;
    assert_not_written(&c, "2 labels for 3 classes");
    c.info = good;
    c.info.sd[1] = 0;
    assert_not_written(&c, "cannot normalise");
    c.info = good;
    c.info.bn_eps = 0;
    assert_not_written(&c, "bn_eps");
    c.info = good;
    c.info.validation_accuracy = 86.7;
    assert_not_written(&c, "no shares of 1");
    c.info = good;
    c.info.test_accuracy = NAN;
    assert_not_written(&c, "no shares of 1");
    c.info = good;
    strcpy(c.info.run, "\xff");
    assert_not_written(&c, "run");
    c.info = good;
    snas_child_clear(&c);
}

/* What a file of the parts of `good` says when one metadata text is another one, or gone. */
static void assert_not_read(const struct snas_st *good, const char *key, const char *text,
                            const char *says)
{
    static const char *const keys[] = {"format", "space", "genotype", "network",    "labels",
                                       "mean",   "sd",    "dataset",  "accuracies", "run"};
    struct snas_st_meta meta[10];
    struct snas_st_tensor *tensors = calloc(snas_st_count(good), sizeof tensors[0]);
    struct snas_err err = {0};
    struct snas_child child;
    size_t n = 0;
    for (int i = 0; i < 10; i++) {
        int swap = strcmp(keys[i], key) == 0;
        if (!swap || text)
            meta[n++] = (struct snas_st_meta){keys[i], swap ? text : snas_st_meta(good, keys[i])};
    }
    for (size_t i = 0; i < snas_st_count(good); i++)
        tensors[i] = *snas_st_at(good, i);
    const char *path = snas_test_path(directory, "swapped");
    assert_ok(snas_st_write(path, tensors, snas_st_count(good), meta, n, &err), &err);
    if (snas_child_read(path, &child, &err) == SNAS_OK)
        fail_msg("read with %s = %s", key, text ? text : "nothing");
    assert_contains(err.text, path);
    assert_contains(err.text, says);
    assert_null(child.network);
    assert_null(child.values);
    free(tensors);
}

#define NETWORK(channels, layers, input, classes)                                                  \
    "{\"channels\":" channels ",\"layers\":" layers ",\"input\":" input ",\"classes\":" classes    \
    ",\"affine\":false,\"pool_bn\":true,\"bn_eps\":1e-5}"

static void child__is_refused_when_its_metadata_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *key, *text, *says;
    } cases[] = {
        {"format", "snas-child 2", "its format is 'snas-child 2'"},
        {"format", NULL, "its format is 'none'"},
        {"space", NULL, "metadata 'space' is missing"},
        {"run", NULL, "metadata 'run' is missing"},
        {"space", "name: x\n", "space:1:1: a space needs 'cells'"},
        {"genotype", "{\"normal\": 3}", "genotype:1:12"},
        {"genotype", "", "genotype:1:1"},
        {"network", "{", "metadata 'network':1"},
        {"network", "[]", "metadata 'network' is not"},
        {"network", "{\"channels\": 2}", "metadata 'network' is not"},
        {"network", NETWORK("2", "3", "[2,8]", "3"), "metadata 'network' is not"},
        {"network", NETWORK("2", "3", "[2,8,8,8]", "3"), "metadata 'network' is not"},
        {"network", NETWORK("\"2\"", "3", "[2,8,8]", "3"), "metadata 'network' is not"},
        {"network", NETWORK("0", "3", "[2,8,8]", "3"), "metadata 'network' is not"},
        {"network", NETWORK("4294967298", "3", "[2,8,8]", "3"), "metadata 'network' is not"},
        {"network", NETWORK("2", "3", "[4294967298,8,8]", "3"), "metadata 'network' is not"},
        {"network", NETWORK("3", "3", "[2,8,8]", "3"), "another shape"},
        {"network", NETWORK("2", "3", "[1,8,8]", "3"), "'mean'"},
        {"network", NETWORK("2", "3", "[5,8,8]", "3"), "5 input channels"},
        {"network", NETWORK("2", "3", "[2,8,8]", "4"), "3 labels for 4 classes"},
        {"network", NETWORK("2", "4", "[2,8,8]", "3"), "tensors, the network has"},
        {"network", NETWORK("2", "3000", "[2,8,8]", "3"), "layers"},
        {"network", NETWORK("2000000000", "3", "[2,8,8]", "3"), "values in a tensor"},
        {"labels", "[1, 2, 3]", "'labels'"},
        {"labels", "{}", "'labels'"},
        {"labels", "[\"a\"]", "1 labels for 3 classes"},
        {"mean", "[0.1]", "'mean'"},
        {"mean", "[0.1, \"x\"]", "'mean'"},
        {"mean", "[0.1, 1e999]", "'mean'"},
        {"sd", "[0.1, 0]", "cannot normalise"},
        {"sd", "[0.1, -1]", "cannot normalise"},
        {"dataset",
         "a name of more than sixty-three characters: one two three four five six seven eight",
         "'dataset'"},
        {"accuracies", "{\"validation\": 1.5, \"test\": null}", "'accuracies'"},
        {"accuracies", "{\"validation\": 0.5}", "'accuracies'"},
        {"run", "{\"name\": \"x\", \"seed\": 1, \"epoch\": 1}", "'run'"},
        {"run", "{\"name\": \"x\", \"seed\": \"-1\", \"epoch\": 1}", "'run'"},
        {"run", "{\"name\": \"x\", \"seed\": \"18446744073709551616\", \"epoch\": 1}", "'run'"},
        {"run", "{\"name\": \"x\", \"seed\": \"1\", \"epoch\": -1}", "'run'"},
        {"run", "{\"name\": \"x\", \"name\": \"y\", \"seed\": \"1\", \"epoch\": 1}", "'run'"},
    };
    struct snas_child child;
    struct snas_st *good;
    struct snas_err err = {0};
    make_child(&child);
    assert_ok(snas_st_read(write_child(&child, "good"), &good, &err), &err);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_not_read(good, cases[i].key, cases[i].text, cases[i].says);
    snas_st_free(good);
    snas_child_clear(&child);
}

/* Writes the good file with one tensor changed by `change`. */
static void assert_tensor_refused(const struct snas_st *good, const char *name,
                                  void (*change)(struct snas_st_tensor *t), const char *says)
{
    static const char *const keys[] = {"format", "space", "genotype", "network",    "labels",
                                       "mean",   "sd",    "dataset",  "accuracies", "run"};
    struct snas_st_meta meta[10];
    struct snas_st_tensor *tensors = calloc(snas_st_count(good), sizeof tensors[0]);
    struct snas_err err = {0};
    struct snas_child child;
    for (int i = 0; i < 10; i++)
        meta[i] = (struct snas_st_meta){keys[i], snas_st_meta(good, keys[i])};
    for (size_t i = 0; i < snas_st_count(good); i++) {
        tensors[i] = *snas_st_at(good, i);
        if (strcmp(tensors[i].name, name) == 0)
            change(&tensors[i]);
    }
    const char *path = snas_test_path(directory, "changed");
    assert_ok(snas_st_write(path, tensors, snas_st_count(good), meta, 10, &err), &err);
    assert_int_not_equal(snas_child_read(path, &child, &err), SNAS_OK);
    assert_contains(err.text, says);
    free(tensors);
}

static const float infinite[6] = {0, 0, INFINITY, 0, 0, 0};
static const float negative[6] = {1, 1, 1, 1, 1, -1};
static void rename_tensor(struct snas_st_tensor *t)
{
    t->name = "stranger";
}
static void turn_shape(struct snas_st_tensor *t)
{
    int64_t c = t->shape[0];
    t->shape[0] = t->shape[1];
    t->shape[1] = c;
}
static void flatten(struct snas_st_tensor *t)
{
    t->ndim = 1;
    t->shape[0] *= t->shape[1];
}
static void make_infinite(struct snas_st_tensor *t)
{
    t->data = infinite;
}
static void make_negative(struct snas_st_tensor *t)
{
    t->data = negative;
}

static void child__is_refused_when_a_tensor_is_wrong(void **state)
{
    (void)state;
    struct snas_child child;
    struct snas_st *good;
    struct snas_err err = {0};
    make_child(&child);
    assert_ok(snas_st_read(write_child(&child, "good"), &good, &err), &err);
    assert_tensor_refused(good, "head.linear1.weight", rename_tensor, "is missing");
    assert_tensor_refused(good, "head.linear1.weight", turn_shape, "another shape");
    assert_tensor_refused(good, "cell0.pre1.pw1.weight", flatten, "another shape");
    assert_tensor_refused(good, "stem0.bn1.mean", make_infinite, "value 2 is not finite");
    assert_tensor_refused(good, "stem0.bn1.var", make_negative, "variance 5 is negative");
    snas_st_free(good);
    snas_child_clear(&child);
}

static void child__is_refused_when_the_file_is_cut_or_is_none(void **state)
{
    (void)state;
    struct snas_child child, back;
    struct snas_err err = {0};
    size_t size = 0;
    make_child(&child);
    char *bytes = snas_test_read(write_child(&child, "whole"), &size);
    const char *path = snas_test_path(directory, "cut");
    for (size_t cut = 0; cut < size; cut += 1 + size / 97) {
        snas_test_write(path, bytes, cut);
        assert_int_not_equal(snas_child_read(path, &back, &err), SNAS_OK);
        assert_null(back.network);
    }
    assert_int_equal(snas_child_read(snas_test_path(directory, "none"), &back, &err), SNAS_E_IO);
    free(bytes);
    snas_child_clear(&child);
}

/* One changed byte anywhere: refused, or read; never a crash (sanitizers look). */
static void child__survives_when_a_byte_is_changed(void **state)
{
    (void)state;
    struct snas_child child, back;
    size_t size = 0;
    make_child(&child);
    char *bytes = snas_test_read(write_child(&child, "whole"), &size);
    const char *path = snas_test_path(directory, "changed");
    for (size_t i = 0; i < size; i += 1 + size / 211) {
        char old = bytes[i];
        bytes[i] = (char)(old ^ 0x15);
        snas_test_write(path, bytes, size);
        if (snas_child_read(path, &back, NULL) == SNAS_OK)
            snas_child_clear(&back);
        bytes[i] = old;
    }
    free(bytes);
    snas_child_clear(&child);
}

static void supernet__is_not_written_when_asked(void **state)
{
    (void)state;
    struct snas_space space;
    read_space("tiny", &space);
    struct snas_network_options o = {
        .channels = 2, .layers = 1, .input = {1, 8, 8}, .classes = 3, .pool_bn = 1};
    struct snas_child c = {.network = make_network(&space, &o, NULL)};
    assert_not_written(&c, "a supernet is no child");
    snas_network_destroy(c.network);
}

static enum snas_status attempt_write(void *arg, struct snas_err *err)
{
    return snas_child_write(snas_test_path(directory, "attempt"), arg, err);
}

static enum snas_status attempt_read(void *arg, struct snas_err *err)
{
    struct snas_child back;
    enum snas_status status = snas_child_read(arg, &back, err);
    if (status == SNAS_OK)
        snas_child_clear(&back);
    return status;
}

static void child__frees_all_when_an_allocation_fails(void **state)
{
    (void)state;
    struct snas_child child;
    make_child(&child);
    char path[4096];
    snprintf(path, sizeof path, "%s", write_child(&child, "whole"));
    fail_every_allocation(attempt_write, &child);
    fail_every_allocation(attempt_read, path);
    snas_child_clear(&child);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(child__reads_back_what_it_wrote_when_all_is_set),
        cmocka_unit_test(child__has_the_same_bytes_when_it_is_written_twice),
        cmocka_unit_test(child__is_not_written_when_it_could_not_be_read),
        cmocka_unit_test(child__is_refused_when_its_metadata_is_wrong),
        cmocka_unit_test(child__is_refused_when_a_tensor_is_wrong),
        cmocka_unit_test(child__is_refused_when_the_file_is_cut_or_is_none),
        cmocka_unit_test(child__survives_when_a_byte_is_changed),
        cmocka_unit_test(supernet__is_not_written_when_asked),
        cmocka_unit_test(child__frees_all_when_an_allocation_fails),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory) != 0;
}

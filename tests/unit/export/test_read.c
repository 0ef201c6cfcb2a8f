#include "export/pipeline.h"

#include "export/onnx/read.h"
#include "onnx.pb-c.h"

static char *dir;
static struct snas_graph graph; /* of a child, as written below */
static char *model;             /* the file's bytes */
static size_t model_size;

static void read__gives_back_what_was_written(void **state)
{
    (void)state;
    struct snas_err err = {0};
    struct snas_onnx_file *f;
    int chw[3], classes;
    assert_ok(snas_onnx_read(snas_test_path(dir, "model.onnx"), &f, &err), &err);
    snas_onnx_shape(f, chw, &classes);
    assert_int_equal(chw[0], 1);
    assert_int_equal(chw[1], 9);
    assert_int_equal(chw[2], 9);
    assert_int_equal(classes, 10);
    assert_int_equal(snas_onnx_opset(f), 13);
    assert_int_equal(snas_onnx_ir_version(f), 7);
    assert_string_equal(snas_onnx_meta(f, "dataset"), "made by hand");
    assert_string_equal(snas_onnx_meta(f, "mean"), "[0.3]");
    assert_null(snas_onnx_meta(f, "nothing"));
    assert_int_equal(snas_onnx_node_count(f), graph.n_nodes);
    for (int i = 0; i < graph.n_nodes; i++) {
        struct snas_onnx_node n = snas_onnx_node_at(f, (size_t)i);
        assert_string_equal(n.name, graph.nodes[i].name);
        assert_string_equal(n.op, snas_onnx_op_name(graph.nodes[i].op));
    }
    for (int i = 0; i < graph.n_tensors; i++) {
        const struct snas_graph_tensor *t = &graph.tensors[i];
        const struct snas_onnx_tensor *r = snas_onnx_tensor_find(f, t->name);
        assert_non_null(r);
        assert_int_equal(r->ndim, t->ndim);
        assert_memory_equal(r->shape, t->shape, sizeof *r->shape * (size_t)t->ndim);
        assert_memory_equal(r->data, t->data, t->count * sizeof(float));
    }
    snas_onnx_free(f);
}

/* Right or refused with a line that names the file; never anything else. */
static void try_bytes(const char *data, size_t size)
{
    struct snas_err err = {0};
    struct snas_onnx_file *f;
    const char *name = snas_test_path(dir, "hostile.onnx");
    enum snas_status s = snas_onnx_parse(name, data, size, &f, &err);
    if (s == SNAS_OK) {
        float sum = 0;
        for (size_t i = 0; i < snas_onnx_tensor_count(f); i++) {
            const struct snas_onnx_tensor *t = snas_onnx_tensor_at(f, i);
            for (size_t k = 0; t->data && k < t->count; k++)
                sum += t->data[k];
        }
        for (size_t i = 0; i < snas_onnx_node_count(f); i++)
            sum += (float)strlen(snas_onnx_node_at(f, i).op);
        snas_onnx_meta(f, "nothing");
        assert_false(sum == 0.5F); /* so that the reads are not left out */
        snas_onnx_free(f);
        return;
    }
    assert_null(f);
    assert_true(s == SNAS_E_FORMAT || s == SNAS_E_IO);
    assert_contains(err.text, "hostile.onnx");
}

static void read__refuses_when_the_file_is_cut(void **state)
{
    (void)state;
    for (size_t n = 0; n < model_size; n += n < 2000 ? 1 : 97) {
        char *tight = malloc(n ? n : 1); /* no longer: a sanitizer sees an overrun */
        memcpy(tight, model, n);
        try_bytes(tight, n);
        free(tight);
    }
}

static void read__survives_when_bytes_are_changed(void **state)
{
    (void)state;
    struct snas_rng r = snas_rng_make(1, SNAS_STREAM_TEST, 0);
    char *bytes = malloc(model_size);
    for (int round = 0; round < 4000; round++) {
        memcpy(bytes, model, model_size);
        for (uint32_t n = 1 + snas_rng_below(&r, 6); n > 0; n--) {
            size_t at = snas_rng_below(&r, (uint32_t)model_size);
            if (round % 2) /* the small messages, which lie in front of the weights */
                at = at % 6000;
            bytes[at] = (char)snas_rng_u32(&r);
        }
        try_bytes(bytes, model_size);
    }
    free(bytes);
}

/* Subgraphs in attributes, a thousand deep: protobuf-c alone would recurse as deep. */
static void read__refuses_when_messages_are_nested_too_deep(void **state)
{
    (void)state;
    size_t size = 0, room = 1 << 20;
    unsigned char *bytes = malloc(room), *p = bytes + room;
    static const unsigned char field[3] = {0x0A, 0x2A, 0x32}; /* graph.node, .attribute, .g */
    for (int level = 0; level < 30000; level++) {
        size_t n = size;
        unsigned char head[8], *h = head;
        for (; n > 127; n >>= 7)
            *h++ = (unsigned char)(n | 0x80);
        *h++ = (unsigned char)n;
        p -= h - head;
        memcpy(p, head, (size_t)(h - head));
        *--p = level == 29999 ? 0x3A : field[(29998 - level) % 3]; /* at last: model.graph */
        size = (size_t)(bytes + room - p);
    }
    struct snas_err err = {0};
    struct snas_onnx_file *f;
    assert_int_equal(snas_onnx_parse("deep.onnx", p, size, &f, &err), SNAS_E_FORMAT);
    assert_string_equal(err.text, "deep.onnx: not an ONNX file, or a damaged one");
    free(bytes);
}

/* Two bytes a message, five million of them. */
static void read__refuses_when_there_are_too_many_messages(void **state)
{
    (void)state;
    size_t n = 5000000;
    unsigned char *bytes = malloc(2 * n + 8), *p = bytes;
    *p++ = 0x3A; /* model.graph */
    for (size_t left = 2 * n; left; left >>= 7)
        *p++ = (unsigned char)((left & 0x7F) | (left > 127 ? 0x80 : 0));
    for (size_t i = 0; i < n; i++) {
        *p++ = 0x0A; /* graph.node, empty */
        *p++ = 0;
    }
    struct snas_err err = {0};
    struct snas_onnx_file *f;
    assert_int_equal(snas_onnx_parse("many.onnx", bytes, (size_t)(p - bytes), &f, &err),
                     SNAS_E_FORMAT);
    free(bytes);
}

/* Changes a model through protobuf-c's own structs and reads the result. */
static void refused(void (*change)(Onnx__ModelProto *m), const char *words)
{
    struct snas_err err = {0};
    struct snas_onnx_file *f;
    Onnx__ModelProto *m = onnx__model_proto__unpack(NULL, model_size, (const uint8_t *)model);
    assert_non_null(m);
    change(m);
    size_t size = onnx__model_proto__get_packed_size(m);
    uint8_t *bytes = malloc(size);
    onnx__model_proto__pack(m, bytes);
    enum snas_status s =
        snas_onnx_parse(snas_test_path(dir, "changed.onnx"), bytes, size, &f, &err);
    if (s != SNAS_E_FORMAT)
        fail_msg("'%s' expected, got %d: %s", words, (int)s, err.text);
    assert_contains(err.text, words);
    assert_null(f);
    free(bytes);
    onnx__model_proto__free_unpacked(m, NULL);
}

static void huge_side(Onnx__ModelProto *m)
{
    m->graph->initializer[0]->dims[0] = INT64_MAX;
}
static void negative_side(Onnx__ModelProto *m)
{
    m->graph->initializer[0]->dims[0] = -3;
}
static void overflowing_sides(Onnx__ModelProto *m)
{
    for (size_t i = 0; i < m->graph->initializer[0]->n_dims; i++)
        m->graph->initializer[0]->dims[i] = 0x7FFFFFFF;
}
static void longer_than_its_data(Onnx__ModelProto *m)
{
    m->graph->initializer[0]->dims[0] += 1;
}
static void open_side(Onnx__ModelProto *m)
{
    Onnx__TensorShapeProto__Dimension *d = m->graph->input[0]->type->tensor_type->shape->dim[2];
    d->dim_value = 0;
}
static void integers(Onnx__ModelProto *m)
{
    m->graph->output[0]->type->tensor_type->elem_type = ONNX__TENSOR_PROTO__DATA_TYPE__INT64;
}
static void no_input(Onnx__ModelProto *m)
{
    onnx__value_info_proto__free_unpacked(m->graph->input[0], NULL);
    m->graph->n_input = 0;
}

static void read__refuses_when_shapes_are_wrong(void **state)
{
    (void)state;
    refused(huge_side, "has a side of 9223372036854775807");
    refused(negative_side, "has a side of -3");
    refused(overflowing_sides, "has a side of 2147483647");
    refused(longer_than_its_data, "does not hold its");
    refused(open_side, "its input is not one float image");
    refused(integers, "its output is not one float");
    refused(no_input, "its input is not one float image");
}

/* Initializer 0 as external data: what the entries say. */
static char *location, *offset, *length;

static void outside(Onnx__ModelProto *m)
{
    Onnx__TensorProto *t = m->graph->initializer[0];
    char *texts[][2] = {{"location", location}, {"offset", offset}, {"length", length}};
    t->has_data_location = 1;
    t->data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
    t->external_data = calloc(3, sizeof(Onnx__StringStringEntryProto *));
    for (int i = 0; i < 3; i++) {
        if (!texts[i][1])
            continue;
        Onnx__StringStringEntryProto *e = malloc(sizeof *e);
        onnx__string_string_entry_proto__init(e);
        e->key = strdup(texts[i][0]);
        e->value = strdup(texts[i][1]);
        t->external_data[t->n_external_data++] = e;
    }
}

static void refused_outside(char *where, char *at, char *bytes, const char *words)
{
    location = where;
    offset = at;
    length = bytes;
    refused(outside, words);
}

static void read__refuses_when_external_data_lies_elsewhere(void **state)
{
    (void)state;
    snas_test_write(snas_test_path(dir, "data"), model, 64);
    refused_outside("../data", NULL, NULL, "external data outside its directory");
    refused_outside("/etc/passwd", NULL, NULL, "external data outside its directory");
    refused_outside("..", NULL, NULL, "external data outside its directory");
    refused_outside("", NULL, NULL, "external data outside its directory");
    refused_outside(NULL, "0", NULL, "has no proper place outside");
    refused_outside("data", "-4", NULL, "has no proper place outside");
    refused_outside("data", "99999999999999999999999", NULL, "has no proper place outside");
    refused_outside("data", "3", NULL, "lies outside 'data'");
    refused_outside("data", "128", NULL, "lies outside 'data'");
    refused_outside("data", "60", NULL, "lies outside 'data'");
    refused_outside("data", "18446744073709551612", NULL, "lies outside 'data'");
    refused_outside("data", "0", "64", "lies outside 'data'");
}

static void read__fails_cleanly_when_any_allocation_fails(void **state)
{
    (void)state;
    int done = 0;
    for (long n = 1; !done; n++) {
        struct snas_err err = {0};
        struct snas_onnx_file *f;
        snas_mem_fail_at(n);
        enum snas_status s = snas_onnx_parse("model.onnx", model, model_size, &f, &err);
        done = snas_mem_fail_at(0) < n;
        assert_true(done ? s == SNAS_OK : s != SNAS_OK && err.text[0] && !f);
        snas_onnx_free(f);
    }
}

static int set_up(void **state)
{
    (void)state;
    struct snas_space space;
    struct snas_genotype g;
    struct snas_child child;
    struct snas_err err = {0};
    struct fixture_options o = fixture_default;
    struct snas_export_options options = {0};
    struct snas_export_report report;
    o.layers = 2;
    dir = snas_test_make_dir();
    fixture_darts(&space);
    fixture_random_genotype(&space, 5, &g);
    fixture_child(&space, &g, &o, &child);
    assert_ok(snas_export_graph(&child, &options, &graph, &report, &err), &err);
    pipeline_write(&graph, &child, &options, &report, snas_test_path(dir, "model.onnx"));
    model = snas_test_read(snas_test_path(dir, "model.onnx"), &model_size);
    snas_child_clear(&child);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    snas_graph_clear(&graph);
    free(model);
    snas_test_remove_dir(dir);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read__gives_back_what_was_written),
        cmocka_unit_test(read__refuses_when_the_file_is_cut),
        cmocka_unit_test(read__survives_when_bytes_are_changed),
        cmocka_unit_test(read__refuses_when_messages_are_nested_too_deep),
        cmocka_unit_test(read__refuses_when_there_are_too_many_messages),
        cmocka_unit_test(read__refuses_when_shapes_are_wrong),
        cmocka_unit_test(read__refuses_when_external_data_lies_elsewhere),
        cmocka_unit_test(read__fails_cleanly_when_any_allocation_fails),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down) != 0;
}

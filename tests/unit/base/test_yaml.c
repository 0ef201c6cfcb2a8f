#include "base/yaml.h"

#include "base/mem.h"
#include "support.h"

static enum snas_status parse(const char *text, struct snas_yaml **doc, struct snas_err *err)
{
    memset(err, 0, sizeof *err);
    return snas_yaml_parse("f.yaml", text, strlen(text), doc, err);
}

static void refused(const char *text, const char *message)
{
    struct snas_err err;
    struct snas_yaml *doc;
    assert_int_equal(parse(text, &doc, &err), SNAS_E_CONFIG);
    assert_null(doc);
    assert_string_equal(err.text, message);
}

static void yaml__remembers_places_when_nested(void **state)
{
    (void)state;
    struct snas_err err;
    struct snas_yaml *doc;
    assert_ok(parse("# first\na: 1\nb:\n  - x\n  - {\xC3\xA9: \"2\", d: []}\n", &doc, &err), &err);
    assert_int_equal(doc->kind, SNAS_YAML_MAP);
    assert_int_equal(doc->n, 2);
    const struct snas_yaml *a = snas_yaml_get(doc, "a"), *b = snas_yaml_get(doc, "b");
    assert_string_equal(a->text, "1");
    assert_int_equal(a->quoted, 0);
    assert_true(a->line == 2 && a->column == 4);
    assert_int_equal(b->kind, SNAS_YAML_LIST);
    assert_int_equal(b->n, 2);
    const struct snas_yaml *map = b->items[1], *quoted = snas_yaml_get(map, "\xC3\xA9");
    assert_true(map->line == 5 && map->column == 5);
    assert_string_equal(quoted->text, "2");
    assert_int_equal(quoted->quoted, 1);
    assert_true(quoted->line == 5 && quoted->column == 9); /* characters, not bytes */
    assert_true(map->keys[1]->line == 5 && map->keys[1]->column == 14);
    assert_int_equal(snas_yaml_get(map, "d")->n, 0);
    assert_null(snas_yaml_get(map, "x"));
    assert_null(snas_yaml_get(a, "x"));
    assert_null(snas_yaml_get(NULL, "x"));
    snas_yaml_free(doc);
    snas_yaml_free(NULL);
}

static void yaml__reads_json_when_given(void **state)
{
    (void)state;
    struct snas_err err;
    struct snas_yaml *doc;
    assert_ok(parse("{\"normal\": [[\"sep_conv_3x3\", 0], [\"skip\\u0020x\", 1]], \"n\": -1.5e3}",
                    &doc, &err),
              &err);
    const struct snas_yaml *normal = snas_yaml_get(doc, "normal");
    assert_int_equal(normal->n, 2);
    assert_string_equal(normal->items[1]->items[0]->text, "skip x");
    assert_string_equal(snas_yaml_get(doc, "n")->text, "-1.5e3");
    snas_yaml_free(doc);
}

static void yaml__is_an_empty_scalar_when_there_is_nothing(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "# only this\n", "---\n", "\n\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct snas_err err;
        struct snas_yaml *doc;
        assert_ok(parse(texts[i], &doc, &err), &err);
        assert_int_equal(doc->kind, SNAS_YAML_SCALAR);
        assert_string_equal(doc->text, "");
        assert_int_equal(doc->quoted, 0);
        snas_yaml_free(doc);
    }
}

static void yaml__says_where_when_refused(void **state)
{
    (void)state;
    refused("a: &x 1\n", "f.yaml:1:4: anchors (&name) are not allowed");
    refused("a: &x [1]\n", "f.yaml:1:4: anchors (&name) are not allowed");
    refused("a: 1\nb: *a\n", "f.yaml:2:4: aliases (*name) are not allowed");
    refused("*a : 1\n", "f.yaml:1:1: aliases (*name) are not allowed");
    refused("a: !!str 1\n", "f.yaml:1:4: tags (!name) are not allowed");
    refused("a: !x {}\n", "f.yaml:1:4: tags (!name) are not allowed");
    refused("a: 1\n---\nb: 2\n", "f.yaml:2:1: a second document in one file");
    refused("? [a]\n: 1\n", "f.yaml:1:3: a key must be a plain word or a quoted text");
    refused("{a: 1}: 2\n", "f.yaml:1:1: a key must be a plain word or a quoted text");
    refused("a: \"x\\0y\"\n", "f.yaml:1:4: a text with a zero byte");
    refused("a: 1\nb: 2\nc:\n  d: 1\n  d: 2\na: 3\n",
            "f.yaml:6:1: key 'a' given twice (line 1)\nf.yaml:5:3: key 'd' given twice (line 4)");
    refused("a: 1\n b: 2\n", "f.yaml:2:3: mapping values are not allowed in this context");
    refused("a: [1, 2\n", "f.yaml:2:1: did not find expected ',' or ']'");
    refused("a: 1\n\xC3\xA9 \xFF\n", "f.yaml:2:3: invalid leading UTF-8 octet");
    refused("a: \x01\n", "f.yaml:1:4: control characters are not allowed");
}

/* `depth` lists, one inside the other. */
static void lists(int depth, char *text)
{
    memset(text, '[', (size_t)depth);
    memset(text + depth, ']', (size_t)depth);
    text[2 * depth] = '\0';
}

static void yaml__refuses_when_nested_too_deeply(void **state)
{
    (void)state;
    struct snas_err err;
    struct snas_yaml *doc;
    static char text[100001];
    lists(64, text);
    assert_ok(parse(text, &doc, &err), &err);
    snas_yaml_free(doc);
    lists(65, text);
    refused(text, "f.yaml:1:65: nested too deeply");
    lists(50000, text);
    assert_int_equal(parse(text, &doc, &err), SNAS_E_CONFIG);
}

static void yaml__refuses_when_too_large(void **state)
{
    (void)state;
    struct snas_err err = {0};
    struct snas_yaml *doc;
    size_t size = ((size_t)4 << 20) + 1;
    char *text = malloc(size);
    memset(text, ' ', size);
    assert_int_equal(snas_yaml_parse("f.yaml", text, size, &doc, &err), SNAS_E_LIMIT);
    assert_string_equal(err.text, "f.yaml: larger than the 4194304 bytes a YAML text may have");
    assert_ok(snas_yaml_parse("f.yaml", text, size - 1, &doc, &err), &err);
    snas_yaml_free(doc);
    free(text);
}

static void yaml__names_the_file_when_read(void **state)
{
    (void)state;
    char *dir = snas_test_make_dir();
    const char *path = snas_test_path(dir, "a.yaml");
    char wanted[4200];
    struct snas_err err = {0};
    struct snas_yaml *doc;
    snas_test_write(path, "a: [\n", 5);
    assert_int_equal(snas_yaml_read(path, &doc, &err), SNAS_E_CONFIG);
    snprintf(wanted, sizeof wanted, "%s:2:1: ", path);
    assert_int_equal(strncmp(err.text, wanted, strlen(wanted)), 0);
    snas_test_write(path, "a: [1]\n", 7);
    assert_ok(snas_yaml_read(path, &doc, &err), &err);
    snas_yaml_free(doc);
    unlink(path);
    assert_int_equal(snas_yaml_read(path, &doc, &err), SNAS_E_IO);
    assert_null(doc);
    snas_test_remove_dir(dir);
}

static void yaml__leaks_nothing_when_memory_is_short(void **state)
{
    (void)state;
    int done = 0;
    for (long nth = 1; !done; nth++) {
        struct snas_err err;
        struct snas_yaml *doc;
        snas_mem_fail_at(nth);
        enum snas_status s = parse("a: {b: [1, [2], {c: d}]}\ne: \"f\"\n", &doc, &err);
        done = s == SNAS_OK;
        if (!done) {
            assert_int_equal(s, SNAS_E_NOMEM);
            assert_int_equal(err.code, SNAS_E_NOMEM);
            assert_null(doc);
        }
        snas_yaml_free(doc);
        assert_true(nth < 200);
    }
    snas_mem_fail_at(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(yaml__remembers_places_when_nested),
        cmocka_unit_test(yaml__reads_json_when_given),
        cmocka_unit_test(yaml__is_an_empty_scalar_when_there_is_nothing),
        cmocka_unit_test(yaml__says_where_when_refused),
        cmocka_unit_test(yaml__refuses_when_nested_too_deeply),
        cmocka_unit_test(yaml__refuses_when_too_large),
        cmocka_unit_test(yaml__names_the_file_when_read),
        cmocka_unit_test(yaml__leaks_nothing_when_memory_is_short),
    };
    return snas_test_run(tests);
}

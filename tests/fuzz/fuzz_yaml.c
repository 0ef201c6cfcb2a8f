#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/yaml.h"

/* A tree that is accepted is whole and no deeper than promised, its places lie in the text, and no
 * key stands twice in a map. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct snas_yaml *node, int depth, int lines)
{
    if (depth > 64 || node->line < 1 || node->line > lines || node->column < 1)
        SNAS_BUG("depth %d, line %d of %d", depth, node->line, lines);
    if ((node->kind == SNAS_YAML_SCALAR) != (node->text != NULL))
        SNAS_BUG("kind %d and text", (int)node->kind);
    for (size_t i = 0; i < node->n; i++) {
        check(node->items[i], depth + 1, lines);
        if (node->kind == SNAS_YAML_MAP) {
            check(node->keys[i], depth + 1, lines);
            if (snas_yaml_get(node, node->keys[i]->text) != node->items[i])
                SNAS_BUG("key '%s' twice", node->keys[i]->text);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct snas_err err = {0};
    struct snas_yaml *doc;
    enum snas_status s = snas_yaml_parse("fuzz.yaml", (const char *)data, size, &doc, &err);
    if (s == SNAS_OK) {
        check(doc, 1, (int)size + 1);
        snas_yaml_free(doc);
    } else if (doc || err.code != s || strncmp(err.text, "fuzz.yaml:", 10) != 0) {
        SNAS_BUG("refused by '%s'", err.text);
    }
    return 0;
}

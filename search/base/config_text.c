#include <string.h>

#include "base/config_value.h"
#include "base/text.h"

/* What is written from a schema: the resolved configuration, help, the docs page. */

enum { DESCRIPTION_MAX = 640 };

/* Length of the sections that two names have in common, with the dot: "a.b.c", "a.b.d" -> 4. */
static size_t common_sections(const char *a, const char *b)
{
    size_t n = 0;
    for (size_t i = 0; a[i] && a[i] == b[i]; i++)
        if (a[i] == '.')
            n = i + 1;
    return n;
}

/* A section must stand together in the table: opened again it would be a key given twice. */
static void check_grouped(const struct snas_schema *schema, size_t i, size_t opened)
{
    const char *name = schema->keys[i].name;
    for (size_t k = 0; k < i; k++)
        if (common_sections(schema->keys[k].name, name) > opened)
            SNAS_BUG("%s: '%s' stands apart from its section", schema->title, name);
}

static void dump_key(const struct snas_schema *schema, size_t i, const char *previous,
                     const void *target, struct snas_text *t)
{
    const struct snas_key *key = &schema->keys[i];
    size_t at = common_sections(previous, key->name);
    int depth = 0;
    for (size_t k = 0; k < at; k++)
        depth += key->name[k] == '.';
    check_grouped(schema, i, i > 0 ? common_sections(schema->keys[i - 1].name, key->name) : 0);
    for (const char *dot; (dot = strchr(key->name + at, '.')) != NULL; depth++) {
        size_t end = (size_t)(dot - key->name);
        snas_text_add(t, "%*s%.*s:\n", 2 * depth, "", (int)(end - at), key->name + at);
        at = end + 1;
    }
    char value[SNAS_VALUE_TEXT_MAX];
    snas_value_write(key, (const unsigned char *)target + key->offset, value, sizeof value);
    snas_text_add(t, "%*s%s: %s\n", 2 * depth, "", key->name + at, value);
}

enum snas_status snas_config_dump(const struct snas_schema *schema, const void *target, char **text,
                                  struct snas_err *err)
{
    struct snas_text t = {0};
    const char *previous = "";
    for (size_t i = 0; i < schema->n_keys; i++) {
        if (schema->keys[i].local)
            continue;
        dump_key(schema, i, previous, target, &t);
        previous = schema->keys[i].name;
    }
    return snas_text_take(&t, text, err);
}

const char *snas_config_differs(const struct snas_schema *schema, const void *a, const void *b)
{
    for (size_t i = 0; i < schema->n_keys; i++) {
        const struct snas_key *key = &schema->keys[i];
        char one[SNAS_VALUE_TEXT_MAX], other[SNAS_VALUE_TEXT_MAX];
        if (key->local)
            continue;
        snas_value_write(key, (const unsigned char *)a + key->offset, one, sizeof one);
        snas_value_write(key, (const unsigned char *)b + key->offset, other, sizeof other);
        if (strcmp(one, other) != 0)
            return key->name;
    }
    return NULL;
}

void snas_config_help(const struct snas_schema *schema, FILE *out)
{
    size_t widest = 0;
    for (size_t i = 0; i < schema->n_keys; i++)
        if (strlen(schema->keys[i].name) > widest)
            widest = strlen(schema->keys[i].name);
    fprintf(out, "%s\n", schema->title);
    for (size_t i = 0; i < schema->n_keys; i++) {
        const struct snas_key *key = &schema->keys[i];
        char what[DESCRIPTION_MAX];
        snas_value_describe(key, what, sizeof what);
        fprintf(out, "  %-*s  %s (%s; default %s)\n", (int)widest, key->name, key->help, what,
                key->initial[0] ? key->initial : "\"\"");
    }
}

/* A bar would end the table's cell. */
static void put_cell(const char *text, FILE *out)
{
    for (; *text; text++) {
        if (*text == '|')
            fputc('\\', out);
        fputc(*text, out);
    }
}

void snas_config_markdown(const struct snas_schema *schema, FILE *out)
{
    fprintf(out, "## %s\n\n| key | value | default | meaning |\n|---|---|---|---|\n",
            schema->title);
    for (size_t i = 0; i < schema->n_keys; i++) {
        const struct snas_key *key = &schema->keys[i];
        char what[DESCRIPTION_MAX];
        snas_value_describe(key, what, sizeof what);
        fprintf(out, "| `%s` | ", key->name);
        put_cell(what, out);
        fprintf(out, " | `%s` | ", key->initial[0] ? key->initial : "\"\"");
        put_cell(key->help, out);
        fprintf(out, "%s |\n",
                key->local == 1   ? " (of this machine: not part of the result)"
                : key->local == 2 ? " (resolved into other keys)"
                                  : "");
    }
}

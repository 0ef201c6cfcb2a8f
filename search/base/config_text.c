#include <string.h>

#include "base/config_value.h"
#include "base/mem.h"

/* What is written from a schema: the resolved configuration, help, the docs page. */

enum { DEPTH_MAX = 8, DESCRIPTION_MAX = 640 };

struct text {
    char *data;
    size_t size, room;
};

static enum snas_status text_add(struct text *t, const char *s, size_t n, struct snas_err *err)
{
    if (t->size + n + 1 > t->room) {
        size_t room = 2 * (t->size + n + 1);
        char *grown = snas_realloc(t->data, room, 1, err);
        if (!grown)
            return SNAS_E_NOMEM;
        t->data = grown;
        t->room = room;
    }
    memcpy(t->data + t->size, s, n);
    t->size += n;
    t->data[t->size] = '\0';
    return SNAS_OK;
}

/* "  name: value\n" `depth` levels in; value may be empty. */
static enum snas_status text_line(struct text *t, int depth, const char *name, size_t n,
                                  const char *value, struct snas_err *err)
{
    static const char blanks[2 * DEPTH_MAX + 1] = "                ";
    enum snas_status s = text_add(t, blanks, 2 * (size_t)depth, err);
    if (s == SNAS_OK)
        s = text_add(t, name, n, err);
    if (s == SNAS_OK)
        s = text_add(t, value[0] ? ": " : ":", value[0] ? 2 : 1, err);
    if (s == SNAS_OK)
        s = text_add(t, value, strlen(value), err);
    return s == SNAS_OK ? text_add(t, "\n", 1, err) : s;
}

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

static enum snas_status dump_key(const struct snas_schema *schema, size_t i, const char *previous,
                                 const void *target, struct text *t, struct snas_err *err)
{
    const struct snas_key *key = &schema->keys[i];
    size_t at = common_sections(previous, key->name);
    int depth = 0;
    for (size_t k = 0; k < at; k++)
        depth += key->name[k] == '.';
    check_grouped(schema, i, i > 0 ? common_sections(schema->keys[i - 1].name, key->name) : 0);
    for (const char *dot; (dot = strchr(key->name + at, '.')) != NULL; depth++) {
        if (depth == DEPTH_MAX)
            SNAS_BUG("%s: '%s' is nested too deeply", schema->title, key->name);
        enum snas_status s =
            text_line(t, depth, key->name + at, (size_t)(dot - key->name) - at, "", err);
        if (s != SNAS_OK)
            return s;
        at = (size_t)(dot - key->name) + 1;
    }
    char value[SNAS_VALUE_TEXT_MAX];
    snas_value_write(key, (const unsigned char *)target + key->offset, value, sizeof value);
    return text_line(t, depth, key->name + at, strlen(key->name + at), value, err);
}

enum snas_status snas_config_dump(const struct snas_schema *schema, const void *target, char **text,
                                  struct snas_err *err)
{
    struct text t = {0};
    const char *previous = "";
    *text = NULL;
    enum snas_status s = text_add(&t, "", 0, err);
    for (size_t i = 0; i < schema->n_keys && s == SNAS_OK; i++) {
        if (schema->keys[i].local)
            continue;
        s = dump_key(schema, i, previous, target, &t, err);
        previous = schema->keys[i].name;
    }
    if (s != SNAS_OK) {
        snas_free(t.data);
        return s;
    }
    *text = t.data;
    return SNAS_OK;
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
        fprintf(out, "%s |\n", key->local ? " (of this machine: not part of the result)" : "");
    }
}

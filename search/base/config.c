#include "base/config.h"

#include <string.h>

#include "base/config_value.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/yaml_tree.h"

enum { WHY_MAX = 1024, PATH_CHARS_MAX = 256, SCHEMA_KEYS_MAX = 512, ERRORS_MAX = 100 };

/* One reading of a text over a schema. The first pass only checks (target NULL); the second
 * stores, so that a text with an error changes nothing. */
struct reading {
    const struct snas_schema *schema;
    const char *name; /* of the file */
    void *target;
    struct snas_err *err; /* collects */
    enum snas_status status;
    int errors;
    int line[SCHEMA_KEYS_MAX]; /* where each key was given; 0: not yet */
};

static void complain(struct reading *r, const struct snas_yaml *at, const char *what,
                     const char *more)
{
    r->status = snas_fail_more(r->err, SNAS_E_CONFIG, "%s:%d:%d: %s%s", r->name, at->line,
                               at->column, what, more);
    if (++r->errors == ERRORS_MAX)
        snas_fail_more(r->err, SNAS_E_CONFIG, "and more");
}

static void *place_of(const struct snas_key *key, void *target)
{
    return target ? (unsigned char *)target + key->offset : NULL;
}

static int find_key(const struct snas_schema *schema, const char *name)
{
    for (size_t i = 0; i < schema->n_keys; i++)
        if (strcmp(schema->keys[i].name, name) == 0)
            return (int)i;
    return -1;
}

static int is_section(const struct snas_schema *schema, const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < schema->n_keys; i++)
        if (strncmp(schema->keys[i].name, name, n) == 0 && schema->keys[i].name[n] == '.')
            return 1;
    return 0;
}

static const char *last_part(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot ? dot + 1 : name;
}

/* A section that is near, into `text`. */
static int suggest_section(const struct snas_schema *schema, const char *name, char *text,
                           size_t size)
{
    for (size_t i = 0; i < schema->n_keys; i++) {
        const char *key = schema->keys[i].name;
        for (const char *dot = strchr(key, '.'); dot; dot = strchr(dot + 1, '.')) {
            snprintf(text, size, "%.*s", (int)(dot - key), key);
            const char *section = text;
            if (snas_nearest(name, &section, 1) == 0)
                return 1;
        }
    }
    return 0;
}

/* The nearest full name or section; failing that, a key whose last part is near: whoever forgets
 * the section is told it. */
static int suggest(const struct snas_schema *schema, const char *name, char *text, size_t size)
{
    const char *names[SCHEMA_KEYS_MAX];
    for (size_t i = 0; i < schema->n_keys; i++)
        names[i] = schema->keys[i].name;
    int near = snas_nearest(name, names, schema->n_keys);
    if (near < 0 && suggest_section(schema, name, text, size))
        return 1;
    if (near < 0) {
        for (size_t i = 0; i < schema->n_keys; i++)
            names[i] = last_part(schema->keys[i].name);
        near = snas_nearest(last_part(name), names, schema->n_keys);
    }
    if (near >= 0)
        snprintf(text, size, "%s", schema->keys[near].name);
    return near >= 0;
}

static void unknown_key(const struct snas_schema *schema, const char *name, char *text, size_t size)
{
    char near[PATH_CHARS_MAX];
    if (suggest(schema, name, near, sizeof near))
        snprintf(text, size, "unknown key '%s'; did you mean '%s'?", name, near);
    else
        snprintf(text, size, "unknown key '%s'", name);
}

static void read_value(struct reading *r, int i, const struct snas_yaml *at,
                       const struct snas_yaml *value)
{
    const struct snas_key *key = &r->schema->keys[i];
    char why[WHY_MAX], what[WHY_MAX + PATH_CHARS_MAX];
    if (r->line[i]) {
        snprintf(what, sizeof what, "key '%s' given twice (line %d)", key->name, r->line[i]);
        complain(r, at, what, "");
        return;
    }
    r->line[i] = at->line;
    snprintf(what, sizeof what, "%s: ", key->name);
    if (value->kind != SNAS_YAML_SCALAR)
        complain(r, value, what,
                 value->kind == SNAS_YAML_LIST ? "expects one value, not a list"
                                               : "expects one value, not a section");
    else if (!snas_value_read(key, value->text, value->quoted, place_of(key, r->target), why,
                              sizeof why))
        complain(r, value, what, why);
}

static int is_empty(const struct snas_yaml *node)
{
    return node->kind == SNAS_YAML_SCALAR && !node->quoted && node->text[0] == '\0';
}

/* `prefix` is "" or "section."; deep nesting ends where no schema name is that long. */
static enum snas_status read_map(struct reading *r, const struct snas_yaml *map, const char *prefix)
{
    size_t *first = snas_yaml_first_keys(map, r->err);
    if (!first)
        return SNAS_E_NOMEM;
    enum snas_status s = SNAS_OK;
    for (size_t i = 0; i < map->n && s == SNAS_OK && r->errors < ERRORS_MAX; i++) {
        const struct snas_yaml *key = map->keys[i], *value = map->items[i];
        char name[PATH_CHARS_MAX], what[3 * PATH_CHARS_MAX];
        snprintf(name, sizeof name, "%s%.*s", prefix, (int)(sizeof name / 2), key->text);
        int index = find_key(r->schema, name), section = is_section(r->schema, name);
        if (index >= 0) {
            read_value(r, index, key, value);
        } else if (section && first[i] != i) {
            snprintf(what, sizeof what, "key '%s' given twice (line %d)", name,
                     map->keys[first[i]]->line);
            complain(r, key, what, "");
        } else if (section && value->kind == SNAS_YAML_MAP) {
            strncat(name, ".", sizeof name - strlen(name) - 1);
            s = read_map(r, value, name);
        } else if (section && !is_empty(value)) {
            complain(r, value, name, ": expects a section of keys, not a value");
        } else if (!section) {
            unknown_key(r->schema, name, what, sizeof what);
            complain(r, key, what, "");
        }
    }
    snas_free(first);
    return s;
}

static enum snas_status read_tree(const struct snas_schema *schema, const char *name,
                                  const struct snas_yaml *doc, void *target, struct snas_err *err)
{
    struct reading r = {.schema = schema, .name = name, .target = target, .err = err};
    if (schema->n_keys > SCHEMA_KEYS_MAX)
        SNAS_BUG("schema '%s' has %zu keys", schema->title, schema->n_keys);
    if (is_empty(doc))
        return SNAS_OK;
    if (doc->kind != SNAS_YAML_MAP) {
        complain(&r, doc, "expects lines of 'key: value'", "");
        return r.status;
    }
    enum snas_status s = read_map(&r, doc, "");
    return s != SNAS_OK ? s : r.status;
}

enum snas_status snas_config_parse(const struct snas_schema *schema, const char *name,
                                   const char *text, size_t size, void *target,
                                   struct snas_err *err)
{
    struct snas_yaml *doc;
    struct snas_err found = {0};
    enum snas_status s = snas_yaml_parse_twice(name, text, size, &doc, &found);
    if (s == SNAS_OK)
        s = read_tree(schema, name, doc, NULL, &found);
    if (s == SNAS_OK)
        s = read_tree(schema, name, doc, target, &found);
    snas_yaml_free(doc);
    if (s != SNAS_OK)
        snas_fail(err, s, "%s", found.text);
    return s;
}

enum snas_status snas_config_read(const struct snas_schema *schema, const char *path, void *target,
                                  struct snas_err *err)
{
    char *text;
    size_t size;
    enum snas_status s = snas_read_file(path, SNAS_YAML_SIZE_MAX, &text, &size, err);
    if (s != SNAS_OK)
        return s;
    s = snas_config_parse(schema, path, text, size, target, err);
    snas_free(text);
    return s;
}

enum snas_status snas_config_set(const struct snas_schema *schema, const char *assignment,
                                 void *target, struct snas_err *err)
{
    const char *equals = strchr(assignment, '=');
    if (!equals)
        return snas_fail(err, SNAS_E_CONFIG, "--set %s: expects key=value", assignment);
    char name[PATH_CHARS_MAX], why[WHY_MAX];
    snprintf(name, sizeof name, "%.*s", (int)(equals - assignment), assignment);
    int i = find_key(schema, name);
    if (i < 0) {
        if (is_section(schema, name))
            snprintf(why, sizeof why, "'%s' is a section of keys", name);
        else
            unknown_key(schema, name, why, sizeof why);
        return snas_fail(err, SNAS_E_CONFIG, "--set %s: %s", assignment, why);
    }
    const struct snas_key *key = &schema->keys[i];
    /* The shell has taken the quotes: a text may be empty, a number is never "quoted". */
    int quoted = key->type == SNAS_T_STRING;
    if (!snas_value_read(key, equals + 1, quoted, place_of(key, target), why, sizeof why))
        return snas_fail(err, SNAS_E_CONFIG, "--set %s: %s", assignment, why);
    return SNAS_OK;
}

void snas_config_defaults(const struct snas_schema *schema, void *target)
{
    for (size_t i = 0; i < schema->n_keys; i++) {
        const struct snas_key *key = &schema->keys[i];
        char text[SNAS_STRING_MAX + 2], why[WHY_MAX];
        size_t n = strlen(key->initial);
        int quoted = n >= 2 && key->initial[0] == '"' && key->initial[n - 1] == '"';
        snprintf(text, sizeof text, "%.*s", (int)(n - 2 * (size_t)quoted), key->initial + quoted);
        if (!snas_value_read(key, text, quoted || key->type == SNAS_T_STRING, place_of(key, target),
                             why, sizeof why))
            SNAS_BUG("%s: default of %s: %s", schema->title, key->name, why);
    }
}

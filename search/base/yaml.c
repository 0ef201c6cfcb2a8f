#include "base/yaml.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/yaml_tree.h"

struct reader {
    yaml_parser_t parser;
    const char *name, *text;
    size_t size;
    struct snas_err *err;
};

static enum snas_status refuse(const struct reader *r, yaml_mark_t at, const char *what)
{
    return snas_fail(r->err, SNAS_E_CONFIG, "%s:%zu:%zu: %s", r->name, at.line + 1, at.column + 1,
                     what);
}

/* Bytes that are no text have an offset only: count the lines before it. */
static enum snas_status refuse_bytes(const struct reader *r, const char *what)
{
    size_t line = 1, column = 1;
    for (size_t i = 0; i < r->size && i < r->parser.problem_offset; i++) {
        if (r->text[i] == '\n') {
            line++;
            column = 1;
        } else if (((unsigned char)r->text[i] & 0xC0) != 0x80) {
            column++;
        }
    }
    return snas_fail(r->err, SNAS_E_CONFIG, "%s:%zu:%zu: %s", r->name, line, column, what);
}

static enum snas_status next_event(struct reader *r, yaml_event_t *event)
{
    if (yaml_parser_parse(&r->parser, event))
        return SNAS_OK;
    const yaml_parser_t *p = &r->parser;
    if (p->error == YAML_MEMORY_ERROR)
        return snas_fail(r->err, SNAS_E_NOMEM, "out of memory reading '%s'", r->name);
    const char *what = p->problem ? p->problem : "not YAML";
    return p->error == YAML_READER_ERROR ? refuse_bytes(r, what) : refuse(r, p->problem_mark, what);
}

static struct snas_yaml *node_create(struct reader *r, enum snas_yaml_kind kind, yaml_mark_t at)
{
    struct snas_yaml *node = snas_alloc(1, sizeof *node, r->err);
    if (node) {
        node->kind = kind;
        node->line = (int)at.line + 1;
        node->column = (int)at.column + 1;
    }
    return node;
}

static enum snas_status array_grow(struct snas_yaml ***array, size_t n, struct snas_err *err)
{
    struct snas_yaml **grown = snas_realloc(*array, n, sizeof(struct snas_yaml *), err);
    if (!grown)
        return SNAS_E_NOMEM;
    *array = grown;
    return SNAS_OK;
}

/* Room for one entry more; the arrays double whenever they hold a power of two. */
static enum snas_status node_reserve(struct snas_yaml *node, struct snas_err *err)
{
    size_t n = node->n;
    if ((n & (n - 1)) != 0)
        return SNAS_OK;
    enum snas_status s = array_grow(&node->items, n ? 2 * n : 1, err);
    if (s == SNAS_OK && node->kind == SNAS_YAML_MAP)
        s = array_grow(&node->keys, n ? 2 * n : 1, err);
    return s;
}

static enum snas_status read_scalar(struct reader *r, const yaml_event_t *event,
                                    struct snas_yaml **out)
{
    const char *text = (const char *)event->data.scalar.value;
    size_t n = event->data.scalar.length;
    if (memchr(text, '\0', n))
        return refuse(r, event->start_mark, "a text with a zero byte");
    struct snas_yaml *node = node_create(r, SNAS_YAML_SCALAR, event->start_mark);
    if (!node)
        return SNAS_E_NOMEM;
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    node->text = snas_strdup(text, r->err);
    if (!node->text) {
        snas_yaml_free(node);
        return SNAS_E_NOMEM;
    }
    *out = node;
    return SNAS_OK;
}

/* What this format leaves out, whichever kind of node carries it. */
static enum snas_status check_node(struct reader *r, const yaml_event_t *event, int depth)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;
    switch (event->type) {
    case YAML_ALIAS_EVENT:
        return refuse(r, event->start_mark, "aliases (*name) are not allowed");
    case YAML_SCALAR_EVENT:
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
        break;
    case YAML_SEQUENCE_START_EVENT:
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
        break;
    case YAML_MAPPING_START_EVENT:
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
        break;
    default:
        SNAS_BUG("yaml event %d where a node begins", (int)event->type);
    }
    if (anchor)
        return refuse(r, event->start_mark, "anchors (&name) are not allowed");
    if (tag)
        return refuse(r, event->start_mark, "tags (!name) are not allowed");
    if (depth > SNAS_YAML_DEPTH_MAX)
        return refuse(r, event->start_mark, "nested too deeply");
    return SNAS_OK;
}

static enum snas_status read_entries(struct reader *r, struct snas_yaml *node, int depth);

/* The node that `event` begins. */
static enum snas_status read_node(struct reader *r, const yaml_event_t *event, int depth,
                                  struct snas_yaml **out)
{
    enum snas_status s = check_node(r, event, depth);
    if (s != SNAS_OK)
        return s;
    if (event->type == YAML_SCALAR_EVENT)
        return read_scalar(r, event, out);
    struct snas_yaml *node =
        node_create(r, event->type == YAML_MAPPING_START_EVENT ? SNAS_YAML_MAP : SNAS_YAML_LIST,
                    event->start_mark);
    if (!node)
        return SNAS_E_NOMEM;
    s = read_entries(r, node, depth);
    if (s != SNAS_OK) {
        snas_yaml_free(node);
        return s;
    }
    *out = node;
    return SNAS_OK;
}

/* One entry: `first` begins its key in a map, its value in a list. */
static enum snas_status read_entry(struct reader *r, struct snas_yaml *node,
                                   const yaml_event_t *first, int depth)
{
    enum snas_status s = node_reserve(node, r->err);
    if (s != SNAS_OK)
        return s;
    if (node->kind == SNAS_YAML_LIST) {
        s = read_node(r, first, depth + 1, &node->items[node->n]);
        node->n += s == SNAS_OK;
        return s;
    }
    if (first->type != YAML_SCALAR_EVENT && first->type != YAML_ALIAS_EVENT)
        return refuse(r, first->start_mark, "a key must be a plain word or a quoted text");
    struct snas_yaml *key = NULL;
    yaml_event_t event;
    s = read_node(r, first, depth + 1, &key);
    if (s == SNAS_OK)
        s = next_event(r, &event);
    if (s == SNAS_OK) {
        s = read_node(r, &event, depth + 1, &node->items[node->n]);
        yaml_event_delete(&event);
    }
    if (s != SNAS_OK) {
        snas_yaml_free(key);
        return s;
    }
    node->keys[node->n++] = key;
    return SNAS_OK;
}

static enum snas_status read_entries(struct reader *r, struct snas_yaml *node, int depth)
{
    for (;;) {
        yaml_event_t event;
        enum snas_status s = next_event(r, &event);
        if (s != SNAS_OK)
            return s;
        int last = event.type == YAML_SEQUENCE_END_EVENT || event.type == YAML_MAPPING_END_EVENT;
        if (!last)
            s = read_entry(r, node, &event, depth);
        yaml_event_delete(&event);
        if (last || s != SNAS_OK)
            return s;
    }
}

/* Stream and document; a file with nothing in it reads as one empty plain scalar. */
static enum snas_status read_document(struct reader *r, struct snas_yaml **out)
{
    for (;;) {
        yaml_event_t event;
        enum snas_status s = next_event(r, &event);
        if (s != SNAS_OK)
            return s;
        int last = event.type == YAML_STREAM_END_EVENT;
        switch (event.type) {
        case YAML_STREAM_START_EVENT:
        case YAML_DOCUMENT_END_EVENT:
        case YAML_STREAM_END_EVENT:
            break;
        case YAML_DOCUMENT_START_EVENT:
            if (*out)
                s = refuse(r, event.start_mark, "a second document in one file");
            break;
        default:
            s = read_node(r, &event, 1, out);
        }
        yaml_event_delete(&event);
        if (s != SNAS_OK)
            return s;
        if (last)
            break;
    }
    if (*out)
        return SNAS_OK;
    *out = node_create(r, SNAS_YAML_SCALAR, (yaml_mark_t){0});
    if (*out)
        (*out)->text = snas_strdup("", r->err);
    return *out && (*out)->text ? SNAS_OK : SNAS_E_NOMEM;
}

enum snas_status snas_yaml_parse_twice(const char *name, const char *text, size_t size,
                                       struct snas_yaml **out, struct snas_err *err)
{
    *out = NULL;
    if (size > SNAS_YAML_SIZE_MAX)
        return snas_fail(err, SNAS_E_LIMIT, "%s: larger than the %d bytes a YAML text may have",
                         name, (int)SNAS_YAML_SIZE_MAX);
    struct reader r = {.name = name, .text = text, .size = size, .err = err};
    if (!yaml_parser_initialize(&r.parser))
        return snas_fail(err, SNAS_E_NOMEM, "out of memory reading '%s'", name);
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, size);
    struct snas_yaml *doc = NULL;
    enum snas_status s = read_document(&r, &doc);
    yaml_parser_delete(&r.parser);
    if (s != SNAS_OK) {
        snas_yaml_free(doc);
        return s;
    }
    *out = doc;
    return SNAS_OK;
}

struct place {
    const char *text;
    size_t index;
};

static int place_compare(const void *a, const void *b)
{
    const struct place *p = a, *q = b;
    int c = strcmp(p->text, q->text);
    return c ? c : (p->index > q->index) - (p->index < q->index);
}

size_t *snas_yaml_first_keys(const struct snas_yaml *map, struct snas_err *err)
{
    size_t *first = snas_alloc(map->n, sizeof *first, err);
    struct place *places = first ? snas_alloc(map->n, sizeof *places, err) : NULL;
    if (!places) {
        snas_free(first);
        return NULL;
    }
    for (size_t i = 0; i < map->n; i++)
        places[i] = (struct place){map->keys[i]->text, i};
    qsort(places, map->n, sizeof *places, place_compare);
    for (size_t i = 0; i < map->n; i++) {
        int again = i > 0 && strcmp(places[i].text, places[i - 1].text) == 0;
        first[places[i].index] = again ? first[places[i - 1].index] : places[i].index;
    }
    snas_free(places);
    return first;
}

static enum snas_status refuse_twice(const char *name, const struct snas_yaml *node,
                                     struct snas_err *err)
{
    enum snas_status s = SNAS_OK;
    if (node->kind == SNAS_YAML_MAP) {
        size_t *first = snas_yaml_first_keys(node, err);
        if (!first)
            return SNAS_E_NOMEM;
        for (size_t i = 0; i < node->n; i++)
            if (first[i] != i)
                s = snas_fail_more(err, SNAS_E_CONFIG, "%s:%d:%d: key '%s' given twice (line %d)",
                                   name, node->keys[i]->line, node->keys[i]->column,
                                   node->keys[i]->text, node->keys[first[i]]->line);
        snas_free(first);
    }
    for (size_t i = 0; i < node->n; i++) {
        enum snas_status below = refuse_twice(name, node->items[i], err);
        if (below == SNAS_E_NOMEM)
            return below;
        s = s == SNAS_OK ? below : s;
    }
    return s;
}

enum snas_status snas_yaml_parse(const char *name, const char *text, size_t size,
                                 struct snas_yaml **out, struct snas_err *err)
{
    enum snas_status s = snas_yaml_parse_twice(name, text, size, out, err);
    if (s != SNAS_OK)
        return s;
    struct snas_err found = {0};
    s = refuse_twice(name, *out, &found);
    if (s != SNAS_OK) {
        snas_fail(err, s, "%s", found.text);
        snas_yaml_free(*out);
        *out = NULL;
    }
    return s;
}

enum snas_status snas_yaml_read(const char *path, struct snas_yaml **out, struct snas_err *err)
{
    char *text;
    size_t size;
    *out = NULL;
    enum snas_status s = snas_read_file(path, SNAS_YAML_SIZE_MAX, &text, &size, err);
    if (s != SNAS_OK)
        return s;
    s = snas_yaml_parse(path, text, size, out, err);
    snas_free(text);
    return s;
}

void snas_yaml_free(struct snas_yaml *doc)
{
    if (!doc)
        return;
    for (size_t i = 0; i < doc->n; i++) {
        snas_yaml_free(doc->items[i]);
        if (doc->keys)
            snas_yaml_free(doc->keys[i]);
    }
    snas_free(doc->items);
    snas_free(doc->keys);
    snas_free(doc->text);
    snas_free(doc);
}

const struct snas_yaml *snas_yaml_get(const struct snas_yaml *map, const char *key)
{
    if (!map || map->kind != SNAS_YAML_MAP)
        return NULL;
    for (size_t i = 0; i < map->n; i++)
        if (strcmp(map->keys[i]->text, key) == 0)
            return map->items[i];
    return NULL;
}

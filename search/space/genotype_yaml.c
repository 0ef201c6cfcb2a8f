/* The JSON notation (YAML's subset), read through base/yaml.h. */
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "base/yaml.h"
#include "space/genotype_reader.h"

static void fail_at(struct snas_genotype_reader *r, const struct snas_yaml *at, const char *what)
{
    snas_genotype_reader_fail(r, at->line, at->column, "%s", what);
}

/* A whole number of at most five digits, or -1. */
static long number_of(const struct snas_yaml *v)
{
    if (v->kind != SNAS_YAML_SCALAR || v->quoted)
        return -1;
    size_t n = strlen(v->text);
    if (n == 0 || n > 5 || strspn(v->text, "0123456789") != n)
        return -1;
    return strtol(v->text, NULL, 10);
}

/* ["sep_conv_3x3", 0] */
static void read_choice(struct snas_genotype_reader *r, int kind, int node,
                        const struct snas_yaml *v)
{
    long from;
    if (v->kind != SNAS_YAML_LIST || v->n != 2 || v->items[0]->kind != SNAS_YAML_SCALAR ||
        (from = number_of(v->items[1])) < 0)
        fail_at(r, v, "a choice is [op, slot]");
    else
        snas_genotype_reader_choice(r, kind, node, v->items[0]->text, from, v->line, v->column);
}

static void read_nodes(struct snas_genotype_reader *r, int kind, const struct snas_yaml *v)
{
    if (v->kind != SNAS_YAML_LIST || v->n == 0 || v->n > SNAS_MAX_NODES) {
        snas_genotype_reader_fail(r, v->line, v->column, "nodes is a list of 1..%d nodes",
                                  SNAS_MAX_NODES);
        return;
    }
    for (size_t n = 0; n < v->n; n++) {
        const struct snas_yaml *node = v->items[n];
        if (node->kind != SNAS_YAML_LIST)
            fail_at(r, node, "a node is a list of [op, slot]");
        else
            for (size_t i = 0; i < node->n; i++)
                read_choice(r, kind, (int)n, node->items[i]);
    }
    r->g->cells[kind].n_nodes = (int)v->n;
}

static void read_concat(struct snas_genotype_reader *r, int kind, const struct snas_yaml *v)
{
    r->has_concat[kind] = 1;
    r->concat_line[kind] = v->line;
    r->concat_column[kind] = v->column;
    if (v->kind != SNAS_YAML_LIST) {
        fail_at(r, v, "concat is a list of nodes");
        return;
    }
    for (size_t i = 0; i < v->n; i++) {
        const struct snas_yaml *node = v->items[i];
        long index = number_of(node);
        if (index < 0)
            fail_at(r, node, "concat is a list of nodes, counted from 0");
        else
            snas_genotype_reader_concat(r, kind, index, node->line, node->column);
    }
}

static void unknown_key(struct snas_genotype_reader *r, const struct snas_yaml *key)
{
    static const char *const known[] = {"nodes", "concat"};
    int near = snas_nearest(key->text, known, 2);
    snas_genotype_reader_fail(r, key->line, key->column, "unknown key '%s'%s%s%s", key->text,
                              near < 0 ? "" : " (did you mean '", near < 0 ? "" : known[near],
                              near < 0 ? "" : "'?)");
}

static void read_cell(struct snas_genotype_reader *r, int kind, const struct snas_yaml *v)
{
    if (v->kind != SNAS_YAML_MAP || !snas_yaml_get(v, "nodes")) {
        fail_at(r, v, "a cell is a map with nodes and concat");
        return;
    }
    for (size_t i = 0; i < v->n; i++) {
        if (strcmp(v->keys[i]->text, "nodes") == 0)
            read_nodes(r, kind, v->items[i]);
        else if (strcmp(v->keys[i]->text, "concat") == 0)
            read_concat(r, kind, v->items[i]);
        else
            unknown_key(r, v->keys[i]);
    }
}

void snas_genotype_read_yaml(struct snas_genotype_reader *r, const char *text, size_t size)
{
    struct snas_yaml *doc = NULL;
    r->status = snas_yaml_parse(r->name, text, size, &doc, r->err);
    if (r->status != SNAS_OK)
        return;
    if (doc->kind != SNAS_YAML_MAP) {
        fail_at(r, doc,
                "no genotype: a map of cells, Genotype(...) or |op~0|+... is expected here");
    } else {
        for (size_t i = 0; i < doc->n; i++) {
            const struct snas_yaml *key = doc->keys[i], *v = doc->items[i];
            if (strcmp(key->text, "name") == 0) {
                if (v->kind == SNAS_YAML_SCALAR)
                    snas_genotype_reader_name(r, v->text, v->line, v->column);
                else
                    fail_at(r, v, "name is a text");
                continue;
            }
            int kind = snas_genotype_reader_kind(r, key->text, key->line, key->column);
            if (kind >= 0)
                read_cell(r, kind, v);
        }
    }
    snas_yaml_free(doc);
}

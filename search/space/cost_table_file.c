/* Cost tables as files: docs/costs.md describes the format for users. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/yaml.h"
#include "space/cost_table.h"

#define FORMAT "snas-cost-table"
#define VERSION 1
#define FILE_MAX ((size_t)4 << 20) /* what base/yaml.h reads */
#define LISTED 12                  /* missing rows named in an error */

/* One entry of z, as a row names it. */
struct place {
    int cell, edge, op; /* op: position in the kind's list */
};

static const struct snas_edge *edge_at(const struct snas_network *net, struct place p)
{
    return &net->edges[net->cells[p.cell].first_edge + p.edge];
}

static const char *op_name(const struct snas_network *net, struct place p)
{
    return net->space->ops[net->space->kinds[net->cells[p.cell].kind].op[p.op]].name;
}

/* The next place in the order of z; 0 behind the last. */
static int next_place(const struct snas_network *net, struct place *p)
{
    if (++p->op < edge_at(net, *p)->n_ops)
        return 1;
    p->op = 0;
    if (++p->edge < net->cells[p->cell].n_edges)
        return 1;
    p->edge = 0;
    return ++p->cell < net->n_cells;
}

/* --- writing --- */

static void format_row(const struct snas_network *net, const struct snas_cost_table *table,
                       struct place p, struct snas_text *t)
{
    const struct snas_edge *edge = edge_at(net, p);
    const struct snas_cell *cell = &net->cells[p.cell];
    struct snas_shape side = net->blocks[edge->first_block + p.op].out_shape;
    snas_text_add(t,
                  "  - {cell: %d, kind: %s, node: %d, from: %d, op: %s, channels: %d, "
                  "side: [%d, %d], stride: %d",
                  p.cell, net->space->kinds[cell->kind].name, edge->to, edge->from, op_name(net, p),
                  cell->channels, side.h, side.w, edge->stride);
    for (int c = 0; c < SNAS_COST_COLUMNS; c++)
        if (table->column[c])
            snas_text_add(t, ", %s: %.9g", snas_cost_columns[c].name,
                          table->column[c][edge->z + p.op]);
    snas_text_add(t, "}\n");
}

enum snas_status snas_cost_table_format(const struct snas_network *net,
                                        const struct snas_cost_table *table, char **text,
                                        struct snas_err *err)
{
    const struct snas_network_options *o = &net->options;
    const struct snas_cost_source *s = &table->source;
    struct snas_text t = {0};
    snas_text_add(&t, "format: %s\nversion: %d\n", FORMAT, VERSION);
    snas_text_add(&t, "network: {space: %s, channels: %d, layers: %d, input: [%d, %d, %d]}\n",
                  net->space->name, o->channels, o->layers, o->input.c, o->input.h, o->input.w);
    if (s->runtime[0])
        snas_text_add(&t,
                      "measured: {runtime: \"%s\", device: \"%s\", threads: %d, opset: %d, "
                      "date: \"%s\"}\n",
                      s->runtime, s->device, s->threads, s->opset, s->date);
    if (table->fit.networks)
        snas_text_add(&t,
                      "fit: {networks: %d, a_ms: %.9g, b: %.9g, mean_error: %.9g, "
                      "worst_error: %.9g, spearman: %.9g}\n",
                      table->fit.networks, table->fit.a_ms, table->fit.b, table->fit.mean_error,
                      table->fit.worst_error, table->fit.spearman);
    snas_text_add(&t, "rows:\n");
    struct place p = {0};
    do
        format_row(net, table, p, &t);
    while (next_place(net, &p));
    return snas_text_take(&t, text, err);
}

enum snas_status snas_cost_table_write(const char *path, const struct snas_network *net,
                                       const struct snas_cost_table *table, struct snas_err *err)
{
    char *text;
    enum snas_status s = snas_cost_table_format(net, table, &text, err);
    if (s != SNAS_OK)
        return s;
    s = snas_write_file(path, text, strlen(text), err);
    snas_free(text);
    return s;
}

/* --- reading --- */

struct reader {
    const char *path;
    const struct snas_network *net;
    struct snas_cost_table *table;
    int *line;             /* [n_z] of the row that gave it; 0: none yet */
    unsigned char *column; /* [SNAS_COST_COLUMNS] bit 1: a row has it, bit 2: a row lacks it */
    enum snas_status status;
    struct snas_err *err;
};

#define refuse(r, at, ...) refuse_at(r, at, snas_format((r)->err, __VA_ARGS__))

/* Takes `text` over. */
static void refuse_at(struct reader *r, const struct snas_yaml *at, char *text)
{
    if (!text)
        r->status = SNAS_E_NOMEM;
    else if (r->status != SNAS_E_NOMEM)
        r->status = snas_fail_more(r->err, SNAS_E_CONFIG, "%s:%d:%d: %s", r->path, at->line,
                                   at->column, text);
    snas_free(text);
}

/* The scalar at a key; reports what is missing. */
static const char *word(struct reader *r, const struct snas_yaml *map, const char *key)
{
    const struct snas_yaml *v = snas_yaml_get(map, key);
    if (v && v->kind == SNAS_YAML_SCALAR)
        return v->text;
    refuse(r, v ? v : map, v ? "'%s' is one value" : "'%s' is missing", key);
    return NULL;
}

/* Any finite number; 0 after a report. */
static double real(struct reader *r, const struct snas_yaml *v, const char *key)
{
    char *end = NULL;
    double x = v->kind == SNAS_YAML_SCALAR && !v->quoted ? strtod(v->text, &end) : 0;
    if (!end || end == v->text || *end) {
        refuse(r, v, "%s: a number is expected%s%.40s%s", key,
               v->kind == SNAS_YAML_SCALAR ? ", not '" : "",
               v->kind == SNAS_YAML_SCALAR ? v->text : "", v->kind == SNAS_YAML_SCALAR ? "'" : "");
        return 0;
    }
    if (!isfinite(x)) {
        refuse(r, v, "%s: %s is not finite", key, v->text);
        return 0;
    }
    return x;
}

/* A number >= 0, or -1 after a report. */
static double number(struct reader *r, const struct snas_yaml *v, const char *key)
{
    enum snas_status before = r->status;
    r->status = SNAS_OK;
    double x = real(r, v, key);
    if (r->status != SNAS_OK)
        return -1;
    r->status = before;
    if (x >= 0)
        return x;
    refuse(r, v, "%s: %s is negative", key, v->text);
    return -1;
}

static long whole(struct reader *r, const struct snas_yaml *map, const char *key)
{
    const struct snas_yaml *v = snas_yaml_get(map, key);
    if (!v) {
        refuse(r, map, "'%s' is missing", key);
        return -1;
    }
    double x = number(r, v, key);
    if (x > 1e9 || x != floor(x)) {
        refuse(r, v, "%s: a whole number is expected, not '%s'", key, v->text);
        return -1;
    }
    return (long)x;
}

static void expect_word(struct reader *r, const struct snas_yaml *map, const char *key,
                        const char *want)
{
    const char *got = word(r, map, key);
    if (got && strcmp(got, want) != 0)
        refuse(r, snas_yaml_get(map, key), "%s is '%.60s' where '%s' is expected", key, got, want);
}

static void expect_number(struct reader *r, const struct snas_yaml *map, const char *key, long want)
{
    long got = whole(r, map, key);
    if (got >= 0 && got != want)
        refuse(r, snas_yaml_get(map, key), "%s is %ld where the network has %ld", key, got, want);
}

/* [a, b, ...] */
static void expect_list(struct reader *r, const struct snas_yaml *map, const char *key,
                        const int *want, size_t n)
{
    const struct snas_yaml *v = snas_yaml_get(map, key);
    if (!v || v->kind != SNAS_YAML_LIST || v->n != n) {
        refuse(r, v ? v : map, "'%s' is a list of %zu numbers", key, n);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        double got = number(r, v->items[i], key);
        if (got >= 0 && got != want[i])
            refuse(r, v->items[i], "%s: %g where the network has %d", key, got, want[i]);
    }
}

static void expect_keys(struct reader *r, const struct snas_yaml *map, const char *const *known)
{
    for (size_t i = 0; i < map->n; i++) {
        int found = 0;
        for (const char *const *k = known; *k; k++)
            found |= strcmp(*k, map->keys[i]->text) == 0;
        if (!found)
            refuse(r, map->keys[i], "unknown key '%.60s'", map->keys[i]->text);
    }
}

static void read_network(struct reader *r, const struct snas_yaml *doc)
{
    static const char *const known[] = {"space", "channels", "layers", "input", NULL};
    const struct snas_yaml *map = snas_yaml_get(doc, "network");
    const struct snas_network_options *o = &r->net->options;
    if (!map || map->kind != SNAS_YAML_MAP) {
        refuse(r, map ? map : doc, "'network' says whose costs these are: a map");
        return;
    }
    const int input[] = {o->input.c, o->input.h, o->input.w};
    expect_keys(r, map, known);
    expect_word(r, map, "space", r->net->space->name);
    expect_number(r, map, "channels", o->channels);
    expect_number(r, map, "layers", o->layers);
    expect_list(r, map, "input", input, 3);
}

static void read_measured(struct reader *r, const struct snas_yaml *doc)
{
    static const char *const known[] = {"runtime", "device", "threads", "opset", "date", NULL};
    const struct snas_yaml *map = snas_yaml_get(doc, "measured");
    struct snas_cost_source *s = &r->table->source;
    if (!map)
        return;
    if (map->kind != SNAS_YAML_MAP) {
        refuse(r, map, "'measured' is a map");
        return;
    }
    expect_keys(r, map, known);
    const char *runtime = word(r, map, "runtime"), *device = word(r, map, "device");
    const char *date = word(r, map, "date");
    snprintf(s->runtime, sizeof s->runtime, "%s", runtime ? runtime : "");
    snprintf(s->device, sizeof s->device, "%s", device ? device : "");
    snprintf(s->date, sizeof s->date, "%s", date ? date : "");
    s->threads = (int)whole(r, map, "threads");
    s->opset = (int)whole(r, map, "opset");
}

static void read_fit(struct reader *r, const struct snas_yaml *doc)
{
    static const char *const known[] = {"networks",    "a_ms",     "b", "mean_error",
                                        "worst_error", "spearman", NULL};
    const struct snas_yaml *map = snas_yaml_get(doc, "fit");
    struct snas_cost_fit *f = &r->table->fit;
    double *const values[] = {&f->a_ms, &f->b, &f->mean_error, &f->worst_error, &f->spearman};
    if (!map)
        return;
    if (map->kind != SNAS_YAML_MAP) {
        refuse(r, map, "'fit' is a map");
        return;
    }
    expect_keys(r, map, known);
    f->networks = (int)whole(r, map, known[0]);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        const struct snas_yaml *v = snas_yaml_get(map, known[i + 1]);
        if (v)
            *values[i] = real(r, v, known[i + 1]);
        else
            refuse(r, map, "'%s' is missing", known[i + 1]);
    }
    if (r->status == SNAS_OK && !(f->b > 0))
        refuse(r, map, "b is %g: latency must grow with the sum of the rows", f->b);
}

/* Where a row belongs; 0 after a report. */
static int find_place(struct reader *r, const struct snas_yaml *row, struct place *p)
{
    const struct snas_network *net = r->net;
    long cell = whole(r, row, "cell"), node = whole(r, row, "node"), from = whole(r, row, "from");
    const char *op = word(r, row, "op");
    if (cell < 0 || node < 0 || from < 0 || !op)
        return 0;
    if (cell >= net->n_cells) {
        refuse(r, row, "there is no cell %ld: the network has %d", cell, net->n_cells);
        return 0;
    }
    *p = (struct place){.cell = (int)cell};
    for (; p->edge < net->cells[cell].n_edges; p->edge++) {
        const struct snas_edge *e = edge_at(net, *p);
        if (e->to != node || e->from != from)
            continue;
        for (p->op = 0; p->op < e->n_ops; p->op++)
            if (strcmp(op_name(net, *p), op) == 0)
                return 1;
        refuse(r, snas_yaml_get(row, "op"), "space '%s' has no op '%.60s' there", net->space->name,
               op);
        return 0;
    }
    refuse(r, row, "cell %ld has no edge from %ld to node %ld", cell, from, node);
    return 0;
}

static void read_column(struct reader *r, const struct snas_yaml *row, enum snas_cost_column c,
                        int z)
{
    const struct snas_yaml *v = snas_yaml_get(row, snas_cost_columns[c].name);
    r->column[c] |= v ? 1 : 2;
    if (!v)
        return;
    double x = number(r, v, snas_cost_columns[c].name);
    if (x < 0)
        return;
    if (snas_cost_columns[c].measured) {
        if (snas_cost_table_add(r->table, c, r->err) != SNAS_OK)
            r->status = SNAS_E_NOMEM;
        else
            r->table->column[c][z] = x;
    } else if (fabs(x - r->table->column[c][z]) > 1e-6 * x) {
        refuse(r, v, "%s is %.9g where this op of this space costs %.9g", snas_cost_columns[c].name,
               x, r->table->column[c][z]);
    }
}

static void read_row(struct reader *r, const struct snas_yaml *row)
{
    static const char *known[9 + SNAS_COST_COLUMNS] = {"cell", "kind",     "node", "from",
                                                       "op",   "channels", "side", "stride"};
    for (int c = 0; c < SNAS_COST_COLUMNS; c++)
        known[8 + c] = snas_cost_columns[c].name;
    struct place p;
    if (row->kind != SNAS_YAML_MAP) {
        refuse(r, row, "a row is a map");
        return;
    }
    expect_keys(r, row, known);
    if (!find_place(r, row, &p))
        return;
    const struct snas_edge *edge = edge_at(r->net, p);
    const struct snas_cell *cell = &r->net->cells[p.cell];
    struct snas_shape out = r->net->blocks[edge->first_block + p.op].out_shape;
    int z = edge->z + p.op;
    if (r->line[z]) {
        refuse(r, row, "this op of this edge was given before, in line %d", r->line[z]);
        return;
    }
    r->line[z] = row->line;
    expect_word(r, row, "kind", r->net->space->kinds[cell->kind].name);
    expect_number(r, row, "channels", cell->channels);
    expect_list(r, row, "side", (const int[]){out.h, out.w}, 2);
    expect_number(r, row, "stride", edge->stride);
    for (int c = 0; c < SNAS_COST_COLUMNS; c++)
        read_column(r, row, c, z);
}

/* Rows that are not there, and columns that only some rows have. */
static void check_whole(struct reader *r, const struct snas_yaml *at)
{
    struct snas_text t = {0};
    struct place p = {0};
    int missing = 0;
    do {
        const struct snas_edge *e = edge_at(r->net, p);
        if (r->line[e->z + p.op])
            continue;
        if (missing++ < LISTED)
            snas_text_add(&t, "%s cell %d node %d from %d %s", missing > 1 ? "," : "", p.cell,
                          e->to, e->from, op_name(r->net, p));
    } while (next_place(r->net, &p));
    if (snas_text_check(&t, r->err) != SNAS_OK)
        r->status = SNAS_E_NOMEM;
    else if (missing)
        refuse(r, at, "%d of %d rows are missing:%s%s", missing, r->net->n_z, t.data,
               missing > LISTED ? ", and more" : "");
    snas_text_clear(&t);
    for (int c = 0; c < SNAS_COST_COLUMNS; c++)
        if (r->column[c] == 3)
            refuse(r, at, "column '%s' is in some rows and not in others",
                   snas_cost_columns[c].name);
}

static void read_document(struct reader *r, const struct snas_yaml *doc)
{
    static const char *const known[] = {"format", "version", "network", "measured",
                                        "fit",    "rows",    NULL};
    if (doc->kind != SNAS_YAML_MAP) {
        refuse(r, doc, "this is no cost table: a map with 'format: %s' is expected", FORMAT);
        return;
    }
    expect_word(r, doc, "format", FORMAT);
    long version = r->status == SNAS_OK ? whole(r, doc, "version") : -1;
    if (version >= 0 && version != VERSION)
        refuse(r, snas_yaml_get(doc, "version"), "version %ld: this program knows version %d",
               version, VERSION);
    if (r->status != SNAS_OK) /* what else it says would be read wrongly */
        return;
    expect_keys(r, doc, known);
    read_network(r, doc);
    read_measured(r, doc);
    read_fit(r, doc);
    const struct snas_yaml *rows = snas_yaml_get(doc, "rows");
    if (!rows || rows->kind != SNAS_YAML_LIST) {
        refuse(r, rows ? rows : doc, "'rows' is a list");
        return;
    }
    if (r->status != SNAS_OK) /* of another network every row would be wrong */
        return;
    for (size_t i = 0; i < rows->n && r->status != SNAS_E_NOMEM; i++)
        read_row(r, rows->items[i]);
    if (r->status != SNAS_E_NOMEM)
        check_whole(r, rows);
}

enum snas_status snas_cost_table_parse(const char *name, const char *text, size_t size,
                                       const struct snas_network *net, struct snas_cost_table *out,
                                       struct snas_err *err)
{
    unsigned char column[SNAS_COST_COLUMNS] = {0};
    struct reader r = {.path = name, .net = net, .table = out, .column = column, .err = err};
    struct snas_yaml *doc = NULL;
    memset(out, 0, sizeof *out);
    r.status = snas_yaml_parse(name, text, size, &doc, err);
    if (r.status == SNAS_OK)
        r.status = snas_cost_table_create(net, out, err);
    if (r.status == SNAS_OK) {
        r.line = snas_alloc((size_t)net->n_z, sizeof *r.line, err);
        r.status = r.line ? SNAS_OK : SNAS_E_NOMEM;
    }
    if (r.status == SNAS_OK)
        read_document(&r, doc);
    snas_yaml_free(doc);
    snas_free(r.line);
    if (r.status != SNAS_OK)
        snas_cost_table_clear(out);
    return r.status;
}

enum snas_status snas_cost_table_read(const char *path, const struct snas_network *net,
                                      struct snas_cost_table *out, struct snas_err *err)
{
    char *text;
    size_t size;
    memset(out, 0, sizeof *out);
    enum snas_status s = snas_read_file(path, FILE_MAX, &text, &size, err);
    if (s != SNAS_OK)
        return s;
    s = snas_cost_table_parse(path, text, size, net, out, err);
    snas_free(text);
    return s;
}

#include "space/genotype.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/config.h"
#include "base/io.h"
#include "base/mem.h"
#include "space/genotype_reader.h"
#include "space/names.h"

#define SNAS_GENOTYPE_BYTES ((size_t)1 << 20)

void snas_genotype_apply_rule(const struct snas_cell_kind *kind, struct snas_genotype_cell *cell)
{
    int feeds[SNAS_MAX_NODES] = {0};
    for (int n = 0; n < cell->n_nodes; n++)
        for (int i = 0; i < cell->n_choices[n]; i++)
            if (cell->choices[n][i].from >= kind->inputs)
                feeds[cell->choices[n][i].from - kind->inputs] = 1;
    cell->n_concat = 0;
    for (int n = 0; n < cell->n_nodes; n++) {
        int last = n == cell->n_nodes - 1;
        if ((kind->output == SNAS_OUTPUT_LAST && !last) ||
            (kind->output == SNAS_OUTPUT_CONCAT_LOOSE && feeds[n]))
            continue;
        cell->concat[cell->n_concat++] = n;
    }
}

void snas_genotype_from_choice(const struct snas_space *space, const int *const *choice,
                               struct snas_genotype *out)
{
    memset(out, 0, sizeof *out);
    for (int k = 0; k < space->n_kinds; k++) {
        const struct snas_cell_kind *kind = &space->kinds[k];
        struct snas_genotype_cell *cell = &out->cells[k];
        cell->n_nodes = kind->nodes;
        for (int node = 0, edge = 0; node < kind->nodes; node++)
            for (int slot = 0; slot < kind->inputs + node; slot++, edge++) {
                int op = kind->op[choice[k][edge]];
                /* As many edges as a node has slots: at most SNAS_MAX_SLOTS - 1. */
                if (!space->ops[op].zero)
                    cell->choices[node][cell->n_choices[node]++] =
                        (struct snas_choice){.op = op, .from = slot};
            }
        snas_genotype_apply_rule(kind, cell);
    }
}

/* Position of an op in a kind's list, or of its `none` when op is -1; -1: not there. */
static int position_of(const struct snas_space *space, const struct snas_cell_kind *kind, int op)
{
    for (int i = 0; i < kind->n_ops; i++)
        if (op < 0 ? space->ops[kind->op[i]].zero : kind->op[i] == op)
            return i;
    return -1;
}

static enum snas_status choice_of_cell(const struct snas_space *space,
                                       const struct snas_cell_kind *kind,
                                       const struct snas_genotype_cell *cell, int *choice,
                                       struct snas_err *err)
{
    if (cell->n_nodes != kind->nodes)
        return snas_fail(err, SNAS_E_UNSUPPORTED,
                         "cell '%s' has %d nodes, those of space '%s' have %d", kind->name,
                         cell->n_nodes, space->name, kind->nodes);
    int edges = snas_kind_edges(kind), none = position_of(space, kind, -1);
    for (int e = 0; e < edges; e++)
        choice[e] = -1;
    for (int n = 0; n < cell->n_nodes; n++)
        for (int i = 0; i < cell->n_choices[n]; i++) {
            const struct snas_choice *c = &cell->choices[n][i];
            int edge = snas_kind_edge(kind, c->from, n), op = position_of(space, kind, c->op);
            if (edge < 0 || op < 0)
                return snas_fail(err, SNAS_E_UNSUPPORTED,
                                 "cell '%s', node %d: '%s' from slot %d is no candidate there",
                                 kind->name, n, space->ops[c->op].name, c->from);
            if (choice[edge] >= 0)
                return snas_fail(err, SNAS_E_UNSUPPORTED,
                                 "cell '%s', node %d: two ops from slot %d, an edge holds one",
                                 kind->name, n, c->from);
            choice[edge] = op;
        }
    for (int e = 0; e < edges; e++) {
        if (choice[e] >= 0)
            continue;
        if (none < 0)
            return snas_fail(err, SNAS_E_UNSUPPORTED,
                             "cell '%s' leaves edges out and its space has no 'none'", kind->name);
        choice[e] = none;
    }
    return SNAS_OK;
}

enum snas_status snas_genotype_to_choice(const struct snas_space *space,
                                         const struct snas_genotype *g, int *const *choice,
                                         struct snas_err *err)
{
    for (int k = 0; k < space->n_kinds; k++) {
        enum snas_status status =
            choice_of_cell(space, &space->kinds[k], &g->cells[k], choice[k], err);
        if (status != SNAS_OK)
            return status;
    }
    return SNAS_OK;
}

static int cells_equal(const struct snas_genotype_cell *a, const struct snas_genotype_cell *b)
{
    if (a->n_nodes != b->n_nodes || a->n_concat != b->n_concat)
        return 0;
    for (int n = 0; n < a->n_nodes; n++) {
        if (a->n_choices[n] != b->n_choices[n])
            return 0;
        for (int i = 0; i < a->n_choices[n]; i++)
            if (a->choices[n][i].op != b->choices[n][i].op ||
                a->choices[n][i].from != b->choices[n][i].from)
                return 0;
    }
    for (int i = 0; i < a->n_concat; i++)
        if (a->concat[i] != b->concat[i])
            return 0;
    return 1;
}

int snas_genotype_equal(const struct snas_genotype *a, const struct snas_genotype *b)
{
    for (int k = 0; k < SNAS_MAX_KINDS; k++)
        if (!cells_equal(&a->cells[k], &b->cells[k]))
            return 0;
    return 1;
}

void snas_genotype_reader_fail(struct snas_genotype_reader *r, int line, int column,
                               const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    r->status = snas_fail_more(r->err, SNAS_E_CONFIG, "%s:%d:%d: %s", r->name, line, column, text);
}

int snas_genotype_reader_kind(struct snas_genotype_reader *r, const char *kind, int line,
                              int column)
{
    int k = snas_space_kind(r->space, kind);
    if (k < 0) {
        const char *names[SNAS_MAX_KINDS];
        for (int i = 0; i < r->space->n_kinds; i++)
            names[i] = r->space->kinds[i].name;
        int near = snas_nearest(kind, names, (size_t)r->space->n_kinds);
        snas_genotype_reader_fail(r, line, column, "space '%s' has no kind of cell '%s'%s%s%s",
                                  r->space->name, kind, near < 0 ? "" : " (did you mean '",
                                  near < 0 ? "" : names[near], near < 0 ? "" : "'?)");
        return -1;
    }
    if (r->seen[k]++) {
        snas_genotype_reader_fail(r, line, column, "cell '%s' is given twice", kind);
        return -1;
    }
    return k;
}

static void unknown_op(struct snas_genotype_reader *r, const char *op, int line, int column)
{
    const char *names[SNAS_MAX_OPS];
    for (int i = 0; i < r->space->n_ops; i++)
        names[i] = r->space->ops[i].name;
    int near = snas_nearest(op, names, (size_t)r->space->n_ops);
    snas_genotype_reader_fail(r, line, column, "space '%s' has no op '%s'%s%s%s", r->space->name,
                              op, near < 0 ? "" : " (did you mean '", near < 0 ? "" : names[near],
                              near < 0 ? "" : "'?)");
}

void snas_genotype_reader_choice(struct snas_genotype_reader *r, int kind, int node, const char *op,
                                 long from, int line, int column)
{
    struct snas_genotype_cell *cell = &r->g->cells[kind];
    int inputs = r->space->kinds[kind].inputs, index = snas_space_op(r->space, op);
    if (node >= SNAS_MAX_NODES) {
        if (cell->n_nodes <= SNAS_MAX_NODES) /* say it once */
            snas_genotype_reader_fail(r, line, column, "more than %d nodes in a cell",
                                      SNAS_MAX_NODES);
        cell->n_nodes = SNAS_MAX_NODES + 1;
        return;
    }
    if (index < 0)
        unknown_op(r, op, line, column);
    else if (r->space->ops[index].zero)
        snas_genotype_reader_fail(r, line, column, "'%s' is no choice: leave the edge out", op);
    if (from < 0 || from >= inputs + node)
        snas_genotype_reader_fail(r, line, column,
                                  "node %d cannot read slot %ld: it has slots 0..%d before it",
                                  node, from, inputs + node - 1);
    if (cell->n_choices[node] == SNAS_MAX_CHOICES) {
        snas_genotype_reader_fail(r, line, column, "more than %d choices in node %d",
                                  SNAS_MAX_CHOICES, node);
        return;
    }
    if (r->status == SNAS_OK)
        cell->choices[node][cell->n_choices[node]++] =
            (struct snas_choice){.op = index, .from = (int)from};
}

void snas_genotype_reader_concat(struct snas_genotype_reader *r, int kind, long node, int line,
                                 int column)
{
    struct snas_genotype_cell *cell = &r->g->cells[kind];
    if (node < 0 || node >= SNAS_MAX_NODES) {
        snas_genotype_reader_fail(r, line, column, "no node %ld to concatenate", node);
        return;
    }
    for (int i = 0; i < cell->n_concat; i++)
        if (cell->concat[i] == node) {
            snas_genotype_reader_fail(r, line, column, "node %ld is concatenated twice", node);
            return;
        }
    cell->concat[cell->n_concat++] = (int)node; /* distinct, so at most SNAS_MAX_NODES */
}

void snas_genotype_reader_name(struct snas_genotype_reader *r, const char *name, int line,
                               int column)
{
    if (snas_is_name(name))
        snprintf(r->g->name, sizeof r->g->name, "%s", name);
    else
        snas_genotype_reader_fail(r, line, column, "'%s' is no name for a genotype", name);
}

/* What only the whole can tell: every kind there, every concatenated node there. */
static void finish(struct snas_genotype_reader *r)
{
    for (int k = 0; k < r->space->n_kinds; k++) {
        struct snas_genotype_cell *cell = &r->g->cells[k];
        if (!r->seen[k]) {
            snas_genotype_reader_fail(r, 1, 1, "cell '%s' is missing", r->space->kinds[k].name);
            continue;
        }
        if (!r->has_concat[k])
            snas_genotype_apply_rule(&r->space->kinds[k], cell);
        for (int i = 0; i < cell->n_concat; i++)
            if (cell->concat[i] >= cell->n_nodes)
                snas_genotype_reader_fail(r, r->concat_line[k], r->concat_column[k],
                                          "cell '%s' concatenates node %d and has %d nodes",
                                          r->space->kinds[k].name, cell->concat[i], cell->n_nodes);
        if (r->has_concat[k] && cell->n_concat == 0)
            snas_genotype_reader_fail(r, r->concat_line[k], r->concat_column[k],
                                      "cell '%s' concatenates nothing", r->space->kinds[k].name);
    }
}

/* First character that is neither space nor in a '#' comment. */
static const char *skip_blank(const char *p)
{
    for (;;) {
        p += strspn(p, " \t\r\n");
        if (*p != '#')
            return p;
        p += strcspn(p, "\n");
    }
}

/* "Genotype(" or "NAME = Genotype(". */
static int is_tuple(const char *p)
{
    static const char word[] = "Genotype";
    if (strncmp(p, word, sizeof word - 1) == 0)
        return 1;
    p += strspn(p, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.+-");
    p += strspn(p, " \t");
    if (*p != '=')
        return 0;
    p++;
    p += strspn(p, " \t");
    return strncmp(p, word, sizeof word - 1) == 0;
}

enum snas_status snas_genotype_parse(const char *name, const char *text, size_t size,
                                     const struct snas_space *space, struct snas_genotype *out,
                                     struct snas_err *err)
{
    memset(out, 0, sizeof *out);
    char *copy = snas_alloc(size + 1, 1, err); /* ends in a NUL, whatever the caller's does */
    if (!copy)
        return SNAS_E_NOMEM;
    memcpy(copy, text, size);
    struct snas_genotype_reader r = {.name = name, .space = space, .g = out, .err = err};
    const char *first = skip_blank(copy);
    if (strlen(copy) != size)
        snas_genotype_reader_fail(&r, 1, 1, "a NUL byte: this is no text");
    else if (*first == '\0')
        snas_genotype_reader_fail(&r, 1, 1, "there is no genotype in it");
    else if (*first == '|')
        snas_genotype_read_nb201(&r, copy, size);
    else if (is_tuple(first))
        snas_genotype_read_tuple(&r, copy, size);
    else
        snas_genotype_read_yaml(&r, copy, size);
    snas_free(copy);
    if (r.status == SNAS_OK)
        finish(&r);
    return r.status;
}

/* "configs/genotypes/DARTS_V2.txt" -> "DARTS_V2", with what no name may hold replaced. */
static void name_from_path(const char *path, char *name)
{
    const char *base = strrchr(path, '/');
    base = base ? base + 1 : path;
    snprintf(name, SNAS_NAME_MAX, "%s", base);
    char *dot = strrchr(name, '.');
    if (dot && dot != name)
        *dot = '\0';
    for (char *p = name; *p; p++) {
        char one[2] = {*p, '\0'};
        if (!snas_is_name(one))
            *p = '_';
    }
}

enum snas_status snas_genotype_read(const char *name, const struct snas_space *space,
                                    struct snas_genotype *out, struct snas_err *err)
{
    char *path, *text;
    size_t size;
    enum snas_status status = snas_shipped_or_path("configs/genotypes", name, ".txt", &path, err);
    if (status != SNAS_OK) {
        snas_fail_context(err, "genotype '%s'", name);
        return status;
    }
    status = snas_read_file(path, SNAS_GENOTYPE_BYTES, &text, &size, err);
    if (status == SNAS_OK) {
        status = snas_genotype_parse(path, text, size, space, out, err);
        if (status == SNAS_OK && out->name[0] == '\0')
            name_from_path(path, out->name);
        snas_free(text);
    }
    snas_free(path);
    return status;
}

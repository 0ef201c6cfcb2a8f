/* The papers' notation, as Python prints it, and NAS-Bench-201's string. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "space/genotype_reader.h"

#define SNAS_NUMBER_MAX 100000 /* beyond every slot; keeps arithmetic far from overflow */

struct scanner {
    struct snas_genotype_reader *r;
    const char *p, *end;
    int line, column;
    int stopped; /* a syntax error was said: nothing behind it makes sense */
};

static struct scanner scanner_make(struct snas_genotype_reader *r, const char *text, size_t size)
{
    return (struct scanner){.r = r, .p = text, .end = text + size, .line = 1, .column = 1};
}

static void advance(struct scanner *s)
{
    if (*s->p == '\n') {
        s->line++;
        s->column = 0;
    }
    s->p++;
    s->column++;
}

static void skip(struct scanner *s)
{
    while (s->p < s->end) {
        if (*s->p == '#')
            while (s->p < s->end && *s->p != '\n')
                advance(s);
        else if (isspace((unsigned char)*s->p))
            advance(s);
        else
            return;
    }
}

/* What stands at the scanner, for a message. */
static void stop(struct scanner *s, const char *wanted)
{
    if (s->stopped)
        return;
    s->stopped = 1;
    if (s->p < s->end)
        snas_genotype_reader_fail(s->r, s->line, s->column, "%s is expected before '%.12s'", wanted,
                                  s->p);
    else
        snas_genotype_reader_fail(s->r, s->line, s->column, "%s is expected, the text ends",
                                  wanted);
}

static int at(struct scanner *s, char c)
{
    skip(s);
    return !s->stopped && s->p < s->end && *s->p == c;
}

static int take(struct scanner *s, char c)
{
    if (!at(s, c))
        return 0;
    advance(s);
    return 1;
}

static void want(struct scanner *s, char c)
{
    char text[] = {'\'', c, '\'', '\0'};
    if (!take(s, c))
        stop(s, text);
}

/* A run of characters of names into `word`, "" when there is none. */
static void take_word(struct scanner *s, char *word, size_t size)
{
    skip(s);
    size_t n = 0;
    while (!s->stopped && s->p < s->end && n + 1 < size &&
           (isalnum((unsigned char)*s->p) || strchr("_.+-", *s->p) != NULL)) {
        word[n++] = *s->p;
        advance(s);
    }
    word[n] = '\0';
}

static long take_number(struct scanner *s)
{
    skip(s);
    if (s->stopped || s->p >= s->end || !isdigit((unsigned char)*s->p)) {
        stop(s, "a number");
        return -1;
    }
    long value = 0;
    for (; s->p < s->end && isdigit((unsigned char)*s->p); advance(s))
        if (value < SNAS_NUMBER_MAX)
            value = 10 * value + (*s->p - '0');
    return value;
}

/* The text between quotes. */
static void take_string(struct scanner *s, char *word, size_t size)
{
    skip(s);
    char quote = at(s, '"') ? '"' : '\'';
    want(s, quote);
    take_word(s, word, size);
    want(s, quote);
}

/* ('sep_conv_3x3', 1), at its '('. */
static void take_pair(struct scanner *s, int kind, int node)
{
    char op[SNAS_NAME_MAX];
    want(s, '(');
    skip(s);
    int line = s->line, column = s->column;
    take_string(s, op, sizeof op);
    want(s, ',');
    long from = take_number(s);
    want(s, ')');
    if (!s->stopped)
        snas_genotype_reader_choice(s->r, kind, node, op, from, line, column);
}

/* [('op', slot), ...] of one node. */
static void take_node(struct scanner *s, int kind, int node)
{
    want(s, '[');
    while (!s->stopped && !at(s, ']')) {
        take_pair(s, kind, node);
        if (!take(s, ','))
            break;
    }
    want(s, ']');
}

/* A flat list of pairs, two for a node, or a list for every node. */
static void take_nodes(struct scanner *s, int kind)
{
    int line = s->line, column = s->column, items = 0;
    want(s, '[');
    int nested = at(s, '[');
    while (!s->stopped && !at(s, ']')) {
        if (nested)
            take_node(s, kind, items);
        else
            take_pair(s, kind, items / 2);
        items++;
        if (!take(s, ','))
            break;
    }
    want(s, ']');
    if (s->stopped)
        return;
    int nodes = nested ? items : items / 2;
    if (!nested && items % 2 != 0)
        snas_genotype_reader_fail(s->r, line, column,
                                  "%d choices: a flat list has two for every node (other numbers "
                                  "are written as a list of lists, one for every node)",
                                  items);
    else if (nodes == 0 || nodes > SNAS_MAX_NODES)
        snas_genotype_reader_fail(s->r, line, column, "%d nodes, 1..%d are possible", nodes,
                                  SNAS_MAX_NODES);
    s->r->g->cells[kind].n_nodes = nodes;
}

static void concat_slot(struct scanner *s, int kind, long slot, int line, int column)
{
    int inputs = s->r->space->kinds[kind].inputs;
    if (slot < inputs)
        snas_genotype_reader_fail(s->r, line, column, "slot %ld is an input, not a node", slot);
    else
        snas_genotype_reader_concat(s->r, kind, slot - inputs, line, column);
}

/* range(first, end) or range(end), behind the word. */
static void take_range(struct scanner *s, int kind)
{
    int line = s->line, column = s->column;
    want(s, '(');
    long first = 0, end = take_number(s);
    if (take(s, ',')) {
        first = end;
        end = take_number(s);
    }
    want(s, ')');
    for (long slot = first; !s->stopped && slot < end && slot < first + SNAS_MAX_SLOTS; slot++)
        concat_slot(s, kind, slot, line, column);
}

/* [2, 3, 4, 5] or range(2, 6): slots. */
static void take_concat(struct scanner *s, int kind)
{
    skip(s);
    s->r->has_concat[kind] = 1;
    s->r->concat_line[kind] = s->line;
    s->r->concat_column[kind] = s->column;
    char word[16];
    take_word(s, word, sizeof word);
    if (strcmp(word, "range") == 0) {
        take_range(s, kind);
        return;
    }
    if (word[0] != '\0') {
        stop(s, "a list of slots or range(first, end)");
        return;
    }
    want(s, '[');
    while (!s->stopped && !at(s, ']')) {
        skip(s);
        int line = s->line, column = s->column;
        long slot = take_number(s);
        if (!s->stopped)
            concat_slot(s, kind, slot, line, column);
        if (!take(s, ','))
            break;
    }
    want(s, ']');
}

/* normal=[...] or normal_concat=[...]. */
static void take_argument(struct scanner *s)
{
    char key[SNAS_NAME_MAX + 8];
    skip(s);
    int line = s->line, column = s->column;
    take_word(s, key, sizeof key);
    if (key[0] == '\0') {
        stop(s, "the name of a cell");
        return;
    }
    want(s, '=');
    skip(s);
    static const char suffix[] = "_concat";
    size_t n = strlen(key), m = sizeof suffix - 1;
    if (n > m && strcmp(key + n - m, suffix) == 0) {
        key[n - m] = '\0';
        int kind = snas_space_kind(s->r->space, key);
        if (kind >= 0 && !s->r->has_concat[kind]) {
            take_concat(s, kind);
            return;
        }
        if (kind >= 0)
            snas_genotype_reader_fail(s->r, line, column, "'%s%s' is given twice", key, suffix);
        else
            snas_genotype_reader_fail(s->r, line, column, "space '%s' has no kind of cell '%s'",
                                      s->r->space->name, key);
        s->stopped = 1;
        return;
    }
    int kind = snas_genotype_reader_kind(s->r, key, line, column);
    if (kind < 0)
        s->stopped = 1;
    else
        take_nodes(s, kind);
}

void snas_genotype_read_tuple(struct snas_genotype_reader *r, const char *text, size_t size)
{
    struct scanner s = scanner_make(r, text, size);
    char word[SNAS_NAME_MAX];
    skip(&s);
    int line = s.line, column = s.column;
    take_word(&s, word, sizeof word);
    if (take(&s, '=')) {
        snas_genotype_reader_name(r, word, line, column);
        take_word(&s, word, sizeof word);
    }
    if (strcmp(word, "Genotype") != 0)
        stop(&s, "'Genotype('");
    want(&s, '(');
    while (!s.stopped && !at(&s, ')')) {
        take_argument(&s);
        if (!take(&s, ','))
            break;
    }
    want(&s, ')');
    skip(&s);
    if (!s.stopped && s.p < s.end)
        stop(&s, "the end");
}

/* |op~0|op~1|, one node; `none` leaves the edge out. */
static void take_nb201_node(struct scanner *s, int node)
{
    want(s, '|');
    do {
        char op[SNAS_NAME_MAX];
        skip(s);
        int line = s->line, column = s->column;
        take_word(s, op, sizeof op);
        want(s, '~');
        long from = take_number(s);
        want(s, '|');
        int index = snas_space_op(s->r->space, op);
        int zero = strcmp(op, "none") == 0 || (index >= 0 && s->r->space->ops[index].zero);
        if (!s->stopped && !zero)
            snas_genotype_reader_choice(s->r, 0, node, op, from, line, column);
    } while (!s->stopped && !at(s, '+') && s->p < s->end);
}

void snas_genotype_read_nb201(struct snas_genotype_reader *r, const char *text, size_t size)
{
    struct scanner s = scanner_make(r, text, size);
    skip(&s);
    if (r->space->n_kinds != 1) {
        snas_genotype_reader_fail(r, s.line, s.column,
                                  "this notation has one cell, space '%s' has %d kinds of cells",
                                  r->space->name, r->space->n_kinds);
        return;
    }
    int nodes = 0;
    do {
        take_nb201_node(&s, nodes++);
    } while (take(&s, '+') && nodes <= SNAS_MAX_NODES);
    if (!s.stopped && nodes > SNAS_MAX_NODES)
        snas_genotype_reader_fail(r, s.line, s.column, "more than %d nodes in a cell",
                                  SNAS_MAX_NODES);
    r->seen[0] = 1;
    r->g->cells[0].n_nodes = nodes;
}

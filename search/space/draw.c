#include "space/draw.h"

#include <stdio.h>
#include <string.h>

#include "space/text.h"

struct strokes {
    const char *only, *first, *middle, *last, *line, *rule;
};
static const struct strokes ascii = {"--", "+-", "+-", "`-", "--", "-"};
static const struct strokes boxes = {"──", "┬─", "├─", "└─", "──", "─"};

struct marks {
    int dead[SNAS_MAX_NODES];
    int read[SNAS_MAX_NODES];
    int input_read[SNAS_MAX_INPUTS];
};

static struct marks find_marks(const struct snas_genotype_cell *c, int inputs)
{
    struct marks m = {{0}, {0}, {0}};
    for (int n = 0; n < c->n_nodes; n++) {
        m.dead[n] = 1;
        for (int i = 0; i < c->n_choices[n]; i++) {
            int from = c->choices[n][i].from;
            if (from < inputs || !m.dead[from - inputs])
                m.dead[n] = 0;
        }
    }
    for (int i = 0; i < c->n_concat; i++)
        m.read[c->concat[i]] = 1;
    for (int n = c->n_nodes - 1; n >= 0; n--)
        for (int i = 0; i < c->n_choices[n] && m.read[n] && !m.dead[n]; i++) {
            int from = c->choices[n][i].from;
            if (from < inputs)
                m.input_read[from] = 1;
            else
                m.read[from - inputs] = 1;
        }
    return m;
}

static void slot_name(int slot, int inputs, char *name, size_t size)
{
    if (slot < inputs)
        snprintf(name, size, "input %d", slot);
    else
        snprintf(name, size, "node %d", slot - inputs);
}

static const char *node_mark(const struct marks *m, int node)
{
    return m->dead[node] ? "  (dead: always zero)" : m->read[node] ? "" : "  (nobody reads it)";
}

static void draw_node(struct snas_text *t, const struct snas_genotype_cell *c, int node,
                      const struct snas_space *space, int kind, const struct marks *m,
                      const struct strokes *s, int width)
{
    int n = c->n_choices[node];
    if (n == 0)
        snas_text_add(t, "  node %-2d %s%s\n", node, s->only, node_mark(m, node));
    for (int i = 0; i < n; i++) {
        char from[24];
        slot_name(c->choices[node][i].from, space->kinds[kind].inputs, from, sizeof from);
        const char *stroke = n == 1       ? s->only
                             : i == 0     ? s->first
                             : i == n - 1 ? s->last
                                          : s->middle;
        if (i == 0)
            snas_text_add(t, "  node %-2d ", node);
        else
            snas_text_add(t, "          ");
        snas_text_add(t, "%s %-*s %s %s%s\n", stroke, width,
                      space->ops[c->choices[node][i].op].name, s->line, from,
                      i == 0 ? node_mark(m, node) : "");
    }
}

static void draw_cell(struct snas_text *t, const struct snas_genotype *g,
                      const struct snas_space *space, int kind, const struct strokes *s)
{
    static const char *const joins[] = {"concat", "concat", "last", "sum"};
    const struct snas_genotype_cell *c = &g->cells[kind];
    struct marks m = find_marks(c, space->kinds[kind].inputs);
    int edges = 0, width = 0;
    for (int n = 0; n < c->n_nodes; n++) {
        edges += c->n_choices[n];
        for (int i = 0; i < c->n_choices[n]; i++) {
            int length = (int)strlen(space->ops[c->choices[n][i].op].name);
            width = length > width ? length : width;
        }
    }
    snas_text_add(t, "%s%s %s: %d nodes, %d edges\n", s->rule, s->rule, space->kinds[kind].name,
                  c->n_nodes, edges);
    for (int n = 0; n < c->n_nodes; n++)
        draw_node(t, c, n, space, kind, &m, s, width);
    snas_text_add(t, "  output  %s %s(", s->only, joins[space->kinds[kind].output]);
    for (int i = 0; i < c->n_concat; i++)
        snas_text_add(t, "%s%d%s", i > 0 ? ", " : "", c->concat[i],
                      m.dead[c->concat[i]] ? " dead" : "");
    snas_text_add(t, ")\n");
    for (int i = 0; i < space->kinds[kind].inputs; i++)
        if (!m.input_read[i])
            snas_text_add(t, "  input %d is not read\n", i);
}

enum snas_status snas_genotype_draw(const struct snas_genotype *g, const struct snas_space *space,
                                    int utf8, char **text, struct snas_err *err)
{
    struct snas_text t = {0};
    for (int k = 0; k < space->n_kinds; k++)
        draw_cell(&t, g, space, k, utf8 ? &boxes : &ascii);
    return snas_text_take(&t, text, err);
}

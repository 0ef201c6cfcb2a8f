#include "report/picture.h"

#include <stdio.h>
#include <string.h>

void snas_picture_slot(const struct snas_cell_kind *kind, int slot, char name[16])
{
    if (slot < kind->inputs)
        snprintf(name, 16, "in%d", slot);
    else
        snprintf(name, 16, "node%d", slot - kind->inputs);
}

/* Ten colours that stay apart for colour-blind readers and on both backgrounds, by op; behind the
 * tenth they repeat, and the name beside the arc tells. */
static const char *colour(int op)
{
    static const char *const colours[] = {"#8a8a8a", "#e69f00", "#c08a2e", "#56b4e9", "#009e73",
                                          "#0072b2", "#d55e00", "#cc79a7", "#7b61c4", "#5f8a3c"};
    return colours[(size_t)op % (sizeof colours / sizeof *colours)];
}

/* Op and slot names come from space files: nothing of them may become markup. */
static void add_escaped(struct snas_text *out, const char *text)
{
    for (; *text; text++)
        switch (*text) {
        case '<':
            snas_text_add(out, "&lt;");
            break;
        case '>':
            snas_text_add(out, "&gt;");
            break;
        case '&':
            snas_text_add(out, "&amp;");
            break;
        case '"':
            snas_text_add(out, "&quot;");
            break;
        default:
            snas_text_add(out, "%c", *text);
        }
}

enum { STEP = 150, RISE = 34, LEFT = 60, NODE_W = 62, NODE_H = 28 };

struct canvas {
    const struct snas_space *space;
    const struct snas_cell_kind *kind;
    const struct snas_genotype_cell *cell;
    struct snas_genotype_life life;
    int base; /* y of the line of slots */
    struct snas_text *out;
};

/* How many edges with the same ends came before choice i of a node. */
static int parallel(const struct snas_genotype_cell *cell, int node, int i)
{
    int same = 0;
    for (int j = 0; j < i; j++)
        same += cell->choices[node][j].from == cell->choices[node][i].from;
    return same;
}

static int arc_height(const struct canvas *c, int node, int i)
{
    int span = c->kind->inputs + node - c->cell->choices[node][i].from;
    return span * RISE + parallel(c->cell, node, i) * RISE / 2;
}

static int is_dead(const struct canvas *c, int node, const struct snas_choice *choice)
{
    return c->life.zero[choice->from] || c->life.unread[c->kind->inputs + node];
}

static void draw_arc(const struct canvas *c, int node, int i)
{
    const struct snas_choice *choice = &c->cell->choices[node][i];
    int x0 = LEFT + choice->from * STEP + NODE_W / 4;
    int x1 = LEFT + (c->kind->inputs + node) * STEP - NODE_W / 4;
    int y = c->base - NODE_H / 2, bend = (x1 - x0) / 4, top = y - arc_height(c, node, i) * 4 / 3;
    snas_text_add(c->out,
                  "<path class=\"arc%s\" stroke=\"%s\" d=\"M%d %dC%d %d %d %d %d %d\" "
                  "marker-end=\"url(#snas-tip)\"/>\n",
                  is_dead(c, node, choice) ? " dead" : "", colour(choice->op), x0, y, x0 + bend,
                  top, x1 - bend, top, x1, y);
}

static void draw_op(const struct canvas *c, int node, int i)
{
    const struct snas_choice *choice = &c->cell->choices[node][i];
    int middle = LEFT + (choice->from + c->kind->inputs + node) * STEP / 2;
    snas_text_add(c->out, "<text class=\"op%s\" x=\"%d\" y=\"%d\" fill=\"%s\">",
                  is_dead(c, node, choice) ? " dead" : "", middle,
                  c->base - NODE_H / 2 - arc_height(c, node, i) - 4, colour(choice->op));
    add_escaped(c->out, c->space->ops[choice->op].name);
    snas_text_add(c->out, "</text>\n");
}

static void draw_edges(const struct canvas *c,
                       void (*draw)(const struct canvas *c, int node, int i))
{
    for (int n = 0; n < c->cell->n_nodes; n++)
        for (int i = 0; i < c->cell->n_choices[n]; i++)
            draw(c, n, i);
}

static void draw_slot(const struct canvas *c, int slot)
{
    char name[16];
    snas_picture_slot(c->kind, slot, name);
    int x = LEFT + slot * STEP;
    const char *state = c->life.zero[slot] ? " zero" : c->life.unread[slot] ? " unread" : "";
    snas_text_add(c->out,
                  "<rect class=\"slot%s%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" "
                  "rx=\"6\"/><text class=\"name\" x=\"%d\" y=\"%d\">%s</text>\n",
                  slot < c->kind->inputs ? " input" : "", state, x - NODE_W / 2,
                  c->base - NODE_H / 2, NODE_W, NODE_H, x, c->base + 4, name);
    if (*state)
        snas_text_add(c->out, "<text class=\"note\" x=\"%d\" y=\"%d\">%s</text>\n", x,
                      c->base + NODE_H, c->life.zero[slot] ? "zero" : "unread");
}

/* The output: a bar below, with a line from every node that goes into it. */
static void draw_output(const struct canvas *c)
{
    static const char *const rules[] = {"concatenation", "concatenation", "last node", "sum"};
    int slots = c->kind->inputs + c->cell->n_nodes, y = c->base + 58;
    int x0 = LEFT + c->kind->inputs * STEP - NODE_W / 2,
        x1 = LEFT + (slots - 1) * STEP + NODE_W / 2;
    for (int i = 0; i < c->cell->n_concat; i++) {
        int slot = c->kind->inputs + c->cell->concat[i], x = LEFT + slot * STEP;
        snas_text_add(c->out, "<path class=\"out%s\" d=\"M%d %dV%d\"/>\n",
                      c->life.zero[slot] ? " dead" : "", x + NODE_W / 3, c->base + NODE_H / 2, y);
    }
    snas_text_add(c->out,
                  "<rect class=\"slot output\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" "
                  "rx=\"6\"/><text class=\"name\" x=\"%d\" y=\"%d\">output: %s</text>\n",
                  x0, y, x1 - x0, NODE_H, (x0 + x1) / 2, y + NODE_H / 2 + 4,
                  rules[c->kind->output]);
}

static const char style[] =
    "<style>.snas-cell{--ink:#1d2430;--soft:#7b8494;--fill:#eef2f8;--input:#dfe9f7;--halo:#fff;"
    "font:12px system-ui,sans-serif;color:var(--ink)}"
    "@media(prefers-color-scheme:dark){.snas-cell{--ink:#e8ecf3;--soft:#98a2b3;--fill:#252c38;"
    "--input:#22344d;--halo:#151a22}}"
    ".snas-cell text{text-anchor:middle}.snas-cell .name,.snas-cell .title{fill:var(--ink)}"
    ".snas-cell .title{text-anchor:start;font-weight:600;font-size:14px}"
    ".snas-cell .note{fill:var(--soft);font-size:10px}"
    ".snas-cell .op{paint-order:stroke;stroke:var(--halo);stroke-width:4px;font-weight:500}"
    ".snas-cell .arc{fill:none;stroke-width:2}.snas-cell .dead{opacity:.35;stroke-dasharray:4 4}"
    ".snas-cell .op.dead{stroke-dasharray:none}"
    ".snas-cell .slot{fill:var(--fill);stroke:var(--soft)}.snas-cell .input{fill:var(--input)}"
    ".snas-cell .zero,.snas-cell .unread{stroke-dasharray:3 3;fill:none}"
    ".snas-cell .out{stroke:var(--soft);fill:none}.snas-cell .tip{fill:var(--soft)}</style>\n";

void snas_picture_svg(const struct snas_space *space, const struct snas_genotype *genotype,
                      int kind, struct snas_text *out)
{
    struct canvas c = {
        .space = space, .kind = &space->kinds[kind], .cell = &genotype->cells[kind], .out = out};
    int tallest = 0, edges = 0, slots = c.kind->inputs + c.cell->n_nodes;
    snas_genotype_life(c.kind, c.cell, &c.life);
    for (int n = 0; n < c.cell->n_nodes; n++)
        for (int i = 0; i < c.cell->n_choices[n]; i++, edges++)
            tallest = arc_height(&c, n, i) > tallest ? arc_height(&c, n, i) : tallest;
    c.base = 40 + tallest + NODE_H / 2;
    snas_text_add(out,
                  "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"snas-cell\" role=\"img\" "
                  "viewBox=\"0 0 %d %d\" width=\"%d\">\n",
                  2 * LEFT + (slots - 1) * STEP, c.base + 96, 2 * LEFT + (slots - 1) * STEP);
    snas_text_add(out, "<title>");
    add_escaped(out, c.kind->name);
    snas_text_add(out, " cell</title>\n%s", style);
    snas_text_add(out, "<defs><marker id=\"snas-tip\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" "
                       "markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\">"
                       "<path class=\"tip\" d=\"M0 0L8 4L0 8z\"/></marker></defs>\n");
    snas_text_add(out, "<text class=\"title\" x=\"12\" y=\"20\">");
    add_escaped(out, c.kind->name);
    snas_text_add(out, " cell: %d edge%s</text>\n", edges, edges == 1 ? "" : "s");
    draw_edges(&c, draw_arc);
    draw_edges(&c, draw_op);
    for (int s = 0; s < slots; s++)
        draw_slot(&c, s);
    draw_output(&c);
    snas_text_add(out, "</svg>\n");
}

static void dot_cell(const struct snas_space *space, const struct snas_cell_kind *kind,
                     const struct snas_genotype_cell *cell, int k, struct snas_text *out)
{
    struct snas_genotype_life life;
    char name[16];
    snas_genotype_life(kind, cell, &life);
    snas_text_add(out, "  subgraph cluster_%d {\n    label=\"%s\";\n", k, kind->name);
    for (int s = 0; s < kind->inputs + cell->n_nodes; s++) {
        snas_picture_slot(kind, s, name);
        snas_text_add(out, "    k%d_%d [label=\"%s%s\"%s];\n", k, s, name,
                      life.zero[s]     ? "\\nzero"
                      : life.unread[s] ? "\\nunread"
                                       : "",
                      life.zero[s] || life.unread[s] ? ", style=\"rounded,dashed\"" : "");
    }
    snas_text_add(out, "    k%d_out [label=\"output\"];\n", k);
    for (int n = 0; n < cell->n_nodes; n++)
        for (int i = 0; i < cell->n_choices[n]; i++) {
            const struct snas_choice *c = &cell->choices[n][i];
            int to = kind->inputs + n;
            snas_text_add(out, "    k%d_%d -> k%d_%d [label=\"%s\", color=\"%s\"%s];\n", k, c->from,
                          k, to, space->ops[c->op].name, colour(c->op),
                          life.zero[c->from] || life.unread[to] ? ", style=dashed" : "");
        }
    for (int i = 0; i < cell->n_concat; i++)
        snas_text_add(out, "    k%d_%d -> k%d_out;\n", k, kind->inputs + cell->concat[i], k);
    snas_text_add(out, "  }\n");
}

void snas_picture_dot(const struct snas_space *space, const struct snas_genotype *genotype,
                      const int *used, struct snas_text *out)
{
    snas_text_add(out, "digraph cells {\n  rankdir=LR;\n  node [shape=box, style=rounded, "
                       "fontname=\"sans-serif\"];\n  edge [fontname=\"sans-serif\", "
                       "fontsize=10];\n");
    for (int k = 0; k < space->n_kinds; k++)
        if (!used || used[k])
            dot_cell(space, &space->kinds[k], &genotype->cells[k], k, out);
    snas_text_add(out, "}\n");
}

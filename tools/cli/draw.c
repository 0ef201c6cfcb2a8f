#include "cli/draw.h"

#include <string.h>

#include "base/mem.h"

static void slot_name(const struct snas_cell_kind *kind, int slot, char name[16])
{
    if (slot < kind->inputs)
        snprintf(name, 16, "in%d", slot);
    else
        snprintf(name, 16, "node%d", slot - kind->inputs);
}

/* Widths that align the lines of a cell. */
static void measure(const struct snas_space *space, const struct snas_cell_kind *kind,
                    const struct snas_genotype_cell *cell, int *slot_width, int *op_width,
                    int *edges)
{
    *slot_width = *op_width = *edges = 0;
    for (int n = 0; n < cell->n_nodes; n++)
        for (int i = 0; i < cell->n_choices[n]; i++) {
            const struct snas_choice *c = &cell->choices[n][i];
            char name[16];
            slot_name(kind, c->from, name);
            int slot = (int)strlen(name), op = (int)strlen(space->ops[c->op].name);
            *slot_width = slot > *slot_width ? slot : *slot_width;
            *op_width = op > *op_width ? op : *op_width;
            ++*edges;
        }
}

static void draw_node(const struct snas_space *space, const struct snas_cell_kind *kind,
                      const struct snas_genotype_cell *cell, int node, int slot_width, int op_width,
                      FILE *out)
{
    static const char dashes[] = "----------------------------------------------------------------";
    int n = cell->n_choices[node];
    for (int i = 0; i < n; i++) {
        const struct snas_choice *c = &cell->choices[node][i];
        const char *op = space->ops[c->op].name;
        char name[16];
        slot_name(kind, c->from, name);
        fprintf(out, "    %-*s --%s--%.*s", slot_width, name, op, op_width - (int)strlen(op),
                dashes);
        if (i < n - 1)
            fputs(i == 0 ? ".\n" : "|\n", out);
        else
            fprintf(out, "%s-> node%d\n", n > 1 ? "+" : "-", node);
    }
}

static void draw_output(const struct snas_genotype_cell *cell, FILE *out)
{
    fputs("    output:", out);
    for (int i = 0; i < cell->n_concat; i++)
        fprintf(out, " node%d", cell->concat[i]);
    const char *open = " (", *close = "";
    for (int n = 0; n < cell->n_nodes; n++)
        if (cell->n_choices[n] == 0) {
            fprintf(out, "%snode%d has no input: zero", open, n);
            open = ", ";
            close = ")";
        }
    fprintf(out, "%s\n", close);
}

/* The cell in NAS-Bench-201's own notation, where the space is of its kind. */
static void draw_string(const struct snas_space *space, const struct snas_genotype *genotype,
                        FILE *out)
{
    char *text;
    if (!snas_space_is_nb201(space) ||
        snas_genotype_format(genotype, space, SNAS_GENOTYPE_NB201, &text, NULL) != SNAS_OK)
        return;
    fprintf(out, "    %s\n", text);
    snas_free(text);
}

void snas_draw_genotype(const struct snas_space *space, const struct snas_genotype *genotype,
                        const int *used, FILE *out)
{
    for (int k = 0; k < space->n_kinds; k++) {
        const struct snas_cell_kind *kind = &space->kinds[k];
        const struct snas_genotype_cell *cell = &genotype->cells[k];
        int slot_width, op_width, edges;
        if (used && !used[k])
            continue;
        measure(space, kind, cell, &slot_width, &op_width, &edges);
        fprintf(out, "  %s cell: %d edge%s\n", kind->name, edges, edges == 1 ? "" : "s");
        for (int n = 0; n < cell->n_nodes; n++)
            draw_node(space, kind, cell, n, slot_width, op_width, out);
        draw_output(cell, out);
        draw_string(space, genotype, out);
    }
}

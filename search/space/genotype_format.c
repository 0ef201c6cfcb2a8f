#include <string.h>

#include "space/genotype.h"
#include "base/text.h"

static const char *comma(int i)
{
    return i > 0 ? ", " : "";
}

static void format_json(struct snas_text *t, const struct snas_genotype *g,
                        const struct snas_space *space)
{
    snas_text_add(t, "{");
    if (g->name[0] != '\0')
        snas_text_add(t, "\"name\": \"%s\", ", g->name);
    for (int k = 0; k < space->n_kinds; k++) {
        const struct snas_genotype_cell *c = &g->cells[k];
        snas_text_add(t, "%s\"%s\": {\"nodes\": [", comma(k), space->kinds[k].name);
        for (int n = 0; n < c->n_nodes; n++) {
            snas_text_add(t, "%s[", comma(n));
            for (int i = 0; i < c->n_choices[n]; i++)
                snas_text_add(t, "%s[\"%s\", %d]", comma(i), space->ops[c->choices[n][i].op].name,
                              c->choices[n][i].from);
            snas_text_add(t, "]");
        }
        snas_text_add(t, "], \"concat\": [");
        for (int i = 0; i < c->n_concat; i++)
            snas_text_add(t, "%s%d", comma(i), c->concat[i]);
        snas_text_add(t, "]}");
    }
    snas_text_add(t, "}");
}

/* 1 when every node of every kind has two choices: then a flat list says it all. */
static int is_flat(const struct snas_genotype *g, int kinds)
{
    for (int k = 0; k < kinds; k++)
        for (int n = 0; n < g->cells[k].n_nodes; n++)
            if (g->cells[k].n_choices[n] != 2)
                return 0;
    return 1;
}

static void format_tuple(struct snas_text *t, const struct snas_genotype *g,
                         const struct snas_space *space)
{
    int flat = is_flat(g, space->n_kinds);
    if (g->name[0] != '\0')
        snas_text_add(t, "%s = ", g->name);
    snas_text_add(t, "Genotype(");
    for (int k = 0; k < space->n_kinds; k++) {
        const struct snas_genotype_cell *c = &g->cells[k];
        const char *kind = space->kinds[k].name;
        snas_text_add(t, "%s%s=[", comma(k), kind);
        for (int n = 0; n < c->n_nodes; n++) {
            snas_text_add(t, "%s%s", comma(n), flat ? "" : "[");
            for (int i = 0; i < c->n_choices[n]; i++)
                snas_text_add(t, "%s('%s', %d)", comma(i), space->ops[c->choices[n][i].op].name,
                              c->choices[n][i].from);
            snas_text_add(t, "%s", flat ? "" : "]");
        }
        snas_text_add(t, "], %s_concat=[", kind);
        for (int i = 0; i < c->n_concat; i++)
            snas_text_add(t, "%s%d", comma(i), space->kinds[k].inputs + c->concat[i]);
        snas_text_add(t, "]");
    }
    snas_text_add(t, ")");
}

/* Every slot of every node: its choices, or `none`. Choices that are not in the order of their
 * slots keep their own order, behind the `none`s. */
static void format_nb201(struct snas_text *t, const struct snas_genotype *g,
                         const struct snas_space *space)
{
    const struct snas_genotype_cell *c = &g->cells[0];
    for (int n = 0; n < c->n_nodes; n++) {
        const struct snas_choice *choice = c->choices[n];
        int i = 0, count = c->n_choices[n];
        snas_text_add(t, "%s|", n > 0 ? "+" : "");
        for (int slot = 0; slot < space->kinds[0].inputs + n; slot++) {
            if (i >= count || choice[i].from != slot)
                snas_text_add(t, "none~%d|", slot);
            for (; i < count && choice[i].from == slot; i++)
                snas_text_add(t, "%s~%d|", space->ops[choice[i].op].name, slot);
        }
        for (; i < count; i++)
            snas_text_add(t, "%s~%d|", space->ops[choice[i].op].name, choice[i].from);
    }
}

enum snas_status snas_genotype_format(const struct snas_genotype *g, const struct snas_space *space,
                                      enum snas_genotype_notation notation, char **text,
                                      struct snas_err *err)
{
    struct snas_text t = {0};
    *text = NULL;
    switch (notation) {
    case SNAS_GENOTYPE_JSON:
        format_json(&t, g, space);
        break;
    case SNAS_GENOTYPE_TUPLE:
        format_tuple(&t, g, space);
        break;
    case SNAS_GENOTYPE_NB201:
        if (space->n_kinds != 1)
            return snas_fail(err, SNAS_E_UNSUPPORTED,
                             "this notation has one cell, space '%s' has %d kinds of cells",
                             space->name, space->n_kinds);
        format_nb201(&t, g, space);
        break;
    }
    return snas_text_take(&t, text, err);
}

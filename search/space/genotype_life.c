#include <string.h>

#include "space/genotype.h"

void snas_genotype_life(const struct snas_cell_kind *kind, const struct snas_genotype_cell *cell,
                        struct snas_genotype_life *out)
{
    memset(out, 0, sizeof *out);
    for (int n = 0; n < cell->n_nodes; n++) {
        int slot = kind->inputs + n;
        out->zero[slot] = 1;
        for (int i = 0; i < cell->n_choices[n]; i++)
            out->zero[slot] &= out->zero[cell->choices[n][i].from];
    }
    for (int s = 0; s < kind->inputs + cell->n_nodes; s++)
        out->unread[s] = 1;
    for (int i = 0; i < cell->n_concat; i++)
        out->unread[kind->inputs + cell->concat[i]] = 0;
    for (int n = cell->n_nodes - 1; n >= 0; n--)
        for (int i = 0; i < cell->n_choices[n] && !out->unread[kind->inputs + n]; i++)
            out->unread[cell->choices[n][i].from] = 0;
}

static int is_skip(const struct snas_op *op)
{
    return !op->zero && op->n_steps[0] == 0;
}

static int is_pool(const struct snas_op *op)
{
    for (int i = 0; i < op->n_steps[0]; i++)
        if (op->steps[0][i].kind == SNAS_STEP_MAX_POOL ||
            op->steps[0][i].kind == SNAS_STEP_AVG_POOL)
            return 1;
    return 0;
}

void snas_genotype_count(const struct snas_space *space, const struct snas_genotype *g, int kind,
                         struct snas_genotype_counts *out)
{
    const struct snas_genotype_cell *cell = &g->cells[kind];
    struct snas_genotype_life life;
    snas_genotype_life(&space->kinds[kind], cell, &life);
    for (int n = 0; n < cell->n_nodes; n++) {
        int slot = space->kinds[kind].inputs + n;
        out->dead_nodes += life.zero[slot] || life.unread[slot];
        out->edges += cell->n_choices[n];
        for (int i = 0; i < cell->n_choices[n]; i++) {
            const struct snas_op *op = &space->ops[cell->choices[n][i].op];
            out->skips += is_skip(op);
            out->pools += is_pool(op);
        }
    }
}

int snas_genotype_depth(const struct snas_cell_kind *kind, const struct snas_genotype_cell *cell)
{
    int depth[SNAS_MAX_SLOTS] = {0}, most = 0;
    struct snas_genotype_life life;
    snas_genotype_life(kind, cell, &life);
    for (int n = 0; n < cell->n_nodes; n++)
        for (int i = 0; i < cell->n_choices[n]; i++) {
            int from = cell->choices[n][i].from, *mine = &depth[kind->inputs + n];
            if (!life.zero[from] && depth[from] + 1 > *mine)
                *mine = depth[from] + 1;
        }
    for (int i = 0; i < cell->n_concat; i++)
        if (depth[kind->inputs + cell->concat[i]] > most)
            most = depth[kind->inputs + cell->concat[i]];
    return most;
}

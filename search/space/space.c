#include "space/space.h"

#include <string.h>

int snas_kind_edges(const struct snas_cell_kind *kind)
{
    return kind->nodes * kind->inputs + kind->nodes * (kind->nodes - 1) / 2;
}

int snas_kind_edge(const struct snas_cell_kind *kind, int slot, int node)
{
    if (node < 0 || node >= kind->nodes || slot < 0 || slot >= kind->inputs + node)
        return -1;
    return node * kind->inputs + node * (node - 1) / 2 + slot;
}

int snas_space_op(const struct snas_space *space, const char *name)
{
    for (int i = 0; i < space->n_ops; i++)
        if (strcmp(space->ops[i].name, name) == 0)
            return i;
    return -1;
}

int snas_space_kind(const struct snas_space *space, const char *name)
{
    for (int i = 0; i < space->n_kinds; i++)
        if (strcmp(space->kinds[i].name, name) == 0)
            return i;
    return -1;
}

int snas_space_cell_kind(const struct snas_space *space, int layers, int cell)
{
    int reductions = 0, here = 0;
    for (int c = 0; c <= cell; c++) {
        here = 0;
        for (int i = 0; i < space->n_reduce_at; i++)
            here |= (int)((long)layers * space->reduce_num[i] / space->reduce_den[i]) == c;
        reductions += here;
    }
    if (!here)
        return 0;
    int kind = 0;
    for (int k = 0; k < space->n_kinds && reductions > 0; k++)
        if (space->kinds[k].stride == 2) {
            kind = k;
            reductions--;
        }
    return kind;
}

int snas_space_is_nb201(const struct snas_space *space)
{
    return space->n_kinds == 1 && space->kinds[0].inputs == 1 &&
           space->kinds[0].output == SNAS_OUTPUT_LAST;
}

#ifndef SNAS_TESTS_SPACE_FIXTURE_H
#define SNAS_TESTS_SPACE_FIXTURE_H

/* Spaces made by hand, for tests that need a network and no file. */

#include <stdio.h>
#include <string.h>

#include "space/network.h"

/* Steps from "relu pw bn". */
static inline struct snas_steps fixture_steps(int channels, const char *text)
{
    struct snas_steps s = {.channels = channels};
    char copy[128], *rest = NULL;
    snprintf(copy, sizeof copy, "%s", text);
    for (char *w = strtok_r(copy, " ", &rest); w; w = strtok_r(NULL, " ", &rest))
        if (snas_step_parse(w, &s.step[s.n++]) != 0)
            SNAS_BUG("fixture: no step '%s'", w);
    return s;
}

/* A space of the family of DARTS: `nodes` nodes and the given built-in ops in both kinds. */
static inline void fixture_space(struct snas_space *space, int nodes, int n_ops,
                                 const char *const *ops)
{
    memset(space, 0, sizeof *space);
    snprintf(space->name, sizeof space->name, "fixture");
    space->n_ops = n_ops;
    space->n_kinds = 2;
    for (int k = 0; k < 2; k++) {
        struct snas_cell_kind *kind = &space->kinds[k];
        snprintf(kind->name, sizeof kind->name, k ? "reduce" : "normal");
        kind->inputs = 2;
        kind->nodes = nodes;
        kind->stride = 1 + k;
        kind->output = SNAS_OUTPUT_CONCAT;
        kind->n_ops = n_ops;
        for (int i = 0; i < n_ops; i++) {
            kind->op[i] = i;
            space->ops[i] = *snas_op_builtin(ops[i]);
        }
    }
    space->n_reduce_at = 2;
    space->reduce_num[0] = 1;
    space->reduce_num[1] = 2;
    space->reduce_den[0] = space->reduce_den[1] = 3;
    space->n_stems = 1;
    space->stems[0] = fixture_steps(3, "conv3x3 bn");
    space->preprocess_same = fixture_steps(1, "relu pw bn");
    space->preprocess_reduce = fixture_steps(1, "relu fr bn");
    space->head = fixture_steps(1, "gap linear");
}

/* The DARTS space, as configs/spaces/darts.yaml has it. */
static inline void fixture_darts(struct snas_space *space)
{
    static const char *const ops[] = {"none",         "max_pool_3x3", "avg_pool_3x3",
                                      "skip_connect", "sep_conv_3x3", "sep_conv_5x5",
                                      "dil_conv_3x3", "dil_conv_5x5"};
    fixture_space(space, 4, 8, ops);
    memset(space->name, 0, sizeof space->name);
    snprintf(space->name, sizeof space->name, "darts");
}

#endif

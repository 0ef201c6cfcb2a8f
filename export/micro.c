#include "export/micro.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"

/* --- which micro-networks a supernet needs --- */

static void name_micro(const struct snas_network *net, struct snas_micro *m)
{
    snprintf(m->name, sizeof m->name, "%s_c%d_%dx%d_s%d",
             m->op < 0 ? "null" : net->space->ops[m->op].name, m->in.c, m->in.h, m->in.w,
             m->stride);
}

/* Index of the micro-network of this op and edge; a new one, its null network before it, where it
 * is the first of its kind. */
static int find_or_add(const struct snas_network *net, int op, const struct snas_edge *edge,
                       struct snas_shape in, struct snas_micro_set *set)
{
    for (int i = 0; i < set->n; i++) {
        const struct snas_micro *m = &set->items[i];
        if (m->op == op && m->stride == edge->stride && m->in.c == in.c && m->in.h == in.h &&
            m->in.w == in.w)
            return i;
    }
    struct snas_micro m = {.op = op, .stride = edge->stride, .in = in, .null = set->n};
    if (op >= 0)
        m.null = find_or_add(net, -1, edge, in, set);
    name_micro(net, &m);
    set->items[set->n] = m;
    return set->n++;
}

enum snas_status snas_micro_set_create(const struct snas_network *supernet,
                                       struct snas_micro_set *out, struct snas_err *err)
{
    memset(out, 0, sizeof *out);
    out->items = snas_alloc(2 * (size_t)supernet->n_z, sizeof *out->items, err);
    out->of_z = snas_alloc((size_t)supernet->n_z, sizeof *out->of_z, err);
    if (!out->items || !out->of_z) {
        snas_micro_set_clear(out);
        return SNAS_E_NOMEM;
    }
    for (int e = 0; e < supernet->n_edges; e++)
        for (int k = 0; k < supernet->edges[e].n_ops; k++) {
            const struct snas_edge *edge = &supernet->edges[e];
            const struct snas_block *block = &supernet->blocks[edge->first_block + k];
            out->of_z[edge->z + k] =
                block->zero ? -1 : find_or_add(supernet, block->op, edge, block->in_shape, out);
        }
    return SNAS_OK;
}

void snas_micro_set_clear(struct snas_micro_set *set)
{
    snas_free(set->items);
    snas_free(set->of_z);
    memset(set, 0, sizeof *set);
}

/* --- the networks --- */

static struct snas_steps steps_of(const char *const *words)
{
    struct snas_steps s = {.channels = 1};
    for (; *words; words++)
        if (snas_step_parse(*words, &s.step[s.n++]) != 0)
            SNAS_BUG("no step '%s'", *words);
    return s;
}

enum { BASE, TESTED }; /* ops of a micro-network's space */

/* What an edge is added to: a convolution, as most of what meets in a node is. */
static void base_op(struct snas_op *op)
{
    const struct snas_steps stride1 = steps_of((const char *const[]){"pw", "bn", NULL});
    const struct snas_steps stride2 = steps_of((const char *const[]){"pws2", "bn", NULL});
    memset(op, 0, sizeof *op);
    snprintf(op->name, sizeof op->name, "base");
    op->n_steps[0] = stride1.n;
    op->n_steps[1] = stride2.n;
    memcpy(op->steps[0], stride1.step, sizeof stride1.step);
    memcpy(op->steps[1], stride2.step, sizeof stride2.step);
}

/* One cell at position 0; of the second kind, which has stride 2, where the edge has. */
static void micro_space(const struct snas_network *supernet, const struct snas_micro *m,
                        struct snas_space *space)
{
    memset(space, 0, sizeof *space);
    snprintf(space->name, sizeof space->name, "micro");
    space->n_ops = m->op < 0 ? 1 : 2;
    base_op(&space->ops[BASE]);
    if (m->op >= 0)
        space->ops[TESTED] = supernet->space->ops[m->op];
    space->n_kinds = m->stride;
    for (int k = 0; k < space->n_kinds; k++) {
        struct snas_cell_kind *kind = &space->kinds[k];
        snprintf(kind->name, sizeof kind->name, k ? "reduce" : "normal");
        kind->inputs = 1;
        kind->nodes = SNAS_MICRO_COPIES;
        kind->stride = 1 + k;
        kind->output = SNAS_OUTPUT_CONCAT;
        kind->n_ops = space->n_ops;
        kind->op[TESTED] = TESTED;
    }
    space->n_reduce_at = m->stride - 1;
    space->reduce_den[0] = 1;
    space->preprocess_same = steps_of((const char *const[]){"pw", "bn", NULL});
    space->preprocess_reduce = space->preprocess_same;
    space->head = steps_of((const char *const[]){"gap", "linear", NULL});
}

static void micro_genotype(const struct snas_space *space, struct snas_genotype *g)
{
    memset(g, 0, sizeof *g);
    snprintf(g->name, sizeof g->name, "micro");
    for (int k = 0; k < space->n_kinds; k++) {
        struct snas_genotype_cell *cell = &g->cells[k];
        cell->n_nodes = cell->n_concat = SNAS_MICRO_COPIES;
        for (int n = 0; n < SNAS_MICRO_COPIES; n++) {
            cell->concat[n] = n;
            cell->n_choices[n] = space->n_ops;
            for (int op = 0; op < space->n_ops; op++)
                cell->choices[n][op] = (struct snas_choice){.op = op, .from = 0};
        }
    }
}

enum snas_status snas_micro_child(const struct snas_network *supernet,
                                  const struct snas_micro *micro, struct snas_child *out,
                                  struct snas_err *err)
{
    struct snas_space *space = snas_alloc(1, sizeof *space, err);
    struct snas_genotype *genotype = snas_alloc(1, sizeof *genotype, err);
    struct snas_network *net = NULL;
    enum snas_status s = space && genotype ? SNAS_OK : SNAS_E_NOMEM;
    memset(out, 0, sizeof *out);
    if (s == SNAS_OK) {
        micro_space(supernet, micro, space);
        micro_genotype(space, genotype);
        struct snas_network_options o = supernet->options;
        o.channels = micro->in.c / micro->stride; /* a reduction doubles them */
        o.layers = 1;
        o.input = micro->in;
        o.classes = 10;
        s = snas_network_create(space, &o, genotype, &net, err);
    }
    snas_free(space);
    snas_free(genotype);
    return s == SNAS_OK ? snas_random_child(net, 1, out, err) : s;
}

/* --- random children --- */

/* ReLU halves the mean square of what it passes; a depthwise and a pointwise convolution behind it
 * make up for that together, each with a gain of sqrt(2). */
static void fill(const struct snas_param *p, struct snas_rng *r, float *values)
{
    double bound = p->fan_in ? sqrt(3 * sqrt(2) / p->fan_in) : 0;
    int one = p->kind == SNAS_PARAM_GAMMA || p->kind == SNAS_PARAM_VAR;
    for (size_t i = 0; i < p->count; i++)
        values[i] = p->kind == SNAS_PARAM_WEIGHT ? (float)(bound * (2 * snas_rng_uniform(r) - 1))
                                                 : (float)one;
}

enum snas_status snas_random_child(struct snas_network *network, uint64_t seed,
                                   struct snas_child *out, struct snas_err *err)
{
    memset(out, 0, sizeof *out);
    out->network = network;
    out->values = snas_alloc((size_t)network->n_params, sizeof *out->values, err);
    for (int p = 0; out->values && p < network->n_params; p++) {
        out->values[p] = snas_alloc(network->params[p].count, sizeof(float), err);
        if (!out->values[p]) {
            snas_child_clear(out);
            return SNAS_E_NOMEM;
        }
        struct snas_rng r = snas_rng_make(seed, SNAS_STREAM_INIT, (uint64_t)p);
        fill(&network->params[p], &r, out->values[p]);
    }
    if (!out->values) {
        snas_child_clear(out);
        return SNAS_E_NOMEM;
    }
    snprintf(out->info.dataset, sizeof out->info.dataset, "random");
    snprintf(out->info.run, sizeof out->info.run, "random");
    for (int c = 0; c < SNAS_MAX_IMAGE_CHANNELS; c++)
        out->info.sd[c] = 1;
    out->info.bn_eps = 1e-5;
    out->info.seed = seed;
    out->info.validation_accuracy = out->info.test_accuracy = -1;
    return SNAS_OK;
}

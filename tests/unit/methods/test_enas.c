/* ENAS: what becomes of picks, what a step computes, what alpha says, its state. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "fixture.h"
#include "methods/concrete.h"
#include "methods/enas.h"

static struct snas_enas_options options(void)
{
    return (struct snas_enas_options){.controller = {.units = 12,
                                                     .tanh_constant = 1.1,
                                                     .op_tanh_reduce = 2.5,
                                                     .init = 0.5,
                                                     .learning_rate = 0.05,
                                                     .beta2 = 0.999,
                                                     .eps = 1e-3,
                                                     .entropy_weight = 1e-4,
                                                     .baseline_decay = 0.9},
                                      .updates = 3,
                                      .samples = 4,
                                      .marginal_samples = 2000};
}

static struct snas_method *make(struct fixture *f)
{
    struct snas_err err = {0};
    struct snas_method *m;
    const struct snas_enas_options o = options();
    if (snas_method_enas(f->network, &o, 11, &m, &err) != SNAS_OK)
        fail_msg("%s", err.text);
    return m;
}

static void enas__child_has_the_picked_ops_when_slots_differ_or_not(void **state)
{
    struct fixture *f = *state;
    struct snas_picks picks;
    struct snas_genotype g;
    struct snas_err err = {0};
    double *z = malloc((size_t)f->network->n_z * sizeof(*z));
    assert_non_null(z);
    memset(&picks, 0, sizeof(picks));
    /* normal: none, max pool, skip, sep, dil; reduce: none, avg pool, skip, sep */
    picks.node[0][0] = (struct snas_node_picks){{1, 0}, {4, 2}}; /* two edges */
    picks.node[0][1] = (struct snas_node_picks){{2, 2}, {3, 1}}; /* two ops on one edge */
    picks.node[1][0] = (struct snas_node_picks){{1, 1}, {3, 3}}; /* the same twice: once */
    picks.node[1][1] = (struct snas_node_picks){{0, 2}, {1, 1}};
    snas_picks_genotype(&f->space, &picks, &g);
    const int *normal = f->space.kinds[0].op, *reduce = f->space.kinds[1].op;
    assert_int_equal(g.cells[0].n_choices[0], 2);
    assert_int_equal(g.cells[0].choices[0][0].from, 0);
    assert_int_equal(g.cells[0].choices[0][0].op, normal[2]);
    assert_int_equal(g.cells[0].choices[0][1].from, 1);
    assert_int_equal(g.cells[0].choices[0][1].op, normal[4]);
    assert_int_equal(g.cells[0].n_choices[1], 2);
    assert_int_equal(g.cells[0].choices[1][0].from, 2);
    assert_int_equal(g.cells[0].choices[1][1].from, 2);
    assert_int_equal(g.cells[1].n_choices[0], 1);
    assert_int_equal(g.cells[1].choices[0][0].op, reduce[3]);
    assert_int_equal(g.cells[0].n_concat, 2);
    assert_int_equal(snas_z_from_genotype(f->network, &g, z, &err), SNAS_OK);
    double per_cell[] = {0, 0};
    int cells[] = {0, 0};
    for (int c = 0; c < f->network->n_cells; c++) {
        const struct snas_cell *cell = &f->network->cells[c];
        cells[cell->kind]++;
        for (int e = cell->first_edge; e < cell->first_edge + cell->n_edges; e++) {
            const struct snas_edge *edge = &f->network->edges[e];
            double sum = 0;
            for (int k = 0; k < edge->n_ops; k++) {
                assert_true(z[edge->z + k] == 0 || z[edge->z + k] == 1);
                sum += z[edge->z + k];
                per_cell[cell->kind] += k > 0 ? z[edge->z + k] : 0; /* 0 is none */
            }
            assert_true(sum == 1 ||
                        (sum == 2 && cell->kind == 0 && edge->from == 2 && edge->to == 1));
        }
    }
    assert_true(per_cell[0] == 4 * cells[0] && per_cell[1] == 3 * cells[1]);
    free(z);
}

static int block_is_live(const struct snas_network *net, const double *z, int block)
{
    for (int e = 0; e < net->n_edges; e++) {
        int k = block - net->edges[e].first_block;
        if (k >= 0 && k < net->edges[e].n_ops)
            return z[net->edges[e].z + k] != 0;
    }
    return 1;
}

static void enas__step_trains_only_the_sampled_child_when_it_runs(void **state)
{
    struct fixture *f = *state;
    struct snas_err err = {0};
    struct snas_step_result r;
    struct snas_method *m = make(f);
    const struct snas_network *net = f->network;
    struct snas_method_context context = fixture_context(f);
    double *z = malloc((size_t)net->n_z * sizeof(*z));
    assert_non_null(z);
    int before = f->theta_steps, moved = 0, still = 0;
    snas_net_init(f->net, 3);
    assert_int_equal(m->ops->step(m, &context, &r, &err), SNAS_OK);
    assert_int_equal(f->theta_steps, before + 1);
    assert_int_equal(r.n, 4);
    m->ops->sample(m, context.seed, SNAS_STREAM_GUMBEL, (uint64_t)context.step, 1, z);
    close_to(r.live_ops, snas_method_live_share(m, z), 0);
    assert_true(r.live_ops > 0.1 && r.live_ops < 0.4);
    const double *grad = snas_net_grad(f->net);
    for (int b = 0; b < net->n_blocks; b++)
        for (int l = 0; l < net->blocks[b].n_layers; l++) {
            int w = net->layers[net->blocks[b].first_layer + l].weight;
            double largest = 0;
            for (size_t i = 0; w >= 0 && i < net->params[w].count; i++)
                largest = fmax(largest, fabs(grad[snas_net_param_offset(f->net, w) + i]));
            int live = block_is_live(net, z, b);
            assert_true(live || largest == 0);
            moved += live && largest > 0;
            still += !live && w >= 0;
        }
    assert_true(moved > 10 && still > 10);
    free(z);
    snas_method_destroy(m);
}

static void enas__alpha_says_how_often_ops_are_sampled_when_estimated(void **state)
{
    enum { SAMPLES = 4000 };
    struct fixture *f = *state;
    struct snas_method *m = make(f);
    double *share = calloc((size_t)m->n_alpha, sizeof(*share));
    assert_non_null(share);
    for (uint64_t i = 0; i < SAMPLES; i++) {
        struct snas_genotype g;
        m->ops->sample_genotype(m, 1, SNAS_STREAM_TEST, i, &g);
        for (int r = 0; r < m->n_rows; r++) {
            const struct snas_alpha_row *row = &m->rows[r];
            const struct snas_genotype_cell *cell = &g.cells[row->kind];
            int here = 0;
            for (int c = 0; c < cell->n_choices[row->node]; c++)
                here += cell->choices[row->node][c].from == row->slot;
            for (int k = 0; k < row->n_ops; k++)
                for (int c = 0; c < cell->n_choices[row->node]; c++)
                    if (cell->choices[row->node][c].from == row->slot &&
                        cell->choices[row->node][c].op == f->space.kinds[row->kind].op[k])
                        share[row->first + k] += 1.0 / here / SAMPLES;
            share[row->first] += here ? 0 : 1.0 / SAMPLES; /* none is the first */
        }
    }
    for (int r = 0; r < m->n_rows; r++) {
        const struct snas_alpha_row *row = &m->rows[r];
        double p[SNAS_MAX_OPS];
        snas_softmax(m->alpha + row->first, row->n_ops, p);
        for (int k = 0; k < row->n_ops; k++)
            close_to(p[k], share[row->first + k],
                     4.5 * sqrt(p[k] * (1 - p[k]) * (1.0 / SAMPLES + 1.0 / 2000)));
    }
    free(share);
    snas_method_destroy(m);
}

static void end_epoch(struct fixture *f, struct snas_method *m, int epoch)
{
    struct snas_err err = {0};
    struct snas_method_context context = fixture_context(f);
    context.epoch = epoch;
    if (m->ops->end_epoch(m, &context, &err) != SNAS_OK)
        fail_msg("%s", err.text);
}

static void enas__goes_on_bit_for_bit_when_its_state_is_copied(void **state)
{
    struct fixture *f = *state;
    struct snas_method *a = make(f), *b = make(f);
    struct snas_st_tensor from[SNAS_METHOD_TENSORS], to[SNAS_METHOD_TENSORS];
    size_t bytes = (size_t)a->n_alpha * sizeof(double);
    snas_net_init(f->net, 3);
    double *first = malloc(bytes);
    assert_non_null(first);
    memcpy(first, a->alpha, bytes);
    end_epoch(f, a, 0);
    assert_memory_not_equal(first, a->alpha, bytes);
    int n = snas_method_state(a, from);
    assert_int_equal(snas_method_state(b, to), n);
    for (int i = 0; i < n; i++) {
        size_t size = snas_dtype_size(from[i].dtype);
        for (int d = 0; d < from[i].ndim; d++)
            size *= (size_t)from[i].shape[d];
        memcpy((void *)to[i].data, from[i].data, size);
    }
    end_epoch(f, a, 1);
    end_epoch(f, b, 1);
    assert_memory_equal(a->alpha, b->alpha, bytes);
    free(first);
    snas_method_destroy(a);
    snas_method_destroy(b);
}

static void enas__memory_is_freed_when_any_allocation_fails(void **state)
{
    struct fixture *f = *state;
    struct snas_method *m;
    struct snas_err err = {0};
    const struct snas_enas_options o = options();
    int failures = 0;
    for (long nth = 1;; nth++, failures++) {
        snas_mem_fail_at(nth);
        enum snas_status s = snas_method_enas(f->network, &o, 1, &m, &err);
        snas_mem_fail_at(0);
        if (s == SNAS_OK)
            break;
        assert_int_equal(s, SNAS_E_NOMEM);
        assert_null(m);
    }
    assert_true(failures >= 10);
    snas_method_destroy(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(enas__child_has_the_picked_ops_when_slots_differ_or_not),
        cmocka_unit_test(enas__step_trains_only_the_sampled_child_when_it_runs),
        cmocka_unit_test(enas__alpha_says_how_often_ops_are_sampled_when_estimated),
        cmocka_unit_test(enas__goes_on_bit_for_bit_when_its_state_is_copied),
        cmocka_unit_test(enas__memory_is_freed_when_any_allocation_fails),
    };
    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}

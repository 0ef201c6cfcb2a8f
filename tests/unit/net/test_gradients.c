/* Gradients of whole networks in double against central differences: theta, z and images.
 *
 * A ReLU or a maximum that turns between the two points of a difference spoils that difference, so
 * a coordinate may be tried with a few steps: a wrong gradient agrees with none of them. */
#include "fixture.h"

static const double step_sizes[] = {1e-6, 3e-7, 3e-6, 1e-7};

/* One number that is changed: coordinates of a vector, moved together along `direction` (NULL: the
 * one at `index`). */
struct move {
    void *values;
    size_t n, index;
    const double *direction;
};

static double loss_at(struct fixture *f, const struct move *m, double h)
{
    double *v = m->values, kept = m->direction ? 0 : v[m->index];
    double *all = NULL;
    if (m->direction) {
        all = malloc(m->n * sizeof *all);
        assert_non_null(all);
        memcpy(all, v, m->n * sizeof *all);
        for (size_t i = 0; i < m->n; i++)
            v[i] += h * m->direction[i];
    } else {
        v[m->index] += h;
    }
    double loss = fixture_loss(f);
    if (all)
        memcpy(v, all, m->n * sizeof *all);
    else
        v[m->index] = kept;
    free(all);
    return loss;
}

static void compare(struct fixture *f, const struct move *m, double gradient, double scale,
                    const char *what)
{
    double numeric = 0;
    for (size_t i = 0; i < sizeof step_sizes / sizeof *step_sizes; i++) {
        double h = step_sizes[i];
        numeric = (loss_at(f, m, h) - loss_at(f, m, -h)) / (2 * h);
        if (fabs(numeric - gradient) <= 1e-6 * scale)
            return;
    }
    fail_msg("d loss / d %s[%zu] is %.12g, central difference %.12g (scale %.3g)", what, m->index,
             gradient, numeric, scale);
}

/* `samples` coordinates and two directions of a vector. */
static void check_vector(struct fixture *f, double *values, const double *gradient, size_t n,
                         size_t samples, const char *what)
{
    struct snas_rng rng = snas_rng_make(9, SNAS_STREAM_TEST, n);
    double norm = 0;
    for (size_t i = 0; i < n; i++)
        norm += gradient[i] * gradient[i];
    norm = sqrt(norm);
    assert_true(norm > 0);
    for (size_t s = 0; s < samples; s++) {
        size_t i = samples >= n ? s % n : snas_rng_below(&rng, (uint32_t)n);
        struct move m = {values, n, i, NULL};
        compare(f, &m, gradient[i], fabs(gradient[i]) + 0.01 * norm, what);
    }
    double *direction = malloc(n * sizeof *direction);
    assert_non_null(direction);
    for (int d = 0; d < 2; d++) {
        double along = 0;
        for (size_t i = 0; i < n; i++) {
            /* The first direction is the gradient's: every coordinate's error counts there. */
            direction[i] = d == 0 ? gradient[i] / norm : snas_rng_normal(&rng) / sqrt((double)n);
            along += direction[i] * gradient[i];
        }
        struct move m = {values, n, 0, direction};
        compare(f, &m, along, fabs(along) + 0.01 * norm, what);
    }
    free(direction);
}

static void check_net(struct fixture *f, size_t samples)
{
    struct snas_err err = {0};
    size_t n_images = (size_t)BATCH * (size_t)f->image_values, n = snas_net_theta_size(f->net);
    size_t n_z = (size_t)f->network->n_z;
    double *dz = calloc(n_z, sizeof *dz), *dimages = calloc(n_images, sizeof *dimages);
    double *credit = calloc((size_t)f->network->n_edges, sizeof *credit);
    double *grad = malloc(n * sizeof *grad);
    assert_true(dz && dimages && grad && credit);
    struct snas_backward b = {.dz = dz, .dimages = dimages, .credit = credit};
    fixture_loss(f);
    assert_ok(snas_net_backward(f->net, &b, &err), &err);
    memcpy(grad, snas_net_grad(f->net), n * sizeof *grad);
    check_vector(f, snas_net_theta(f->net), grad, n, samples, "theta");
    check_vector(f, f->images, dimages, n_images, samples, "images");
    if (!f->network->genotype)
        check_vector(f, f->z, dz, n_z, samples, "z");
    for (int e = 0; e < f->network->n_edges; e++) {
        const struct snas_edge *edge = &f->network->edges[e];
        double sum = 0;
        for (int k = edge->z; k < edge->z + edge->n_ops; k++)
            sum += dz[k] * (f->network->genotype ? 1 : f->z[k]);
        assert_true(fabs(credit[e] - sum) <= 1e-14);
    }
    free(dz);
    free(dimages);
    free(credit);
    free(grad);
}

static void supernet__matches_central_differences_when_it_has_both_cell_kinds(void **state)
{
    (void)state;
    struct fixture f = {.options = fixture_options(SNAS_PRECISION_F64)};
    struct snas_network_options o = fixture_network_options(2);
    fixture_net_space(&f.space);
    fixture_make(&f, &o, NULL);
    check_net(&f, 100);
    fixture_clear(&f);
}

static void supernet__matches_central_differences_when_preprocessing_reduces(void **state)
{
    (void)state;
    struct fixture f = {.options = fixture_options(SNAS_PRECISION_F64)};
    struct snas_network_options o = fixture_network_options(3);
    o.affine = 1;
    f.options.label_smoothing = 0.1;
    fixture_net_space(&f.space);
    fixture_make(&f, &o, NULL);
    check_net(&f, 60);
    fixture_clear(&f);
}

static void supernet__matches_central_differences_when_paths_drop(void **state)
{
    (void)state;
    struct fixture f = {.options = fixture_options(SNAS_PRECISION_F64)};
    struct snas_network_options o = fixture_network_options(2);
    f.options.drop_path = 0.4;
    fixture_net_space(&f.space);
    fixture_make(&f, &o, NULL);
    check_net(&f, 60);
    fixture_clear(&f);
}

static void supernet__matches_central_differences_when_some_z_are_zero(void **state)
{
    (void)state;
    struct fixture f = {.options = fixture_options(SNAS_PRECISION_F64)};
    struct snas_network_options o = fixture_network_options(3);
    fixture_net_space(&f.space);
    fixture_make(&f, &o, NULL);
    struct snas_err err = {0};
    for (int i = 0; i < f.network->n_z; i++)
        if (i % 3 != 0)
            f.z[i] = 0;
    /* Moving theta and images leaves z at zero; z itself is not differentiable by the net there. */
    size_t n = snas_net_theta_size(f.net);
    double *grad = malloc(n * sizeof *grad), *dz = calloc((size_t)f.network->n_z, sizeof *dz);
    assert_true(grad && dz);
    struct snas_backward b = {.dz = dz};
    fixture_loss(&f);
    assert_ok(snas_net_backward(f.net, &b, &err), &err);
    memcpy(grad, snas_net_grad(f.net), n * sizeof *grad);
    check_vector(&f, snas_net_theta(f.net), grad, n, 60, "theta");
    for (int i = 0; i < f.network->n_z; i++) {
        struct move m = {f.z, (size_t)f.network->n_z, (size_t)i, NULL};
        if (f.z[i] != 0)
            compare(&f, &m, dz[i], fabs(dz[i]) + 1e-3, "z");
        else
            assert_true(dz[i] == 0);
    }
    free(grad);
    free(dz);
    fixture_clear(&f);
}

/* Ops that end in a convolution or a ReLU, or have no BN at all, and dense convolutions. */
static void supernet__matches_central_differences_when_ops_have_no_bn_at_the_end(void **state)
{
    (void)state;
    static const char *const ops[] = {"none",         "skip_connect", "nor_conv_3x3",
                                      "conv_7x1_1x7", "sep_conv_3x3", "max_pool_3x3"};
    struct fixture f = {.options = fixture_options(SNAS_PRECISION_F64)};
    struct snas_network_options o = fixture_network_options(2);
    fixture_space(&f.space, 2, 6, ops);
    f.space.n_reduce_at = 1;
    f.space.reduce_den[0] = 2;
    static const char *const own[3][6] = {{"relu", "pw", "bn", "relu", "dw3", "pw"},
                                          {"dw3", "pw", NULL},
                                          {"bn", "conv3x3", "relu", NULL}};
    for (int i = 0; i < 3; i++) {
        struct snas_op *op = &f.space.ops[f.space.n_ops];
        snprintf(op->name, sizeof op->name, "own%d", i);
        for (int k = 0; k < 6 && own[i][k]; k++) {
            for (int s = 0; s < 2; s++) {
                struct snas_step *step = &op->steps[s][op->n_steps[s]++];
                assert_int_equal(snas_step_parse(own[i][k], step), 0);
                int strided = step->kind == SNAS_STEP_DEPTHWISE || step->kind == SNAS_STEP_CONV;
                if (s == 1 && strided)
                    step->stride = 2;
            }
        }
        for (int k = 0; k < 2; k++)
            f.space.kinds[k].op[f.space.kinds[k].n_ops++] = f.space.n_ops;
        f.space.n_ops++;
    }
    fixture_make(&f, &o, NULL);
    check_net(&f, 80);
    fixture_clear(&f);
}

/* op 4 is sep_conv_3x3, 3 skip, 1 max pool. Node 1 takes the same op twice from one input, node 2
 * is dead. */
static void set_genotype(struct snas_genotype *g)
{
    memset(g, 0, sizeof *g);
    for (int k = 0; k < 2; k++) {
        struct snas_genotype_cell *c = &g->cells[k];
        c->n_nodes = 3;
        c->n_choices[0] = 2;
        c->choices[0][0] = (struct snas_choice){4, 0};
        c->choices[0][1] = (struct snas_choice){3, 1};
        c->n_choices[1] = 3;
        c->choices[1][0] = (struct snas_choice){4, 1};
        c->choices[1][1] = (struct snas_choice){4, 1};
        c->choices[1][2] = (struct snas_choice){1, 2};
        c->n_concat = 3;
        for (int i = 0; i < 3; i++)
            c->concat[i] = i;
    }
}

static void check_genotype(enum snas_output_rule rule, int n_concat)
{
    struct fixture f = {.options = fixture_options(SNAS_PRECISION_F64)};
    struct snas_network_options o = fixture_network_options(3);
    struct snas_genotype g;
    o.pool_bn = 0;
    fixture_space(&f.space, 3, 8, fixture_ops);
    set_genotype(&g);
    for (int k = 0; k < 2; k++) {
        f.space.kinds[k].output = rule;
        if (n_concat < 3)
            for (int i = 0; i < n_concat; i++)
                g.cells[k].concat[i] = 1 - i;
        g.cells[k].n_concat = n_concat;
    }
    fixture_make(&f, &o, &g);
    check_net(&f, 50);
    fixture_clear(&f);
}

static void genotype__matches_central_differences_when_a_node_is_dead(void **state)
{
    (void)state;
    check_genotype(SNAS_OUTPUT_CONCAT, 3);
}

static void genotype__matches_central_differences_when_the_output_is_one_node(void **state)
{
    (void)state;
    check_genotype(SNAS_OUTPUT_LAST, 1);
}

static void genotype__matches_central_differences_when_the_output_is_a_sum(void **state)
{
    (void)state;
    check_genotype(SNAS_OUTPUT_SUM, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(supernet__matches_central_differences_when_it_has_both_cell_kinds),
        cmocka_unit_test(supernet__matches_central_differences_when_preprocessing_reduces),
        cmocka_unit_test(supernet__matches_central_differences_when_paths_drop),
        cmocka_unit_test(supernet__matches_central_differences_when_some_z_are_zero),
        cmocka_unit_test(supernet__matches_central_differences_when_ops_have_no_bn_at_the_end),
        cmocka_unit_test(genotype__matches_central_differences_when_a_node_is_dead),
        cmocka_unit_test(genotype__matches_central_differences_when_the_output_is_one_node),
        cmocka_unit_test(genotype__matches_central_differences_when_the_output_is_a_sum),
    };
    return snas_test_run(tests);
}

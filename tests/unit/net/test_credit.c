/* What is exact about credits (docs/credits.md): d L / d z_k = <dL/dx_j, O_k(x_i)>, and the credits
 * c_ij = sum_k z_k dz_k of a node's edges add up to <dL/dx_j, x_j>. dL/dx_j is worked out here, for
 * a last node that the head reads: pooled, then linear, then cross-entropy. */
#include "fixture.h"

static const int nodes = 2;

static void make(struct fixture *f)
{
    *f = (struct fixture){.options = fixture_options(SNAS_PRECISION_F64)};
    f->options.training = 1;
    struct snas_network_options o = fixture_network_options(1);
    fixture_space(&f->space, nodes, 8, fixture_ops);
    f->space.n_reduce_at = 0;
    f->space.kinds[0].output = SNAS_OUTPUT_LAST;
    fixture_make(f, &o, NULL);
}

static const struct snas_node *last_node(const struct fixture *f)
{
    return &f->network->nodes[f->network->cells[0].first_node + nodes - 1];
}

static size_t node_size(const struct fixture *f)
{
    const struct snas_shape *s = &f->network->tensors[last_node(f)->tensor].shape;
    return (size_t)BATCH * (size_t)(s->c * s->h * s->w);
}

/* dL/dx of the last forward, [BATCH][H][W][C]: a logit's gradient is (softmax - label) / BATCH. */
static void node_gradient(const struct fixture *f, double *dx)
{
    const struct snas_shape *s = &f->network->tensors[last_node(f)->tensor].shape;
    const double *logits = snas_net_logits(f->net);
    int weight = snas_network_param(f->network, "head.linear1.weight");
    assert_true(weight >= 0);
    const double *w = snas_net_param(f->net, weight); /* [C][CLASSES] */
    for (int n = 0; n < BATCH; n++, logits += CLASSES) {
        double sum = 0, dlogit[CLASSES];
        for (int c = 0; c < CLASSES; c++)
            sum += exp(logits[c]);
        for (int c = 0; c < CLASSES; c++)
            dlogit[c] = (exp(logits[c]) / sum - (f->labels[n] == c)) / BATCH;
        for (int at = 0; at < s->h * s->w; at++)
            for (int i = 0; i < s->c; i++) {
                double g = 0;
                for (int c = 0; c < CLASSES; c++)
                    g += w[i * CLASSES + c] * dlogit[c];
                *dx++ = g / (s->h * s->w);
            }
    }
}

static double dot(size_t n, const double *a, const double *b)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

static void credit__adds_up_to_the_gradient_times_the_node_when_summed_over_its_edges(void **state)
{
    (void)state;
    struct snas_err err = {0};
    struct fixture f;
    make(&f);
    const struct snas_node *node = last_node(&f);
    double *dx = calloc(node_size(&f), sizeof *dx), credit[16] = {0}, sum = 0;
    assert_true(dx && f.network->n_edges <= 16);
    fixture_loss(&f);
    node_gradient(&f, dx);
    double expected = dot(node_size(&f), dx, snas_net_tensor(f.net, node->tensor));
    const struct snas_backward b = {.credit = credit};
    assert_ok(snas_net_backward(f.net, &b, &err), &err);
    for (int e = node->first_edge; e < node->first_edge + node->n_edges; e++)
        sum += credit[e];
    assert_true(fabs(expected) > 1e-3);
    assert_true(fabs(sum - expected) < 1e-12);
    free(dx);
    fixture_clear(&f);
}

/* O_k(x_i) is the node's own value when nothing else leads to it: x_i is of earlier nodes, and an
 * op's batch norm looks at the op alone. */
static void credit__is_the_gradient_times_the_ops_output_when_taken_op_by_op(void **state)
{
    (void)state;
    struct snas_err err = {0};
    struct fixture f;
    make(&f);
    const struct snas_node *node = last_node(&f);
    size_t n = node_size(&f), n_z = (size_t)f.network->n_z;
    double *dx = calloc(n, sizeof *dx), *dz = calloc(n_z, sizeof *dz);
    double *z = calloc(n_z, sizeof *z), largest = 0;
    assert_true(dx && dz && z);
    fixture_loss(&f);
    node_gradient(&f, dx);
    const struct snas_backward b = {.dz = dz};
    assert_ok(snas_net_backward(f.net, &b, &err), &err);
    memcpy(z, f.z, n_z * sizeof *z);
    for (int e = node->first_edge; e < node->first_edge + node->n_edges; e++) {
        const struct snas_edge *edge = &f.network->edges[e];
        for (int k = edge->z; k < edge->z + edge->n_ops; k++) {
            const struct snas_edge *first = &f.network->edges[node->first_edge];
            memcpy(f.z, z, n_z * sizeof *z);
            memset(f.z + first->z, 0,
                   (size_t)(node->n_edges * first->n_ops) * sizeof *z); /* stored edge by edge */
            f.z[k] = 1;
            fixture_loss(&f);
            double expected = dot(n, dx, snas_net_tensor(f.net, node->tensor));
            assert_true(fabs(dz[k] - expected) < 1e-12);
            largest = fmax(largest, fabs(expected));
        }
    }
    assert_true(largest > 1e-3);
    free(dx);
    free(dz);
    free(z);
    fixture_clear(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(credit__adds_up_to_the_gradient_times_the_node_when_summed_over_its_edges),
        cmocka_unit_test(credit__is_the_gradient_times_the_ops_output_when_taken_op_by_op),
    };
    return cmocka_run_group_tests_name("net.credit", tests, NULL, NULL);
}

/* What a step means: modes of batch norm, z of zero, children, threads, drop path, errors. */
#include "fixture.h"

static void make(struct fixture *f, enum snas_precision precision, int layers)
{
    memset(f, 0, sizeof *f);
    f->options = fixture_options(precision);
    struct snas_network_options o = fixture_network_options(layers);
    fixture_net_space(&f->space);
    fixture_make(f, &o, NULL);
}

static struct snas_loss forward_with(struct fixture *f, struct snas_forward forward)
{
    struct snas_err err = {0};
    struct snas_loss loss;
    assert_ok(snas_net_forward(f->net, &forward, &loss, &err), &err);
    return loss;
}

static void backward(struct fixture *f, double *dz)
{
    struct snas_err err = {0};
    struct snas_backward b = {.dz = dz};
    assert_ok(snas_net_backward(f->net, &b, &err), &err);
}

static void *copy_of(const void *p, size_t bytes)
{
    void *c = malloc(bytes);
    assert_non_null(c);
    memcpy(c, p, bytes);
    return c;
}

static size_t stats_bytes(const struct fixture *f)
{
    return snas_net_stats_size(f->net) * sizeof(double);
}

/* Only the op `op` of every edge is on (where the edge has it), with the given z. */
static void one_hot(struct fixture *f, const int *op, double z)
{
    for (int e = 0; e < f->network->n_edges; e++)
        for (int k = 0; k < f->network->edges[e].n_ops; k++)
            f->z[f->network->edges[e].z + k] = k == op[e] ? z : 0;
}

/* ---- threads ---- */

static void step__is_bit_equal_when_threads_differ(void **state)
{
    (void)state;
    void *theta[3], *stats[3];
    double *dz[3];
    struct fixture f;
    for (int t = 0; t < 3; t++) {
        memset(&f, 0, sizeof f);
        f.options = fixture_options(SNAS_PRECISION_F32);
        f.options.threads = t + 1;
        f.options.drop_path = 0.3;
        struct snas_network_options o = fixture_network_options(3);
        o.affine = 1;
        fixture_net_space(&f.space);
        fixture_make(&f, &o, NULL);
        struct snas_forward forward = fixture_forward(&f);
        forward.bn = SNAS_BN_BATCH_UPDATE;
        forward_with(&f, forward);
        dz[t] = calloc((size_t)f.network->n_z, sizeof(double));
        backward(&f, dz[t]);
        theta[t] = copy_of(snas_net_grad(f.net), snas_net_theta_size(f.net) * sizeof(float));
        stats[t] = copy_of(snas_net_stats(f.net), snas_net_stats_size(f.net) * sizeof(float));
        if (t > 0) {
            assert_memory_equal(theta[t], theta[0], snas_net_theta_size(f.net) * sizeof(float));
            assert_memory_equal(stats[t], stats[0], snas_net_stats_size(f.net) * sizeof(float));
            assert_memory_equal(dz[t], dz[0], (size_t)f.network->n_z * sizeof(double));
        }
        fixture_clear(&f);
    }
    for (int t = 0; t < 3; t++) {
        free(theta[t]);
        free(stats[t]);
        free(dz[t]);
    }
}

/* ---- batch norm ---- */

/* A space whose first BN sees w * image: its statistics can be worked out by hand. */
static void make_plain(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    f->options = fixture_options(SNAS_PRECISION_F64);
    struct snas_network_options o = fixture_network_options(1);
    o.input.c = 1;
    fixture_net_space(&f->space);
    f->space.stems[0] = fixture_steps(1, "pw bn");
    fixture_make(f, &o, NULL);
}

static void plain_statistics(const struct fixture *f, int n, double w, double *mean, double *var)
{
    double sum = 0, sum2 = 0, count = (double)n * f->image_values;
    for (int i = 0; i < n * f->image_values; i++)
        sum += w * fixture_get(f, f->images, (size_t)i);
    *mean = sum / count;
    for (int i = 0; i < n * f->image_values; i++) {
        double d = w * fixture_get(f, f->images, (size_t)i) - *mean;
        sum2 += d * d;
    }
    *var = sum2 / (count - 1);
}

static void running_statistics__follow_with_unbiased_variance_when_updated(void **state)
{
    (void)state;
    struct fixture f;
    make_plain(&f);
    struct snas_forward forward = fixture_forward(&f);
    forward.bn = SNAS_BN_BATCH_UPDATE;
    forward.batch.n = 3;
    forward_with(&f, forward);
    int w = snas_network_param(f.network, "stem0.pw1.weight");
    int m = snas_network_param(f.network, "stem0.bn1.mean");
    int v = snas_network_param(f.network, "stem0.bn1.var");
    for (size_t c = 0; c < 4; c++) {
        double mean, var;
        double weight = fixture_get(&f, snas_net_theta(f.net), snas_net_param_offset(f.net, w) + c);
        plain_statistics(&f, 3, weight, &mean, &var);
        const double *stats = snas_net_stats(f.net);
        assert_true(fabs(stats[snas_net_param_offset(f.net, m) + c] - 0.1 * mean) < 1e-14);
        assert_true(fabs(stats[snas_net_param_offset(f.net, v) + c] - (0.9 + 0.1 * var)) < 1e-13);
    }
    fixture_clear(&f);
}

static void running_statistics__stay_when_the_mode_is_batch(void **state)
{
    (void)state;
    struct fixture f;
    make(&f, SNAS_PRECISION_F64, 2);
    void *before = copy_of(snas_net_stats(f.net), stats_bytes(&f));
    fixture_loss(&f);
    assert_memory_equal(snas_net_stats(f.net), before, stats_bytes(&f));
    free(before);
    fixture_clear(&f);
}

/* Running statistics that are the batch's own (momentum 1, but for the bias of the variance) give
 * the batch's logits. */
static void running_mode__matches_batch_mode_when_statistics_are_the_batch(void **state)
{
    (void)state;
    struct fixture f = {.options = fixture_options(SNAS_PRECISION_F64)};
    f.options.bn_momentum = 1;
    struct snas_network_options o = fixture_network_options(2);
    fixture_net_space(&f.space);
    fixture_make(&f, &o, NULL);
    struct snas_forward forward = fixture_forward(&f);
    forward.bn = SNAS_BN_BATCH_UPDATE;
    forward_with(&f, forward);
    double *logits = copy_of(snas_net_logits(f.net), BATCH * CLASSES * sizeof(double));
    double *stats = snas_net_stats(f.net);
    for (int i = 0; i < f.network->n_layers; i++) {
        const struct snas_layer *l = &f.network->layers[i];
        if (l->step.kind != SNAS_STEP_BN)
            continue;
        double count = (double)BATCH * l->in.h * l->in.w;
        for (int c = 0; c < l->in.c; c++)
            stats[snas_net_param_offset(f.net, l->var) + (size_t)c] *= (count - 1) / count;
    }
    forward.bn = SNAS_BN_RUNNING;
    void *before = copy_of(stats, stats_bytes(&f));
    forward_with(&f, forward);
    for (int i = 0; i < BATCH * CLASSES; i++)
        assert_true(fabs(logits[i] - ((const double *)snas_net_logits(f.net))[i]) < 1e-9);
    assert_memory_equal(stats, before, stats_bytes(&f));
    free(before);
    free(logits);
    fixture_clear(&f);
}

static void estimate__is_the_weighted_mean_of_batches_when_sizes_differ(void **state)
{
    (void)state;
    struct fixture f = {.options = fixture_options(SNAS_PRECISION_F64)};
    f.options.bn_momentum = 1;
    struct snas_network_options o = fixture_network_options(2);
    fixture_net_space(&f.space);
    fixture_make(&f, &o, NULL);
    struct snas_forward forward = fixture_forward(&f);
    size_t n = snas_net_stats_size(f.net);
    double *one[2];
    const int sizes[2] = {2, 3};
    const void *images[2] = {f.images, (const double *)f.images + 2 * f.image_values};
    /* Ops that are off in every batch keep what they had. */
    for (int e = 0; e < f.network->n_edges; e++)
        f.z[f.network->edges[e].z + 4] = 0;
    double *stats = snas_net_stats(f.net);
    for (size_t i = 0; i < n; i++)
        stats[i] = 7;
    for (int b = 0; b < 2; b++) {
        forward.bn = SNAS_BN_BATCH_UPDATE;
        forward.batch.n = sizes[b];
        forward.batch.images = images[b];
        forward_with(&f, forward);
        one[b] = copy_of(stats, stats_bytes(&f));
    }
    for (size_t i = 0; i < n; i++)
        stats[i] = 7;
    snas_net_estimate_begin(f.net);
    for (int b = 0; b < 2; b++) {
        forward.bn = SNAS_BN_ESTIMATE;
        forward.batch.n = sizes[b];
        forward.batch.images = images[b];
        forward_with(&f, forward);
        for (size_t i = 0; i < n; i++)
            assert_true(stats[i] == 7);
    }
    snas_net_estimate_end(f.net);
    for (size_t i = 0; i < n; i++)
        assert_true(fabs(stats[i] - (2 * one[0][i] + 3 * one[1][i]) / 5) <= 1e-12);
    int off = snas_network_param(f.network, "cell0.node0.edge0.sep_conv_3x3.bn1.mean");
    assert_true(off >= 0 && stats[snas_net_param_offset(f.net, off)] == 7);
    /* A second estimation starts afresh. */
    snas_net_estimate_begin(f.net);
    forward_with(&f, forward);
    snas_net_estimate_end(f.net);
    for (size_t i = 0; i < n; i++)
        assert_true(fabs(stats[i] - one[1][i]) <= 1e-12);
    free(one[0]);
    free(one[1]);
    fixture_clear(&f);
}

/* ---- z of zero, children ---- */

/* The op of each edge, some of them none. */
static void choose(const struct snas_network *network, int *op)
{
    static const int turn[] = {4, 3, 1, 7, 0, 5, 2, 6};
    for (int e = 0; e < network->n_edges; e++)
        op[e] = turn[network->edges[e].kind_edge % 8];
}

static void off_blocks__are_untouched_when_z_is_zero(void **state)
{
    (void)state;
    struct fixture f;
    make(&f, SNAS_PRECISION_F64, 2);
    int *op = calloc((size_t)f.network->n_edges, sizeof *op);
    double *dz = calloc((size_t)f.network->n_z, sizeof *dz);
    assert_true(op && dz);
    choose(f.network, op);
    one_hot(&f, op, 1);
    double *before = copy_of(snas_net_stats(f.net), stats_bytes(&f));
    struct snas_forward forward = fixture_forward(&f);
    forward.bn = SNAS_BN_BATCH_UPDATE;
    forward_with(&f, forward);
    backward(&f, dz);
    const double *stats = snas_net_stats(f.net), *grad = snas_net_grad(f.net);
    int on = 0, off = 0;
    for (int e = 0; e < f.network->n_edges; e++) {
        const struct snas_edge *edge = &f.network->edges[e];
        for (int k = 0; k < edge->n_ops; k++) {
            const struct snas_block *b = &f.network->blocks[edge->first_block + k];
            int live = k == op[e] && !b->zero;
            assert_true(live || dz[edge->z + k] == 0);
            for (int i = b->first_layer; i < b->first_layer + b->n_layers; i++) {
                const struct snas_layer *l = &f.network->layers[i];
                int p = l->step.kind == SNAS_STEP_BN ? l->var : l->weight;
                if (p < 0)
                    continue;
                size_t at = snas_net_param_offset(f.net, p);
                int moved = l->step.kind == SNAS_STEP_BN ? stats[at] != before[at] : grad[at] != 0;
                assert_int_equal(moved, live);
                on += live;
                off += !live;
            }
        }
    }
    assert_true(on > 5 && off > 20);
    free(before);
    free(op);
    free(dz);
    fixture_clear(&f);
}

/* Gradients of a one-hot step with this many images, on a net that has seen `before` full steps. */
static float *hard_gradients(int before, int images, double *dz, size_t *n)
{
    struct fixture f = {.options = fixture_options(SNAS_PRECISION_F32)};
    struct snas_network_options o = fixture_network_options(3);
    f.options.engine = SNAS_ENGINE_AUTO;
    o.affine = 1;
    fixture_net_space(&f.space);
    fixture_make(&f, &o, NULL);
    assert_true(f.network->n_z <= 512);
    for (int i = 0; i < before; i++) {
        forward_with(&f, fixture_forward(&f));
        backward(&f, dz);
    }
    int *op = calloc((size_t)f.network->n_edges, sizeof *op);
    assert_non_null(op);
    choose(f.network, op);
    one_hot(&f, op, 1);
    struct snas_forward forward = fixture_forward(&f);
    forward.batch.n = images;
    forward_with(&f, forward);
    backward(&f, dz);
    *n = snas_net_theta_size(f.net);
    float *grad = copy_of(snas_net_grad(f.net), *n * sizeof *grad);
    free(op);
    fixture_clear(&f);
    return grad;
}

/* Of 8 groups of images some have none here. */
static void gradients__are_of_this_step_alone_when_others_went_before(void **state)
{
    (void)state;
    for (int images = 1; images <= BATCH; images += 2) {
        size_t n;
        double dz[2][512] = {{0}};
        float *fresh = hard_gradients(0, images, dz[0], &n);
        float *used = hard_gradients(2, images, dz[1], &n);
        assert_memory_equal(fresh, used, n * sizeof *used);
        assert_memory_equal(dz[0], dz[1], sizeof dz[0]);
        free(fresh);
        free(used);
    }
}

static void child__gives_the_supernets_logits_when_z_is_one_hot(void **state)
{
    (void)state;
    struct fixture f, c = {.options = fixture_options(SNAS_PRECISION_F64)};
    make(&f, SNAS_PRECISION_F64, 3);
    int *op = calloc((size_t)f.network->n_edges, sizeof *op);
    assert_non_null(op);
    choose(f.network, op);
    one_hot(&f, op, 1);
    struct snas_genotype g = {.name = "child"};
    for (int i = 0; i < 2; i++) {
        struct snas_genotype_cell *cell = &g.cells[i];
        cell->n_nodes = cell->n_concat = 2;
        cell->concat[1] = 1;
    }
    for (int i = 0; i < 2; i++) { /* a normal cell, a reduction */
        const struct snas_cell *cell = &f.network->cells[i];
        for (int e = cell->first_edge; e < cell->first_edge + cell->n_edges; e++) {
            const struct snas_edge *edge = &f.network->edges[e];
            struct snas_genotype_cell *to = &g.cells[cell->kind];
            if (op[e] > 0)
                to->choices[edge->to][to->n_choices[edge->to]++] =
                    (struct snas_choice){op[e], edge->from};
        }
    }
    struct snas_network_options o = fixture_network_options(3);
    fixture_net_space(&c.space);
    fixture_make(&c, &o, &g);
    int *map = calloc((size_t)c.network->n_params, sizeof *map);
    assert_non_null(map);
    struct snas_err err = {0};
    assert_ok(snas_network_map_params(f.network, c.network, map, &err), &err);
    for (int i = 0; i < c.network->n_params; i++) {
        int stat = c.network->params[i].kind >= SNAS_PARAM_MEAN;
        double *to = stat ? snas_net_stats(c.net) : snas_net_theta(c.net);
        const double *from = stat ? snas_net_stats(f.net) : snas_net_theta(f.net);
        memcpy(to + snas_net_param_offset(c.net, i), from + snas_net_param_offset(f.net, map[i]),
               c.network->params[i].count * sizeof *to);
    }
    memcpy(c.images, f.images, (size_t)BATCH * (size_t)f.image_values * sizeof(double));
    for (int mode = 0; mode < 2; mode++) {
        struct snas_forward forward = fixture_forward(&f), child = fixture_forward(&c);
        forward.bn = child.bn = mode ? SNAS_BN_RUNNING : SNAS_BN_BATCH;
        forward_with(&f, forward);
        forward_with(&c, child);
        assert_memory_equal(snas_net_logits(f.net), snas_net_logits(c.net),
                            BATCH * CLASSES * sizeof(double));
    }
    free(map);
    free(op);
    fixture_clear(&f);
    fixture_clear(&c);
}

static void dead_end__is_not_computed_when_nobody_reads_it(void **state)
{
    (void)state;
    struct fixture f;
    make(&f, SNAS_PRECISION_F64, 2);
    /* Cell 1 reads only its input 1: the preprocessing of input 0 (the stem) has no reader. */
    const struct snas_cell *cell = &f.network->cells[1];
    for (int e = cell->first_edge; e < cell->first_edge + cell->n_edges; e++)
        for (int k = 0; k < 8; k++)
            if (f.network->edges[e].from == 0)
                f.z[f.network->edges[e].z + k] = 0;
    struct snas_forward forward = fixture_forward(&f);
    forward.bn = SNAS_BN_BATCH_UPDATE;
    forward_with(&f, forward);
    assert_null(snas_net_tensor(f.net, cell->slot[0]));
    assert_non_null(snas_net_tensor(f.net, cell->slot[1]));
    backward(&f, NULL);
    int p = snas_network_param(f.network, "cell1.pre0.bn1.var");
    int w = snas_network_param(f.network, "cell1.pre0.pw1.weight");
    assert_true(((double *)snas_net_stats(f.net))[snas_net_param_offset(f.net, p)] == 1);
    assert_true(((double *)snas_net_grad(f.net))[snas_net_param_offset(f.net, w)] == 0);
    fixture_clear(&f);
}

static void dead_node__is_zero_when_all_its_z_are(void **state)
{
    (void)state;
    struct fixture f;
    make(&f, SNAS_PRECISION_F64, 2);
    fixture_loss(&f); /* leaves values there */
    const struct snas_node *node = &f.network->nodes[f.network->cells[0].first_node];
    for (int e = node->first_edge; e < node->first_edge + node->n_edges; e++)
        for (int k = 0; k < 8; k++)
            f.z[f.network->edges[e].z + k] = 0;
    fixture_loss(&f);
    const double *v = snas_net_tensor(f.net, node->tensor);
    for (int i = 0; i < BATCH * 4 * 9 * 7; i++)
        assert_true(v[i] == 0);
    fixture_clear(&f);
}

/* ---- drop path ---- */

static void make_dropping(struct fixture *f, double p)
{
    memset(f, 0, sizeof *f);
    f->options = fixture_options(SNAS_PRECISION_F64);
    f->options.drop_path = p;
    struct snas_network_options o = fixture_network_options(1);
    fixture_net_space(&f->space);
    f->space.n_reduce_at = 0;
    fixture_make(f, &o, NULL);
    memset(f->z, 0, (size_t)f->network->n_z * sizeof *f->z);
}

/* Value of the first node with only z[edge 0][op] on. */
static const double *node_value(struct fixture *f, int op, uint64_t step, enum snas_bn_mode mode)
{
    memset(f->z, 0, (size_t)f->network->n_z * sizeof *f->z);
    f->z[op] = 1;
    struct snas_forward forward = fixture_forward(f);
    forward.step = step;
    forward.bn = mode;
    forward_with(f, forward);
    return snas_net_tensor(f->net, f->network->nodes[0].tensor);
}

static void drop_path__drops_whole_images_and_keeps_the_mean_when_on(void **state)
{
    (void)state;
    struct fixture f;
    const double p = 0.3;
    enum { STEPS = 400, IMAGE = 4 * 9 * 7 };
    make_dropping(&f, p);
    double *plain = copy_of(node_value(&f, 4, 0, SNAS_BN_ESTIMATE), BATCH * IMAGE * sizeof(double));
    int dropped = 0;
    for (uint64_t s = 0; s < STEPS; s++) {
        const double *v = node_value(&f, 4, s, SNAS_BN_BATCH);
        for (int i = 0; i < BATCH; i++) {
            int off = v[i * IMAGE] == 0 && v[i * IMAGE + 1] == 0;
            dropped += off;
            for (int k = i * IMAGE; k < (i + 1) * IMAGE; k++)
                assert_true(fabs(v[k] - (off ? 0 : plain[k] / (1 - p))) < 1e-12);
        }
    }
    double share = (double)dropped / (STEPS * BATCH);
    assert_true(fabs(share - p) < 4 * sqrt(p * (1 - p) / (STEPS * BATCH)));
    double *again = copy_of(node_value(&f, 4, 3, SNAS_BN_BATCH), BATCH * IMAGE * sizeof(double));
    assert_memory_equal(again, node_value(&f, 4, 3, SNAS_BN_BATCH), BATCH * IMAGE * sizeof(double));
    free(again);
    free(plain);
    fixture_clear(&f);
}

static void drop_path__spares_identities_and_evaluation_when_on(void **state)
{
    (void)state;
    struct fixture f;
    enum { IMAGE = 4 * 9 * 7 };
    make_dropping(&f, 0.9);
    for (uint64_t s = 0; s < 10; s++) {
        const double *v = node_value(&f, 3, s, SNAS_BN_BATCH);
        assert_memory_equal(v, snas_net_tensor(f.net, f.network->cells[0].slot[0]),
                            BATCH * IMAGE * sizeof *v);
        v = node_value(&f, 4, s, SNAS_BN_RUNNING);
        for (int i = 0; i < BATCH; i++)
            assert_true(v[i * IMAGE] != 0 || v[i * IMAGE + 1] != 0);
    }
    fixture_clear(&f);
}

/* ---- loss and errors ---- */

static void loss__is_the_smoothed_cross_entropy_when_worked_out_from_logits(void **state)
{
    (void)state;
    struct fixture f = {.options = fixture_options(SNAS_PRECISION_F64)};
    f.options.label_smoothing = 0.2;
    struct snas_network_options o = fixture_network_options(1);
    fixture_net_space(&f.space);
    fixture_make(&f, &o, NULL);
    struct snas_loss loss = forward_with(&f, fixture_forward(&f));
    const double *l = snas_net_logits(f.net);
    double expected = 0;
    int correct = 0;
    for (int i = 0; i < BATCH; i++, l += CLASSES) {
        double sum = 0;
        int best = 0;
        for (int k = 0; k < CLASSES; k++) {
            sum += exp(l[k]);
            best = l[k] > l[best] ? k : best;
        }
        for (int k = 0; k < CLASSES; k++)
            expected -= (0.05 + 0.8 * (k == f.labels[i])) * (l[k] - log(sum)) / BATCH;
        correct += best == f.labels[i];
    }
    assert_true(fabs(loss.loss - expected) < 1e-12);
    assert_int_equal(loss.correct, correct);
    fixture_clear(&f);
}

static void forward__says_numeric_when_an_image_has_nan(void **state)
{
    (void)state;
    for (int precision = 0; precision < 2; precision++) {
        struct fixture f;
        struct snas_err err = {0};
        struct snas_loss loss;
        make(&f, precision ? SNAS_PRECISION_F64 : SNAS_PRECISION_F32, 2);
        fixture_set(&f, f.images, 17, NAN);
        struct snas_forward forward = fixture_forward(&f);
        assert_int_equal(snas_net_forward(f.net, &forward, &loss, &err), SNAS_E_NUMERIC);
        assert_contains(err.text, "not finite");
        struct snas_backward b = {0};
        assert_int_equal(snas_net_backward(f.net, &b, &err), SNAS_E_STATE);
        fixture_clear(&f);
    }
}

static void forward__refuses_when_arguments_are_out_of_range(void **state)
{
    (void)state;
    struct fixture f;
    struct snas_err err = {0};
    struct snas_loss loss;
    make(&f, SNAS_PRECISION_F32, 1);
    struct snas_forward forward = fixture_forward(&f);
    forward.batch.n = BATCH + 1;
    assert_int_equal(snas_net_forward(f.net, &forward, &loss, &err), SNAS_E_ARG);
    forward = fixture_forward(&f);
    f.labels[2] = CLASSES;
    assert_int_equal(snas_net_forward(f.net, &forward, &loss, &err), SNAS_E_ARG);
    assert_contains(err.text, "label 4 of image 2");
    f.labels[2] = 0;
    forward.batch.images = NULL;
    assert_int_equal(snas_net_forward(f.net, &forward, &loss, &err), SNAS_E_ARG);
    forward = fixture_forward(&f);
    f.z[1] = NAN;
    assert_int_equal(snas_net_forward(f.net, &forward, &loss, &err), SNAS_E_NUMERIC);
    fixture_clear(&f);
}

static void backward__refuses_when_no_loss_or_no_batch_statistics_were_there(void **state)
{
    (void)state;
    struct fixture f;
    struct snas_err err = {0};
    struct snas_backward b = {0};
    make(&f, SNAS_PRECISION_F32, 1);
    assert_int_equal(snas_net_backward(f.net, &b, &err), SNAS_E_STATE);
    struct snas_forward forward = fixture_forward(&f);
    forward.bn = SNAS_BN_RUNNING;
    forward_with(&f, forward);
    assert_int_equal(snas_net_backward(f.net, &b, &err), SNAS_E_STATE);
    forward = fixture_forward(&f);
    forward.batch.labels = NULL;
    assert_true(forward_with(&f, forward).loss == 0);
    assert_int_equal(snas_net_backward(f.net, &b, &err), SNAS_E_STATE);
    fixture_clear(&f);
}

struct seen {
    struct fixture *f;
    const float *expected;
    int cells[8], n;
};

/* The gradients of the cell are final when the hook is told so. */
static void after_cell(int cell, void *arg)
{
    struct seen *s = arg;
    s->cells[s->n++] = cell;
    if (!s->expected)
        return;
    const struct snas_network *network = s->f->network;
    int b = network->cells[cell].pre[0];
    int p = network->layers[network->blocks[b].first_layer + 1].weight;
    size_t at = snas_net_param_offset(s->f->net, p);
    assert_memory_equal((float *)snas_net_grad(s->f->net) + at, s->expected + at,
                        network->params[p].count * sizeof(float));
}

static void hook__is_called_behind_each_cell_when_going_back(void **state)
{
    (void)state;
    struct fixture f;
    struct snas_err err = {0};
    make(&f, SNAS_PRECISION_F32, 3);
    struct seen seen = {.f = &f};
    struct snas_backward b = {.after_cell = after_cell, .arg = &seen};
    fixture_loss(&f);
    assert_ok(snas_net_backward(f.net, &b, &err), &err);
    assert_int_equal(seen.n, 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(seen.cells[i], 2 - i);
    float *grad = copy_of(snas_net_grad(f.net), snas_net_theta_size(f.net) * sizeof *grad);
    seen = (struct seen){.f = &f, .expected = grad};
    memset(snas_net_grad(f.net), 0, snas_net_theta_size(f.net) * sizeof *grad);
    assert_int_equal(snas_net_backward(f.net, &b, &err), SNAS_E_STATE);
    fixture_loss(&f);
    assert_ok(snas_net_backward(f.net, &b, &err), &err);
    assert_memory_equal(snas_net_grad(f.net), grad, snas_net_theta_size(f.net) * sizeof *grad);
    free(grad);
    fixture_clear(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(step__is_bit_equal_when_threads_differ),
        cmocka_unit_test(running_statistics__follow_with_unbiased_variance_when_updated),
        cmocka_unit_test(running_statistics__stay_when_the_mode_is_batch),
        cmocka_unit_test(running_mode__matches_batch_mode_when_statistics_are_the_batch),
        cmocka_unit_test(estimate__is_the_weighted_mean_of_batches_when_sizes_differ),
        cmocka_unit_test(off_blocks__are_untouched_when_z_is_zero),
        cmocka_unit_test(gradients__are_of_this_step_alone_when_others_went_before),
        cmocka_unit_test(child__gives_the_supernets_logits_when_z_is_one_hot),
        cmocka_unit_test(dead_end__is_not_computed_when_nobody_reads_it),
        cmocka_unit_test(dead_node__is_zero_when_all_its_z_are),
        cmocka_unit_test(drop_path__drops_whole_images_and_keeps_the_mean_when_on),
        cmocka_unit_test(drop_path__spares_identities_and_evaluation_when_on),
        cmocka_unit_test(loss__is_the_smoothed_cross_entropy_when_worked_out_from_logits),
        cmocka_unit_test(forward__says_numeric_when_an_image_has_nan),
        cmocka_unit_test(forward__refuses_when_arguments_are_out_of_range),
        cmocka_unit_test(backward__refuses_when_no_loss_or_no_batch_statistics_were_there),
        cmocka_unit_test(hook__is_called_behind_each_cell_when_going_back),
    };
    return snas_test_run(tests);
}

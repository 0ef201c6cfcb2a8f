/* The vectorised units against the reference in double, beside the reference in float: whole
 * networks may not be farther from the truth than twice the float reference (ReLU and maximum turn
 * over in float), and networks small enough that nothing turns over must agree at 1e-4. */
#include "fixture.h"

#include <unistd.h>

#include "kernels/kernels.h"

enum z_mode { Z_ALL, Z_SPARSE, Z_HARD };

struct shape {
    int layers, channels, input, h, w, affine;
};

struct setup {
    struct shape shape;
    enum z_mode z;
    enum snas_bn_mode bn;
    double drop_path;
    const struct snas_genotype *genotype;
    int threads;
    enum snas_memory memory;
};

/* What a step leaves, in double. */
enum { LOSS, LOGITS, GRAD, DZ, DIMAGES, STATS, PARTS };
static const char *const part_names[] = {"loss", "logits",   "theta gradient",
                                         "dz",   "d images", "running statistics"};
struct result {
    double *v[PARTS];
    size_t n[PARTS];
    double reference_share;
};

static void keep(const struct fixture *f, struct result *r, int part, const void *p, size_t n)
{
    r->n[part] = n;
    r->v[part] = calloc(n + 1, sizeof(double));
    assert_non_null(r->v[part]);
    for (size_t i = 0; i < n; i++)
        r->v[part][i] = part == LOSS || part == DZ ? ((const double *)p)[i] : fixture_get(f, p, i);
}

static void result_clear(struct result *r)
{
    for (int i = 0; i < PARTS; i++)
        free(r->v[i]);
}

static void set_z(struct fixture *f, enum z_mode mode)
{
    for (int e = 0; e < f->network->n_edges; e++) {
        const struct snas_edge *edge = &f->network->edges[e];
        for (int k = 0; k < edge->n_ops; k++) {
            double *z = &f->z[edge->z + k];
            if (mode == Z_SPARSE && (e + k) % 3 != 0)
                *z = 0;
            if (mode == Z_HARD)
                *z = k == (3 * e + 1) % edge->n_ops;
        }
    }
}

/* Values that float and double share exactly. */
static void round_all(struct fixture *f)
{
    if (f->options.precision == SNAS_PRECISION_F32)
        return;
    double *theta = snas_net_theta(f->net), *images = f->images;
    for (size_t i = 0; i < snas_net_theta_size(f->net); i++)
        theta[i] = (double)(float)theta[i];
    for (size_t i = 0; i < (size_t)BATCH * (size_t)f->image_values; i++)
        images[i] = (double)(float)images[i];
}

/* The forward of the setup's mode; running statistics are made by some forwards before. */
static struct snas_loss run_modes(struct fixture *f, const struct setup *s)
{
    struct snas_err err = {0};
    struct snas_loss loss;
    struct snas_forward forward = fixture_forward(f);
    forward.bn = s->bn;
    if (s->bn == SNAS_BN_ESTIMATE || s->bn == SNAS_BN_RUNNING) {
        forward.bn = s->bn == SNAS_BN_ESTIMATE ? SNAS_BN_ESTIMATE : SNAS_BN_BATCH_UPDATE;
        snas_net_estimate_begin(f->net);
        for (int i = 0; i < 3; i++, forward.batch.n--)
            assert_ok(snas_net_forward(f->net, &forward, &loss, &err), &err);
        if (s->bn == SNAS_BN_ESTIMATE)
            snas_net_estimate_end(f->net);
        forward.batch.n = BATCH;
        forward.bn = SNAS_BN_RUNNING;
    }
    assert_ok(snas_net_forward(f->net, &forward, &loss, &err), &err);
    return loss;
}

static void run_backward(struct fixture *f, struct result *r)
{
    struct snas_err err = {0};
    size_t n_images = (size_t)BATCH * (size_t)f->image_values, n_z = (size_t)f->network->n_z;
    double *dz = calloc(n_z + 1, sizeof *dz);
    void *dimages = calloc(n_images, sizeof(double));
    assert_true(dz && dimages);
    struct snas_backward b = {.dz = dz, .dimages = dimages};
    assert_ok(snas_net_backward(f->net, &b, &err), &err);
    keep(f, r, GRAD, snas_net_grad(f->net), snas_net_theta_size(f->net));
    keep(f, r, DZ, dz, n_z);
    keep(f, r, DIMAGES, dimages, n_images);
    free(dz);
    free(dimages);
}

static struct result run(const struct snas_space *space, const struct setup *s,
                         enum snas_precision precision, const char *isa)
{
    struct fixture f = {.space = *space, .options = fixture_options(precision)};
    struct snas_network_options o = fixture_network_options(s->shape.layers);
    struct result r = {0};
    struct snas_err err = {0};
    f.options.training = s->bn == SNAS_BN_BATCH || s->bn == SNAS_BN_BATCH_UPDATE;
    o.channels = s->shape.channels;
    o.input = (struct snas_shape){s->shape.input, s->shape.h, s->shape.w};
    o.affine = s->shape.affine;
    o.pool_bn = s->genotype == NULL;
    f.options.drop_path = s->drop_path;
    f.options.memory = s->memory;
    f.options.threads = s->threads ? s->threads : 1;
    f.options.engine = isa ? SNAS_ENGINE_AUTO : SNAS_ENGINE_REF;
    setenv("SNAS_ISA", isa ? isa : "ref", 1);
    fixture_make(&f, &o, s->genotype);
    round_all(&f);
    set_z(&f, s->z);
    struct snas_loss loss = run_modes(&f, s);
    if (s->bn == SNAS_BN_BATCH || s->bn == SNAS_BN_BATCH_UPDATE)
        run_backward(&f, &r);
    keep(&f, &r, LOSS, &loss.loss, 1);
    keep(&f, &r, LOGITS, snas_net_logits(f.net), (size_t)BATCH * (size_t)CLASSES);
    keep(&f, &r, STATS, snas_net_stats(f.net), snas_net_stats_size(f.net));
    struct snas_plan_report report;
    assert_ok(snas_net_plan(f.network, &f.options, &report, &err), &err);
    r.reference_share = report.reference_share;
    snas_plan_report_clear(&report);
    unsetenv("SNAS_ISA");
    fixture_clear(&f);
    return r;
}

static double distance(const struct result *a, const struct result *truth, int part)
{
    double d = 0, n = 0;
    assert_int_equal(a->n[part], truth->n[part]);
    for (size_t i = 0; i < a->n[part]; i++) {
        double e = a->v[part][i] - truth->v[part][i];
        d += e * e;
        n += truth->v[part][i] * truth->v[part][i];
    }
    return n > 0 ? sqrt(d / n) : sqrt(d);
}

static const char *const isas[] = {"generic", "avx2", "avx512"};

/* `strict`: the bound that holds whatever the float reference says; 0: none. */
static void check(const struct snas_space *space, const struct setup *s, double strict)
{
    struct result truth = run(space, s, SNAS_PRECISION_F64, NULL);
    struct result ref = run(space, s, SNAS_PRECISION_F32, NULL);
    for (size_t i = 0; i < sizeof isas / sizeof isas[0]; i++) {
        if (!snas_kernels_find(isas[i]))
            continue;
        struct result fast = run(space, s, SNAS_PRECISION_F32, isas[i]);
        assert_true(fast.reference_share == 0);
        for (int part = 0; part < PARTS; part++) {
            double d = distance(&fast, &truth, part), r = distance(&ref, &truth, part);
            double allowed = strict > 0 ? strict : 2 * r + 1e-6;
            if (getenv("SNAS_TEST_SHOW"))
                print_message("%d layers C=%d %dx%d %s %s: %.3g (reference %.3g)\n",
                              s->shape.layers, s->shape.channels, s->shape.h, s->shape.w, isas[i],
                              part_names[part], d, r);
            if (!(d <= allowed))
                fail_msg("%d layers, C=%d, %dx%d, %s: %s is %.3g from the truth, the float "
                         "reference %.3g",
                         s->shape.layers, s->shape.channels, s->shape.h, s->shape.w, isas[i],
                         part_names[part], d, r);
        }
        result_clear(&fast);
    }
    result_clear(&truth);
    result_clear(&ref);
}

static struct snas_space test_space(void)
{
    struct snas_space space;
    fixture_net_space(&space);
    return space;
}

static void cell__agrees_at_1e_4_when_channels_and_sides_vary(void **state)
{
    (void)state;
    static const struct shape shapes[] = {{1, 8, 1, 6, 6, 0},  {1, 5, 3, 5, 7, 1},
                                          {1, 16, 3, 4, 4, 0}, {1, 24, 2, 3, 3, 0},
                                          {1, 8, 3, 7, 9, 1},  {1, 1, 1, 2, 5, 0}};
    struct snas_space space = test_space();
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        for (int reduce = 0; reduce < 2; reduce++) {
            struct setup s = {.shape = shapes[i], .bn = SNAS_BN_BATCH_UPDATE};
            space.reduce_num[0] = reduce ? 0 : 1;
            check(&space, &s, 1e-4);
        }
}

static void supernet__is_as_exact_as_the_reference_when_z_varies(void **state)
{
    (void)state;
    static const struct shape shapes[] = {
        {3, 8, 1, 12, 12, 0}, {3, 6, 3, 9, 7, 1}, {2, 16, 3, 8, 8, 0}, {3, 24, 1, 5, 5, 0}};
    struct snas_space space = test_space();
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        for (int z = Z_ALL; z <= Z_HARD; z++) {
            struct setup s = {.shape = shapes[i], .z = (enum z_mode)z, .bn = SNAS_BN_BATCH_UPDATE};
            check(&space, &s, 0);
        }
}

static void
supernet__is_as_exact_as_the_reference_when_statistics_run_or_are_estimated(void **state)
{
    (void)state;
    struct snas_space space = test_space();
    static const enum snas_bn_mode modes[] = {SNAS_BN_BATCH, SNAS_BN_RUNNING, SNAS_BN_ESTIMATE};
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
        for (int z = Z_ALL; z <= Z_SPARSE; z++) {
            struct setup s = {
                .shape = {3, 8, 1, 9, 10, 1}, .z = (enum z_mode)z, .bn = modes[i], .threads = 2};
            check(&space, &s, 0);
        }
}

static void supernet__is_as_exact_as_the_reference_when_paths_drop(void **state)
{
    (void)state;
    struct snas_space space = test_space();
    for (int channels = 6; channels <= 8; channels += 2) {
        struct setup s = {
            .shape = {2, channels, 3, 8, 8, 1}, .bn = SNAS_BN_BATCH, .drop_path = 0.4};
        check(&space, &s, 0);
    }
}

/* Other ops, other stems: dense convolutions, chains without BN between, a stride in the stem. */
static void supernet__is_as_exact_as_the_reference_when_the_space_is_another(void **state)
{
    (void)state;
    static const char *const ops[] = {"none",         "skip_connect", "nor_conv_3x3",
                                      "conv_7x1_1x7", "conv_1x1",     "sep_conv_7x7"};
    struct snas_space space;
    fixture_space(&space, 3, 6, ops);
    space.stems[0] = fixture_steps(2, "conv3x3s2 bn relu conv3x3 bn");
    for (int channels = 5; channels <= 8; channels += 3) {
        struct setup s = {.shape = {3, channels, 3, 11, 9, 1}, .bn = SNAS_BN_BATCH};
        check(&space, &s, 0);
    }
}

/* A child: affine, no BN behind pools, one op twice from one slot, a dead node. */
static void child__is_as_exact_as_the_reference_when_affine(void **state)
{
    (void)state;
    struct snas_space space = test_space();
    struct snas_genotype g = {0};
    for (int k = 0; k < 2; k++) {
        struct snas_genotype_cell *c = &g.cells[k];
        c->n_nodes = 3;
        c->n_choices[0] = 3;
        c->choices[0][0] = (struct snas_choice){4, 0};
        c->choices[0][1] = (struct snas_choice){4, 0};
        c->choices[0][2] = (struct snas_choice){1, 1};
        c->n_choices[1] = 2;
        c->choices[1][0] = (struct snas_choice){7, 1};
        c->choices[1][1] = (struct snas_choice){3, 2};
        c->n_concat = 3;
        for (int i = 0; i < 3; i++)
            c->concat[i] = i;
    }
    for (int channels = 8; channels <= 12; channels += 4) {
        struct setup s = {
            .shape = {4, channels, 3, 9, 12, 1}, .bn = SNAS_BN_BATCH_UPDATE, .genotype = &g};
        check(&space, &s, 0);
    }
}

static void supernet__gives_the_same_bits_when_threads_vary(void **state)
{
    (void)state;
    struct snas_space space = test_space();
    struct setup s = {.shape = {3, 8, 1, 10, 10, 0}, .bn = SNAS_BN_BATCH_UPDATE};
    const char *isa = snas_kernels_get()->isa;
    struct result one = run(&space, &s, SNAS_PRECISION_F32, isa);
    for (s.threads = 2; s.threads <= 9; s.threads += 7) {
        struct result many = run(&space, &s, SNAS_PRECISION_F32, isa);
        for (int part = 0; part < PARTS; part++)
            assert_memory_equal(one.v[part], many.v[part], one.n[part] * sizeof(double));
        result_clear(&many);
    }
    result_clear(&one);
}

/* Every engine, with drop path, sparse z, running statistics that follow: a unit's second forward
 * may leave no trace. */
static void supernet__gives_the_same_bits_when_memory_is_lean(void **state)
{
    (void)state;
    struct snas_space space = test_space();
    static const struct {
        enum snas_precision precision;
        int fast;
    } engines[] = {{SNAS_PRECISION_F64, 0}, {SNAS_PRECISION_F32, 0}, {SNAS_PRECISION_F32, 1}};
    for (size_t i = 0; i < 2 * sizeof engines / sizeof engines[0]; i++) {
        struct setup s = {.shape = {3, i % 2 ? 6 : 8, 3, 10, 9, 1},
                          .z = i % 2 ? Z_SPARSE : Z_ALL,
                          .bn = SNAS_BN_BATCH_UPDATE,
                          .drop_path = i % 2 ? 0.4 : 0,
                          .threads = 2,
                          .memory = SNAS_MEMORY_NORMAL};
        const char *isa = engines[i / 2].fast ? snas_kernels_get()->isa : NULL;
        struct result normal = run(&space, &s, engines[i / 2].precision, isa);
        s.memory = SNAS_MEMORY_LEAN;
        struct result lean = run(&space, &s, engines[i / 2].precision, isa);
        for (int part = 0; part < PARTS; part++)
            if (memcmp(normal.v[part], lean.v[part], normal.n[part] * sizeof(double)))
                fail_msg("engine %zu: %s differs", i / 2, part_names[part]);
        result_clear(&normal);
        result_clear(&lean);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cell__agrees_at_1e_4_when_channels_and_sides_vary),
        cmocka_unit_test(supernet__is_as_exact_as_the_reference_when_z_varies),
        cmocka_unit_test(
            supernet__is_as_exact_as_the_reference_when_statistics_run_or_are_estimated),
        cmocka_unit_test(supernet__is_as_exact_as_the_reference_when_paths_drop),
        cmocka_unit_test(supernet__is_as_exact_as_the_reference_when_the_space_is_another),
        cmocka_unit_test(child__is_as_exact_as_the_reference_when_affine),
        cmocka_unit_test(supernet__gives_the_same_bits_when_threads_vary),
        cmocka_unit_test(supernet__gives_the_same_bits_when_memory_is_lean),
    };
    return snas_test_run(tests);
}

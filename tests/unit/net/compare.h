#ifndef SNAS_TESTS_NET_COMPARE_H
#define SNAS_TESTS_NET_COMPARE_H

/* One step of a small network by the reference in double, by the reference in float and by the
 * vectorised units of every instruction set, from the same numbers; and how far they are apart. */
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
    int threads, batch; /* 0: 1; BATCH */
    int images;         /* of the step; 0: the batch */
    double rounding;    /* of a whole network's float arithmetic, at least; 0: 1e-6 */
    enum snas_memory memory;
    unsigned seed;
};

/* What a step leaves, in double. */
enum { LOSS, LOGITS, VALUES, GRAD, DZ, DIMAGES, STATS, PARTS };
static const char *const part_names[] = {
    "loss", "logits", "values", "theta gradient", "dz", "d images", "running statistics"};
struct result {
    double *v[PARTS];
    size_t n[PARTS];
    size_t *param_at; /* where parameters begin in GRAD, their counts behind */
    int n_params;
    int reference_units; /* that run by the reference */
};

static inline void keep(const struct fixture *f, struct result *r, int part, const void *p,
                        size_t n)
{
    r->v[part] = realloc(r->v[part], (r->n[part] + n + 1) * sizeof(double));
    assert_non_null(r->v[part]);
    for (size_t i = 0; i < n; i++)
        r->v[part][r->n[part] + i] =
            part == LOSS || part == DZ ? ((const double *)p)[i] : fixture_get(f, p, i);
    r->n[part] += n;
}

static inline void result_clear(struct result *r)
{
    for (int i = 0; i < PARTS; i++)
        free(r->v[i]);
    free(r->param_at);
}

static inline void set_z(struct fixture *f, enum z_mode mode)
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
static inline void round_all(struct fixture *f)
{
    if (f->options.precision == SNAS_PRECISION_F32)
        return;
    double *theta = snas_net_theta(f->net), *images = f->images;
    for (size_t i = 0; i < snas_net_theta_size(f->net); i++)
        theta[i] = (double)(float)theta[i];
    for (size_t i = 0; i < (size_t)f->options.batch * (size_t)f->image_values; i++)
        images[i] = (double)(float)images[i];
}

static inline int trains(const struct setup *s)
{
    return s->bn == SNAS_BN_BATCH || s->bn == SNAS_BN_BATCH_UPDATE;
}

/* The forward of the setup's mode; running statistics are made by some forwards before. */
static inline struct snas_loss run_modes(struct fixture *f, const struct setup *s)
{
    struct snas_err err = {0};
    struct snas_loss loss;
    struct snas_forward forward = fixture_forward(f);
    if (s->images)
        forward.batch.n = s->images;
    forward.bn = s->bn;
    if (!trains(s)) {
        int n = forward.batch.n;
        forward.bn = s->bn == SNAS_BN_ESTIMATE ? SNAS_BN_ESTIMATE : SNAS_BN_BATCH_UPDATE;
        snas_net_estimate_begin(f->net);
        for (int i = 0; i < 3; i++, forward.batch.n--)
            assert_ok(snas_net_forward(f->net, &forward, &loss, &err), &err);
        if (s->bn == SNAS_BN_ESTIMATE)
            snas_net_estimate_end(f->net);
        forward.batch.n = n;
        forward.bn = SNAS_BN_RUNNING;
    }
    assert_ok(snas_net_forward(f->net, &forward, &loss, &err), &err);
    return loss;
}

static inline void run_backward(struct fixture *f, struct result *r)
{
    struct snas_err err = {0};
    size_t n_images = (size_t)f->options.batch * (size_t)f->image_values,
           n_z = (size_t)f->network->n_z;
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

/* Of every trained parameter its place; of every node its value. */
static inline void keep_places(struct fixture *f, struct result *r, int images)
{
    const struct snas_network *network = f->network;
    r->param_at = calloc(2 * (size_t)network->n_params, sizeof *r->param_at);
    assert_non_null(r->param_at);
    for (int i = 0; i < network->n_params; i++)
        if (network->params[i].kind < SNAS_PARAM_MEAN) {
            r->param_at[2 * r->n_params] = snas_net_param_offset(f->net, i);
            r->param_at[2 * r->n_params++ + 1] = network->params[i].count;
        }
    for (int i = 0; i < network->n_cells; i++)
        for (int k = 0; k < network->cells[i].n_nodes; k++) {
            const int t = network->cells[i].slot[network->cells[i].inputs + k];
            const struct snas_shape *shape = &network->tensors[t].shape;
            const void *v = snas_net_tensor(f->net, t);
            if (v)
                keep(f, r, VALUES, v, (size_t)images * (size_t)(shape->c * shape->h * shape->w));
        }
}

static inline struct result run(const struct snas_space *space, const struct setup *s,
                                enum snas_precision precision, const char *isa)
{
    struct fixture f = {.space = *space, .options = fixture_options(precision), .seed = s->seed};
    struct snas_network_options o = fixture_network_options(s->shape.layers);
    struct result r = {0};
    struct snas_err err = {0};
    f.options.training = trains(s);
    if (s->batch)
        f.options.batch = s->batch;
    const int images = s->images ? s->images : f.options.batch;
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
    keep_places(&f, &r, images);
    keep(&f, &r, LOGITS, snas_net_logits(f.net), (size_t)images * (size_t)CLASSES);
    if (trains(s))
        run_backward(&f, &r);
    keep(&f, &r, LOSS, &loss.loss, 1);
    keep(&f, &r, STATS, snas_net_stats(f.net), snas_net_stats_size(f.net));
    struct snas_plan_report report;
    assert_ok(snas_net_plan(f.network, &f.options, &report, &err), &err);
    for (int i = 0; i < report.n_rows; i++)
        r.reference_units += report.rows[i].reference;
    snas_plan_report_clear(&report);
    unsetenv("SNAS_ISA");
    fixture_clear(&f);
    return r;
}

/* Squares of the difference and of b over n values. */
static inline double squares(size_t n, const double *a, const double *b, double *of_b)
{
    double d = 0;
    *of_b = 0;
    for (size_t i = 0; i < n; i++) {
        d += (a[i] - b[i]) * (a[i] - b[i]);
        *of_b += b[i] * b[i];
    }
    return d;
}

/* Relative to the truth's norm; a truth that cancels to nothing (batch norm of one value) has only
 * rounding to compare. */
static inline double distance(const struct result *a, const struct result *truth, int part)
{
    double n;
    assert_int_equal(a->n[part], truth->n[part]);
    double d = squares(a->n[part], a->v[part], truth->v[part], &n);
    return n > 1e-16 ? sqrt(d / n) : sqrt(d);
}

/* Of what is a part of the gradient: relative to its own norm or a tenth of the whole theta
 * gradient's, because terms cancel (a weight before a batch norm, a z whose op hardly matters) and
 * leave their rounding: at 1e-5 that is a millionth of the gradient. */
static inline double part_of_gradient(size_t n, const double *a, const double *truth, double all)
{
    double own, d = squares(n, a, truth, &own);
    return sqrt(d / fmax(own, 1e-2 * all));
}

/* A part's distance where each value counts: the worst of the parameters', of d z's, ... */
static inline double strict_distance(const struct result *a, const struct result *truth, int part)
{
    double worst = 0, all;
    if (truth->n[part] == 0 || (part != GRAD && part != DZ && part != DIMAGES))
        return distance(a, truth, part);
    squares(truth->n[GRAD], truth->v[GRAD], truth->v[GRAD], &all);
    if (part != GRAD)
        return part_of_gradient(truth->n[part], a->v[part], truth->v[part], all);
    for (int i = 0; i < truth->n_params; i++) {
        const size_t at = truth->param_at[2 * i];
        worst = fmax(worst, part_of_gradient(truth->param_at[2 * i + 1], a->v[GRAD] + at,
                                             truth->v[GRAD] + at, all));
    }
    return worst;
}

static const char *const isas[] = {"generic", "avx2", "avx512"};

/* What is the matter with a part, in `why`; returns whether all is well. */
static inline int part_agrees(const struct setup *s, const char *isa, int part, double strict,
                              const struct result *fast, const struct result *ref,
                              const struct result *truth, char *why, size_t size)
{
    double d = distance(fast, truth, part), r = distance(ref, truth, part);
    double allowed = strict > 0 ? strict : 2 * r + (s->rounding > 0 ? s->rounding : 1e-6);
    if (strict > 0)
        d = strict_distance(fast, truth, part);
    if (getenv("SNAS_TEST_SHOW"))
        print_message("%d layers C=%d %dx%d %s %s: %.3g (reference %.3g)\n", s->shape.layers,
                      s->shape.channels, s->shape.h, s->shape.w, isa, part_names[part], d, r);
    if (!(d <= allowed))
        snprintf(why, size,
                 "%d layers, C=%d, %dx%d, batch %d, %s: %s is %.3g from the truth, the float "
                 "reference %.3g",
                 s->shape.layers, s->shape.channels, s->shape.h, s->shape.w, s->batch, isa,
                 part_names[part], d, r);
    return d <= allowed;
}

/* Every part by one instruction set. */
static inline int isa_agrees(const struct snas_space *space, const struct setup *s, double strict,
                             const char *isa, char *why, size_t size)
{
    struct result truth = run(space, s, SNAS_PRECISION_F64, NULL);
    struct result ref = run(space, s, SNAS_PRECISION_F32, NULL);
    struct result fast = run(space, s, SNAS_PRECISION_F32, isa);
    int good = 1;
    assert_int_equal(fast.reference_units, 0);
    for (int part = 0; part < PARTS && good; part++)
        good = part_agrees(s, isa, part, strict, &fast, &ref, &truth, why, size);
    result_clear(&fast);
    result_clear(&truth);
    result_clear(&ref);
    return good;
}

/* `strict`: the bound that holds whatever the float reference says; 0: none. With it, a ReLU or a
 * maximum that float and double turn different ways spoils a comparison: other numbers are tried,
 * where a fault shows again. */
static inline void check(const struct snas_space *space, const struct setup *s, double strict)
{
    for (size_t i = 0; i < sizeof isas / sizeof isas[0]; i++) {
        if (!snas_kernels_find(isas[i]))
            continue;
        struct setup tried = *s;
        char why[256];
        while (!isa_agrees(space, &tried, strict, isas[i], why, sizeof why))
            if (strict == 0 || tried.seed++ == 2)
                fail_msg("%s", why);
    }
}

#endif

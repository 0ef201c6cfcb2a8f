#include "methods/dsnas.h"

#include "base/mem.h"
#include "methods/concrete.h"

struct snas_dsnas {
    struct snas_method base;
    struct snas_dsnas_options options;
    struct snas_alpha alpha;
    double *z, *dz, *gumbel; /* [n_z] of the current step */
};

static struct snas_draw how(const struct snas_dsnas *s, uint64_t seed, enum snas_stream stream,
                            uint64_t step)
{
    return (struct snas_draw){seed, stream, step, s->options.sample_per_cell, 0};
}

static void draw(const struct snas_method *m, uint64_t seed, enum snas_stream stream, uint64_t step,
                 int hard, double *z)
{
    const struct snas_draw d = how((const struct snas_dsnas *)m, seed, stream, step);
    (void)hard;
    snas_method_draw(m, &d, z, NULL);
}

/* d z is 0 at the ops that were not sampled, so its sum is the credit of the one that was. */
static void alpha_gradient(struct snas_dsnas *s)
{
    struct snas_method *m = &s->base;
    snas_alpha_clear_gradient(&s->alpha, m);
    for (int e = 0; e < m->network->n_edges; e++) {
        const struct snas_alpha_row *row = &m->rows[m->edge_row[e]];
        const double *z = s->z + m->network->edges[e].z, *dz = s->dz + m->network->edges[e].z;
        double p[SNAS_MAX_OPS], credit = 0;
        snas_softmax(m->alpha + row->first, row->n_ops, p);
        for (int k = 0; k < row->n_ops; k++)
            credit += z[k] * dz[k];
        for (int k = 0; k < row->n_ops; k++)
            s->alpha.gradient[row->first + k] += credit * (z[k] - p[k]);
    }
    snas_method_add_credit(m, s->z, s->dz);
}

static enum snas_status step(struct snas_method *m, const struct snas_method_context *ctx,
                             struct snas_step_result *out, struct snas_err *err)
{
    struct snas_dsnas *s = (struct snas_dsnas *)m;
    const struct snas_draw d = how(s, ctx->seed, SNAS_STREAM_GUMBEL, (uint64_t)ctx->step);
    const struct snas_alpha_sample sample = {s->z, s->gumbel, 0};
    snas_method_draw(m, &d, s->z, s->gumbel);
    enum snas_status status = snas_method_train(ctx, s->z, s->dz, out, err);
    if (status != SNAS_OK)
        return status;
    out->live_ops = snas_method_live_share(m, s->z);
    alpha_gradient(s);
    out->penalty = snas_alpha_penalise(&s->alpha, m, ctx, &sample, out->loss);
    status = ctx->theta_step(ctx->owner, err);
    return status == SNAS_OK ? snas_alpha_step(&s->alpha, m, ctx, err) : status;
}

static int state(struct snas_method *m, struct snas_st_tensor *out, int max)
{
    return snas_alpha_state(&((struct snas_dsnas *)m)->alpha, m, out, max);
}

static void destroy(struct snas_method *m)
{
    struct snas_dsnas *s = (struct snas_dsnas *)m;
    snas_free(s->z);
    snas_free(s->dz);
    snas_free(s->gumbel);
    snas_alpha_clear(&s->alpha);
    snas_method_clear(m);
}

static const struct snas_method_ops dsnas_ops = {.name = "dsnas",
                                                 .size = sizeof(struct snas_dsnas),
                                                 .rule = SNAS_DERIVE_ARGMAX,
                                                 .step = step,
                                                 .sample = draw,
                                                 .state = state,
                                                 .destroy = destroy};

enum snas_status snas_method_dsnas(const struct snas_network *network,
                                   const struct snas_cost_table *costs,
                                   const struct snas_dsnas_options *options, uint64_t seed,
                                   struct snas_method **out, struct snas_err *err)
{
    struct snas_dsnas *s = (struct snas_dsnas *)snas_method_make(&dsnas_ops, network, err);
    *out = NULL;
    if (!s)
        return SNAS_E_NOMEM;
    s->options = *options;
    int *estimator = &s->options.alpha.penalty.estimator;
    if (*estimator == SNAS_PENALTY_REPARAMETRIZED)
        *estimator = SNAS_PENALTY_ANALYTIC;
    if (*estimator == SNAS_PENALTY_SCORE)
        *estimator = SNAS_PENALTY_POLICY;
    double **const of_z[] = {&s->z, &s->dz, &s->gumbel};
    enum snas_status status =
        snas_method_vectors(of_z, sizeof(of_z) / sizeof(*of_z), network->n_z, err);
    if (status == SNAS_OK)
        status = snas_alpha_init(&s->alpha, &s->base, costs, &s->options.alpha, seed, err);
    return snas_method_hand(&s->base, status, out);
}

#include "methods/random.h"

#include "base/mem.h"

struct snas_random {
    struct snas_method base;
    struct snas_random_options options;
    struct snas_budget budget;
    double *z, *dz; /* [n_z] of the current step */
};

static void draw(const struct snas_method *m, uint64_t seed, enum snas_stream stream, uint64_t step,
                 int hard, double *z)
{
    const struct snas_random *s = (const struct snas_random *)m;
    const struct snas_draw d = {seed, stream, step, s->options.sample_per_cell, 0};
    (void)hard;
    snas_method_draw(m, &d, z, NULL);
}

static enum snas_status step(struct snas_method *m, const struct snas_method_context *ctx,
                             struct snas_step_result *out, struct snas_err *err)
{
    struct snas_random *s = (struct snas_random *)m;
    draw(m, ctx->seed, SNAS_STREAM_GUMBEL, (uint64_t)ctx->step, 1, s->z);
    enum snas_status status = snas_method_train(ctx, s->z, s->dz, out, err);
    if (status != SNAS_OK)
        return status;
    out->live_ops = snas_method_live_share(m, s->z);
    snas_method_add_credit(m, s->z, s->dz);
    return ctx->theta_step(ctx->owner, err);
}

static int state(struct snas_method *m, struct snas_st_tensor *out, int max)
{
    (void)m;
    (void)out;
    (void)max;
    return 0;
}

static void destroy(struct snas_method *m)
{
    struct snas_random *s = (struct snas_random *)m;
    snas_free(s->z);
    snas_free(s->dz);
    snas_budget_clear(&s->budget);
    snas_method_clear(m);
}

static const struct snas_method_ops random_ops = {.name = "random",
                                                  .size = sizeof(struct snas_random),
                                                  .rule = SNAS_DERIVE_BEST,
                                                  .keeps_alpha = 1,
                                                  .step = step,
                                                  .sample = draw,
                                                  .state = state,
                                                  .destroy = destroy};

enum snas_status snas_method_random(const struct snas_network *network,
                                    const struct snas_cost_table *costs,
                                    const struct snas_random_options *options,
                                    struct snas_method **out, struct snas_err *err)
{
    struct snas_random *s = (struct snas_random *)snas_method_make(&random_ops, network, err);
    *out = NULL;
    if (!s)
        return SNAS_E_NOMEM;
    s->options = *options;
    double **const of_z[] = {&s->z, &s->dz};
    enum snas_status status = snas_method_vectors(of_z, 2, network->n_z, err);
    if (status == SNAS_OK)
        status = snas_budget_init(&s->budget, network, costs, &options->budget, err);
    if (status == SNAS_OK)
        s->base.budget = snas_budget_active(&s->budget) ? &s->budget : NULL;
    return snas_method_hand(&s->base, status, out);
}

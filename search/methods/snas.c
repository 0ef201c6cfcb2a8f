#include "methods/snas.h"

#include <string.h>

#include "base/mem.h"
#include "methods/concrete.h"

struct snas_snas {
    struct snas_method base;
    struct snas_snas_options options;
    struct snas_alpha alpha;
    double *z, *z_live, *dz, *gumbel; /* [n_z] of the current step */
    double temperature;               /* of the last step: what a later sample is drawn at */
};

double snas_snas_temperature(const struct snas_snas_options *options, int epoch, int epochs)
{
    int warmup = options->alpha.warmup;
    int fall = options->temperature_epochs > 0 ? options->temperature_epochs : epochs - warmup;
    if (epoch < warmup)
        return options->temperature_start;
    if (epoch - warmup >= fall)
        return options->temperature_end;
    return (1 - (epoch - warmup + 1.0) / fall) *
               (options->temperature_start - options->temperature_end) +
           options->temperature_end;
}

static void draw_noise(const struct snas_method *m, uint64_t seed, enum snas_stream stream,
                       uint64_t step, int hard, double *z, double *noise)
{
    const struct snas_snas *s = (const struct snas_snas *)m;
    const struct snas_draw d = {seed, stream, step, s->options.sample_per_cell,
                                hard ? 0 : s->temperature};
    snas_method_draw(m, &d, z, noise);
}

static void draw(const struct snas_method *m, uint64_t seed, enum snas_stream stream, uint64_t step,
                 int hard, double *z)
{
    draw_noise(m, seed, stream, step, hard, z, NULL);
}

/* d alpha from d z. */
static void alpha_gradient(struct snas_snas *s)
{
    struct snas_method *m = &s->base;
    snas_alpha_clear_gradient(&s->alpha, m);
    for (int e = 0; e < m->network->n_edges; e++) {
        const struct snas_edge *edge = &m->network->edges[e];
        const struct snas_alpha_row *row = &m->rows[m->edge_row[e]];
        snas_concrete_backward(s->z + edge->z, s->dz + edge->z, row->n_ops, s->temperature,
                               s->alpha.gradient + row->first);
    }
    snas_method_add_credit(m, s->z, s->dz);
}

static enum snas_status step(struct snas_method *m, const struct snas_method_context *ctx,
                             struct snas_step_result *out, struct snas_err *err)
{
    struct snas_snas *s = (struct snas_snas *)m;
    s->temperature = snas_snas_temperature(&s->options, ctx->epoch, ctx->epochs);
    draw_noise(m, ctx->seed, SNAS_STREAM_GUMBEL, (uint64_t)ctx->step, 0, s->z, s->gumbel);
    snas_concrete_live(s->z, m->network->n_z, s->options.live_threshold, s->z_live);
    enum snas_status status = snas_method_train(ctx, s->z_live, s->dz, out, err);
    if (status != SNAS_OK)
        return status;
    const struct snas_alpha_sample sample = {s->z, s->gumbel, s->temperature};
    out->live_ops = snas_method_live_share(m, s->z_live);
    alpha_gradient(s);
    out->penalty = snas_alpha_penalise(&s->alpha, m, ctx, &sample, out->loss);
    status = ctx->theta_step(ctx->owner, err);
    return status == SNAS_OK ? snas_alpha_step(&s->alpha, m, ctx, err) : status;
}

static int state(struct snas_method *m, struct snas_st_tensor *out, int max)
{
    struct snas_snas *s = (struct snas_snas *)m;
    int n = snas_alpha_state(&s->alpha, m, out, max - 1);
    out[n++] = (struct snas_st_tensor){"method.temperature", SNAS_F64, 1, {1}, &s->temperature};
    return n;
}

static double temperature(const struct snas_method *m, int epoch, int epochs)
{
    return snas_snas_temperature(&((const struct snas_snas *)m)->options, epoch, epochs);
}

static void destroy(struct snas_method *m)
{
    struct snas_snas *s = (struct snas_snas *)m;
    snas_free(s->z);
    snas_free(s->z_live);
    snas_free(s->dz);
    snas_free(s->gumbel);
    snas_alpha_clear(&s->alpha);
    snas_method_clear(m);
}

static const struct snas_method_ops snas_ops = {.name = "snas",
                                                .size = sizeof(struct snas_snas),
                                                .rule = SNAS_DERIVE_ARGMAX,
                                                .step = step,
                                                .sample = draw,
                                                .temperature = temperature,
                                                .state = state,
                                                .destroy = destroy};

enum snas_status snas_method_snas(const struct snas_network *network,
                                  const struct snas_cost_table *costs,
                                  const struct snas_snas_options *options, uint64_t seed,
                                  struct snas_method **out, struct snas_err *err)
{
    struct snas_snas *s = (struct snas_snas *)snas_method_make(&snas_ops, network, err);
    *out = NULL;
    if (!s)
        return SNAS_E_NOMEM;
    s->options = *options;
    s->temperature = options->temperature_start;
    double **const of_z[] = {&s->z, &s->z_live, &s->dz, &s->gumbel};
    enum snas_status status =
        snas_method_vectors(of_z, sizeof(of_z) / sizeof(*of_z), network->n_z, err);
    if (status == SNAS_OK)
        status = snas_alpha_init(&s->alpha, &s->base, costs, &options->alpha, seed, err);
    return snas_method_hand(&s->base, status, out);
}

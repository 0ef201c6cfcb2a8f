/* SNAS (Xie et al., ICLR 2019): one concrete sample per batch, one forward and backward, theta and
 * alpha updated together. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "kernels/optimiser.h"
#include "methods/concrete.h"
#include "methods/method.h"

struct snas_snas {
    struct snas_method base;
    struct snas_snas_options options;
    struct snas_penalty penalty;
    struct snas_budget budget;
    double *z, *z_live, *dz, *gumbel; /* [n_z] of the current step */
    double *before;                   /* [n_alpha] alpha before the step */
    double *dalpha, *task;            /* [n_alpha] of the current step: of all, of the task */
    double *moment1, *moment2;        /* [n_alpha] */
    int64_t updates;                  /* of alpha */
    double temperature;               /* of the last step: what a later sample is drawn at */
};

double snas_snas_temperature(const struct snas_snas_options *options, int epoch, int epochs)
{
    int fall = options->temperature_epochs > 0 ? options->temperature_epochs : epochs;
    if (epoch >= fall)
        return options->temperature_end;
    return (1 - (epoch + 1.0) / fall) * (options->temperature_start - options->temperature_end) +
           options->temperature_end;
}

/* Every edge's noise is a function of (seed, stream, step, row or edge) alone: cells of a kind that
 * share a sample draw the same numbers. */
static void draw_noise(const struct snas_method *m, uint64_t seed, enum snas_stream stream,
                       uint64_t step, int hard, double *z, double *noise)
{
    const struct snas_snas *s = (const struct snas_snas *)m;
    const struct snas_network *net = m->network;
    int per_cell = s->options.sample_per_cell;
    uint64_t draws = (uint64_t)(per_cell ? net->n_edges : m->n_rows);
    for (int e = 0; e < net->n_edges; e++) {
        const struct snas_alpha_row *row = &m->rows[m->edge_row[e]];
        const double *alpha = m->alpha + row->first;
        double gumbel[SNAS_MAX_OPS], *ze = z + net->edges[e].z;
        uint64_t index = (uint64_t)(per_cell ? e : m->edge_row[e]);
        struct snas_rng rng = snas_rng_make(seed, stream, step * draws + index);
        int best = 0;
        for (int k = 0; k < row->n_ops; k++) {
            gumbel[k] = snas_rng_gumbel(&rng);
            if (alpha[k] + gumbel[k] > alpha[best] + gumbel[best])
                best = k;
        }
        if (hard) {
            for (int k = 0; k < row->n_ops; k++)
                ze[k] = k == best;
        } else {
            snas_concrete_sample(alpha, gumbel, row->n_ops, s->temperature, ze);
        }
        if (noise)
            memcpy(noise + net->edges[e].z, gumbel, (size_t)row->n_ops * sizeof(*gumbel));
    }
}

static void draw(const struct snas_method *m, uint64_t seed, enum snas_stream stream, uint64_t step,
                 int hard, double *z)
{
    draw_noise(m, seed, stream, step, hard, z, NULL);
}

/* The penalty's part of the credits; `slope` = d penalty / d cost. */
static void penalty_credit(struct snas_snas *s, double slope)
{
    struct snas_method *m = &s->base;
    for (int e = 0; e < m->network->n_edges; e++) {
        const struct snas_alpha_row *row = &m->rows[m->edge_row[e]];
        const double *z = s->z + m->network->edges[e].z;
        double dz[SNAS_MAX_OPS];
        snas_penalty_edge(&s->penalty, e, z, dz);
        for (int k = 0; k < row->n_ops; k++)
            m->credit[row->first + k].penalty += slope * z[k] * dz[k];
    }
}

/* The penalty's part of d alpha; returns what it adds to the loss, and in *task what the task's
 * part is to be multiplied with. */
static double penalty_gradient(struct snas_snas *s, double strength, double loss, double *task)
{
    struct snas_method *m = &s->base;
    double cost = 0, value = 0, slope = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (int e = 0; e < m->network->n_edges; e++) {
            const struct snas_alpha_row *row = &m->rows[m->edge_row[e]];
            const struct snas_penalty_sample sample = {
                m->alpha + row->first, s->gumbel + m->network->edges[e].z, s->temperature};
            if (pass == 0)
                cost += snas_penalty_estimate(&s->penalty, e, &sample, 0, NULL);
            else
                snas_penalty_estimate(&s->penalty, e, &sample, slope, s->dalpha + row->first);
        }
        value = snas_penalty_value(&s->penalty, strength, cost, loss, &slope, task);
    }
    penalty_credit(s, slope);
    return value;
}

/* d alpha from d z, penalty included; returns what the penalty adds to the loss. */
static double alpha_gradient(struct snas_snas *s, double strength, double loss)
{
    struct snas_method *m = &s->base;
    double penalty = 0, task = 1;
    memset(s->dalpha, 0, (size_t)m->n_alpha * sizeof(*s->dalpha));
    for (int e = 0; e < m->network->n_edges; e++) {
        const struct snas_edge *edge = &m->network->edges[e];
        const struct snas_alpha_row *row = &m->rows[m->edge_row[e]];
        snas_concrete_backward(s->z + edge->z, s->dz + edge->z, row->n_ops, s->temperature,
                               s->dalpha + row->first);
    }
    snas_method_add_credit(m, s->z, s->dz);
    if (strength > 0) {
        memcpy(s->task, s->dalpha, (size_t)m->n_alpha * sizeof(*s->task));
        memset(s->dalpha, 0, (size_t)m->n_alpha * sizeof(*s->dalpha));
        penalty = penalty_gradient(s, strength, loss, &task);
        for (int i = 0; i < m->n_alpha; i++)
            s->dalpha[i] += task * s->task[i];
    }
    if (m->budget)
        penalty += snas_budget_gradient(&s->budget, m, s->dalpha);
    return penalty;
}

static enum snas_status alpha_step(struct snas_snas *s, struct snas_err *err)
{
    const struct snas_snas_options *o = &s->options;
    size_t n = (size_t)s->base.n_alpha;
    double norm = sqrt(snas_k_sum_squares_f64(n, s->dalpha));
    if (!isfinite(norm))
        return snas_fail(err, SNAS_E_NUMERIC, "the gradient of alpha is not finite");
    double scale = snas_k_clip_factor(norm, o->clip);
    s->updates++;
    if (o->adam) {
        struct snas_k_adam adam = {o->learning_rate, o->beta1, o->beta2, 1e-8, o->weight_decay};
        snas_k_adam_f64(n, s->base.alpha, s->moment1, s->moment2, s->dalpha, scale, &adam,
                        s->updates);
    } else {
        snas_k_sgd_f64(n, s->base.alpha, s->dalpha, scale, o->learning_rate, o->weight_decay);
    }
    return SNAS_OK;
}

/* Share of the ops that have something to compute (`none` has not). */
static double live_share(const struct snas_network *net, const double *z_live)
{
    int live = 0, all = 0;
    for (int e = 0; e < net->n_edges; e++)
        for (int k = 0; k < net->edges[e].n_ops; k++) {
            int computes = !net->blocks[net->edges[e].first_block + k].zero;
            all += computes;
            live += computes && z_live[net->edges[e].z + k] != 0;
        }
    return all ? (double)live / all : 0;
}

static enum snas_status step(struct snas_method *m, const struct snas_method_context *ctx,
                             struct snas_step_result *out, struct snas_err *err)
{
    struct snas_snas *s = (struct snas_snas *)m;
    struct snas_forward forward = {.z = s->z_live, .bn = SNAS_BN_BATCH_UPDATE};
    struct snas_backward backward = {.dz = s->dz};
    struct snas_loss loss;
    enum snas_status status = ctx->next_batch(ctx->owner, 0, &forward.batch, err);
    if (status != SNAS_OK)
        return status;
    s->temperature = snas_snas_temperature(&s->options, ctx->epoch, ctx->epochs);
    draw_noise(m, ctx->seed, SNAS_STREAM_GUMBEL, (uint64_t)ctx->step, 0, s->z, s->gumbel);
    snas_concrete_live(s->z, m->network->n_z, s->options.live_threshold, s->z_live);
    forward.seed = ctx->seed;
    forward.step = (uint64_t)ctx->step;
    status = snas_net_forward(ctx->net, &forward, &loss, err);
    if (status == SNAS_OK)
        status = snas_net_backward(ctx->net, &backward, err);
    if (status != SNAS_OK)
        return status;
    out->loss = loss.loss;
    out->correct = loss.correct;
    out->n = forward.batch.n;
    out->live_ops = live_share(m->network, s->z_live);
    out->penalty =
        alpha_gradient(s, snas_penalty_strength(&s->options.penalty, ctx->epoch), loss.loss);
    status = ctx->theta_step(ctx->owner, err);
    memcpy(s->before, m->alpha, (size_t)m->n_alpha * sizeof(*s->before));
    if (status == SNAS_OK)
        status = alpha_step(s, err);
    if (status == SNAS_OK && m->budget)
        status = snas_budget_update(&s->budget, m, s->before,
                                    (double)(ctx->step + 1) / (double)ctx->steps, ctx->steps, err);
    return status;
}

static int state(struct snas_method *m, struct snas_st_tensor *out, int max)
{
    struct snas_snas *s = (struct snas_snas *)m;
    const struct snas_st_tensor tensors[] = {
        {"method.adam.m", SNAS_F64, 1, {m->n_alpha}, s->moment1},
        {"method.adam.v", SNAS_F64, 1, {m->n_alpha}, s->moment2},
        {"method.updates", SNAS_I64, 1, {1}, &s->updates},
        {"method.temperature", SNAS_F64, 1, {1}, &s->temperature},
        {"method.budget",
         SNAS_F64,
         1,
         {sizeof(s->budget.state) / sizeof(double)},
         &s->budget.state},
    };
    int n = (int)(sizeof(tensors) / sizeof(*tensors));
    if (n > max)
        SNAS_BUG("state of %d tensors, room for %d", n, max);
    memcpy(out, tensors, sizeof(tensors));
    return n;
}

static void destroy(struct snas_method *m)
{
    struct snas_snas *s = (struct snas_snas *)m;
    double *const owned[] = {s->z,      s->z_live, s->dz,      s->gumbel, s->dalpha,
                             s->before, s->task,   s->moment1, s->moment2};
    for (size_t i = 0; i < sizeof(owned) / sizeof(*owned); i++)
        snas_free(owned[i]);
    snas_penalty_clear(&s->penalty);
    snas_budget_clear(&s->budget);
    snas_method_clear(m);
    snas_free(s);
}

static const struct snas_method_ops snas_ops = {"snas", step, draw, state, destroy};

static enum snas_status allocate(struct snas_snas *s, struct snas_err *err)
{
    double **const of_z[] = {&s->z, &s->z_live, &s->dz, &s->gumbel};
    double **const of_alpha[] = {&s->dalpha, &s->before, &s->task, &s->moment1, &s->moment2};
    for (size_t i = 0; i < sizeof(of_z) / sizeof(*of_z); i++) {
        *of_z[i] = snas_alloc((size_t)s->base.network->n_z, sizeof(double), err);
        if (!*of_z[i])
            return SNAS_E_NOMEM;
    }
    for (size_t i = 0; i < sizeof(of_alpha) / sizeof(*of_alpha); i++) {
        *of_alpha[i] = snas_alloc((size_t)s->base.n_alpha, sizeof(double), err);
        if (!*of_alpha[i])
            return SNAS_E_NOMEM;
    }
    return SNAS_OK;
}

enum snas_status snas_method_snas(const struct snas_network *network,
                                  const struct snas_cost_table *costs,
                                  const struct snas_snas_options *options, uint64_t seed,
                                  struct snas_method **out, struct snas_err *err)
{
    struct snas_snas *s = snas_alloc(1, sizeof(*s), err);
    *out = NULL;
    if (!s)
        return SNAS_E_NOMEM;
    enum snas_status status = snas_method_init(&s->base, &snas_ops, network, err);
    if (status != SNAS_OK) {
        snas_free(s);
        return status;
    }
    s->options = *options;
    s->temperature = options->temperature_start;
    status = allocate(s, err);
    if (status == SNAS_OK)
        status = snas_penalty_init(&s->penalty, network, costs, &options->penalty, err);
    if (status == SNAS_OK)
        status = snas_budget_init(&s->budget, network, costs, &options->budget, err);
    if (status != SNAS_OK) {
        destroy(&s->base);
        return status;
    }
    s->base.budget = snas_budget_active(&s->budget) ? &s->budget : NULL;
    struct snas_rng rng = snas_rng_make(seed, SNAS_STREAM_ALPHA, 0);
    for (int i = 0; i < s->base.n_alpha; i++)
        s->base.alpha[i] = options->init_mean + options->init_sd * snas_rng_normal(&rng);
    *out = &s->base;
    return SNAS_OK;
}

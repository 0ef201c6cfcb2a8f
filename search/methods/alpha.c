#include "methods/alpha.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "kernels/optimiser.h"

static enum snas_status allocate(struct snas_alpha *a, size_t n, struct snas_err *err)
{
    double **const all[] = {&a->gradient, &a->task, &a->before, &a->moment1, &a->moment2};
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
        *all[i] = snas_alloc(n, sizeof(double), err);
        if (!*all[i])
            return SNAS_E_NOMEM;
    }
    return SNAS_OK;
}

enum snas_status snas_alpha_init(struct snas_alpha *a, struct snas_method *m,
                                 const struct snas_cost_table *costs,
                                 const struct snas_alpha_options *options, uint64_t seed,
                                 struct snas_err *err)
{
    a->options = *options;
    enum snas_status s = allocate(a, (size_t)m->n_alpha, err);
    if (s == SNAS_OK)
        s = snas_penalty_init(&a->penalty, m->network, costs, &options->penalty, err);
    if (s == SNAS_OK)
        s = snas_budget_init(&a->budget, m->network, costs, &options->budget, err);
    if (s == SNAS_OK)
        s = snas_measured_init(&a->measured, m, &options->measured, err);
    if (s != SNAS_OK)
        return s;
    m->measured = options->measured.strength > 0 ? &a->measured : NULL;
    m->budget = snas_budget_active(&a->budget) ? &a->budget : NULL;
    struct snas_rng rng = snas_rng_make(seed, SNAS_STREAM_ALPHA, 0);
    for (int i = 0; i < m->n_alpha; i++)
        m->alpha[i] = options->init_mean + options->init_sd * snas_rng_normal(&rng);
    return SNAS_OK;
}

void snas_alpha_clear(struct snas_alpha *a)
{
    snas_free(a->gradient);
    snas_free(a->task);
    snas_free(a->before);
    snas_free(a->moment1);
    snas_free(a->moment2);
    snas_penalty_clear(&a->penalty);
    snas_budget_clear(&a->budget);
    snas_measured_clear(&a->measured);
    memset(a, 0, sizeof(*a));
}

void snas_alpha_clear_gradient(struct snas_alpha *a, const struct snas_method *m)
{
    memset(a->gradient, 0, (size_t)m->n_alpha * sizeof(*a->gradient));
}

/* The penalty's part of the credits; `slope` = d penalty / d cost. */
static void penalty_credit(const struct snas_alpha *a, struct snas_method *m, const double *z_all,
                           double slope)
{
    for (int e = 0; e < m->network->n_edges; e++) {
        const struct snas_alpha_row *row = &m->rows[m->edge_row[e]];
        const double *z = z_all + m->network->edges[e].z;
        double dz[SNAS_MAX_OPS];
        snas_penalty_edge(&a->penalty, e, z, dz);
        for (int k = 0; k < row->n_ops; k++)
            m->credit[row->first + k].penalty += slope * z[k] * dz[k];
    }
}

/* The penalty's part of the gradient; returns what it adds to the loss, and in *task what the
 * task's part is to be multiplied with. */
static double penalty_gradient(struct snas_alpha *a, struct snas_method *m,
                               const struct snas_alpha_sample *from, double strength, double loss,
                               double *task)
{
    double cost = 0, value = 0, slope = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (int e = 0; e < m->network->n_edges; e++) {
            const struct snas_alpha_row *row = &m->rows[m->edge_row[e]];
            const struct snas_penalty_sample sample = {
                m->alpha + row->first, from->gumbel ? from->gumbel + m->network->edges[e].z : NULL,
                from->temperature};
            if (pass == 0)
                cost += snas_penalty_estimate(&a->penalty, e, &sample, 0, NULL);
            else
                snas_penalty_estimate(&a->penalty, e, &sample, slope, a->gradient + row->first);
        }
        value = snas_penalty_value(&a->penalty, strength, cost, loss, &slope, task);
    }
    penalty_credit(a, m, from->z, slope);
    return value;
}

double snas_alpha_penalise(struct snas_alpha *a, struct snas_method *m,
                           const struct snas_method_context *ctx,
                           const struct snas_alpha_sample *sample, double loss)
{
    double value = 0, task = 1, strength = snas_penalty_strength(&a->options.penalty, ctx->epoch);
    if (strength > 0) {
        memcpy(a->task, a->gradient, (size_t)m->n_alpha * sizeof(*a->task));
        snas_alpha_clear_gradient(a, m);
        value = penalty_gradient(a, m, sample, strength, loss, &task);
        for (int i = 0; i < m->n_alpha; i++)
            a->gradient[i] += task * a->task[i];
    }
    if (snas_entropy_active(&a->options.entropy))
        value += snas_entropy_gradient(
            m, snas_entropy_weight(&a->options.entropy, ctx->epoch, a->options.warmup, ctx->epochs),
            a->gradient);
    if (m->measured)
        value += snas_measured_gradient(
            &a->measured, m, snas_measured_strength(&a->measured, ctx->epoch), a->gradient);
    if (m->budget)
        value += snas_budget_gradient(&a->budget, m, a->gradient);
    return value;
}

static enum snas_status optimise(struct snas_alpha *a, struct snas_method *m, struct snas_err *err)
{
    const struct snas_alpha_options *o = &a->options;
    size_t n = (size_t)m->n_alpha;
    double norm = sqrt(snas_k_sum_squares_f64(n, a->gradient));
    if (!isfinite(norm))
        return snas_fail(err, SNAS_E_NUMERIC, "the gradient of alpha is not finite");
    double scale = snas_k_clip_factor(norm, o->clip);
    a->updates++;
    if (o->adam) {
        struct snas_k_adam adam = {o->learning_rate, o->beta1, o->beta2, 1e-8, o->weight_decay};
        snas_k_adam_f64(n, m->alpha, a->moment1, a->moment2, a->gradient, scale, &adam, a->updates);
    } else {
        snas_k_sgd_f64(n, m->alpha, a->gradient, scale, o->learning_rate, o->weight_decay);
    }
    return SNAS_OK;
}

enum snas_status snas_alpha_step(struct snas_alpha *a, struct snas_method *m,
                                 const struct snas_method_context *ctx, struct snas_err *err)
{
    if (ctx->epoch < a->options.warmup)
        return SNAS_OK;
    memcpy(a->before, m->alpha, (size_t)m->n_alpha * sizeof(*a->before));
    enum snas_status s = optimise(a, m, err);
    if (s == SNAS_OK && m->budget)
        s = snas_budget_update(&a->budget, m, a->before,
                               (double)(ctx->step + 1) / (double)ctx->steps, ctx->steps, err);
    return s;
}

int snas_alpha_state(struct snas_alpha *a, const struct snas_method *m, struct snas_st_tensor *out,
                     int max)
{
    const struct snas_st_tensor tensors[SNAS_ALPHA_TENSORS] = {
        {"method.adam.m", SNAS_F64, 1, {m->n_alpha}, a->moment1},
        {"method.adam.v", SNAS_F64, 1, {m->n_alpha}, a->moment2},
        {"method.updates", SNAS_I64, 1, {1}, &a->updates},
        {"method.budget",
         SNAS_F64,
         1,
         {sizeof(a->budget.state) / sizeof(double)},
         &a->budget.state},
        {"method.measured",
         SNAS_F64,
         1,
         {sizeof(a->measured.state) / sizeof(double)},
         &a->measured.state},
        {"method.measured.held", SNAS_F64, 1, {m->n_alpha}, a->measured.held},
    };
    if (SNAS_ALPHA_TENSORS > max)
        SNAS_BUG("state of %d tensors, room for %d", SNAS_ALPHA_TENSORS, max);
    memcpy(out, tensors, sizeof(tensors));
    return SNAS_ALPHA_TENSORS;
}

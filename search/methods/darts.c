#include "methods/darts.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "kernels/optimiser.h"
#include "methods/concrete.h"

struct snas_darts {
    struct snas_method base;
    struct snas_darts_options options;
    struct snas_alpha alpha;
    double *z, *dz;          /* [n_z] the mixture; d z of the last backward */
    double *side;            /* [n_alpha] second order: the gradient beside theta */
    void *theta, *direction; /* second order, [theta_size]: theta as it was; v */
};

static void mixture(const struct snas_method *m, double *z)
{
    for (int e = 0; e < m->network->n_edges; e++) {
        const struct snas_alpha_row *row = &m->rows[m->edge_row[e]];
        snas_softmax(m->alpha + row->first, row->n_ops, z + m->network->edges[e].z);
    }
}

static void sample(const struct snas_method *m, uint64_t seed, enum snas_stream stream,
                   uint64_t step, int hard, double *z)
{
    const struct snas_draw d = {seed, stream, step, 0, 0};
    if (hard)
        snas_method_draw(m, &d, z, NULL);
    else
        mixture(m, z);
}

/* Adds the last backward's d alpha: d z through the softmax, which is the concrete distribution's
 * derivative at a temperature of 1. */
static void add_gradient(const struct snas_darts *s, double *gradient)
{
    const struct snas_method *m = &s->base;
    for (int e = 0; e < m->network->n_edges; e++) {
        const struct snas_alpha_row *row = &m->rows[m->edge_row[e]];
        const int z = m->network->edges[e].z;
        snas_concrete_backward(s->z + z, s->dz + z, row->n_ops, 1, gradient + row->first);
    }
}

/* Forward and backward at the mixture; running statistics stay. */
static enum snas_status pass(struct snas_darts *s, const struct snas_method_context *ctx,
                             const struct snas_batch *batch, double *loss, struct snas_err *err)
{
    const struct snas_forward forward = {.batch = *batch,
                                         .z = s->z,
                                         .bn = SNAS_BN_BATCH,
                                         .seed = ctx->seed,
                                         .step = (uint64_t)ctx->step};
    const struct snas_backward backward = {.dz = s->dz};
    struct snas_loss of;
    enum snas_status status = snas_net_forward(ctx->net, &forward, &of, err);
    if (status != SNAS_OK)
        return status;
    *loss = of.loss;
    return snas_net_backward(ctx->net, &backward, err);
}

/* x += a y, vectors of the net's precision. */
static void add_scaled(const struct snas_net *net, void *x, double a, const void *y)
{
    size_t n = snas_net_theta_size(net);
    if (snas_net_precision(net) == SNAS_PRECISION_F64) {
        double *xs = x;
        const double *ys = y;
        for (size_t i = 0; i < n; i++)
            xs[i] += a * ys[i];
    } else {
        float *xs = x;
        const float *ys = y;
        for (size_t i = 0; i < n; i++)
            xs[i] += (float)a * ys[i];
    }
}

static double norm(const struct snas_net *net, const void *x)
{
    size_t n = snas_net_theta_size(net);
    return sqrt(snas_net_precision(net) == SNAS_PRECISION_F64 ? snas_k_sum_squares_f64(n, x)
                                                              : snas_k_sum_squares_f32(n, x));
}

static size_t theta_bytes(const struct snas_net *net)
{
    return snas_net_theta_size(net) *
           (snas_net_precision(net) == SNAS_PRECISION_F64 ? sizeof(double) : sizeof(float));
}

/* What a step needs beside theta is of the net's size, so it is reserved when the first step shows
 * the net. */
static enum snas_status reserve(struct snas_darts *s, const struct snas_net *net,
                                struct snas_err *err)
{
    if (!s->theta)
        s->theta = snas_alloc(theta_bytes(net), 1, err);
    if (s->theta && !s->direction)
        s->direction = snas_alloc(theta_bytes(net), 1, err);
    return s->direction ? SNAS_OK : SNAS_E_NOMEM;
}

/* Subtracts xi (d2 L_train / d alpha d theta) v from the gradient of alpha. */
static enum snas_status subtract_product(struct snas_darts *s,
                                         const struct snas_method_context *ctx,
                                         const struct snas_batch *training, struct snas_err *err)
{
    const int n_alpha = s->base.n_alpha;
    double length = norm(ctx->net, s->direction), loss;
    void *theta = snas_net_theta(ctx->net);
    enum snas_status status = SNAS_OK;
    if (!isfinite(length))
        return snas_fail(err, SNAS_E_NUMERIC, "the gradient of theta is not finite");
    if (length == 0)
        return SNAS_OK;
    const double r = s->options.epsilon / length;
    for (int sign = 1; sign >= -1 && status == SNAS_OK; sign -= 2) {
        memcpy(theta, s->theta, theta_bytes(ctx->net));
        add_scaled(ctx->net, theta, sign * r, s->direction);
        status = pass(s, ctx, training, &loss, err);
        if (status != SNAS_OK)
            break;
        memset(s->side, 0, (size_t)n_alpha * sizeof(*s->side));
        add_gradient(s, s->side);
        for (int i = 0; i < n_alpha; i++)
            s->alpha.gradient[i] -= ctx->theta_rate * sign * s->side[i] / (2 * r);
    }
    return status;
}

static enum snas_status unrolled(struct snas_darts *s, const struct snas_method_context *ctx,
                                 const struct snas_batch *training, const struct snas_batch *held,
                                 double *loss, struct snas_err *err)
{
    void *theta = snas_net_theta(ctx->net);
    const void *grad = snas_net_grad(ctx->net);
    enum snas_status status = pass(s, ctx, training, loss, err);
    if (status != SNAS_OK)
        return status;
    add_scaled(ctx->net, theta, -ctx->theta_rate * ctx->theta_weight_decay, s->theta);
    add_scaled(ctx->net, theta, -ctx->theta_rate * ctx->theta_momentum, ctx->theta_buffer);
    add_scaled(ctx->net, theta, -ctx->theta_rate, grad);
    status = pass(s, ctx, held, loss, err);
    if (status != SNAS_OK)
        return status;
    add_gradient(s, s->alpha.gradient);
    snas_method_add_credit(&s->base, s->z, s->dz);
    memcpy(s->direction, grad, theta_bytes(ctx->net));
    return subtract_product(s, ctx, training, err);
}

/* Theta comes back as it was, whatever happens. */
static enum snas_status second(struct snas_darts *s, const struct snas_method_context *ctx,
                               const struct snas_batch *training, const struct snas_batch *held,
                               double *loss, struct snas_err *err)
{
    enum snas_status status = reserve(s, ctx->net, err);
    if (status != SNAS_OK)
        return status;
    memcpy(s->theta, snas_net_theta(ctx->net), theta_bytes(ctx->net));
    status = unrolled(s, ctx, training, held, loss, err);
    memcpy(snas_net_theta(ctx->net), s->theta, theta_bytes(ctx->net));
    return status;
}

/* The penalty on top of the task's gradient, and alpha's step. */
static enum snas_status move(struct snas_darts *s, const struct snas_method_context *ctx,
                             double loss, double *penalty, struct snas_err *err)
{
    const struct snas_alpha_sample at = {s->z, NULL, 0};
    *penalty = snas_alpha_penalise(&s->alpha, &s->base, ctx, &at, loss);
    return snas_alpha_step(&s->alpha, &s->base, ctx, err);
}

/* Alpha's own step, by held-out images. */
static enum snas_status step_alpha(struct snas_darts *s, const struct snas_method_context *ctx,
                                   const struct snas_batch *training, double *penalty,
                                   struct snas_err *err)
{
    struct snas_batch held;
    double loss = 0;
    enum snas_status status = ctx->next_batch(ctx->owner, 1, &held, err);
    if (status != SNAS_OK)
        return status;
    if (s->options.order == SNAS_DARTS_SECOND) {
        status = second(s, ctx, training, &held, &loss, err);
    } else {
        status = pass(s, ctx, &held, &loss, err);
        if (status == SNAS_OK) {
            add_gradient(s, s->alpha.gradient);
            snas_method_add_credit(&s->base, s->z, s->dz);
        }
    }
    return status == SNAS_OK ? move(s, ctx, loss, penalty, err) : status;
}

static enum snas_status step(struct snas_method *m, const struct snas_method_context *ctx,
                             struct snas_step_result *out, struct snas_err *err)
{
    struct snas_darts *s = (struct snas_darts *)m;
    const int single = s->options.order == SNAS_DARTS_SINGLE;
    const int alone = !single && ctx->epoch >= s->options.alpha.warmup;
    struct snas_batch training;
    double penalty = 0;
    snas_alpha_clear_gradient(&s->alpha, m);
    mixture(m, s->z);
    enum snas_status status = ctx->next_batch(ctx->owner, 0, &training, err);
    if (status == SNAS_OK && alone)
        status = step_alpha(s, ctx, &training, &penalty, err);
    if (status == SNAS_OK && alone)
        mixture(m, s->z);
    if (status == SNAS_OK)
        status = snas_method_train_on(ctx, &training, s->z, s->dz, out, err);
    if (status == SNAS_OK)
        status = ctx->theta_step(ctx->owner, err);
    if (status == SNAS_OK && single) {
        add_gradient(s, s->alpha.gradient);
        snas_method_add_credit(m, s->z, s->dz);
        status = move(s, ctx, out->loss, &penalty, err);
    }
    if (status != SNAS_OK)
        return status;
    out->live_ops = snas_method_live_share(m, s->z);
    out->penalty = penalty;
    return SNAS_OK;
}

static double temperature(const struct snas_method *m, int epoch, int epochs)
{
    (void)m;
    (void)epoch;
    (void)epochs;
    return 1;
}

static int state(struct snas_method *m, struct snas_st_tensor *out, int max)
{
    return snas_alpha_state(&((struct snas_darts *)m)->alpha, m, out, max);
}

static void destroy(struct snas_method *m)
{
    struct snas_darts *s = (struct snas_darts *)m;
    snas_free(s->z);
    snas_free(s->dz);
    snas_free(s->side);
    snas_free(s->theta);
    snas_free(s->direction);
    snas_alpha_clear(&s->alpha);
    snas_method_clear(m);
}

static const struct snas_method_ops darts_ops = {.name = "darts",
                                                 .size = sizeof(struct snas_darts),
                                                 .rule = SNAS_DERIVE_TOP2,
                                                 .step = step,
                                                 .sample = sample,
                                                 .temperature = temperature,
                                                 .state = state,
                                                 .destroy = destroy};

enum snas_status snas_method_darts(const struct snas_network *network,
                                   const struct snas_cost_table *costs,
                                   const struct snas_darts_options *options, uint64_t seed,
                                   struct snas_method **out, struct snas_err *err)
{
    struct snas_darts *s = (struct snas_darts *)snas_method_make(&darts_ops, network, err);
    *out = NULL;
    if (!s)
        return SNAS_E_NOMEM;
    s->options = *options;
    s->options.alpha.penalty.estimator = SNAS_PENALTY_ANALYTIC;
    double **const of_z[] = {&s->z, &s->dz}, **const of_alpha[] = {&s->side};
    enum snas_status status = snas_method_vectors(of_z, 2, network->n_z, err);
    if (status == SNAS_OK)
        status = snas_method_vectors(of_alpha, 1, s->base.n_alpha, err);
    if (status == SNAS_OK)
        status = snas_alpha_init(&s->alpha, &s->base, costs, &s->options.alpha, seed, err);
    return snas_method_hand(&s->base, status, out);
}

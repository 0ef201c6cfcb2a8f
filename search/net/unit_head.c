/* The head of float nets that is a global pool and a linear layer, behind a batch norm and a ReLU
 * or not. Its arithmetic is next to nothing; what costs is reading the last cell, so an image's
 * means are taken once, and kept for the backward. Sums are in double. */
#include <string.h>

#include "kernels/kernels.h"
#include "net/unit.h"

enum { LANES = 8 };

struct head {
    const struct snas_layer *linear;
    int norm, relu; /* layer of the batch norm, or -1; 1: a ReLU in front of the pool */
    int self[1];    /* the tensor that is pooled, when it has no parts */
    const int *parts;
    int n_parts, c, pixels, classes, logits;
    size_t mean_at, dmean_at, sums_at;
    float *mean, *dmean; /* [batch][c]; dmean: gradient of a pixel, of heads with a batch norm */
    double *sums;        /* [SNAS_GROUPS][2 c], then the totals [2 c] */
    const float *gamma, *beta;
};

static const char *isa(void)
{
    const struct snas_kernels *k = snas_kernels_get();
    return k ? k->isa : "ref";
}

/* Layers in front of the pool that are known here: [bn] [relu]. */
static int leading(const struct snas_layer *l, int n, int *norm, int *relu)
{
    int i = 0;
    *norm = i < n && l[i].step.kind == SNAS_STEP_BN;
    i += *norm;
    *relu = i < n && l[i].step.kind == SNAS_STEP_RELU;
    return i + *relu;
}

static int accepts(const struct snas_net *net, const struct snas_unit *unit)
{
    if (unit->kind != SNAS_UNIT_HEAD || net->real != sizeof(float) || !snas_kernels_get())
        return 0;
    const struct snas_block *b = &net->network->blocks[unit->index];
    const struct snas_layer *l = &net->network->layers[b->first_layer];
    int norm, relu, n = leading(l, b->n_layers, &norm, &relu);
    return b->n_layers == n + 2 && l[n].step.kind == SNAS_STEP_GLOBAL_POOL &&
           l[n + 1].step.kind == SNAS_STEP_LINEAR && !net->network->tensors[b->in].sum;
}

/* An image of a tensor's values or gradients. */
static float *image_of(const struct snas_net *net, void *const *values, int tensor, int image)
{
    const struct snas_shape *s = &net->network->tensors[tensor].shape;
    float *p = values[tensor];
    return p ? p + (size_t)image * (size_t)s->h * (size_t)s->w * (size_t)s->c : NULL;
}

/* What the batch norm makes of channel k: a x + b. */
static void norm_of(const struct snas_net *net, const struct head *h, int k, float *a, float *b)
{
    *a = 1;
    *b = 0;
    if (h->norm < 0)
        return;
    const struct snas_bn_state *bn = &net->bn[h->norm];
    const double scale = (h->gamma ? (double)h->gamma[k] : 1) * bn->inv[k];
    *a = (float)scale;
    *b = (float)((h->beta ? (double)h->beta[k] : 0) - scale * bn->mean[k]);
}

/* Means over an image's pixels; sum: [c]. */
static void pool(const struct snas_net *net, const struct head *h, int image, double *sum,
                 float *mean)
{
    memset(sum, 0, (size_t)h->c * sizeof *sum);
    for (int i = 0, c0 = 0; i < h->n_parts; i++) {
        const float *x = image_of(net, net->value, h->parts[i], image);
        const int c = net->network->tensors[h->parts[i]].shape.c;
        for (int p = 0; h->norm < 0 && !h->relu && p < h->pixels; p++, x += c)
            for (int k = 0; k < c; k++)
                sum[c0 + k] += x[k];
        for (int k = 0; (h->norm >= 0 || h->relu) && k < c; k++) {
            float a, b;
            norm_of(net, h, c0 + k, &a, &b);
            for (int p = 0; p < h->pixels; p++) {
                const float y = a * x[p * c + k] + b;
                sum[c0 + k] += h->relu && y < 0 ? 0 : y; /* NaN stays */
            }
        }
        c0 += c;
    }
    for (int k = 0; k < h->c; k++)
        mean[k] = (float)(sum[k] / h->pixels);
}

/* The batch norm's sums over a group's images. */
static void run_sums(struct snas_net *net, struct snas_unit *unit, const struct snas_pass *pass,
                     int group, int worker)
{
    (void)pass;
    (void)worker;
    const struct head *h = unit->state;
    double *sum = h->sums + (size_t)group * 2 * (size_t)h->c;
    int first, count;
    snas_group_range(net->run.batch.n, group, &first, &count);
    memset(sum, 0, 2 * (size_t)h->c * sizeof *sum);
    for (int m = first; m < first + count; m++)
        for (int i = 0, c0 = 0; i < h->n_parts; i++) {
            const float *x = image_of(net, net->value, h->parts[i], m);
            const int c = net->network->tensors[h->parts[i]].shape.c;
            for (int p = 0; p < h->pixels; p++, x += c)
                for (int k = 0; k < c; k++) {
                    sum[c0 + k] += x[k];
                    sum[h->c + c0 + k] += (double)x[k] * x[k];
                }
            c0 += c;
        }
}

static double *total(const struct head *h)
{
    double *all = h->sums + (size_t)SNAS_GROUPS * 2 * (size_t)h->c;
    for (int k = 0; k < 2 * h->c; k++)
        all[k] = snas_group_sum(h->sums + k, 2 * (size_t)h->c);
    return all;
}

static void finish_sums(struct snas_net *net, struct snas_unit *unit, const struct snas_pass *pass,
                        int part, int worker)
{
    (void)pass;
    (void)part;
    (void)worker;
    const struct head *h = unit->state;
    const double *all = total(h);
    snas_net_bn_finish(net, h->norm, 0, h->c, all, all + h->c,
                       (double)h->pixels * net->run.batch.n);
}

static void run_forward(struct snas_net *net, struct snas_unit *unit, const struct snas_pass *pass,
                        int group, int worker)
{
    (void)pass;
    const struct head *h = unit->state;
    const float *w = snas_net_param(net, h->linear->weight);
    const float *bias = snas_net_param(net, h->linear->bias);
    double *sum = net->worker_scratch[worker], *out = sum + h->c;
    int first, count;
    snas_group_range(net->run.batch.n, group, &first, &count);
    for (int m = first; m < first + count; m++) {
        float *mean = h->mean + (size_t)m * (size_t)h->c;
        float *logits = image_of(net, net->value, h->logits, m);
        pool(net, h, m, sum, mean);
        for (int k = 0; k < h->classes; k++)
            out[k] = bias[k];
        for (int c = 0; c < h->c; c++)
            for (int k = 0; k < h->classes; k++)
                out[k] += (double)mean[c] * w[(size_t)c * (size_t)h->classes + (size_t)k];
        for (int k = 0; k < h->classes; k++)
            logits[k] = (float)out[k];
    }
}

/* Lane sums that a compiler may keep in a vector. */
static double dot(int n, const float *a, const float *b)
{
    double part[LANES] = {0}, sum = 0;
    int i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int k = 0; k < LANES; k++)
            part[k] += (double)a[i + k] * b[i + k];
    for (; i < n; i++)
        sum += (double)a[i] * b[i];
    for (int k = 0; k < LANES; k++)
        sum += part[k];
    return sum;
}

/* Every pixel gets its share of the mean's gradient. */
static void unpool(const struct snas_net *net, const struct head *h, int image, const float *dmean)
{
    for (int i = 0, c0 = 0; i < h->n_parts; i++) {
        const float *x = image_of(net, net->value, h->parts[i], image);
        float *dx = image_of(net, net->dvalue, h->parts[i], image);
        const int c = net->network->tensors[h->parts[i]].shape.c;
        for (int p = 0; dx && p < h->pixels; p++, dx += c, x += c)
            for (int k = 0; k < c; k++)
                dx[k] += h->relu && !(x[k] > 0) ? 0 : dmean[c0 + k];
        c0 += c;
    }
}

/* Sums of the gradient of the batch norm's output, plain and times its normalised input. */
static void add_norm_sums(const struct snas_net *net, const struct head *h, int image,
                          const float *dmean, double *sum)
{
    const struct snas_bn_state *bn = &net->bn[h->norm];
    for (int i = 0, c0 = 0; i < h->n_parts; i++) {
        const float *x = image_of(net, net->value, h->parts[i], image);
        const int c = net->network->tensors[h->parts[i]].shape.c;
        for (int k = 0; k < c; k++) {
            float a, b;
            double plain = 0, product = 0;
            norm_of(net, h, c0 + k, &a, &b);
            for (int p = 0; p < h->pixels; p++) {
                const float v = x[p * c + k];
                if (h->relu && !(a * v + b > 0))
                    continue;
                plain += dmean[c0 + k];
                product += dmean[c0 + k] * ((v - bn->mean[c0 + k]) * bn->inv[c0 + k]);
            }
            sum[c0 + k] += plain;
            sum[h->c + c0 + k] += product;
        }
        c0 += c;
    }
}

static void run_backward(struct snas_net *net, struct snas_unit *unit, const struct snas_pass *pass,
                         int group, int worker)
{
    (void)pass;
    const struct head *h = unit->state;
    const float *w = snas_net_param(net, h->linear->weight);
    float *dw = snas_net_group_grad(net, group, h->linear->weight);
    float *dbias = snas_net_group_grad(net, group, h->linear->bias);
    int first, count;
    snas_group_range(net->run.batch.n, group, &first, &count);
    if (h->norm >= 0)
        memset(h->sums + (size_t)group * 2 * (size_t)h->c, 0, 2 * (size_t)h->c * sizeof *h->sums);
    for (int m = first; m < first + count; m++) {
        const float *mean = h->mean + (size_t)m * (size_t)h->c;
        const float *d = image_of(net, net->dvalue, h->logits, m);
        float *dmean =
            h->norm < 0 ? net->worker_scratch[worker] : h->dmean + (size_t)m * (size_t)h->c;
        for (int k = 0; k < h->classes; k++)
            dbias[k] += d[k];
        for (int c = 0; c < h->c; c++) {
            const size_t row = (size_t)c * (size_t)h->classes;
            for (int k = 0; k < h->classes; k++)
                dw[row + (size_t)k] += mean[c] * d[k];
            dmean[c] = (float)(dot(h->classes, w + row, d) / h->pixels);
        }
        if (h->norm < 0)
            unpool(net, h, m, dmean);
        else
            add_norm_sums(net, h, m, dmean, h->sums + (size_t)group * 2 * (size_t)h->c);
    }
}

/* gamma's and beta's gradients: the sums themselves. */
static void finish_backward(struct snas_net *net, struct snas_unit *unit,
                            const struct snas_pass *pass, int part, int worker)
{
    (void)pass;
    (void)part;
    (void)worker;
    const struct head *h = unit->state;
    const struct snas_layer *l = &net->network->layers[h->norm];
    const double *all = total(h);
    if (!l->affine)
        return;
    float *dgamma = snas_net_group_grad(net, 0, l->weight);
    float *dbeta = snas_net_group_grad(net, 0, l->bias);
    for (int k = 0; k < h->c; k++) {
        dbeta[k] = (float)all[k];
        dgamma[k] = (float)all[h->c + k];
    }
}

/* Back through the batch norm, for a group's images. */
static void run_norm_backward(struct snas_net *net, struct snas_unit *unit,
                              const struct snas_pass *pass, int group, int worker)
{
    (void)pass;
    (void)worker;
    const struct head *h = unit->state;
    const struct snas_bn_state *bn = &net->bn[h->norm];
    const double *all = h->sums + (size_t)SNAS_GROUPS * 2 * (size_t)h->c;
    const double n = (double)h->pixels * net->run.batch.n;
    int first, count;
    snas_group_range(net->run.batch.n, group, &first, &count);
    for (int m = first; m < first + count; m++)
        for (int i = 0, c0 = 0; i < h->n_parts; i++) {
            const float *x = image_of(net, net->value, h->parts[i], m);
            float *dx = image_of(net, net->dvalue, h->parts[i], m);
            const int c = net->network->tensors[h->parts[i]].shape.c;
            for (int k = c0; dx && k < c0 + c; k++) {
                float a, b, g = h->dmean[(size_t)m * (size_t)h->c + (size_t)k];
                norm_of(net, h, k, &a, &b);
                const double plain = all[k] / n, slope = bn->inv[k] * all[h->c + k] / n;
                for (int p = 0; p < h->pixels; p++) {
                    const float v = x[p * c + k - c0];
                    const double dy = h->relu && !(a * v + b > 0) ? 0 : (double)g;
                    dx[p * c + k - c0] += (float)(a * (dy - plain - (v - bn->mean[k]) * slope));
                }
            }
            c0 += c;
        }
}

static void make_passes(const struct head *h, struct snas_unit *unit)
{
    if (h->norm >= 0)
        unit->forward[unit->n_forward++] = (struct snas_pass){
            .name = "head sums", .run = run_sums, .finalise = finish_sums, .parts = 1};
    unit->forward[unit->n_forward++] =
        (struct snas_pass){.name = "head forward", .run = run_forward};
    unit->backward[unit->n_backward++] =
        (struct snas_pass){.name = "head backward",
                           .run = run_backward,
                           .finalise = h->norm < 0 ? NULL : finish_backward,
                           .parts = 1};
    if (h->norm >= 0)
        unit->backward[unit->n_backward++] =
            (struct snas_pass){.name = "head norm backward", .run = run_norm_backward};
}

static enum snas_status plan(struct snas_net *net, struct snas_unit *unit, struct snas_err *err)
{
    const struct snas_block *b = &net->network->blocks[unit->index];
    const struct snas_tensor *in = &net->network->tensors[b->in];
    struct head *h = unit->state = snas_alloc(1, sizeof *h, err);
    unit->forward = snas_alloc(2, sizeof *unit->forward, err);
    unit->backward = snas_alloc(2, sizeof *unit->backward, err);
    if (!h || !unit->forward || !unit->backward)
        return SNAS_E_NOMEM;
    const struct snas_layer *l = &net->network->layers[b->first_layer];
    int norm, n = leading(l, b->n_layers, &norm, &h->relu);
    h->norm = norm ? b->first_layer : -1;
    h->linear = &l[n + 1];
    h->self[0] = b->in;
    h->parts = in->n_parts ? in->parts : h->self;
    h->n_parts = in->n_parts ? in->n_parts : 1;
    h->c = in->shape.c;
    h->pixels = in->shape.h * in->shape.w;
    h->classes = h->linear->out.c;
    h->logits = b->out;
    const size_t means = (size_t)net->options.batch * (size_t)h->c * sizeof *h->mean;
    h->mean_at = snas_net_reserve(net, means);
    if (h->norm >= 0) {
        h->sums_at = snas_net_reserve(net, (SNAS_GROUPS + 1) * 2 * (size_t)h->c * sizeof(double));
        if (net->options.training)
            h->dmean_at = snas_net_reserve(net, means);
    }
    snas_net_want_scratch(net, ((size_t)h->c + (size_t)h->classes) * sizeof(double));
    make_passes(h, unit);
    return SNAS_OK;
}

static void bind(struct snas_net *net, struct snas_unit *unit)
{
    struct head *h = unit->state;
    h->mean = snas_arena_at(&net->arena, h->mean_at);
    if (h->norm < 0)
        return;
    const struct snas_layer *l = &net->network->layers[h->norm];
    h->sums = snas_arena_at(&net->arena, h->sums_at);
    if (net->options.training)
        h->dmean = snas_arena_at(&net->arena, h->dmean_at);
    if (l->affine) {
        h->gamma = snas_net_param(net, l->weight);
        h->beta = snas_net_param(net, l->bias);
    }
}

static void destroy(struct snas_unit *unit)
{
    snas_free(unit->state);
    unit->state = NULL;
}

const struct snas_unit_ops snas_unit_head = {.name = "head",
                                             .joins = 1,
                                             .isa = isa,
                                             .accepts = accepts,
                                             .plan = plan,
                                             .bind = bind,
                                             .destroy = destroy};

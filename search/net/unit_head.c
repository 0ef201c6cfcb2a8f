/* The head of float nets that is a global pool and a linear layer. Its arithmetic is next to
 * nothing; what costs is reading the last cell, so an image's means are taken once, and kept for
 * the backward. Sums are in double. */
#include <string.h>

#include "kernels/kernels.h"
#include "net/unit.h"

enum { LANES = 8 };

struct head {
    const struct snas_layer *linear;
    int self[1]; /* the tensor that is pooled, when it has no parts */
    const int *parts;
    int n_parts, c, pixels, classes, logits;
    size_t mean_at;
    float *mean; /* [batch][c] */
};

static const char *isa(void)
{
    const struct snas_kernels *k = snas_kernels_get();
    return k ? k->isa : "ref";
}

static int accepts(const struct snas_net *net, const struct snas_unit *unit)
{
    if (unit->kind != SNAS_UNIT_HEAD || net->real != sizeof(float) || !snas_kernels_get())
        return 0;
    const struct snas_block *b = &net->network->blocks[unit->index];
    const struct snas_layer *l = &net->network->layers[b->first_layer];
    return b->n_layers == 2 && l[0].step.kind == SNAS_STEP_GLOBAL_POOL &&
           l[1].step.kind == SNAS_STEP_LINEAR && !net->network->tensors[b->in].sum;
}

/* An image of a tensor's values or gradients. */
static float *image_of(const struct snas_net *net, void *const *values, int tensor, int image)
{
    const struct snas_shape *s = &net->network->tensors[tensor].shape;
    float *p = values[tensor];
    return p ? p + (size_t)image * (size_t)s->h * (size_t)s->w * (size_t)s->c : NULL;
}

/* Means over an image's pixels; sum: [c]. */
static void pool(const struct snas_net *net, const struct head *h, int image, double *sum,
                 float *mean)
{
    memset(sum, 0, (size_t)h->c * sizeof *sum);
    for (int i = 0, c0 = 0; i < h->n_parts; i++) {
        const float *x = image_of(net, net->value, h->parts[i], image);
        const int c = net->network->tensors[h->parts[i]].shape.c;
        for (int p = 0; p < h->pixels; p++, x += c)
            for (int k = 0; k < c; k++)
                sum[c0 + k] += x[k];
        c0 += c;
    }
    for (int k = 0; k < h->c; k++)
        mean[k] = (float)(sum[k] / h->pixels);
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
        float *dx = image_of(net, net->dvalue, h->parts[i], image);
        const int c = net->network->tensors[h->parts[i]].shape.c;
        for (int p = 0; dx && p < h->pixels; p++, dx += c)
            for (int k = 0; k < c; k++)
                dx[k] += dmean[c0 + k];
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
    float *dmean = net->worker_scratch[worker];
    int first, count;
    snas_group_range(net->run.batch.n, group, &first, &count);
    for (int m = first; m < first + count; m++) {
        const float *mean = h->mean + (size_t)m * (size_t)h->c;
        const float *d = image_of(net, net->dvalue, h->logits, m);
        for (int k = 0; k < h->classes; k++)
            dbias[k] += d[k];
        for (int c = 0; c < h->c; c++) {
            const size_t row = (size_t)c * (size_t)h->classes;
            for (int k = 0; k < h->classes; k++)
                dw[row + (size_t)k] += mean[c] * d[k];
            dmean[c] = (float)(dot(h->classes, w + row, d) / h->pixels);
        }
        unpool(net, h, m, dmean);
    }
}

static enum snas_status plan(struct snas_net *net, struct snas_unit *unit, struct snas_err *err)
{
    const struct snas_block *b = &net->network->blocks[unit->index];
    const struct snas_tensor *in = &net->network->tensors[b->in];
    struct head *h = unit->state = snas_alloc(1, sizeof *h, err);
    unit->forward = snas_alloc(1, sizeof *unit->forward, err);
    unit->backward = snas_alloc(1, sizeof *unit->backward, err);
    if (!h || !unit->forward || !unit->backward)
        return SNAS_E_NOMEM;
    h->linear = &net->network->layers[b->first_layer + 1];
    h->self[0] = b->in;
    h->parts = in->n_parts ? in->parts : h->self;
    h->n_parts = in->n_parts ? in->n_parts : 1;
    h->c = in->shape.c;
    h->pixels = in->shape.h * in->shape.w;
    h->classes = h->linear->out.c;
    h->logits = b->out;
    h->mean_at = snas_net_reserve(net, (size_t)net->options.batch * (size_t)h->c * sizeof *h->mean);
    snas_net_want_scratch(net, ((size_t)h->c + (size_t)h->classes) * sizeof(double));
    unit->forward[unit->n_forward++] =
        (struct snas_pass){.name = "head forward", .run = run_forward};
    unit->backward[unit->n_backward++] =
        (struct snas_pass){.name = "head backward", .run = run_backward};
    return SNAS_OK;
}

static void bind(struct snas_net *net, struct snas_unit *unit)
{
    struct head *h = unit->state;
    h->mean = snas_arena_at(&net->arena, h->mean_at);
}

static void destroy(struct snas_unit *unit)
{
    snas_free(unit->state);
    unit->state = NULL;
}

const struct snas_unit_ops snas_unit_head = {
    .name = "head", .isa = isa, .accepts = accepts, .plan = plan, .bind = bind, .destroy = destroy};

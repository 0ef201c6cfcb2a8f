/* A step: forward, loss, backward. */
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "base/threads.h"
#include "net/unit.h"

void snas_group_range(int n, int group, int *first, int *count)
{
    /* Where groups begin, in 16ths of the batch: six of 2, four of 1. */
    static const int begins[SNAS_GROUPS + 1] = {0, 2, 4, 6, 8, 10, 12, 13, 14, 15, 16};
    int begin = (int)((int64_t)n * begins[group] / 16);
    *first = begin;
    *count = (int)((int64_t)n * begins[group + 1] / 16) - begin;
}

double snas_net_z(const struct snas_net *net, int edge, int op)
{
    return net->run.z[net->network->edges[edge].z + op];
}

const double *snas_net_keep(const struct snas_net *net, int block)
{
    const struct snas_block *b = &net->network->blocks[block];
    if (!net->drop || b->op < 0 || b->n_layers == 0)
        return NULL;
    return net->keep + (size_t)block * (size_t)net->options.batch;
}

/* Passes that follow each other group by group: all but the last are without finalise. */
enum { LINKS = 4 };
struct job {
    struct snas_net *net;
    int n;
    struct {
        struct snas_unit *unit;
        const struct snas_pass *pass;
    } link[LINKS];
};

static int pieces_of(const struct snas_pass *pass)
{
    return pass->pieces > 1 ? pass->pieces : 1;
}

static void run_task(int task, int worker, void *arg)
{
    const struct job *job = arg;
    for (int i = 0; i < job->n; i++)
        job->link[i].pass->run(job->net, job->link[i].unit, job->link[i].pass, task, worker);
}

static void run_part(int part, int worker, void *arg)
{
    const struct job *job = arg;
    const struct snas_pass *pass = job->link[job->n - 1].pass;
    pass->finalise(job->net, job->link[job->n - 1].unit, pass, part, worker);
}

/* Runs the open job. */
static void run_job(struct job *job)
{
    if (job->n == 0)
        return;
    struct snas_net *net = job->net;
    struct snas_unit *unit = job->link[job->n - 1].unit;
    const struct snas_pass *pass = job->link[job->n - 1].pass;
    double at[3] = {snas_profile_now(net)};
    snas_parallel(net->options.threads, SNAS_GROUPS * pieces_of(pass), run_task, job);
    at[1] = snas_profile_now(net);
    if (pass->finalise)
        snas_parallel(net->options.threads, pass->parts, run_part, job);
    at[2] = snas_profile_now(net);
    snas_profile_pass(net, unit, pass, at);
    job->n = 0;
}

/* Whether the pass may follow the open job group by group; a profile wants each by itself. A unit
 * that shares what it saves writes over what groups of another still read. */
static int joins(const struct job *job, const struct snas_unit *unit, const struct snas_pass *pass)
{
    const struct snas_unit *before = job->link[job->n - 1].unit;
    const struct snas_pass *last = job->link[job->n - 1].pass;
    return !job->net->profile && job->n < LINKS && !last->finalise && before->ops->joins &&
           unit->ops->joins && before->shared_bytes == 0 && unit->shared_bytes == 0 &&
           pieces_of(last) == 1 && pieces_of(pass) == 1;
}

/* Adds a unit's passes to the open job or opens new ones; the last one stays open. */
static void run_passes(struct job *job, struct snas_unit *unit, const struct snas_pass *passes,
                       int n)
{
    for (int i = 0; i < n; i++) {
        if (job->n > 0 && !joins(job, unit, &passes[i]))
            run_job(job);
        job->link[job->n].unit = unit;
        job->link[job->n++].pass = &passes[i];
    }
}

static void prepare_unit(int unit, int worker, void *arg)
{
    (void)worker;
    struct snas_net *net = arg;
    if (net->units[unit].ops->prepare)
        net->units[unit].ops->prepare(net, &net->units[unit]);
}

static enum snas_status check_forward(const struct snas_net *net, const struct snas_forward *f,
                                      struct snas_err *err)
{
    const struct snas_batch *b = &f->batch;
    if (b->n < 1 || b->n > net->options.batch)
        return snas_fail(err, SNAS_E_ARG, "a batch of %d images: 1..%d were planned", b->n,
                         net->options.batch);
    if (!b->images)
        return snas_fail(err, SNAS_E_ARG, "a batch without images");
    int classes = net->network->options.classes;
    for (int i = 0; b->labels && i < b->n; i++)
        if (b->labels[i] < 0 || b->labels[i] >= classes)
            return snas_fail(err, SNAS_E_ARG, "label %d of image %d: the classes are 0..%d",
                             b->labels[i], i, classes - 1);
    for (int i = 0; f->z && i < net->network->n_z; i++)
        if (!isfinite(f->z[i]))
            return snas_fail(err, SNAS_E_NUMERIC, "z[%d] is not finite", i);
    return SNAS_OK;
}

/* The step's own copy of what the backward needs too (the images stay the caller's). */
static void take_step(struct snas_net *net, const struct snas_forward *f)
{
    net->run = *f;
    net->run.z = net->z;
    for (int i = 0; i < net->network->n_z; i++)
        net->z[i] = f->z ? f->z[i] : 1;
    net->labelled = f->batch.labels != NULL;
    net->run.batch.labels = net->labels;
    if (net->labelled)
        memcpy(net->labels, f->batch.labels, (size_t)f->batch.n * sizeof *net->labels);
    memcpy(&net->value[net->network->input], &f->batch.images, sizeof(void *));
}

/* A block's masks are a stream of their own: what else is live does not change them. */
static void draw_masks(struct snas_net *net)
{
    net->drop = net->keep && (net->run.bn == SNAS_BN_BATCH || net->run.bn == SNAS_BN_BATCH_UPDATE);
    if (!net->drop)
        return;
    double p = net->options.drop_path;
    uint64_t n_blocks = (uint64_t)net->network->n_blocks;
    for (int b = 0; b < net->network->n_blocks; b++) {
        if (!net->live_block[b] || !snas_net_keep(net, b))
            continue;
        double *keep = net->keep + (size_t)b * (size_t)net->options.batch;
        struct snas_rng rng = snas_rng_make(net->run.seed, SNAS_STREAM_DROP_PATH,
                                            net->run.step * n_blocks + (uint64_t)b);
        for (int i = 0; i < net->run.batch.n; i++)
            keep[i] = snas_rng_uniform(&rng) < p ? 0 : 1 / (1 - p);
    }
}

/* Bytes of a tensor for the images of this step. */
static size_t step_bytes(const struct snas_net *net, int tensor)
{
    const struct snas_shape *s = &net->network->tensors[tensor].shape;
    return (size_t)net->run.batch.n * (size_t)s->c * (size_t)s->h * (size_t)s->w * net->real;
}

static double logit(const struct snas_net *net, int image, int k)
{
    size_t at = (size_t)image * (size_t)net->network->options.classes + (size_t)k;
    const void *p = net->value[net->network->logits];
    return net->real == sizeof(double) ? ((const double *)p)[at] : (double)((const float *)p)[at];
}

/* ln sum exp of an image's logits. */
static double log_sum(const struct snas_net *net, int image)
{
    int classes = net->network->options.classes;
    double top = logit(net, image, 0), sum = 0;
    for (int k = 1; k < classes; k++)
        top = fmax(top, logit(net, image, k));
    for (int k = 0; k < classes; k++)
        sum += exp(logit(net, image, k) - top);
    return top + log(sum);
}

/* Share of class k in an image's target: label smoothing spreads evenly over all classes. */
static double target(const struct snas_net *net, int image, int k)
{
    double s = net->options.label_smoothing;
    return s / net->network->options.classes + (net->labels[image] == k ? 1 - s : 0);
}

static void measure_loss(const struct snas_net *net, struct snas_loss *out)
{
    int classes = net->network->options.classes, n = net->run.batch.n;
    for (int i = 0; i < n; i++) {
        double norm = log_sum(net, i), own = logit(net, i, net->labels[i]);
        int best = 1;
        for (int k = 0; k < classes; k++) {
            double t = target(net, i, k);
            if (t > 0)
                out->loss += t * (norm - logit(net, i, k)) / n;
            /* Of equal logits the first counts. */
            best &= k == net->labels[i] ||
                    (k < net->labels[i] ? logit(net, i, k) < own : logit(net, i, k) <= own);
        }
        out->correct += best;
    }
}

enum snas_status snas_net_forward(struct snas_net *net, const struct snas_forward *f,
                                  struct snas_loss *out, struct snas_err *err)
{
    *out = (struct snas_loss){0};
    net->forward_done = 0;
    enum snas_status status = check_forward(net, f, err);
    if (status != SNAS_OK)
        return status;
    double since = snas_profile_now(net);
    take_step(net, f);
    snas_net_find_live(net);
    draw_masks(net);
    if (f->bn == SNAS_BN_RUNNING)
        snas_net_use_running(net);
    for (int t = 0; t < net->network->n_tensors; t++)
        if (net->zero_tensor[t])
            memset(net->value[t], 0, step_bytes(net, t));
    snas_profile_stretch(net, "begin", 0, &since);
    snas_parallel(net->options.threads, net->n_units, prepare_unit, net);
    snas_profile_stretch(net, "prepare", 0, &since);
    struct job job = {.net = net};
    for (int i = 0; i < net->n_units; i++) {
        run_passes(&job, &net->units[i], net->units[i].forward, net->units[i].n_forward);
        if (net->units[i].shared_bytes > 0)
            net->saved_unit = i;
    }
    run_job(&job);
    if (net->labelled)
        measure_loss(net, out);
    if (!isfinite(out->loss))
        return snas_fail(err, SNAS_E_NUMERIC, "the loss is not finite");
    net->forward_done = 1;
    return SNAS_OK;
}

const void *snas_net_logits(const struct snas_net *net)
{
    return net->value[net->network->logits];
}

const void *snas_net_tensor(const struct snas_net *net, int tensor)
{
    return net->live_tensor[tensor] ? net->value[tensor] : NULL;
}

/* ---- backward ---- */

/* d loss / d logits = (softmax - target) / n. */
static void loss_gradient(struct snas_net *net)
{
    int classes = net->network->options.classes, n = net->run.batch.n;
    void *d = net->dvalue[net->network->logits];
    for (int i = 0; i < n; i++) {
        double norm = log_sum(net, i);
        for (int k = 0; k < classes; k++) {
            double v = (exp(logit(net, i, k) - norm) - target(net, i, k)) / n;
            size_t at = (size_t)i * (size_t)classes + (size_t)k;
            if (net->real == sizeof(double))
                ((double *)d)[at] = v;
            else
                ((float *)d)[at] = (float)v;
        }
    }
}

/* The unit's backward is done: its gradients over all groups. */
static void end_unit(struct snas_net *net, const struct snas_unit *unit)
{
    double since = snas_profile_now(net);
    snas_net_sum_gradients(net, unit);
    snas_profile_stretch(net, "sum of groups", 1, &since);
    if (unit->kind == SNAS_UNIT_CELL && net->back->after_cell)
        net->back->after_cell(unit->index, net->back->arg);
}

static void fill_dz(const struct snas_net *net, const struct snas_backward *b)
{
    const struct snas_network *network = net->network;
    for (int e = 0; e < network->n_edges; e++) {
        double credit = 0;
        for (int i = network->edges[e].z; i < network->edges[e].z + network->edges[e].n_ops; i++) {
            double dz = snas_group_sum(net->group_dz + i, (size_t)network->n_z);
            if (b->dz)
                b->dz[i] = dz;
            credit += net->run.z[i] * dz;
        }
        if (b->credit)
            b->credit[e] = credit;
    }
}

/* What the unit's forward saved is there: still, or again. */
static void restore_saved(struct snas_net *net, int unit)
{
    if (net->units[unit].shared_bytes == 0)
        return;
    net->again = 1;
    struct job job = {.net = net};
    if (net->saved_unit != unit)
        run_passes(&job, &net->units[unit], net->units[unit].forward, net->units[unit].n_forward);
    run_job(&job);
    net->again = 0;
    net->saved_unit = -1; /* a backward writes over it */
}

enum snas_status snas_net_backward(struct snas_net *net, const struct snas_backward *b,
                                   struct snas_err *err)
{
    if (!net->options.training)
        return snas_fail(err, SNAS_E_STATE, "backward on a net that was not made for training");
    if (!net->forward_done || !net->labelled)
        return snas_fail(err, SNAS_E_STATE, "backward without a forward that had a loss");
    if (net->run.bn != SNAS_BN_BATCH && net->run.bn != SNAS_BN_BATCH_UPDATE)
        return snas_fail(err, SNAS_E_STATE, "backward needs a forward with batch statistics");
    net->forward_done = 0; /* the backward writes over what the forward saved */
    net->back = b;
    net->dvalue[net->network->input] = b->dimages;
    double since = snas_profile_now(net);
    snas_net_zero_gradients(net);
    loss_gradient(net);
    snas_profile_stretch(net, "zero", 1, &since);
    struct job job = {.net = net};
    int ended = net->n_units - 1;
    for (int i = ended; i >= 0; i--) {
        if (net->units[i].shared_bytes > 0)
            run_job(&job);
        restore_saved(net, i);
        run_passes(&job, &net->units[i], net->units[i].backward, net->units[i].n_backward);
        for (; ended > i && job.link[0].unit < &net->units[ended]; ended--)
            end_unit(net, &net->units[ended]);
    }
    run_job(&job);
    for (; ended >= 0; ended--)
        end_unit(net, &net->units[ended]);
    fill_dz(net, b);
    net->back = NULL;
    net->dvalue[net->network->input] = NULL;
    return SNAS_OK;
}

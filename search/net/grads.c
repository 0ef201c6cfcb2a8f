/* Gradients of a backward: who zeroes them, and the sums of weight gradients over the groups. What
 * a unit zeroes itself it zeroes where it is about to add: in a cache, not in memory. */
#include <string.h>

#include "base/threads.h"
#include "net/unit.h"

enum { STRETCH_VALUES = 16384 }; /* at most: the groups' rows of it fit L2 */

/* [*begin, *end) of a block's parameters in theta; 0: it has none. */
static int params_of(const struct snas_net *net, int block, size_t *begin, size_t *end)
{
    const struct snas_block *b = &net->network->blocks[block];
    int n = 0;
    *begin = *end = 0;
    for (int i = b->first_layer; i < b->first_layer + b->n_layers; i++) {
        const int params[2] = {net->network->layers[i].weight, net->network->layers[i].bias};
        for (int k = 0; k < 2; k++) {
            if (params[k] < 0)
                continue;
            const size_t at = net->param_offset[params[k]];
            *begin = n++ ? *begin : at;
            *end = at + net->network->params[params[k]].count;
        }
    }
    return n > 0;
}

/* Counts a block's stretches, or, once there is room, writes them. */
static void cut_block(const struct snas_net *net, int block, void *arg)
{
    struct snas_unit *unit = arg;
    size_t begin, end;
    if (!params_of(net, block, &begin, &end))
        return;
    for (size_t at = begin; at < end; at += STRETCH_VALUES) {
        const size_t to = end - at > STRETCH_VALUES ? at + STRETCH_VALUES : end;
        if (net->stretches)
            net->stretches[unit->first_stretch + unit->n_stretches] =
                (struct snas_stretch){at, to, block};
        unit->n_stretches++;
    }
}

static enum snas_status cut_stretches(struct snas_net *net, struct snas_err *err)
{
    int n = 0;
    for (int i = 0; i < net->n_units; i++) {
        struct snas_unit *unit = &net->units[i];
        snas_unit_blocks(net, unit, cut_block, unit);
        unit->first_stretch = n;
        n += unit->n_stretches;
        unit->n_stretches = 0;
    }
    net->stretches = snas_alloc((size_t)n, sizeof *net->stretches, err);
    if (!net->stretches)
        return SNAS_E_NOMEM;
    for (int i = 0; i < net->n_units; i++)
        snas_unit_blocks(net, &net->units[i], cut_block, &net->units[i]);
    return SNAS_OK;
}

struct readers {
    struct snas_net *net;
    int unit;
    int *tensor; /* [n_tensors] through which the last unit reads it; -1: through several */
};

static void read_by(struct readers *r, int value, int through)
{
    struct snas_net *net = r->net;
    const int again = net->zeroed_by[value] == r->unit;
    r->tensor[value] = again && r->tensor[value] != through ? -1 : through;
    net->zeroed_by[value] = r->unit;
}

static void note_block(const struct snas_net *net, int block, void *arg)
{
    struct readers *r = arg;
    const int in = net->network->blocks[block].in;
    const struct snas_tensor *t = &net->network->tensors[in];
    for (int i = 0; i < t->n_parts; i++)
        read_by(r, t->parts[i], in);
    if (t->n_parts == 0)
        read_by(r, in, in);
}

static enum snas_status share_zeroing(struct snas_net *net, struct snas_err *err)
{
    const struct snas_network *network = net->network;
    struct readers r = {.net = net};
    r.tensor = snas_alloc((size_t)network->n_tensors, sizeof *r.tensor, err);
    if (!r.tensor)
        return SNAS_E_NOMEM;
    for (int t = 0; t < network->n_tensors; t++)
        net->zeroed_by[t] = -1;
    for (r.unit = 0; r.unit < net->n_units; r.unit++)
        snas_unit_blocks(net, &net->units[r.unit], note_block, &r);
    for (int t = 0; t < network->n_tensors; t++) {
        const int unit = net->zeroed_by[t];
        if (unit >= 0 && (!net->units[unit].ops->zeroes || r.tensor[t] < 0 || t == network->input))
            net->zeroed_by[t] = -1;
    }
    snas_free(r.tensor);
    return SNAS_OK;
}

enum snas_status snas_net_plan_gradients(struct snas_net *net, struct snas_err *err)
{
    if (!net->options.training)
        return SNAS_OK;
    enum snas_status status = cut_stretches(net, err);
    return status == SNAS_OK ? share_zeroing(net, err) : status;
}

static void zero_group(int group, int worker, void *arg)
{
    (void)worker;
    struct snas_net *net = arg;
    size_t n_z = (size_t)net->network->n_z;
    memset(net->group_dz + (size_t)group * n_z, 0, n_z * sizeof *net->group_dz);
    for (int i = 0; i < net->n_units; i++) {
        const struct snas_unit *unit = &net->units[i];
        if (!unit->ops->zeroes)
            memset((unsigned char *)net->group_grad +
                       ((size_t)group * net->n_theta + unit->theta_begin) * net->real,
                   0, (unit->theta_end - unit->theta_begin) * net->real);
    }
    int first, count;
    snas_group_range(net->run.batch.n, group, &first, &count);
    for (int t = 0; t < net->network->n_tensors; t++) {
        const struct snas_shape *s = &net->network->tensors[t].shape;
        size_t image = (size_t)s->c * (size_t)s->h * (size_t)s->w * net->real;
        if (net->dvalue[t] && net->zeroed_by[t] < 0)
            memset((unsigned char *)net->dvalue[t] + (size_t)first * image, 0,
                   (size_t)count * image);
    }
}

void snas_net_zero_gradients(struct snas_net *net)
{
    snas_parallel(net->options.threads, SNAS_GROUPS, zero_group, net);
}

struct sum_job {
    struct snas_net *net;
    const struct snas_unit *unit;
};

/* A block's weights, in pieces; one that was not computed has no gradient and no rows to read. */
static void sum_stretch(int part, int worker, void *arg)
{
    (void)worker;
    const struct sum_job *job = arg;
    const struct snas_net *net = job->net;
    const struct snas_stretch *s = &net->stretches[job->unit->first_stretch + part];
    if (!net->live_block[s->block])
        memset((unsigned char *)net->grad + s->begin * net->real, 0,
               (s->end - s->begin) * net->real);
    else if (net->real == sizeof(double))
        snas_sum_groups_f64(net->group_grad, net->n_theta, s->begin, s->end, net->grad);
    else
        snas_sum_groups_f32(net->group_grad, net->n_theta, s->begin, s->end, net->grad);
}

void snas_net_sum_gradients(struct snas_net *net, const struct snas_unit *unit)
{
    struct sum_job job = {net, unit};
    snas_parallel(net->options.threads, unit->n_stretches, sum_stretch, &job);
}

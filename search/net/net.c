/* The plan: which implementation runs which unit, what memory all of it takes, and the report. */
#include "net/net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "kernels/kernels.h"
#include "net/unit.h"

/* Implementations, fastest first; the reference takes everything. */
static const struct snas_unit_ops *const f32_units[] = {&snas_unit_fast, &snas_unit_head,
                                                        &snas_unit_ref_f32, NULL};
static const struct snas_unit_ops *const f64_units[] = {&snas_unit_ref_f64, NULL};

enum { ALIGN_VALUES = 16, ALIGN_BYTES = 64 }; /* what is placed starts on cache lines */

void snas_net_options_default(struct snas_net_options *o)
{
    *o = (struct snas_net_options){
        .batch = 64, .training = 1, .bn_eps = 1e-5, .bn_momentum = 0.1, .engine = SNAS_ENGINE_AUTO};
}

static enum snas_status check_options(const struct snas_net_options *o, struct snas_err *err)
{
    if (o->batch < 1)
        return snas_fail(err, SNAS_E_ARG, "batch %d: at least 1 is needed", o->batch);
    if (o->threads < 0)
        return snas_fail(err, SNAS_E_ARG, "threads %d: cannot be negative", o->threads);
    if (!(o->bn_eps > 0))
        return snas_fail(err, SNAS_E_ARG, "bn_eps %g: must be above 0", o->bn_eps);
    if (!(o->bn_momentum >= 0 && o->bn_momentum <= 1))
        return snas_fail(err, SNAS_E_ARG, "bn_momentum %g: must be in 0..1", o->bn_momentum);
    if (!(o->label_smoothing >= 0 && o->label_smoothing <= 1))
        return snas_fail(err, SNAS_E_ARG, "label_smoothing %g: must be in 0..1",
                         o->label_smoothing);
    if (!(o->drop_path >= 0 && o->drop_path < 1))
        return snas_fail(err, SNAS_E_ARG, "drop_path %g: must be at least 0 and below 1",
                         o->drop_path);
    return snas_kernels_check(err);
}

size_t snas_net_reserve(struct snas_net *net, size_t bytes)
{
    return snas_arena_reserve(&net->arena, bytes + 64);
}

size_t snas_net_reserve_saved(struct snas_net *net, struct snas_unit *unit, size_t bytes)
{
    if (!unit->shares)
        return snas_net_reserve(net, bytes);
    size_t at = unit->shared_bytes;
    unit->shared_bytes += (bytes + 64 + ALIGN_BYTES - 1) / ALIGN_BYTES * ALIGN_BYTES;
    if (unit->shared_bytes > net->saved_bytes)
        net->saved_bytes = unit->shared_bytes;
    return at;
}

unsigned char *snas_net_saved_base(const struct snas_net *net, const struct snas_unit *unit)
{
    return unit->shares ? net->saved : net->arena.base;
}

void snas_net_want_temp(struct snas_net *net, size_t bytes)
{
    if (bytes > net->temp_bytes)
        net->temp_bytes = bytes;
}

void snas_net_want_scratch(struct snas_net *net, size_t bytes)
{
    if (bytes > net->scratch_bytes)
        net->scratch_bytes = bytes;
}

static size_t tensor_bytes(const struct snas_net *net, int tensor)
{
    const struct snas_shape *s = &net->network->tensors[tensor].shape;
    return (size_t)net->options.batch * (size_t)s->c * (size_t)s->h * (size_t)s->w * net->real;
}

/* Whether the plan keeps a value for it: concatenations have parts, the images are the caller's. */
static int has_storage(const struct snas_net *net, int tensor)
{
    return tensor != net->network->input && net->network->tensors[tensor].n_parts == 0;
}

static int is_statistic(const struct snas_param *p)
{
    return p->kind == SNAS_PARAM_MEAN || p->kind == SNAS_PARAM_VAR;
}

static void place_params(struct snas_net *net)
{
    for (int i = 0; i < net->network->n_params; i++) {
        size_t *end = is_statistic(&net->network->params[i]) ? &net->n_stats : &net->n_theta;
        net->param_offset[i] = *end;
        *end += (net->network->params[i].count + ALIGN_VALUES - 1) / ALIGN_VALUES * ALIGN_VALUES;
    }
    size_t before = net->arena.reserved;
    net->theta_at = snas_net_reserve(net, net->n_theta * net->real);
    net->stats_at = snas_net_reserve(net, net->n_stats * net->real);
    if (net->options.training) {
        net->grad_at = snas_net_reserve(net, net->n_theta * net->real);
        net->group_grad_at = snas_net_reserve(net, SNAS_GROUPS * net->n_theta * net->real);
    }
    net->parameter_bytes = net->arena.reserved - before;
}

/* Everything of fixed size that a step needs besides tensors. */
static void place_step(struct snas_net *net)
{
    const struct snas_network *network = net->network;
    for (int i = 0; i < network->n_layers; i++)
        if (network->layers[i].step.kind == SNAS_STEP_BN)
            net->n_bn += (size_t)network->layers[i].in.c;
    net->bn_at = snas_net_reserve(net, 4 * net->n_bn * sizeof(double));
    if (net->options.training)
        net->dz_at = snas_net_reserve(net, SNAS_GROUPS * (size_t)network->n_z * sizeof(double));
    if (net->options.training && net->options.drop_path > 0)
        net->keep_at = snas_net_reserve(net, (size_t)network->n_blocks *
                                                 (size_t)net->options.batch * sizeof(double));
}

static void place_tensor(struct snas_net *net, struct snas_unit *unit, int tensor)
{
    if (!has_storage(net, tensor))
        return;
    size_t before = net->arena.reserved;
    net->value_at[tensor] = snas_net_reserve(net, tensor_bytes(net, tensor));
    if (net->options.training)
        net->dvalue_at[tensor] = snas_net_reserve(net, tensor_bytes(net, tensor));
    unit->bytes += net->arena.reserved - before;
}

static void place_unit_tensors(struct snas_net *net, struct snas_unit *unit)
{
    if (unit->kind != SNAS_UNIT_CELL) {
        place_tensor(net, unit, net->network->blocks[unit->index].out);
        return;
    }
    const struct snas_cell *cell = &net->network->cells[unit->index];
    for (int i = 0; i < cell->inputs + cell->n_nodes; i++)
        if (i >= cell->inputs || cell->n_pre[i] > 0) /* else it is another unit's */
            place_tensor(net, unit, cell->slot[i]);
}

/* Multiply-adds of one image. */
static double layer_madds(const struct snas_layer *l)
{
    double pixels = (double)l->out.h * l->out.w, c = l->in.c, oc = l->out.c;
    switch (l->step.kind) {
    case SNAS_STEP_DEPTHWISE:
        return pixels * c * l->step.kh * l->step.kw;
    case SNAS_STEP_POINTWISE:
    case SNAS_STEP_CONV:
    case SNAS_STEP_FACTORIZED_REDUCE:
    case SNAS_STEP_LINEAR:
        return pixels * c * oc * l->step.kh * l->step.kw;
    default:
        return 0;
    }
}

/* Forward, and in a net that trains weight gradient, and input gradient where there is one. */
double snas_net_block_flops(const struct snas_net *net, int block)
{
    const struct snas_block *b = &net->network->blocks[block];
    int times = !net->options.training ? 1 : b->in == net->network->input ? 2 : 3;
    double madds = 0;
    for (int i = b->first_layer; i < b->first_layer + b->n_layers; i++)
        madds += layer_madds(&net->network->layers[i]);
    return 2 * times * madds;
}

/* Adds a block to its unit: arithmetic, and where its parameters lie. */
static void count_block(const struct snas_net *net, int block, void *arg)
{
    struct snas_unit *unit = arg;
    const struct snas_network *network = net->network;
    const struct snas_block *b = &network->blocks[block];
    unit->flops += snas_net_block_flops(net, block);
    for (int i = b->first_layer; i < b->first_layer + b->n_layers; i++) {
        const struct snas_layer *l = &network->layers[i];
        const int params[2] = {l->weight, l->bias};
        for (int k = 0; k < 2; k++) {
            if (params[k] < 0)
                continue;
            size_t at = net->param_offset[params[k]];
            size_t end = at + network->params[params[k]].count;
            if (unit->theta_end == 0)
                unit->theta_begin = at;
            if (at < unit->theta_end)
                SNAS_BUG("parameters of %s are out of order", unit->name);
            unit->theta_end = end;
        }
    }
}

void snas_unit_blocks(const struct snas_net *net, const struct snas_unit *unit,
                      void (*fn)(const struct snas_net *net, int block, void *arg), void *arg)
{
    if (unit->kind != SNAS_UNIT_CELL) {
        fn(net, unit->index, arg);
        return;
    }
    const struct snas_cell *cell = &net->network->cells[unit->index];
    for (int i = 0; i < cell->inputs; i++)
        for (int p = 0; p < cell->n_pre[i]; p++)
            fn(net, cell->pre[i] + p, arg);
    for (int i = cell->first_edge; i < cell->first_edge + cell->n_edges; i++)
        for (int k = 0; k < net->network->edges[i].n_ops; k++)
            fn(net, net->network->edges[i].first_block + k, arg);
}

static const struct snas_unit_ops *choose(const struct snas_net *net, const struct snas_unit *unit)
{
    const char *forced = getenv("SNAS_ISA");
    int reference = net->options.engine == SNAS_ENGINE_REF || (forced && !strcmp(forced, "ref"));
    const struct snas_unit_ops *const *list =
        net->options.precision == SNAS_PRECISION_F64 ? f64_units : f32_units;
    for (; *list; list++)
        if ((!reference || !list[1]) && (*list)->accepts(net, unit))
            return *list;
    SNAS_BUG("nobody runs %s", unit->name);
}

static enum snas_status plan_unit(struct snas_net *net, enum snas_unit_kind kind, int index,
                                  const char *name, struct snas_err *err)
{
    struct snas_unit *unit = &net->units[net->n_units++];
    unit->kind = kind;
    unit->index = index;
    snprintf(unit->name, sizeof unit->name, "%.39s", name);
    unit->shares = net->n_units <= net->n_lean;
    place_unit_tensors(net, unit);
    snas_unit_blocks(net, unit, count_block, unit);
    unit->ops = choose(net, unit);
    size_t before = net->arena.reserved;
    enum snas_status status = unit->ops->plan(net, unit, err);
    unit->bytes += net->arena.reserved - before;
    return status;
}

static enum snas_status plan_units(struct snas_net *net, struct snas_err *err)
{
    const struct snas_network *network = net->network;
    enum snas_status status = SNAS_OK;
    for (int i = 0; i < network->n_stems && status == SNAS_OK; i++)
        status = plan_unit(net, SNAS_UNIT_STEM, network->stem[i],
                           network->blocks[network->stem[i]].name, err);
    for (int i = 0; i < network->n_cells && status == SNAS_OK; i++) {
        char name[24];
        snprintf(name, sizeof name, "cell%d", i);
        status = plan_unit(net, SNAS_UNIT_CELL, i, name, err);
    }
    if (status == SNAS_OK)
        status =
            plan_unit(net, SNAS_UNIT_HEAD, network->head, network->blocks[network->head].name, err);
    return status;
}

/* A row per pointer of struct snas_net that the plan allocates itself: small things. */
static enum snas_status allocate_tables(struct snas_net *net, struct snas_err *err)
{
    const struct snas_network *n = net->network;
    const struct {
        void *at;
        size_t count, size;
    } tables[] = {
        {&net->param_offset, (size_t)n->n_params, sizeof(size_t)},
        {&net->value, (size_t)n->n_tensors, sizeof(void *)},
        {&net->dvalue, (size_t)n->n_tensors, sizeof(void *)},
        {&net->zeroed_by, (size_t)n->n_tensors, sizeof(int)},
        {&net->value_at, (size_t)n->n_tensors, sizeof(size_t)},
        {&net->dvalue_at, (size_t)n->n_tensors, sizeof(size_t)},
        {&net->bn, (size_t)n->n_layers, sizeof(struct snas_bn_state)},
        {&net->live_block, (size_t)n->n_blocks, 1},
        {&net->live_tensor, (size_t)n->n_tensors, 1},
        {&net->zero_tensor, (size_t)n->n_tensors, 1},
        {&net->z, (size_t)n->n_z, sizeof(double)},
        {&net->labels, (size_t)net->options.batch, sizeof(int)},
        {&net->units, (size_t)(n->n_stems + n->n_cells + 1), sizeof(struct snas_unit)},
        {&net->worker_scratch, (size_t)net->options.threads, sizeof(void *)},
    };
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        void *p = snas_alloc(tables[i].count, tables[i].size, err);
        if (!p)
            return SNAS_E_NOMEM;
        memcpy(tables[i].at, &p, sizeof p);
    }
    return SNAS_OK;
}

/* Everything but the arena's memory. *out is set (and to be destroyed) on failure too. */
static enum snas_status make_plan(const struct snas_network *network,
                                  const struct snas_net_options *options, int n_lean,
                                  struct snas_net **out, struct snas_err *err)
{
    *out = NULL;
    enum snas_status status = check_options(options, err);
    if (status != SNAS_OK)
        return status;
    const struct snas_shape *logits = &network->tensors[network->logits].shape;
    if (logits->h != 1 || logits->w != 1)
        return snas_fail(err, SNAS_E_UNSUPPORTED,
                         "head: its output is %d x %d, not one value a "
                         "class: a global pool is missing",
                         logits->h, logits->w);
    struct snas_net *net = *out = snas_alloc(1, sizeof *net, err);
    if (!net)
        return SNAS_E_NOMEM;
    net->network = network;
    net->options = *options;
    net->n_lean = n_lean;
    if (options->threads == 0)
        net->options.threads = snas_threads_available();
    net->real = options->precision == SNAS_PRECISION_F64 ? sizeof(double) : sizeof(float);
    status = allocate_tables(net, err);
    if (status != SNAS_OK)
        return status;
    place_params(net);
    place_step(net);
    status = plan_units(net, err);
    if (status == SNAS_OK)
        status = snas_net_plan_gradients(net, err);
    if (status != SNAS_OK)
        return status;
    net->temp_at = snas_net_reserve(net, net->temp_bytes);
    net->saved_at =
        net->saved_bytes ? snas_net_reserve(net, net->saved_bytes) : net->arena.reserved;
    net->scratch_bytes = (net->scratch_bytes + 127) / 64 * 64; /* room for a read beyond the end */
    net->scratch_at = snas_net_reserve(net, net->scratch_bytes * (size_t)net->options.threads);
    return SNAS_OK;
}

static void bind_bn(struct snas_net *net)
{
    double *at = snas_arena_at(&net->arena, net->bn_at);
    for (int i = 0; i < net->network->n_layers; i++) {
        const struct snas_layer *l = &net->network->layers[i];
        if (l->step.kind != SNAS_STEP_BN)
            continue;
        struct snas_bn_state *bn = &net->bn[i];
        double **arrays[] = {&bn->mean, &bn->inv, &bn->sum_mean, &bn->sum_var};
        for (int k = 0; k < 4; k++, at += l->in.c)
            *arrays[k] = at;
    }
}

static void bind_net(struct snas_net *net)
{
    net->theta = snas_arena_at(&net->arena, net->theta_at);
    net->stats = snas_arena_at(&net->arena, net->stats_at);
    net->temp = snas_arena_at(&net->arena, net->temp_at);
    net->saved = snas_arena_at(&net->arena, net->saved_at);
    if (net->options.training) {
        net->grad = snas_arena_at(&net->arena, net->grad_at);
        net->group_grad = snas_arena_at(&net->arena, net->group_grad_at);
        net->group_dz = snas_arena_at(&net->arena, net->dz_at);
        if (net->options.drop_path > 0)
            net->keep = snas_arena_at(&net->arena, net->keep_at);
    }
    for (int t = 0; t < net->network->n_tensors; t++) {
        if (!has_storage(net, t))
            continue;
        net->value[t] = snas_arena_at(&net->arena, net->value_at[t]);
        if (net->options.training)
            net->dvalue[t] = snas_arena_at(&net->arena, net->dvalue_at[t]);
    }
    for (int i = 0; i < net->options.threads; i++)
        net->worker_scratch[i] =
            snas_arena_at(&net->arena, net->scratch_at + (size_t)i * net->scratch_bytes);
    bind_bn(net);
    for (int i = 0; i < net->n_units; i++)
        if (net->units[i].ops->bind)
            net->units[i].ops->bind(net, &net->units[i]);
}

static enum snas_status plan_lean(const struct snas_network *network,
                                  const struct snas_net_options *options, int n_lean,
                                  struct snas_net **out, struct snas_err *err)
{
    snas_net_destroy(*out);
    return make_plan(network, options, n_lean, out, err);
}

/* A unit that shares costs a second forward: as few as the limit asks for, from the first on, which
 * are the largest. More of them never need more memory. */
enum snas_status snas_net_make_plan(const struct snas_network *network,
                                    const struct snas_net_options *options, struct snas_net **out,
                                    struct snas_err *err)
{
    int fits = network->n_stems + network->n_cells, not_enough = 0;
    *out = NULL;
    if (!options->training) /* nothing outlives its unit, the head's included */
        return plan_lean(network, options, fits + 1, out, err);
    if (options->memory == SNAS_MEMORY_LEAN)
        return plan_lean(network, options, fits, out, err);
    enum snas_status status = plan_lean(network, options, 0, out, err);
    if (status != SNAS_OK || options->memory == SNAS_MEMORY_NORMAL || options->memory_limit == 0 ||
        (*out)->arena.reserved <= options->memory_limit)
        return status;
    while (status == SNAS_OK && fits > not_enough + 1) {
        int n = not_enough + (fits - not_enough) / 2;
        status = plan_lean(network, options, n, out, err);
        if (status == SNAS_OK && (*out)->arena.reserved <= options->memory_limit)
            fits = n;
        else
            not_enough = n;
    }
    return status == SNAS_OK ? plan_lean(network, options, fits, out, err) : status;
}

enum snas_status snas_net_create(const struct snas_network *network,
                                 const struct snas_net_options *options, struct snas_net **out,
                                 struct snas_err *err)
{
    struct snas_net *net;
    *out = NULL;
    enum snas_status status = snas_net_make_plan(network, options, &net, err);
    if (status == SNAS_OK && options->memory_limit > 0 &&
        net->arena.reserved > options->memory_limit)
        status = snas_plan_refuse(net, err);
    if (status == SNAS_OK)
        status = snas_arena_commit(&net->arena, err);
    if (status != SNAS_OK) {
        snas_net_destroy(net);
        return status;
    }
    bind_net(net);
    *out = net;
    return SNAS_OK;
}

void snas_net_destroy(struct snas_net *net)
{
    if (!net)
        return;
    for (int i = 0; i < net->n_units; i++) {
        struct snas_unit *unit = &net->units[i];
        if (unit->ops)
            unit->ops->destroy(unit);
        snas_free(unit->forward);
        snas_free(unit->backward);
    }
    void *tables[] = {net->param_offset,   net->value,     net->dvalue,     net->value_at,
                      net->dvalue_at,      net->bn,        net->live_block, net->live_tensor,
                      net->zero_tensor,    net->z,         net->labels,     net->units,
                      net->worker_scratch, net->zeroed_by, net->stretches};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        snas_free(tables[i]);
    snas_arena_clear(&net->arena);
    snas_free(net);
}

const struct snas_network *snas_net_network(const struct snas_net *net)
{
    return net->network;
}

enum snas_precision snas_net_precision(const struct snas_net *net)
{
    return net->options.precision;
}

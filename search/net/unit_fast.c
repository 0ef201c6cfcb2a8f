/* The vectorised units: what they take, their memory and passes. */
#include <string.h>

#include "net/unit_fast.h"

static const char *isa(void)
{
    const struct snas_kernels *k = snas_kernels_get();
    return k ? k->isa : "ref";
}

static int accepts(const struct snas_net *net, const struct snas_unit *unit)
{
    int segments;
    return net->real == sizeof(float) && snas_kernels_get() != NULL &&
           snas_fast_count(net, unit, &segments);
}

static size_t bytes_of(const struct snas_net *net, int h, int w, int c)
{
    return (size_t)net->options.batch * (size_t)h * (size_t)w * (size_t)c * sizeof(float);
}

static size_t take(size_t *end, size_t n)
{
    size_t at = *end;
    *end += (n + SNAS_K_LANES - 1) / SNAS_K_LANES * SNAS_K_LANES;
    return at;
}

static void place_norm(struct snas_fast *f, struct snas_fast_norm *norm)
{
    norm->coef = take(&f->n_coefs, 5 * (size_t)norm->cp);
    norm->sum = take(&f->n_sums, 2 * (size_t)norm->cp);
}

static void place_segment(struct snas_net *net, struct snas_unit *unit, struct snas_fast_segment *s,
                          int last)
{
    struct snas_fast *f = unit->state;
    size_t taps = (size_t)s->n_offsets, matrices = s->depthwise >= 0 ? 1 : taps;
    if (s->depthwise >= 0)
        s->w_depthwise = take(&f->n_weights, taps * (size_t)s->kp);
    s->w_matrix = take(&f->n_weights, matrices * (size_t)s->k * (size_t)s->np);
    if (net->options.training)
        s->w_transposed = take(&f->n_weights, matrices * (size_t)s->n * (size_t)s->kp);
    s->y = snas_net_reserve_saved(net, unit, bytes_of(net, s->oh, s->ow, s->np));
    place_norm(f, &s->norm);
    if (last || !net->options.training)
        return;
    /* The next segment's y is dead when the gradient of this one's output is made. */
    const struct snas_fast_segment *next = s + 1;
    s->g = next->y;
    if (next->oh != s->oh || next->ow != s->ow || next->np != s->np)
        s->g = snas_net_reserve_saved(net, unit, bytes_of(net, s->oh, s->ow, s->np));
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Floats that a segment needs of a worker. */
static void measure_segment(const struct snas_fast_segment *s, const struct snas_fast_tile *tile,
                            struct snas_fast_scratch *most)
{
    int c = s->depthwise >= 0 ? s->kp : s->np, pad = 2 * s->gpad;
    size_t taps = (size_t)s->n_offsets, rows = (size_t)snas_fast_band(s);
    size_t widest = (size_t)(s->kp > s->np ? s->kp : s->np);
    most->tile = larger(most->tile, tile->size);
    most->dx = larger(most->dx, (size_t)(s->h + 1) * (size_t)(s->w + 1) * (size_t)s->kp);
    most->g = larger(most->g, (size_t)(s->oh + pad) * (size_t)(s->ow + pad) * (size_t)c);
    most->t = larger(most->t, rows * (size_t)s->ow * widest);
    most->dw = larger(most->dw, larger(s->depthwise >= 0 ? taps * (size_t)s->kp : 0,
                                       (size_t)s->k * (size_t)s->np));
}

/* Whether an identity or a pool reads the slot: not through a tile. */
static int read_whole(const struct snas_fast *f, int slot)
{
    for (int i = 0; i < f->n_blocks; i++)
        if (f->blocks[i].from == slot && f->blocks[i].kind != SNAS_FAST_CONV)
            return 1;
    return 0;
}

/* Lays the worker's scratch out; what a forward needs comes first. */
static void measure(struct snas_net *net, struct snas_fast *f)
{
    struct snas_fast_scratch most = {0}, *s = &f->scratch;
    size_t channels = SNAS_K_CHANNELS;
    for (int i = 0; i < f->n_blocks; i++)
        for (int j = 0; j < f->blocks[i].n; j++) {
            const struct snas_fast_segment *seg = &f->segments[f->blocks[i].first + j];
            measure_segment(seg, j ? &seg->tile : &f->views[f->blocks[i].view].tile, &most);
            channels = larger(channels, (size_t)(seg->kp > seg->np ? seg->kp : seg->np));
        }
    for (int i = 0; i < f->n_slots; i++) {
        size_t pixels = (size_t)f->slots[i].h * (size_t)f->slots[i].w;
        channels = larger(channels, (size_t)f->slots[i].cp);
        if (f->slots[i].made || read_whole(f, i))
            s->image = larger(s->image, pixels * (size_t)f->slots[i].cp);
    }
    for (int i = 0; i < f->n_pools; i++) {
        const struct snas_fast_pool *p = &f->pools[i];
        most.pool = larger(
            most.pool, (size_t)p->c * (size_t)(2 * p->oh * p->ow + 2 * (p->h + 2) * (p->w + 2)));
    }
    size_t end = 0, terms = (size_t)f->n_blocks + 2;
    s->coef = take(&end, terms * (channels + SNAS_K_LANES) + 4 * channels);
    s->tile = take(&end, most.tile);
    s->t = take(&end, most.t);
    s->pool = take(&end, most.pool);
    s->unpacked = take(&end, s->image * terms);
    if (net->options.training) {
        s->dx = take(&end, most.dx);
        s->g = take(&end, most.g);
        s->dy = take(&end, most.t);
        s->dw = take(&end, most.dw);
    }
    s->size = end;
    snas_net_want_scratch(net, end * sizeof(float));
}

static void reserve(struct snas_net *net, struct snas_unit *unit)
{
    struct snas_fast *f = unit->state;
    for (int i = 0; i < f->n_blocks; i++) {
        struct snas_fast_block *b = &f->blocks[i];
        for (int j = b->n - 1; j >= 0; j--)
            place_segment(net, unit, &f->segments[b->first + j], j == b->n - 1);
        if (b->n == 0)
            place_norm(f, &b->own);
    }
    for (int i = 0; i < f->n_pools; i++) {
        struct snas_fast_pool *p = &f->pools[i];
        p->y = snas_net_reserve_saved(net, unit, bytes_of(net, p->oh, p->ow, p->c));
        p->sum = take(&f->n_sums, 2 * (size_t)p->c);
    }
    f->weights_at = snas_net_reserve(net, f->n_weights * sizeof(float));
    f->coefs_at = snas_net_reserve(net, f->n_coefs * sizeof(float));
    f->sums_at = snas_net_reserve(net, SNAS_GROUPS * f->n_sums * sizeof(double));
    measure(net, f);
}

/* Later segments of a group are shared out by blocks, first ones by slots: the unit's own slots
 * have gradients of their own. Bits do not depend on it: a sum has one piece. */
static struct snas_pass make_pass(const struct snas_fast *f, int stage, int level, int backward)
{
    struct snas_pass pass = {.parts = 1, .a = stage, .b = level, .pieces = SNAS_FAST_PIECES};
    if (level == 0) {
        pass.pieces = 0;
        for (int i = 0; i < f->n_slots; i++)
            pass.pieces += f->slots[i].stage == stage;
        if (stage == 0)
            pass.pieces = 1;
    }
    pass.name = backward ? "fast backward" : "fast forward";
    pass.run = backward ? snas_fast_backward_run : snas_fast_forward_run;
    /* What leaves the stage has statistics; what leads to it, sums: nothing leads to stage 0. */
    if (!backward && f->levels[stage] > 0)
        pass.finalise = snas_fast_forward_finish;
    if (backward && (level > 0 || stage > 0))
        pass.finalise = snas_fast_backward_finish;
    return pass;
}

static enum snas_status make_passes(const struct snas_net *net, const struct snas_fast *f,
                                    struct snas_unit *unit, struct snas_err *err)
{
    size_t n = 1;
    for (int s = 0; s < f->n_stages; s++)
        n += (size_t)f->levels[s] + 1;
    unit->forward = snas_alloc(n, sizeof *unit->forward, err);
    unit->backward = snas_alloc(n, sizeof *unit->backward, err);
    if (!unit->forward || !unit->backward)
        return SNAS_E_NOMEM;
    for (int s = 0; s < f->n_stages; s++)
        for (int level = 0; level == 0 || level < f->levels[s]; level++)
            unit->forward[unit->n_forward++] = make_pass(f, s, level, 0);
    for (int s = f->n_stages - 1; net->options.training && s >= 0; s--)
        for (int level = f->levels[s] ? f->levels[s] - 1 : 0; level >= 0; level--)
            unit->backward[unit->n_backward++] = make_pass(f, s, level, 1);
    return SNAS_OK;
}

static enum snas_status plan(struct snas_net *net, struct snas_unit *unit, struct snas_err *err)
{
    struct snas_fast *f = unit->state = snas_alloc(1, sizeof *f, err);
    if (!f)
        return SNAS_E_NOMEM;
    int segments;
    const struct snas_network *network = net->network;
    size_t blocks = SNAS_MAX_INPUTS * SNAS_MAX_PATHS;
    if (unit->kind == SNAS_UNIT_CELL)
        for (int i = 0; i < network->cells[unit->index].n_edges; i++)
            blocks += (size_t)network->edges[network->cells[unit->index].first_edge + i].n_ops;
    snas_fast_count(net, unit, &segments);
    f->k = snas_kernels_get();
    f->blocks = snas_alloc(blocks, sizeof *f->blocks, err);
    f->views = snas_alloc(blocks, sizeof *f->views, err);
    f->pools = snas_alloc(blocks, sizeof *f->pools, err);
    f->segments = snas_alloc((size_t)segments + 1, sizeof *f->segments, err);
    if (!f->blocks || !f->views || !f->pools || !f->segments)
        return SNAS_E_NOMEM;
    if (!snas_fast_build(net, unit, f))
        SNAS_BUG("%s was accepted and cannot be built", unit->name);
    reserve(net, unit);
    return make_passes(net, f, unit, err);
}

static void bind(struct snas_net *net, struct snas_unit *unit)
{
    struct snas_fast *f = unit->state;
    f->weights = snas_arena_at(&net->arena, f->weights_at);
    f->coefs = snas_arena_at(&net->arena, f->coefs_at);
    f->sums = snas_arena_at(&net->arena, f->sums_at);
    f->y_base = snas_net_saved_base(net, unit);
}

static void prepare(struct snas_net *net, struct snas_unit *unit)
{
    struct snas_fast *f = unit->state;
    for (int i = 0; i < f->n_pools; i++)
        f->pools[i].live = 0;
    for (int i = 0; i < f->n_blocks; i++) {
        struct snas_fast_block *b = &f->blocks[i];
        b->live = net->live_block[b->block];
        if (b->live && b->pool >= 0)
            f->pools[b->pool].live = 1;
    }
    snas_fast_prepare_weights(net, f);
}

static void destroy(struct snas_unit *unit)
{
    struct snas_fast *f = unit->state;
    if (!f)
        return;
    snas_free(f->blocks);
    snas_free(f->segments);
    snas_free(f->views);
    snas_free(f->pools);
    snas_free(f);
    unit->state = NULL;
}

const struct snas_unit_ops snas_unit_fast = {.name = "fast",
                                             .joins = 1,
                                             .zeroes = 1,
                                             .isa = isa,
                                             .accepts = accepts,
                                             .plan = plan,
                                             .bind = bind,
                                             .prepare = prepare,
                                             .destroy = destroy};

/* From the network's description of a unit to slots, blocks, segments, views and stages. */
#include <string.h>

#include "net/unit_fast.h"

struct cut {
    const struct snas_network *network;
    struct snas_fast *f; /* NULL: only count */
    int n_segments;
};

static int is_matrix(enum snas_step_kind kind)
{
    return kind == SNAS_STEP_POINTWISE || kind == SNAS_STEP_CONV ||
           kind == SNAS_STEP_FACTORIZED_REDUCE;
}

/* Whether the layer is a mean over windows side by side. */
static int is_mean(const struct snas_layer *l)
{
    return l->step.kind == SNAS_STEP_AVG_POOL && l->step.kh == 2;
}

static struct snas_fast_norm norm_of(int layer, int c, struct snas_shape out)
{
    return (struct snas_fast_norm){
        .layer = layer, .c = c, .cp = snas_fast_padded(c), .pixels = (double)out.h * (double)out.w};
}

/* Where the taps of a depthwise or dense convolution lie on the image. */
static int place_taps(const struct snas_layer *l, int offsets[SNAS_FAST_TAPS][2])
{
    const struct snas_step *s = &l->step;
    if (s->kind == SNAS_STEP_FACTORIZED_REDUCE) {
        memset(offsets, 0, 2 * sizeof offsets[0]);
        offsets[1][0] = offsets[1][1] = 1;
        return 2;
    }
    int n = s->kh * s->kw;
    for (int t = 0; t < n; t++) {
        offsets[t][0] = (t / s->kw - (s->kh - 1) / 2) * s->dilation;
        offsets[t][1] = (t % s->kw - (s->kw - 1) / 2) * s->dilation;
    }
    return n;
}

/* How far the taps reach beyond the image. */
static int reach(const struct snas_fast_segment *s)
{
    int most = 0;
    for (int t = 0; t < s->n_offsets; t++)
        for (int i = 0; i < 2; i++) {
            int o = s->offsets[t][i];
            most = o > most ? o : -o > most ? -o : most;
        }
    return most;
}

/* One segment from layer `at` on; returns the layer behind it, or -1. */
static int cut_segment(struct cut *cut, int at, int end)
{
    const struct snas_layer *l = &cut->network->layers[at];
    struct snas_fast_segment s = {.depthwise = -1};
    if (l->step.kind == SNAS_STEP_RELU) {
        s.relu = 1;
        l++;
        at++;
    }
    if (at < end && (l->step.kind == SNAS_STEP_DEPTHWISE || is_mean(l))) {
        s.mean = is_mean(l);
        s.depthwise = at++;
        l++;
    }
    if (at >= end || !is_matrix(l->step.kind))
        return -1;
    s.matrix = at++;
    const struct snas_layer *first =
        &cut->network->layers[s.depthwise >= 0 ? s.depthwise : s.matrix];
    if ((s.depthwise >= 0 && (l->step.kind != SNAS_STEP_POINTWISE || l->step.stride != 1)) ||
        first->step.kh > 7 || first->step.kw > 7 || l->out.c > SNAS_FAST_CHANNELS)
        return -1;
    s.stride = first->step.kind == SNAS_STEP_FACTORIZED_REDUCE ? 2 : first->step.stride;
    s.k = l->in.c;
    s.n = l->out.c;
    s.kp = snas_fast_padded(s.k);
    s.np = snas_fast_padded(s.n);
    s.h = first->in.h;
    s.w = first->in.w;
    s.oh = l->out.h;
    s.ow = l->out.w;
    s.n_offsets = place_taps(first, s.offsets);
    int bn = at < end && l[1].step.kind == SNAS_STEP_BN ? at++ : -1;
    s.norm = norm_of(bn, s.n, l->out);
    if (cut->f)
        cut->f->segments[cut->n_segments] = s;
    cut->n_segments++;
    return at;
}

/* 0: not known here. */
static int cut_block(struct cut *cut, int block, struct snas_fast_block *out)
{
    const struct snas_block *b = &cut->network->blocks[block];
    const struct snas_layer *l = &cut->network->layers[b->first_layer];
    int end = b->first_layer + b->n_layers;
    if (snas_fast_padded(b->out_shape.c) > SNAS_FAST_CHANNELS)
        return 0;
    *out =
        (struct snas_fast_block){.block = block, .first = cut->n_segments, .view = -1, .pool = -1};
    if (b->n_layers == 0) {
        out->kind = SNAS_FAST_IDENTITY;
        out->own = norm_of(-1, b->out_shape.c, b->out_shape);
        return 1;
    }
    if (l->step.kind == SNAS_STEP_MAX_POOL ||
        (l->step.kind == SNAS_STEP_AVG_POOL &&
         !(is_mean(l) && b->n_layers > 1 && is_matrix(l[1].step.kind)))) {
        int bn = b->n_layers == 2 && l[1].step.kind == SNAS_STEP_BN ? b->first_layer + 1 : -1;
        out->kind = SNAS_FAST_POOL;
        out->own = norm_of(bn, b->out_shape.c, b->out_shape);
        return l->step.kh == 3 && l->step.kw == 3 && b->n_layers == 1 + (bn >= 0);
    }
    out->kind = SNAS_FAST_CONV;
    for (int at = b->first_layer; at < end; out->n++)
        if ((at = cut_segment(cut, at, end)) < 0)
            return 0;
    return 1;
}

static int add_slot(struct cut *cut, int tensor)
{
    struct snas_fast *f = cut->f;
    const struct snas_tensor *t = &cut->network->tensors[tensor];
    struct snas_fast_slot *s = &f->slots[f->n_slots];
    *s = (struct snas_fast_slot){.tensor = tensor,
                                 .n_parts = t->n_parts ? t->n_parts : 1,
                                 .c = t->shape.c,
                                 .cp = snas_fast_padded(t->shape.c),
                                 .h = t->shape.h,
                                 .w = t->shape.w};
    for (int i = 0; i < s->n_parts; i++)
        s->part[i] = t->n_parts ? t->parts[i] : tensor;
    return f->n_slots++;
}

static int add_block(struct cut *cut, int block, int from, int to, int z)
{
    if (cut->network->blocks[block].zero)
        return 1;
    struct snas_fast_block b;
    if (!cut_block(cut, block, &b))
        return 0;
    /* A concatenation has no value of its own that an identity or a pool could read, and a sum of
     * tensors none that a tile could be loaded from. */
    const struct snas_tensor *in = &cut->network->tensors[cut->network->blocks[block].in];
    if (in->sum || (in->n_parts > 0 && b.kind != SNAS_FAST_CONV))
        return 0;
    if (!cut->f)
        return 1;
    b.from = from;
    b.to = to;
    b.z = z;
    cut->f->slots[to].made = 1;
    cut->f->blocks[cut->f->n_blocks++] = b;
    return 1;
}

static int add_cell(struct cut *cut, const struct snas_cell *cell)
{
    const struct snas_network *network = cut->network;
    int outside[SNAS_MAX_INPUTS] = {0}, slot[SNAS_MAX_SLOTS] = {0};
    for (int i = 0; cut->f && i < cell->inputs; i++)
        if (cell->n_pre[i] > 0)
            outside[i] = add_slot(cut, cell->input[i]);
    for (int i = 0; cut->f && i < cell->inputs + cell->n_nodes; i++)
        slot[i] = add_slot(cut, cell->slot[i]);
    for (int i = 0; i < cell->inputs; i++)
        for (int p = 0; p < cell->n_pre[i]; p++)
            if (!add_block(cut, cell->pre[i] + p, outside[i], slot[i], -1))
                return 0;
    for (int i = cell->first_edge; i < cell->first_edge + cell->n_edges; i++) {
        const struct snas_edge *e = &network->edges[i];
        for (int k = 0; k < e->n_ops; k++)
            if (!add_block(cut, e->first_block + k, slot[e->from], slot[cell->inputs + e->to],
                           e->z + k))
                return 0;
    }
    return 1;
}

static int add_unit(struct cut *cut, const struct snas_unit *unit)
{
    if (unit->kind == SNAS_UNIT_CELL)
        return add_cell(cut, &cut->network->cells[unit->index]);
    if (unit->kind != SNAS_UNIT_STEM)
        return 0;
    const struct snas_block *b = &cut->network->blocks[unit->index];
    int from = cut->f ? add_slot(cut, b->in) : 0, to = cut->f ? add_slot(cut, b->out) : 0;
    return add_block(cut, unit->index, from, to, -1);
}

static struct snas_fast_tile tile_of(int h, int w, int c, int stride, int pad)
{
    struct snas_fast_tile t = {.h = h, .w = w, .c = c, .stride = stride, .pad = pad};
    if (stride == 2)
        t.pad = (pad + 1) / 2 * 2;
    t.row = (ptrdiff_t)((w + 2 * t.pad + stride - 1) / stride) * c;
    t.plane = t.row * ((h + 2 * t.pad + stride - 1) / stride);
    t.size = (size_t)t.plane * (size_t)stride * (size_t)stride;
    return t;
}

ptrdiff_t snas_fast_tile_at(const struct snas_fast_tile *t, int y, int x)
{
    y += t->pad;
    x += t->pad;
    if (t->stride == 1)
        return y * t->row + x * (ptrdiff_t)t->c;
    return ((y & 1) * 2 + (x & 1)) * t->plane + (y >> 1) * t->row + (x >> 1) * (ptrdiff_t)t->c;
}

static void find_view(struct snas_fast *f, struct snas_fast_block *b)
{
    const struct snas_fast_segment *s = &f->segments[b->first];
    int i = 0;
    while (i < f->n_views && (f->views[i].slot != b->from || f->views[i].relu != s->relu ||
                              f->views[i].stride != s->stride || f->views[i].mean != s->mean))
        i++;
    struct snas_fast_view *v = &f->views[i];
    if (i == f->n_views) {
        f->n_views++;
        *v = (struct snas_fast_view){b->from, s->relu, s->stride, s->mean, {0}};
    }
    int pad = reach(s);
    v->tile = tile_of(s->h, s->w, s->kp, s->stride, pad > v->tile.pad ? pad : v->tile.pad);
    b->view = i;
}

static void find_pool(const struct snas_network *network, struct snas_fast *f,
                      struct snas_fast_block *b)
{
    const struct snas_layer *l = &network->layers[network->blocks[b->block].first_layer];
    int max = l->step.kind == SNAS_STEP_MAX_POOL, i = 0;
    while (i < f->n_pools && (f->pools[i].slot != b->from || f->pools[i].max != max ||
                              f->pools[i].stride != l->step.stride))
        i++;
    if (i == f->n_pools)
        f->pools[f->n_pools++] = (struct snas_fast_pool){.slot = b->from,
                                                         .max = max,
                                                         .stride = l->step.stride,
                                                         .h = l->in.h,
                                                         .w = l->in.w,
                                                         .c = snas_fast_padded(l->in.c),
                                                         .oh = l->out.h,
                                                         .ow = l->out.w};
    b->pool = i;
}

static void set_taps(const struct snas_kernels *k, const struct snas_fast_segment *s, int n,
                     const struct snas_k_tap *taps, struct snas_fast_taps *out)
{
    struct snas_k_run runs[SNAS_FAST_TAPS];
    out->n = n;
    if (s->depthwise < 0) {
        memcpy(out->u.tap, taps, (size_t)n * sizeof *taps);
        return;
    }
    out->n = snas_k_runs(snas_k_step(k, s->kp), n, taps, runs);
    if (out->n > SNAS_FAST_RUNS) /* 7 x 7 makes 28 at most */
        SNAS_BUG("%d runs of depthwise taps", out->n);
    memcpy(out->u.run, runs, (size_t)out->n * sizeof *runs);
}

/* Taps on the tile, and on the plane of the output's gradient for every parity of the input. */
static void lay_taps(const struct snas_kernels *k, struct snas_fast_segment *s,
                     const struct snas_fast_tile *tile)
{
    const ptrdiff_t w = s->depthwise >= 0 ? s->kp : (ptrdiff_t)s->k * s->np;
    const ptrdiff_t back_w = s->depthwise >= 0 ? s->kp : (ptrdiff_t)s->n * s->kp;
    const ptrdiff_t px = s->depthwise >= 0 ? s->kp : s->np;
    struct snas_k_tap taps[SNAS_FAST_TAPS];
    s->gpad = reach(s);
    s->grow = (s->ow + 2 * s->gpad) * px;
    for (int t = 0; t < s->n_offsets; t++)
        taps[t] = (struct snas_k_tap){snas_fast_tile_at(tile, s->offsets[t][0], s->offsets[t][1]) -
                                          snas_fast_tile_at(tile, 0, 0),
                                      t * w};
    set_taps(k, s, s->n_offsets, taps, &s->taps);
    for (int parity = 0; parity < s->stride * s->stride; parity++) {
        int n = 0;
        for (int t = 0; t < s->n_offsets; t++) {
            int y = parity / 2 - s->offsets[t][0], x = parity % 2 - s->offsets[t][1];
            if (s->stride == 1 || (y % 2 == 0 && x % 2 == 0))
                taps[n++] =
                    (struct snas_k_tap){y / s->stride * s->grow + x / s->stride * px, t * back_w};
        }
        set_taps(k, s, n, taps, &s->back[parity]);
    }
}

static void lay_segments(struct snas_fast *f)
{
    for (int i = 0; i < f->n_blocks; i++) {
        struct snas_fast_block *b = &f->blocks[i];
        b->norm = b->n ? &f->segments[b->first + b->n - 1].norm : &b->own;
        for (int j = 0; j < b->n; j++) {
            struct snas_fast_segment *s = &f->segments[b->first + j];
            s->tile = tile_of(s->h, s->w, s->kp, s->stride, reach(s));
            lay_taps(f->k, s, j == 0 ? &f->views[b->view].tile : &s->tile);
        }
    }
}

/* A slot comes into a stage behind all that feed it. */
static void find_stages(struct snas_fast *f)
{
    for (int i = 0; i < f->n_slots; i++) {
        int stage = i ? f->slots[i - 1].stage : 0;
        for (int j = 0; j < f->n_blocks; j++)
            if (f->blocks[j].to == i && f->slots[f->blocks[j].from].stage >= stage)
                stage = f->slots[f->blocks[j].from].stage + 1;
        f->slots[i].stage = stage;
        f->n_stages = stage + 1;
    }
    for (int j = 0; j < f->n_blocks; j++) {
        int *levels = &f->levels[f->slots[f->blocks[j].from].stage];
        int need = f->blocks[j].n ? f->blocks[j].n : 1;
        *levels = need > *levels ? need : *levels;
    }
}

int snas_fast_count(const struct snas_net *net, const struct snas_unit *unit, int *segments)
{
    struct cut cut = {.network = net->network};
    int known = add_unit(&cut, unit);
    *segments = cut.n_segments;
    return known;
}

int snas_fast_build(const struct snas_net *net, const struct snas_unit *unit, struct snas_fast *f)
{
    struct cut cut = {.network = net->network, .f = f};
    if (!add_unit(&cut, unit))
        return 0;
    f->n_segments = cut.n_segments;
    for (int i = 0; i < f->n_blocks; i++) {
        if (f->blocks[i].kind == SNAS_FAST_CONV)
            find_view(f, &f->blocks[i]);
        else if (f->blocks[i].kind == SNAS_FAST_POOL)
            find_pool(net->network, f, &f->blocks[i]);
    }
    lay_segments(f);
    find_stages(f);
    return 1;
}

/* Backward passes of the vectorised units, over the stages from the last. By the time a stage is
 * reached the gradients of all slots behind it are complete; its pass of level 0 completes those of
 * its own slots, whose sums then give the coefficients of the blocks that make them, and d z. */
#include <string.h>

#include "net/unit_fast.h"

static const struct snas_k_tap here = {0, 0};

/* Whether anybody wants the gradient of a slot. */
static int wanted(const struct snas_fast_work *w, int slot)
{
    const struct snas_fast_slot *s = &w->f->slots[slot];
    for (int i = 0; i < s->n_parts; i++)
        if (w->net->dvalue[s->part[i]])
            return 1;
    return 0;
}

/* ---- a segment */

/* What norm_dx needs: gradient of the BN's output, y, and the coefficients. */
struct gradient {
    const float *g, *y, *a, *b, *d;
    float scaled[SNAS_FAST_CHANNELS];
};

static void find_gradient(const struct snas_fast_work *w, const struct snas_fast_block *b,
                          const struct snas_fast_segment *s, struct gradient *out)
{
    const ptrdiff_t values = (ptrdiff_t)s->oh * s->ow * s->np;
    const float *coef = w->f->coefs + s->norm.coef + 2 * (size_t)s->np;
    out->y = snas_fast_y(w, s->y, values);
    out->a = coef;
    out->b = coef + s->np;
    out->d = coef + 2 * (size_t)s->np;
    if (w->level < b->n - 1) {
        out->g = snas_fast_y(w, s->g, values);
        return;
    }
    out->g = snas_fast_image(w, w->net->dvalue, b->to, 0);
    const float keep = snas_fast_keep(w, b);
    if (keep == 1.0F)
        return;
    for (int c = 0; c < s->np; c++)
        out->scaled[c] = keep * coef[c];
    out->a = out->scaled;
}

/* Adds dW of matrix t for some pixels: directly where the kernels' layout is the parameter's. */
static void add_matrix_dw(const struct snas_fast_work *w, const struct snas_fast_segment *s, int t,
                          int rows, int width, struct snas_k_source in, struct snas_k_source g)
{
    int c0, columns;
    const struct snas_layer *l = &w->net->network->layers[s->matrix];
    (void)snas_fast_matrix(w->net, s, t, &c0, &columns);
    float *grad;
    if (l->step.kind == SNAS_STEP_FACTORIZED_REDUCE)
        grad = snas_net_group_grad(w->net, w->group, t ? l->bias : l->weight);
    else
        grad = (float *)snas_net_group_grad(w->net, w->group, l->weight) +
               (size_t)t * (size_t)s->k * (size_t)s->n;
    if (columns % SNAS_K_CHANNELS == 0) {
        g.at += c0;
        w->k->matmul_dw(rows, width, s->k, columns, in, g, grad);
        return;
    }
    float *dw = w->scratch + w->f->scratch.dw;
    memset(dw, 0, (size_t)s->k * (size_t)s->np * sizeof *dw);
    w->k->matmul_dw(rows, width, s->k, s->np, in, g, dw);
    for (int i = 0; i < s->k; i++)
        for (int j = 0; j < columns; j++)
            grad[i * columns + j] += dw[i * s->np + c0 + j];
}

static void add_depthwise_dw(const struct snas_fast_work *w, const struct snas_fast_segment *s,
                             struct snas_k_source in, struct snas_k_source g)
{
    const struct snas_layer *l = &w->net->network->layers[s->depthwise];
    if (s->mean)
        return;
    float *grad = snas_net_group_grad(w->net, w->group, l->weight);
    if (s->k == s->kp) {
        w->k->depthwise_dw(s->oh, s->ow, s->kp, in, s->taps.n, s->taps.u.run, g, grad);
        return;
    }
    float *dw = w->scratch + w->f->scratch.dw;
    memset(dw, 0, (size_t)s->n_offsets * (size_t)s->kp * sizeof *dw);
    w->k->depthwise_dw(s->oh, s->ow, s->kp, in, s->taps.n, s->taps.u.run, g, dw);
    for (int t = 0; t < s->n_offsets; t++)
        for (int i = 0; i < s->k; i++)
            grad[t * s->k + i] += dw[t * s->kp + i];
}

/* From dY to the gradient of what the convolution with taps gives, on a zero-bordered plane;
 * matrix gradients on the way. */
static struct snas_k_source fill_plane(const struct snas_fast_work *w,
                                       const struct snas_fast_segment *s, const struct gradient *d,
                                       struct snas_k_source in)
{
    const int c = s->depthwise >= 0 ? s->kp : s->np;
    float *plane = w->scratch + w->f->scratch.g;
    snas_fast_clear_border(plane, s->grow, s->oh + 2 * s->gpad, s->gpad, s->oh,
                           (ptrdiff_t)s->gpad * c, (ptrdiff_t)s->ow * c);
    plane += s->gpad * s->grow + (ptrdiff_t)s->gpad * c;
    struct snas_k_source g = {plane, s->grow, c};
    const ptrdiff_t line = (ptrdiff_t)s->ow * s->np, mid_row = (ptrdiff_t)s->ow * s->kp;
    struct snas_k_source from = {d->g, line, s->np}, y = {d->y, line, s->np};
    if (s->depthwise < 0) {
        w->k->norm_dx(s->oh, s->ow, s->np, from, y, d->a, d->b, d->d,
                      (struct snas_k_plane){plane, s->grow, c});
        for (int t = 0; t < s->taps.n; t++) {
            struct snas_k_source x = {in.at + s->taps.u.tap[t].in, in.row, in.px};
            add_matrix_dw(w, s, t, s->oh, s->ow, x, g);
        }
        return g;
    }
    float *mid = w->scratch + w->f->scratch.t, *dy = w->scratch + w->f->scratch.dy;
    const float *weights = w->f->weights;
    for (int r = 0, rows, band = snas_fast_band(s); r < s->oh; r += rows) {
        rows = s->oh - r < band ? s->oh - r : band;
        struct snas_k_source x = {in.at + r * in.row, in.row, in.px};
        struct snas_k_source mids = {mid, mid_row, s->kp}, dys = {dy, line, s->np};
        from.at = d->g + r * line;
        y.at = d->y + r * line;
        w->k->norm_dx(rows, s->ow, s->np, from, y, d->a, d->b, d->d,
                      (struct snas_k_plane){dy, line, s->np});
        const int rest = s->oh - r - rows;
        const struct snas_fast_ahead ahead = {{y.at + rows * line, from.at + rows * line},
                                              (rest < rows ? rest : rows) * line};
        snas_fast_depthwise(w, rows, s->ow, s->kp, x, &s->taps, weights + s->w_depthwise,
                            (struct snas_k_plane){mid, mid_row, s->kp}, 0, &ahead);
        add_matrix_dw(w, s, 0, rows, s->ow, mids, dys);
        w->k->matmul(rows, s->ow, s->n, s->kp, dys, 1, &here, weights + s->w_transposed,
                     (struct snas_k_plane){plane + r * s->grow, s->grow, c}, 0, NULL);
    }
    add_depthwise_dw(w, s, in, g);
    return g;
}

static size_t dx_size(int h, int w, int c)
{
    return (size_t)(h + 1) * (size_t)(w + 1) * (size_t)c;
}

/* Gradient of the segment's tile, by parity planes (snas_fast_plane): written to dx by the `first`
 * segment, added by others. With stride 2 no segment need reach every pixel. */
static void add_dx(const struct snas_fast_work *w, const struct snas_fast_segment *s,
                   struct snas_k_source g, int first, float *dx, struct snas_fast_ahead ahead)
{
    const int add = !first || s->stride > 1;
    if (first && add)
        memset(dx, 0, dx_size(s->h, s->w, s->kp) * sizeof *dx);
    for (int parity = 0; parity < s->stride * s->stride; parity++) {
        const struct snas_fast_taps *taps = &s->back[parity];
        int rows, width;
        size_t at = snas_fast_plane(s->h, s->w, s->kp, s->stride, parity, &rows, &width);
        struct snas_k_plane out = {dx + at, (ptrdiff_t)width * s->kp, s->kp};
        if (taps->n == 0 || rows == 0 || width == 0)
            continue;
        if (s->depthwise >= 0)
            snas_fast_depthwise(w, rows, width, s->kp, g, taps, w->f->weights + s->w_depthwise, out,
                                add, &ahead);
        else
            w->k->matmul(rows, width, s->n, s->kp, g, taps->n, taps->u.tap,
                         w->f->weights + s->w_transposed, out, add, NULL);
        ahead.values = 0; /* all asked for */
    }
}

/* From the gradient of a later segment's tile to that of the BN output before it, and its sums. */
static void store_gradient(const struct snas_fast_work *w, const struct snas_fast_segment *s,
                           const float *tile, const float *dx)
{
    const struct snas_fast_segment *before = s - 1;
    const struct snas_fast_tile *t = &s->tile;
    const ptrdiff_t values = (ptrdiff_t)s->h * s->w * s->kp;
    const float *y = snas_fast_y(w, before->y, values);
    float *g = snas_fast_y(w, before->g, values), sums[2 * SNAS_FAST_CHANNELS];
    memset(sums, 0, 2 * (size_t)s->kp * sizeof *sums);
    for (int parity = 0; parity < s->stride * s->stride; parity++) {
        int rows, width, r = parity / 2, p = parity % 2;
        size_t at = snas_fast_plane(s->h, s->w, s->kp, s->stride, parity, &rows, &width);
        const ptrdiff_t first = ((ptrdiff_t)r * s->w + p) * s->kp;
        const ptrdiff_t row = (ptrdiff_t)s->stride * s->w * s->kp,
                        px = (ptrdiff_t)s->stride * s->kp;
        struct snas_k_source from = {dx + at, (ptrdiff_t)width * s->kp, s->kp};
        struct snas_k_source mask = {s->relu ? tile + snas_fast_tile_at(t, r, p) : NULL, t->row,
                                     t->c};
        struct snas_k_source ys = {y + first, row, px};
        struct snas_k_plane out = {g + first, row, px};
        w->k->mask_sums(rows, width, s->kp, from, mask, ys, out, sums);
    }
    for (int i = 0; i < 2 * s->kp; i++)
        w->sums[before->norm.sum + (size_t)i] += sums[i];
}

static void run_later(const struct snas_fast_work *w)
{
    const struct snas_fast *f = w->f;
    float *tile = w->scratch + f->scratch.tile, *dx = w->scratch + f->scratch.dx;
    for (int i = 0; i < f->n_blocks; i++) {
        const struct snas_fast_block *b = &f->blocks[i];
        if (!snas_fast_has_block(w, i))
            continue;
        const struct snas_fast_segment *s = &f->segments[b->first + w->level];
        struct gradient d;
        find_gradient(w, b, s, &d);
        snas_fast_load_y(w, s - 1, s, tile);
        struct snas_k_source in = {tile + snas_fast_tile_at(&s->tile, 0, 0), s->tile.row, s->kp};
        struct snas_k_source g = fill_plane(w, s, &d, in);
        add_dx(w, s, g, 1, dx, snas_fast_next_y(w, i));
        if (s->mean)
            snas_fast_weigh_gradient(&s->tile, dx);
        store_gradient(w, s, tile, dx);
    }
}

/* What the view's block behind block i begins with. */
static struct snas_fast_ahead next_of_view(const struct snas_fast_work *w, int i)
{
    const struct snas_fast *f = w->f;
    const int view = f->blocks[i].view;
    for (i++; i < f->n_blocks; i++) {
        const struct snas_fast_block *b = &f->blocks[i];
        if (b->view != view || !b->live)
            continue;
        const struct snas_fast_segment *s = &f->segments[b->first];
        const ptrdiff_t values = (ptrdiff_t)s->oh * s->ow * s->np;
        const ptrdiff_t band = (ptrdiff_t)snas_fast_band(s) * s->ow * s->np;
        const float *g = b->n > 1 ? snas_fast_y(w, s->g, values) : NULL;
        return (struct snas_fast_ahead){{snas_fast_y(w, s->y, values), g}, band};
    }
    return (struct snas_fast_ahead){{NULL, NULL}, 0};
}

static void run_view(const struct snas_fast_work *w, int view)
{
    const struct snas_fast *f = w->f;
    const struct snas_fast_view *v = &f->views[view];
    float *tile = w->scratch + f->scratch.tile, *dx = w->scratch + f->scratch.dx;
    int loaded = 0, want = wanted(w, v->slot);
    for (int i = 0; i < f->n_blocks; i++) {
        const struct snas_fast_block *b = &f->blocks[i];
        if (b->view != view || !b->live)
            continue;
        if (loaded == 0)
            snas_fast_load_slot(w, v, tile);
        const struct snas_fast_segment *s = &f->segments[b->first];
        struct gradient d;
        find_gradient(w, b, s, &d);
        struct snas_k_source in = {tile + snas_fast_tile_at(&v->tile, 0, 0), v->tile.row, s->kp};
        struct snas_k_source g = fill_plane(w, s, &d, in);
        if (want)
            add_dx(w, s, g, loaded == 0, dx, next_of_view(w, i));
        loaded = 1;
    }
    if (loaded && want && v->mean)
        snas_fast_weigh_gradient(&v->tile, dx);
    if (loaded && want)
        snas_fast_add_slot(w, v, tile, dx);
}

/* ---- what has no weights */

static void add_padded(const struct snas_fast_work *w, const struct snas_fast_slot *s,
                       const float *from, float *to)
{
    w->k->add_masked(1, s->h * s->w, s->c, (struct snas_k_source){from, 0, s->cp},
                     (struct snas_k_source){NULL, 0, 0}, (struct snas_k_plane){to, 0, s->c});
}

/* Gradient of a pool's output, over all blocks that use it. */
static float *pool_gradient(const struct snas_fast_work *w, const struct snas_fast_pool *p,
                            float *out)
{
    const struct snas_fast *f = w->f;
    const float *x[SNAS_FAST_TERMS], *a[SNAS_FAST_TERMS];
    const size_t step = (size_t)p->c + SNAS_K_LANES;
    float *d = w->scratch + f->scratch.coef, *b = d + step, *coef = b + step;
    memset(d, 0, (size_t)p->c * sizeof *d);
    memset(b, 0, (size_t)p->c * sizeof *b);
    int terms = 0;
    for (int i = 0; i < f->n_blocks; i++) {
        const struct snas_fast_block *u = &f->blocks[i];
        if (!u->live || u->pool < 0 || &f->pools[u->pool] != p)
            continue;
        const float *from = f->coefs + u->own.coef + 2 * (size_t)p->c, keep = snas_fast_keep(w, u);
        for (int c = 0; c < p->c; c++) {
            coef[c] = keep * from[c];
            b[c] += from[p->c + c];
            d[c] += from[2 * p->c + c];
        }
        x[terms] = snas_fast_image(w, w->net->dvalue, u->to, terms);
        a[terms++] = coef;
        coef += step;
    }
    x[terms] = snas_fast_y(w, p->y, (ptrdiff_t)p->oh * p->ow * p->c);
    a[terms++] = b;
    w->k->combine(p->oh * p->ow, p->c, terms, x, a, d, out);
    return out;
}

/* A max and an average pool of the same stride go back together. */
static void run_pools(const struct snas_fast_work *w, int slot)
{
    const struct snas_fast *f = w->f;
    const struct snas_fast_slot *s = &f->slots[slot];
    for (int stride = 1; stride <= 2; stride++) {
        const struct snas_fast_pool *of[2] = {NULL, NULL}, *any = NULL;
        for (int i = 0; i < f->n_pools; i++)
            if (f->pools[i].slot == slot && f->pools[i].live && f->pools[i].stride == stride)
                any = of[f->pools[i].max] = &f->pools[i];
        if (!any)
            continue;
        const size_t values = (size_t)any->oh * (size_t)any->ow * (size_t)any->c;
        float *d[2], *room = w->scratch + f->scratch.pool;
        for (int m = 0; m < 2; m++)
            d[m] = of[m] ? pool_gradient(w, of[m], room + (size_t)m * values) : NULL;
        float *dvalue = snas_fast_values(w, w->net->dvalue, s->tensor), *dx = dvalue;
        const float *x = snas_fast_image(w, w->net->value, slot, 0);
        const float *max = of[1] ? snas_fast_y(w, of[1]->y, (ptrdiff_t)values) : NULL;
        if (s->c != s->cp) {
            dx = w->scratch + f->scratch.unpacked + f->scratch.image;
            memset(dx, 0, f->scratch.image * sizeof *dx);
        }
        w->k->pool_dx(any->h, any->w, any->c, stride, x, max, d[1], d[0], dx, room + 2 * values);
        if (dx != dvalue)
            add_padded(w, s, dx, dvalue);
    }
}

static void run_identities(const struct snas_fast_work *w, int slot)
{
    const struct snas_fast *f = w->f;
    const struct snas_fast_slot *s = &f->slots[slot];
    const float *x[SNAS_FAST_TERMS], *a[SNAS_FAST_TERMS];
    const size_t step = (size_t)s->cp + SNAS_K_LANES;
    float *bias = w->scratch + f->scratch.coef, *coef = bias + step;
    float *dvalue = snas_fast_values(w, w->net->dvalue, s->tensor);
    memset(bias, 0, (size_t)s->cp * sizeof *bias);
    int terms = 0;
    for (int i = 0; i < f->n_blocks; i++) {
        const struct snas_fast_block *b = &f->blocks[i];
        if (b->kind != SNAS_FAST_IDENTITY || b->from != slot || !b->live || !dvalue)
            continue;
        const float factor = snas_fast_factor(w, b);
        for (int c = 0; c < s->cp; c++)
            coef[c] = factor;
        x[terms] = snas_fast_image(w, w->net->dvalue, b->to, terms);
        a[terms++] = coef;
        coef += step;
    }
    if (terms == 0)
        return;
    if (s->c != s->cp) {
        float *to = w->scratch + f->scratch.unpacked + (size_t)terms * f->scratch.image;
        w->k->combine(s->h * s->w, s->cp, terms, x, a, bias, to);
        add_padded(w, s, to, dvalue);
        return;
    }
    /* The slot's own gradient is the term that the first sweep overwrites. */
    for (int c = 0; c < s->cp; c++)
        coef[c] = 1;
    x[terms] = x[0];
    a[terms++] = a[0];
    x[0] = dvalue;
    a[0] = coef;
    w->k->combine(s->h * s->w, s->cp, terms, x, a, bias, dvalue);
}

/* ---- sums of a complete gradient: with every y that made the slot */

/* sum[c] += factor * sum over pixels of g * y (y NULL: g): floats over a few pixels only, because
 * the sums of g * y and of g meet in a difference. */
static void add_products(const struct snas_fast_work *w, int pixels, int cp, const float *g,
                         const float *y, double factor, double *sum)
{
    enum { CHUNK = 64 };
    float part[SNAS_FAST_CHANNELS];
    for (int p = 0; p < pixels; p += CHUNK) {
        const ptrdiff_t at = (ptrdiff_t)p * cp;
        memset(part, 0, (size_t)cp * sizeof *part);
        w->k->sums(pixels - p < CHUNK ? pixels - p : CHUNK, cp, g + at, y ? y + at : NULL, part);
        for (int c = 0; c < cp; c++)
            sum[c] += factor * (double)part[c];
    }
}

static void sum_slot(const struct snas_fast_work *w, int slot)
{
    const struct snas_fast *f = w->f;
    const struct snas_fast_slot *s = &f->slots[slot];
    const int pixels = s->h * s->w, cp = s->cp;
    const ptrdiff_t values = (ptrdiff_t)pixels * cp;
    double plain[SNAS_FAST_CHANNELS];
    const float *g = snas_fast_image(w, w->net->dvalue, slot, 0);
    memset(plain, 0, (size_t)cp * sizeof *plain);
    add_products(w, pixels, cp, g, NULL, 1, plain);
    for (int i = 0; i < f->n_blocks; i++) {
        const struct snas_fast_block *b = &f->blocks[i];
        if (b->to != slot || !b->live)
            continue;
        const float *y;
        if (b->kind == SNAS_FAST_CONV)
            y = snas_fast_y(w, f->segments[b->first + b->n - 1].y, values);
        else if (b->kind == SNAS_FAST_POOL)
            y = snas_fast_y(w, f->pools[b->pool].y, values);
        else
            y = snas_fast_image(w, w->net->value, b->from, 1);
        const double keep = (double)snas_fast_keep(w, b);
        double *sum = w->sums + b->norm->sum;
        for (int c = 0; c < cp; c++)
            sum[c] += keep * plain[c];
        add_products(w, pixels, cp, g, y, keep, sum + cp);
    }
}

/* Those that this piece adds to: a group's sums are its own. */
static void clear_sums(const struct snas_fast_work *w)
{
    const struct snas_fast *f = w->f;
    for (int i = 0; i < f->n_blocks; i++) {
        const struct snas_fast_block *b = &f->blocks[i];
        if (w->level == 0 ? !snas_fast_has_slot(w, b->to) : !snas_fast_has_block(w, i))
            continue;
        const struct snas_fast_norm *norm =
            w->level == 0 ? b->norm : &f->segments[b->first + w->level - 1].norm;
        snas_fast_clear_sums(w, norm->sum, norm->cp);
    }
}

static void zero_weights(const struct snas_fast_work *w, int layer)
{
    const struct snas_layer *l = &w->net->network->layers[layer];
    const int params[2] = {l->weight, l->bias};
    for (int i = 0; i < 2; i++)
        if (params[i] >= 0)
            memset(snas_net_group_grad(w->net, w->group, params[i]), 0,
                   w->net->network->params[params[i]].count * sizeof(float));
}

/* The group's rows of the weights that this piece adds to. */
static void zero_rows(const struct snas_fast_work *w)
{
    const struct snas_fast *f = w->f;
    for (int i = 0; i < f->n_blocks; i++) {
        const struct snas_fast_block *b = &f->blocks[i];
        if (!snas_fast_has_block(w, i) || (w->level == 0 && !snas_fast_has_slot(w, b->from)))
            continue;
        const struct snas_fast_segment *s = &f->segments[b->first + w->level];
        zero_weights(w, s->matrix);
        if (s->depthwise >= 0)
            zero_weights(w, s->depthwise);
    }
}

/* What this unit is the last to read, before it adds the first term. */
static void zero_slots(const struct snas_fast_work *w, int unit)
{
    const struct snas_fast *f = w->f;
    for (int i = 0; i < f->n_slots; i++) {
        const struct snas_fast_slot *s = &f->slots[i];
        for (int p = 0; snas_fast_has_slot(w, i) && p < s->n_parts; p++) {
            const struct snas_shape *shape = &w->net->network->tensors[s->part[p]].shape;
            if (w->net->zeroed_by[s->part[p]] == unit)
                memset(snas_fast_values(w, w->net->dvalue, s->part[p]), 0,
                       (size_t)shape->h * (size_t)shape->w * (size_t)shape->c * sizeof(float));
        }
    }
}

void snas_fast_backward_run(struct snas_net *net, struct snas_unit *unit,
                            const struct snas_pass *pass, int group, int worker)
{
    struct snas_fast_work w = snas_fast_begin(net, unit, pass, group, worker);
    const struct snas_fast *f = w.f;
    int first, count;
    snas_group_range(net->run.batch.n, w.group, &first, &count);
    clear_sums(&w);
    zero_rows(&w);
    for (w.image = first; w.image < first + count; w.image++) {
        if (w.level > 0) {
            run_later(&w);
            continue;
        }
        zero_slots(&w, (int)(unit - net->units));
        for (int i = 0; i < f->n_views; i++)
            if (snas_fast_has_slot(&w, f->views[i].slot))
                run_view(&w, i);
        for (int i = 0; i < f->n_slots; i++) {
            const struct snas_fast_slot *s = &f->slots[i];
            if (!snas_fast_has_slot(&w, i))
                continue;
            run_identities(&w, i);
            run_pools(&w, i);
            if (s->made && net->live_tensor[s->tensor] && !net->zero_tensor[s->tensor])
                sum_slot(&w, i);
        }
    }
}

/* ---- coefficients */

/* Gradients of gamma and beta are sums over all groups already: the other groups have none. */
static void put_affine(struct snas_net *net, const struct snas_layer *l, int c, double dgamma,
                       double dbeta)
{
    for (int group = 0; group < SNAS_GROUPS; group++) {
        ((float *)snas_net_group_grad(net, group, l->weight))[c] = group ? 0 : (float)dgamma;
        ((float *)snas_net_group_grad(net, group, l->bias))[c] = group ? 0 : (float)dbeta;
    }
}

/* From the sums of g and g * y to dY = a g + b y + d, gamma's and beta's gradients and d z.
 * `factor` is z, or 1. Returns d z. */
static double finish_norm(struct snas_net *net, struct snas_fast *f,
                          const struct snas_fast_norm *norm, double factor)
{
    const struct snas_layer *l = norm->layer >= 0 ? &net->network->layers[norm->layer] : NULL;
    const int affine = l && l->affine;
    const float *gamma = affine ? snas_net_param(net, l->weight) : NULL;
    const float *beta = affine ? snas_net_param(net, l->bias) : NULL;
    float *a = f->coefs + norm->coef + 2 * (size_t)norm->cp, *b = a + norm->cp, *d = b + norm->cp;
    double dz = 0, n = norm->pixels * net->run.batch.n;
    for (int c = 0; c < norm->c; c++) {
        const double *sum = f->sums + norm->sum + c;
        double g = snas_group_sum(sum, f->n_sums), gy = snas_group_sum(sum + norm->cp, f->n_sums);
        if (!l) {
            a[c] = (float)factor;
            dz += gy;
            continue;
        }
        const struct snas_bn_state *bn = &net->bn[norm->layer];
        double inv = bn->inv[c], mean = bn->mean[c], gx = inv * (gy - mean * g);
        double scale = affine ? (double)gamma[c] : 1;
        dz += scale * gx + (affine ? (double)beta[c] * g : 0);
        if (affine)
            put_affine(net, l, c, factor * gx, factor * g);
        scale *= factor * inv;
        a[c] = (float)scale;
        b[c] = (float)(-scale * inv * gx / n);
        d[c] = (float)(scale * (mean * inv * gx - g) / n);
    }
    return dz;
}

void snas_fast_backward_finish(struct snas_net *net, struct snas_unit *unit,
                               const struct snas_pass *pass, int part, int worker)
{
    (void)part;
    (void)worker;
    struct snas_fast *f = unit->state;
    for (int i = 0; i < f->n_blocks; i++) {
        const struct snas_fast_block *b = &f->blocks[i];
        if (!b->live)
            continue;
        if (pass->b > 0) {
            if (f->slots[b->from].stage == pass->a && b->n > pass->b)
                finish_norm(net, f, &f->segments[b->first + pass->b - 1].norm, 1);
            continue;
        }
        if (f->slots[b->to].stage != pass->a)
            continue;
        double dz = finish_norm(net, f, b->norm, b->z < 0 ? 1 : net->run.z[b->z]);
        if (b->z >= 0)
            net->group_dz[b->z] = dz;
    }
}

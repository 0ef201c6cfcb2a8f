/* Forward passes of the vectorised units: combine a stage's slots, then run segment `level` of
 * every block that leaves them; between the passes BN statistics become coefficients. */
#include <string.h>

#include "net/unit_fast.h"

/* Adds a band's sums to the group's and clears them: floats over a few pixels only, so that the
 * statistics of a large image are as good as those of a small one. */
static void take_sums(double *to, float *from, int n)
{
    for (int i = 0; i < n; i++)
        to[i] += from[i];
    memset(from, 0, (size_t)n * sizeof *from);
}

/* ---- slots */

/* The made slot's value: sum over its blocks of factor * (a * y + b). */
static void combine_slot(const struct snas_fast_work *w, int slot)
{
    const struct snas_fast *f = w->f;
    const struct snas_fast_slot *s = &f->slots[slot];
    const float *x[SNAS_FAST_TERMS], *a[SNAS_FAST_TERMS];
    const size_t step = (size_t)s->cp + SNAS_K_LANES;
    float *bias = w->scratch + f->scratch.coef, *coef = bias + step;
    int terms = 0;
    memset(bias, 0, (size_t)s->cp * sizeof *bias);
    for (int i = 0; i < f->n_blocks; i++) {
        const struct snas_fast_block *b = &f->blocks[i];
        if (b->to != slot || !b->live)
            continue;
        const float factor = snas_fast_factor(w, b), *from = f->coefs + b->norm->coef;
        const ptrdiff_t values = (ptrdiff_t)s->h * s->w * s->cp;
        if (b->kind == SNAS_FAST_CONV)
            x[terms] = snas_fast_y(w, f->segments[b->first + b->n - 1].y, values);
        else if (b->kind == SNAS_FAST_POOL)
            x[terms] = snas_fast_y(w, f->pools[b->pool].y, values);
        else
            x[terms] = snas_fast_image(w, w->net->value, b->from, terms);
        for (int c = 0; c < s->cp; c++) {
            coef[c] = factor * from[c];
            bias[c] += factor * from[s->cp + c];
        }
        a[terms++] = coef;
        coef += step;
    }
    float *out = snas_fast_values(w, w->net->value, s->tensor), *to = out;
    if (s->c != s->cp)
        to = w->scratch + f->scratch.unpacked + (size_t)terms * f->scratch.image;
    w->k->combine(s->h * s->w, s->cp, terms, x, a, bias, to);
    if (to != out)
        snas_fast_pack(w->k, s->h * s->w, s->c, to, s->cp, out, s->c);
}

/* ---- what leaves a slot */

static void run_segment(const struct snas_fast_work *w, const struct snas_fast_segment *s,
                        const struct snas_fast_tile *t, const float *tile,
                        struct snas_fast_ahead next)
{
    static const struct snas_k_tap here = {0, 0};
    const float *weights = w->f->weights;
    float sums[2 * SNAS_FAST_CHANNELS], *y = snas_fast_y(w, s->y, (ptrdiff_t)s->oh * s->ow * s->np);
    memset(sums, 0, 2 * (size_t)s->np * sizeof *sums);
    struct snas_k_source in = {tile + snas_fast_tile_at(t, 0, 0), t->row, t->c};
    const ptrdiff_t line = (ptrdiff_t)s->ow * s->np, mid_row = (ptrdiff_t)s->ow * s->kp;
    float *mid = w->scratch + w->f->scratch.t;
    for (int r = 0, rows, band = snas_fast_band(s); r < s->oh; r += rows) {
        rows = s->oh - r < band ? s->oh - r : band;
        in.at = tile + snas_fast_tile_at(t, 0, 0) + r * t->row;
        const struct snas_k_plane out = {y + r * line, line, s->np};
        if (s->depthwise < 0) {
            w->k->matmul(rows, s->ow, s->k, s->np, in, s->taps.n, s->taps.u.tap,
                         weights + s->w_matrix, out, 0, sums);
        } else {
            const ptrdiff_t at = next.values / s->oh * r;
            const struct snas_fast_ahead ahead = {{next.at[0] ? next.at[0] + at : NULL, NULL},
                                                  next.values / s->oh * rows};
            snas_fast_depthwise(w, rows, s->ow, s->kp, in, &s->taps, weights + s->w_depthwise,
                                (struct snas_k_plane){mid, mid_row, s->kp}, 0, &ahead);
            w->k->matmul(rows, s->ow, s->k, s->np, (struct snas_k_source){mid, mid_row, s->kp}, 1,
                         &here, weights + s->w_matrix, out, 0, sums);
        }
        take_sums(w->sums + s->norm.sum, sums, 2 * s->np);
    }
}

static void run_pools(const struct snas_fast_work *w, int slot)
{
    const struct snas_fast *f = w->f;
    for (int i = 0; i < f->n_pools; i++) {
        const struct snas_fast_pool *p = &f->pools[i];
        if (p->slot != slot || !p->live)
            continue;
        float sums[2 * SNAS_FAST_CHANNELS];
        float *y = snas_fast_y(w, p->y, (ptrdiff_t)p->oh * p->ow * p->c);
        memset(sums, 0, 2 * (size_t)p->c * sizeof *sums);
        w->k->pool(p->h, p->w, p->c, p->stride, snas_fast_image(w, w->net->value, slot, 0),
                   p->max ? y : NULL, p->max ? NULL : y, sums, sums, w->scratch + f->scratch.pool);
        take_sums(w->sums + p->sum, sums, 2 * p->c);
    }
}

/* First segments of the blocks of a view. */
static void run_view(const struct snas_fast_work *w, int view)
{
    const struct snas_fast *f = w->f;
    float *tile = w->scratch + f->scratch.tile;
    int loaded = 0;
    for (int i = 0; i < f->n_blocks; i++) {
        const struct snas_fast_block *b = &f->blocks[i];
        if (b->view != view || !b->live)
            continue;
        if (!loaded)
            snas_fast_load_slot(w, &f->views[view], tile);
        loaded = 1;
        run_segment(w, &f->segments[b->first], &f->views[view].tile, tile,
                    (struct snas_fast_ahead){{NULL, NULL}, 0});
    }
}

static void run_later(const struct snas_fast_work *w)
{
    const struct snas_fast *f = w->f;
    float *tile = w->scratch + f->scratch.tile;
    for (int i = 0; i < f->n_blocks; i++) {
        const struct snas_fast_block *b = &f->blocks[i];
        if (!snas_fast_has_block(w, i))
            continue;
        const struct snas_fast_segment *s = &f->segments[b->first + w->level];
        snas_fast_load_y(w, s - 1, s, tile);
        run_segment(w, s, &s->tile, tile, snas_fast_next_y(w, i));
    }
}

/* Those that this piece adds to: a group's sums are its own. */
static void clear_sums(const struct snas_fast_work *w)
{
    const struct snas_fast *f = w->f;
    for (int i = 0; i < f->n_blocks; i++) {
        const struct snas_fast_block *b = &f->blocks[i];
        if (w->level > 0 ? !snas_fast_has_block(w, i)
                         : b->n == 0 || !snas_fast_has_slot(w, b->from))
            continue;
        const struct snas_fast_norm *norm = &f->segments[b->first + w->level].norm;
        snas_fast_clear_sums(w, norm->sum, norm->cp);
    }
    for (int i = 0; w->level == 0 && i < f->n_pools; i++)
        if (snas_fast_has_slot(w, f->pools[i].slot))
            snas_fast_clear_sums(w, f->pools[i].sum, f->pools[i].c);
}

void snas_fast_forward_run(struct snas_net *net, struct snas_unit *unit,
                           const struct snas_pass *pass, int group, int worker)
{
    struct snas_fast_work w = snas_fast_begin(net, unit, pass, group, worker);
    const struct snas_fast *f = w.f;
    int first, count;
    snas_group_range(net->run.batch.n, w.group, &first, &count);
    clear_sums(&w);
    for (w.image = first; w.image < first + count; w.image++) {
        if (w.level > 0) {
            run_later(&w);
            continue;
        }
        for (int i = 0; i < f->n_slots; i++) {
            const struct snas_fast_slot *s = &f->slots[i];
            if (!snas_fast_has_slot(&w, i))
                continue;
            if (s->made && net->live_tensor[s->tensor] && !net->zero_tensor[s->tensor] &&
                !net->again)
                combine_slot(&w, i);
            run_pools(&w, i);
        }
        for (int i = 0; i < f->n_views; i++)
            if (snas_fast_has_slot(&w, f->views[i].slot))
                run_view(&w, i);
    }
}

/* ---- statistics */

static void finish_norm(struct snas_net *net, struct snas_fast *f,
                        const struct snas_fast_norm *norm, size_t sum)
{
    if (norm->layer < 0)
        return;
    const struct snas_layer *l = &net->network->layers[norm->layer];
    const struct snas_bn_state *bn = &net->bn[norm->layer];
    const float *gamma = l->affine ? snas_net_param(net, l->weight) : NULL;
    const float *beta = l->affine ? snas_net_param(net, l->bias) : NULL;
    double total[2 * SNAS_FAST_CHANNELS];
    for (int i = 0; i < 2 * norm->cp; i++)
        total[i] = snas_group_sum(f->sums + sum + i, f->n_sums);
    snas_net_bn_finish(net, norm->layer, 0, norm->c, total, total + norm->cp,
                       norm->pixels * net->run.batch.n);
    float *a = f->coefs + norm->coef, *b = a + norm->cp;
    for (int c = 0; c < norm->c; c++) {
        double scale = (gamma ? (double)gamma[c] : 1) * bn->inv[c];
        a[c] = (float)scale;
        b[c] = (float)((beta ? (double)beta[c] : 0) - scale * bn->mean[c]);
    }
}

void snas_fast_forward_finish(struct snas_net *net, struct snas_unit *unit,
                              const struct snas_pass *pass, int part, int worker)
{
    (void)part;
    (void)worker;
    struct snas_fast *f = unit->state;
    for (int i = 0; i < f->n_blocks; i++) {
        const struct snas_fast_block *b = &f->blocks[i];
        if (!b->live || f->slots[b->from].stage != pass->a)
            continue;
        if (b->kind == SNAS_FAST_POOL && pass->b == 0)
            finish_norm(net, f, &b->own, f->pools[b->pool].sum);
        if (b->n > pass->b)
            finish_norm(net, f, &f->segments[b->first + pass->b].norm,
                        f->segments[b->first + pass->b].norm.sum);
    }
}

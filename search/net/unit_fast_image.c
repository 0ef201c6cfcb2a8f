/* One image between the plan's dense tensors and the kernels' padded planes; weights likewise. */
#include <string.h>

#include "net/unit_fast.h"

/* The blocks of piece `piece` at a later level. */
static void share_blocks(struct snas_fast_work *w, int piece, int pieces)
{
    const struct snas_fast *f = w->f;
    int n = 0, at = 0;
    w->begin = 0;
    w->end = f->n_blocks;
    for (int i = 0; i < f->n_blocks; i++)
        n += snas_fast_has_block(w, i);
    const int first = n * piece / pieces, last = n * (piece + 1) / pieces;
    int begin = f->n_blocks, end = f->n_blocks;
    for (int i = 0; i < f->n_blocks; i++) {
        if (!snas_fast_has_block(w, i))
            continue;
        begin = at == first ? i : begin;
        end = at == last ? i : end;
        at++;
    }
    w->begin = begin;
    w->end = end;
}

struct snas_fast_work snas_fast_begin(struct snas_net *net, struct snas_unit *unit,
                                      const struct snas_pass *pass, int task, int worker)
{
    struct snas_fast *f = unit->state;
    const int group = task / pass->pieces, piece = task % pass->pieces;
    struct snas_fast_work w = {.net = net,
                               .f = f,
                               .k = f->k,
                               .group = group,
                               .stage = pass->a,
                               .level = pass->b,
                               .slot = -1,
                               .end = f->n_blocks,
                               .scratch = net->worker_scratch[worker],
                               .sums = f->sums + (size_t)group * f->n_sums};
    if (pass->b > 0)
        share_blocks(&w, piece, pass->pieces);
    else if (pass->pieces > 1)
        for (int i = 0, at = 0; i < f->n_slots; i++)
            if (f->slots[i].stage == pass->a && at++ == piece)
                w.slot = i;
    return w;
}

int snas_fast_has_slot(const struct snas_fast_work *w, int slot)
{
    return w->f->slots[slot].stage == w->stage && (w->slot < 0 || w->slot == slot);
}

int snas_fast_has_block(const struct snas_fast_work *w, int block)
{
    const struct snas_fast_block *b = &w->f->blocks[block];
    return b->live && w->f->slots[b->from].stage == w->stage && b->n > w->level &&
           block >= w->begin && block < w->end;
}

void snas_fast_clear_sums(const struct snas_fast_work *w, size_t sum, int c)
{
    memset(w->sums + sum, 0, 2 * (size_t)c * sizeof *w->sums);
}

float *snas_fast_values(const struct snas_fast_work *w, void *const *values, int tensor)
{
    const struct snas_shape *s = &w->net->network->tensors[tensor].shape;
    if (!values[tensor])
        return NULL;
    return (float *)values[tensor] + (size_t)w->image * (size_t)s->h * (size_t)s->w * (size_t)s->c;
}

void snas_fast_pack(const struct snas_kernels *k, int pixels, int c, const float *from,
                    ptrdiff_t from_px, float *to, ptrdiff_t to_px)
{
    k->affine(1, pixels, c, (struct snas_k_source){from, 0, from_px}, NULL, NULL, 0,
              (struct snas_k_plane){to, 0, to_px});
}

const float *snas_fast_image(const struct snas_fast_work *w, void *const *values, int slot,
                             int place)
{
    const struct snas_fast_slot *s = &w->f->slots[slot];
    const float *x = snas_fast_values(w, values, s->tensor);
    if (s->c == s->cp)
        return x;
    float *to = w->scratch + w->f->scratch.unpacked + (size_t)place * w->f->scratch.image;
    snas_fast_pack(w->k, s->h * s->w, s->c, x, s->c, to, s->cp);
    for (ptrdiff_t p = 0; p < (ptrdiff_t)s->h * s->w; p++)
        for (int c = s->c; c < s->cp; c++)
            to[p * s->cp + c] = 0;
    return to;
}

float *snas_fast_y(const struct snas_fast_work *w, size_t at, ptrdiff_t values)
{
    return (float *)(void *)(w->f->y_base + at) + w->image * values;
}

static void ask(const float *p, ptrdiff_t values)
{
    for (ptrdiff_t i = 0; p && i < values; i += 16)
        __builtin_prefetch(p + i, 0, 3);
}

void snas_fast_depthwise(const struct snas_fast_work *w, int rows, int width, int c,
                         struct snas_k_source in, const struct snas_fast_taps *taps,
                         const float *weights, struct snas_k_plane out, int accumulate,
                         const struct snas_fast_ahead *ahead)
{
    if (ahead->values <= 0 || !(ahead->at[0] || ahead->at[1])) {
        w->k->depthwise(rows, width, c, in, taps->n, taps->u.run, weights, out, accumulate);
        return;
    }
    const ptrdiff_t share = (ahead->values + rows - 1) / rows;
    for (int r = 0; r < rows; r++, in.at += in.row, out.at += out.row) {
        const ptrdiff_t at = r * share, left = ahead->values - at;
        for (int i = 0; i < 2; i++)
            if (ahead->at[i])
                ask(ahead->at[i] + at, left < share ? left : share);
        w->k->depthwise(1, width, c, in, taps->n, taps->u.run, weights, out, accumulate);
    }
}

struct snas_fast_ahead snas_fast_next_y(const struct snas_fast_work *w, int i)
{
    const struct snas_fast *f = w->f;
    for (i++; i < f->n_blocks; i++) {
        const struct snas_fast_block *b = &f->blocks[i];
        if (!snas_fast_has_block(w, i))
            continue;
        const struct snas_fast_segment *s = &f->segments[b->first + w->level];
        const ptrdiff_t values = (ptrdiff_t)s->h * s->w * s->kp;
        return (struct snas_fast_ahead){{snas_fast_y(w, s[-1].y, values), NULL}, values};
    }
    return (struct snas_fast_ahead){{NULL, NULL}, 0};
}

float snas_fast_keep(const struct snas_fast_work *w, const struct snas_fast_block *b)
{
    const double *keep = snas_net_keep(w->net, b->block);
    return keep ? (float)keep[w->image] : 1.0F;
}

float snas_fast_factor(const struct snas_fast_work *w, const struct snas_fast_block *b)
{
    return (b->z < 0 ? 1.0F : (float)w->net->run.z[b->z]) * snas_fast_keep(w, b);
}

int snas_fast_band(const struct snas_fast_segment *s)
{
    int widest = s->kp > s->np ? s->kp : s->np, pixels = 4096 / widest;
    pixels = pixels < 16 ? 16 : pixels > 128 ? 128 : pixels;
    int rows = pixels / s->ow;
    return rows < 1 ? 1 : rows > s->oh ? s->oh : rows;
}

size_t snas_fast_plane(int h, int w, int c, int stride, int parity, int *rows, int *width)
{
    if (stride == 1) {
        *rows = h;
        *width = w;
        return 0;
    }
    *rows = (h - parity / 2 + 1) / 2;
    *width = (w - parity % 2 + 1) / 2;
    return (size_t)parity * (size_t)((h + 1) / 2) * (size_t)((w + 1) / 2) * (size_t)c;
}

void snas_fast_clear_border(float *plane, ptrdiff_t row, int all, int top, int rows, ptrdiff_t left,
                            ptrdiff_t width)
{
    /* From a row's last inner value to the next row's first one. */
    const size_t gap = (size_t)(row - width);
    memset(plane, 0, (size_t)(top * row + left) * sizeof *plane);
    plane += top * row + left + width;
    for (int r = 1; r < rows; r++, plane += row)
        for (size_t i = 0; i < gap; i++)
            plane[i] = 0;
    memset(plane, 0, (size_t)((all - top - rows + 1) * row - left - width) * sizeof *plane);
}

/* Zeroes what is not image in a tile. */
static void clear_around(const struct snas_fast_tile *t, float *tile)
{
    const int half = t->pad / t->stride, all = (int)(t->plane / t->row);
    for (int parity = 0; parity < t->stride * t->stride; parity++) {
        int rows, width;
        snas_fast_plane(t->h, t->w, t->c, t->stride, parity, &rows, &width);
        if (rows == 0 || width == 0)
            memset(tile + parity * t->plane, 0, (size_t)t->plane * sizeof *tile);
        else
            snas_fast_clear_border(tile + parity * t->plane, t->row, all, half, rows,
                                   (ptrdiff_t)half * t->c, (ptrdiff_t)width * t->c);
    }
}

/* How often pixel (y, x) counts in a mean's tile: the window that an odd side cuts off has half of
 * the pixels. */
static float weight_of(const struct snas_fast_tile *t, int y, int x)
{
    return (t->h % 2 && y == t->h - 1 ? 2.0F : 1.0F) * (t->w % 2 && x == t->w - 1 ? 2.0F : 1.0F);
}

static void weigh(float *pixel, int c, float weight)
{
    for (int i = 0; weight != 1 && i < c; i++)
        pixel[i] *= weight;
}

static void weigh_tile(const struct snas_fast_tile *t, float *tile)
{
    for (int y = 0; y < t->h; y++)
        for (int x = 0; x < t->w; x++)
            weigh(tile + snas_fast_tile_at(t, y, x), t->c, weight_of(t, y, x));
}

void snas_fast_weigh_gradient(const struct snas_fast_tile *t, float *dx)
{
    for (int y = 0; y < t->h; y++)
        for (int x = 0; x < t->w; x++) {
            int rows, width;
            size_t at =
                snas_fast_plane(t->h, t->w, t->c, t->stride, y % 2 * 2 + x % 2, &rows, &width);
            weigh(dx + at + ((ptrdiff_t)(y / 2) * width + x / 2) * t->c, t->c, weight_of(t, y, x));
        }
}

/* Part of c channels of an h x w image into a tile from channel c0 on. */
static void load_part(const struct snas_kernels *k, const struct snas_fast_tile *t, const float *x,
                      int c, int c0, int relu, float *tile)
{
    for (int parity = 0; parity < t->stride * t->stride; parity++) {
        int rows, width, y = parity / 2, z = parity % 2;
        snas_fast_plane(t->h, t->w, c, t->stride, parity, &rows, &width);
        struct snas_k_source from = {x + ((ptrdiff_t)y * t->w + z) * c,
                                     (ptrdiff_t)t->stride * t->w * c, (ptrdiff_t)t->stride * c};
        float *to = tile + snas_fast_tile_at(t, y, z) + c0;
        k->affine(rows, width, c, from, NULL, NULL, relu, (struct snas_k_plane){to, t->row, t->c});
    }
}

void snas_fast_load_slot(const struct snas_fast_work *w, const struct snas_fast_view *v,
                         float *tile)
{
    const struct snas_fast_slot *s = &w->f->slots[v->slot];
    if (w->net->network->tensors[s->tensor].shape.c == v->tile.c)
        clear_around(&v->tile, tile);
    else
        memset(tile, 0, v->tile.size * sizeof *tile);
    for (int i = 0, c0 = 0; i < s->n_parts; i++) {
        int c = w->net->network->tensors[s->part[i]].shape.c;
        const float *x = snas_fast_values(w, w->net->value, s->part[i]);
        if (!x)
            SNAS_BUG("%s has no value", w->net->network->tensors[s->part[i]].name);
        load_part(w->k, &v->tile, x, c, c0, v->relu, tile);
        c0 += c;
    }
    if (v->mean)
        weigh_tile(&v->tile, tile);
}

void snas_fast_load_y(const struct snas_fast_work *w, const struct snas_fast_segment *before,
                      const struct snas_fast_segment *s, float *tile)
{
    const struct snas_fast_tile *t = &s->tile;
    const float *a = w->f->coefs + before->norm.coef, *b = a + before->norm.cp;
    const float *y = snas_fast_y(w, before->y, (ptrdiff_t)s->h * s->w * t->c);
    clear_around(t, tile);
    for (int parity = 0; parity < t->stride * t->stride; parity++) {
        int rows, width, r = parity / 2, p = parity % 2;
        snas_fast_plane(t->h, t->w, t->c, t->stride, parity, &rows, &width);
        struct snas_k_source from = {y + ((ptrdiff_t)r * t->w + p) * t->c,
                                     (ptrdiff_t)t->stride * t->w * t->c,
                                     (ptrdiff_t)t->stride * t->c};
        w->k->affine(rows, width, t->c, from, a, b, s->relu,
                     (struct snas_k_plane){tile + snas_fast_tile_at(t, r, p), t->row, t->c});
    }
    if (s->mean)
        weigh_tile(t, tile);
}

static void add_part(const struct snas_kernels *k, const struct snas_fast_view *v, float *dvalue,
                     int c, int c0, const float *tile, const float *dx)
{
    const struct snas_fast_tile *t = &v->tile;
    for (int parity = 0; parity < t->stride * t->stride; parity++) {
        int rows, width, y = parity / 2, z = parity % 2;
        size_t at = snas_fast_plane(t->h, t->w, t->c, t->stride, parity, &rows, &width);
        struct snas_k_source from = {dx + at + c0, (ptrdiff_t)width * t->c, t->c};
        struct snas_k_source mask = {v->relu ? tile + snas_fast_tile_at(t, y, z) + c0 : NULL,
                                     t->row, t->c};
        struct snas_k_plane to = {dvalue + ((ptrdiff_t)y * t->w + z) * c,
                                  (ptrdiff_t)t->stride * t->w * c, (ptrdiff_t)t->stride * c};
        k->add_masked(rows, width, c, from, mask, to);
    }
}

void snas_fast_add_slot(const struct snas_fast_work *w, const struct snas_fast_view *v,
                        const float *tile, const float *dx)
{
    const struct snas_fast_slot *s = &w->f->slots[v->slot];
    for (int i = 0, c0 = 0; i < s->n_parts; i++) {
        int c = w->net->network->tensors[s->part[i]].shape.c;
        float *to = snas_fast_values(w, w->net->dvalue, s->part[i]);
        if (to)
            add_part(w->k, v, to, c, c0, tile, dx);
        c0 += c;
    }
}

/* ---- weights, as the kernels want them */

/* Matrix t of a dense segment, or the one behind a depthwise: columns [*c0, *c0 + returned). */
const float *snas_fast_matrix(const struct snas_net *net, const struct snas_fast_segment *s, int t,
                              int *c0, int *columns)
{
    const struct snas_layer *l = &net->network->layers[s->matrix];
    *c0 = 0;
    *columns = s->n;
    if (l->step.kind != SNAS_STEP_FACTORIZED_REDUCE)
        return (const float *)snas_net_param(net, l->weight) +
               (size_t)t * (size_t)s->k * (size_t)s->n;
    *c0 = t ? s->n / 2 : 0;
    *columns = t ? s->n - s->n / 2 : s->n / 2;
    return snas_net_param(net, t ? l->bias : l->weight);
}

static void prepare_segment(const struct snas_net *net, struct snas_fast *f,
                            const struct snas_fast_segment *s)
{
    int matrices = s->n_offsets;
    if (s->depthwise >= 0) {
        const int weight = net->network->layers[s->depthwise].weight;
        const float *from = weight < 0 ? NULL : snas_net_param(net, weight);
        for (int t = 0; t < s->n_offsets; t++) {
            float *to = f->weights + s->w_depthwise + (size_t)t * (size_t)s->kp;
            for (int c = 0; c < s->k; c++) /* a mean has no weights of its own */
                to[c] =
                    from ? from[(size_t)t * (size_t)s->k + (size_t)c] : 1.0F / (float)s->n_offsets;
        }
        matrices = 1;
    }
    for (int t = 0; t < matrices; t++) {
        int c0, columns;
        const float *from = snas_fast_matrix(net, s, t, &c0, &columns);
        float *to = f->weights + s->w_matrix + (size_t)t * (size_t)s->k * (size_t)s->np + c0;
        float *turned = f->weights + s->w_transposed + (size_t)t * (size_t)s->n * (size_t)s->kp +
                        (size_t)c0 * (size_t)s->kp;
        for (int i = 0; i < s->k; i++)
            for (int j = 0; j < columns; j++) {
                to[(size_t)(i * s->np + j)] = from[(size_t)(i * columns + j)];
                if (net->options.training)
                    turned[(size_t)(j * s->kp + i)] = from[(size_t)(i * columns + j)];
            }
    }
}

/* A norm that is none. */
static void plain_norm(struct snas_fast *f, const struct snas_fast_norm *norm)
{
    for (int c = 0; norm->layer < 0 && c < norm->c; c++)
        f->coefs[norm->coef + (size_t)c] = 1;
}

void snas_fast_prepare_weights(struct snas_net *net, struct snas_fast *f)
{
    for (int i = 0; i < f->n_blocks; i++) {
        const struct snas_fast_block *b = &f->blocks[i];
        for (int j = 0; b->live && j < b->n; j++) {
            prepare_segment(net, f, &f->segments[b->first + j]);
            plain_norm(f, &f->segments[b->first + j].norm);
        }
        plain_norm(f, &b->own);
    }
}

/* The reference unit: layer by layer, image by image, compiled for float and for double. The
 * double one is the truth; it also runs what the fast units do not recognise. */
#include <string.h>

#include "layers/layers.h"
#include "net/segments.h"

static const struct {
    SNAS_R(snas_layer_forward) * forward;
    SNAS_R(snas_layer_backward) * backward;
} steps[] = {
    [SNAS_STEP_RELU] = {SNAS_R(snas_relu_forward), SNAS_R(snas_relu_backward)},
    [SNAS_STEP_DEPTHWISE] = {SNAS_R(snas_depthwise_forward), SNAS_R(snas_depthwise_backward)},
    [SNAS_STEP_POINTWISE] = {SNAS_R(snas_pointwise_forward), SNAS_R(snas_pointwise_backward)},
    [SNAS_STEP_CONV] = {SNAS_R(snas_conv_forward), SNAS_R(snas_conv_backward)},
    [SNAS_STEP_MAX_POOL] = {SNAS_R(snas_max_pool_forward), SNAS_R(snas_max_pool_backward)},
    [SNAS_STEP_AVG_POOL] = {SNAS_R(snas_avg_pool_forward), SNAS_R(snas_avg_pool_backward)},
    [SNAS_STEP_FACTORIZED_REDUCE] = {SNAS_R(snas_reduce_forward), SNAS_R(snas_reduce_backward)},
    [SNAS_STEP_GLOBAL_POOL] = {SNAS_R(snas_global_pool_forward), SNAS_R(snas_global_pool_backward)},
    [SNAS_STEP_LINEAR] = {SNAS_R(snas_linear_forward), SNAS_R(snas_linear_backward)},
};

/* One group's work in one pass: what every function below is told. */
struct work {
    struct snas_net *net;
    struct snas_segments *seg;
    const struct snas_stage *stage;
    int segment; /* forward: the pass'; backward: passes since the tail */
    int group, first, count;
    snas_real *values;      /* scratch: values of a segment */
    snas_real *gradient[2]; /* scratch */
};

static size_t values_of(struct snas_shape s)
{
    return (size_t)s.c * (size_t)s.h * (size_t)s.w;
}

static size_t pixels_of(struct snas_shape s)
{
    return (size_t)s.h * (size_t)s.w;
}

static struct work begin(struct snas_net *net, struct snas_unit *unit, const struct snas_pass *pass,
                         int group, int worker)
{
    struct work w = {.net = net, .seg = unit->state, .segment = pass->b, .group = group};
    w.stage = &w.seg->stages[pass->a];
    w.values = net->worker_scratch[worker];
    w.gradient[0] = w.values + w.seg->values;
    w.gradient[1] = w.gradient[0] + w.seg->gradient;
    snas_group_range(net->run.batch.n, group, &w.first, &w.count);
    return w;
}

/* The stage's i-th entry where it is computed in this forward, else NULL. */
static const struct snas_entry *entry(const struct work *w, int i)
{
    const struct snas_entry *e = &w->seg->entries[w->stage->first + i];
    return w->net->live_block[e->block] ? e : NULL;
}

static const struct snas_layer *layer(const struct work *w, int i)
{
    return &w->net->network->layers[i];
}

static snas_real *y_of(const struct work *w, const struct snas_entry *e, int s, int image)
{
    return (snas_real *)(void *)(w->seg->y_base + e->y_at[s]) +
           (size_t)image * values_of(layer(w, e->bn[s])->in);
}

/* Where the gradient of BN s's output is stored. */
static snas_real *g_of(const struct work *w, const struct snas_entry *e, int s, int image)
{
    return (snas_real *)(void *)((unsigned char *)w->net->temp + e->g_at) +
           (size_t)image * values_of(layer(w, e->bn[s])->in);
}

static double *sums(const struct snas_net *net, const struct snas_segments *seg,
                    const struct snas_entry *e, int row)
{
    return (double *)net->temp + (size_t)row * seg->sum_row + e->sum_at;
}

static const snas_real *param(const struct snas_net *net, int p)
{
    return p < 0 ? NULL : snas_net_param(net, p);
}

static void layer_params(const struct work *w, const struct snas_layer *l, const snas_real *p[2])
{
    p[0] = param(w->net, l->weight);
    p[1] = param(w->net, l->bias);
}

static struct snas_geometry geometry(const struct snas_layer *l)
{
    return (struct snas_geometry){.h = l->in.h,
                                  .w = l->in.w,
                                  .c = l->in.c,
                                  .oh = l->out.h,
                                  .ow = l->out.w,
                                  .oc = l->out.c,
                                  .kh = l->step.kh,
                                  .kw = l->step.kw,
                                  .stride = l->step.stride,
                                  .dilation = l->step.dilation};
}

/* Value or gradient of a plain tensor for one image. */
static snas_real *image_of(const struct work *w, void *const *tensors, int tensor, int image)
{
    snas_real *p = tensors[tensor];
    return p + (size_t)image * values_of(w->net->network->tensors[tensor].shape);
}

/* An image of a tensor: where it lies, or gathered into `room` from the parts. */
static const snas_real *read_tensor(const struct work *w, int tensor, int image, snas_real *room)
{
    const struct snas_tensor *t = &w->net->network->tensors[tensor];
    if (t->n_parts == 0)
        return image_of(w, w->net->value, tensor, image);
    size_t pixels = pixels_of(t->shape), c = (size_t)t->shape.c, c0 = 0;
    if (t->sum)
        memset(room, 0, pixels * c * sizeof *room);
    for (int i = 0; i < t->n_parts; i++) {
        const snas_real *part = image_of(w, w->net->value, t->parts[i], image);
        size_t n = (size_t)w->net->network->tensors[t->parts[i]].shape.c;
        for (size_t p = 0; p < pixels; p++, part += n) {
            snas_real *to = room + p * c + c0;
            if (!t->sum)
                memcpy(to, part, n * sizeof *to);
            else
                for (size_t k = 0; k < n; k++)
                    to[k] += part[k];
        }
        c0 += t->sum ? 0 : n;
    }
    return room;
}

static void add_gradient(const struct work *w, int tensor, int image, const snas_real *dx)
{
    const struct snas_tensor *t = &w->net->network->tensors[tensor];
    size_t pixels = pixels_of(t->shape), c = (size_t)t->shape.c, c0 = 0;
    const int self[1] = {tensor}, *parts = t->n_parts ? t->parts : self;
    int n_parts = t->n_parts ? t->n_parts : 1;
    for (int i = 0; i < n_parts; i++) {
        snas_real *part = image_of(w, w->net->dvalue, parts[i], image);
        size_t n = (size_t)w->net->network->tensors[parts[i]].shape.c;
        for (size_t p = 0; p < pixels; p++, part += n)
            for (size_t k = 0; k < n; k++)
                part[k] += dx[p * c + c0 + k];
        c0 += t->sum ? 0 : n;
    }
}

/* Whether anybody wants the gradient of what the entry reads. */
static int wants_dx(const struct work *w, const struct snas_entry *e)
{
    int in = w->net->network->blocks[e->block].in;
    return w->net->network->tensors[in].n_parts > 0 || w->net->dvalue[in] != NULL;
}

static void apply_norm(const struct work *w, int bn, const snas_real *x, snas_real *y)
{
    const struct snas_layer *l = layer(w, bn);
    const struct snas_bn_state *state = &w->net->bn[bn];
    SNAS_R(snas_norm_apply)
    (pixels_of(l->in), l->in.c, x, state->mean, state->inv, param(w->net, l->weight),
     param(w->net, l->bias), y);
}

/* Runs segment s for one image. v[0] is what the segment is given, v[i] the output of its i-th
 * layer; the last one is written to `out` where that is not NULL. Returns the last. */
static const snas_real *segment_forward(const struct work *w, const struct snas_entry *e, int s,
                                        int image, snas_real *out, const snas_real **v)
{
    snas_real *room = w->values;
    struct snas_shape in = snas_segment_in(w->net, e, s);
    if (s == 0) {
        v[0] = read_tensor(w, w->net->network->blocks[e->block].in, image, room);
    } else {
        apply_norm(w, e->bn[s - 1], y_of(w, e, s - 1, image), room);
        v[0] = room;
    }
    room += values_of(in);
    int n = e->last[s] - e->first[s];
    for (int i = 0; i < n; i++) {
        const struct snas_layer *l = layer(w, e->first[s] + i);
        const snas_real *p[2];
        layer_params(w, l, p);
        struct snas_geometry g = geometry(l);
        snas_real *y = i == n - 1 && out ? out : room;
        steps[l->step.kind].forward(&g, v[i], p, y);
        v[i + 1] = y;
        room += values_of(l->out);
    }
    if (n == 0 && out)
        memcpy(out, v[0], values_of(in) * sizeof *out);
    return v[n];
}

/* Back through segment s, whose values v hold; *turn says which gradient buffer has dy and is left
 * at the one that has dx. Without `want_dx` the first layer gives weight gradients only. */
static void segment_backward(const struct work *w, const struct snas_entry *e, int s,
                             const snas_real *const *v, int want_dx, int *turn)
{
    for (int i = e->last[s] - e->first[s] - 1; i >= 0; i--) {
        const struct snas_layer *l = layer(w, e->first[s] + i);
        const snas_real *p[2];
        layer_params(w, l, p);
        snas_real *dp[2] = {l->weight < 0 ? NULL : snas_net_group_grad(w->net, w->group, l->weight),
                            l->bias < 0 ? NULL : snas_net_group_grad(w->net, w->group, l->bias)};
        struct snas_geometry g = geometry(l);
        snas_real *dx = i > 0 || want_dx ? w->gradient[1 - *turn] : NULL;
        steps[l->step.kind].backward(&g, v[i], p, w->gradient[*turn], dx, dp);
        *turn = 1 - *turn;
    }
}

/* ---- forward ---- */

static void run_segment(struct snas_net *net, struct snas_unit *unit, const struct snas_pass *pass,
                        int group, int worker)
{
    struct work w = begin(net, unit, pass, group, worker);
    const snas_real *v[SNAS_STEPS_MAX + 1] = {NULL};
    for (int i = 0; i < w.stage->n; i++) {
        const struct snas_entry *e = entry(&w, i);
        if (!e || w.segment >= e->n_bn)
            continue;
        struct snas_shape shape = layer(&w, e->bn[w.segment])->in;
        double *sum = sums(net, w.seg, e, group);
        memset(sum, 0, 2 * (size_t)shape.c * sizeof *sum);
        for (int m = w.first; m < w.first + w.count; m++) {
            snas_real *y = y_of(&w, e, w.segment, m);
            segment_forward(&w, e, w.segment, m, y, v);
            if (net->run.bn != SNAS_BN_RUNNING)
                SNAS_R(snas_norm_sums)(pixels_of(shape), shape.c, y, sum, sum + shape.c);
        }
    }
}

/* Sums over the groups of the entry's two rows of c doubles. */
static void total(const struct snas_net *net, const struct snas_segments *seg,
                  const struct snas_entry *e, int c, double *to)
{
    const double *from = sums(net, seg, e, 0);
    for (int i = 0; i < 2 * c; i++)
        to[i] = snas_group_sum(from + i, seg->sum_row);
}

static double bn_count(const struct work *w, const struct snas_layer *l)
{
    return (double)w->net->run.batch.n * (double)pixels_of(l->in);
}

static void finish_segment(struct snas_net *net, struct snas_unit *unit,
                           const struct snas_pass *pass, int part, int worker)
{
    (void)part;
    if (net->run.bn == SNAS_BN_RUNNING)
        return;
    struct work w = begin(net, unit, pass, 0, worker);
    double *all = (double *)(w.gradient[1] + w.seg->gradient);
    for (int i = 0; i < w.stage->n; i++) {
        const struct snas_entry *e = entry(&w, i);
        if (!e || w.segment >= e->n_bn)
            continue;
        const struct snas_layer *l = layer(&w, e->bn[w.segment]);
        total(net, w.seg, e, l->in.c, all);
        snas_net_bn_finish(net, e->bn[w.segment], 0, l->in.c, all, all + l->in.c, bn_count(&w, l));
    }
}

/* An image's factor of an entry in its node, drop path included. */
static double factor(const struct work *w, const struct snas_entry *e, int image, double *keep)
{
    const double *k = snas_net_keep(w->net, e->block);
    *keep = k ? k[image] : 1;
    return e->z < 0 ? *keep : w->net->run.z[e->z] * *keep;
}

/* Targets as sums of factor * O. */
static void run_combine(struct snas_net *net, struct snas_unit *unit, const struct snas_pass *pass,
                        int group, int worker)
{
    struct work w = begin(net, unit, pass, group, worker);
    const snas_real *v[SNAS_STEPS_MAX + 1] = {NULL};
    for (int m = w.first; m < w.first + w.count; m++) {
        int before = -1;
        for (int i = 0; i < w.stage->n; i++) {
            const struct snas_entry *e = entry(&w, i);
            if (!e)
                continue;
            double keep;
            snas_real f = (snas_real)factor(&w, e, m, &keep);
            const snas_real *o = segment_forward(&w, e, e->n_bn, m, NULL, v);
            snas_real *to = image_of(&w, net->value, e->target, m);
            size_t n = values_of(net->network->tensors[e->target].shape);
            if (e->target != before)
                memset(to, 0, n * sizeof *to);
            for (size_t k = 0; k < n; k++)
                to[k] += f * o[k];
            before = e->target;
        }
    }
}

/* ---- backward ---- */

static double dot(size_t n, const snas_real *a, const snas_real *b)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)a[i] * b[i];
    return sum;
}

/* dL/dO of one image = factor * dL/dtarget. */
static void output_gradient(const struct work *w, const struct snas_entry *e, int image,
                            snas_real *to)
{
    double keep;
    snas_real f = (snas_real)factor(w, e, image, &keep);
    const snas_real *d = image_of(w, w->net->dvalue, e->target, image);
    size_t n = values_of(w->net->network->tensors[e->target].shape);
    for (size_t i = 0; i < n; i++)
        to[i] = f * d[i];
}

/* Whether the gradient of BN s's output is stored, and not simply factor * dL/dtarget. */
static int stored(const struct snas_entry *e, int s)
{
    return s < e->n_bn - 1 || e->tail;
}

/* Takes the gradient g of BN s's output: stores it where needed, adds to the group's sums. */
static void take_norm_gradient(const struct work *w, const struct snas_entry *e, int s, int image,
                               const snas_real *g)
{
    const struct snas_layer *l = layer(w, e->bn[s]);
    const struct snas_bn_state *state = &w->net->bn[e->bn[s]];
    double *sum = sums(w->net, w->seg, e, w->group);
    if (stored(e, s))
        memcpy(g_of(w, e, s, image), g, values_of(l->in) * sizeof *g);
    SNAS_R(snas_norm_backward_sums)
    (pixels_of(l->in), l->in.c, y_of(w, e, s, image), state->mean, state->inv, g, sum,
     sum + l->in.c);
}

static void clear_sums(const struct work *w, const struct snas_entry *e, int s)
{
    memset(sums(w->net, w->seg, e, w->group), 0,
           2 * (size_t)layer(w, e->bn[s])->in.c * sizeof(double));
}

/* d z, and back through what follows the last BN. */
static void back_tail(struct snas_net *net, struct snas_unit *unit, const struct snas_pass *pass,
                      int group, int worker)
{
    struct work w = begin(net, unit, pass, group, worker);
    const snas_real *v[SNAS_STEPS_MAX + 1] = {NULL};
    for (int i = 0; i < w.stage->n; i++) {
        const struct snas_entry *e = entry(&w, i);
        if (!e)
            continue;
        size_t n = values_of(net->network->tensors[e->target].shape);
        double dz = 0;
        if (e->n_bn > 0)
            clear_sums(&w, e, e->n_bn - 1);
        for (int m = w.first; m < w.first + w.count; m++) {
            const snas_real *o = segment_forward(&w, e, e->n_bn, m, NULL, v);
            double keep;
            factor(&w, e, m, &keep);
            if (e->z >= 0)
                dz += keep * dot(n, o, image_of(&w, net->dvalue, e->target, m));
            int turn = 0;
            output_gradient(&w, e, m, w.gradient[0]);
            segment_backward(&w, e, e->n_bn, v, e->n_bn > 0 || wants_dx(&w, e), &turn);
            if (e->n_bn > 0)
                take_norm_gradient(&w, e, e->n_bn - 1, m, w.gradient[turn]);
            else if (wants_dx(&w, e))
                add_gradient(&w, net->network->blocks[e->block].in, m, w.gradient[turn]);
        }
        if (e->z >= 0)
            net->group_dz[(size_t)group * (size_t)net->network->n_z + (size_t)e->z] = dz;
    }
}

/* Back through BN s and segment s of every entry, s = n_bn - passes since the tail. */
static void back_segment(struct snas_net *net, struct snas_unit *unit, const struct snas_pass *pass,
                         int group, int worker)
{
    struct work w = begin(net, unit, pass, group, worker);
    const snas_real *v[SNAS_STEPS_MAX + 1] = {NULL};
    for (int i = 0; i < w.stage->n; i++) {
        const struct snas_entry *e = entry(&w, i);
        int s = e ? e->n_bn - w.segment : -1;
        if (s < 0)
            continue;
        const struct snas_layer *l = layer(&w, e->bn[s]);
        const struct snas_bn_state *state = &net->bn[e->bn[s]];
        const double *all = sums(net, w.seg, e, SNAS_GROUPS);
        if (s > 0)
            clear_sums(&w, e, s - 1);
        for (int m = w.first; m < w.first + w.count; m++) {
            snas_real *g = w.gradient[0];
            if (stored(e, s))
                memcpy(g, g_of(&w, e, s, m), values_of(l->in) * sizeof *g);
            else
                output_gradient(&w, e, m, g);
            SNAS_R(snas_norm_backward_apply)
            (pixels_of(l->in), l->in.c, y_of(&w, e, s, m), state->mean, state->inv,
             param(net, l->weight), g, all, all + l->in.c, bn_count(&w, l), g);
            segment_forward(&w, e, s, m, NULL, v);
            int turn = 0;
            segment_backward(&w, e, s, v, s > 0 || wants_dx(&w, e), &turn);
            if (s > 0)
                take_norm_gradient(&w, e, s - 1, m, w.gradient[turn]);
            else if (wants_dx(&w, e))
                add_gradient(&w, net->network->blocks[e->block].in, m, w.gradient[turn]);
        }
    }
}

/* Behind either: the sums over all groups, for the next pass and for gamma and beta. */
static void finish_back(struct snas_net *net, struct snas_unit *unit, const struct snas_pass *pass,
                        int part, int worker)
{
    (void)part;
    struct work w = begin(net, unit, pass, 0, worker);
    for (int i = 0; i < w.stage->n; i++) {
        const struct snas_entry *e = entry(&w, i);
        int s = e ? e->n_bn - 1 - w.segment : -1;
        if (s < 0)
            continue;
        const struct snas_layer *l = layer(&w, e->bn[s]);
        double *all = sums(net, w.seg, e, SNAS_GROUPS);
        total(net, w.seg, e, l->in.c, all);
        if (!l->affine)
            continue;
        snas_real *dgamma = snas_net_group_grad(net, 0, l->weight);
        snas_real *dbeta = snas_net_group_grad(net, 0, l->bias);
        for (int c = 0; c < l->in.c; c++) {
            dbeta[c] = (snas_real)all[c];
            dgamma[c] = (snas_real)all[l->in.c + c];
        }
    }
}

/* ---- the unit ---- */

static const char *isa(void)
{
    return "ref";
}

static int accepts(const struct snas_net *net, const struct snas_unit *unit)
{
    (void)unit;
    return net->real == sizeof(snas_real);
}

static enum snas_status plan(struct snas_net *net, struct snas_unit *unit, struct snas_err *err)
{
    struct snas_segments *seg;
    enum snas_status status = snas_segments_create(net, unit, &seg, err);
    unit->state = seg;
    if (status != SNAS_OK)
        return status;
    int n = 0;
    for (int i = 0; i < seg->n_stages; i++)
        n += seg->stages[i].depth + 1;
    unit->forward = snas_alloc((size_t)n, sizeof *unit->forward, err);
    unit->backward = snas_alloc((size_t)n, sizeof *unit->backward, err);
    if (!unit->forward || !unit->backward)
        return SNAS_E_NOMEM;
    for (int i = 0; i < seg->n_stages; i++) {
        int depth = seg->stages[i].depth;
        for (int s = 0; s < depth; s++)
            unit->forward[unit->n_forward++] = (struct snas_pass){
                "ref segment", run_segment, finish_segment, .parts = 1, .a = i, .b = s};
        unit->forward[unit->n_forward++] =
            (struct snas_pass){"ref combine", run_combine, NULL, .parts = 0, .a = i, .b = depth};
    }
    for (int i = seg->n_stages - 1; i >= 0; i--)
        for (int t = 0; t <= seg->stages[i].depth; t++)
            unit->backward[unit->n_backward++] =
                (struct snas_pass){t == 0 ? "ref back tail" : "ref back segment",
                                   t == 0 ? back_tail : back_segment,
                                   finish_back,
                                   .parts = 1,
                                   .a = i,
                                   .b = t};
    return SNAS_OK;
}

static void bind(struct snas_net *net, struct snas_unit *unit)
{
    struct snas_segments *seg = unit->state;
    seg->y_base = net->options.training ? snas_net_saved_base(net, unit) : net->temp;
}

static void destroy(struct snas_unit *unit)
{
    snas_segments_destroy(unit->state);
}

const struct snas_unit_ops SNAS_R(snas_unit_ref) = {
    .name = "ref", .isa = isa, .accepts = accepts, .plan = plan, .bind = bind, .destroy = destroy};

/* Elementwise kernels, sums and pools of every instruction set that runs here against plain loops
 * in double (sweep.h). */
#include "sweep.h"

static const struct snas_k_source none = {NULL, 0, 0};

enum map { COPY, AFFINE, NORM_DX, MASK_SUMS, ADD_MASKED, MAPS };

struct operands {
    struct padded x, y, g, out;
    float *a, *b, *d, *sums;
    int relu, masked;
};

/* With NaN a ReLU is NaN, and a gradient is masked. */
static double formula(const struct operands *o, enum map map, int r, int q, int c, double before)
{
    double x = at(&o->x, r, q, c), y = at(&o->y, r, q, c), g = at(&o->g, r, q, c);
    double v = map == COPY ? x : x * (double)o->a[c] + (double)o->b[c];
    switch (map) {
    case COPY:
    case AFFINE:
        return o->relu && v < 0 ? 0 : v;
    case NORM_DX:
        return (double)o->a[c] * g + (double)o->b[c] * y + (double)o->d[c];
    case MASK_SUMS:
        return !o->masked || x > 0 ? g : 0;
    default:
        return before + (!o->masked || x > 0 ? g : 0);
    }
}

static void call(const struct snas_kernels *k, const struct operands *o, enum map map)
{
    const int rows = o->x.rows, width = o->x.width, c = o->x.c;
    const struct snas_k_source mask = o->masked ? source(&o->x) : none;
    switch (map) {
    case COPY:
        k->affine(rows, width, c, source(&o->x), NULL, NULL, o->relu, plane(&o->out));
        return;
    case AFFINE:
        k->affine(rows, width, c, source(&o->x), o->a, o->b, o->relu, plane(&o->out));
        return;
    case NORM_DX:
        k->norm_dx(rows, width, c, source(&o->g), source(&o->y), o->a, o->b, o->d, plane(&o->out));
        return;
    case MASK_SUMS:
        k->mask_sums(rows, width, c, source(&o->g), mask, source(&o->y), plane(&o->out), o->sums);
        return;
    default:
        k->add_masked(rows, width, c, source(&o->g), mask, plane(&o->out));
    }
}

static void check_map(const struct snas_kernels *k, enum map map, int rows, int width, int c)
{
    const size_t n = (size_t)c;
    struct operands o = {.x = alone(rows, width, c),
                         .y = alone(rows, width, c),
                         .g = alone(rows, width, c),
                         .out = alone(rows, width, c),
                         .a = numbers(n),
                         .b = numbers(n),
                         .d = numbers(n),
                         .sums = numbers(2 * n),
                         .relu = below(2),
                         .masked = below(3) > 0};
    float *before = copy(o.out.all, o.out.n), *sums_before = copy(o.sums, 2 * n);
    double *sum = zeros(2 * n), *size = zeros(2 * n);
    spoil(&o.x);
    spoil(&o.g);
    call(k, &o, map);
    same_around(&o.out, before);
    for (int p = 0; p < rows * width * c; p++) {
        const int r = p / c / width, q = p / c % width, ch = p % c;
        double was = before[&o.out.at[r * o.out.row + q * o.out.px + ch] - o.out.all];
        double want = formula(&o, map, r, q, ch, was), y = at(&o.y, r, q, ch);
        const double terms[] = {at(&o.g, r, q, ch), at(&o.x, r, q, ch), y, was};
        double around = 0.1;
        for (int i = 0; i < COUNT(terms); i++)
            around += isnan(terms[i]) ? 0 : fabs(terms[i]);
        close_to(at(&o.out, r, q, ch), want, around, "map");
        sum[ch] += want;
        sum[c + ch] += want * y;
        size[ch] += fabs(want);
        size[c + ch] += fabs(want * y);
    }
    for (int i = 0; map == MASK_SUMS && i < 2 * c; i++)
        close_to(o.sums[i], sums_before[i] + sum[i], size[i] + 0.1, "mask_sums");
    float *const all[] = {o.x.all, o.y.all, o.g.all, o.out.all, o.a,
                          o.b,     o.d,     o.sums,  before,    sums_before};
    for (int i = 0; i < COUNT(all); i++)
        free(all[i]);
    free(sum);
    free(size);
}

static void check_maps(const struct snas_kernels *k, int rows, int width, int c)
{
    for (int map = 0; map < MAPS; map++) {
        const int any = map != NORM_DX && map != MASK_SUMS; /* channel count */
        check_map(k, (enum map)map, rows, width, any ? c - below(8) : c);
    }
}

/* `out` may be a term that the first sweep reads. */
static void check_combine(const struct snas_kernels *k, int rows, int width, int c)
{
    enum { TERMS = 17 };
    const int pixels = rows * width, terms = below(TERMS + 1), own = terms && below(2);
    const size_t n = (size_t)pixels * (size_t)c;
    float *x[TERMS], *a[TERMS], *b = numbers((size_t)c), *out = numbers(n);
    const float *xs[TERMS], *as[TERMS];
    for (int t = 0; t < TERMS; t++) {
        xs[t] = x[t] = numbers(n);
        as[t] = a[t] = numbers((size_t)c);
    }
    if (own) {
        const int t = below(terms < 4 ? terms : 4);
        memcpy(out, x[t], n * sizeof *out);
        xs[t] = out;
    }
    if (below(4) == 0)
        x[TERMS - 1][below((int)n)] = NAN;
    k->combine(pixels, c, terms, xs, as, b, out);
    for (size_t i = 0; i < n; i++) {
        double want = b[i % (size_t)c], size = fabs(want);
        for (int t = 0; t < terms; t++) {
            want += (double)x[t][i] * a[t][i % (size_t)c];
            size += fabs((double)x[t][i] * a[t][i % (size_t)c]);
        }
        close_to(out[i], want, size, "combine");
    }
    for (int t = 0; t < TERMS; t++) {
        free(x[t]);
        free(a[t]);
    }
    free(b);
    free(out);
}

static void check_sums(const struct snas_kernels *k, int rows, int width, int c)
{
    const int pixels = rows * width;
    const size_t n = (size_t)pixels * (size_t)c;
    float *x = numbers(n), *y = numbers(n), *dot = numbers((size_t)c),
          *plain = copy(dot, (size_t)c), *before = copy(dot, (size_t)c);
    if (below(4) == 0)
        y[below((int)n)] = NAN;
    k->sums(pixels, c, x, y, dot);
    k->sums(pixels, c, x, NULL, plain);
    for (int ch = 0; ch < c; ch++) {
        double products = before[ch], sum = products, size = fabs(sum), product_size = size;
        for (int p = 0; p < pixels; p++) {
            const ptrdiff_t i = (ptrdiff_t)p * c + ch;
            products += (double)x[i] * y[i];
            product_size += fabs((double)x[i] * y[i]);
            sum += x[i];
            size += fabs((double)x[i]);
        }
        close_to(dot[ch], products, product_size, "sums of products");
        close_to(plain[ch], sum, size, "sums");
    }
    float *const all[] = {x, y, dot, plain, before};
    for (int i = 0; i < COUNT(all); i++)
        free(all[i]);
}

/* One pool's pass: outputs, sums, and what they say of the input's gradient. */
struct pools {
    int h, w, c, stride, oh, ow;
    float *x, *out[2], *d[2], *sums[2]; /* [0] average, [1] maximum */
    double *dx;
};

/* Value of window o of channel c, and its gradient added where it belongs. A NaN wins and hands no
 * gradient on; of equal values the first has it. */
static double pool_window(const struct pools *p, int max, int o, int c)
{
    const int r = o / p->ow * p->stride, q = o % p->ow * p->stride;
    int best = -1, count = 0;
    double sum = 0;
    for (int t = 0; t < 9; t++) {
        const int y = r + t / 3 - 1, z = q + t % 3 - 1, i = (y * p->w + z) * p->c + c;
        if (y < 0 || y >= p->h || z < 0 || z >= p->w)
            continue;
        count++;
        sum += p->x[i];
        if (best < 0 || p->x[i] > p->x[best] || (isnan(p->x[i]) && !isnan(p->x[best])))
            best = i;
    }
    for (int t = 0; t < 9 && p->d[max]; t++) {
        const int y = r + t / 3 - 1, z = q + t % 3 - 1, i = (y * p->w + z) * p->c + c;
        if (y < 0 || y >= p->h || z < 0 || z >= p->w)
            continue;
        if (!max)
            p->dx[i] += (double)p->d[0][o * p->c + c] / count;
        else if (i == best && !isnan(p->x[i]))
            p->dx[i] += p->d[1][o * p->c + c];
    }
    return max ? p->x[best] : sum / count;
}

static void check_pool_of(const struct snas_kernels *k, struct pools *p)
{
    const int c = p->c, windows = p->oh * p->ow;
    const size_t n = (size_t)(p->h * p->w * c), pad = 2 * (size_t)((p->h + 2) * (p->w + 2) * c);
    float *row = numbers((size_t)(p->w + 2) * (size_t)c), *scratch = numbers(pad);
    float *dx = numbers(n);
    for (size_t i = 0; i < n; i++)
        p->dx[i] = dx[i];
    k->pool(p->h, p->w, c, p->stride, p->x, p->out[1], p->out[0], p->sums[1], p->sums[0], row);
    k->pool_dx(p->h, p->w, c, p->stride, p->x, p->out[1], p->d[1], p->d[0], dx, scratch);
    for (int max = 0; max < 2; max++)
        for (int ch = 0; ch < c && p->out[max]; ch++) {
            double sum = 0, square = 0, size = 1;
            for (int o = 0; o < windows; o++) {
                double want = pool_window(p, max, o, ch);
                if (max && !isnan(want))
                    assert_true((double)p->out[1][o * c + ch] == want);
                close_to(p->out[max][o * c + ch], want, 4, "pool");
                sum += want;
                square += want * want;
                size += fabs(want);
            }
            close_to(p->sums[max][ch], sum, size, "sum of a pool");
            close_to(p->sums[max][c + ch], square, square + 1, "squares of a pool");
        }
    for (size_t i = 0; i < n; i++)
        close_to(dx[i], p->dx[i], 12, "pool_dx");
    free(row);
    free(scratch);
    free(dx);
}

/* Values with many ties at times, so that which of them wins matters; one kind of pool or both. */
static void check_pool(const struct snas_kernels *k, int h, int w, int c)
{
    const int wanted = 1 + below(3);
    for (int stride = 1; stride <= 2; stride++) {
        struct pools p = {.h = h, .w = w, .c = c, .stride = stride};
        p.oh = (h + stride - 1) / stride;
        p.ow = (w + stride - 1) / stride;
        const size_t n = (size_t)(h * w * c), m = (size_t)(p.oh * p.ow * c);
        p.x = numbers(n);
        for (size_t i = 0, ties = (size_t)below(2); ties && i < n; i++)
            p.x[i] = (float)below(4) - 1.5F;
        if (below(6) == 0)
            p.x[below((int)n)] = NAN;
        for (int max = 0; max < 2; max++) {
            p.sums[max] = calloc(2 * (size_t)c, sizeof(float));
            assert_non_null(p.sums[max]);
            if (wanted >> max & 1) {
                p.out[max] = numbers(m);
                p.d[max] = numbers(m);
            }
        }
        p.dx = zeros(n);
        check_pool_of(k, &p);
        for (int max = 0; max < 2; max++) {
            free(p.out[max]);
            free(p.d[max]);
            free(p.sums[max]);
        }
        free(p.x);
        free(p.dx);
    }
}

static void maps__equal_their_formulas_when_swept(void **state)
{
    (void)state;
    sweep(check_maps);
}

static void combine__equals_the_affine_sum_when_swept(void **state)
{
    (void)state;
    sweep(check_combine);
}

static void sums__equal_plain_sums_when_swept(void **state)
{
    (void)state;
    sweep(check_sums);
}

static void pool__takes_the_first_maximum_when_values_tie(void **state)
{
    (void)state;
    sweep(check_pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps__equal_their_formulas_when_swept),
        cmocka_unit_test(combine__equals_the_affine_sum_when_swept),
        cmocka_unit_test(sums__equal_plain_sums_when_swept),
        cmocka_unit_test(pool__takes_the_first_maximum_when_values_tie),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

/* Every kernel of every instruction set that runs here, against plain loops in double, over shapes
 * that end before, on and behind a vector. Buffers have no room to spare: the sanitizer build sees
 * a step too far. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "kernels/kernels.h"

static const char *const names[] = {"generic", "avx2", "avx512"};
static const int channels[] = {8, 16, 24, 32, 40, 48};
enum { CHANNELS = sizeof channels / sizeof channels[0] };
static const int sides[][2] = {{1, 1}, {1, 2},  {2, 3},  {3, 1},  {5, 7},  {7, 7},  {4, 8},
                               {3, 9}, {2, 14}, {2, 15}, {1, 16}, {2, 17}, {1, 28}, {2, 33}};
enum { SIDES = sizeof sides / sizeof sides[0] };

static struct snas_rng rng;

static float *numbers(size_t n)
{
    float *p = malloc(n * sizeof *p);
    assert_non_null(p);
    for (size_t i = 0; i < n; i++)
        p[i] = (float)snas_rng_normal(&rng);
    return p;
}

static float *copy(const float *from, size_t n)
{
    float *p = malloc(n * sizeof *p);
    assert_non_null(p);
    memcpy(p, from, n * sizeof *p);
    return p;
}

/* `size` is the sum of the magnitudes that make up `want`. */
static void close_to(double got, double want, double size, const char *what)
{
    if (!(fabs(got - want) <= 1e-5 * (fabs(size) + 1e-3)))
        fail_msg("%s: %.9g where %.9g is right (terms of size %.3g)", what, got, want, size);
}

typedef void check(const struct snas_kernels *k, int rows, int width, int c);

static void sweep(check *fn)
{
    rng = snas_rng_make(11, SNAS_STREAM_TEST, 0);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct snas_kernels *k = snas_kernels_find(names[i]);
        for (int s = 0; k && s < SIDES; s++)
            for (int c = 0; c < CHANNELS; c++)
                fn(k, sides[s][0], sides[s][1], channels[c]);
    }
}

/* A plane with a border of `pad` pixels; `at` is its first inner pixel. */
struct padded {
    float *all, *at;
    size_t n;
    ptrdiff_t row;
    int px;
};

static struct padded padded(int rows, int width, int px, int pad)
{
    struct padded p = {.row = (ptrdiff_t)(width + 2 * pad) * px, .px = px};
    p.n = (size_t)p.row * (size_t)(rows + 2 * pad);
    p.all = numbers(p.n);
    p.at = p.all + pad * p.row + pad * px;
    return p;
}

static struct snas_k_source source(const struct padded *p)
{
    return (struct snas_k_source){p->at, p->row, p->px};
}

static int window(struct snas_k_tap *taps, const struct padded *in, int k, int d, ptrdiff_t w)
{
    for (int t = 0; t < k * k; t++)
        taps[t] = (struct snas_k_tap){(t / k - (k - 1) / 2) * d * in->row +
                                          (t % k - (k - 1) / 2) * d * (ptrdiff_t)in->px,
                                      t * w};
    return k * k;
}

static void check_depthwise(const struct snas_kernels *k, int rows, int width, int c)
{
    static const int kinds[][2] = {{3, 1}, {5, 1}, {3, 2}, {5, 2}, {7, 1}};
    const int *kind = kinds[(rows + width + c / 8) % 5];
    struct padded in = padded(rows, width, c, (kind[0] - 1) / 2 * kind[1]);
    struct padded out = padded(rows, width, c, 1);
    struct snas_k_tap taps[49];
    int n = window(taps, &in, kind[0], kind[1], c);
    float *w = numbers((size_t)n * (size_t)c), *before = copy(out.all, out.n);
    int accumulate = width & 1;
    struct snas_k_run runs[49];
    int n_runs = snas_k_runs(snas_k_step(k, c), n, taps, runs);
    k->depthwise(rows, width, c, source(&in), n_runs, runs, w,
                 (struct snas_k_plane){out.at, out.row, c}, accumulate);
    for (ptrdiff_t i = 0; i < (ptrdiff_t)out.n; i++) {
        ptrdiff_t r = i / out.row - 1, q = i % out.row / c - 1, ch = i % c;
        if (r < 0 || r >= rows || q < 0 || q >= width) {
            assert_true(out.all[i] == before[i]);
            continue;
        }
        double sum = accumulate ? before[i] : 0, size = fabs(sum);
        for (int t = 0; t < n; t++) {
            double term = (double)in.at[r * in.row + q * c + ch + taps[t].in] * w[taps[t].w + ch];
            sum += term;
            size += fabs(term);
        }
        close_to(out.all[i], sum, size, "depthwise");
    }
    free(in.all);
    free(out.all);
    free(w);
    free(before);
}

static void check_depthwise_dw(const struct snas_kernels *k, int rows, int width, int c)
{
    int side = (rows + c / 8) % 2 ? 3 : 5;
    struct padded in = padded(rows, width, c, side / 2), g = padded(rows, width, c, 1);
    struct snas_k_tap taps[25];
    int n = window(taps, &in, side, 1, c);
    size_t count = (size_t)n * (size_t)c;
    float *dw = numbers(count), *before = copy(dw, count);
    struct snas_k_run runs[25];
    int n_runs = snas_k_runs(snas_k_step(k, c), n, taps, runs);
    k->depthwise_dw(rows, width, c, source(&in), n_runs, runs, source(&g), dw);
    for (int i = 0; i < n * c; i++) {
        double sum = before[i], size = fabs(sum);
        for (int p = 0; p < rows * width; p++) {
            ptrdiff_t r = p / width, q = p % width;
            double term = (double)in.at[r * in.row + q * c + i % c + taps[i / c].in] *
                          g.at[r * g.row + q * c + i % c];
            sum += term;
            size += fabs(term);
        }
        close_to(dw[i], sum, size, "depthwise_dw");
    }
    free(in.all);
    free(g.all);
    free(dw);
    free(before);
}

static void check_matmul(const struct snas_kernels *k, int rows, int width, int n)
{
    static const int inputs[] = {1, 3, 5, 8, 16, 17, 32};
    int c = inputs[(rows * 3 + width + n) % 7], side = width % 3 == 0 ? 3 : 1;
    struct padded in = padded(rows, width, c, side / 2), out = padded(rows, width, n, width & 1);
    struct snas_k_tap taps[9];
    int n_taps = window(taps, &in, side, 1, (ptrdiff_t)c * n), accumulate = rows & 1;
    float *w = numbers((size_t)n_taps * (size_t)c * (size_t)n), *before = copy(out.all, out.n);
    float *sums = numbers((size_t)n * 2), *sums_before = copy(sums, (size_t)n * 2);
    k->matmul(rows, width, c, n, source(&in), n_taps, taps, w,
              (struct snas_k_plane){out.at, out.row, n}, accumulate, sums);
    for (int j = 0; j < n; j++) {
        double total = sums_before[j], square = sums_before[n + j], weight = 1;
        for (int p = 0; p < rows * width; p++) {
            ptrdiff_t r = p / width, q = p % width, at = out.at - out.all + r * out.row + q * n + j;
            double sum = accumulate ? before[at] : 0, size = fabs(sum);
            for (int i = 0; i < n_taps * c; i++) {
                double term = (double)in.at[r * in.row + q * c + taps[i / c].in + i % c] *
                              w[(ptrdiff_t)i * n + j];
                sum += term;
                size += fabs(term);
            }
            close_to(out.all[at], sum, size, "matmul");
            total += sum;
            square += sum * sum;
            weight += size * size;
        }
        close_to(sums[j], total, weight, "matmul sum");
        close_to(sums[n + j], square, weight, "matmul square");
    }
    free(in.all);
    free(out.all);
    free(w);
    free(before);
    free(sums);
    free(sums_before);
}

static void check_matmul_dw(const struct snas_kernels *k, int rows, int width, int n)
{
    static const int inputs[] = {1, 3, 5, 8, 16, 17, 32};
    int c = inputs[(rows + width + n) % 7];
    struct padded in = padded(rows, width, c, 0), g = padded(rows, width, n, 1);
    size_t count = (size_t)c * (size_t)n;
    float *dw = numbers(count), *before = copy(dw, count);
    k->matmul_dw(rows, width, c, n, source(&in), source(&g), dw);
    for (int i = 0; i < c * n; i++) {
        double sum = before[i], size = fabs(sum);
        for (int p = 0; p < rows * width; p++) {
            ptrdiff_t r = p / width, q = p % width;
            double term =
                (double)in.at[r * in.row + q * c + i / n] * g.at[r * g.row + q * n + i % n];
            sum += term;
            size += fabs(term);
        }
        close_to(dw[i], sum, size, "matmul_dw");
    }
    free(in.all);
    free(g.all);
    free(dw);
    free(before);
}

static void check_maps(const struct snas_kernels *k, int rows, int width, int c)
{
    struct padded x = padded(rows, width, c, 1), y = padded(rows, width, c, 0);
    struct padded g = padded(rows, width, c, 2), out = padded(rows, width, c, 1);
    size_t n = (size_t)c;
    float *a = numbers(n), *b = numbers(n), *d = numbers(n), *sums = numbers(2 * n);
    float *sums_before = copy(sums, 2 * n), *before = copy(out.all, out.n);
    struct snas_k_plane to = {out.at, out.row, c};
    struct snas_k_source none = {NULL, 0, 0};
    double *sum = calloc(2 * n, sizeof *sum), *size = calloc(2 * n, sizeof *size);
    assert_non_null(sum);
    assert_non_null(size);
    for (int what = 0; what < 6; what++) {
        memcpy(out.all, before, out.n * sizeof *before);
        if (what == 0)
            k->affine(rows, width, c, source(&x), a, b, 1, to);
        else if (what == 1)
            k->norm_dx(rows, width, c, source(&g), source(&y), a, b, d, to);
        else if (what == 2)
            k->mask_sums(rows, width, c, source(&g), source(&x), source(&y), to, sums);
        else if (what == 3)
            k->add_masked(rows, width, c, source(&g), source(&x), to);
        else if (what == 4)
            k->add_masked(rows, width, c, source(&g), none, to);
        else
            k->mask_sums(rows, width, c, source(&g), none, source(&y), to, sums);
        for (ptrdiff_t i = 0; i < (ptrdiff_t)out.n; i++) {
            ptrdiff_t r = i / out.row - 1, q = i % out.row / c - 1, ch = i % c;
            if (r < 0 || r >= rows || q < 0 || q >= width) {
                assert_true(out.all[i] == before[i]);
                continue;
            }
            double xv = x.at[r * x.row + q * c + ch], yv = y.at[r * y.row + q * c + ch];
            double gv = g.at[r * g.row + q * c + ch], masked = xv > 0 ? gv : 0;
            double want[] = {fmax(xv * a[ch] + b[ch], 0),
                             a[ch] * gv + b[ch] * yv + d[ch],
                             masked,
                             before[i] + masked,
                             before[i] + gv,
                             gv};
            close_to(out.all[i], want[what], 3 + fabs(gv) + fabs(xv) + fabs(yv), "map");
            if (what == 2 || what == 5) {
                sum[ch] += want[what];
                sum[c + ch] += want[what] * yv;
                size[ch] += fabs(want[what]);
                size[c + ch] += fabs(want[what] * yv);
            }
        }
    }
    for (int i = 0; i < 2 * c; i++)
        close_to(sums[i], sums_before[i] + sum[i], size[i] + 1, "mask_sums");
    float *const all[] = {x.all, y.all, g.all, out.all, a, b, d, sums, sums_before, before};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        free(all[i]);
    free(sum);
    free(size);
}

static void check_combine(const struct snas_kernels *k, int rows, int width, int c)
{
    enum { TERMS = 9 };
    int pixels = rows * width, terms = (width + c / 8) % (TERMS + 1);
    size_t n = (size_t)pixels * (size_t)c;
    float *x[TERMS], *a[TERMS], *b = numbers((size_t)c), *out = numbers(n);
    const float *xs[TERMS], *as[TERMS];
    for (int t = 0; t < TERMS; t++) {
        xs[t] = x[t] = numbers(n);
        as[t] = a[t] = numbers((size_t)c);
    }
    k->combine(pixels, c, terms, xs, as, b, out);
    float *dot = numbers((size_t)c * 2), *dot_before = copy(dot, (size_t)c * 2);
    k->sums(pixels, c, x[0], x[1], dot);
    k->sums(pixels, c, x[0], NULL, dot + c);
    for (int ch = 0; ch < c; ch++) {
        double products = dot_before[ch], plain = dot_before[c + ch], size = 1;
        for (int p = 0; p < pixels; p++) {
            ptrdiff_t i = (ptrdiff_t)p * c + ch;
            double want = b[ch];
            for (int t = 0; t < terms; t++)
                want += (double)x[t][i] * a[t][ch];
            close_to(out[i], want, 10, "combine");
            products += (double)x[0][i] * x[1][i];
            plain += x[0][i];
            size += fabs((double)x[0][i]) * (1 + fabs((double)x[1][i]));
        }
        close_to(dot[ch], products, size, "sums of products");
        close_to(dot[c + ch], plain, size, "sums");
    }
    for (int t = 0; t < TERMS; t++) {
        free(x[t]);
        free(a[t]);
    }
    free(b);
    free(out);
    free(dot);
    free(dot_before);
}

/* Values with many ties, so that which of them wins matters. */
static void check_pool(const struct snas_kernels *k, int h, int w, int c)
{
    const int stride = 1 + (h + w + c / 8) % 2, oh = (h + stride - 1) / stride,
              ow = (w + stride - 1) / stride;
    size_t n = (size_t)h * (size_t)w * (size_t)c, m = (size_t)oh * (size_t)ow * (size_t)c;
    float *x = numbers(n), *max = numbers(m), *avg = numbers(m), *dmax = numbers(m),
          *davg = numbers(m), *dx = numbers(n);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)snas_rng_below(&rng, 4);
    float *max_sums = calloc(2 * (size_t)c, sizeof *max_sums),
          *avg_sums = calloc(2 * (size_t)c, sizeof *avg_sums);
    float *row = numbers((size_t)(w + 2) * (size_t)c),
          *pad = numbers(2 * (size_t)(h + 2) * (size_t)(w + 2) * (size_t)c);
    double *want = malloc(n * sizeof *want), *sums = calloc(4 * (size_t)c, sizeof *sums);
    assert_true(max_sums && avg_sums && want && sums);
    for (size_t i = 0; i < n; i++)
        want[i] = dx[i];
    k->pool(h, w, c, stride, x, max, avg, max_sums, avg_sums, row);
    k->pool_dx(h, w, c, stride, x, max, dmax, davg, dx, pad);
    for (int o = 0; o < oh * ow * c; o++) {
        int ch = o % c, q = o / c % ow, r = o / c / ow, best = -1, count = 0;
        double sum = 0;
        for (int pass = 0; pass < 2; pass++)
            for (int t = 0; t < 9; t++) {
                int y = r * stride + t / 3 - 1, z = q * stride + t % 3 - 1,
                    at = (y * w + z) * c + ch;
                if (y < 0 || y >= h || z < 0 || z >= w)
                    continue;
                if (pass) {
                    want[at] += (at == best ? dmax[o] : 0) + davg[o] / count;
                    continue;
                }
                count++;
                sum += x[at];
                if (best < 0 || x[at] > x[best])
                    best = at;
            }
        assert_true(max[o] == x[best]);
        close_to(avg[o], sum / count, 4, "average");
        sums[ch] += max[o];
        sums[c + ch] += (double)max[o] * max[o];
        sums[2 * c + ch] += avg[o];
        sums[3 * c + ch] += (double)avg[o] * avg[o];
    }
    for (size_t i = 0; i < n; i++)
        close_to(dx[i], want[i], 10, "pool_dx");
    for (int i = 0; i < 2 * c; i++) {
        close_to(max_sums[i], sums[i], 1 + sums[i], "sums of max");
        close_to(avg_sums[i], sums[2 * c + i], 1 + sums[2 * c + i], "sums of average");
    }
    float *const all[] = {x, max, avg, dmax, davg, dx, max_sums, avg_sums, row, pad};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        free(all[i]);
    free(want);
    free(sums);
}

static void depthwise__equals_the_sum_of_taps_when_swept(void **state)
{
    (void)state;
    sweep(check_depthwise);
}

static void depthwise_dw__equals_the_sum_over_pixels_when_swept(void **state)
{
    (void)state;
    sweep(check_depthwise_dw);
}

static void matmul__equals_the_sum_of_products_when_swept(void **state)
{
    (void)state;
    sweep(check_matmul);
}

static void matmul_dw__equals_the_sum_over_pixels_when_swept(void **state)
{
    (void)state;
    sweep(check_matmul_dw);
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

static void pool__takes_the_first_maximum_when_values_tie(void **state)
{
    (void)state;
    sweep(check_pool);
}

/* A broken step must show in the loss. */
static void maps__keep_nan_when_it_comes_in(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct snas_kernels *k = snas_kernels_find(names[i]);
        if (!k)
            continue;
        enum { C = 8, W = 3 };
        float x[W * W * C] = {0}, out[W * W * C], sums[2 * C] = {0}, row[(W + 2) * C];
        x[4 * C] = NAN;
        struct snas_k_source in = {x, W * C, C};
        k->affine(W, W, C, in, NULL, NULL, 1, (struct snas_k_plane){out, W * C, C});
        assert_true(isnan(out[4 * C]) && out[4 * C + 1] == 0);
        k->pool(W, W, C, 1, x, out, NULL, sums, NULL, row);
        for (int p = 0; p < W * W; p++)
            assert_true(isnan(out[p * C]) && out[p * C + 1] == 0);
    }
}

static void kernels_get__follows_the_environment_when_set(void **state)
{
    (void)state;
    setenv("SNAS_ISA", "ref", 1);
    assert_null(snas_kernels_get());
    setenv("SNAS_ISA", "generic", 1);
    assert_string_equal(snas_kernels_get()->isa, "generic");
    unsetenv("SNAS_ISA");
    assert_non_null(snas_kernels_get());
    assert_null(snas_kernels_find("mmx"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(depthwise__equals_the_sum_of_taps_when_swept),
        cmocka_unit_test(depthwise_dw__equals_the_sum_over_pixels_when_swept),
        cmocka_unit_test(matmul__equals_the_sum_of_products_when_swept),
        cmocka_unit_test(matmul_dw__equals_the_sum_over_pixels_when_swept),
        cmocka_unit_test(maps__equal_their_formulas_when_swept),
        cmocka_unit_test(combine__equals_the_affine_sum_when_swept),
        cmocka_unit_test(pool__takes_the_first_maximum_when_values_tie),
        cmocka_unit_test(maps__keep_nan_when_it_comes_in),
        cmocka_unit_test(kernels_get__follows_the_environment_when_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

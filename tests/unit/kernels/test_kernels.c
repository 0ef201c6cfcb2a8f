/* Convolutions and matrix products of every instruction set that runs here against plain loops in
 * double (sweep.h). */
#include "sweep.h"

/* Taps of a kh x kw convolution on a plane with a border, or on the four planes of even and odd
 * rows and columns that a stride of 2 reads, in either order of the weights; `all` holds the
 * planes. */
struct window {
    int kh, kw, dilation, stride, mirrored;
    int n;
    struct snas_k_tap taps[49];
    struct padded in; /* the first plane; the others follow */
};

static int reach(const struct window *w)
{
    return ((w->kh > w->kw ? w->kh : w->kw) - 1) / 2 * w->dilation;
}

static int floor_half(int x)
{
    return x >= 0 ? x / 2 : (x - 1) / 2;
}

/* w->n * weights floats of weights; pixels of px floats. */
static void open_window(struct window *w, int rows, int width, int c, int px, ptrdiff_t weights)
{
    const int pad = reach(w), planes = w->stride * w->stride;
    struct padded *in = &w->in;
    *in = padded_px(rows, width, c, px, pad);
    const ptrdiff_t plane = (ptrdiff_t)in->n;
    free(in->all);
    in->n *= (size_t)planes;
    in->all = numbers(in->n);
    in->at = in->all + pad * in->row + (ptrdiff_t)pad * px;
    w->n = w->kh * w->kw;
    for (int t = 0; t < w->n; t++) {
        int y = (t / w->kw - (w->kh - 1) / 2) * w->dilation,
            x = (t % w->kw - (w->kw - 1) / 2) * w->dilation;
        ptrdiff_t offset = 0;
        if (w->stride == 2) {
            offset = ((y & 1) * 2 + (x & 1)) * plane;
            y = floor_half(y);
            x = floor_half(x);
        }
        w->taps[t].in = offset + y * in->row + (ptrdiff_t)x * px;
        w->taps[t].w = (w->mirrored ? w->n - 1 - t : t) * weights;
    }
}

static struct window draw_depthwise(void)
{
    static const int kinds[][3] = {{1, 1, 1}, {3, 3, 1}, {5, 5, 1}, {7, 7, 1}, {3, 3, 2},
                                   {5, 5, 2}, {7, 7, 2}, {3, 3, 3}, {1, 7, 1}, {7, 1, 1}};
    const int *kind = kinds[below(COUNT(kinds))];
    return (struct window){.kh = kind[0],
                           .kw = kind[1],
                           .dilation = kind[2],
                           .stride = 1 + below(2),
                           .mirrored = below(2)};
}

static void check_depthwise(const struct snas_kernels *k, int rows, int width, int c)
{
    struct window v = draw_depthwise();
    open_window(&v, rows, width, c, c, c);
    spoil(&v.in);
    struct padded out = apart(rows, width, c, c);
    float *w = numbers((size_t)v.n * (size_t)c), *before = copy(out.all, out.n);
    const int accumulate = below(2);
    struct snas_k_run runs[49];
    int n_runs = snas_k_runs(snas_k_step(k, c), v.n, v.taps, runs);
    k->depthwise(rows, width, c, source(&v.in), n_runs, runs, w, plane(&out), accumulate);
    same_around(&out, before);
    for (int p = 0; p < rows * width * c; p++) {
        const int r = p / c / width, q = p / c % width, ch = p % c;
        const float *x = v.in.at + r * v.in.row + (ptrdiff_t)q * c + ch;
        double sum = accumulate ? before[out.at - out.all + r * out.row + q * c + ch] : 0,
               size = fabs(sum);
        for (int t = 0; t < v.n; t++) {
            double term = (double)x[v.taps[t].in] * w[v.taps[t].w + ch];
            sum += term;
            size += fabs(term);
        }
        close_to(at(&out, r, q, ch), sum, size, "depthwise");
    }
    free(v.in.all);
    free(out.all);
    free(w);
    free(before);
}

static void check_depthwise_dw(const struct snas_kernels *k, int rows, int width, int c)
{
    struct window v = draw_depthwise();
    open_window(&v, rows, width, c, c, c);
    spoil(&v.in);
    struct padded g = apart(rows, width, c, c);
    size_t count = (size_t)v.n * (size_t)c;
    float *dw = numbers(count), *before = copy(dw, count);
    struct snas_k_run runs[49];
    int n_runs = snas_k_runs(snas_k_step(k, c), v.n, v.taps, runs);
    k->depthwise_dw(rows, width, c, source(&v.in), n_runs, runs, source(&g), dw);
    for (int i = 0; i < v.n * c; i++) {
        const struct snas_k_tap *tap = &v.taps[i / c];
        const ptrdiff_t to = tap->w + i % c;
        double sum = before[to], size = fabs(sum);
        for (int p = 0; p < rows * width; p++) {
            const int r = p / width, q = p % width;
            double term = (double)v.in.at[r * v.in.row + (ptrdiff_t)q * c + i % c + tap->in] *
                          at(&g, r, q, i % c);
            sum += term;
            size += fabs(term);
        }
        close_to(dw[to], sum, size, "depthwise_dw");
    }
    free(v.in.all);
    free(g.all);
    free(dw);
    free(before);
}

static const int inputs[] = {1, 3, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 64};

/* Between pixels of k channels: as many, as many as tiles have, or more. */
static int draw_px(int k)
{
    const int px[] = {k, (k + 7) / 8 * 8, k + 5};
    return one_of(COUNT(px), px);
}

/* sums over all pixels of an output and of its square */
static void check_sums(const struct padded *out, int j, const float *before, const float *sums,
                       const double *want, const double *size)
{
    double total = before[j], square = before[out->c + j], weight = fabs(total),
           square_weight = fabs(square);
    for (int p = 0; p < out->rows * out->width; p++) {
        total += want[p];
        square += want[p] * want[p];
        weight += size[p];
        square_weight += (fabs(want[p]) + 1e-3) * size[p];
    }
    close_to(sums[j], total, weight, "matmul sum");
    close_to(sums[out->c + j], square, square_weight, "matmul square");
}

static void check_matmul(const struct snas_kernels *k, int rows, int width, int n)
{
    static const int kinds[][2] = {{1, 1}, {1, 1}, {1, 1}, {3, 3}, {1, 7}, {7, 1}, {5, 5}};
    const int *kind = kinds[below(COUNT(kinds))], pixels = rows * width;
    struct window v = {
        .kh = kind[0], .kw = kind[1], .dilation = 1, .stride = 1 + below(2), .mirrored = below(2)};
    int c = one_of(COUNT(inputs), inputs);
    while (c > 1 && pixels * n * v.kh * v.kw * c > 400000)
        c = one_of(COUNT(inputs), inputs) % c;
    c += c == 0;
    open_window(&v, rows, width, c, draw_px(c), (ptrdiff_t)c * n);
    if (v.stride == 2 && kind[0] == 3) /* the two of a factorized reduction */
        v.n = 2;
    spoil(&v.in);
    struct padded out = alone(rows, width, n);
    const int accumulate = below(2), summed = below(3) > 0;
    float *w = numbers((size_t)(v.kh * v.kw * c) * (size_t)n), *before = copy(out.all, out.n);
    float *sums = numbers((size_t)n * 2), *sums_before = copy(sums, (size_t)n * 2);
    double *want = zeros((size_t)pixels), *size = zeros((size_t)pixels);
    k->matmul(rows, width, c, n, source(&v.in), v.n, v.taps, w, plane(&out), accumulate,
              summed ? sums : NULL);
    same_around(&out, before);
    for (int j = 0; j < n; j++) {
        for (int p = 0; p < pixels; p++) {
            const int r = p / width, q = p % width;
            const float *x = v.in.at + r * v.in.row + (ptrdiff_t)q * v.in.px;
            want[p] = accumulate ? before[&out.at[r * out.row + q * out.px + j] - out.all] : 0;
            size[p] = fabs(want[p]);
            for (int i = 0; i < v.n * c; i++) {
                double term = (double)x[v.taps[i / c].in + i % c] *
                              w[v.taps[i / c].w + (ptrdiff_t)(i % c) * n + j];
                want[p] += term;
                size[p] += fabs(term);
            }
            close_to(at(&out, r, q, j), want[p], size[p], "matmul");
        }
        if (summed)
            check_sums(&out, j, sums_before, sums, want, size);
    }
    float *const all[] = {v.in.all, out.all, w, before, sums, sums_before};
    for (int i = 0; i < COUNT(all); i++)
        free(all[i]);
    free(want);
    free(size);
}

static void check_matmul_dw(const struct snas_kernels *k, int rows, int width, int n)
{
    const int c = one_of(COUNT(inputs), inputs);
    struct padded in = apart(rows, width, c, draw_px(c)), g = alone(rows, width, n);
    size_t count = (size_t)c * (size_t)n;
    float *dw = numbers(count), *before = copy(dw, count);
    spoil(&g);
    k->matmul_dw(rows, width, c, n, source(&in), source(&g), dw);
    for (int i = 0; i < c * n; i++) {
        double sum = before[i], size = fabs(sum);
        for (int p = 0; p < rows * width; p++) {
            double term =
                at(&in, p / width, p % width, i / n) * at(&g, p / width, p % width, i % n);
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

static void kernels_get__follows_the_environment_when_set(void **state)
{
    (void)state;
    setenv("SNAS_ISA", "ref", 1);
    assert_null(snas_kernels_get());
    for (int i = 0; i < COUNT(isas); i++)
        if (snas_kernels_find(isas[i])) {
            setenv("SNAS_ISA", isas[i], 1);
            assert_string_equal(snas_kernels_get()->isa, isas[i]);
        }
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
        cmocka_unit_test(kernels_get__follows_the_environment_when_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

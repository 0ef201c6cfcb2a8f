#include <stdlib.h>

#include "kernels/kernels.h"

ptrdiff_t snas_k_step(const struct snas_kernels *k, int c)
{
    return c < k->lanes ? k->lanes : c; /* two pixels of 8 channels are one vector of 16 */
}

/* The unused tap that continues the run, or n. */
static int next_tap(const struct snas_k_run *run, ptrdiff_t step, int n,
                    const struct snas_k_tap *taps, const unsigned char *used)
{
    int t = 0;
    while (t < n && (used[t] || taps[t].in != run->in + run->count * run->gap * step ||
                     (run->count > 1 && taps[t].w != run->w + run->count * run->w_step)))
        t++;
    return t;
}

static int longer_first(const void *a, const void *b)
{
    const struct snas_k_run *x = a, *y = b;
    if (x->count != y->count)
        return y->count - x->count;
    if (x->gap != y->gap)
        return x->gap - y->gap;
    return (x->in > y->in) - (x->in < y->in);
}

int snas_k_runs(ptrdiff_t step, int n, const struct snas_k_tap *taps, struct snas_k_run *runs)
{
    unsigned char used[256] = {0};
    int n_runs = 0;
    for (;;) {
        int first = -1; /* the leftmost that no run has taken */
        for (int t = 0; t < n; t++)
            if (!used[t] && (first < 0 || taps[t].in < taps[first].in))
                first = t;
        if (first < 0)
            break;
        struct snas_k_run *run = &runs[n_runs++];
        *run = (struct snas_k_run){taps[first].in, taps[first].w, 0, 1, 1};
        used[first] = 1;
        if (next_tap(run, step, n, taps, used) == n)
            run->gap = 2;
        for (int t; run->count < SNAS_K_RUN && (t = next_tap(run, step, n, taps, used)) < n;) {
            run->w_step = run->count == 1 ? taps[t].w - run->w : run->w_step;
            run->count++;
            used[t] = 1;
        }
    }
    qsort(runs, (size_t)n_runs, sizeof *runs, longer_first);
    return n_runs;
}

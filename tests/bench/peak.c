/* What the processor can do at most: fused multiply-adds on registers. */
#include <string.h>

#include "base/clock.h"
#include "base/threads.h"
#include "bench.h"

enum {
    CHAINS = 12, /* independent of each other: two units of four cycles' latency need eight */
    ROUNDS = 200000
};

#define DEFINE_PEAK(name, lanes, attribute)                                                        \
    attribute static float name(float seed)                                                        \
    {                                                                                              \
        typedef float vec __attribute__((vector_size(4 * (lanes))));                               \
        const vec zero = {0}, x = zero + 0.999F, y = zero + seed;                                  \
        vec a = zero, b = a + 1, c = a + 2, d = a + 3, e = a + 4, f = a + 5, g = a + 6, h = a + 7, \
            i = a + 8, j = a + 9, k = a + 10, l = a + 11;                                          \
        for (int r = 0; r < ROUNDS; r++) {                                                         \
            a = a * x + y, b = b * x + y, c = c * x + y, d = d * x + y;                            \
            e = e * x + y, f = f * x + y, g = g * x + y, h = h * x + y;                            \
            i = i * x + y, j = j * x + y, k = k * x + y, l = l * x + y;                            \
        }                                                                                          \
        a += b + c + d + e + f + g + h + i + j + k + l;                                            \
        return a[0];                                                                               \
    }

#if defined(__x86_64__)
DEFINE_PEAK(peak_avx512, 16, __attribute__((noinline, target("avx512f,fma"))))
DEFINE_PEAK(peak_avx2, 8, __attribute__((noinline, target("avx2,fma"))))
#endif
DEFINE_PEAK(peak_generic, 4, __attribute__((noinline)))

struct job {
    float (*run)(float seed);
    float sink[64]; /* per worker; keeps the work from being left out */
};

static void task(int number, int worker, void *arg)
{
    struct job *job = arg;
    job->sink[worker % 64] += job->run(1e-3F * (float)(number + 1));
}

double bench_peak_gflops(const char *isa, int threads)
{
    enum { TASKS = 8, TRIES = 6 };
    struct job job = {.run = peak_generic};
    int lanes = 4;
#if defined(__x86_64__)
    if (strcmp(isa, "avx512") == 0) {
        job.run = peak_avx512;
        lanes = 16;
    } else if (strcmp(isa, "avx2") == 0) {
        job.run = peak_avx2;
        lanes = 8;
    }
#else
    (void)isa;
#endif
    double best = 0;
    for (int i = 0; i < TRIES; i++) {
        const double start = snas_seconds();
        snas_parallel(threads, threads * TASKS, task, &job);
        const double done = 2.0 * lanes * CHAINS * ROUNDS * threads * TASKS;
        const double rate = done / (snas_seconds() - start) * 1e-9;
        best = rate > best ? rate : best;
    }
    return best;
}

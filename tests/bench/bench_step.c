/* Speed of a training step of the DARTS supernet: what the other benches measure with. */
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "bench.h"

struct result {
    double median, mean, min, total;  /* seconds */
    double forward, backward, update; /* medians of the parts */
    double cpu;                       /* least processor time of a step */
    double live;                      /* share of the plan's FLOPs that was computed */
    double nominal, done;             /* GFLOP/s; nominal 0 when not all ops were live */
    double touched;                   /* GB/s; 0 likewise */
    struct snas_profile profile;
};

/* The first one with all ops, so that every page of memory is there: a search meets each op within
 * its first steps, a short measurement does not. */
static void warm_up(struct bench_step *b, int first)
{
    const int live = b->o.live;
    for (int i = 0; i < b->o.warm_up; i++) {
        b->o.live = i == 0 ? 0 : live;
        bench_step_run(b, first + i);
    }
    b->o.live = live;
}

static void measure(struct bench_step *b, struct result *r)
{
    const int n = b->o.steps;
    double *times = calloc(4 * (size_t)n, sizeof *times), flops = 0;
    if (!times) {
        fputs("bench-step: no memory\n", stderr);
        exit(1);
    }
    memset(r, 0, sizeof *r);
    r->cpu = 1e9;
    warm_up(b, b->o.first + n);
    snas_net_profile(b->net, b->o.passes ? &r->profile : NULL);
    for (int i = 0; i < n; i++) {
        times[i] = bench_step_run(b, b->o.first + i);
        times[n + i] = b->forward;
        times[2 * n + i] = b->backward;
        times[3 * n + i] = b->update;
        r->total += times[i];
        r->cpu = b->cpu < r->cpu ? b->cpu : r->cpu;
        flops += snas_net_step_flops(b->net) * b->o.batch;
    }
    snas_net_profile(b->net, NULL);
    r->mean = r->total / n;
    r->median = bench_median(times, n);
    r->min = times[0];
    r->forward = bench_median(times + n, n);
    r->backward = bench_median(times + 2 * (size_t)n, n);
    r->update = bench_median(times + 3 * (size_t)n, n);
    r->live = flops / (b->plan_flops * b->o.batch * n);
    r->done = flops / r->total * 1e-9;
    if (r->live > 1 - 1e-9) {
        r->nominal = b->plan_flops * b->o.batch / r->median * 1e-9;
        /* Each byte of the plan's activations written once and read once: what a step cannot
         * avoid. Caches and second readings are not seen, so it is a lower bound. */
        r->touched = 2 * (double)b->plan.activation_bytes / r->median * 1e-9;
    }
    free(times);
}

static void print_json_passes(const struct bench_step *b, const struct snas_profile *p)
{
    printf(", \"passes\": [");
    for (int i = 0; i < p->n; i++) {
        const struct snas_profile_row *r = &p->rows[i];
        printf("%s{\"unit\": \"%s\", \"pass\": \"%s\", \"a\": %d, \"b\": %d, \"backward\": %d, "
               "\"calls\": %lld, \"run_s\": %.6f, \"finalise_s\": %.6f}",
               i ? ", " : "", r->unit, r->pass, r->a, r->b, r->backward,
               (long long)(r->calls / b->o.steps), r->run / b->o.steps, r->finalise / b->o.steps);
    }
    printf("]");
}

static void print_json(const struct bench_step *b, const struct result *r, double peak)
{
    printf("{\"isa\": \"%s\", \"steps\": %d, \"median_s\": %.6f, \"mean_s\": %.6f, \"min_s\": "
           "%.6f, \"total_s\": %.6f, \"images_per_s\": %.1f, \"cpu_s\": %.6f, \"forward_s\": %.6f, "
           "\"backward_s\": %.6f, \"update_s\": %.6f, \"live_flops\": %.4f, \"plan_gflop\": %.4f, "
           "\"nominal_gflops\": %.1f, \"done_gflops\": %.1f, \"peak_gflops\": %.1f, "
           "\"at_least_gbs\": %.1f, \"plan_bytes\": %zu, \"anonymous_kb\": %ld",
           b->plan.isa, b->o.steps, r->median, r->mean, r->min, r->total, b->o.batch / r->median,
           r->cpu, r->forward, r->backward, r->update, r->live, b->plan_flops * b->o.batch * 1e-9,
           r->nominal, r->done, peak, r->touched, b->plan.total_bytes, b->peak_anonymous_kb);
    if (b->o.passes)
        print_json_passes(b, &r->profile);
    puts("}");
    fflush(stdout);
}

static int by_time(const void *a, const void *b)
{
    const struct snas_profile_row *x = a, *y = b;
    const double s = x->run + x->finalise, t = y->run + y->finalise;
    return (s < t) - (s > t);
}

/* Sums per kind of unit and direction, then every pass, longest first; milliseconds a step. */
static void print_passes(const struct bench_step *b, struct snas_profile *p)
{
    const double ms = 1e3 / b->o.steps;
    qsort(p->rows, (size_t)p->n, sizeof *p->rows, by_time);
    static const char *const kinds[] = {"stem", "cell", "head", "net"};
    for (int k = 0; k < 4; k++) {
        double sum[2] = {0};
        for (int i = 0; i < p->n; i++)
            if (strcmp(p->rows[i].unit, kinds[k]) == 0)
                sum[p->rows[i].backward] += p->rows[i].run + p->rows[i].finalise;
        printf("  %-5s forward %8.2f ms  backward %8.2f ms\n", kinds[k], sum[0] * ms, sum[1] * ms);
    }
    puts("  unit  pass                           a   b  calls      run  finalise  (ms a step)");
    for (int i = 0; i < p->n; i++) {
        const struct snas_profile_row *r = &p->rows[i];
        printf("  %-5s %-28s %3d %3d %6lld %8.2f  %8.2f\n", r->unit, r->pass, r->a, r->b,
               (long long)(r->calls / b->o.steps), r->run * ms, r->finalise * ms);
    }
}

static void print_text(const struct bench_step *b, struct result *r, double peak)
{
    printf("%s: median %.1f ms, mean %.1f ms, best %.1f ms, processor %.1f ms; %.1f images/s\n",
           b->plan.isa, r->median * 1e3, r->mean * 1e3, r->min * 1e3, r->cpu * 1e3,
           b->o.batch / r->median);
    printf("  forward %.1f ms, backward %.1f ms, update %.1f ms\n", r->forward * 1e3,
           r->backward * 1e3, r->update * 1e3);
    printf("  computed %.1f%% of the plan's %.2f GFLOP a step: %.1f GFLOP/s, %.1f%% of the peak of "
           "%.1f GFLOP/s (FMA, %d threads)\n",
           100 * r->live, b->plan_flops * b->o.batch * 1e-9, r->done, 100 * r->done / peak, peak,
           b->o.threads);
    if (r->nominal > 0)
        printf("  nominal, by the median: %.1f GFLOP/s, %.1f%% of the peak; at least %.1f GB/s "
               "(every activation byte of the plan once written, once read)\n",
               r->nominal, 100 * r->nominal / peak, r->touched);
    printf("  plan %.0f MB, peak anonymous memory %.0f MB\n", (double)b->plan.total_bytes * 1e-6,
           (double)b->peak_anonymous_kb * 1.024e-3);
    if (b->o.passes)
        print_passes(b, &r->profile);
}

/* A line of options, a line of JSON. */
static int serve(struct bench_step *b, struct result *r, double peak)
{
    enum { WORDS = 32 };
    char line[512], *rest, name[] = "bench-step";
    const struct bench_options first = b->o;
    while (fgets(line, sizeof line, stdin)) {
        char *words[WORDS + 1] = {name};
        int n = 1;
        struct bench_options o = first;
        for (char *w = strtok_r(line, " \n", &rest); w && n < WORDS;
             w = strtok_r(NULL, " \n", &rest))
            words[n++] = w;
        if (bench_options_read(&o, n, words, 1) != 0)
            return 2;
        bench_step_change(b, &o);
        measure(b, r);
        print_json(b, r, peak);
    }
    return 0;
}

int main(int argc, char **argv)
{
    static struct bench_step b;
    static struct result r;
    struct bench_options o = bench_options_default();
    const int wrong = bench_options_read(&o, argc, argv, 0);
    if (wrong) {
        bench_usage(wrong < 0 ? stdout : stderr);
        return wrong < 0 ? 0 : 2;
    }
    snas_threads_init();
    bench_step_make(&b, &o);
    double peak = bench_peak_gflops(b.plan.isa, o.threads);
    int status = 0;
    if (o.serve) {
        status = serve(&b, &r, peak);
    } else {
        measure(&b, &r);
        const double again = bench_peak_gflops(b.plan.isa, o.threads); /* clocks change */
        peak = again > peak ? again : peak;
        if (o.json)
            print_json(&b, &r, peak);
        else
            print_text(&b, &r, peak);
    }
    bench_step_free(&b);
    return status;
}

/* snas-cost measure: the latency columns of a table, on this machine. */
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "export/micro.h"
#include "export/onnx/write.h"
#include "snas-cost/cost.h"
#include "timing/rounds.h"
#include "snas-cost/table.h"
#include "timing/device.h"

/* Minimum, median, 90% and number of the runs of one row, in milliseconds: each run less the median
 * of the null network's runs of the same round, per copy. */
static enum snas_status row_latency(const struct snas_rounds *r, const struct snas_micro_set *set,
                                    int i, double *latency, struct snas_err *err)
{
    int n = r->rounds * r->runs, null = set->items[i].null;
    double *mine = snas_alloc((size_t)n, sizeof *mine, err);
    double *theirs = snas_alloc((size_t)r->runs, sizeof *theirs, err);
    if (!mine || !theirs) {
        snas_free(mine);
        snas_free(theirs);
        return SNAS_E_NOMEM;
    }
    double least = INFINITY, null_least = INFINITY;
    for (int round = 0; round < r->rounds; round++) {
        memcpy(theirs, snas_rounds_slice(r, null, round), (size_t)r->runs * sizeof *theirs);
        double middle = snas_quantile(theirs, r->runs, 0.5);
        null_least = fmin(null_least, theirs[0]);
        for (int k = 0; k < r->runs; k++) {
            double t = snas_rounds_slice(r, i, round)[k];
            least = fmin(least, t);
            mine[round * r->runs + k] = 1e3 * (t - middle) / SNAS_MICRO_COPIES;
        }
    }
    latency[1] = fmax(snas_quantile(mine, n, 0.5), 0);
    latency[2] = fmax(snas_quantile(mine, n, 0.9), latency[1]);
    latency[0] = fmin(fmax(1e3 * (least - null_least) / SNAS_MICRO_COPIES, 0), latency[1]);
    latency[3] = n;
    snas_free(mine);
    snas_free(theirs);
    return SNAS_OK;
}

static enum snas_status fill_table(const struct subject *s, const struct snas_rounds *r,
                                   const struct snas_micro_set *set, struct snas_cost_table *table,
                                   struct snas_err *err)
{
    double(*latency)[4] = snas_alloc((size_t)set->n, sizeof *latency, err);
    enum snas_status status = latency ? SNAS_OK : SNAS_E_NOMEM;
    for (int i = 0; status == SNAS_OK && i < set->n; i++)
        status = row_latency(r, set, i, latency[i], err);
    if (status == SNAS_OK)
        status = table_set_latency(s->net, set, latency, table, err);
    snas_free(latency);
    return status;
}

/* The log's first line: whose slices these are. */
static char *describe(const struct subject *s, const struct snas_cost_source *source,
                      const struct snas_rounds_options *o, struct snas_err *err)
{
    const struct snas_network_options *n = &s->net->options;
    return snas_format(err,
                       "snas-cost slices 1: %s on %s, %d threads, space %s, C = %d, %d cells, "
                       "input %dx%dx%d, %d rounds of %d runs",
                       source->runtime, source->device, source->threads, s->space.name, n->channels,
                       n->layers, n->input.c, n->input.h, n->input.w, o->rounds, o->runs);
}

static enum snas_status micro_children(const struct subject *s, const struct snas_micro_set *set,
                                       struct snas_child *children, const char **names,
                                       struct snas_err *err)
{
    for (int i = 0; i < set->n; i++) {
        names[i] = set->items[i].name;
        enum snas_status status = snas_micro_child(s->net, &set->items[i], &children[i], err);
        if (status != SNAS_OK)
            return snas_fail_context(err, "%s", names[i]);
    }
    return SNAS_OK;
}

static enum snas_status measure_set(const struct subject *s, const struct snas_micro_set *set,
                                    const struct snas_rounds_options *o, struct snas_rounds *out,
                                    struct snas_err *err)
{
    struct snas_child *children = snas_alloc((size_t)set->n, sizeof *children, err);
    const char **names = snas_alloc((size_t)set->n, sizeof *names, err);
    enum snas_status status =
        children && names ? micro_children(s, set, children, names, err) : SNAS_E_NOMEM;
    if (status == SNAS_OK)
        status = snas_rounds_run(children, names, set->n, o, out, err);
    for (int i = 0; children && i < set->n; i++)
        snas_child_clear(&children[i]);
    snas_free(children);
    snas_free(names);
    return status;
}

static void say(const struct subject *s, const struct snas_micro_set *set,
                const struct snas_rounds *r, const struct snas_cost_source *source)
{
    printf("%s: latency of %d candidate ops, from %d micro-networks, %d runs each\n", args.output,
           s->net->n_z, set->n, r->rounds * r->runs);
    printf("  %s on %s, %d thread%s, one image at a time\n", source->runtime, source->device,
           source->threads, source->threads == 1 ? "" : "s");
    if (r->busy)
        printf("  %d of %d slices were taken on a busy machine (median above 1.3 x the fastest "
               "run in each of three tries)\n",
               r->busy, r->n * r->rounds);
    printf("  snas-cost check %s --table %s tells how far their sum can be trusted\n", s->config,
           args.output);
}

enum snas_status cost_measure(const struct subject *s, struct snas_err *err)
{
    struct snas_cost_table table = {0};
    struct snas_micro_set set = {0};
    struct snas_rounds rounds = {0};
    struct snas_rounds_options o = {.threads = (int)args.threads,
                                    .rounds = (int)args.rounds,
                                    .runs = (int)args.runs,
                                    .title = "measure"};
    char *log = NULL, *what = NULL;
    enum snas_status status = snas_cost_table_create(s->net, &table, err);
    struct snas_cost_source *source = &table.source;
    if (status == SNAS_OK)
        status = snas_timer_runtime_pick(args.runtime, &o.runtime, source->runtime,
                                         sizeof source->runtime, err);
    if (status == SNAS_OK)
        status = snas_micro_set_create(s->net, &set, err);
    if (status == SNAS_OK) {
        snas_device_name(source->device, sizeof source->device);
        snas_today(source->date, sizeof source->date);
        source->threads = o.threads;
        source->opset = o.runtime == SNAS_TIMER_ORT ? SNAS_ONNX_OPSET : 0;
        o.log = log = snas_format(err, "%s.slices", args.output);
        o.what = what = log ? describe(s, source, &o, err) : NULL;
        status = what ? measure_set(s, &set, &o, &rounds, err) : SNAS_E_NOMEM;
    }
    if (status == SNAS_OK)
        status = fill_table(s, &rounds, &set, &table, err);
    if (status == SNAS_OK)
        status = snas_cost_table_write(args.output, s->net, &table, err);
    if (status == SNAS_OK) {
        unlink(log);
        say(s, &set, &rounds, source);
    }
    snas_rounds_clear(&rounds);
    snas_micro_set_clear(&set);
    snas_cost_table_clear(&table);
    snas_free(log);
    snas_free(what);
    return status;
}

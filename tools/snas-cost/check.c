/* snas-cost check: how well the sum of a table's rows tells a whole network's latency. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "methods/method.h"
#include "snas-cost/cost.h"
#include "snas-cost/fit.h"
#include "timing/rounds.h"
#include "snas-cost/table.h"

#define NAME 64
#define DRAWS 100 /* tries for a connected random child */

struct check {
    const struct subject *subject;
    struct snas_cost_table table;
    int n;
    struct snas_child *children;
    char (*names)[NAME];
    double *sum, *measured; /* milliseconds */
    struct snas_rounds rounds;
    struct snas_rounds_options how;
    struct snas_cost_source source;
};

/* The network of a genotype with random weights; `connected` 0: nothing was made. */
static enum snas_status add_child(struct check *c, const struct snas_genotype *g, const char *name,
                                  int *connected, struct snas_err *err)
{
    struct snas_network *net;
    struct snas_alive alive;
    struct snas_network_options o = c->subject->net->options;
    enum snas_status s = snas_network_create(&c->subject->space, &o, g, &net, err);
    if (s != SNAS_OK)
        return s;
    s = snas_network_alive(net, &alive, err);
    if (s == SNAS_OK) {
        *connected = alive.connected;
        if (alive.connected)
            s = snas_cost_child_sum(c->subject->net, &c->table, SNAS_COST_LATENCY, net, &alive,
                                    &c->sum[c->n], err);
        snas_alive_clear(&alive);
    }
    if (s != SNAS_OK || !*connected) {
        snas_network_destroy(net);
        return s;
    }
    s = snas_random_child(net, 1, &c->children[c->n], err);
    if (s == SNAS_OK)
        snprintf(c->names[c->n++], NAME, "%s", name);
    return s;
}

static enum snas_status draw_children(struct check *c, struct snas_err *err)
{
    const struct snas_network *net = c->subject->net;
    double *z = snas_alloc((size_t)net->n_z, sizeof *z, err);
    enum snas_status s = z ? SNAS_OK : SNAS_E_NOMEM;
    for (int i = 0, draw = 0; s == SNAS_OK && i < args.children; draw++) {
        struct snas_genotype g;
        char name[NAME];
        int connected = 0;
        if (draw == DRAWS * (args.children + 1))
            s = snas_fail(err, SNAS_E_STATE, "hardly any random child of space '%s' is connected",
                          c->subject->space.name);
        snas_z_random(net, (uint64_t)args.seed, (uint64_t)draw, z, &g);
        snprintf(name, sizeof name, "random%d", i);
        if (s == SNAS_OK)
            s = add_child(c, &g, name, &connected, err);
        i += connected;
    }
    snas_free(z);
    return s;
}

static enum snas_status add_found(struct check *c, struct snas_err *err)
{
    struct snas_genotype g;
    int connected = 0;
    enum snas_status s = snas_genotype_read(args.genotype, &c->subject->space, &g, err);
    if (s == SNAS_OK)
        s = add_child(c, &g, g.name, &connected, err);
    if (s == SNAS_OK && !connected)
        s = snas_fail(err, SNAS_E_STATE, "genotype '%s' is disconnected", args.genotype);
    return s;
}

static enum snas_status measure(struct check *c, struct snas_err *err)
{
    const char **names = snas_alloc((size_t)c->n, sizeof *names, err);
    if (!names)
        return SNAS_E_NOMEM;
    for (int i = 0; i < c->n; i++)
        names[i] = c->names[i];
    enum snas_status s = snas_rounds_run(c->children, names, c->n, &c->how, &c->rounds, err);
    snas_free(names);
    for (int i = 0; s == SNAS_OK && i < c->n; i++) {
        c->measured[i] = 1e3 * snas_rounds_median(&c->rounds, i, err);
        s = c->measured[i] >= 0 ? SNAS_OK : SNAS_E_NOMEM;
    }
    return s;
}

static void print_text(const struct check *c, const struct fit *f)
{
    printf("%s against %d whole networks of %s, one image at a time, %s, %d thread%s\n\n",
           args.table, c->n, c->subject->config, c->source.runtime, c->source.threads,
           c->source.threads == 1 ? "" : "s");
    printf("  %-16s %12s %12s %12s %8s\n", "", "sum of rows", "predicted", "measured", "error");
    for (int i = 0; i < c->n; i++)
        printf("  %-16s %9.4f ms %9.4f ms %9.4f ms %7.1f%%\n", c->names[i], c->sum[i],
               f->predicted[i], c->measured[i],
               100 * (f->predicted[i] - c->measured[i]) / c->measured[i]);
    printf("\n  latency = %.4f ms + %.4f x sum of rows\n", f->a, f->b);
    printf("  error of a network that is left out of the fit: mean %.1f%%, worst %.1f%% (%s)\n",
           100 * f->mean_error, 100 * f->worst_error, c->names[f->worst]);
    printf("  rank correlation (Spearman) %.3f\n", f->spearman);
    if (c->rounds.busy)
        printf("  %d of %d slices were taken on a busy machine\n", c->rounds.busy,
               c->rounds.n * c->rounds.rounds);
    if (strcmp(c->source.runtime, c->table.source.runtime) != 0 ||
        c->source.threads != c->table.source.threads)
        printf("  note: the table was measured with %s, %d threads\n", c->table.source.runtime,
               c->table.source.threads);
}

static void print_json(const struct check *c, const struct fit *f)
{
    printf("{\n  \"table\": \"%s\", \"runtime\": \"%s\", \"threads\": %d,\n", args.table,
           c->source.runtime, c->source.threads);
    printf("  \"a_ms\": %.9g, \"b\": %.9g, \"mean_error\": %.9g, \"worst_error\": %.9g, "
           "\"spearman\": %.9g,\n  \"networks\": [\n",
           f->a, f->b, f->mean_error, f->worst_error, f->spearman);
    for (int i = 0; i < c->n; i++)
        printf("    {\"name\": \"%s\", \"sum_ms\": %.9g, \"predicted_ms\": %.9g, "
               "\"measured_ms\": %.9g}%s\n",
               c->names[i], c->sum[i], f->predicted[i], c->measured[i], i + 1 < c->n ? "," : "");
    puts("  ]\n}");
}

/* -o FILE: the table with the line that was found, by which a budget in milliseconds is met. */
static enum snas_status keep_fit(struct check *c, const struct fit *f, struct snas_err *err)
{
    if (!args.output)
        return SNAS_OK;
    if (!(f->b > 0))
        return snas_fail(err, SNAS_E_NUMERIC,
                         "latency does not grow with the sum of the rows (b = %g): no table was "
                         "written to '%s'",
                         f->b, args.output);
    c->table.fit =
        (struct snas_cost_fit){c->n, f->a, f->b, f->mean_error, f->worst_error, f->spearman};
    return snas_cost_table_write(args.output, c->subject->net, &c->table, err);
}

static enum snas_status prepare(struct check *c, struct snas_err *err)
{
    size_t n = (size_t)args.children + 1;
    c->children = snas_alloc(n, sizeof *c->children, err);
    c->names = snas_alloc(n, sizeof *c->names, err);
    c->sum = snas_alloc(n, sizeof *c->sum, err);
    c->measured = snas_alloc(n, sizeof *c->measured, err);
    if (!c->children || !c->names || !c->sum || !c->measured)
        return SNAS_E_NOMEM;
    enum snas_status s = snas_cost_table_read(args.table, c->subject->net, &c->table, err);
    if (s == SNAS_OK && !c->table.column[SNAS_COST_LATENCY])
        s = snas_fail(err, SNAS_E_STATE, "%s has no latencies: snas-cost measure makes one",
                      args.table);
    if (s == SNAS_OK)
        s = snas_timer_runtime_pick(args.runtime, &c->how.runtime, c->source.runtime,
                                    sizeof c->source.runtime, err);
    if (s == SNAS_OK)
        s = draw_children(c, err);
    return s == SNAS_OK && args.genotype ? add_found(c, err) : s;
}

enum snas_status cost_check(const struct subject *s, struct snas_err *err)
{
    struct check c = {.subject = s};
    struct fit fit = {0};
    c.source.threads = (int)args.threads;
    c.how = (struct snas_rounds_options){.threads = (int)args.threads,
                                         .rounds = (int)args.rounds,
                                         .runs = (int)args.runs,
                                         .title = "check"};
    enum snas_status status = prepare(&c, err);
    if (status == SNAS_OK)
        status = measure(&c, err);
    if (status == SNAS_OK)
        status = fit_line(c.sum, c.measured, c.n, &fit, err);
    if (status == SNAS_OK)
        status = keep_fit(&c, &fit, err);
    if (status == SNAS_OK)
        (args.json ? print_json : print_text)(&c, &fit);
    fit_clear(&fit);
    snas_rounds_clear(&c.rounds);
    for (int i = 0; c.children && i < c.n; i++)
        snas_child_clear(&c.children[i]);
    snas_cost_table_clear(&c.table);
    snas_free(c.children);
    snas_free(c.names);
    snas_free(c.sum);
    snas_free(c.measured);
    return status;
}

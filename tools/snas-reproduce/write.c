/* Methods beside each other: the table, equal terms, curves, bias, settings. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "methods/darts.h"
#include "snas-reproduce/plot.h"
#include "snas-reproduce/report.h"

static const struct snas_record *any_record(const struct entry *e, int n_seeds)
{
    for (int i = 0; i < n_seeds; i++)
        if (e->runs[i].done)
            return &e->runs[i].record;
    return NULL;
}

/* Of a column of metrics.csv (or of another series) in one epoch, over an entry's runs. */
static struct snas_moments at_epoch(const struct results *r, int entry, const char *column, int row)
{
    double values[PLAN_SEEDS];
    for (int i = 0; i < r->plan->n_seeds; i++) {
        const struct snas_record *record = &r->entries[entry].runs[i].record;
        values[i] = r->entries[entry].runs[i].done && row < record->series.n_rows
                        ? snas_record_value(record, row, column)
                        : NAN;
    }
    return snas_moments_of(values, r->plan->n_seeds);
}

static int most_epochs(const struct results *r)
{
    int most = 0;
    for (int e = 0; e < r->n; e++)
        for (int i = 0; i < r->plan->n_seeds; i++)
            if (r->entries[e].runs[i].done && r->entries[e].runs[i].record.series.n_rows > most)
                most = r->entries[e].runs[i].record.series.n_rows;
    return most;
}

/* A figure of a column over the epochs, a line an entry of [first, end). scale: of its values. */
static enum snas_status draw(const struct results *r, const char *name, const char *column,
                             const char *y, double scale, int first, int end, struct doc *d,
                             struct snas_err *err)
{
    struct plot p = {.name = name, .x = "epoch", .y = y};
    int epochs = most_epochs(r);
    enum snas_status s = plot_reserve(&p, end - first, epochs, err);
    for (int e = first; s == SNAS_OK && e < end; e++) {
        struct plot_line *l = &p.lines[e - first];
        snprintf(l->title, sizeof l->title, "%s", r->entries[e].label);
        for (int row = 0; row < epochs; row++) {
            struct snas_moments m = at_epoch(r, e, column, row);
            plot_add(l, row + 1, scale * m.mean, scale * m.sd);
        }
    }
    if (s == SNAS_OK)
        s = plot_draw(&p, d->dir, err);
    plot_clear(&p);
    return s;
}

static void moments_row(const char *first, const char *runs, const struct results *r, int entry,
                        struct doc *d)
{
    static const struct {
        enum metric metric;
        int percent, digits;
    } shown[] = {{METRIC_SEARCH, 1, 2}, {METRIC_BEFORE, 1, 2},  {METRIC_CHILD, 1, 2},
                 {METRIC_TEST, 1, 2},   {METRIC_ENTROPY, 1, 1}, {METRIC_PARAMS, 0, 0},
                 {METRIC_MADDS, 0, 0},  {METRIC_EDGES, 0, 1},   {METRIC_MINUTES, 0, 1}};
    enum { N = sizeof shown / sizeof *shown };
    struct figure f[N];
    const char *cells[N + 2] = {first, runs};
    for (int i = 0; i < N; i++) {
        f[i] = figure_of(results_moments(r, entry, shown[i].metric), shown[i].percent,
                         shown[i].digits);
        cells[i + 2] = f[i].text;
    }
    doc_row(d, cells);
}

/* Random genotypes are only scored, so most of the columns are not theirs. */
static void random_row(const struct results *r, struct doc *d)
{
    const int n = r->plan->n_seeds;
    struct snas_moments accuracy = snas_moments_of(r->random_accuracy, n);
    struct figure child = figure_of(accuracy, 1, 2),
                  params = figure_of(snas_moments_of(r->random_params, n), 0, 0),
                  madds = figure_of(snas_moments_of(r->random_madds, n), 0, 0);
    char runs[16], name[64];
    snprintf(runs, sizeof runs, "%d", accuracy.n);
    snprintf(name, sizeof name, "random architecture (mean of %d)", r->plan->n_random);
    const char *const cells[] = {name, runs,        "-",        "-", child.text, "-",
                                 "-",  params.text, madds.text, "-", "-"};
    if (r->plan->n_random)
        doc_row(d, cells);
}

void write_methods(const struct results *r, struct doc *d)
{
    static const char *const titles[] = {"method",     "seeds", "search",  "child",
                                         "BN re-est.", "test",  "entropy", "params",
                                         "madds",      "edges", "minutes"};
    doc_heading(d, 2, "Methods");
    doc_text(d,
             "Mean +- sd over the seeds. Search: validation accuracy of what the method trains at "
             "the end - relaxed samples (snas), one-hot samples (dsnas, enas, random), the "
             "mixture (darts). Child: of the derived network with the search's weights, as it "
             "is, then with batch norm re-estimated; test images are classified once, by the "
             "latter. Entropy: share of uniform. Params and madds: after exact pruning, "
             "convolutions and linear layers of one image. Edges: of one cell of each kind. "
             "Minutes: of training, on cores that may have been shared.");
    doc_table_begin(d, 11, 1, titles);
    for (int e = 0; e < r->n; e++) {
        const int n = results_moments(r, e, METRIC_SEARCH).n,
                  without = n - results_moments(r, e, METRIC_CHILD).n;
        char runs[48];
        if (without)
            snprintf(runs, sizeof runs, "%d, %d disconnected", n, without);
        else
            snprintf(runs, sizeof runs, "%d", n);
        moments_row(r->entries[e].label, runs, r, e, d);
        if (e == r->plan->n_methods - 1)
            random_row(r, d);
    }
    doc_table_end(d);
    if (r->plan->n_random)
        doc_text(
            d,
            "Random architecture: %d genotypes, every edge's op drawn uniformly, scored on the "
            "validation images with the weights of the run of %s, batch norm re-estimated for "
            "each (snas-eval --random). The row %s is the method: the best of sampled networks "
            "by validation.",
            r->plan->n_random, r->plan->methods[r->plan->scored].name,
            r->plan->methods[r->plan->scored].name);
}

/* Held-out images that the method's own updates saw, by what its configuration says. */
static int64_t held_images(const struct snas_record *r)
{
    const struct snas_search_config *c = &r->config;
    if (c->search.method == SNAS_SEARCH_DARTS && c->darts.order != SNAS_DARTS_SINGLE)
        return results_images(r);
    if (c->search.method == SNAS_SEARCH_ENAS)
        return c->search.epochs * c->enas.updates * c->enas.samples * c->search.batch;
    return 0;
}

void write_terms(const struct results *r, struct doc *d)
{
    static const char *const titles[] = {"method",    "images, theta",  "held-out images, alpha",
                                         "BN images", "settings tried", "child by"};
    doc_heading(d, 2, "Equal terms");
    doc_text(d,
             "Every method has the same training images for its weights, the same network, "
             "batches and augmentation, the same re-estimation of batch norm, and as many settings "
             "tried as any other (which: Settings, below). Its own rule: argmax of every edge for "
             "snas and dsnas, two edges a node for darts, the best of sampled networks for enas "
             "and random (docs/methods.md).");
    doc_table_begin(d, 6, 1, titles);
    for (int e = 0; e < r->plan->n_methods; e++) {
        static const char *const rules[] = {"its own rule", "argmax", "top2", "best"};
        const struct snas_record *record = any_record(&r->entries[e], r->plan->n_seeds);
        char images[32] = "-", held[32] = "-", bn[32] = "-", tried[16];
        if (record) {
            snprintf(images, sizeof images, "%lld", (long long)results_images(record));
            snprintf(held, sizeof held, "%lld", (long long)held_images(record));
            snprintf(bn, sizeof bn, "%lld", (long long)record->config.evaluation.estimate_images);
        }
        snprintf(tried, sizeof tried, "%d", r->plan->methods[e].n_settings);
        const char *const cells[] = {r->entries[e].label,
                                     images,
                                     held,
                                     bn,
                                     tried,
                                     record ? rules[record->config.derive.rule] : "-"};
        doc_row(d, cells);
    }
    doc_table_end(d);
}

/* A point a run: search accuracy, child accuracy. */
static enum snas_status scatter(const struct results *r, struct doc *d, struct snas_err *err)
{
    struct plot p = {.name = "child-by-search",
                     .x = "search accuracy, %",
                     .y = "child without retraining, %",
                     .diagonal = 1};
    enum snas_status s = plot_reserve(&p, r->plan->n_methods, r->plan->n_seeds, err);
    for (int e = 0; s == SNAS_OK && e < r->plan->n_methods; e++) {
        snprintf(p.lines[e].title, sizeof p.lines[e].title, "%s", r->entries[e].label);
        p.lines[e].points = 1;
        for (int i = 0; i < r->plan->n_seeds; i++)
            if (r->entries[e].runs[i].done)
                plot_add(&p.lines[e], 100 * r->entries[e].runs[i].record.sampled,
                         100 * r->entries[e].runs[i].record.child, 0);
    }
    if (s == SNAS_OK)
        s = plot_draw(&p, d->dir, err);
    plot_clear(&p);
    return s;
}

/* Mean over the kinds of cells, which all have as many edges in the shipped spaces. */
static enum snas_status entropy(const struct results *r, struct doc *d, struct snas_err *err)
{
    struct plot p = {.name = "entropy", .x = "epoch", .y = "entropy of an edge, nats"};
    const int epochs = most_epochs(r);
    enum snas_status s = plot_reserve(&p, r->plan->n_methods, epochs, err);
    for (int e = 0; s == SNAS_OK && e < r->plan->n_methods; e++) {
        const struct snas_record *record = any_record(&r->entries[e], r->plan->n_seeds);
        snprintf(p.lines[e].title, sizeof p.lines[e].title, "%s", r->entries[e].label);
        for (int row = 0; record && row < epochs; row++) {
            double sum = 0, sd = 0;
            int kinds = 0;
            for (int k = 0; k < record->space.n_kinds; k++) {
                char column[SNAS_NAME_MAX + 16];
                snprintf(column, sizeof column, "%s_entropy", record->space.kinds[k].name);
                struct snas_moments m = at_epoch(r, e, column, row);
                if (!m.n)
                    continue;
                kinds++;
                sum += m.mean;
                sd += m.n > 1 ? m.sd : 0;
            }
            if (kinds)
                plot_add(&p.lines[e], row + 1, sum / kinds, sd / kinds);
        }
    }
    if (s == SNAS_OK)
        s = plot_draw(&p, d->dir, err);
    plot_clear(&p);
    return s;
}

enum snas_status write_curves(const struct results *r, struct doc *d, struct snas_err *err)
{
    const int methods = r->plan->n_methods;
    enum snas_status s = draw(r, "accuracy", "sampled_accuracy", "search accuracy, validation, %",
                              100, 0, methods, d, err);
    if (s == SNAS_OK)
        s = draw(r, "child-accuracy", "child_accuracy", "child, statistics of the batch, %", 100, 0,
                 methods, d, err);
    if (s == SNAS_OK)
        s = scatter(r, d, err);
    if (s == SNAS_OK)
        s = entropy(r, d, err);
    if (s != SNAS_OK)
        return s;
    doc_heading(d, 2, "Validation accuracy against epochs");
    doc_picture(d, "accuracy", "Search accuracy by epoch, mean and sd over the seeds");
    doc_picture(d, "child-accuracy",
                "The child that each epoch would give, with statistics of the batch");
    doc_heading(d, 2, "Search accuracy against the child's, without retraining");
    doc_picture(d, "child-by-search",
                "A point a run: the child with batch norm re-estimated against the search");
    doc_heading(d, 2, "Entropy of the distributions");
    doc_picture(d, "entropy",
                "Entropy of an edge by epoch, mean over kinds of cells (uniform over 8 ops: 2.08)");
    return SNAS_OK;
}

static enum snas_status draw_bias(const struct results *r, struct doc *d, struct snas_err *err)
{
    struct plot p = {
        .name = "bias", .x = "epoch", .y = "mixture's loss - mean of one-hot networks, nats"};
    const int epochs = most_epochs(r), n = r->plan->n_methods;
    enum snas_status s = plot_reserve(&p, n, epochs, err);
    for (int e = 0; s == SNAS_OK && e < n; e++) {
        const struct snas_record *first = any_record(&r->entries[e], r->plan->n_seeds);
        snprintf(p.lines[e].title, sizeof p.lines[e].title, "%s", r->entries[e].label);
        for (int row = 0; first && row < first->bias.n_rows; row++) {
            double values[PLAN_SEEDS];
            for (int i = 0; i < r->plan->n_seeds; i++)
                values[i] =
                    r->entries[e].runs[i].done && row < r->entries[e].runs[i].record.bias.n_rows
                        ? snas_record_series_value(&r->entries[e].runs[i].record.bias, row, "gap")
                        : NAN;
            struct snas_moments m = snas_moments_of(values, r->plan->n_seeds);
            plot_add(&p.lines[e], snas_record_series_value(&first->bias, row, "epoch"), m.mean,
                     m.sd);
        }
    }
    if (s == SNAS_OK)
        s = plot_draw(&p, d->dir, err);
    plot_clear(&p);
    return s;
}

/* The last measurement's column, over an entry's runs. */
static struct figure last_bias(const struct results *r, int entry, const char *column, int percent,
                               int digits)
{
    double values[PLAN_SEEDS];
    for (int i = 0; i < r->plan->n_seeds; i++) {
        const struct snas_record_series *b = &r->entries[entry].runs[i].record.bias;
        values[i] = r->entries[entry].runs[i].done && b->n_rows
                        ? snas_record_series_value(b, b->n_rows - 1, column)
                        : NAN;
    }
    return figure_of(snas_moments_of(values, r->plan->n_seeds), percent, digits);
}

enum snas_status write_bias(const struct results *r, struct doc *d, struct snas_err *err)
{
    static const char *const titles[] = {"method", "mixture's loss", "one-hot networks",
                                         "gap",    "mixture",        "one-hot, accuracy"};
    int any = 0;
    doc_heading(d, 2, "The bias of the mixture");
    for (int e = 0; e < r->plan->n_methods; e++) {
        const struct snas_record *record = any_record(&r->entries[e], r->plan->n_seeds);
        any |= record && record->bias.n_rows > 0;
    }
    if (!any) {
        doc_text(d, "Not measured (evaluation.bias_samples is 0 in all runs).");
        return SNAS_OK;
    }
    enum snas_status s = draw_bias(r, d, err);
    if (s != SNAS_OK)
        return s;
    doc_text(d,
             "The loss of the mixture beside the mean loss of one-hot networks drawn from the same "
             "distribution, same weights, same images, statistics of the batch (docs/bias.md). A "
             "gap below zero: the mixture looks better than the networks in it. In the table the "
             "last measurement of each run.");
    doc_picture(d, "bias", "Gap by epoch, mean and sd over the seeds");
    doc_table_begin(d, 6, 1, titles);
    for (int e = 0; e < r->plan->n_methods; e++) {
        struct figure f[] = {last_bias(r, e, "mixture_loss", 0, 3),
                             last_bias(r, e, "hard_loss", 0, 3), last_bias(r, e, "gap", 0, 3),
                             last_bias(r, e, "mixture_accuracy", 1, 1),
                             last_bias(r, e, "hard_accuracy", 1, 1)};
        const char *const cells[] = {r->entries[e].label, f[0].text, f[1].text,
                                     f[2].text,           f[3].text, f[4].text};
        if (strcmp(f[0].text, "-") != 0)
            doc_row(d, cells);
    }
    doc_table_end(d);
    return SNAS_OK;
}

static void add_words(const struct plan_words *w, struct snas_text *t)
{
    for (int i = 0; i < w->n; i++)
        snas_text_add(t, "%s%s", i ? " " : "", w->items[i]);
}

void write_settings(const struct results *r, struct doc *d)
{
    static const char *const titles[] = {"method", "settings tried", "trial's child", "used"};
    const struct plan *p = r->plan;
    struct snas_text t = {0};
    doc_heading(d, 2, "Settings");
    doc_text(d, "All searches: %s with", p->search);
    add_words(&p->set, &t);
    doc_code(d, t.data ? t.data : "(nothing else)");
    snas_text_clear(&t);
    if (p->methods[0].n_settings > 1) {
        add_words(&p->trial_set, &t);
        doc_text(
            d,
            "Each setting was tried in one whole search with seed %s and %s; the one with the best "
            "child (validation, batch norm re-estimated) was used for all seeds.",
            p->trial_seed, t.data ? t.data : "nothing else");
        snas_text_clear(&t);
    }
    doc_table_begin(d, 4, 2, titles);
    for (int m = 0; m < p->n_methods; m++)
        for (int k = 0; k < p->methods[m].n_settings; k++) {
            const double child = p->methods[m].n_settings > 1 ? p->methods[m].tried[k] : NAN;
            struct figure f = figure_of(snas_moments_of(&child, 1), 1, 2);
            add_words(&p->methods[m].settings[k], &t);
            const char *const cells[] = {p->methods[m].name, t.data ? t.data : "-", f.text,
                                         k == p->methods[m].chosen ? "yes" : "no"};
            doc_row(d, cells);
            snas_text_clear(&t);
        }
    doc_table_end(d);
}

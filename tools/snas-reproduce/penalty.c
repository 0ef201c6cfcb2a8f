/* Penalty strengths, and how the cells of the strongest came about. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/io.h"
#include "base/mem.h"
#include "report/picture.h"
#include "snas-reproduce/plot.h"
#include "snas-reproduce/report.h"

static int count(const struct snas_record *r, int epoch, int what)
{
    struct snas_genotype_counts c = {0};
    for (int k = 0; k < r->space.n_kinds; k++)
        snas_genotype_count(&r->space, &r->history[epoch], k, &c);
    const int of[] = {c.edges, c.skips, c.pools, c.dead_nodes};
    return of[what];
}

/* Of an entry's runs after an epoch (from 0): what 0 edges, 1 skips, 2 pools, 3 dead nodes. */
static struct snas_moments counts(const struct results *r, int entry, int epoch, int what)
{
    double values[PLAN_SEEDS];
    for (int i = 0; i < r->plan->n_seeds; i++) {
        const struct snas_record *record = &r->entries[entry].runs[i].record;
        values[i] = r->entries[entry].runs[i].done && epoch < record->series.n_rows
                        ? count(record, epoch, what)
                        : NAN;
    }
    return snas_moments_of(values, r->plan->n_seeds);
}

static enum snas_status draw_edges(const struct results *r, int epochs, struct doc *d,
                                   struct snas_err *err)
{
    struct plot p = {.name = "edges", .x = "epoch", .y = "edges of one cell of each kind"};
    const int n = r->plan->n_strengths + 1;
    enum snas_status s = plot_reserve(&p, n, epochs, err);
    for (int i = 0; s == SNAS_OK && i < n; i++) {
        int e = i ? r->plan->n_methods + i - 1 : r->plan->penalised;
        snprintf(p.lines[i].title, sizeof p.lines[i].title, "%s", r->entries[e].label);
        for (int epoch = 0; epoch < epochs; epoch++) {
            struct snas_moments m = counts(r, e, epoch, 0);
            plot_add(&p.lines[i], epoch + 1, m.mean, m.sd);
        }
    }
    if (s == SNAS_OK)
        s = plot_draw(&p, d->dir, err);
    plot_clear(&p);
    return s;
}

/* A point a run: params, accuracy. */
static enum snas_status draw_costs(const struct results *r, struct doc *d, struct snas_err *err)
{
    struct plot p = {.name = "penalty",
                     .x = "params of the child",
                     .y = "child without retraining, validation, %"};
    const int n = r->plan->n_strengths + 1;
    enum snas_status s = plot_reserve(&p, n, r->plan->n_seeds, err);
    for (int i = 0; s == SNAS_OK && i < n; i++) {
        const struct entry *e = &r->entries[i ? r->plan->n_methods + i - 1 : r->plan->penalised];
        snprintf(p.lines[i].title, sizeof p.lines[i].title, "%s", e->label);
        p.lines[i].points = 1;
        for (int k = 0; k < r->plan->n_seeds; k++)
            if (e->runs[k].done)
                plot_add(&p.lines[i], metric_of(&e->runs[k].record, METRIC_PARAMS),
                         100 * e->runs[k].record.child, 0);
    }
    if (s == SNAS_OK)
        s = plot_draw(&p, d->dir, err);
    plot_clear(&p);
    return s;
}

static void evolution_table(const struct results *r, int entry, int epochs, struct doc *d)
{
    static const char *const titles[] = {"epoch", "edges", "skips", "pools", "dead nodes"};
    doc_table_begin(d, 5, 0, titles);
    for (int epoch = 0; epoch < epochs; epoch++) {
        char number[16];
        struct figure f[4];
        snprintf(number, sizeof number, "%d", epoch + 1);
        for (int what = 0; what < 4; what++)
            f[what] = figure_of(counts(r, entry, epoch, what), 0, 1);
        const char *const cells[] = {number, f[0].text, f[1].text, f[2].text, f[3].text};
        doc_row(d, cells);
    }
    doc_table_end(d);
}

/* 1: some cell of the run's network is of the kind. */
static int is_used(const struct snas_record *r, int kind)
{
    char column[SNAS_NAME_MAX + 16];
    snprintf(column, sizeof column, "%s_entropy", r->space.kinds[kind].name);
    return r->series.n_rows && !isnan(snas_record_value(r, 0, column));
}

static enum snas_status draw_cell(const struct snas_record *r, int epoch, int kind, struct doc *d,
                                  struct snas_err *err)
{
    struct snas_text svg = {0};
    char *name = snas_format(err, "cell-%s-epoch-%d", r->space.kinds[kind].name, epoch + 1);
    char *path = name ? snas_format(err, "%s/%s.svg", d->dir, name) : NULL;
    char caption[160];
    snas_picture_svg(&r->space, &r->history[epoch], kind, &svg);
    enum snas_status s = path ? snas_text_check(&svg, err) : SNAS_E_NOMEM;
    if (s == SNAS_OK)
        s = snas_write_file(path, svg.data, svg.n, err);
    if (s == SNAS_OK) {
        snprintf(caption, sizeof caption, "%s cell after epoch %d", r->space.kinds[kind].name,
                 epoch + 1);
        doc_picture(d, name, caption);
    }
    snas_text_clear(&svg);
    snas_free(path);
    snas_free(name);
    return s;
}

/* The cells of one run after its first, middle and last epochs. */
static enum snas_status draw_cells(const struct snas_record *r, struct doc *d, struct snas_err *err)
{
    const int last = r->series.n_rows - 1, shown[] = {0, last / 3, 2 * last / 3, last};
    enum snas_status s = SNAS_OK;
    for (int k = 0; k < r->space.n_kinds; k++)
        for (int i = 0; s == SNAS_OK && is_used(r, k) && i < 4; i++)
            if (i == 0 || shown[i] != shown[i - 1])
                s = draw_cell(r, shown[i], k, d, err);
    return s;
}

enum snas_status write_penalties(const struct results *r, struct doc *d, struct snas_err *err)
{
    const struct snas_record *first = NULL;
    int strongest = r->n - 1, seed = 0, epochs = 0;
    if (!r->plan->n_strengths)
        return SNAS_OK;
    for (int i = r->plan->n_seeds - 1; i >= 0; i--)
        if (r->entries[strongest].runs[i].done) {
            first = &r->entries[strongest].runs[i].record;
            epochs = first->series.n_rows;
            seed = i;
        }
    doc_heading(d, 2, "Penalty strengths");
    doc_text(
        d,
        "%d strengths of the resource penalty of %s; their accuracies and costs are in the table "
        "of methods. What a strength does depends on the length of the search (docs/penalty.md).",
        r->plan->n_strengths, r->plan->methods[r->plan->penalised].name);
    enum snas_status s = draw_edges(r, epochs, d, err);
    if (s == SNAS_OK)
        s = draw_costs(r, d, err);
    if (s != SNAS_OK)
        return s;
    doc_picture(d, "penalty", "A point a run: accuracy against parameters");
    doc_picture(d, "edges", "Edges that are left, by epoch");
    doc_heading(d, 2, "Evolution of the cells under the strong penalty");
    if (!first) {
        doc_text(d, "No run of the strongest penalty is finished.");
        return SNAS_OK;
    }
    doc_text(d,
             "Argmax cells, one of each kind together, mean +- sd over the seeds; the pictures are "
             "of seed %s. Dashed: dead.",
             r->plan->seeds[seed]);
    evolution_table(r, strongest, epochs, d);
    return draw_cells(first, d, err);
}

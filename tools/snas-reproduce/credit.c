/* Who earns the reward: what snas-credit found (credit.json). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "snas-reproduce/plot.h"
#include "snas-reproduce/report.h"

static double number(const json_t *object, const char *key)
{
    const json_t *v = json_object_get(object, key);
    return json_is_number(v) ? json_number_value(v) : NAN;
}

static int by_steps(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* SNAS's slopes at a temperature, by backward passes: the object's keys are their numbers. */
static void add_slopes(const json_t *slope, struct plot_line *l, int most)
{
    const char *key;
    json_t *value;
    double steps[64];
    int n = 0;
    json_object_foreach((json_t *)slope, key, value) if (n < 64 && n < most) steps[n++] =
        strtod(key, NULL);
    qsort(steps, (size_t)n, sizeof *steps, by_steps);
    for (int i = 0; i < n; i++) {
        char name[32];
        snprintf(name, sizeof name, "%.0f", steps[i]);
        const json_t *at = json_object_get(slope, name);
        plot_add(l, steps[i], number(at, "mean"), number(at, "sd"));
    }
}

static enum snas_status draw(const json_t *root, struct doc *d, struct snas_err *err)
{
    enum { MOST = 64 };
    struct plot p = {.name = "credit",
                     .x = "complete architectures, or backward passes of SNAS",
                     .y = "rank correlation with the true change",
                     .log_x = 1};
    json_t *learners = json_object_get(root, "learners"), *snas = json_object_get(root, "snas"),
           *rows, *at;
    const char *name;
    size_t i;
    int line = 0;
    enum snas_status s =
        plot_reserve(&p, (int)(json_object_size(learners) + json_array_size(snas)), MOST, err);
    if (s == SNAS_OK) {
        json_array_foreach(snas, i, at)
        {
            struct plot_line *l = &p.lines[line++];
            snprintf(l->title, sizeof l->title, "SNAS, T = %g", number(at, "temperature"));
            add_slopes(json_object_get(at, "slope"), l, MOST);
        }
        json_object_foreach(learners, name, rows)
        {
            struct plot_line *l = &p.lines[line++];
            snprintf(l->title, sizeof l->title, "%s", name);
            json_t *row;
            json_array_foreach(rows, i, row)
            {
                const json_t *c = json_object_get(row, "correlation");
                if (l->n < MOST)
                    plot_add(l, number(row, "architectures"), number(c, "mean"), number(c, "sd"));
            }
        }
        s = plot_draw(&p, d->dir, err);
    }
    plot_clear(&p);
    return s;
}

/* Rows of all learners after as many architectures as their first, middle and last row say. */
static void learners_table(const json_t *root, struct doc *d)
{
    static const char *const titles[] = {"learner", "architectures", "rank correlation",
                                         "first decision's share", "last decision's share"};
    const char *name;
    json_t *rows;
    doc_table_begin(d, 5, 1, titles);
    json_object_foreach(json_object_get(root, "learners"), name, rows)
    {
        const size_t n = json_array_size(rows), shown[] = {0, n / 2, n - 1};
        for (int i = 0; n && i < 3; i++) {
            const json_t *row = json_array_get(rows, shown[i]);
            const json_t *c = json_object_get(row, "correlation");
            char text[4][48];
            if (i && shown[i] == shown[i - 1])
                continue;
            snprintf(text[0], sizeof text[0], "%.0f", number(row, "architectures"));
            snprintf(text[1], sizeof text[1], "%.2f +- %.2f", number(c, "mean"), number(c, "sd"));
            snprintf(text[2], sizeof text[2], "%.2f", number(row, "first_share"));
            snprintf(text[3], sizeof text[3], "%.2f", number(row, "last_share"));
            const char *const cells[] = {name, text[0], text[1], text[2], text[3]};
            doc_row(d, cells);
        }
    }
    doc_table_end(d);
}

/* How many complete architectures each learner needs for what SNAS has after some passes. */
static void needed_table(const json_t *root, struct doc *d)
{
    const json_t *needed = json_object_get(root, "needed");
    json_t *learners = json_object_get(root, "learners"), *row;
    const char *titles[16] = {"T", "backward passes", "SNAS's correlation"}, *name;
    json_t *unused;
    size_t i;
    int n = 3;
    json_object_foreach(learners, name, unused) if (n < 16) titles[n++] = name;
    doc_table_begin(d, n, 0, titles);
    json_array_foreach(needed, i, row)
    {
        char text[16][32];
        const char *cells[16];
        snprintf(text[0], sizeof text[0], "%g", number(row, "temperature"));
        snprintf(text[1], sizeof text[1], "%.0f", number(row, "steps"));
        snprintf(text[2], sizeof text[2], "%.2f", number(row, "correlation"));
        for (int k = 3; k < n; k++) {
            double count = number(row, titles[k]);
            snprintf(text[k], sizeof text[k], isnan(count) ? "more than there are" : "%.0f", count);
        }
        for (int k = 0; k < n; k++)
            cells[k] = text[k];
        doc_row(d, cells);
    }
    doc_table_end(d);
}

static void variance_table(const json_t *root, struct doc *d)
{
    static const char *const titles[] = {"decisions still open", "variance", "sd"};
    const json_t *variance = json_object_get(root, "monte_carlo_variance");
    doc_table_begin(d, 3, 0, titles);
    for (size_t i = json_array_size(variance); i-- > 0;) {
        const json_t *row = json_array_get(variance, i);
        char text[3][32];
        snprintf(text[0], sizeof text[0], "%.0f", number(row, "open"));
        snprintf(text[1], sizeof text[1], "%.4g", number(row, "variance"));
        snprintf(text[2], sizeof text[2], "%.4g", sqrt(number(row, "variance")));
        const char *const cells[] = {text[0], text[1], text[2]};
        doc_row(d, cells);
    }
    doc_table_end(d);
}

enum snas_status write_credit(const struct results *r, struct doc *d, struct snas_err *err)
{
    if (!r->plan->credit)
        return SNAS_OK;
    doc_heading(d, 2, "Credit assignment");
    if (!r->credit) {
        doc_text(d, "snas-credit is not finished.");
        return SNAS_OK;
    }
    enum snas_status s = draw(r->credit, d, err);
    if (s != SNAS_OK)
        return s;
    doc_text(d,
             "A space of %.0f edges in which all %.0f architectures were scored, on %.0f held-out "
             "images with shared weights: the true change of loss by each op of each edge, and its "
             "rank correlation with the credit of SNAS's backward passes and with that of learners "
             "that are told one reward per complete architecture (snas-credit %s). Learners are "
             "shown at the rate that is best for them.",
             number(r->credit, "edges"), number(r->credit, "architectures"),
             number(r->credit, "images"), r->plan->credit);
    doc_picture(d, "credit", "Rank correlation with the true change of loss, mean and sd");
    doc_text(
        d, "The same in figures, and what part of the true credit the first and the last decision "
           "of an architecture have by then: 1 is all of it.");
    learners_table(r->credit, d);
    doc_text(d,
             "Complete architectures that each learner needs for the correlation that SNAS has.");
    needed_table(r->credit, d);
    doc_text(d, "Variance of one Monte Carlo return by the number of decisions still open.");
    variance_table(r->credit, d);
    return SNAS_OK;
}

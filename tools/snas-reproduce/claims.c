/* The claims, each as a number per seed that must be above a bound. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "snas-reproduce/report.h"

const char *const verdict_names[] = {"holds", "undecided, for it", "undecided, against it",
                                     "does not hold", "not tested"};

/* a - b, or a alone where b is NULL: metrics of two entries' runs of one seed. */
struct claim {
    const char *text, *quantity;
    const char *a, *b; /* entries (results_find) */
    enum metric metric;
    int percent, digits;
    double bound;
};

static const struct claim claims[] = {
    {"SNAS's search accuracy rises faster than ENAS's",
     "mean of search accuracy over the epochs, snas - enas", "snas", "enas", METRIC_RISE, 1, 2, 0},
    {"and ends higher", "search accuracy at the end, snas - enas", "snas", "enas", METRIC_SEARCH, 1,
     2, 0},
    {"DARTS's supernet is as accurate as SNAS's search",
     "search accuracy, darts - snas, at most 1 point below", "darts", "snas", METRIC_SEARCH, 1, 2,
     -0.01},
    {"DARTS's supernet is as accurate as SNAS's search",
     "search accuracy, darts-second - snas, at most 1 point below", "darts-second", "snas",
     METRIC_SEARCH, 1, 2, -0.01},
    {"SNAS's child keeps the search accuracy without retraining",
     "child - search accuracy of snas, at most 1 point below", "snas", NULL, METRICS, 1, 2, -0.01},
    {"DARTS's child falls by far more",
     "(search - child) of darts - the same of snas, above 5 points", "darts", "snas", METRIC_FALL,
     1, 2, 0.05},
    {"DARTS's child falls by far more",
     "(search - child) of darts-second - the same of snas, above 5 points", "darts-second", "snas",
     METRIC_FALL, 1, 2, 0.05},
    {"SNAS's distribution ends with lower entropy than DARTS's",
     "entropy, share of uniform, darts - snas", "darts", "snas", METRIC_ENTROPY, 1, 1, 0},
    {"SNAS's distribution ends with lower entropy than DARTS's",
     "entropy, share of uniform, darts-second - snas", "darts-second", "snas", METRIC_ENTROPY, 1, 1,
     0},
    {"A stronger penalty gives fewer parameters", "params, no penalty - first strength", "snas",
     "penalty-0", METRIC_PARAMS, 0, 0, 0},
    {"A stronger penalty gives fewer parameters", "params, first - second strength", "penalty-0",
     "penalty-1", METRIC_PARAMS, 0, 0, 0},
    {"A stronger penalty gives fewer parameters", "params, second - third strength", "penalty-1",
     "penalty-2", METRIC_PARAMS, 0, 0, 0},
    {"and fewer multiply-adds", "multiply-adds, no penalty - first strength", "snas", "penalty-0",
     METRIC_MADDS, 0, 0, 0},
    {"and fewer multiply-adds", "multiply-adds, first - second strength", "penalty-0", "penalty-1",
     METRIC_MADDS, 0, 0, 0},
    {"and fewer multiply-adds", "multiply-adds, second - third strength", "penalty-1", "penalty-2",
     METRIC_MADDS, 0, 0, 0},
    {"Under a strong penalty the topology itself changes during the search",
     "edges that came or went between the first epoch's cells and the last's, strongest penalty",
     "penalty-last", NULL, METRIC_TOPOLOGY, 0, 1, 0},
    {"and more than without", "the same, strongest - no penalty", "penalty-last", "snas",
     METRIC_TOPOLOGY, 0, 1, 0},
    {"Moderate beats mild (with fewer parameters: above)",
     "child accuracy, second - first strength", "penalty-1", "penalty-0", METRIC_CHILD, 1, 2, 0},
    {"Single-level DARTS ends worse than a random architecture",
     "validation accuracy, random architectures (batch norm re-estimated) - child of darts-single",
     "random-architectures", "darts-single", METRIC_CHILD, 1, 2, 0},
    {"Single-level SNAS reaches second-order DARTS",
     "child accuracy, snas - darts-second, at most 1 point below", "snas", "darts-second",
     METRIC_CHILD, 1, 2, -0.01},
    {"DARTS optimises another objective than the loss of the networks in it: its bias is larger",
     "|mixture's loss - mean loss of one-hot networks| at the end, darts - snas, nats", "darts",
     "snas", METRIC_GAP, 0, 3, 0},
    {"DARTS optimises another objective than the loss of the networks in it: its bias is larger",
     "the same, darts-second - snas, nats", "darts-second", "snas", METRIC_GAP, 0, 3, 0},
};
enum { TABLE = sizeof claims / sizeof *claims };
_Static_assert(TABLE <= (int)CLAIMS, "room for all claims");

static double value(const struct results *r, const char *name, enum metric m, int seed)
{
    if (!strcmp(name, "random-architectures"))
        return r->random_accuracy[seed];
    int e = results_find(r, name);
    if (e < 0 || !r->entries[e].runs[seed].done)
        return NAN;
    const struct snas_record *record = &r->entries[e].runs[seed].record;
    return m == METRICS ? -metric_of(record, METRIC_FALL) : metric_of(record, m);
}

/* Student's t, 95% on one side, by degrees of freedom from 1. */
static double student(int freedom)
{
    static const double t[] = {6.314, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860,
                               1.833, 1.812, 1.796, 1.782, 1.771, 1.761, 1.753, 1.746,
                               1.740, 1.734, 1.729, 1.725, 1.721, 1.717, 1.714, 1.711,
                               1.708, 1.706, 1.703, 1.701, 1.699, 1.697};
    enum { N = sizeof t / sizeof *t };
    return t[(freedom < N ? freedom : N) - 1];
}

static enum verdict judge(struct snas_moments m, double bound)
{
    if (m.n == 0)
        return VERDICT_UNTESTED;
    const int above = m.mean > bound;
    /* one seed decides nothing */
    const double margin = m.n > 1 ? student(m.n - 1) * m.sd / sqrt(m.n) : INFINITY;
    if (fabs(m.mean - bound) > margin)
        return above ? VERDICT_HOLDS : VERDICT_FAILS;
    return above ? VERDICT_LEANS : VERDICT_AGAINST;
}

int claims_judge(const struct results *r, struct claim_result out[CLAIMS])
{
    for (int i = 0; i < TABLE; i++) {
        const struct claim *c = &claims[i];
        double values[PLAN_SEEDS];
        for (int s = 0; s < r->plan->n_seeds; s++) {
            values[s] = value(r, c->a, c->metric, s);
            if (c->b)
                values[s] -= value(r, c->b, c->metric, s);
        }
        out[i] = (struct claim_result){.text = c->text,
                                       .quantity = c->quantity,
                                       .percent = c->percent,
                                       .digits = c->digits,
                                       .bound = c->bound,
                                       .value = snas_moments_of(values, r->plan->n_seeds)};
        out[i].verdict = judge(out[i].value, c->bound);
    }
    return TABLE;
}

void claims_write(const struct claim_result *c, int n, int seeds, struct doc *d)
{
    static const char *const titles[] = {"claim", "what is measured, seed by seed", "mean +- sd",
                                         "seeds", "here"};
    doc_heading(d, 2, "The claims");
    doc_text(
        d,
        "Each claim is a number per seed that must be above 0, or above the bound that is named. "
        "\"Holds\": the mean over the seeds is above with 95%% confidence (Student's t, one "
        "side); \"does not hold\": it is below with as much; between them %d seeds cannot "
        "decide, and it is said which side the mean is on. Accuracies are differences in "
        "points; children are not retrained, and the batch norm of all of them is "
        "re-estimated.",
        seeds);
    doc_table_begin(d, 5, 2, titles);
    for (int i = 0; i < n; i++) {
        char count[16];
        struct figure f = figure_of(c[i].value, c[i].percent, c[i].digits);
        snprintf(count, sizeof count, "%d", c[i].value.n);
        const char *const cells[] = {c[i].text, c[i].quantity, f.text, count,
                                     verdict_names[c[i].verdict]};
        doc_row(d, cells);
    }
    doc_table_end(d);
    doc_text(d, "The published figures themselves need full-size networks, 600 epochs of training "
                "from scratch and ImageNet: they are not tested here.");
}

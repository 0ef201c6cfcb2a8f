/* What learners of credit make of the table of returns, episode by episode. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "credit/rank.h"
#include "snas-credit/experiment.h"

/* The first episodes' mean return is where values start: a learner that began at 0 would first have
 * to learn the level of the loss, which is no credit. */
enum { START = 4 };

static const double rates[] = {0.03, 0.1, 0.3, 1};
enum { RATES = sizeof(rates) / sizeof(*rates) };

static const struct {
    const char *name;
    struct snas_learner_options options;
} learners[] = {
    {"td0-table", {.kind = SNAS_LEARNER_TD}},
    {"td0.9-table", {.kind = SNAS_LEARNER_TD, .lambda = 0.9}},
    {"td0-linear", {.kind = SNAS_LEARNER_TD, .linear = 1}},
    {"td0.9-linear", {.kind = SNAS_LEARNER_TD, .linear = 1, .lambda = 0.9}},
    {"monte-carlo", {.kind = SNAS_LEARNER_MC}},
    {"rudder", {.kind = SNAS_LEARNER_RUDDER, .ridge = 1}},
};
enum { LEARNERS = sizeof(learners) / sizeof(*learners) };

const char *experiment_learner(int i)
{
    return i < LEARNERS ? learners[i].name : NULL;
}

struct spread spread_of(const double *values, int n)
{
    struct spread s = {0, 0};
    for (int i = 0; i < n; i++)
        s.mean += values[i] / n;
    for (int i = 0; n > 1 && i < n; i++)
        s.sd += (values[i] - s.mean) * (values[i] - s.mean) / (n - 1);
    s.sd = sqrt(s.sd);
    return s;
}

/* One repeat of one learner; correlation[g * repeats + repeat] and the rows' sums follow. */
static enum snas_status repeat_one(const struct experiment *x,
                                   const struct snas_learner_options *options, int repeat,
                                   struct learner_row *row, double *correlation, double *room,
                                   struct snas_err *err)
{
    const struct snas_returns *r = &x->returns;
    struct snas_learner *l;
    /* every learner sees the same episodes */
    struct snas_rng rng = snas_rng_make(x->seed, SNAS_STREAM_GENOTYPE, (uint64_t)repeat);
    struct snas_rng ahead = rng;
    double *credit = room + 2 * r->n_values, start = 0;
    for (int i = 0; i < START; i++)
        start += r->loss[snas_rng_below(&ahead, (uint32_t)r->n)] / START;
    enum snas_status s = snas_learner_create(r, options, &l, err);
    for (int n = 1, g = 0; s == SNAS_OK && g < x->n_grid; n++) {
        int a = (int)snas_rng_below(&rng, (uint32_t)r->n);
        s = snas_learner_episode(l, a, r->loss[a] - start, err);
        if (n < x->grid[g] || s != SNAS_OK)
            continue;
        s = snas_learner_credit(l, credit, err);
        correlation[g * x->repeats + repeat] =
            snas_rank_correlation(r->n_values, credit, x->effect, room);
        for (int end = 0; end < 2; end++) {
            int e = end ? r->n_edges - 1 : 0;
            double along = 0, truth = 0;
            for (int k = r->first[e]; k < r->first[e] + r->n_ops[e]; k++) {
                along += credit[k] * x->effect[k] / x->repeats;
                truth += x->effect[k] * x->effect[k];
                row[g].size[end] += fabs(credit[k]) / r->n_ops[e] / x->repeats;
            }
            row[g].share[end] += truth > 0 ? along / truth : 0;
        }
        g++;
    }
    snas_learner_destroy(l);
    return s;
}

static enum snas_status learn_one(struct experiment *x, int which, double rate, double *room,
                                  struct snas_err *err)
{
    struct snas_learner_options o = learners[which].options;
    struct learner_row *row = x->rows + x->n_rows;
    double *correlation = room + 3 * x->returns.n_values;
    enum snas_status s = SNAS_OK;
    o.rate = rate;
    for (int repeat = 0; s == SNAS_OK && repeat < x->repeats; repeat++) {
        s = repeat_one(x, &o, repeat, row, correlation, room, err);
        if (s == SNAS_OK && *x->stop)
            s = snas_fail(err, SNAS_E_INTERRUPTED, "interrupted");
    }
    for (int g = 0; g < x->n_grid; g++) {
        row[g].name = learners[which].name;
        row[g].rate = rate;
        row[g].n = x->grid[g];
        row[g].correlation = spread_of(correlation + g * x->repeats, x->repeats);
    }
    x->n_rows += x->n_grid;
    return s;
}

enum snas_status experiment_learn(struct experiment *x, struct snas_err *err)
{
    size_t room_n = 3 * (size_t)x->returns.n_values + (size_t)x->n_grid * (size_t)x->repeats;
    double *room = snas_alloc(room_n, sizeof(*room), err);
    enum snas_status s = room ? SNAS_OK : SNAS_E_NOMEM;
    if (room)
        x->rows = snas_alloc((size_t)(LEARNERS * RATES * x->n_grid), sizeof(*x->rows), err);
    if (!x->rows)
        s = SNAS_E_NOMEM;
    snas_progress_begin(x->progress, "learners", LEARNERS);
    for (int i = 0; s == SNAS_OK && i < LEARNERS; i++) {
        int n = learners[i].options.kind == SNAS_LEARNER_TD ? RATES : 1;
        for (int k = 0; s == SNAS_OK && k < n; k++)
            s = learn_one(x, i, n > 1 ? rates[k] : 0, room, err);
        snas_progress_update(x->progress, i + 1, learners[i].name);
    }
    snas_progress_end(x->progress);
    snas_free(room);
    return s;
}

const struct learner_row *experiment_best(const struct experiment *x, const char *name, int g)
{
    const struct learner_row *best = NULL;
    for (int i = 0; i < x->n_rows; i++) {
        const struct learner_row *row = &x->rows[i];
        if (!strcmp(row->name, name) && row->n == x->grid[g] &&
            (!best || row->correlation.mean > best->correlation.mean))
            best = row;
    }
    return best;
}

int experiment_needed(const struct experiment *x, const char *name, double correlation)
{
    for (int g = 0; g < x->n_grid; g++)
        if (experiment_best(x, name, g)->correlation.mean >= correlation)
            return x->grid[g];
    return 0;
}

#include "report/comparison.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

static double seed(const struct snas_comparison_entry *e)
{
    return (double)e->record.config.seed;
}
static double penalty(const struct snas_comparison_entry *e)
{
    return e->record.config.penalty.strength;
}
static double epoch(const struct snas_comparison_entry *e)
{
    return e->record.series.n_rows;
}
static double best_epoch(const struct snas_comparison_entry *e)
{
    return e->record.finished ? e->record.best_epoch : NAN;
}
static double chosen_epoch(const struct snas_comparison_entry *e)
{
    return e->record.chosen_epoch > 0 ? e->record.chosen_epoch : NAN;
}
static double sampled(const struct snas_comparison_entry *e)
{
    return e->record.sampled;
}
static double before(const struct snas_comparison_entry *e)
{
    return e->record.child_before;
}
static double child(const struct snas_comparison_entry *e)
{
    return e->record.child;
}
static double test(const struct snas_comparison_entry *e)
{
    return e->record.test;
}
static double entropy(const struct snas_comparison_entry *e)
{
    return e->record.entropy_share;
}
static double margin(const struct snas_comparison_entry *e)
{
    return e->record.margin;
}
static double counted(const struct snas_comparison_entry *e, int64_t value)
{
    return e->record.finished ? (double)value : NAN;
}
static double expected_cost(const struct snas_comparison_entry *e)
{
    int rows = e->record.series.n_rows;
    return rows ? snas_record_value(&e->record, rows - 1, "expected_cost") : NAN;
}
static double edges(const struct snas_comparison_entry *e)
{
    return counted(e, e->record.counts.edges);
}
static double depth(const struct snas_comparison_entry *e)
{
    return e->record.finished ? e->record.depth : NAN;
}
static double skips(const struct snas_comparison_entry *e)
{
    return counted(e, e->record.counts.skips);
}
static double dead(const struct snas_comparison_entry *e)
{
    return counted(e, e->record.counts.dead_nodes);
}
static double params(const struct snas_comparison_entry *e)
{
    return counted(e, e->record.pruned.params);
}
static double madds(const struct snas_comparison_entry *e)
{
    return counted(e, e->record.pruned.madds);
}
static double latency(const struct snas_comparison_entry *e)
{
    return e->timed ? e->latency.median_ms : NAN;
}
static double fastest(const struct snas_comparison_entry *e)
{
    return e->timed ? e->latency.min_ms : NAN;
}
static double slow(const struct snas_comparison_entry *e)
{
    return e->timed ? e->latency.p90_ms : NAN;
}
static double bytes(const struct snas_comparison_entry *e)
{
    return e->timed ? (double)e->latency.bytes : NAN;
}

/* "chosen": the epoch whose child it is; "best": the epoch whose argmax did best with shared
 * weights. */
const struct snas_comparison_column snas_comparison_columns[] = {
    {"penalty", "penalty", SNAS_COLUMN_REAL, penalty},
    {"seed", "seed", SNAS_COLUMN_WHOLE, seed},
    {"epoch", "epoch", SNAS_COLUMN_WHOLE, epoch},
    {"chosen_epoch", "chosen", SNAS_COLUMN_WHOLE, chosen_epoch},
    {"best_epoch", "best", SNAS_COLUMN_WHOLE, best_epoch},
    {"sampled_accuracy", "sampled", SNAS_COLUMN_PERCENT, sampled},
    {"child_accuracy_before", "child", SNAS_COLUMN_PERCENT, before},
    {"child_accuracy", "BN re-est.", SNAS_COLUMN_PERCENT, child},
    {"test_accuracy", "test", SNAS_COLUMN_PERCENT, test},
    {"entropy_share", "entropy", SNAS_COLUMN_PERCENT, entropy},
    {"margin", "margin", SNAS_COLUMN_REAL, margin},
    {"expected_cost", "cost", SNAS_COLUMN_REAL, expected_cost},
    {"edges", "edges", SNAS_COLUMN_WHOLE, edges},
    {"depth", "depth", SNAS_COLUMN_WHOLE, depth},
    {"skips", "skips", SNAS_COLUMN_WHOLE, skips},
    {"dead_nodes", "dead", SNAS_COLUMN_WHOLE, dead},
    {"params", "params", SNAS_COLUMN_WHOLE, params},
    {"madds", "madds", SNAS_COLUMN_WHOLE, madds},
    {"latency_ms", "ms", SNAS_COLUMN_REAL, latency},
    {"latency_min_ms", "min ms", SNAS_COLUMN_REAL, fastest},
    {"latency_p90_ms", "p90 ms", SNAS_COLUMN_REAL, slow},
    {"bytes", "bytes", SNAS_COLUMN_WHOLE, bytes},
};
const int snas_comparison_n_columns =
    sizeof snas_comparison_columns / sizeof *snas_comparison_columns;

int snas_comparison_column(const char *key)
{
    for (int i = 0; i < snas_comparison_n_columns; i++)
        if (!strcmp(snas_comparison_columns[i].key, key))
            return i;
    return -1;
}

/* What runs of a group share: all that defines the result but the seed, and the name. */
static char *fingerprint(const struct snas_record *r, struct snas_err *err)
{
    struct snas_search_config config = r->config;
    char *text = NULL;
    config.seed = 0;
    memset(config.name, 0, sizeof config.name);
    return snas_config_dump(&snas_search_schema, &config, &text, err) == SNAS_OK ? text : NULL;
}

static int by_group_and_seed(const void *a, const void *b)
{
    const struct snas_comparison_entry *x = a, *y = b;
    if (x->group != y->group)
        return x->group - y->group;
    int64_t s = x->record.config.seed, t = y->record.config.seed;
    return (s > t) - (s < t);
}

static enum snas_status find_groups(struct snas_comparison *c, struct snas_err *err)
{
    char **prints = snas_alloc((size_t)c->n, sizeof *prints, err);
    enum snas_status status = prints ? SNAS_OK : SNAS_E_NOMEM;
    for (int i = 0; status == SNAS_OK && i < c->n; i++) {
        int group = c->n_groups, same = 0;
        prints[i] = fingerprint(&c->entries[i].record, err);
        if (!prints[i]) {
            status = SNAS_E_NOMEM;
            break;
        }
        while (same < i && strcmp(prints[same], prints[i]) != 0)
            same++;
        if (same < i)
            group = c->entries[same].group;
        else
            c->n_groups++;
        c->entries[i].group = group;
    }
    for (int i = 0; prints && i < c->n; i++)
        snas_free(prints[i]);
    snas_free(prints);
    qsort(c->entries, (size_t)c->n, sizeof *c->entries, by_group_and_seed);
    return status;
}

enum snas_status snas_comparison_read(char *const *dirs, int n, struct snas_comparison *out,
                                      struct snas_err *err)
{
    *out = (struct snas_comparison){0};
    out->entries = snas_alloc((size_t)n, sizeof *out->entries, err);
    enum snas_status status = out->entries ? SNAS_OK : SNAS_E_NOMEM;
    for (int i = 0; i < n && status != SNAS_E_NOMEM; i++) {
        struct snas_err one = {0};
        struct snas_comparison_entry *e = &out->entries[out->n];
        if (snas_record_read(dirs[i], &e->record, &one) == SNAS_OK) {
            out->n++;
            if (snas_latency_read(dirs[i], &e->latency, &e->timed, &one) != SNAS_OK)
                status = snas_fail_more(err, one.code, "%s", one.text);
        } else {
            status = snas_fail_more(err, one.code, "%s", one.text);
        }
    }
    if (status == SNAS_OK)
        status = find_groups(out, err);
    if (status != SNAS_OK)
        snas_comparison_clear(out);
    return status;
}

char *snas_comparison_protocols(const struct snas_comparison *c, int *ways)
{
    struct snas_text t = {0};
    *ways = 0;
    for (int i = 0; i < c->n; i++) {
        const struct snas_latency *mine = &c->entries[i].latency;
        int first = c->entries[i].timed, runs = 0;
        for (int j = 0; j < c->n && first; j++) {
            int same = c->entries[j].timed && snas_latency_comparable(mine, &c->entries[j].latency);
            first = j >= i || !same;
            runs += same;
        }
        if (!first)
            continue;
        char protocol[256];
        ++*ways;
        snas_latency_protocol(mine, protocol, sizeof protocol);
        snas_text_add(&t, "  %s: %d run%s\n", protocol, runs, runs == 1 ? "" : "s");
    }
    char *text = NULL;
    return *ways && snas_text_take(&t, &text, NULL) == SNAS_OK ? text : NULL;
}

void snas_comparison_clear(struct snas_comparison *c)
{
    for (int i = 0; i < c->n; i++)
        snas_record_clear(&c->entries[i].record);
    snas_free(c->entries);
    *c = (struct snas_comparison){0};
}

static int first_of(const struct snas_comparison *c, int group)
{
    int i = 0;
    while (c->entries[i].group != group)
        i++;
    return i;
}

static void describe(const struct snas_record *r, char *text, size_t size)
{
    if (r->config.penalty.strength > 0)
        snprintf(text, size, "%s, %s, penalty %g", r->config.name,
                 r->finished ? r->method : "unfinished", r->config.penalty.strength);
    else
        snprintf(text, size, "%s, %s", r->config.name, r->finished ? r->method : "unfinished");
}

void snas_comparison_label(const struct snas_comparison *c, int group, char *text, size_t size)
{
    const struct snas_record *r = &c->entries[first_of(c, group)].record;
    int same = 0;
    describe(r, text, size);
    for (int g = 0; g < c->n_groups; g++) {
        char other[512];
        describe(&c->entries[first_of(c, g)].record, other, sizeof other);
        same += strncmp(other, text, size - 1) == 0;
    }
    size_t n = strlen(text);
    if (same > 1)
        snprintf(text + n, size - n, " (%s)", r->dir);
}

static void take(struct snas_moments *m, double *sum2, double value)
{
    if (isnan(value))
        return;
    m->n++;
    m->mean += value;
    *sum2 += value * value;
}

static struct snas_moments finish(struct snas_moments m, double sum2)
{
    if (m.n == 0)
        return (struct snas_moments){0, NAN, NAN};
    m.mean /= m.n;
    double rest = sum2 - m.n * m.mean * m.mean;
    m.sd = m.n > 1 ? sqrt(rest > 0 ? rest / (m.n - 1) : 0) : NAN;
    return m;
}

struct snas_moments snas_moments_of(const double *values, int n)
{
    struct snas_moments m = {0};
    double sum2 = 0;
    for (int i = 0; i < n; i++)
        take(&m, &sum2, values[i]);
    return finish(m, sum2);
}

struct snas_moments snas_comparison_moments(const struct snas_comparison *c, int group, int column)
{
    struct snas_moments m = {0};
    double sum2 = 0;
    for (int i = 0; i < c->n; i++)
        if (c->entries[i].group == group)
            take(&m, &sum2, snas_comparison_columns[column].of(&c->entries[i]));
    return finish(m, sum2);
}

struct snas_moments snas_comparison_paired(const struct snas_comparison *c, int group, int column)
{
    struct snas_moments m = {0};
    double sum2 = 0;
    double (*of)(const struct snas_comparison_entry *) = snas_comparison_columns[column].of;
    for (int i = 0; i < c->n; i++)
        for (int j = 0; c->entries[i].group == group && j < c->n; j++)
            if (c->entries[j].group == 0 &&
                c->entries[j].record.config.seed == c->entries[i].record.config.seed)
                take(&m, &sum2, of(&c->entries[i]) - of(&c->entries[j]));
    return finish(m, sum2);
}

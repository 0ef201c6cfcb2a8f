#include "snas-reproduce/gather.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/mem.h"

const char *const metric_names[METRICS] = {"search_accuracy",
                                           "child_accuracy_before",
                                           "child_accuracy",
                                           "test_accuracy",
                                           "entropy_share",
                                           "params",
                                           "madds",
                                           "edges",
                                           "skips",
                                           "dead_nodes",
                                           "mean_accuracy",
                                           "fall",
                                           "bias",
                                           "topology_changes",
                                           "minutes"};

static enum snas_status name_entry(struct results *r, int method, const char *penalty,
                                   struct snas_err *err)
{
    struct entry *e = &r->entries[r->n++];
    const char *name = r->plan->methods[method].name;
    e->method = method;
    e->penalty = penalty;
    snprintf(e->label, sizeof e->label, penalty ? "%s, penalty %s" : "%s", name, penalty);
    for (int i = 0; i < r->plan->n_seeds; i++) {
        const char *seed = r->plan->seeds[i];
        e->runs[i].dir =
            penalty ? snas_format(err, "%s/runs/%s-penalty-%s-seed-%s", r->out, name, penalty, seed)
                    : snas_format(err, "%s/runs/%s-seed-%s", r->out, name, seed);
        if (!e->runs[i].dir)
            return SNAS_E_NOMEM;
    }
    return SNAS_OK;
}

enum snas_status results_name(const struct plan *p, const struct snas_list *extra, const char *out,
                              struct results *r, struct snas_err *err)
{
    enum snas_status s = SNAS_OK;
    memset(r, 0, sizeof *r);
    r->plan = p;
    r->extra = extra;
    r->out = out;
    for (int m = 0; s == SNAS_OK && m < p->n_methods; m++)
        s = name_entry(r, m, NULL, err);
    for (int i = 0; s == SNAS_OK && i < p->n_strengths; i++)
        s = name_entry(r, p->penalised, p->strengths[i], err);
    return s;
}

char *results_random_path(const struct results *r, int seed, struct snas_err *err)
{
    return snas_format(err, "%s.random.json", r->entries[r->plan->scored].runs[seed].dir);
}

char *results_trial_dir(const struct plan *p, const char *out, int method, int setting,
                        struct snas_err *err)
{
    return snas_format(err, "%s/trials/%s-setting-%d", out, p->methods[method].name, setting + 1);
}

static enum snas_status read_json(const char *path, json_t **out, struct snas_err *err)
{
    json_error_t where;
    *out = NULL;
    if (!snas_path_exists(path))
        return SNAS_OK;
    *out = json_load_file(path, 0, &where);
    return *out ? SNAS_OK
                : snas_fail(err, SNAS_E_FORMAT, "%s:%d:%d: %s", path, where.line, where.column,
                            where.text);
}

static double number(const json_t *object, const char *key)
{
    const json_t *v = json_object_get(object, key);
    return json_is_number(v) ? json_number_value(v) : NAN;
}

static enum snas_status read_random(struct results *r, int seed, struct snas_err *err)
{
    json_t *root = NULL;
    r->random_accuracy[seed] = r->random_sd[seed] = NAN;
    r->random_params[seed] = r->random_madds[seed] = NAN;
    if (r->plan->scored < 0)
        return SNAS_OK;
    char *path = results_random_path(r, seed, err);
    enum snas_status s = path ? read_json(path, &root, err) : SNAS_E_NOMEM;
    if (s == SNAS_OK && root) {
        r->random_accuracy[seed] = number(root, "mean");
        r->random_sd[seed] = number(root, "sd");
        r->random_params[seed] = number(root, "mean_params");
        r->random_madds[seed] = number(root, "mean_madds");
    }
    json_decref(root);
    snas_free(path);
    return s;
}

enum snas_status results_read(struct results *r, struct snas_err *err)
{
    enum snas_status s = SNAS_OK;
    for (int e = 0; e < r->n; e++)
        for (int i = 0; s == SNAS_OK && i < r->plan->n_seeds; i++) {
            char *result = snas_path_join(r->entries[e].runs[i].dir, "result.json", err);
            if (!result)
                return SNAS_E_NOMEM;
            if (snas_path_exists(result)) {
                s = snas_record_read(r->entries[e].runs[i].dir, &r->entries[e].runs[i].record, err);
                r->entries[e].runs[i].done = s == SNAS_OK;
            }
            snas_free(result);
        }
    for (int i = 0; s == SNAS_OK && i < r->plan->n_seeds; i++)
        s = read_random(r, i, err);
    char *path = snas_format(err, "%s/credit/credit.json", r->out);
    if (s == SNAS_OK)
        s = path ? read_json(path, &r->credit, err) : SNAS_E_NOMEM;
    snas_free(path);
    return s;
}

void results_clear(struct results *r)
{
    for (int e = 0; e < r->n; e++)
        for (int i = 0; i < r->plan->n_seeds; i++) {
            if (r->entries[e].runs[i].done)
                snas_record_clear(&r->entries[e].runs[i].record);
            snas_free(r->entries[e].runs[i].dir);
        }
    json_decref(r->credit);
    memset(r, 0, sizeof *r);
}

static double rise(const struct snas_record *r)
{
    double sum = 0;
    for (int e = 0; e < r->series.n_rows; e++)
        sum += snas_record_value(r, e, "sampled_accuracy");
    return r->series.n_rows ? sum / r->series.n_rows : NAN;
}

static double gap(const struct snas_record *r)
{
    return r->bias.n_rows ? fabs(snas_record_series_value(&r->bias, r->bias.n_rows - 1, "gap"))
                          : NAN;
}

/* 1: the cell has an edge from the slot to the node. */
static int has_edge(const struct snas_genotype_cell *cell, int node, int from)
{
    for (int i = 0; node < cell->n_nodes && i < cell->n_choices[node]; i++)
        if (cell->choices[node][i].from == from)
            return 1;
    return 0;
}

static double topology(const struct snas_record *r)
{
    int changed = 0;
    if (r->series.n_rows < 2)
        return NAN;
    const struct snas_genotype *a = &r->history[0], *b = &r->history[r->series.n_rows - 1];
    for (int k = 0; k < r->space.n_kinds; k++)
        for (int n = 0; n < r->space.kinds[k].nodes; n++)
            for (int s = 0; s < r->space.kinds[k].inputs + n; s++)
                changed += has_edge(&a->cells[k], n, s) != has_edge(&b->cells[k], n, s);
    return changed;
}

static double minutes(const struct snas_record *r)
{
    double sum = 0;
    for (int e = 0; e < r->timing.n_rows; e++)
        sum += snas_record_series_value(&r->timing, e, "seconds");
    return r->timing.n_rows ? sum / 60 : NAN;
}

double metric_of(const struct snas_record *r, enum metric m)
{
    switch (m) {
    case METRIC_SEARCH:
        return r->sampled;
    case METRIC_BEFORE:
        return r->child_before;
    case METRIC_CHILD:
        return r->child;
    case METRIC_TEST:
        return r->test;
    case METRIC_ENTROPY:
        return r->entropy_share;
    case METRIC_PARAMS: /* a disconnected child is no network */
        return r->connected ? (double)r->pruned.params : NAN;
    case METRIC_MADDS:
        return r->connected ? (double)r->pruned.madds : NAN;
    case METRIC_EDGES:
        return r->counts.edges;
    case METRIC_SKIPS:
        return r->counts.skips;
    case METRIC_DEAD:
        return r->counts.dead_nodes;
    case METRIC_RISE:
        return rise(r);
    case METRIC_FALL:
        return r->sampled - r->child;
    case METRIC_GAP:
        return gap(r);
    case METRIC_TOPOLOGY:
        return topology(r);
    case METRIC_MINUTES:
        return minutes(r);
    case METRICS:
        break;
    }
    return NAN;
}

struct snas_moments results_moments(const struct results *r, int entry, enum metric m)
{
    double values[PLAN_SEEDS];
    for (int i = 0; i < r->plan->n_seeds; i++)
        values[i] =
            r->entries[entry].runs[i].done ? metric_of(&r->entries[entry].runs[i].record, m) : NAN;
    return snas_moments_of(values, r->plan->n_seeds);
}

int results_find(const struct results *r, const char *name)
{
    const int first = r->plan->n_methods, n = r->plan->n_strengths;
    if (!strcmp(name, "penalty-last"))
        return n ? first + n - 1 : -1;
    if (!strncmp(name, "penalty-", 8)) {
        int rank = (int)strtol(name + 8, NULL, 10);
        return rank < n ? first + rank : -1;
    }
    return plan_find(r->plan, name);
}

int64_t results_images(const struct snas_record *r)
{
    double images = 0;
    for (int e = 0; e < r->timing.n_rows; e++)
        images += snas_record_series_value(&r->timing, e, "images");
    return (int64_t)images;
}

struct figure figure_of(struct snas_moments m, int percent, int digits)
{
    struct figure f = {"-"};
    const double scale = percent ? 100 : 1;
    if (m.n == 1)
        snprintf(f.text, sizeof f.text, "%.*f%s", digits, scale * m.mean, percent ? "%" : "");
    else if (m.n > 1)
        snprintf(f.text, sizeof f.text, "%.*f +- %.*f%s", digits, scale * m.mean, digits,
                 scale * m.sd, percent ? "%" : "");
    return f;
}

/* result.json: the final report. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "train/state.h"

static json_t *genotype_json(struct snas_search *s, const struct snas_result *r,
                             struct snas_err *err)
{
    char *text;
    if (snas_genotype_format(&r->genotype, &s->space, SNAS_GENOTYPE_JSON, &text, err) != SNAS_OK)
        return NULL;
    json_t *g = json_loads(text, 0, NULL);
    snas_free(text);
    if (!g)
        snas_fail(err, SNAS_E_FORMAT, "the genotype's own JSON cannot be read back");
    return g;
}

/* The cell in NAS-Bench-201's notation; NULL: the space is not of its kind. */
static json_t *string_json(struct snas_search *s, const struct snas_result *r, struct snas_err *err)
{
    char *text;
    if (!snas_space_is_nb201(&s->space) ||
        snas_genotype_format(&r->genotype, &s->space, SNAS_GENOTYPE_NB201, &text, err) != SNAS_OK)
        return NULL;
    json_t *string = json_string(text);
    snas_free(text);
    return string;
}

static json_t *totals_json(const struct snas_totals *t)
{
    return json_pack("{s:I, s:I, s:I, s:I}", "params", (json_int_t)t->params, "conv_params",
                     (json_int_t)t->conv_params, "madds", (json_int_t)t->madds, "madds_all",
                     (json_int_t)t->madds_all);
}

/* How many cells of each kind the network has. */
static json_t *cells_json(const struct snas_search *s)
{
    json_t *cells = json_object();
    for (int k = 0; k < s->space.n_kinds; k++) {
        int n = 0;
        for (int c = 0; c < s->network->n_cells; c++)
            n += s->network->cells[c].kind == k;
        json_object_set_new(cells, s->space.kinds[k].name, json_integer(n));
    }
    return cells;
}

/* Accuracies are multiples of 1/n; ten digits show them without a binary tail. */
static json_t *accuracy(double a)
{
    return json_real(round(a * 1e10) / 1e10);
}

static json_t *child_json(struct snas_search *s, const struct snas_result *r, struct snas_err *err)
{
    json_t *genotype = genotype_json(s, r, err);
    if (!genotype)
        return NULL;
    json_t *child =
        json_pack("{s:b, s:o, s:o, s:o}", "connected", r->connected, "genotype", genotype,
                  "described", totals_json(&r->described), "pruned", totals_json(&r->pruned));
    json_t *string = child ? string_json(s, r, err) : NULL;
    if (string)
        json_object_set_new(child, "cell", string);
    if (child && r->connected) {
        json_object_set_new(child, "validation_accuracy_before_estimate", accuracy(r->before));
        json_object_set_new(child, "validation_accuracy", accuracy(r->after));
        json_object_set_new(child, "test_accuracy", accuracy(r->test));
    }
    return child;
}

static json_t *warnings_json(const struct snas_search *s, const struct snas_result *r)
{
    json_t *w = json_array();
    for (int i = 0; i < SNAS_GUARD_WARNINGS; i++) {
        char text[256];
        if (!snas_guard_warned(s, i))
            continue;
        snas_guard_text(s, i, text, sizeof(text));
        json_array_append_new(w, json_string(text));
    }
    if (!r->connected)
        json_array_append_new(w, json_string("the child is disconnected: no child file"));
    if (snas_search_undecided(s, r))
        json_array_append_new(
            w, json_sprintf("undecided: entropy is %.0f%% of uniform", 100 * r->undecided));
    return w;
}

/* Whose child it is and why; `last` only where epochs were scored to choose from. */
static json_t *chosen_json(const struct snas_search *s, const struct snas_result *r)
{
    const struct snas_candidate_score *last = &s->choice.last;
    json_t *chosen = json_pack("{s:i, s:s}", "epoch", r->epoch, "reason", r->reason);
    if (last->epoch <= 0)
        return chosen;
    json_t *of =
        json_pack("{s:i, s:b}", "epoch", (int)last->epoch, "connected", last->connected > 0);
    if (last->connected > 0)
        json_object_set_new(of, "validation_accuracy", accuracy(last->after));
    json_object_set_new(chosen, "last", of);
    return chosen;
}

static json_t *count_json(int which, double value)
{
    return snas_budget_decimals[which] ? json_real(value) : json_integer((json_int_t)value);
}

/* The child that is within the budget where the run's own is not. */
static json_t *offered_json(const struct snas_search *s, const struct snas_result *r)
{
    const struct snas_budget *b = s->method->budget;
    json_t *offered = json_pack("{s:s, s:i, s:o}", "file", SNAS_RUN_WITHIN, "epoch", r->within + 1,
                                "validation_accuracy", accuracy(r->within_accuracy));
    for (int i = 0; i < SNAS_BUDGETS; i++)
        if (b->options.limit[i] > 0)
            json_object_set_new(offered, snas_budget_names[i],
                                count_json(i, s->history[r->within].cost[i]));
    return offered;
}

/* NULL without a budget. */
static json_t *budget_json(const struct snas_search *s, const struct snas_result *r)
{
    const struct snas_budget *b = s->method->budget;
    if (!b)
        return NULL;
    json_t *root = json_pack("{s:b}", "met", r->budget_met);
    for (int i = 0; i < SNAS_BUDGETS; i++)
        if (b->options.limit[i] > 0)
            json_object_set_new(
                root, snas_budget_names[i],
                json_pack("{s:o, s:o, s:f, s:f, s:o}", "limit", count_json(i, b->options.limit[i]),
                          "child", count_json(i, r->cost[i]), "used",
                          r->cost[i] / b->options.limit[i], "multiplier", b->state.multiplier[i],
                          "cheapest_child", count_json(i, b->floor[i])));
    if (r->within >= 0)
        json_object_set_new(root, "offered", offered_json(s, r));
    return root;
}

enum snas_status snas_result_check_budget(const struct snas_run *run, struct snas_err *err)
{
    char *path = snas_run_path(run, SNAS_RUN_RESULT, err);
    if (!path)
        return SNAS_E_NOMEM;
    json_t *root = json_load_file(path, 0, NULL);
    int missed = json_is_false(json_object_get(json_object_get(root, "budget"), "met"));
    json_decref(root);
    enum snas_status s = SNAS_OK;
    if (missed)
        s = snas_fail(err, SNAS_E_LIMIT, "the child of '%s' is not within its budget ('%s')",
                      run->dir, path);
    snas_free(path);
    return s;
}

static json_t *report(struct snas_search *s, const struct snas_result *r, struct snas_err *err)
{
    json_t *child = child_json(s, r, err);
    if (!child)
        return NULL;
    json_t *root = json_object();
    json_object_set_new(root, "name", json_string(s->config->name));
    json_object_set_new(root, "method", json_string(s->method->ops->name));
    json_object_set_new(root, "seed", json_integer(s->config->seed));
    json_object_set_new(root, "space", json_string(s->space.name));
    json_object_set_new(root, "dataset", json_string(s->source.ds.name));
    json_object_set_new(root, "channels", json_integer(s->config->network.channels));
    json_object_set_new(root, "layers", json_integer(s->config->network.layers));
    json_object_set_new(root, "cells", cells_json(s));
    json_object_set_new(root, "epochs", json_integer(s->at.epoch));
    json_object_set_new(root, "steps", json_integer(s->at.epoch * s->steps_per_epoch));
    json_object_set_new(root, "supernet_params",
                        json_integer(snas_network_param_count(s->network)));
    json_object_set_new(root, "sampled_accuracy", accuracy(r->sampled));
    json_object_set_new(root, "hard_samples",
                        json_pack("{s:i, s:o, s:o}", "n", r->hard_n, "mean", accuracy(r->hard_mean),
                                  "sd", accuracy(r->hard_sd)));
    json_object_set_new(root, "entropy", accuracy(r->entropy));
    json_object_set_new(root, "entropy_share", accuracy(r->undecided));
    json_object_set_new(root, "margin", accuracy(r->margin));
    json_object_set_new(root, "best_epoch", json_integer(s->at.best_epoch));
    json_object_set_new(root, "best_epoch_child_accuracy", accuracy(s->sums.best_accuracy));
    json_object_set_new(root, "outcome",
                        json_string(snas_guard_stops(s) ? "collapsed" : "complete"));
    json_object_set_new(root, "chosen", chosen_json(s, r));
    json_object_set_new(root, "child", child);
    json_t *budget = budget_json(s, r);
    if (budget)
        json_object_set_new(root, "budget", budget);
    json_object_set_new(root, "counts",
                        json_string("params: all trained values; madds: multiply-adds of "
                                    "convolutions and linear layers of one image; conv_params: "
                                    "without batch norm; madds_all: with batch norm, ReLU, pools "
                                    "and sums"));
    json_object_set_new(root, "warnings", warnings_json(s, r));
    return root;
}

enum snas_status snas_result_write(struct snas_search *s, const struct snas_result *r,
                                   struct snas_err *err)
{
    json_t *root = report(s, r, err);
    char *json = root ? json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(12)) : NULL;
    char *text = json ? snas_format(err, "%s\n", json) : NULL;
    enum snas_status status =
        text   ? snas_run_write(&s->run, SNAS_RUN_RESULT, text, strlen(text), err)
        : root ? snas_fail(err, SNAS_E_NOMEM, "out of memory for %s", SNAS_RUN_RESULT)
        : err  ? err->code
               : SNAS_E_NOMEM;
    snas_free(text);
    free(json);
    json_decref(root);
    return status;
}

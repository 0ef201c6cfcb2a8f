#include "snas-reproduce/plan.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/yaml.h"

struct reader {
    const char *path;
    struct snas_err *err;
};

static enum snas_status wrong(const struct reader *r, const struct snas_yaml *at, const char *text)
{
    return snas_fail(r->err, SNAS_E_CONFIG, "%s:%d:%d: %s", r->path, at->line, at->column, text);
}

static enum snas_status word(const struct reader *r, const struct snas_yaml *at, char **out)
{
    if (at->kind != SNAS_YAML_SCALAR || !at->text || !*at->text)
        return wrong(r, at, "a word is needed here");
    *out = snas_strdup(at->text, r->err);
    return *out ? SNAS_OK : SNAS_E_NOMEM;
}

static enum snas_status name(const struct reader *r, const struct snas_yaml *at,
                             char out[SNAS_NAME_MAX])
{
    size_t n = at->text ? strlen(at->text) : 0;
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)at->text[i]) && !strchr("-_.", at->text[i]))
            n = 0;
    if (at->kind != SNAS_YAML_SCALAR || n == 0 || n >= SNAS_NAME_MAX || at->text[0] == '.' ||
        at->text[0] == '-')
        return wrong(r, at, "a name is needed here: letters, digits, - _ and .");
    memcpy(out, at->text, n + 1);
    return SNAS_OK;
}

static enum snas_status add_word(const struct reader *r, const struct snas_yaml *at, char *text,
                                 struct plan_words *out)
{
    if (!text)
        return SNAS_E_NOMEM;
    if (out->n == SNAS_LIST_MAX) {
        snas_free(text);
        return wrong(r, at, "too many entries");
    }
    out->items[out->n++] = text;
    return SNAS_OK;
}

/* A map of keys of snas-search's configuration: "search.epochs: 8". */
static enum snas_status assignments(const struct reader *r, const struct snas_yaml *map,
                                    struct plan_words *out)
{
    enum snas_status s = SNAS_OK;
    if (map->kind == SNAS_YAML_SCALAR && !(map->text && *map->text))
        return SNAS_OK;
    if (map->kind != SNAS_YAML_MAP)
        return wrong(r, map, "a map of configuration keys is needed here");
    for (size_t i = 0; s == SNAS_OK && i < map->n; i++) {
        const struct snas_yaml *value = map->items[i];
        if (value->kind != SNAS_YAML_SCALAR)
            return wrong(r, value, "one value a key: write nested keys as search.epochs: 8");
        s = add_word(r, value, snas_format(r->err, "%s=%s", map->keys[i]->text, value->text), out);
    }
    return s;
}

/* A list of words into an array; *n of them. */
static enum snas_status list(const struct reader *r, const struct snas_yaml *at, char **out,
                             int most, int *n)
{
    if (at->kind != SNAS_YAML_LIST || at->n == 0 || at->n > (size_t)most)
        return wrong(r, at, "a list is needed here, not empty and not longer than allowed");
    enum snas_status s = SNAS_OK;
    for (size_t i = 0; s == SNAS_OK && i < at->n; i++) {
        for (int k = 0; k < *n; k++)
            if (at->items[i]->text && !strcmp(out[k], at->items[i]->text))
                return wrong(r, at->items[i], "this comes twice");
        s = word(r, at->items[i], &out[*n]);
        *n += s == SNAS_OK;
    }
    return s;
}

static enum snas_status read_seeds(const struct reader *r, const struct snas_yaml *at,
                                   struct plan *p)
{
    return list(r, at, p->seeds, PLAN_SEEDS, &p->n_seeds);
}

static enum snas_status read_methods(const struct reader *r, const struct snas_yaml *at,
                                     struct plan *p)
{
    enum snas_status s = SNAS_OK;
    if (at->kind != SNAS_YAML_MAP || at->n == 0 || at->n > PLAN_METHODS)
        return wrong(r, at, "methods is a map: a name, and the list of settings that are tried");
    for (size_t i = 0; s == SNAS_OK && i < at->n; i++) {
        struct plan_method *m = &p->methods[p->n_methods++];
        const struct snas_yaml *settings = at->items[i];
        s = name(r, at->keys[i], m->name);
        if (s == SNAS_OK &&
            (settings->kind != SNAS_YAML_LIST || settings->n == 0 || settings->n > PLAN_SETTINGS))
            s = wrong(r, settings, "a list of settings is needed here, each a map of keys");
        for (size_t k = 0; s == SNAS_OK && k < settings->n; k++)
            s = assignments(r, settings->items[k], &m->settings[m->n_settings++]);
        if (s == SNAS_OK && m->n_settings != p->methods[0].n_settings)
            s = wrong(r, settings, "every method must have the same number of settings to try");
    }
    return s;
}

/* The method that a key names. */
static enum snas_status find(const struct reader *r, const struct snas_yaml *at,
                             const struct plan *p, int *out)
{
    *out = at->text ? plan_find(p, at->text) : -1;
    return *out >= 0 ? SNAS_OK : wrong(r, at, "this is none of the methods");
}

static enum snas_status read_penalty(const struct reader *r, const struct snas_yaml *at,
                                     struct plan *p)
{
    const struct snas_yaml *of = snas_yaml_get(at, "of"),
                           *strengths = snas_yaml_get(at, "strengths");
    if (!of || !strengths)
        return wrong(r, at, "penalty has the keys of (a method) and strengths (a list)");
    enum snas_status s = find(r, of, p, &p->penalised);
    if (s == SNAS_OK)
        s = list(r, strengths, p->strengths, PLAN_STRENGTHS, &p->n_strengths);
    double before = 0;
    for (int i = 0; s == SNAS_OK && i < p->n_strengths; i++) {
        char *end;
        double strength = strtod(p->strengths[i], &end);
        if (*end || !(strength > before) || !isfinite(strength))
            s = wrong(r, strengths->items[i], "strengths are numbers above 0, the smallest first");
        before = strength;
    }
    return s;
}

static enum snas_status read_random(const struct reader *r, const struct snas_yaml *at,
                                    struct plan *p)
{
    const struct snas_yaml *of = snas_yaml_get(at, "of"), *n = snas_yaml_get(at, "genotypes");
    char *end = NULL;
    long count = n && n->text ? strtol(n->text, &end, 10) : 0;
    if (!of || !end || *end || count < 1 || count > 100000)
        return wrong(r, at, "random has the keys of (a method) and genotypes (how many)");
    p->n_random = (int)count;
    return find(r, of, p, &p->scored);
}

static enum snas_status read_credit(const struct reader *r, const struct snas_yaml *at,
                                    struct plan *p)
{
    const struct snas_yaml *config = snas_yaml_get(at, "config"), *set = snas_yaml_get(at, "set"),
                           *options = snas_yaml_get(at, "options");
    if (!config)
        return wrong(r, at, "credit has the keys config, set and options");
    enum snas_status s = word(r, config, &p->credit);
    if (s == SNAS_OK && set)
        s = assignments(r, set, &p->credit_set);
    if (s == SNAS_OK && options)
        for (size_t i = 0; s == SNAS_OK && i < options->n && options->kind == SNAS_YAML_LIST; i++) {
            char *text = NULL;
            s = word(r, options->items[i], &text);
            if (s == SNAS_OK)
                s = add_word(r, options->items[i], text, &p->credit_options);
        }
    return s;
}

static enum snas_status read_trials(const struct reader *r, const struct snas_yaml *at,
                                    struct plan *p)
{
    const struct snas_yaml *seed = snas_yaml_get(at, "seed"), *set = snas_yaml_get(at, "set");
    if (!seed)
        return wrong(r, at, "trials has the keys seed and set");
    enum snas_status s = word(r, seed, &p->trial_seed);
    /* A choice by a run that is also part of the result would be in its favour. */
    for (int i = 0; s == SNAS_OK && i < p->n_seeds; i++)
        if (!strcmp(p->seeds[i], p->trial_seed))
            s = wrong(r, seed, "settings are tried with a seed that is none of the result's");
    return s == SNAS_OK && set ? assignments(r, set, &p->trial_set) : s;
}

static enum snas_status read_last(const struct reader *r, const struct snas_yaml *at,
                                  struct plan *p)
{
    enum snas_status s = at->kind == SNAS_YAML_LIST ? SNAS_OK : wrong(r, at, "a list of methods");
    for (size_t i = 0; s == SNAS_OK && i < at->n; i++) {
        int m;
        s = find(r, at->items[i], p, &m);
        if (s == SNAS_OK)
            p->methods[m].last = 1;
    }
    return s;
}

static enum snas_status read_set(const struct reader *r, const struct snas_yaml *at, struct plan *p)
{
    return assignments(r, at, &p->set);
}
static enum snas_status read_name(const struct reader *r, const struct snas_yaml *at,
                                  struct plan *p)
{
    return name(r, at, p->name);
}
static enum snas_status read_search(const struct reader *r, const struct snas_yaml *at,
                                    struct plan *p)
{
    return word(r, at, &p->search);
}

/* In the order in which they are read: methods come before what names one. */
static const struct {
    const char *key;
    int needed;
    enum snas_status (*read)(const struct reader *r, const struct snas_yaml *at, struct plan *p);
} keys[] = {
    {"name", 1, read_name},       {"search", 1, read_search},   {"set", 0, read_set},
    {"seeds", 1, read_seeds},     {"methods", 1, read_methods}, {"last", 0, read_last},
    {"penalty", 0, read_penalty}, {"random", 0, read_random},   {"credit", 0, read_credit},
    {"trials", 0, read_trials},
};
enum { KEYS = sizeof keys / sizeof *keys };

static enum snas_status read_keys(const struct reader *r, const struct snas_yaml *doc,
                                  struct plan *p)
{
    if (doc->kind != SNAS_YAML_MAP)
        return wrong(r, doc, "an experiment is a map (see configs/reproduce)");
    for (size_t i = 0; i < doc->n; i++) {
        int known = 0;
        for (int k = 0; k < KEYS; k++)
            known |= !strcmp(doc->keys[i]->text, keys[k].key);
        if (!known)
            return wrong(r, doc->keys[i],
                         "unknown key; there are name, search, set, seeds, methods, last, penalty, "
                         "random, credit, trials");
    }
    enum snas_status s = SNAS_OK;
    for (int k = 0; s == SNAS_OK && k < KEYS; k++) {
        const struct snas_yaml *at = snas_yaml_get(doc, keys[k].key);
        if (at)
            s = keys[k].read(r, at, p);
        else if (keys[k].needed)
            s = snas_fail(r->err, SNAS_E_CONFIG, "%s: the key %s is missing", r->path, keys[k].key);
    }
    if (s == SNAS_OK && p->methods[0].n_settings > 1 && !p->trial_seed)
        s = snas_fail(r->err, SNAS_E_CONFIG,
                      "%s: methods have several settings: trials.seed must say what tries them",
                      r->path);
    return s;
}

int plan_assign(const struct plan *p, const struct plan_words *setting, const char *penalty,
                const char *seed, const struct plan_words *over, const struct snas_list *extra,
                struct plan_own *own, const char *out[PLAN_ASSIGNMENTS])
{
    int n = 0;
    for (int i = 0; i < p->set.n; i++)
        out[n++] = p->set.items[i];
    for (int i = 0; i < setting->n; i++)
        out[n++] = setting->items[i];
    if (penalty) {
        snprintf(own->penalty, sizeof own->penalty, "penalty.strength=%s", penalty);
        out[n++] = own->penalty;
    }
    if (seed) {
        snprintf(own->seed, sizeof own->seed, "seed=%s", seed);
        out[n++] = own->seed;
    }
    for (int i = 0; over && i < over->n; i++)
        out[n++] = over->items[i];
    for (int i = 0; i < extra->n; i++)
        out[n++] = extra->items[i];
    return n;
}

/* Every configuration is read before anything starts: a mistake shows at once. `i` == n_seeds: that
 * of the trial. */
static enum snas_status check_one(const struct plan *p, int m, int k, int i,
                                  const struct snas_list *extra, struct snas_err *err)
{
    const char *all[PLAN_ASSIGNMENTS];
    struct plan_own own;
    struct snas_search_config config;
    const int trial = i == p->n_seeds;
    int n = plan_assign(
        p, &p->methods[m].settings[k], m == p->penalised && !trial ? p->strengths[0] : NULL,
        trial ? p->trial_seed : p->seeds[i], trial ? &p->trial_set : NULL, extra, &own, all);
    return snas_search_config_read(p->search, all, n, &config, err);
}

static enum snas_status check(const struct plan *p, const char *path, const struct snas_list *extra,
                              struct snas_err *err)
{
    enum snas_status s = SNAS_OK;
    for (int m = 0; s == SNAS_OK && m < p->n_methods; m++)
        for (int k = 0; s == SNAS_OK && k < p->methods[m].n_settings; k++)
            for (int i = 0; s == SNAS_OK && i < p->n_seeds + (p->trial_seed != NULL); i++) {
                s = check_one(p, m, k, i, extra, err);
                if (s != SNAS_OK)
                    snas_fail_context(err, "%s: %s", path, p->methods[m].name);
            }
    return s;
}

enum snas_status plan_read(const char *path, const struct snas_list *extra, struct plan *out,
                           struct snas_err *err)
{
    const struct reader r = {path, err};
    struct snas_yaml *doc = NULL;
    char *found = NULL;
    *out = (struct plan){.path = path, .penalised = -1, .scored = -1};
    enum snas_status s = snas_find_shipped(path, &found, err);
    if (s == SNAS_OK)
        s = snas_yaml_read(found, &doc, err);
    if (s == SNAS_OK)
        s = read_keys(&r, doc, out);
    if (s == SNAS_OK)
        s = check(out, path, extra, err);
    snas_yaml_free(doc);
    snas_free(found);
    return s;
}

static void clear_words(struct plan_words *w)
{
    for (int i = 0; i < w->n; i++)
        snas_free(w->items[i]);
    w->n = 0;
}

void plan_clear(struct plan *p)
{
    for (int m = 0; m < p->n_methods; m++)
        for (int k = 0; k < p->methods[m].n_settings; k++)
            clear_words(&p->methods[m].settings[k]);
    for (int i = 0; i < p->n_seeds; i++)
        snas_free(p->seeds[i]);
    for (int i = 0; i < p->n_strengths; i++)
        snas_free(p->strengths[i]);
    clear_words(&p->set);
    clear_words(&p->credit_set);
    clear_words(&p->credit_options);
    clear_words(&p->trial_set);
    snas_free(p->search);
    snas_free(p->credit);
    snas_free(p->trial_seed);
    memset(p, 0, sizeof *p);
}

int plan_find(const struct plan *p, const char *method)
{
    for (int m = 0; m < p->n_methods; m++)
        if (!strcmp(p->methods[m].name, method))
            return m;
    return -1;
}

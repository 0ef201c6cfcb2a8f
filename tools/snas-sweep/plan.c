#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/mem.h"
#include "snas-sweep/sweep.h"
#include "train/config.h"

enum { MAX_WORDS = 64 };
struct words {
    int n;
    char *word[MAX_WORDS];
    char *text;
};

/* Cuts "a,b,c"; a word that comes twice would be one run in two places. */
static enum snas_status cut(const char *option, const char *list, struct words *out,
                            struct snas_err *err)
{
    char *rest = NULL;
    *out = (struct words){.text = snas_strdup(list, err)};
    if (!out->text)
        return SNAS_E_NOMEM;
    for (char *w = strtok_r(out->text, ",", &rest); w; w = strtok_r(NULL, ",", &rest)) {
        for (int i = 0; i < out->n; i++)
            if (!strcmp(out->word[i], w))
                return snas_fail(err, SNAS_E_ARG, "%s: '%s' comes twice", option, w);
        if (out->n == MAX_WORDS)
            return snas_fail(err, SNAS_E_ARG, "%s: more than %d words", option, MAX_WORDS);
        out->word[out->n++] = w;
    }
    return out->n ? SNAS_OK : snas_fail(err, SNAS_E_ARG, "%s: the list is empty", option);
}

static int is_preset(const char *word)
{
    for (int p = SNAS_PRESET_NONE + 1; p < SNAS_PRESETS; p++)
        if (!strcmp(snas_search_presets[p], word))
            return 1;
    return 0;
}

static enum snas_status check_number(const char *option, const char *word, int is_whole,
                                     struct snas_err *err)
{
    char *end;
    double value = strtod(word, &end);
    if (end == word || *end || !(value >= 0) || !isfinite(value) ||
        (is_whole && value != floor(value)))
        return snas_fail(err, SNAS_E_ARG, "%s: '%s' is no %s", option, word,
                         is_whole ? "seed" : "penalty strength, nor mild, moderate or aggressive");
    return SNAS_OK;
}

static enum snas_status add(struct sweep *s, const char *method, const char *penalty,
                            const char *seed, struct snas_err *err)
{
    struct run *r = &s->runs[s->n++];
    char *name = penalty ? snas_format(err, "%s-penalty-%s-seed-%s", method, penalty, seed)
                         : snas_format(err, "%s-seed-%s", method, seed);
    const char *order = strncmp(method, "darts-", 6) == 0 ? method + 6 : NULL;
    r->dir = name ? snas_path_join(s->out, name, err) : NULL;
    int preset = penalty && is_preset(penalty), whole = r->dir != NULL;
    char **a = r->assignments;
    a[r->n_assignments++] = snas_format(err, "search.method=%s", order ? "darts" : method);
    a[r->n_assignments++] = snas_format(err, "penalty.preset=%s", preset ? penalty : "none");
    a[r->n_assignments++] =
        snas_format(err, "penalty.strength=%s", penalty && !preset ? penalty : "0");
    a[r->n_assignments++] = snas_format(err, "seed=%s", seed);
    if (order)
        a[r->n_assignments++] = snas_format(err, "darts.order=%s", order);
    if (!penalty)
        a[r->n_assignments++] = snas_strdup("measured.strength=0", err);
    snas_free(name);
    for (int i = 0; i < r->n_assignments; i++)
        whole = whole && a[i];
    return whole ? SNAS_OK : SNAS_E_NOMEM;
}

static enum snas_status add_all(const struct words *methods, const struct words *penalties,
                                const struct words *seeds, struct sweep *s, struct snas_err *err)
{
    size_t most = (size_t)methods->n * (size_t)penalties->n * (size_t)seeds->n;
    enum snas_status status = SNAS_OK;
    s->runs = snas_alloc(most, sizeof *s->runs, err);
    if (!s->runs)
        return SNAS_E_NOMEM;
    for (int m = 0; m < methods->n; m++) {
        int unpenalised = !strcmp(methods->word[m], "random") || !strcmp(methods->word[m], "enas");
        for (int p = 0; p < (unpenalised ? 1 : penalties->n); p++)
            for (int k = 0; status == SNAS_OK && k < seeds->n; k++)
                status = add(s, methods->word[m], unpenalised ? NULL : penalties->word[p],
                             seeds->word[k], err);
    }
    return status;
}

enum snas_status sweep_plan(const char *methods, const char *penalties, const char *seeds,
                            struct sweep *s, struct snas_err *err)
{
    struct words m = {0}, p = {0}, k = {0};
    enum snas_status status = cut("--method", methods, &m, err);
    if (status == SNAS_OK)
        status = cut("--penalty", penalties, &p, err);
    if (status == SNAS_OK)
        status = cut("--seeds", seeds, &k, err);
    for (int i = 0; status == SNAS_OK && i < p.n; i++)
        if (!is_preset(p.word[i]))
            status = check_number("--penalty", p.word[i], 0, err);
    for (int i = 0; status == SNAS_OK && i < k.n; i++)
        status = check_number("--seeds", k.word[i], 1, err);
    if (status == SNAS_OK)
        status = add_all(&m, &p, &k, s, err);
    snas_free(m.text);
    snas_free(p.text);
    snas_free(k.text);
    return status;
}

void sweep_clear(struct sweep *s)
{
    for (int i = 0; i < s->n; i++) {
        struct run *r = &s->runs[i];
        snas_free(r->dir);
        for (int a = 0; a < r->n_assignments; a++)
            snas_free(r->assignments[a]);
    }
    snas_free(s->runs);
    s->runs = NULL;
    s->n = 0;
}

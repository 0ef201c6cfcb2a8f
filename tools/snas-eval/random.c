/* How a run's own genotype stands among random ones, all with the run's shared weights. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/mem.h"
#include "methods/budget.h"
#include "methods/method.h"
#include "snas-eval/eval.h"
#include "train/run.h"
#include "train/shared.h"

/* The child's, as the report has it: with choose.every or a budget it is an earlier epoch's than
 * the last, and under derive.rule best none that an epoch ended with. */
static enum snas_status read_genotype(const char *path, const struct snas_space *space,
                                      struct snas_genotype *out, struct snas_err *err)
{
    json_error_t where;
    json_t *root = json_load_file(path, 0, &where);
    if (!root)
        return snas_fail(err, SNAS_E_FORMAT, "%s:%d:%d: %s", path, where.line, where.column,
                         where.text);
    char *text = json_dumps(json_object_get(json_object_get(root, "child"), "genotype"), 0);
    enum snas_status s = text ? snas_genotype_parse(path, text, strlen(text), space, out, err)
                              : snas_fail(err, SNAS_E_FORMAT, "'%s' has no child's genotype", path);
    free(text);
    json_decref(root);
    return s;
}

static enum snas_status run_genotype(const char *run, const struct snas_shared *shared,
                                     struct snas_genotype *out, struct snas_err *err)
{
    char *path = snas_path_join(run, SNAS_RUN_RESULT, err);
    enum snas_status s = path ? SNAS_OK : SNAS_E_NOMEM;
    if (s == SNAS_OK && !snas_path_exists(path))
        s = snas_fail(err, SNAS_E_STATE,
                      "'%s' has no " SNAS_RUN_RESULT ": its search is not finished", run);
    if (s == SNAS_OK)
        s = read_genotype(path, &shared->space, out, err);
    snas_free(path);
    return s;
}

#define MOST_DRAWS 1000000

struct scores {
    double *accuracy;          /* [n] */
    double cost[SNAS_BUDGETS]; /* mean over the genotypes, pruned */
    int redrawn;
};

/* Random genotypes are numbered; one that is disconnected answers by chance alone, which would
 * flatter ours: the next number takes its place; so it does for one over the budget. */
static enum snas_status score_random(struct snas_shared *shared, int n, uint64_t seed,
                                     const struct request *r, const struct snas_image_set *set,
                                     struct scores *out, struct snas_err *err)
{
    for (int i = 0, index = 0; i < n; index++) {
        struct snas_genotype g;
        struct snas_score score;
        int connected;
        snas_z_random(shared->network, seed, (uint64_t)index, shared->z, &g);
        enum snas_status s = (r->within_budget ? snas_shared_fits : snas_shared_connected)(
            shared, &g, &connected, err);
        if (s == SNAS_OK && index == MOST_DRAWS && !connected)
            s = snas_fail(err, SNAS_E_LIMIT, "of %d random genotypes only %d are %s", index, i,
                          r->within_budget ? "within the budget" : "connected");
        if (s != SNAS_OK)
            return s;
        if (!connected) {
            out->redrawn++;
            continue;
        }
        s = snas_shared_score(shared, &g, set, NULL, &score, err);
        double cost[SNAS_BUDGETS];
        if (s == SNAS_OK)
            s = snas_budget_cost(shared->network, &shared->costs, &g, cost, &connected, err);
        if (s != SNAS_OK)
            return s;
        for (int c = 0; c < SNAS_BUDGETS; c++)
            out->cost[c] += cost[c] / n;
        out->accuracy[i++] = score.accuracy;
    }
    return SNAS_OK;
}

static void print(const char *run, double own, const struct scores *of, int n,
                  const struct request *r)
{
    const double *accuracy = of->accuracy;
    const int redrawn = of->redrawn;
    double sum = 0, squares = 0, best = 0;
    int beaten = 0;
    for (int i = 0; i < n; i++) {
        sum += accuracy[i];
        best = accuracy[i] > best ? accuracy[i] : best;
        beaten += accuracy[i] < own;
    }
    double mean = sum / n;
    for (int i = 0; i < n; i++)
        squares += (accuracy[i] - mean) * (accuracy[i] - mean);
    double sd = n > 1 ? sqrt(squares / (n - 1)) : 0;
    if (r->json) {
        json_t *list = json_array();
        for (int i = 0; i < n; i++)
            json_array_append_new(list, json_real(accuracy[i]));
        json_t *root =
            json_pack("{s:s, s:f, s:o, s:f, s:f, s:f, s:i, s:i, s:f, s:f}", "run", run, "child",
                      own, "random", list, "mean", mean, "sd", sd, "max", best, "beaten", beaten,
                      "redrawn", redrawn, "mean_params", of->cost[SNAS_BUDGET_PARAMS], "mean_madds",
                      of->cost[SNAS_BUDGET_MADDS]);
        json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
        putchar('\n');
        json_decref(root);
        return;
    }
    printf("%s, shared weights, batch norm re-estimated for each genotype, validation images\n",
           run);
    printf("  the run's child      %.2f%%\n", 100 * own);
    printf("  %3d random genotypes%s %.2f +- %.2f%%, best %.2f%%\n", n,
           r->within_budget ? " within the budget" : "", 100 * mean, 100 * sd, 100 * best);
    printf("  the child beats      %d of %d, and their mean by %.2f points\n", beaten, n,
           100 * (own - mean));
    if (redrawn)
        printf("  %d %s genotypes were drawn again\n", redrawn,
               r->within_budget ? "disconnected or too costly" : "disconnected");
}

enum snas_status eval_random(const char *run, int n, uint64_t seed, const struct request *r,
                             struct snas_err *err)
{
    struct snas_shared shared;
    struct snas_genotype g;
    struct snas_score own = {0};
    struct scores scores = {.accuracy = snas_alloc((size_t)n, sizeof(double), err)};
    if (!scores.accuracy)
        return SNAS_E_NOMEM;
    enum snas_status s = snas_shared_open(run, request_data(r), r->threads, 0, &shared, err);
    const struct snas_image_set held = snas_source_held(&shared.source, &shared.config, 0);
    if (s == SNAS_OK)
        s = run_genotype(run, &shared, &g, err);
    if (s == SNAS_OK)
        s = snas_shared_score(&shared, &g, &held, NULL, &own, err);
    if (s == SNAS_OK)
        s = score_random(&shared, n, seed, r, &held, &scores, err);
    if (s == SNAS_OK)
        print(run, own.accuracy, &scores, n, r);
    snas_shared_clear(&shared);
    snas_free(scores.accuracy);
    return s;
}

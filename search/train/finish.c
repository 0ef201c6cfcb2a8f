/* The end of a search: the child with its weights, and the final report. */
#include <math.h>
#include <string.h>

#include "train/state.h"

static enum snas_status hard_samples(struct snas_search *s, struct snas_result *r,
                                     struct snas_err *err)
{
    const struct snas_image_set held = snas_source_held(&s->source, s->config, 0);
    const struct snas_evaluate_options o = {
        .bn = SNAS_BN_BATCH, .z = s->z, .stop = s->options->stop};
    double sum = 0, sum2 = 0;
    r->hard_n = (int)s->config->evaluation.hard_samples;
    for (int i = 0; i < r->hard_n; i++) {
        struct snas_score score;
        s->method->ops->sample(s->method, (uint64_t)s->config->seed, SNAS_STREAM_HARD,
                               ((uint64_t)1 << 40) + (uint64_t)i, 1, s->z);
        enum snas_status status = snas_evaluate(s->net, &held, &o, &score, err);
        if (status != SNAS_OK)
            return status;
        sum += score.accuracy;
        sum2 += score.accuracy * score.accuracy;
        snas_progress_update(s->run.progress, i + 1, "one-hot samples");
    }
    if (r->hard_n) {
        double variance = r->hard_n > 1 ? (sum2 - sum * sum / r->hard_n) / (r->hard_n - 1) : 0;
        r->hard_mean = sum / r->hard_n;
        r->hard_sd = variance > 0 ? sqrt(variance) : 0;
    }
    return SNAS_OK;
}

/* The only place that classifies test images: nothing is chosen after it. */
static enum snas_status test_accuracy(struct snas_search *s, struct snas_net *child, double *out,
                                      struct snas_err *err)
{
    struct snas_whole test;
    struct snas_score score;
    const struct snas_evaluate_options o = {.bn = SNAS_BN_RUNNING, .stop = s->options->stop};
    enum snas_status status = snas_whole_open_test(s->config, s->network, &test, err);
    if (status != SNAS_OK)
        return status;
    const struct snas_image_set set =
        snas_whole_set(&test, s->source.mean, s->source.sd, (int)s->config->search.batch);
    status = snas_evaluate(child, &set, &o, &score, err);
    *out = score.accuracy;
    snas_whole_clear(&test);
    return status;
}

/* The child at the end, unless that of an earlier epoch was better and has been kept. */
static enum snas_status take_child(struct snas_search *s, struct snas_candidate *c,
                                   struct snas_result *r, struct snas_err *err)
{
    const struct snas_candidate_score *best = &s->choice.best;
    r->epoch = (int)s->at.epoch;
    enum snas_status status = snas_candidate_make(s, &r->genotype, c, err);
    if (status != SNAS_OK || s->config->choose.every == 0)
        return status;
    status = snas_choice_offer(s, c, r->epoch, err);
    if (status != SNAS_OK || best->connected <= 0 ||
        (best->epoch == s->choice.last.epoch && best->after == c->after))
        return status;
    snas_candidate_clear(c);
    status = snas_candidate_read(s, SNAS_RUN_BEST, c, err);
    r->epoch = (int)best->epoch;
    c->before = best->before;
    c->after = best->after;
    return status;
}

static enum snas_status child(struct snas_search *s, struct snas_result *r, struct snas_err *err)
{
    struct snas_candidate c = {0};
    enum snas_status status = take_child(s, &c, r, err);
    if (status == SNAS_OK) {
        r->genotype = c.genotype;
        snprintf(r->genotype.name, sizeof(r->genotype.name), "%.*s",
                 (int)sizeof(r->genotype.name) - 1, s->config->name);
        r->connected = c.net != NULL;
        r->described = c.described;
        r->pruned = c.pruned;
        memcpy(r->cost, c.cost, sizeof(r->cost));
        r->before = c.before;
        r->after = c.after;
        snas_choice_reason(s, r->epoch, r->reason, sizeof(r->reason));
    }
    if (status == SNAS_OK && c.net)
        status = test_accuracy(s, c.net, &r->test, err);
    if (status == SNAS_OK && c.net)
        status = snas_candidate_write(s, &c, r->epoch, r->test, SNAS_RUN_CHILD, err);
    snas_candidate_clear(&c);
    return status;
}

int snas_search_undecided(const struct snas_search *s, const struct snas_result *r)
{
    return r->undecided > 0.5 && snas_guard_by_distribution(s);
}

static void say_result(struct snas_search *s, const struct snas_result *r)
{
    snas_run_say(&s->run,
                 "sampled networks, validation: %.2f%%; %d one-hot samples: %.2f +- %.2f%%",
                 100 * r->sampled, r->hard_n, 100 * r->hard_mean, 100 * r->hard_sd);
    if (r->connected)
        snas_run_say(&s->run,
                     "child, validation: %.2f%% before, %.2f%% after re-estimating batch norm; "
                     "test: %.2f%%",
                     100 * r->before, 100 * r->after, 100 * r->test);
    else
        snas_run_say(&s->run,
                     "the child is disconnected: no path leads from the input to the "
                     "logits; there is no child file. A weaker penalty keeps it connected");
    if (s->config->choose.every)
        snas_run_say(&s->run, "%s", r->reason);
    if (snas_search_undecided(s, r))
        snas_run_say(&s->run,
                     "warning: the search is undecided (entropy %.0f%% of uniform): its argmax is "
                     "close to noise. Raise alpha.learning_rate, or search longer",
                     100 * r->undecided);
}

static enum snas_status settle_budget(struct snas_search *s, struct snas_result *r,
                                      struct snas_err *err)
{
    const double *cost = r->cost;
    const struct snas_budget *b = s->method->budget;
    r->within = -1;
    if (!b)
        return SNAS_OK;
    r->budget_met = r->connected && snas_budget_fits(b, cost);
    r->within = r->budget_met ? -1 : snas_within_epoch(s, s->at.epoch);
    for (int i = 0; i < SNAS_BUDGETS; i++)
        if (b->options.limit[i] > 0)
            snas_run_say(&s->run, "budget.%s: the pruned child has %.*f of %.*f (%.1f%%)",
                         snas_budget_names[i], snas_budget_decimals[i], cost[i],
                         snas_budget_decimals[i], b->options.limit[i],
                         100 * cost[i] / b->options.limit[i]);
    return snas_within_settle(s, !r->budget_met, &r->within_accuracy, err);
}

/* A budget that was not met is the run's failure, after everything is written. */
static enum snas_status fail_budget(const struct snas_search *s, const struct snas_result *r,
                                    struct snas_err *err)
{
    if (!s->method->budget || r->budget_met)
        return SNAS_OK;
    if (r->within < 0)
        return snas_fail(err, SNAS_E_LIMIT,
                         "the child is not within its budget, nor was that of any epoch; search "
                         "longer, or raise budget.rate");
    const struct snas_epoch_child *c = &s->history[r->within];
    return snas_fail(err, SNAS_E_LIMIT,
                     "the child is not within its budget; the best that was, of epoch %d: %s/%s, "
                     "%.0f parameters, %.0f multiply-adds, validation %.2f%%",
                     r->within + 1, s->run.dir, SNAS_RUN_WITHIN, c->cost[SNAS_BUDGET_PARAMS],
                     c->cost[SNAS_BUDGET_MADDS], 100 * r->within_accuracy);
}

static void show_candidates(void *arg, int done, int of)
{
    char line[64];
    snprintf(line, sizeof(line), "candidate %d of %d", done, of);
    snas_progress_update(((struct snas_search *)arg)->run.progress, done, line);
}

static enum snas_status derive(struct snas_search *s, struct snas_result *r, struct snas_err *err)
{
    const struct snas_derive_options o = {.rule = (enum snas_derive_rule)s->config->derive.rule,
                                          .samples = (int)s->config->derive.samples,
                                          .images = s->config->derive.images,
                                          .rescored = (int)s->config->derive.rescored,
                                          .progress = show_candidates,
                                          .arg = s};
    struct snas_method_context context;
    snas_search_context(s, &context);
    enum snas_status status = snas_method_derive_final(s->method, &context, &o, &r->genotype, err);
    snprintf(r->genotype.name, sizeof(r->genotype.name), "%.*s", (int)sizeof(r->genotype.name) - 1,
             s->config->name);
    return status;
}

enum snas_status snas_search_finish(struct snas_search *s, struct snas_err *err)
{
    struct snas_result r = {0};
    struct snas_score sampled;
    snas_method_overall(s->method, &r.entropy, &r.margin, &r.undecided);
    snas_progress_begin(s->run.progress, "evaluation", (double)s->config->evaluation.hard_samples);
    enum snas_status status = snas_search_sampled(s, 0, &sampled, err);
    r.sampled = sampled.accuracy;
    if (status == SNAS_OK)
        status = hard_samples(s, &r, err);
    if (status == SNAS_OK)
        status = derive(s, &r, err);
    if (status == SNAS_OK)
        status = child(s, &r, err);
    snas_progress_end(s->run.progress);
    if (status != SNAS_OK)
        return status;
    say_result(s, &r);
    status = settle_budget(s, &r, err);
    if (status != SNAS_OK)
        return status;
    struct snas_err link = {0};
    if (snas_run_point_latest(&s->run, &link) != SNAS_OK)
        snas_run_say(&s->run, "warning: %s", link.text);
    status = snas_result_write(s, &r, err);
    return status == SNAS_OK ? fail_budget(s, &r, err) : status;
}

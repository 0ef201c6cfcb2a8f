/* The end of a search: the child with its weights, and the final report. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "train/child.h"
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
    enum snas_status status =
        snas_whole_open(s->config->data.path, (enum snas_data_format)s->config->data.format,
                        SNAS_SPLIT_TEST, &test, err);
    if (status != SNAS_OK)
        return status;
    status = snas_images_fit(s->network, &test.ds, err);
    if (status == SNAS_OK) {
        const struct snas_image_set set = {&test.ds,     test.indices,
                                           test.ds.n,    s->source.mean,
                                           s->source.sd, (int)s->config->search.batch};
        status = snas_evaluate(child, &set, &o, &score, err);
        *out = score.accuracy;
    }
    snas_whole_clear(&test);
    return status;
}

static enum snas_status write_child(struct snas_search *s, struct snas_network *network,
                                    struct snas_net *net, const struct snas_result *r,
                                    struct snas_err *err)
{
    struct snas_child child = {.network = network};
    struct snas_child_info *info = &child.info;
    snprintf(info->dataset, sizeof(info->dataset), "%s", s->source.ds.name);
    snprintf(info->run, sizeof(info->run), "%.*s", (int)sizeof(info->run) - 1, s->config->name);
    info->labels = s->source.ds.names;
    info->n_labels = s->source.ds.names ? s->source.ds.classes : 0;
    memcpy(info->mean, s->source.mean, sizeof(info->mean));
    memcpy(info->sd, s->source.sd, sizeof(info->sd));
    info->bn_eps = s->config->network.bn_eps;
    info->seed = (uint64_t)s->config->seed;
    info->epoch = (int)s->at.epoch;
    info->validation_accuracy = r->after;
    info->test_accuracy = r->test;
    char *path = snas_run_path(&s->run, SNAS_RUN_CHILD, err);
    enum snas_status status =
        path ? snas_child_values_create(network, &child.values, err) : SNAS_E_NOMEM;
    if (status == SNAS_OK) {
        snas_child_values_from_net(network, net, child.values);
        status = snas_child_write(path, &child, err);
    }
    snas_child_values_destroy(network, child.values);
    snas_free(path);
    return status;
}

static enum snas_status score_child(struct snas_search *s, struct snas_network *network,
                                    struct snas_net *net, struct snas_result *r,
                                    struct snas_err *err)
{
    const struct snas_image_set held = snas_source_held(&s->source, s->config, 0);
    const struct snas_image_set estimate = snas_source_estimate(&s->source, s->config);
    const struct snas_evaluate_options o = {.bn = SNAS_BN_RUNNING, .stop = s->options->stop};
    struct snas_score score;
    enum snas_status status = snas_child_inherit(s->net, net, err);
    if (status == SNAS_OK)
        status = snas_evaluate(net, &held, &o, &score, err);
    if (status != SNAS_OK)
        return status;
    r->before = score.accuracy;
    status = snas_estimate(net, &estimate, NULL, o.stop, err);
    if (status == SNAS_OK)
        status = snas_evaluate(net, &held, &o, &score, err);
    if (status != SNAS_OK)
        return status;
    r->after = score.accuracy;
    status = test_accuracy(s, net, &r->test, err);
    return status == SNAS_OK ? write_child(s, network, net, r, err) : status;
}

static enum snas_status child(struct snas_search *s, struct snas_result *r, struct snas_err *err)
{
    struct snas_network *network = NULL;
    struct snas_net *net = NULL;
    struct snas_alive alive = {0};
    struct snas_net_options o;
    snas_search_net_options(s->config, 0, &o);
    enum snas_status status =
        snas_network_create(&s->space, &s->network->options, &r->genotype, &network, err);
    if (status == SNAS_OK)
        status = snas_network_alive(network, &alive, err);
    if (status == SNAS_OK) {
        r->connected = alive.connected;
        snas_network_totals(network, NULL, &r->described);
        snas_network_totals(network, &alive, &r->pruned);
    }
    if (status == SNAS_OK && r->connected) {
        status = snas_net_create(network, &o, &net, err);
        if (status == SNAS_OK)
            status = score_child(s, network, net, r, err);
    }
    if (net)
        snas_net_destroy(net);
    snas_alive_clear(&alive);
    if (network)
        snas_network_destroy(network);
    return status;
}

/* A best of samples is chosen by what it does, not by a distribution. */
int snas_search_undecided(const struct snas_search *s, const struct snas_result *r)
{
    return r->undecided > 0.5 &&
           snas_method_rule(s->method, (enum snas_derive_rule)s->config->derive.rule) !=
               SNAS_DERIVE_BEST;
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
    if (snas_search_undecided(s, r))
        snas_run_say(&s->run,
                     "warning: the search is undecided (entropy %.0f%% of uniform): its argmax is "
                     "close to noise. Raise alpha.learning_rate, or search longer",
                     100 * r->undecided);
}

/* The child of the history that fits and comes nearest to the budget: the largest share of it used
 * where it is tightest; -1: none. */
static int nearest_fitting(const struct snas_search *s)
{
    const struct snas_budget *b = s->method->budget;
    double most = -1;
    int best = -1;
    for (int e = 0; e < (int)s->at.epoch; e++) {
        const struct snas_epoch_child *c = &s->history[e];
        double used = 0;
        for (int i = 0; i < SNAS_BUDGETS; i++)
            if (b->options.limit[i] > 0)
                used = fmax(used, c->cost[i] / b->options.limit[i]);
        if (c->connected > 0 && snas_budget_fits(b, c->cost) && used >= most) {
            most = used;
            best = e;
        }
    }
    return best;
}

static void settle_budget(struct snas_search *s, struct snas_result *r)
{
    const double cost[SNAS_BUDGETS] = {(double)r->pruned.params, (double)r->pruned.madds};
    const struct snas_budget *b = s->method->budget;
    if (!b)
        return;
    r->budget_met = r->connected && snas_budget_fits(b, cost);
    r->nearest = r->budget_met ? -1 : nearest_fitting(s);
    for (int i = 0; i < SNAS_BUDGETS; i++)
        if (b->options.limit[i] > 0)
            snas_run_say(&s->run, "budget.%s: the pruned child has %.0f of %.0f (%.1f%%)",
                         snas_budget_names[i], cost[i], b->options.limit[i],
                         100 * cost[i] / b->options.limit[i]);
}

/* A budget that was not met is the run's failure, after everything is written. */
static enum snas_status fail_budget(const struct snas_search *s, const struct snas_result *r,
                                    struct snas_err *err)
{
    if (!s->method->budget || r->budget_met)
        return SNAS_OK;
    if (r->nearest < 0)
        return snas_fail(err, SNAS_E_LIMIT,
                         "the child is not within its budget, nor was that of any epoch; search "
                         "longer, or raise budget.rate");
    const struct snas_epoch_child *c = &s->history[r->nearest];
    return snas_fail(err, SNAS_E_LIMIT,
                     "the child is not within its budget; the nearest that is: %s/genotype/"
                     "epoch-%03d.json, %.0f parameters, %.0f multiply-adds, validation %.2f%% then",
                     s->run.dir, r->nearest + 1, c->cost[SNAS_BUDGET_PARAMS],
                     c->cost[SNAS_BUDGET_MADDS], 100 * c->accuracy);
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
    settle_budget(s, &r);
    struct snas_err link = {0};
    if (snas_run_point_latest(&s->run, &link) != SNAS_OK)
        snas_run_say(&s->run, "warning: %s", link.text);
    status = snas_result_write(s, &r, err);
    return status == SNAS_OK ? fail_budget(s, &r, err) : status;
}

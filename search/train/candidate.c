#include "train/candidate.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "train/child.h"
#include "train/state.h"

/* Scores its weights without and with re-estimation, which stays. */
static enum snas_status score(struct snas_search *s, struct snas_candidate *c, struct snas_err *err)
{
    const struct snas_image_set held = snas_source_held(&s->source, s->config, 0);
    const struct snas_image_set estimate = snas_source_estimate(&s->source, s->config);
    const struct snas_evaluate_options o = {.bn = SNAS_BN_RUNNING, .stop = s->options->stop};
    struct snas_score before, after;
    enum snas_status status = snas_evaluate(c->net, &held, &o, &before, err);
    if (status == SNAS_OK)
        status = snas_estimate(c->net, &estimate, NULL, o.stop, err);
    if (status == SNAS_OK)
        status = snas_evaluate(c->net, &held, &o, &after, err);
    if (status == SNAS_OK) {
        c->before = before.accuracy;
        c->after = after.accuracy;
    }
    return status;
}

/* Network, counts, and a net when there is a path through it. */
static enum snas_status describe(struct snas_search *s, const struct snas_genotype *g,
                                 struct snas_candidate *c, struct snas_err *err)
{
    struct snas_alive alive = {0};
    struct snas_net_options o;
    int connected;
    memset(c, 0, sizeof(*c));
    c->genotype = *g;
    snas_search_net_options(s->config, 0, &o);
    enum snas_status status =
        snas_network_create(&s->space, &s->network->options, g, &c->network, err);
    if (status == SNAS_OK)
        status = snas_network_alive(c->network, &alive, err);
    if (status != SNAS_OK)
        return status;
    snas_network_totals(c->network, NULL, &c->described);
    snas_network_totals(c->network, &alive, &c->pruned);
    if (alive.connected)
        status = snas_budget_cost(s->network, &s->costs, g, c->cost, &connected, err);
    if (alive.connected && status == SNAS_OK)
        status = snas_net_create(c->network, &o, &c->net, err);
    snas_alive_clear(&alive);
    return status;
}

/* The same with the supernet's weights. */
static enum snas_status inherit(struct snas_search *s, const struct snas_genotype *g,
                                struct snas_candidate *c, struct snas_err *err)
{
    enum snas_status status = describe(s, g, c, err);
    return status == SNAS_OK && c->net ? snas_child_inherit(s->net, c->net, err) : status;
}

enum snas_status snas_candidate_make(struct snas_search *s, const struct snas_genotype *g,
                                     struct snas_candidate *out, struct snas_err *err)
{
    enum snas_status status = inherit(s, g, out, err);
    return status == SNAS_OK && out->net ? score(s, out, err) : status;
}

void snas_candidate_clear(struct snas_candidate *c)
{
    if (c->net)
        snas_net_destroy(c->net);
    if (c->network)
        snas_network_destroy(c->network);
    memset(c, 0, sizeof(*c));
}

enum snas_status snas_candidate_write(struct snas_search *s, struct snas_candidate *c, int epoch,
                                      double test, const char *name, struct snas_err *err)
{
    struct snas_child child = {.network = c->network};
    struct snas_child_info *info = &child.info;
    snprintf(info->dataset, sizeof(info->dataset), "%s", s->source.ds.name);
    snprintf(info->run, sizeof(info->run), "%.*s", (int)sizeof(info->run) - 1, s->config->name);
    info->labels = s->source.ds.names;
    info->n_labels = s->source.ds.names ? s->source.ds.classes : 0;
    memcpy(info->mean, s->source.mean, sizeof(info->mean));
    memcpy(info->sd, s->source.sd, sizeof(info->sd));
    info->bn_eps = s->config->network.bn_eps;
    info->seed = (uint64_t)s->config->seed;
    info->epoch = epoch;
    info->validation_accuracy = c->after;
    info->test_accuracy = test;
    char *path = snas_run_path(&s->run, name, err);
    enum snas_status status =
        path ? snas_child_values_create(c->network, &child.values, err) : SNAS_E_NOMEM;
    if (status == SNAS_OK) {
        snas_child_values_from_net(c->network, c->net, child.values);
        status = snas_child_write(path, &child, err);
    }
    snas_child_values_destroy(c->network, child.values);
    snas_free(path);
    return status;
}

enum snas_status snas_candidate_read(struct snas_search *s, const char *name,
                                     struct snas_candidate *out, struct snas_err *err)
{
    struct snas_child child = {0};
    struct snas_genotype g;
    char *path = snas_run_path(&s->run, name, err);
    memset(out, 0, sizeof(*out));
    if (!path)
        return SNAS_E_NOMEM;
    enum snas_status status = snas_child_read(path, &child, err);
    if (status == SNAS_OK) {
        g = *child.network->genotype;
        status = describe(s, &g, out, err);
    }
    if (status == SNAS_OK &&
        (!out->net || out->network->n_params != child.network->n_params ||
         snas_network_param_count(out->network) != snas_network_param_count(child.network)))
        status = snas_fail(err, SNAS_E_STATE, "'%s' is not a child of this run", path);
    if (status == SNAS_OK)
        snas_child_values_to_net(out->network, child.values, out->net);
    snas_child_clear(&child);
    snas_free(path);
    return status;
}

int snas_candidate_better(const struct snas_candidate_score *a,
                          const struct snas_candidate_score *b)
{
    if (a->epoch <= 0 || b->epoch <= 0)
        return a->epoch > 0;
    if (a->connected != b->connected)
        return a->connected > b->connected;
    if (a->fits != b->fits)
        return a->fits > b->fits;
    return a->after > b->after || (a->after == b->after && a->epoch < b->epoch);
}

enum snas_status snas_choice_offer(struct snas_search *s, struct snas_candidate *c, int epoch,
                                   struct snas_err *err)
{
    const struct snas_budget *b = s->method->budget; /* children within it come first */
    const struct snas_candidate_score now = {.epoch = epoch,
                                             .connected = c->net != NULL,
                                             .fits = c->net && (!b || snas_budget_fits(b, c->cost)),
                                             .before = c->before,
                                             .after = c->after};
    enum snas_status status = SNAS_OK;
    int better = snas_candidate_better(&now, &s->choice.best);
    if (better && c->net)
        status = snas_candidate_write(s, c, epoch, -1, SNAS_RUN_BEST, err);
    if (status != SNAS_OK)
        return status;
    s->choice.last = now;
    if (better)
        s->choice.best = now;
    return SNAS_OK;
}

enum snas_status snas_choice_epoch(struct snas_search *s, const struct snas_genotype *g,
                                   double *accuracy, struct snas_err *err)
{
    int64_t every = s->config->choose.every, epoch = s->at.epoch + 1;
    struct snas_candidate c;
    *accuracy = NAN;
    if (every == 0 || epoch % every != 0)
        return SNAS_OK;
    enum snas_status status = snas_candidate_make(s, g, &c, err);
    if (status == SNAS_OK)
        status = snas_choice_offer(s, &c, (int)epoch, err);
    if (status == SNAS_OK && c.net)
        *accuracy = c.after;
    snas_candidate_clear(&c);
    return status;
}

void snas_choice_reason(const struct snas_search *s, int epoch, char *text, size_t size)
{
    const struct snas_candidate_score *best = &s->choice.best, *last = &s->choice.last;
    int64_t every = s->config->choose.every;
    if (best->epoch <= 0)
        snprintf(text, size, "the child of the last epoch (choose.every is 0)");
    else if (best->connected <= 0)
        snprintf(text, size, "no epoch's child was connected (of every %lld)", (long long)every);
    else if (best->epoch == last->epoch)
        snprintf(text, size,
                 "the child of the last epoch, %d: %.2f%% after re-estimation, the best of those "
                 "of every %lld%s",
                 epoch, 100 * best->after, (long long)every,
                 best->fits > 0 ? "" : "; none is within the budget");
    else if (last->connected <= 0)
        snprintf(text, size,
                 "the child of epoch %d: %.2f%% after re-estimation; the last is "
                 "disconnected",
                 epoch, 100 * best->after);
    else
        snprintf(text, size,
                 "the child of epoch %d: %.2f%% after re-estimation, the last: %.2f%%%s", epoch,
                 100 * best->after, 100 * last->after,
                 best->fits > last->fits ? ", not within the budget" : "");
}

int snas_within_epoch(const struct snas_search *s, int64_t epochs)
{
    const struct snas_budget *b = s->method->budget;
    int best = -1;
    for (int e = 0; b && e < (int)epochs; e++) {
        const struct snas_epoch_child *c = &s->history[e];
        if (c->connected > 0 && snas_budget_fits(b, c->cost) &&
            (best < 0 || c->accuracy > s->history[best].accuracy))
            best = e;
    }
    return best;
}

enum snas_status snas_within_keep(struct snas_search *s, const struct snas_genotype *g,
                                  struct snas_err *err)
{
    struct snas_candidate c;
    const int epoch = (int)s->at.epoch;
    if (snas_within_epoch(s, epoch + 1) != epoch)
        return SNAS_OK;
    enum snas_status status = inherit(s, g, &c, err);
    c.after = s->history[epoch].accuracy;
    if (status == SNAS_OK)
        status = snas_candidate_write(s, &c, epoch + 1, -1, SNAS_RUN_WITHIN, err);
    snas_candidate_clear(&c);
    return status;
}

enum snas_status snas_within_settle(struct snas_search *s, int wanted, double *after,
                                    struct snas_err *err)
{
    struct snas_candidate c;
    const int epoch = snas_within_epoch(s, s->at.epoch);
    *after = 0;
    if (!wanted || epoch < 0)
        return snas_run_remove(&s->run, SNAS_RUN_WITHIN, err);
    enum snas_status status = snas_candidate_read(s, SNAS_RUN_WITHIN, &c, err);
    if (status == SNAS_OK)
        status = score(s, &c, err);
    if (status == SNAS_OK)
        status = snas_candidate_write(s, &c, epoch + 1, -1, SNAS_RUN_WITHIN, err);
    *after = c.after;
    snas_candidate_clear(&c);
    return status;
}

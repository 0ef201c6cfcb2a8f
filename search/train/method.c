/* From the configuration to the method. */
#include "methods/darts.h"
#include "methods/dsnas.h"
#include "methods/enas.h"
#include "methods/random.h"
#include "methods/snas.h"
#include "train/config.h"

void snas_search_config_alpha(const struct snas_search_config *c, struct snas_alpha_options *out)
{
    *out = (struct snas_alpha_options){
        .adam = c->alpha.optimiser == 0,
        .learning_rate = c->alpha.learning_rate,
        .beta1 = c->alpha.beta1,
        .beta2 = c->alpha.beta2,
        .weight_decay = c->alpha.weight_decay,
        .clip = c->alpha.clip,
        .init_mean = c->alpha.init_mean,
        .init_sd = c->alpha.init_sd,
        .warmup = (int)c->alpha.warmup_epochs,
        .entropy = {c->entropy.start, c->entropy.end},
        .penalty = {.strength = c->penalty.strength,
                    .form = c->penalty.form,
                    .estimator = c->penalty.estimator,
                    .reference = c->penalty.reference,
                    .warmup = (int)c->penalty.warmup_epochs,
                    .ramp = (int)c->penalty.ramp_epochs,
                    .share = {[SNAS_COST_PARAMS] = c->penalty.params,
                              [SNAS_COST_MADDS] = c->penalty.madds,
                              [SNAS_COST_MAC] = c->penalty.mac,
                              [SNAS_COST_LATENCY] = c->penalty.latency}},
        .measured = {.strength = c->measured.strength,
                     .baseline_decay = c->measured.baseline_decay,
                     .reference_ms = c->measured.reference_ms,
                     .warmup = (int)c->penalty.warmup_epochs,
                     .ramp = (int)c->penalty.ramp_epochs},
        .budget = {.limit = {(double)c->budget.params, (double)c->budget.madds,
                             c->budget.latency_ms},
                   .rate = c->budget.rate,
                   .damping = c->budget.damping,
                   .target = c->budget.target},
    };
}

static struct snas_snas_options snas_options(const struct snas_search_config *c)
{
    struct snas_snas_options o = {.temperature_start = c->temperature.start,
                                  .temperature_end = c->temperature.end,
                                  .temperature_epochs = (int)c->temperature.epochs,
                                  .sample_per_cell = c->sample.per_cell,
                                  .live_threshold = c->sample.live_threshold};
    snas_search_config_alpha(c, &o.alpha);
    return o;
}

static struct snas_enas_options enas_options(const struct snas_search_config *c)
{
    /* Adam's constants, the start and the decay are those of the authors' code. */
    return (struct snas_enas_options){
        .controller = {.units = (int)c->enas.units,
                       .tanh_constant = c->enas.tanh_constant,
                       .op_tanh_reduce = c->enas.op_tanh_reduce,
                       .temperature = c->enas.temperature,
                       .init = 0.1,
                       .learning_rate = c->enas.learning_rate,
                       .beta1 = 0,
                       .beta2 = 0.999,
                       .eps = 1e-3,
                       .entropy_weight = c->enas.entropy_weight,
                       .baseline_decay = c->enas.baseline_decay},
        .updates = (int)c->enas.updates,
        .samples = (int)c->enas.samples,
        .marginal_samples = (int)c->enas.marginal_samples,
    };
}

enum snas_status snas_search_config_method(const struct snas_search_config *c,
                                           const struct snas_network *network,
                                           const struct snas_cost_table *costs,
                                           struct snas_method **out, struct snas_err *err)
{
    const uint64_t seed = (uint64_t)c->seed;
    *out = NULL;
    switch ((enum snas_search_method)c->search.method) {
    case SNAS_SEARCH_SNAS: {
        const struct snas_snas_options o = snas_options(c);
        return snas_method_snas(network, costs, &o, seed, out, err);
    }
    case SNAS_SEARCH_ENAS: {
        const struct snas_enas_options o = enas_options(c);
        return snas_method_enas(network, &o, seed, out, err);
    }
    case SNAS_SEARCH_DSNAS: {
        struct snas_dsnas_options o = {.sample_per_cell = c->sample.per_cell};
        snas_search_config_alpha(c, &o.alpha);
        return snas_method_dsnas(network, costs, &o, seed, out, err);
    }
    case SNAS_SEARCH_DARTS: {
        struct snas_darts_options o = {.order = c->darts.order, .epsilon = c->darts.epsilon};
        snas_search_config_alpha(c, &o.alpha);
        o.alpha.init_mean = c->darts.init_mean;
        o.alpha.init_sd = c->darts.init_sd;
        return snas_method_darts(network, costs, &o, seed, out, err);
    }
    case SNAS_SEARCH_RANDOM: {
        struct snas_alpha_options alpha;
        snas_search_config_alpha(c, &alpha);
        const struct snas_random_options o = {c->sample.per_cell, alpha.budget};
        return snas_method_random(network, costs, &o, out, err);
    }
    }
    SNAS_BUG("search.method %d", c->search.method);
}

const char *snas_search_config_variant(const struct snas_search_config *c)
{
    static const char *const orders[] = {
        [SNAS_DARTS_FIRST] = "", [SNAS_DARTS_SECOND] = "-second", [SNAS_DARTS_SINGLE] = "-single"};
    return c->search.method == SNAS_SEARCH_DARTS ? orders[c->darts.order] : "";
}

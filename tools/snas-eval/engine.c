/* Evaluations by the engine: of a child file, of a genotype with a run's shared weights. */
#include <stdio.h>
#include <string.h>

#include "snas-eval/eval.h"
#include "train/child.h"
#include "train/shared.h"

const char *request_data(const struct request *r)
{
    static struct snas_search_config defaults;
    if (r->data)
        return r->data;
    snas_config_defaults(&snas_search_schema, &defaults);
    return defaults.data.path;
}

enum snas_status request_split(const struct request *r, enum snas_split *out, struct snas_err *err)
{
    const char *name = r->split ? r->split : "test";
    int train = strcmp(name, "train") == 0;
    *out = train ? SNAS_SPLIT_TRAIN : SNAS_SPLIT_TEST;
    if (!train && strcmp(name, "test") != 0)
        return snas_fail(err, SNAS_E_ARG,
                         "--split %s: here it is test or train (validation is a run's own part: "
                         "--genotype, --random)",
                         name);
    return SNAS_OK;
}

static enum snas_status run_child(const struct snas_child *child, const struct snas_whole *whole,
                                  int threads, struct tally *out, struct snas_err *err)
{
    struct snas_net_options o;
    struct snas_net *net;
    struct snas_score score;
    const struct snas_image_set set = snas_whole_set(whole, child->info.mean, child->info.sd, 64);
    const struct snas_evaluate_options e = {.bn = SNAS_BN_RUNNING, .confusion = out->confusion};
    snas_net_options_default(&o);
    o.batch = set.batch;
    o.threads = threads;
    o.training = 0;
    o.bn_eps = child->info.bn_eps;
    enum snas_status s = snas_net_create(child->network, &o, &net, err);
    if (s != SNAS_OK)
        return s;
    snas_child_values_to_net(child->network, child->values, net);
    s = snas_evaluate(net, &set, &e, &score, err);
    snas_net_destroy(net);
    return s;
}

enum snas_status eval_child(const char *path, const struct request *r, struct tally *out,
                            struct snas_err *err)
{
    struct snas_child child = {0};
    struct snas_whole whole = {0};
    enum snas_split split;
    enum snas_status s = request_split(r, &split, err);
    if (s == SNAS_OK)
        s = snas_child_read(path, &child, err);
    if (s != SNAS_OK)
        return s;
    s = snas_whole_open(request_data(r), SNAS_DATA_AUTO, split, &whole, err);
    if (s == SNAS_OK)
        s = snas_images_fit(child.network, &whole.ds, err);
    if (s == SNAS_OK)
        s = tally_init(out, whole.ds.classes, child.info.n_labels ? child.info.labels : NULL, err);
    if (s == SNAS_OK)
        s = run_child(&child, &whole, r->threads, out, err);
    if (s == SNAS_OK) {
        snprintf(out->how, sizeof(out->how), "the engine");
        snprintf(out->what, sizeof(out->what), "the %s images of %s",
                 split == SNAS_SPLIT_TEST ? "test" : "training", whole.ds.name);
        tally_finish(out);
    }
    snas_whole_clear(&whole);
    snas_child_clear(&child);
    return s;
}

static enum snas_status score_on(struct snas_shared *shared, const struct snas_genotype *g,
                                 const struct request *r, struct tally *out, struct snas_err *err)
{
    struct snas_score score;
    enum snas_split split;
    const char *name = r->split ? r->split : "validation";
    snprintf(out->what, sizeof(out->what), "the %s images of %s", name, shared->source.ds.name);
    if (!strcmp(name, "validation")) {
        const struct snas_image_set held = snas_source_held(&shared->source, &shared->config, 0);
        return snas_shared_score(shared, g, &held, out->confusion, &score, err);
    }
    struct snas_whole whole;
    enum snas_status s = request_split(r, &split, err);
    if (s == SNAS_OK)
        s = snas_whole_open(shared->config.data.path,
                            (enum snas_data_format)shared->config.data.format, split, &whole, err);
    if (s != SNAS_OK)
        return s;
    const struct snas_image_set set = snas_whole_set(&whole, shared->source.mean, shared->source.sd,
                                                     (int)shared->config.search.batch);
    s = snas_images_fit(shared->network, &whole.ds, err);
    if (s == SNAS_OK)
        s = snas_shared_score(shared, g, &set, out->confusion, &score, err);
    snas_whole_clear(&whole);
    return s;
}

enum snas_status eval_genotype(const char *run, const char *genotype, const struct request *r,
                               struct tally *out, struct snas_err *err)
{
    struct snas_shared shared;
    struct snas_genotype g;
    int connected = 0;
    enum snas_status s = snas_shared_open(run, request_data(r), r->threads, 0, &shared, err);
    if (s == SNAS_OK)
        s = snas_genotype_read(genotype, &shared.space, &g, err);
    if (s == SNAS_OK)
        s = snas_shared_connected(&shared, &g, &connected, err);
    if (s == SNAS_OK && !connected)
        s = snas_fail(err, SNAS_E_STATE,
                      "genotype '%s' is disconnected: no path leads from the input to the logits",
                      genotype);
    if (s == SNAS_OK)
        s = tally_init(out, shared.source.ds.classes, shared.source.ds.names, err);
    if (s == SNAS_OK)
        s = score_on(&shared, &g, r, out, err);
    if (s == SNAS_OK) {
        snprintf(out->how, sizeof(out->how), "the engine with the shared weights of the run");
        tally_finish(out);
    }
    snas_shared_clear(&shared);
    return s;
}

#include "train/shared.h"

#include <string.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/safetensors.h"
#include "methods/budget.h"
#include "methods/method.h"
#include "train/run.h"
#include "train/state.h"

static enum snas_status read_config(const char *dir, struct snas_search_config *config,
                                    struct snas_err *err)
{
    char *path = snas_path_join(dir, SNAS_RUN_CONFIG, err);
    enum snas_status s = path ? SNAS_OK : SNAS_E_NOMEM;
    snas_config_defaults(&snas_search_schema, config);
    if (s == SNAS_OK && !snas_path_exists(path))
        s = snas_fail(err, SNAS_E_STATE, "'%s' is not a run directory: it has no %s", dir,
                      SNAS_RUN_CONFIG);
    if (s == SNAS_OK)
        s = snas_config_read(&snas_search_schema, path, config, err);
    snas_free(path);
    return s;
}

static enum snas_status load_weights(const char *dir, struct snas_net *net, struct snas_err *err)
{
    char *path = snas_path_join(dir, SNAS_RUN_CHECKPOINT, err);
    struct snas_st *st;
    if (!path)
        return SNAS_E_NOMEM;
    enum snas_status s = snas_st_read(path, &st, err);
    if (s == SNAS_OK) {
        s = snas_st_copy(st, "theta", SNAS_F32, snas_net_theta_size(net), snas_net_theta(net), err);
        if (s == SNAS_OK)
            s = snas_st_copy(st, "statistics", SNAS_F32, snas_net_stats_size(net),
                             snas_net_stats(net), err);
        snas_st_free(st);
    }
    snas_free(path);
    return s;
}

static enum snas_status read_costs(const char *dir, struct snas_shared *out, struct snas_err *err)
{
    char *path = snas_path_join(dir, SNAS_RUN_COSTS, err);
    if (!path)
        return SNAS_E_NOMEM;
    enum snas_status s = snas_path_exists(path)
                             ? snas_cost_table_read(path, out->network, &out->costs, err)
                             : snas_cost_table_create(out->network, &out->costs, err);
    snas_free(path);
    return s;
}

enum snas_status snas_shared_fits(const struct snas_shared *s, const struct snas_genotype *g,
                                  int *fits, struct snas_err *err)
{
    const double limit[SNAS_BUDGETS] = {(double)s->config.budget.params,
                                        (double)s->config.budget.madds,
                                        s->config.budget.latency_ms};
    double cost[SNAS_BUDGETS];
    enum snas_status status = snas_budget_cost(s->network, &s->costs, g, cost, fits, err);
    for (int i = 0; i < SNAS_BUDGETS && status == SNAS_OK; i++)
        *fits &= limit[i] <= 0 || cost[i] <= limit[i];
    return status;
}

enum snas_status snas_shared_open(const char *dir, const char *data, int threads, int training,
                                  struct snas_shared *out, struct snas_err *err)
{
    struct snas_net_options net;
    memset(out, 0, sizeof(*out));
    enum snas_status s = read_config(dir, &out->config, err);
    if (s != SNAS_OK)
        return s;
    out->config.threads = threads;
    if (data)
        snprintf(out->config.data.path, sizeof(out->config.data.path), "%s", data);
    s = snas_source_open(&out->config, &out->source, err);
    if (s == SNAS_OK)
        s = snas_supernet_describe(&out->config, &out->source.ds, &out->space, &out->network, err);
    if (s == SNAS_OK)
        s = read_costs(dir, out, err);
    snas_search_net_options(&out->config, training, &net);
    if (s == SNAS_OK)
        s = snas_net_create(out->network, &net, &out->net, err);
    if (s != SNAS_OK)
        return s;
    out->z = snas_alloc((size_t)out->network->n_z, sizeof(*out->z), err);
    return out->z ? load_weights(dir, out->net, err) : SNAS_E_NOMEM;
}

void snas_shared_clear(struct snas_shared *s)
{
    if (s->net)
        snas_net_destroy(s->net);
    if (s->network)
        snas_network_destroy(s->network);
    snas_cost_table_clear(&s->costs);
    snas_source_clear(&s->source);
    snas_free(s->z);
    memset(s, 0, sizeof(*s));
}

enum snas_status snas_shared_score(struct snas_shared *s, const struct snas_genotype *g,
                                   const struct snas_image_set *set, int64_t *confusion,
                                   struct snas_score *out, struct snas_err *err)
{
    const struct snas_image_set estimate = snas_source_estimate(&s->source, &s->config);
    const struct snas_evaluate_options o = {
        .bn = SNAS_BN_RUNNING, .z = s->z, .confusion = confusion};
    enum snas_status status = snas_z_from_genotype(s->network, g, s->z, err);
    if (status == SNAS_OK)
        status = snas_estimate(s->net, &estimate, s->z, NULL, err);
    return status == SNAS_OK ? snas_evaluate(s->net, set, &o, out, err) : status;
}

enum snas_status snas_shared_connected(const struct snas_shared *s, const struct snas_genotype *g,
                                       int *connected, struct snas_err *err)
{
    struct snas_network *child;
    struct snas_alive alive;
    enum snas_status status = snas_network_create(&s->space, &s->network->options, g, &child, err);
    if (status != SNAS_OK)
        return status;
    status = snas_network_alive(child, &alive, err);
    if (status == SNAS_OK) {
        *connected = alive.connected;
        snas_alive_clear(&alive);
    }
    snas_network_destroy(child);
    return status;
}

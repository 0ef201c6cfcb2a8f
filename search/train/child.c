#include "train/child.h"

#include <string.h>

#include "base/mem.h"

enum snas_status snas_child_values_create(const struct snas_network *network, float ***out,
                                          struct snas_err *err)
{
    float **values = snas_alloc((size_t)network->n_params, sizeof(*values), err);
    *out = NULL;
    if (!values)
        return SNAS_E_NOMEM;
    for (int p = 0; p < network->n_params; p++) {
        values[p] = snas_alloc(network->params[p].count, sizeof(float), err);
        if (!values[p]) {
            snas_child_values_destroy(network, values);
            return SNAS_E_NOMEM;
        }
    }
    *out = values;
    return SNAS_OK;
}

void snas_child_values_destroy(const struct snas_network *network, float **values)
{
    for (int p = 0; values && p < network->n_params; p++)
        snas_free(values[p]);
    snas_free(values);
}

void snas_child_values_from_net(const struct snas_network *network, struct snas_net *net,
                                float **values)
{
    for (int p = 0; p < network->n_params; p++)
        memcpy(values[p], snas_net_param(net, p), network->params[p].count * sizeof(float));
}

void snas_child_values_to_net(const struct snas_network *network, float *const *values,
                              struct snas_net *net)
{
    for (int p = 0; p < network->n_params; p++)
        memcpy(snas_net_param(net, p), values[p], network->params[p].count * sizeof(float));
}

enum snas_status snas_child_inherit(struct snas_net *supernet, struct snas_net *child,
                                    struct snas_err *err)
{
    const struct snas_network *from = snas_net_network(supernet), *to = snas_net_network(child);
    int *map = snas_alloc((size_t)to->n_params, sizeof(*map), err);
    if (!map)
        return SNAS_E_NOMEM;
    enum snas_status s = snas_network_map_params(from, to, map, err);
    for (int p = 0; p < to->n_params && s == SNAS_OK; p++)
        memcpy(snas_net_param(child, p), snas_net_param(supernet, map[p]),
               to->params[p].count * sizeof(float));
    snas_free(map);
    return s;
}

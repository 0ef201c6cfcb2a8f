#include <string.h>

#include "export/check/check.h"
#include "net/net.h"

enum snas_status snas_check_reference(const struct snas_child *child,
                                      const struct snas_check_images *images, int threads,
                                      float *logits, struct snas_err *err)
{
    const struct snas_network_options *o = &child->network->options;
    struct snas_net_options options;
    snas_net_options_default(&options);
    options.batch = images->n < 64 ? images->n : 64;
    options.threads = threads;
    options.training = 0;
    options.bn_eps = child->info.bn_eps;
    struct snas_net *net;
    enum snas_status s = snas_net_create(child->network, &options, &net, err);
    if (s)
        return s;
    for (int p = 0; p < child->network->n_params; p++)
        memcpy(snas_net_param(net, p), child->values[p],
               child->network->params[p].count * sizeof(float));
    size_t values = (size_t)o->input.c * (size_t)o->input.h * (size_t)o->input.w;
    for (int i = 0; s == SNAS_OK && i < images->n; i += options.batch) {
        int n = images->n - i < options.batch ? images->n - i : options.batch;
        struct snas_forward f = {.batch = {.images = images->nhwc + (size_t)i * values, .n = n},
                                 .bn = SNAS_BN_RUNNING};
        struct snas_loss loss;
        s = snas_net_forward(net, &f, &loss, err);
        if (s == SNAS_OK)
            memcpy(logits + (size_t)i * (size_t)o->classes, snas_net_logits(net),
                   (size_t)n * (size_t)o->classes * sizeof *logits);
    }
    snas_net_destroy(net);
    return s;
}

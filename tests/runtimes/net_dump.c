/* Runs one step of a small supernet and writes all of it - parameters, images, z, values,
 * gradients, statistics - to a safetensors file, for torch_net.py to compare with PyTorch.
 *
 * usage: net_dump OUT [key=value]...   (keys: see struct spec)
 * All given values are rounded to float, so that every precision starts from the same numbers. */
#include "../unit/space/fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/safetensors.h"
#include "net/net.h"

struct spec {
    int layers, channels, nodes, h, w, batch, classes, reduce_den, affine, seed, f64, fast;
    double smoothing;
    char ops[256];
};

enum { MOST = 16384 };
static struct {
    struct snas_st_tensor tensors[MOST];
    char names[MOST][112];
    size_t n;
} dump;

static void die(const struct snas_err *err)
{
    fprintf(stderr, "net_dump: %s\n", err->text);
    exit(1);
}

static void add(const char *prefix, const char *name, enum snas_dtype type, int64_t count,
                const void *data)
{
    if (dump.n == MOST)
        SNAS_BUG("more than %d tensors", MOST);
    snprintf(dump.names[dump.n], sizeof dump.names[0], "%s%s", prefix, name);
    dump.tensors[dump.n] = (struct snas_st_tensor){
        .name = dump.names[dump.n], .dtype = type, .ndim = 1, .shape = {count}, .data = data};
    dump.n++;
}

static void add_copy(const char *prefix, const char *name, enum snas_dtype type, int64_t count,
                     const void *data)
{
    size_t bytes = (size_t)count * snas_dtype_size(type);
    struct snas_err err = {0};
    void *copy = snas_alloc(bytes, 1, &err);
    if (!copy)
        die(&err);
    memcpy(copy, data, bytes);
    add(prefix, name, type, count, copy);
}

static int parse(struct spec *s, const char *text)
{
    const struct {
        const char *key;
        int *to;
    } keys[] = {{"layers", &s->layers},
                {"channels", &s->channels},
                {"nodes", &s->nodes},
                {"h", &s->h},
                {"w", &s->w},
                {"batch", &s->batch},
                {"classes", &s->classes},
                {"reduce_den", &s->reduce_den},
                {"affine", &s->affine},
                {"seed", &s->seed},
                {"f64", &s->f64},
                {"fast", &s->fast}};
    const char *equals = strchr(text, '=');
    if (!equals)
        return -1;
    size_t n = (size_t)(equals - text);
    if (n == 3 && !strncmp(text, "ops", n)) {
        snprintf(s->ops, sizeof s->ops, "%s", equals + 1);
        return 0;
    }
    if (n == 9 && !strncmp(text, "smoothing", n)) {
        s->smoothing = strtod(equals + 1, NULL);
        return 0;
    }
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (n == strlen(keys[i].key) && !strncmp(text, keys[i].key, n)) {
            *keys[i].to = (int)strtol(equals + 1, NULL, 10);
            return 0;
        }
    }
    return -1;
}

static struct snas_network *make_network(const struct spec *s)
{
    static struct snas_space space;
    const char *ops[SNAS_MAX_OPS];
    char copy[sizeof s->ops], *rest = NULL;
    int n = 0;
    snprintf(copy, sizeof copy, "%s", s->ops);
    for (char *op = strtok_r(copy, ",", &rest); op && n < SNAS_MAX_OPS;
         op = strtok_r(NULL, ",", &rest))
        ops[n++] = op;
    fixture_space(&space, s->nodes, n, ops);
    space.n_reduce_at = s->reduce_den > 0;
    space.reduce_den[0] = s->reduce_den;
    struct snas_network_options o = {.channels = s->channels,
                                     .layers = s->layers,
                                     .input = {3, s->h, s->w},
                                     .classes = s->classes,
                                     .affine = s->affine,
                                     .pool_bn = 1};
    struct snas_network *network;
    struct snas_err err = {0};
    if (snas_network_create(&space, &o, NULL, &network, &err) != SNAS_OK)
        die(&err);
    return network;
}

static void put(const struct spec *s, void *p, size_t i, double v)
{
    if (s->f64)
        ((double *)p)[i] = (float)v;
    else
        ((float *)p)[i] = (float)v;
}

static double get(const struct spec *s, const void *p, size_t i)
{
    return s->f64 ? ((const double *)p)[i] : (double)((const float *)p)[i];
}

/* Initial values, with gamma, beta and bias off their defaults. */
static void fill(const struct spec *s, struct snas_net *net)
{
    const struct snas_network *network = snas_net_network(net);
    struct snas_rng rng = snas_rng_make((uint64_t)s->seed, SNAS_STREAM_TEST, 1);
    snas_net_init(net, (uint64_t)s->seed);
    void *theta = snas_net_theta(net);
    for (int i = 0; i < network->n_params; i++) {
        const struct snas_param *p = &network->params[i];
        size_t at = snas_net_param_offset(net, i);
        for (size_t k = at; k < at + p->count && p->kind < SNAS_PARAM_MEAN; k++)
            put(s, theta, k,
                p->kind == SNAS_PARAM_WEIGHT  ? get(s, theta, k)
                : p->kind == SNAS_PARAM_GAMMA ? 0.5 + snas_rng_uniform(&rng)
                                              : 0.3 * snas_rng_normal(&rng));
    }
}

static void add_params(const struct snas_net *net, enum snas_dtype type, const char *prefix,
                       const void *theta, const void *stats)
{
    const struct snas_network *network = snas_net_network(net);
    size_t size = snas_dtype_size(type);
    for (int i = 0; i < network->n_params; i++) {
        const struct snas_param *p = &network->params[i];
        const unsigned char *from = p->kind < SNAS_PARAM_MEAN ? theta : stats;
        if (from)
            add_copy(prefix, p->name, type, (int64_t)p->count,
                     from + snas_net_param_offset(net, i) * size);
    }
}

static void add_values(const struct snas_net *net, const struct spec *s, enum snas_dtype type)
{
    const struct snas_network *network = snas_net_network(net);
    for (int t = 0; t < network->n_tensors; t++) {
        const struct snas_shape *shape = &network->tensors[t].shape;
        const void *v = snas_net_tensor(net, t);
        if (v && t != network->input)
            add_copy("value/", network->tensors[t].name, type,
                     (int64_t)s->batch * shape->c * shape->h * shape->w, v);
    }
}

int main(int argc, char **argv)
{
    struct spec s = {
        .layers = 1, .channels = 4, .nodes = 2, .h = 8, .w = 8, .batch = 4, .classes = 5};
    struct snas_err err = {0};
    for (int i = 2; i < argc; i++)
        if (parse(&s, argv[i]) != 0) {
            fprintf(stderr, "net_dump: what is '%s'?\n", argv[i]);
            return 2;
        }
    struct snas_network *network = argc > 1 ? make_network(&s) : NULL;
    if (!network)
        return 2;
    struct snas_net_options o;
    struct snas_net *net;
    snas_net_options_default(&o);
    o.batch = s.batch;
    o.precision = s.f64 ? SNAS_PRECISION_F64 : SNAS_PRECISION_F32;
    o.engine = s.fast ? SNAS_ENGINE_AUTO : SNAS_ENGINE_REF;
    o.label_smoothing = s.smoothing;
    if (snas_net_create(network, &o, &net, &err) != SNAS_OK)
        die(&err);
    fill(&s, net);

    enum snas_dtype type = s.f64 ? SNAS_F64 : SNAS_F32;
    size_t n_images = (size_t)s.batch * 3 * (size_t)s.h * (size_t)s.w, n_z = (size_t)network->n_z;
    void *images = snas_alloc(n_images, sizeof(double), &err);
    void *dimages = snas_alloc(n_images, sizeof(double), &err);
    double *z = snas_alloc(n_z, sizeof *z, &err), *dz = snas_alloc(n_z, sizeof *dz, &err);
    int *labels = snas_alloc((size_t)s.batch, sizeof *labels, &err);
    double *class = snas_alloc((size_t)s.batch, sizeof *class, &err);
    if (!images || !dimages || !z || !dz || !labels || !class)
        die(&err);
    struct snas_rng rng = snas_rng_make((uint64_t)s.seed, SNAS_STREAM_TEST, 2);
    for (size_t i = 0; i < n_images; i++)
        put(&s, images, i, snas_rng_normal(&rng));
    for (size_t i = 0; i < n_z; i++)
        z[i] = (float)snas_rng_uniform(&rng);
    for (int i = 0; i < s.batch; i++)
        class[i] = labels[i] = (int)snas_rng_below(&rng, (uint32_t)s.classes);

    add_params(net, type, "param/", snas_net_theta(net), snas_net_stats(net));
    struct snas_forward f = {
        .batch = {images, labels, s.batch}, .z = z, .bn = SNAS_BN_BATCH_UPDATE};
    struct snas_backward b = {.dz = dz, .dimages = dimages};
    struct snas_loss loss;
    if (snas_net_forward(net, &f, &loss, &err) != SNAS_OK ||
        snas_net_backward(net, &b, &err) != SNAS_OK)
        die(&err);
    add_params(net, type, "grad/", snas_net_grad(net), NULL);
    add_params(net, type, "after/", NULL, snas_net_stats(net));
    add_values(net, &s, type);
    add("", "loss", SNAS_F64, 1, &loss.loss);
    f.bn = SNAS_BN_RUNNING;
    struct snas_loss evaluated;
    if (snas_net_forward(net, &f, &evaluated, &err) != SNAS_OK)
        die(&err);
    add("", "eval_logits", type, (int64_t)s.batch * s.classes, snas_net_logits(net));
    add("", "images", type, (int64_t)n_images, images);
    add("", "dimages", type, (int64_t)n_images, dimages);
    add("", "z", SNAS_F64, (int64_t)n_z, z);
    add("", "dz", SNAS_F64, (int64_t)n_z, dz);
    add("", "labels", SNAS_F64, s.batch, class);
    if (snas_st_write(argv[1], dump.tensors, dump.n, NULL, 0, &err) != SNAS_OK)
        die(&err);
    return 0;
}

#include "train/bias.h"

#include <math.h>
#include <string.h>

#include "methods/concrete.h"
#include "train/state.h"

static void mixture(const struct snas_method *m, double *z)
{
    for (int e = 0; e < m->network->n_edges; e++) {
        const struct snas_alpha_row *row = &m->rows[m->edge_row[e]];
        snas_softmax(m->alpha + row->first, row->n_ops, z + m->network->edges[e].z);
    }
}

static void one_hot(const struct snas_method *m, const struct snas_bias_options *o, int sample,
                    double *z)
{
    for (int e = 0; e < m->network->n_edges; e++) {
        int r = m->edge_row[e];
        const struct snas_alpha_row *row = &m->rows[r];
        uint64_t draws = (uint64_t)(o->per_cell ? m->network->n_edges : m->n_rows);
        uint64_t number = ((uint64_t)o->epoch << 20) + (uint64_t)sample;
        struct snas_rng rng = snas_rng_make(o->seed, SNAS_STREAM_BIAS,
                                            number * draws + (uint64_t)(o->per_cell ? e : r));
        double p[SNAS_MAX_OPS], left = snas_rng_uniform(&rng);
        int k = 0;
        snas_softmax(m->alpha + row->first, row->n_ops, p);
        for (; k < row->n_ops - 1 && left >= p[k]; k++)
            left -= p[k];
        for (int i = 0; i < row->n_ops; i++)
            z[m->network->edges[e].z + i] = i == k;
    }
}

enum snas_status snas_bias_measure(struct snas_net *net, const struct snas_method *m,
                                   const struct snas_image_set *set,
                                   const struct snas_bias_options *options, double *z,
                                   struct snas_bias *out, struct snas_err *err)
{
    const struct snas_evaluate_options o = {.bn = SNAS_BN_BATCH, .z = z, .stop = options->stop};
    struct snas_score score;
    double squares = 0;
    memset(out, 0, sizeof(*out));
    mixture(m, z);
    enum snas_status status = snas_evaluate(net, set, &o, &out->mixture, err);
    out->images = out->mixture.n;
    for (int i = 0; i < options->samples && status == SNAS_OK; i++) {
        one_hot(m, options, i, z);
        status = snas_evaluate(net, set, &o, &score, err);
        double step = score.loss - out->hard_loss;
        out->hard_loss += step / (i + 1);
        squares += step * (score.loss - out->hard_loss);
        out->hard_accuracy += score.accuracy / options->samples;
    }
    if (options->samples > 1)
        out->hard_sd = sqrt(squares / (options->samples - 1));
    out->hard_se = out->hard_sd / sqrt(options->samples);
    return status;
}

int64_t snas_search_bias_rows(const struct snas_search *s)
{
    int64_t every = s->config->evaluation.bias_every, done = s->at.epoch;
    int last = done == s->config->search.epochs && done % every != 0;
    return s->config->evaluation.bias_samples ? done / every + last : 0;
}

enum snas_status snas_search_bias(struct snas_search *s, struct snas_err *err)
{
    const struct snas_search_config *c = s->config;
    int64_t epoch = s->at.epoch + 1, batch = c->search.batch, images = c->evaluation.bias_images;
    if (!c->evaluation.bias_samples ||
        (epoch % c->evaluation.bias_every != 0 && epoch != c->search.epochs))
        return SNAS_OK;
    struct snas_image_set set = snas_source_held(&s->source, c, images);
    if (set.n > batch)
        set.n -= set.n % (int)batch; /* a short batch would have other statistics */
    const struct snas_bias_options o = {.samples = (int)c->evaluation.bias_samples,
                                        .per_cell = c->sample.per_cell,
                                        .seed = (uint64_t)c->seed,
                                        .epoch = (int)s->at.epoch,
                                        .stop = s->options->stop};
    struct snas_bias b;
    struct snas_text *t = &s->run.bias;
    enum snas_status status = snas_bias_measure(s->net, s->method, &set, &o, s->z, &b, err);
    if (status != SNAS_OK)
        return status;
    if (!t->n)
        snas_text_add(t, SNAS_BIAS_HEADER);
    snas_text_add(t, "%lld,%d,%lld,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g\n", (long long)epoch,
                  o.samples, (long long)b.images, b.mixture.loss, b.mixture.accuracy, b.hard_loss,
                  b.hard_se, b.hard_sd, b.hard_accuracy, b.mixture.loss - b.hard_loss);
    status = snas_text_check(t, err);
    if (status == SNAS_OK)
        status = snas_run_write(&s->run, SNAS_RUN_BIAS, t->data, t->n, err);
    if (status == SNAS_OK)
        snas_run_say(&s->run,
                     "bias: the mixture's loss %.4f, %d one-hot networks %.4f +- %.4f (sd %.4f)",
                     b.mixture.loss, o.samples, b.hard_loss, b.hard_se, b.hard_sd);
    return status;
}

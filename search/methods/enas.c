#include "methods/enas.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"

struct snas_enas {
    struct snas_method base;
    struct snas_enas_options options;
    struct snas_controller *controller;
    double *z; /* [n_z] of the current child */
};

static void add_choice(struct snas_genotype_cell *cell, int node, struct snas_choice choice)
{
    struct snas_choice *list = cell->choices[node];
    int at = 0, n = cell->n_choices[node];
    while (at < n && (list[at].from < choice.from ||
                      (list[at].from == choice.from && list[at].op < choice.op)))
        at++;
    if (at < n && list[at].from == choice.from && list[at].op == choice.op)
        return;
    memmove(list + at + 1, list + at, (size_t)(n - at) * sizeof(*list));
    list[at] = choice;
    cell->n_choices[node]++;
}

void snas_picks_genotype(const struct snas_space *space, const struct snas_picks *picks,
                         struct snas_genotype *out)
{
    memset(out, 0, sizeof(*out));
    for (int k = 0; k < space->n_kinds; k++) {
        const struct snas_cell_kind *kind = &space->kinds[k];
        out->cells[k].n_nodes = kind->nodes;
        for (int node = 0; node < kind->nodes; node++) {
            const struct snas_node_picks *p = &picks->node[k][node];
            for (int i = 0; i < SNAS_PICKS; i++)
                add_choice(&out->cells[k], node,
                           (struct snas_choice){.op = kind->op[p->op[i]], .from = p->slot[i]});
        }
        snas_genotype_apply_rule(kind, &out->cells[k]);
    }
}

static void sample_genotype(const struct snas_method *m, uint64_t seed, enum snas_stream stream,
                            uint64_t step, struct snas_genotype *out)
{
    const struct snas_enas *s = (const struct snas_enas *)m;
    struct snas_picks picks;
    snas_controller_sample(s->controller, seed, stream, step, &picks, NULL);
    snas_picks_genotype(m->network->space, &picks, out);
}

static void picks_to_z(const struct snas_method *m, const struct snas_picks *picks, double *z)
{
    struct snas_genotype g;
    struct snas_err err = {0};
    snas_picks_genotype(m->network->space, picks, &g);
    if (snas_z_from_genotype(m->network, &g, z, &err) != SNAS_OK)
        SNAS_BUG("a child that is not of its space: %s", err.text);
}

/* Every sample is one-hot: the controller knows no others. */
static void sample(const struct snas_method *m, uint64_t seed, enum snas_stream stream,
                   uint64_t step, int hard, double *z)
{
    const struct snas_enas *s = (const struct snas_enas *)m;
    struct snas_picks picks;
    (void)hard;
    snas_controller_sample(s->controller, seed, stream, step, &picks, NULL);
    picks_to_z(m, &picks, z);
}

static enum snas_status step(struct snas_method *m, const struct snas_method_context *ctx,
                             struct snas_step_result *out, struct snas_err *err)
{
    struct snas_enas *s = (struct snas_enas *)m;
    struct snas_forward forward = {
        .z = s->z, .bn = SNAS_BN_BATCH_UPDATE, .seed = ctx->seed, .step = (uint64_t)ctx->step};
    const struct snas_backward backward = {0};
    struct snas_loss loss;
    enum snas_status status = ctx->next_batch(ctx->owner, 0, &forward.batch, err);
    if (status != SNAS_OK)
        return status;
    sample(m, ctx->seed, SNAS_STREAM_GUMBEL, (uint64_t)ctx->step, 1, s->z);
    status = snas_net_forward(ctx->net, &forward, &loss, err);
    if (status == SNAS_OK)
        status = snas_net_backward(ctx->net, &backward, err);
    if (status != SNAS_OK)
        return status;
    *out = (struct snas_step_result){.loss = loss.loss,
                                     .correct = loss.correct,
                                     .n = forward.batch.n,
                                     .live_ops = snas_method_live_share(m, s->z)};
    return ctx->theta_step(ctx->owner, err);
}

/* The controller's streams: rewards are numbered through the run, the samples of the marginals are
 * the same after every epoch, so that what moves is the distribution. */
#define MARGINAL_SAMPLE ((uint64_t)1 << 40)

static enum snas_status reward(struct snas_enas *s, const struct snas_method_context *ctx,
                               uint64_t number, struct snas_err *err)
{
    struct snas_picks picks;
    struct snas_forward forward = {.z = s->z, .bn = SNAS_BN_BATCH};
    struct snas_loss loss;
    enum snas_status status = ctx->next_batch(ctx->owner, 1, &forward.batch, err);
    if (status != SNAS_OK)
        return status;
    snas_controller_sample(s->controller, ctx->seed, SNAS_STREAM_CONTROLLER, number, &picks, NULL);
    picks_to_z(&s->base, &picks, s->z);
    status = snas_net_forward(ctx->net, &forward, &loss, err);
    if (status == SNAS_OK)
        snas_controller_reinforce(s->controller, &picks, (double)loss.correct / forward.batch.n);
    return status;
}

/* Counts a sample's ops into count [n_alpha]. */
static void count_ops(const struct snas_method *m, const struct snas_picks *picks, double *count)
{
    const struct snas_space *space = m->network->space;
    for (int r = 0; r < m->n_rows; r++) {
        const struct snas_alpha_row *row = &m->rows[r];
        const struct snas_cell_kind *kind = &space->kinds[row->kind];
        const struct snas_node_picks *p = &picks->node[row->kind][row->node];
        int here = (p->slot[0] == row->slot) + (p->slot[1] == row->slot);
        for (int i = 0; i < SNAS_PICKS; i++)
            if (p->slot[i] == row->slot)
                count[row->first + p->op[i]] += 1.0 / here;
        for (int k = 0; k < row->n_ops && !here; k++)
            if (space->ops[kind->op[k]].zero) {
                count[row->first + k]++;
                break;
            }
    }
}

static void estimate_marginals(struct snas_enas *s, uint64_t seed)
{
    struct snas_method *m = &s->base;
    for (int r = 0; r < m->n_rows; r++)
        for (int k = 0; k < m->rows[r].n_ops; k++)
            m->alpha[m->rows[r].first + k] = 1.0 / m->rows[r].n_ops;
    for (int i = 0; i < s->options.marginal_samples; i++) {
        struct snas_picks picks;
        snas_controller_sample(s->controller, seed, SNAS_STREAM_CONTROLLER,
                               MARGINAL_SAMPLE + (uint64_t)i, &picks, NULL);
        count_ops(m, &picks, m->alpha);
    }
    for (int r = 0; r < m->n_rows; r++) {
        double *alpha = m->alpha + m->rows[r].first, sum = 0;
        for (int k = 0; k < m->rows[r].n_ops; k++)
            sum += alpha[k];
        for (int k = 0; k < m->rows[r].n_ops; k++)
            alpha[k] = log(alpha[k] / sum);
    }
}

static enum snas_status end_epoch(struct snas_method *m, const struct snas_method_context *ctx,
                                  struct snas_err *err)
{
    struct snas_enas *s = (struct snas_enas *)m;
    enum snas_status status = SNAS_OK;
    uint64_t number = (uint64_t)ctx->epoch * (uint64_t)s->options.updates;
    for (int u = 0; u < s->options.updates && status == SNAS_OK; u++, number++) {
        for (int i = 0; i < s->options.samples && status == SNAS_OK; i++)
            status = reward(s, ctx, number * (uint64_t)s->options.samples + (uint64_t)i, err);
        if (status == SNAS_OK)
            status = snas_controller_update(s->controller, err);
    }
    if (status == SNAS_OK)
        estimate_marginals(s, ctx->seed);
    return status;
}

static int state(struct snas_method *m, struct snas_st_tensor *out, int max)
{
    if (max < SNAS_CONTROLLER_TENSORS)
        SNAS_BUG("state of %d tensors, room for %d", SNAS_CONTROLLER_TENSORS, max);
    return snas_controller_state(((struct snas_enas *)m)->controller, out);
}

static void destroy(struct snas_method *m)
{
    struct snas_enas *s = (struct snas_enas *)m;
    snas_controller_destroy(s->controller);
    snas_free(s->z);
    snas_method_clear(m);
}

static const struct snas_method_ops enas_ops = {.name = "enas",
                                                .size = sizeof(struct snas_enas),
                                                .rule = SNAS_DERIVE_BEST,
                                                .keeps_alpha = 1,
                                                .step = step,
                                                .end_epoch = end_epoch,
                                                .sample = sample,
                                                .sample_genotype = sample_genotype,
                                                .state = state,
                                                .destroy = destroy};

enum snas_status snas_method_enas(const struct snas_network *network,
                                  const struct snas_enas_options *options, uint64_t seed,
                                  struct snas_method **out, struct snas_err *err)
{
    struct snas_enas *s = (struct snas_enas *)snas_method_make(&enas_ops, network, err);
    *out = NULL;
    if (!s)
        return SNAS_E_NOMEM;
    s->options = *options;
    double **const of_z[] = {&s->z};
    enum snas_status status = snas_method_vectors(of_z, 1, network->n_z, err);
    if (status == SNAS_OK)
        status =
            snas_controller_create(network->space, &options->controller, seed, &s->controller, err);
    if (status == SNAS_OK)
        estimate_marginals(s, seed);
    return snas_method_hand(&s->base, status, out);
}

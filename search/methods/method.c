#include "methods/method.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "methods/concrete.h"
#include "methods/penalty.h"

/* What a row's edges look like does not depend on the network, only on the space. */
static void fill_rows(struct snas_method *m, const struct snas_space *space, int *kind_row)
{
    int row = 0, first = 0;
    for (int kind = 0; kind < space->n_kinds; kind++) {
        const struct snas_cell_kind *k = &space->kinds[kind];
        kind_row[kind] = row;
        int edge = 0;
        for (int node = 0; node < k->nodes; node++) {
            for (int slot = 0; slot < k->inputs + node; slot++) {
                m->rows[row++] = (struct snas_alpha_row){first, k->n_ops, kind, edge++, slot, node};
                first += k->n_ops;
            }
        }
    }
}

struct snas_method *snas_method_make(const struct snas_method_ops *ops,
                                     const struct snas_network *network, struct snas_err *err)
{
    const struct snas_space *space = network->space;
    int kind_row[SNAS_MAX_KINDS];
    struct snas_method *m = snas_alloc(1, ops->size, err);
    if (!m)
        return NULL;
    m->ops = ops;
    m->network = network;
    for (int kind = 0; kind < space->n_kinds; kind++) {
        int edges = snas_kind_edges(&space->kinds[kind]);
        m->n_rows += edges;
        m->n_alpha += edges * space->kinds[kind].n_ops;
    }
    m->alpha = snas_alloc((size_t)m->n_alpha, sizeof(*m->alpha), err);
    m->rows = snas_alloc((size_t)m->n_rows, sizeof(*m->rows), err);
    m->credit = snas_alloc((size_t)m->n_alpha, sizeof(*m->credit), err);
    m->edge_row = snas_alloc((size_t)network->n_edges, sizeof(*m->edge_row), err);
    if (!m->alpha || !m->rows || !m->credit || !m->edge_row) {
        snas_method_clear(m);
        return NULL;
    }
    fill_rows(m, space, kind_row);
    for (int c = 0; c < network->n_cells; c++) {
        const struct snas_cell *cell = &network->cells[c];
        for (int e = cell->first_edge; e < cell->first_edge + cell->n_edges; e++)
            m->edge_row[e] = kind_row[cell->kind] + network->edges[e].kind_edge;
    }
    return m;
}

enum snas_status snas_method_vectors(double **const *vectors, size_t n, int values,
                                     struct snas_err *err)
{
    for (size_t i = 0; i < n; i++) {
        *vectors[i] = snas_alloc((size_t)values, sizeof(double), err);
        if (!*vectors[i])
            return SNAS_E_NOMEM;
    }
    return SNAS_OK;
}

enum snas_status snas_method_hand(struct snas_method *m, enum snas_status status,
                                  struct snas_method **out)
{
    *out = status == SNAS_OK ? m : NULL;
    if (status != SNAS_OK)
        m->ops->destroy(m);
    return status;
}

void snas_method_clear(struct snas_method *m)
{
    snas_free(m->alpha);
    snas_free(m->rows);
    snas_free(m->credit);
    snas_free(m->edge_row);
    snas_free(m);
}

void snas_method_draw(const struct snas_method *m, const struct snas_draw *d, double *z,
                      double *noise)
{
    const struct snas_network *net = m->network;
    uint64_t draws = (uint64_t)(d->per_cell ? net->n_edges : m->n_rows);
    for (int e = 0; e < net->n_edges; e++) {
        const struct snas_alpha_row *row = &m->rows[m->edge_row[e]];
        const double *alpha = m->alpha + row->first;
        double gumbel[SNAS_MAX_OPS], *ze = z + net->edges[e].z;
        uint64_t index = (uint64_t)(d->per_cell ? e : m->edge_row[e]);
        struct snas_rng rng = snas_rng_make(d->seed, d->stream, d->step * draws + index);
        int best = 0;
        for (int k = 0; k < row->n_ops; k++) {
            gumbel[k] = snas_rng_gumbel(&rng);
            if (alpha[k] + gumbel[k] > alpha[best] + gumbel[best])
                best = k;
        }
        if (d->temperature > 0) {
            snas_concrete_sample(alpha, gumbel, row->n_ops, d->temperature, ze);
        } else {
            for (int k = 0; k < row->n_ops; k++)
                ze[k] = k == best;
        }
        if (noise)
            memcpy(noise + net->edges[e].z, gumbel, (size_t)row->n_ops * sizeof(*gumbel));
    }
}

double snas_method_live_share(const struct snas_method *m, const double *z)
{
    const struct snas_network *net = m->network;
    int live = 0, all = 0;
    for (int e = 0; e < net->n_edges; e++)
        for (int k = 0; k < net->edges[e].n_ops; k++) {
            int computes = !net->blocks[net->edges[e].first_block + k].zero;
            all += computes;
            live += computes && z[net->edges[e].z + k] != 0;
        }
    return all ? (double)live / all : 0;
}

enum snas_status snas_method_train_on(const struct snas_method_context *ctx,
                                      const struct snas_batch *batch, const double *z, double *dz,
                                      struct snas_step_result *out, struct snas_err *err)
{
    const struct snas_forward forward = {.batch = *batch,
                                         .z = z,
                                         .bn = SNAS_BN_BATCH_UPDATE,
                                         .seed = ctx->seed,
                                         .step = (uint64_t)ctx->step};
    const struct snas_backward backward = {.dz = dz};
    struct snas_loss loss;
    enum snas_status status = snas_net_forward(ctx->net, &forward, &loss, err);
    if (status == SNAS_OK)
        status = snas_net_backward(ctx->net, &backward, err);
    if (status == SNAS_OK)
        *out = (struct snas_step_result){.loss = loss.loss, .correct = loss.correct, .n = batch->n};
    return status;
}

enum snas_status snas_method_train(const struct snas_method_context *ctx, const double *z,
                                   double *dz, struct snas_step_result *out, struct snas_err *err)
{
    struct snas_batch batch;
    enum snas_status status = ctx->next_batch(ctx->owner, 0, &batch, err);
    return status == SNAS_OK ? snas_method_train_on(ctx, &batch, z, dz, out, err) : status;
}

void snas_method_add_credit(struct snas_method *m, const double *z, const double *dz)
{
    for (int e = 0; e < m->network->n_edges; e++) {
        const struct snas_alpha_row *row = &m->rows[m->edge_row[e]];
        int first = m->network->edges[e].z;
        for (int k = 0; k < row->n_ops; k++) {
            m->credit[row->first + k].task += z[first + k] * dz[first + k];
            m->credit[row->first + k].slope += dz[first + k];
        }
    }
}

void snas_method_destroy(struct snas_method *m)
{
    if (m)
        m->ops->destroy(m);
}

int snas_method_state(struct snas_method *m, struct snas_st_tensor *out)
{
    out[0] = (struct snas_st_tensor){"method.alpha", SNAS_F64, 1, {m->n_alpha}, m->alpha};
    out[1] = (struct snas_st_tensor){"method.credit",
                                     SNAS_F64,
                                     1,
                                     {m->n_alpha * (int64_t)(sizeof(*m->credit) / sizeof(double))},
                                     m->credit};
    return 2 + m->ops->state(m, out + 2, SNAS_METHOD_TENSORS - 2);
}

enum snas_status snas_method_load(struct snas_method *m, const struct snas_st *st,
                                  struct snas_err *err)
{
    struct snas_st_tensor tensors[SNAS_METHOD_TENSORS];
    int n = snas_method_state(m, tensors);
    for (int i = 0; i < n; i++) {
        size_t count = 1;
        for (int d = 0; d < tensors[i].ndim; d++)
            count *= (size_t)tensors[i].shape[d];
        enum snas_status s = snas_st_copy(st, tensors[i].name, tensors[i].dtype, count,
                                          (void *)tensors[i].data, err);
        if (s != SNAS_OK)
            return s;
    }
    return SNAS_OK;
}

void snas_method_probabilities(const struct snas_method *m, double *p)
{
    for (int r = 0; r < m->n_rows; r++)
        snas_softmax(m->alpha + m->rows[r].first, m->rows[r].n_ops, p + m->rows[r].first);
}

static int argmax(const double *x, int n)
{
    int best = 0;
    for (int k = 1; k < n; k++)
        if (x[k] > x[best])
            best = k;
    return best;
}

void snas_method_summary(const struct snas_method *m, int kind, struct snas_alpha_summary *out)
{
    memset(out, 0, sizeof(*out));
    int edges = 0;
    for (int r = 0; r < m->n_rows; r++) {
        const struct snas_alpha_row *row = &m->rows[r];
        if (row->kind != kind)
            continue;
        double p[SNAS_MAX_OPS], second = 0;
        snas_softmax(m->alpha + row->first, row->n_ops, p);
        int best = argmax(p, row->n_ops);
        for (int k = 0; k < row->n_ops; k++) {
            if (p[k] > 0)
                out->entropy -= p[k] * log(p[k]);
            if (k != best && p[k] > second)
                second = p[k];
        }
        out->margin += p[best] - second;
        edges++;
    }
    if (edges) {
        out->entropy /= edges;
        out->margin /= edges;
    }
}

int snas_method_kind_used(const struct snas_network *network, int kind)
{
    for (int c = 0; c < network->n_cells; c++)
        if (network->cells[c].kind == kind)
            return 1;
    return 0;
}

void snas_method_overall(const struct snas_method *m, double *entropy, double *margin,
                         double *undecided)
{
    const struct snas_space *space = m->network->space;
    int edges = 0;
    *entropy = *margin = *undecided = 0;
    for (int kind = 0; kind < space->n_kinds; kind++) {
        struct snas_alpha_summary summary;
        int n = snas_kind_edges(&space->kinds[kind]), ops = space->kinds[kind].n_ops;
        if (!snas_method_kind_used(m->network, kind))
            continue;
        snas_method_summary(m, kind, &summary);
        *entropy += n * summary.entropy;
        *margin += n * summary.margin;
        *undecided += ops > 1 ? n * summary.entropy / log(ops) : 0;
        edges += n;
    }
    if (edges) {
        *entropy /= edges;
        *margin /= edges;
        *undecided /= edges;
    }
}

double snas_method_spread(const struct snas_method *m)
{
    double squares = 0;
    int freedom = 0;
    for (int r = 0; r < m->n_rows; r++) {
        const struct snas_alpha_row *row = &m->rows[r];
        if (!snas_method_kind_used(m->network, row->kind))
            continue;
        double mean = 0;
        for (int k = 0; k < row->n_ops; k++)
            mean += m->alpha[row->first + k] / row->n_ops;
        for (int k = 0; k < row->n_ops; k++) {
            double d = m->alpha[row->first + k] - mean;
            squares += d * d;
        }
        freedom += row->n_ops - 1;
    }
    return freedom ? sqrt(squares / freedom) : 0;
}

void snas_method_expected_cost(const struct snas_method *m, const struct snas_cost_table *costs,
                               double *expected)
{
    for (int c = 0; c < SNAS_COST_COLUMNS; c++)
        expected[c] = 0;
    for (int e = 0; e < m->network->n_edges; e++) {
        const struct snas_edge *edge = &m->network->edges[e];
        double p[SNAS_MAX_OPS];
        snas_softmax(m->alpha + m->rows[m->edge_row[e]].first, edge->n_ops, p);
        for (int c = 0; c < SNAS_COST_COLUMNS; c++)
            for (int k = 0; costs->column[c] && k < edge->n_ops; k++)
                expected[c] += p[k] * costs->column[c][edge->z + k];
    }
}

double snas_method_penalty_cost(const struct snas_method *m, const struct snas_penalty *penalty,
                                double *row)
{
    double sum = 0;
    memset(row, 0, (size_t)m->n_rows * sizeof(*row));
    for (int e = 0; e < m->network->n_edges; e++) {
        double p[SNAS_MAX_OPS];
        int r = m->edge_row[e];
        snas_softmax(m->alpha + m->rows[r].first, m->rows[r].n_ops, p);
        double cost = snas_penalty_edge(penalty, e, p, NULL);
        row[r] += cost;
        sum += cost;
    }
    return sum;
}

/* What needs the network: every architecture's loss, and SNAS's backward passes. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "credit/rank.h"
#include "methods/concrete.h"
#include "snas-credit/experiment.h"

const char *const score_names[SCORES] = {"slope", "credit", "d_alpha"};

/* Decisions are the edges of the kinds that the network has cells of: cells of a kind share them.
 */
static enum snas_status find_decisions(struct experiment *x, struct snas_err *err)
{
    const struct snas_network *net = x->shared.network;
    int ops[SNAS_RETURNS_MAX_EDGES] = {0}, first[SNAS_MAX_KINDS], n = 0;
    for (int k = 0; k < SNAS_MAX_KINDS; k++)
        first[k] = -1;
    x->decision = snas_alloc((size_t)net->n_edges, sizeof(*x->decision), err);
    if (!x->decision)
        return SNAS_E_NOMEM;
    for (int c = 0; c < net->n_cells; c++) {
        const struct snas_cell *cell = &net->cells[c];
        const struct snas_cell_kind *kind = &net->space->kinds[cell->kind];
        if (first[cell->kind] < 0) {
            first[cell->kind] = n;
            for (int e = 0; e < snas_kind_edges(kind); e++, n++) {
                if (n >= SNAS_RETURNS_MAX_EDGES)
                    return snas_fail(err, SNAS_E_LIMIT, "space %s has more than %d edges",
                                     net->space->name, SNAS_RETURNS_MAX_EDGES);
                ops[n] = kind->n_ops;
                x->kind_of[n] = cell->kind;
                x->edge_of[n] = e;
            }
        }
        for (int e = cell->first_edge; e < cell->first_edge + cell->n_edges; e++)
            x->decision[e] = first[cell->kind] + net->edges[e].kind_edge;
    }
    enum snas_status s = snas_returns_init(&x->returns, n, ops, x->limit, err);
    if (s == SNAS_E_LIMIT)
        snas_fail_context(err, "space %s", net->space->name);
    return s;
}

/* The held-out images, once: whole batches, never augmented. */
static enum snas_status keep_held(struct experiment *x, struct snas_err *err)
{
    struct snas_loader *loader;
    struct snas_loaded loaded;
    const struct snas_image_set set =
        snas_source_held(&x->shared.source, &x->shared.config, x->images);
    size_t each = (size_t)(set.ds->height * set.ds->width * set.ds->channels);
    x->held = snas_alloc((size_t)set.n * each, sizeof(*x->held), err);
    x->labels = x->held ? snas_alloc((size_t)set.n, sizeof(*x->labels), err) : NULL;
    if (!x->labels)
        return SNAS_E_NOMEM;
    struct snas_loader_options o = {.batch = set.batch};
    memcpy(o.mean, set.mean, (size_t)set.ds->channels * sizeof(*o.mean));
    memcpy(o.sd, set.sd, (size_t)set.ds->channels * sizeof(*o.sd));
    enum snas_status s = snas_loader_create(set.ds, set.indices, set.n, &o, &loader, err);
    if (s != SNAS_OK)
        return s;
    for (snas_loader_next(loader, &loaded); loaded.n; snas_loader_next(loader, &loaded)) {
        memcpy(x->held + (size_t)x->n_held * each, loaded.images,
               (size_t)loaded.n * each * sizeof(*x->held));
        memcpy(x->labels + x->n_held, loaded.labels, (size_t)loaded.n * sizeof(*x->labels));
        x->n_held += loaded.n;
    }
    snas_loader_destroy(loader);
    return SNAS_OK;
}

enum snas_status experiment_open(struct experiment *x, struct snas_err *err)
{
    enum snas_status s = snas_shared_open(x->run, x->data, x->threads, 1, &x->shared, err);
    if (s == SNAS_OK)
        s = find_decisions(x, err);
    if (s == SNAS_OK)
        s = keep_held(x, err);
    if (s != SNAS_OK)
        return s;
    for (int n = 1; n <= x->steps && x->n_steps_grid < MAX_GRID; n *= 2)
        x->steps_grid[x->n_steps_grid++] = n;
    for (int n = 4; n <= x->returns.n && x->n_grid < MAX_GRID; n *= 2)
        x->grid[x->n_grid++] = n;
    size_t values = (size_t)x->returns.n_values;
    x->effect = snas_alloc(values, sizeof(double), err);
    x->variance = snas_alloc((size_t)x->returns.n_edges, sizeof(double), err);
    if (!x->effect || !x->variance)
        return SNAS_E_NOMEM;
    for (int t = 0; t < x->n_temperatures; t++) {
        x->at[t].temperature = x->temperature[t];
        for (int score = 0; score < SCORES; score++) {
            x->at[t].score[score] = snas_alloc(values, sizeof(double), err);
            if (!x->at[t].score[score])
                return SNAS_E_NOMEM;
        }
    }
    return SNAS_OK;
}

void experiment_clear(struct experiment *x)
{
    for (int t = 0; t < x->n_temperatures; t++)
        for (int score = 0; score < SCORES; score++)
            snas_free(x->at[t].score[score]);
    snas_free(x->decision);
    snas_free(x->held);
    snas_free(x->labels);
    snas_free(x->effect);
    snas_free(x->variance);
    snas_free(x->rows);
    snas_returns_clear(&x->returns);
    snas_shared_clear(&x->shared);
}

static enum snas_status stopped(const struct experiment *x, struct snas_err *err)
{
    return *x->stop ? snas_fail(err, SNAS_E_INTERRUPTED, "interrupted") : SNAS_OK;
}

/* Mean loss on the held-out images, batch statistics, as in the search. */
static enum snas_status score_one(struct experiment *x, int architecture, struct snas_err *err)
{
    const struct snas_network *net = x->shared.network;
    const struct snas_dataset *ds = &x->shared.source.ds;
    size_t each = (size_t)(ds->height * ds->width * ds->channels);
    int batch = (int)x->shared.config.search.batch;
    double sum = 0;
    memset(x->shared.z, 0, (size_t)net->n_z * sizeof(double));
    for (int e = 0; e < net->n_edges; e++)
        x->shared.z[net->edges[e].z + snas_returns_op(&x->returns, architecture, x->decision[e])] =
            1;
    for (int i = 0; i < x->n_held; i += batch) {
        int n = x->n_held - i < batch ? x->n_held - i : batch;
        const struct snas_forward f = {
            .batch = {x->held + (size_t)i * each, x->labels + i, n},
            .z = x->shared.z,
            .bn = SNAS_BN_BATCH,
        };
        struct snas_loss loss;
        enum snas_status s = snas_net_forward(x->shared.net, &f, &loss, err);
        if (s != SNAS_OK)
            return s;
        sum += loss.loss * n;
    }
    x->returns.loss[architecture] = sum / x->n_held;
    return SNAS_OK;
}

enum snas_status experiment_score(struct experiment *x, struct snas_err *err)
{
    enum snas_status s = SNAS_OK;
    double start = snas_seconds();
    snas_progress_begin(x->progress, "architectures", x->returns.n);
    for (int a = 0; s == SNAS_OK && a < x->returns.n; a++) {
        s = score_one(x, a, err);
        if (s == SNAS_OK)
            s = stopped(x, err);
        snas_progress_update(x->progress, a + 1, "");
    }
    snas_progress_end(x->progress);
    x->seconds_per_architecture = (snas_seconds() - start) / x->returns.n;
    snas_returns_effects(&x->returns, x->effect);
    snas_returns_open_variance(&x->returns, x->variance);
    return s;
}

/* The room of SNAS's passes: z, d z, sums over the steps of a repeat, what a step is compared by.
 */
struct passes {
    double *z, *dz, *sum[SCORES], *swap, *guess, *room, *correlation, *swaps;
    struct snas_loader *stream;
};

static enum snas_status passes_init(struct passes *p, const struct experiment *x,
                                    struct snas_err *err)
{
    size_t n_z = (size_t)x->shared.network->n_z, values = (size_t)x->returns.n_values;
    size_t repeats = (size_t)x->repeats;
    const struct {
        double **to;
        size_t n;
    } all[] = {
        {&p->z, n_z},
        {&p->dz, n_z},
        {&p->sum[SCORE_SLOPE], values},
        {&p->sum[SCORE_CREDIT], values},
        {&p->sum[SCORE_ALPHA], values},
        {&p->swap, values},
        {&p->guess, values},
        {&p->room, 2 * values},
        {&p->correlation, SCORES * MAX_GRID * repeats},
        {&p->swaps, repeats * (size_t)x->steps},
    };
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
        *all[i].to = snas_alloc(all[i].n, sizeof(double), err);
        if (!*all[i].to)
            return SNAS_E_NOMEM;
    }
    return snas_source_stream(&x->shared.source, &x->shared.config, 0, &p->stream, err);
}

static void passes_clear(struct passes *p)
{
    double *const all[] = {p->z,    p->dz,    p->sum[0], p->sum[1],      p->sum[2],
                           p->swap, p->guess, p->room,   p->correlation, p->swaps};
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        snas_free(all[i]);
    snas_loader_destroy(p->stream);
}

/* A sample at uniform alpha, shared by the cells of a kind; returns its argmax. */
static int draw(const struct experiment *x, struct passes *p, uint64_t step, double temperature)
{
    const struct snas_network *net = x->shared.network;
    const struct snas_returns *r = &x->returns;
    static const double uniform[SNAS_MAX_OPS];
    int architecture = 0;
    for (int d = 0; d < r->n_edges; d++) {
        double gumbel[SNAS_MAX_OPS], z[SNAS_MAX_OPS];
        int best = 0;
        struct snas_rng rng =
            snas_rng_make(x->seed, SNAS_STREAM_GUMBEL, step * (uint64_t)r->n_edges + (uint64_t)d);
        for (int k = 0; k < r->n_ops[d]; k++) {
            gumbel[k] = snas_rng_gumbel(&rng);
            best = gumbel[k] > gumbel[best] ? k : best;
        }
        snas_concrete_sample(uniform, gumbel, r->n_ops[d], temperature, z);
        for (int e = 0; e < net->n_edges; e++)
            if (x->decision[e] == d)
                memcpy(p->z + net->edges[e].z, z, (size_t)r->n_ops[d] * sizeof(*z));
        architecture += best * r->stride[d];
    }
    return architecture;
}

/* The slope against the true change by single swaps; an op that was sampled is no swap. */
static double swap_correlation(const struct experiment *x, struct passes *p, int architecture)
{
    const struct snas_returns *r = &x->returns;
    const struct snas_network *net = x->shared.network;
    double guess[SNAS_RETURNS_MAX_EDGES][SNAS_MAX_OPS] = {{0}};
    int n = 0;
    snas_returns_swaps(r, architecture, p->swap);
    for (int e = 0; e < net->n_edges; e++)
        for (int k = 0; k < net->edges[e].n_ops; k++)
            guess[x->decision[e]][k] += p->dz[net->edges[e].z + k];
    for (int d = 0; d < r->n_edges; d++) {
        int has = snas_returns_op(r, architecture, d);
        for (int k = 0; k < r->n_ops[d]; k++)
            if (k != has) {
                p->guess[n] = guess[d][k] - guess[d][has];
                p->swap[n++] = p->swap[r->first[d] + k];
            }
    }
    return snas_rank_correlation(n, p->guess, p->swap, p->room);
}

static enum snas_status one_step(struct experiment *x, struct passes *p, uint64_t step,
                                 double temperature, double *swap, struct snas_err *err)
{
    const struct snas_network *net = x->shared.network;
    struct snas_loaded batch;
    struct snas_loss loss;
    int architecture = draw(x, p, step, temperature);
    snas_loader_next(p->stream, &batch);
    const struct snas_forward f = {
        .batch = {batch.images, batch.labels, batch.n}, .z = p->z, .bn = SNAS_BN_BATCH};
    const struct snas_backward b = {.dz = p->dz};
    enum snas_status s = snas_net_forward(x->shared.net, &f, &loss, err);
    if (s == SNAS_OK)
        s = snas_net_backward(x->shared.net, &b, err);
    if (s != SNAS_OK)
        return s;
    for (int e = 0; e < net->n_edges; e++) {
        const double *z = p->z + net->edges[e].z, *dz = p->dz + net->edges[e].z;
        int first = x->returns.first[x->decision[e]], n = net->edges[e].n_ops;
        for (int k = 0; k < n; k++) {
            p->sum[SCORE_SLOPE][first + k] += dz[k];
            p->sum[SCORE_CREDIT][first + k] += z[k] * dz[k];
        }
        snas_concrete_backward(z, dz, n, temperature, p->sum[SCORE_ALPHA] + first);
    }
    *swap = swap_correlation(x, p, architecture);
    return stopped(x, err);
}

static void note(struct experiment *x, struct passes *p, int g, int repeat)
{
    const struct snas_returns *r = &x->returns;
    for (int score = 0; score < SCORES; score++) {
        memcpy(p->guess, p->sum[score], (size_t)r->n_values * sizeof(double));
        snas_returns_centre(r, p->guess);
        p->correlation[(score * MAX_GRID + g) * x->repeats + repeat] =
            snas_rank_correlation(r->n_values, p->guess, x->effect, p->room);
    }
}

static enum snas_status at_temperature(struct experiment *x, struct passes *p, int t,
                                       struct snas_err *err)
{
    struct snas_at *at = &x->at[t];
    size_t values = (size_t)x->returns.n_values;
    enum snas_status s = SNAS_OK;
    snas_loader_seek(p->stream, 0); /* the same batches and noise at every temperature */
    for (int repeat = 0; s == SNAS_OK && repeat < x->repeats; repeat++) {
        for (int score = 0; score < SCORES; score++)
            memset(p->sum[score], 0, values * sizeof(double));
        for (int i = 0, g = 0; s == SNAS_OK && i < x->steps; i++) {
            int64_t step = (int64_t)repeat * x->steps + i;
            s = one_step(x, p, (uint64_t)step, at->temperature, &p->swaps[step], err);
            if (g < x->n_steps_grid && i + 1 == x->steps_grid[g])
                note(x, p, g++, repeat);
            snas_progress_update(x->progress, (double)t * x->repeats * x->steps + (double)step + 1,
                                 "");
        }
        for (int score = 0; score < SCORES; score++)
            for (size_t i = 0; i < values; i++)
                at->score[score][i] += p->sum[score][i] / ((double)x->repeats * (double)x->steps);
    }
    for (int score = 0; score < SCORES; score++) {
        snas_returns_centre(&x->returns, at->score[score]);
        for (int g = 0; g < x->n_steps_grid; g++)
            at->correlation[score][g] = spread_of(
                p->correlation + ((size_t)score * MAX_GRID + (size_t)g) * (size_t)x->repeats,
                x->repeats);
    }
    at->swap = spread_of(p->swaps, x->repeats * x->steps);
    return s;
}

enum snas_status experiment_snas(struct experiment *x, struct snas_err *err)
{
    struct passes p = {0};
    double start = snas_seconds();
    int passes = x->n_temperatures * x->repeats * x->steps;
    enum snas_status s = passes_init(&p, x, err);
    snas_progress_begin(x->progress, "backward passes", passes);
    for (int t = 0; s == SNAS_OK && t < x->n_temperatures; t++)
        s = at_temperature(x, &p, t, err);
    snas_progress_end(x->progress);
    x->seconds_per_step = (snas_seconds() - start) / passes;
    passes_clear(&p);
    return s;
}

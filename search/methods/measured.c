#include "methods/measured.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "methods/concrete.h"
#include "methods/penalty.h"

enum snas_status snas_measured_init(struct snas_measured *t, const struct snas_method *m,
                                    const struct snas_measured_options *options,
                                    struct snas_err *err)
{
    memset(t, 0, sizeof(*t));
    t->options = *options;
    t->state.reference_ms = options->reference_ms;
    t->held = snas_alloc((size_t)m->n_alpha, sizeof(*t->held), err);
    return t->held ? SNAS_OK : SNAS_E_NOMEM;
}

void snas_measured_clear(struct snas_measured *t)
{
    snas_free(t->held);
    t->held = NULL;
}

void snas_measured_draw(const struct snas_method *m, uint64_t seed, int64_t step, int *choice)
{
    for (int r = 0; r < m->n_rows; r++) {
        const double *alpha = m->alpha + m->rows[r].first;
        struct snas_rng rng = snas_rng_make(seed, SNAS_STREAM_MEASURED,
                                            (uint64_t)step * (uint64_t)m->n_rows + (uint64_t)r);
        double most = -INFINITY;
        for (int k = 0; k < m->rows[r].n_ops; k++) {
            double value = alpha[k] + snas_rng_gumbel(&rng);
            if (value > most) {
                most = value;
                choice[r] = k;
            }
        }
    }
}

void snas_measured_genotype(const struct snas_method *m, const int *choice,
                            struct snas_genotype *out)
{
    int edge[SNAS_MAX_KINDS][SNAS_MAX_NODES * SNAS_MAX_SLOTS];
    const int *kind[SNAS_MAX_KINDS];
    for (int k = 0; k < SNAS_MAX_KINDS; k++)
        kind[k] = edge[k];
    for (int r = 0; r < m->n_rows; r++)
        edge[m->rows[r].kind][m->rows[r].kind_edge] = choice[r];
    snas_genotype_from_choice(m->network->space, kind, out);
}

/* 1 when the network has cells of the row's kind: no other row moves the latency. */
static int is_used(const struct snas_method *m, int row)
{
    for (int c = 0; c < m->network->n_cells; c++)
        if (m->network->cells[c].kind == m->rows[row].kind)
            return 1;
    return 0;
}

/* held = scale * d log p(choice) / d alpha */
static void hold(struct snas_measured *t, const struct snas_method *m, const int *choice,
                 double scale)
{
    for (int r = 0; r < m->n_rows; r++) {
        const struct snas_alpha_row *row = &m->rows[r];
        double p[SNAS_MAX_OPS], weight = is_used(m, r) ? scale : 0;
        snas_softmax(m->alpha + row->first, row->n_ops, p);
        for (int k = 0; k < row->n_ops; k++)
            t->held[row->first + k] = weight * ((k == choice[r]) - p[k]);
    }
}

void snas_measured_take(struct snas_measured *t, const struct snas_method *m, const int *choice,
                        double ms)
{
    struct snas_measured_state *s = &t->state;
    double first = s->measurements == 0, above = first || ms <= 0 ? 0 : ms - s->baseline_ms;
    s->networks++;
    hold(t, m, choice, first ? 0 : above / s->reference_ms);
    if (ms <= 0)
        return;
    /* after the estimate: a baseline or a reference that knew the sample would bias it */
    double n = ++s->measurements;
    s->baseline_ms += fmax(1 / n, 1 - t->options.baseline_decay) * (ms - s->baseline_ms);
    if (t->options.reference_ms <= 0 && n <= SNAS_MEASURED_SETTLE)
        s->reference_ms += (ms - s->reference_ms) / n;
    s->relative = ms / s->reference_ms;
}

double snas_measured_strength(const struct snas_measured *t, int epoch)
{
    const struct snas_penalty_options o = {
        .strength = t->options.strength, .warmup = t->options.warmup, .ramp = t->options.ramp};
    return snas_penalty_strength(&o, epoch);
}

double snas_measured_gradient(const struct snas_measured *t, const struct snas_method *m,
                              double strength, double *dalpha)
{
    for (int i = 0; strength > 0 && i < m->n_alpha; i++)
        dalpha[i] += strength * t->held[i];
    return strength * t->state.relative;
}

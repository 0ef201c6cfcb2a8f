#include "train/guard.h"

#include <string.h>

#include "methods/derive.h"
#include "train/state.h"

#define UNDECIDED 0.75
#define CLOSE 0.1

static int has_cells(const struct snas_network *network, int kind)
{
    for (int c = 0; c < network->n_cells; c++)
        if (network->cells[c].kind == kind)
            return 1;
    return 0;
}

void snas_guard_count(const struct snas_method *m, const struct snas_genotype *g,
                      struct snas_guard_counts *out)
{
    const struct snas_space *space = m->network->space;
    struct snas_genotype_counts all = {0}, flat = {0};
    double entropy;
    for (int kind = 0; kind < space->n_kinds; kind++) {
        if (!has_cells(m->network, kind))
            continue;
        snas_genotype_count(space, g, kind, &all);
        if (space->kinds[kind].stride == 1)
            snas_genotype_count(space, g, kind, &flat);
    }
    out->skips = all.skips;
    out->pools = all.pools;
    out->dead_nodes = all.dead_nodes;
    out->share = flat.edges ? (double)(flat.skips + flat.pools) / flat.edges : 0;
    snas_method_overall(m, &entropy, &out->margin, &out->undecided);
}

void snas_guard_count_ops(const struct snas_space *space, const struct snas_genotype *g, int kind,
                          int *count)
{
    const struct snas_cell_kind *k = &space->kinds[kind];
    const struct snas_genotype_cell *cell = &g->cells[kind];
    int empty = snas_kind_edges(k), none = -1;
    for (int i = 0; i < k->n_ops; i++) {
        count[i] = 0;
        if (none < 0 && space->ops[k->op[i]].zero)
            none = i;
    }
    for (int n = 0; n < cell->n_nodes; n++)
        for (int c = 0; c < cell->n_choices[n]; c++) {
            const struct snas_choice *choice = &cell->choices[n][c];
            for (int i = 0; i < k->n_ops; i++)
                count[i] += k->op[i] == choice->op;
            int again = 0; /* a second op of the same edge */
            for (int b = 0; b < c; b++)
                again |= cell->choices[n][b].from == choice->from;
            empty -= !again;
        }
    if (none >= 0)
        count[none] = empty;
}

/* Epochs (from 1) at whose end a warning about the distribution may come: half and three quarters
 * of those in which alpha moves. */
static int64_t middle(const struct snas_search *s)
{
    const int64_t warmup = s->config->alpha.warmup_epochs;
    return warmup + (s->config->search.epochs - warmup + 1) / 2;
}
static int64_t late(const struct snas_search *s)
{
    const int64_t warmup = s->config->alpha.warmup_epochs;
    return warmup + (3 * (s->config->search.epochs - warmup) + 3) / 4;
}

int snas_guard_by_distribution(const struct snas_search *s)
{
    return snas_method_decides(s->method, (enum snas_derive_rule)s->config->derive.rule);
}

/* The end of the first stretch of epochs that long with that share; 0: none yet. */
static int collapsed(const struct snas_search *s)
{
    int64_t streak = 0;
    for (int64_t e = 0; e < s->at.epoch; e++) {
        streak = s->history[e].counts.share >= s->config->guard.collapse_share ? streak + 1 : 0;
        if (streak == s->config->guard.collapse_epochs)
            return (int)e + 1;
    }
    return 0;
}

int snas_guard_warned(const struct snas_search *s, enum snas_guard_warning warning)
{
    enum { SHORT = 4 }; /* too few epochs to have a middle */
    int64_t at = warning == SNAS_GUARD_UNDECIDED ? middle(s) : late(s);
    if (warning == SNAS_GUARD_COLLAPSED)
        return collapsed(s);
    if (s->config->search.epochs < SHORT || s->at.epoch < at || !snas_guard_by_distribution(s))
        return 0;
    const struct snas_guard_counts *c = &s->history[at - 1].counts;
    int bad = warning == SNAS_GUARD_UNDECIDED ? c->undecided > UNDECIDED : c->margin < CLOSE;
    return bad ? (int)at : 0;
}

void snas_guard_text(const struct snas_search *s, enum snas_guard_warning warning, char *text,
                     size_t size)
{
    int epoch = snas_guard_warned(s, warning);
    const struct snas_guard_counts *c = &s->history[epoch > 0 ? epoch - 1 : 0].counts;
    switch (warning) {
    case SNAS_GUARD_UNDECIDED:
        snprintf(text, size,
                 "after epoch %d of %lld the entropy is still %.0f%% of uniform: the search does "
                 "not decide; raise alpha.learning_rate",
                 epoch, (long long)s->config->search.epochs, 100 * c->undecided);
        break;
    case SNAS_GUARD_CLOSE:
        snprintf(text, size,
                 "after epoch %d of %lld the first op of an edge leads by only %.3f in the mean: "
                 "the argmax is close to noise",
                 epoch, (long long)s->config->search.epochs, c->margin);
        break;
    default:
        snprintf(text, size,
                 "collapsed at epoch %d: %.0f%% of the edges of the cells with stride 1 are skips "
                 "and pools, at least %.0f%% for %lld epochs",
                 epoch, 100 * c->share, 100 * s->config->guard.collapse_share,
                 (long long)s->config->guard.collapse_epochs);
        break;
    }
}

void snas_guard_say(struct snas_search *s)
{
    char text[256];
    for (int w = 0; w < SNAS_GUARD_WARNINGS; w++)
        if (snas_guard_warned(s, w) == s->at.epoch) {
            snas_guard_text(s, w, text, sizeof(text));
            snas_run_say(&s->run, "warning: %s", text);
        }
}

int snas_guard_stops(const struct snas_search *s)
{
    return s->config->guard.stop && collapsed(s) > 0;
}

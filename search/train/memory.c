/* The memory of a search: what stands beside the net, what the limit leaves for it. */
#include "base/available.h"
#include "methods/darts.h"
#include "train/state.h"

enum {
    SHARE = 80,  /* % of what is available, where nobody asks for a limit: the rest is for the files
                    being written, the child's evaluation, and everybody else */
    LOADERS = 2, /* training, and an evaluation */
    BATCHES = 4  /* of a loader */
};

static void measure(struct snas_search *s)
{
    const struct snas_dataset *ds = &s->source.ds;
    size_t image = (size_t)ds->channels * (size_t)ds->height * (size_t)ds->width, n = (size_t)ds->n;
    /* momentum; and what an unrolled step puts aside (methods/darts.c) */
    const int unrolls = s->config->search.method == SNAS_SEARCH_DARTS &&
                        s->config->darts.order == SNAS_DARTS_SECOND;
    const size_t vectors = unrolls ? 3 : 1;
    s->memory = (struct snas_search_memory){
        .data = n * (image + sizeof *ds->labels) + 2 * n * sizeof *s->source.rest,
        .optimiser = vectors * (size_t)snas_network_param_count(s->network) * sizeof *s->momentum,
        .batches = LOADERS * BATCHES * (size_t)s->config->search.batch * image * sizeof(float)};
}

enum snas_status snas_search_budget(struct snas_search *s, size_t *left, struct snas_err *err)
{
    struct snas_search_memory *m = &s->memory;
    measure(s);
    size_t beside = m->data + m->optimiser + m->batches;
    m->asked = s->config->memory_limit > 0;
    m->limit = (size_t)s->config->memory_limit;
    if (!m->asked) {
        size_t available = snas_memory_available();
        m->limit = available ? available / 100 * SHARE + m->data : 0; /* the data are there */
    }
    *left = m->limit > beside ? m->limit - beside : 0;
    if (m->limit > 0 && *left == 0)
        return snas_fail(err, SNAS_E_LIMIT,
                         "memory_limit allows %.1f MB, but data (%.1f MB), optimiser (%.1f MB) and "
                         "batches (%.1f MB) take more than that already",
                         (double)m->limit / 1e6, (double)m->data / 1e6, (double)m->optimiser / 1e6,
                         (double)m->batches / 1e6);
    return SNAS_OK;
}

void snas_search_plan_text(const struct snas_plan_report *plan, const struct snas_search_memory *m,
                           int whole, struct snas_text *to)
{
    size_t beside = m->data + m->optimiser + m->batches;
    snas_text_add(to, "plan: %.1f MB, the network's %.1f MB ",
                  (double)(plan->total_bytes + beside) / 1e6, (double)plan->total_bytes / 1e6);
    if (plan->n_lean == 0)
        snas_text_add(to, "in normal memory");
    else
        snas_text_add(to, "in lean memory (%d of %d units run their forward twice)", plan->n_lean,
                      plan->n_rows);
    snas_text_add(to, ", data %.1f, optimiser %.1f, batches %.1f", (double)m->data / 1e6,
                  (double)m->optimiser / 1e6, (double)m->batches / 1e6);
    if (m->limit > 0)
        snas_text_add(to, "; allowed are %.1f MB%s", (double)m->limit / 1e6,
                      m->asked ? " (memory_limit)" : " (80% of what is available)");
    snas_text_add(to, "\n");
    snas_plan_text(plan, whole, to);
}

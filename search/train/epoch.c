/* What a search writes at the end of each epoch. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "methods/concrete.h"
#include "train/state.h"

/* Evaluation samples have their own stream; soft ones are numbered by epoch and batch, the final
 * report's hard ones from 1 << 40 (finish.c). */
static void draw_soft(void *arg, int64_t batch, double *z)
{
    struct snas_search *s = arg;
    s->method->ops->sample(s->method, (uint64_t)s->config->seed, SNAS_STREAM_HARD,
                           ((uint64_t)s->at.epoch << 20) + (uint64_t)batch, 0, z);
}

enum snas_status snas_search_sampled(struct snas_search *s, int64_t images, struct snas_score *out,
                                     struct snas_err *err)
{
    const struct snas_image_set held = snas_source_held(&s->source, s->config, images);
    const struct snas_evaluate_options o = {
        .bn = SNAS_BN_BATCH, .draw = draw_soft, .arg = s, .draw_z = s->z, .stop = s->options->stop};
    return snas_evaluate(s->net, &held, &o, out, err);
}

static enum snas_status epoch_child(struct snas_search *s, struct snas_genotype *g,
                                    struct snas_score *out, struct snas_err *err)
{
    const struct snas_image_set held =
        snas_source_held(&s->source, s->config, s->config->evaluation.epoch_images);
    const struct snas_evaluate_options o = {
        .bn = SNAS_BN_BATCH, .z = s->z, .stop = s->options->stop};
    struct snas_epoch_child *child = &s->history[s->at.epoch];
    int connected;
    enum snas_status status =
        snas_method_derive_epoch(s->method, (enum snas_derive_rule)s->config->derive.rule,
                                 (uint64_t)s->config->seed, (int)s->at.epoch, s->z, g, err);
    if (status == SNAS_OK)
        status = snas_z_from_genotype(s->network, g, s->z, err);
    if (status == SNAS_OK)
        status = snas_budget_cost(s->network, &s->costs, g, child->cost, &connected, err);
    if (status == SNAS_OK)
        status = snas_evaluate(s->net, &held, &o, out, err);
    if (status == SNAS_OK) {
        child->connected = connected;
        child->accuracy = out->accuracy;
        snas_guard_count(s->method, g, &child->counts);
    }
    return status;
}

enum snas_status snas_metrics_header(struct snas_search *s, struct snas_err *err)
{
    struct snas_text *t = &s->run.metrics;
    const struct snas_entropy_options entropy = {s->config->entropy.start, s->config->entropy.end};
    snas_text_clear(t);
    snas_text_add(t,
                  "epoch,temperature,learning_rate,train_loss,train_accuracy,penalty,"
                  "sampled_loss,sampled_accuracy,child_loss,child_accuracy,alpha_spread,live_ops");
    for (int k = 0; k < s->space.n_kinds; k++)
        snas_text_add(t, ",%s_entropy,%s_margin", s->space.kinds[k].name, s->space.kinds[k].name);
    snas_text_add(t, ",expected_cost,child_params,child_madds%s,skips,pools,dead_nodes",
                  s->costs.column[SNAS_COST_LATENCY] ? ",child_latency_ms" : "");
    if (s->config->choose.every)
        snas_text_add(t, ",estimated_accuracy");
    if (snas_entropy_active(&entropy))
        snas_text_add(t, ",entropy_weight");
    if (s->method->measured)
        snas_text_add(t, ",measured_networks,measured_baseline_ms,measured_reference_ms");
    for (int i = 0; s->method->budget && i < SNAS_BUDGETS; i++)
        snas_text_add(t, ",budget_%s_multiplier,budget_%s_violation", snas_budget_names[i],
                      snas_budget_names[i]);
    for (int c = 0; c < SNAS_COST_COLUMNS; c++)
        if (s->costs.column[c] && snas_cost_columns[c].summed)
            snas_text_add(t, ",expected_%s", snas_cost_columns[c].name);
    for (int k = 0; k < s->space.n_kinds; k++)
        for (int o = 0; o < s->space.kinds[k].n_ops; o++)
            snas_text_add(t, ",%s_%s", s->space.kinds[k].name,
                          s->space.ops[s->space.kinds[k].op[o]].name);
    snas_text_add(t, "\n");
    snas_text_clear(&s->run.timing);
    snas_text_add(&s->run.timing,
                  "epoch,images,seconds,images_per_second,stall_seconds,evaluation_seconds,"
                  "checkpoint_seconds,loader_wait\n");
    enum snas_status status = snas_text_check(t, err);
    return status == SNAS_OK ? snas_text_check(&s->run.timing, err) : status;
}

/* What the guards count, the child's accuracy after re-estimation (nothing when NaN), the weight of
 * the entropy's schedule. */
static void guard_fields(const struct snas_search *s, double estimated, struct snas_text *t)
{
    const struct snas_guard_counts *c = &s->history[s->at.epoch].counts;
    const struct snas_entropy_options entropy = {s->config->entropy.start, s->config->entropy.end};
    snas_text_add(t, ",%.0f,%.0f,%.0f", c->skips, c->pools, c->dead_nodes);
    if (s->config->choose.every && isnan(estimated))
        snas_text_add(t, ",");
    else if (s->config->choose.every)
        snas_text_add(t, ",%.9g", estimated);
    if (snas_entropy_active(&entropy))
        snas_text_add(t, ",%.9g",
                      snas_entropy_weight(&entropy, (int)s->at.epoch,
                                          (int)s->config->alpha.warmup_epochs,
                                          (int)s->config->search.epochs));
}

static void op_fields(const struct snas_search *s, const struct snas_genotype *g,
                      struct snas_text *t)
{
    for (int k = 0; k < s->space.n_kinds; k++) {
        int count[SNAS_MAX_OPS];
        snas_guard_count_ops(&s->space, g, k, count);
        for (int op = 0; op < s->space.kinds[k].n_ops; op++)
            snas_text_add(t, ",%d", count[op]);
    }
}

/* What the epoch has been found to be. */
struct row {
    struct snas_score sampled, child;
    struct snas_genotype genotype;
    double cost;      /* the penalty's expected one */
    double estimated; /* as guard_fields takes it */
};

static enum snas_status metrics_row(struct snas_search *s, const struct row *r,
                                    struct snas_err *err)
{
    const struct snas_score *sampled = &r->sampled, *child = &r->child;
    struct snas_text *t = &s->run.metrics;
    const struct snas_method_ops *ops = s->method->ops;
    struct snas_alpha_summary summary;
    double expected[SNAS_COST_COLUMNS], images = (double)s->at.images;
    int epoch = (int)s->at.epoch;
    double temperature =
        ops->temperature ? ops->temperature(s->method, epoch, (int)s->config->search.epochs) : 0;
    snas_text_add(t, "%d,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g", epoch + 1,
                  temperature, snas_search_config_rate(s->config, epoch), s->sums.loss / images,
                  (double)s->at.correct / images, s->sums.penalty / images, sampled->loss,
                  sampled->accuracy, child->loss, child->accuracy, snas_method_spread(s->method),
                  s->sums.live_ops / images);
    for (int k = 0; k < s->space.n_kinds; k++) {
        snas_method_summary(s->method, k, &summary);
        snas_text_add(t, ",%.9g,%.9g", summary.entropy, summary.margin);
    }
    const double *counted = s->history[epoch].cost;
    snas_text_add(t, ",%.9g,%.0f,%.0f", r->cost, counted[SNAS_BUDGET_PARAMS],
                  counted[SNAS_BUDGET_MADDS]);
    if (s->costs.column[SNAS_COST_LATENCY])
        snas_text_add(t, ",%.9g", counted[SNAS_BUDGET_LATENCY]);
    guard_fields(s, r->estimated, t);
    if (s->method->measured)
        snas_text_add(t, ",%.0f,%.9g,%.9g", s->method->measured->state.measurements,
                      s->method->measured->state.baseline_ms,
                      s->method->measured->state.reference_ms);
    for (int i = 0; s->method->budget && i < SNAS_BUDGETS; i++)
        snas_text_add(t, ",%.9g,%.9g", s->method->budget->state.multiplier[i],
                      s->method->budget->state.violation[i]);
    snas_method_expected_cost(s->method, &s->costs, expected);
    for (int c = 0; c < SNAS_COST_COLUMNS; c++)
        if (s->costs.column[c] && snas_cost_columns[c].summed)
            snas_text_add(t, ",%.9g", expected[c]);
    op_fields(s, &r->genotype, t);
    snas_text_add(t, "\n");
    enum snas_status status = snas_text_check(t, err);
    return status == SNAS_OK ? snas_run_write(&s->run, SNAS_RUN_METRICS, t->data, t->n, err)
                             : status;
}

/* credit, op_credit, op_slope, op_penalty: means over the epoch's steps, summed over the cells of
 * the kind, of the edge's sum of op_credit, and of snas_credit's task, slope and penalty (method.md
 * section 1). cost_share: the edge's, of the penalty's expected cost. */
static enum snas_status write_alpha(struct snas_search *s, double *total, struct snas_err *err)
{
    struct snas_text t = {0};
    char name[40];
    const struct snas_method *m = s->method;
    double *cost = snas_alloc((size_t)m->n_rows, sizeof(*cost), err);
    if (!cost)
        return SNAS_E_NOMEM;
    *total = snas_method_penalty_cost(m, &s->penalty, cost);
    snas_text_add(&t, "kind,node,slot,op,alpha,probability,credit,cost_share,"
                      "op_credit,op_slope,op_penalty\n");
    for (int r = 0; r < m->n_rows; r++) {
        const struct snas_alpha_row *row = &m->rows[r];
        const struct snas_cell_kind *kind = &s->space.kinds[row->kind];
        const struct snas_credit *credit = m->credit + row->first;
        double p[SNAS_MAX_OPS], edge = 0, steps = (double)s->steps_per_epoch;
        snas_softmax(m->alpha + row->first, row->n_ops, p);
        for (int k = 0; k < row->n_ops; k++)
            edge += credit[k].task;
        for (int k = 0; k < row->n_ops; k++)
            snas_text_add(&t, "%s,%d,%d,%s,%.17g,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g\n", kind->name,
                          row->node, row->slot, s->space.ops[kind->op[k]].name,
                          m->alpha[row->first + k], p[k], edge / steps,
                          *total > 0 ? cost[r] / *total : 0, credit[k].task / steps,
                          credit[k].slope / steps, credit[k].penalty / steps);
    }
    snprintf(name, sizeof(name), "alpha/epoch-%03lld.csv", (long long)(s->at.epoch + 1));
    enum snas_status status = snas_text_check(&t, err);
    if (status == SNAS_OK)
        status = snas_run_write(&s->run, name, t.data, t.n, err);
    snas_text_clear(&t);
    snas_free(cost);
    return status;
}

static enum snas_status write_genotype(struct snas_search *s, struct snas_genotype *g,
                                       struct snas_err *err)
{
    char name[SNAS_NAME_MAX + 16], *text;
    snprintf(g->name, sizeof(g->name), "epoch-%03lld", (long long)(s->at.epoch + 1));
    snprintf(name, sizeof(name), "genotype/%s.json", g->name);
    enum snas_status status = snas_genotype_format(g, &s->space, SNAS_GENOTYPE_JSON, &text, err);
    if (status == SNAS_OK) {
        status = snas_run_write(&s->run, name, text, strlen(text), err);
        snas_free(text);
    }
    return status;
}

/* Share of the epoch's training time that steps have waited for their batch. */
static double loader_wait(const struct snas_search *s)
{
    return s->epoch_seconds > 0 ? s->epoch_stall / s->epoch_seconds : 0;
}

/* checkpoint_seconds: of the latest one, mostly that after the epoch before; 0: none yet. */
static enum snas_status timing_row(struct snas_search *s, double evaluation, struct snas_err *err)
{
    struct snas_text *t = &s->run.timing;
    snas_text_add(t, "%lld,%lld,%.3f,%.1f,%.3f,%.3f,%.3f,%.5f\n", (long long)(s->at.epoch + 1),
                  (long long)s->epoch_images, s->epoch_seconds,
                  s->epoch_seconds > 0 ? (double)s->epoch_images / s->epoch_seconds : 0,
                  s->epoch_stall, evaluation, s->save_seconds, loader_wait(s));
    enum snas_status status = snas_text_check(t, err);
    return status == SNAS_OK ? snas_run_write(&s->run, SNAS_RUN_TIMING, t->data, t->n, err)
                             : status;
}

static void say_epoch(struct snas_search *s, const struct snas_score *sampled,
                      const struct snas_score *child)
{
    double entropy, margin, undecided, images = (double)s->at.images;
    snas_method_overall(s->method, &entropy, &margin, &undecided);
    snas_run_say(&s->run,
                 "epoch %lld/%lld: loss %.3f, training %.1f%%, sampled %.1f%%, child %.1f%%, "
                 "entropy %.2f nats, margin %.2f, %.0f images/s",
                 (long long)(s->at.epoch + 1), (long long)s->config->search.epochs,
                 s->sums.loss / images, 100 * (double)s->at.correct / images,
                 100 * sampled->accuracy, 100 * child->accuracy, entropy, margin,
                 s->epoch_seconds > 0 ? (double)s->epoch_images / s->epoch_seconds : 0);
    if (loader_wait(s) > 0.02 && s->epoch_seconds > 1)
        snas_run_say(&s->run, "steps waited for their images %.0f%% of the time",
                     100 * loader_wait(s));
}

enum snas_status snas_search_end_epoch(struct snas_search *s, struct snas_err *err)
{
    struct row r = {0};
    double start = snas_seconds();
    enum snas_status status =
        snas_search_sampled(s, s->config->evaluation.epoch_images, &r.sampled, err);
    if (status == SNAS_OK)
        status = epoch_child(s, &r.genotype, &r.child, err);
    if (status == SNAS_OK)
        status = snas_within_keep(s, &r.genotype, err);
    if (status == SNAS_OK)
        status = snas_choice_epoch(s, &r.genotype, &r.estimated, err);
    if (status == SNAS_OK)
        status = write_alpha(s, &r.cost, err);
    if (status == SNAS_OK)
        status = metrics_row(s, &r, err);
    if (status == SNAS_OK)
        status = write_genotype(s, &r.genotype, err);
    if (status == SNAS_OK)
        status = snas_search_bias(s, err);
    if (status == SNAS_OK)
        status = timing_row(s, snas_seconds() - start, err);
    if (status != SNAS_OK)
        return status;
    say_epoch(s, &r.sampled, &r.child);
    s->at.epoch++;
    snas_guard_say(s);
    if (r.child.accuracy > s->sums.best_accuracy || !s->at.best_epoch) {
        s->sums.best_accuracy = r.child.accuracy;
        s->at.best_epoch = s->at.epoch;
    }
    s->at.step_in_epoch = s->at.correct = s->at.images = s->at.phase_done = 0;
    s->sums.loss = s->sums.penalty = s->sums.live_ops = 0;
    memset(s->method->credit, 0, (size_t)s->method->n_alpha * sizeof(*s->method->credit));
    return SNAS_OK;
}

#include "train/measured.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/mem.h"
#include "methods/measured.h"
#include "train/state.h"

#define HEADER "step,network,latency_ms,baseline_ms\n"
#define LOG_MAX ((size_t)1 << 30)

static const char digits[] = "0123456789abcdefghijklmnopqrstuv"; /* SNAS_MAX_OPS of them */

static int64_t steps_done(const struct snas_search *s)
{
    return s->at.epoch * s->steps_per_epoch + s->at.step_in_epoch;
}

/* --- reading --- */

/* A whole line, NUL in place of its end. */
static enum snas_status read_row(struct snas_search *s, char *line, int number,
                                 struct snas_measured_row *out, struct snas_err *err)
{
    const struct snas_measured_log *l = &s->measured;
    char *field[4], *end;
    int n = 0;
    for (char *p = line; p && n < 4; n++) {
        field[n] = p;
        p = strchr(p, ',');
        if (p)
            *p++ = '\0';
    }
    *out = (struct snas_measured_row){.line = number};
    if (n < 4)
        return snas_fail(err, SNAS_E_FORMAT, "%s:%d: not a row of %s", l->path, number,
                         "step,network,latency_ms,baseline_ms");
    out->network = field[1];
    out->step = strtoll(field[0], &end, 10);
    if (end == field[0] || *end || out->step < 1 ||
        (l->n > 0 && out->step <= l->rows[l->n - 1].step))
        return snas_fail(err, SNAS_E_FORMAT, "%s:%d: step '%s' does not follow the row before",
                         l->path, number, field[0]);
    if (strlen(out->network) != (size_t)s->method->n_rows)
        return snas_fail(err, SNAS_E_FORMAT, "%s:%d: network '%s' has not %d edges", l->path,
                         number, out->network, s->method->n_rows);
    out->ms = strtod(field[2], &end);
    if (*field[2] && (*end || !(out->ms > 0) || !isfinite(out->ms)))
        return snas_fail(err, SNAS_E_FORMAT, "%s:%d: latency_ms '%s' is not a time", l->path,
                         number, field[2]);
    out->baseline = strtod(field[3], &end);
    if (end == field[3] || *end || !(out->baseline >= 0) || !isfinite(out->baseline))
        return snas_fail(err, SNAS_E_FORMAT, "%s:%d: baseline_ms '%s' is not a time", l->path,
                         number, field[3]);
    return SNAS_OK;
}

/* The rows of l->text; a last line that a kill cut short does not count. */
static enum snas_status read_rows(struct snas_search *s, size_t size, struct snas_err *err)
{
    struct snas_measured_log *l = &s->measured;
    size_t lines = 0;
    for (size_t i = 0; i < size; i++)
        lines += l->text[i] == '\n';
    l->rows = snas_alloc(lines + 1, sizeof(*l->rows), err);
    if (!l->rows)
        return SNAS_E_NOMEM;
    if (size > 0 && strncmp(l->text, HEADER, strlen(HEADER)) != 0)
        return snas_fail(err, SNAS_E_FORMAT, "%s:1: not a log of measured latencies", l->path);
    char *line = l->text + (size > 0 ? strlen(HEADER) : 0), *end;
    for (int number = 2; (end = strchr(line, '\n')); number++) {
        *end = '\0';
        enum snas_status status = read_row(s, line, number, &l->rows[l->n], err);
        if (status != SNAS_OK)
            return status;
        l->n++;
        line = end + 1;
    }
    return SNAS_OK;
}

static enum snas_status read_log(struct snas_search *s, struct snas_err *err)
{
    struct snas_measured_log *l = &s->measured;
    const char *replay = s->config->measured.replay;
    size_t size = 0;
    l->replay = *replay != '\0';
    l->path = l->replay ? snas_strdup(replay, err) : snas_run_path(&s->run, SNAS_RUN_MEASURED, err);
    if (!l->path)
        return SNAS_E_NOMEM;
    if (!l->replay && !(s->options->resume && snas_path_exists(l->path)))
        return SNAS_OK;
    enum snas_status status = snas_read_file(l->path, LOG_MAX, &l->text, &size, err);
    return status == SNAS_OK ? read_rows(s, size, err) : status;
}

/* --- writing --- */

static void format_row(const struct snas_search *s, const struct snas_measured_row *row,
                       struct snas_text *t)
{
    snas_text_add(t, "%lld,%.*s,", (long long)row->step, s->method->n_rows, row->network);
    if (row->ms > 0)
        snas_text_add(t, "%.9g", row->ms);
    snas_text_add(t, ",%.9g\n", row->baseline);
}

static enum snas_status append(struct snas_search *s, const struct snas_measured_row *row,
                               struct snas_err *err)
{
    struct snas_text t = {0};
    FILE *out = s->measured.out;
    format_row(s, row, &t);
    enum snas_status status = snas_text_check(&t, err);
    /* on the disk before the step that it moves is in a checkpoint */
    if (status == SNAS_OK &&
        (fwrite(t.data, 1, t.n, out) != t.n || fflush(out) != 0 || fsync(fileno(out)) != 0))
        status = snas_fail(err, SNAS_E_IO, "cannot write '%s/%s'", s->run.dir, SNAS_RUN_MEASURED);
    snas_text_clear(&t);
    return status;
}

/* The run's own log, up to where this sitting adds to it: of a replay the rows that are used
 * already, of a run that goes on all of them. */
static enum snas_status begin_own(struct snas_search *s, struct snas_err *err)
{
    struct snas_measured_log *l = &s->measured;
    struct snas_text t = {0};
    char *path = snas_run_path(&s->run, SNAS_RUN_MEASURED, err);
    enum snas_status status = path ? SNAS_OK : SNAS_E_NOMEM;
    snas_text_add(&t, "%s", HEADER);
    for (int64_t i = 0; i < (l->replay ? l->at : l->n); i++)
        format_row(s, &l->rows[i], &t);
    if (status == SNAS_OK)
        status = snas_text_check(&t, err);
    if (status == SNAS_OK)
        status = snas_write_file(path, t.data, t.n, err);
    if (status == SNAS_OK) {
        l->out = fopen(path, "a");
        if (!l->out)
            status = snas_fail(err, SNAS_E_IO, "cannot write '%s'", path);
    }
    snas_text_clear(&t);
    snas_free(path);
    return status;
}

enum snas_status snas_measured_log_open(struct snas_search *s, struct snas_err *err)
{
    struct snas_measured_log *l = &s->measured;
    if (!s->method->measured)
        return SNAS_OK;
    l->choice = snas_alloc((size_t)s->method->n_rows, sizeof(*l->choice), err);
    enum snas_status status = l->choice ? read_log(s, err) : SNAS_E_NOMEM;
    if (status != SNAS_OK)
        return status;
    while (l->at < l->n && l->rows[l->at].step <= steps_done(s))
        l->at++;
    if ((double)l->at != s->method->measured->state.networks)
        return snas_fail(err, SNAS_E_STATE,
                         "'%s' has %lld measurements up to step %lld, the run has used %.0f: it is "
                         "not this run's log",
                         l->path, (long long)l->at, (long long)steps_done(s),
                         s->method->measured->state.networks);
    if (!l->replay && !s->options->meter)
        return snas_fail(err, SNAS_E_STATE, "measured.strength: nothing here can measure");
    status = begin_own(s, err);
    if (status == SNAS_OK)
        snas_run_say(&s->run, "measured latency: relative strength %g, %s%s",
                     s->config->measured.strength, l->replay ? "replayed from " : "",
                     l->replay ? l->path : s->options->meter->name);
    return status;
}

void snas_measured_log_clear(struct snas_measured_log *l)
{
    if (l->out)
        fclose(l->out);
    snas_free(l->path);
    snas_free(l->text);
    snas_free(l->rows);
    snas_free(l->choice);
    memset(l, 0, sizeof(*l));
}

/* --- measuring --- */

/* 1: a step would use what is measured. Before, only the reference is looked for. */
static int is_wanted(const struct snas_search *s)
{
    const struct snas_measured *t = s->method->measured;
    const int epoch = (int)s->at.epoch;
    int moves = epoch >= s->config->alpha.warmup_epochs && snas_measured_strength(t, epoch) > 0;
    return moves || t->state.measurements < SNAS_MEASURED_SETTLE;
}

static int is_due(struct snas_measured_log *l, double share, double now)
{
    if (l->start == 0)
        l->start = now;
    /* what it will be behind one more that takes as long as the latest */
    return l->spent + l->latest <= share * (now - l->start + l->latest);
}

/* ms 0: the network is disconnected. */
static enum snas_status time_network(struct snas_search *s, double *ms, struct snas_err *err)
{
    const struct snas_meter *meter = s->options->meter;
    struct snas_genotype g;
    double cost[SNAS_BUDGETS];
    int connected;
    char text[40];
    *ms = 0;
    snas_measured_genotype(s->method, s->measured.choice, &g);
    enum snas_status status = snas_budget_cost(s->network, NULL, &g, cost, &connected, err);
    if (status != SNAS_OK || !connected)
        return status;
    status = meter->time(meter->owner, s->network, &g, ms, err);
    if (status == SNAS_OK && (!isfinite(*ms) || *ms <= 0))
        status = snas_fail(err, SNAS_E_NUMERIC, "a measured latency of %g ms is not a time", *ms);
    /* what the log will say */
    snprintf(text, sizeof(text), "%.9g", *ms);
    *ms = strtod(text, NULL);
    return status;
}

/* The network of this step as digits, [n_rows]. */
static char *draw(struct snas_search *s, struct snas_err *err)
{
    const struct snas_method *m = s->method;
    char *network = snas_alloc((size_t)m->n_rows + 1, 1, err);
    snas_measured_draw(m, (uint64_t)s->config->seed, steps_done(s), s->measured.choice);
    for (int r = 0; network && r < m->n_rows; r++)
        network[r] = digits[s->measured.choice[r]];
    return network;
}

static enum snas_status repeat(struct snas_search *s, const char *network, double *ms,
                               struct snas_err *err)
{
    const struct snas_measured_log *l = &s->measured;
    const struct snas_measured_row *row = &l->rows[l->at];
    *ms = row->ms;
    if (strncmp(network, row->network, (size_t)s->method->n_rows) == 0)
        return SNAS_OK;
    return snas_fail(err, SNAS_E_STATE,
                     "%s:%d: the log has another network before this step (%.*s, here %s): it is "
                     "of another configuration, data set or instruction set",
                     l->path, row->line, s->method->n_rows, row->network, network);
}

enum snas_status snas_search_measure(struct snas_search *s, struct snas_err *err)
{
    struct snas_measured_log *l = &s->measured;
    struct snas_measured *t = s->method->measured;
    struct snas_measured_row row = {.step = steps_done(s) + 1};
    const double now = snas_seconds();
    if (!t)
        return SNAS_OK;
    int from_log = l->at < l->n && l->rows[l->at].step == row.step;
    if (!from_log &&
        (l->replay || l->at < l->n || !is_wanted(s) || !is_due(l, s->config->measured.share, now)))
        return SNAS_OK;
    char *network = draw(s, err);
    if (!network)
        return SNAS_E_NOMEM;
    row.network = network;
    row.baseline = t->state.baseline_ms;
    enum snas_status status =
        from_log ? repeat(s, network, &row.ms, err) : time_network(s, &row.ms, err);
    if (status == SNAS_OK && (l->replay || !from_log))
        status = append(s, &row, err);
    if (status == SNAS_OK) {
        snas_measured_take(t, s->method, l->choice, row.ms);
        l->at += from_log;
        l->latest = from_log ? 0 : snas_seconds() - now;
        l->spent += l->latest;
    }
    snas_free(network);
    return status;
}

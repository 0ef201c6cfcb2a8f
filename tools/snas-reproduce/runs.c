#include "snas-reproduce/runs.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/io.h"
#include "base/mem.h"
#include "jobs/jobs.h"
#include "train/run.h"

enum {
    MOST_JOBS = (PLAN_METHODS + PLAN_STRENGTHS) * PLAN_SEEDS + PLAN_METHODS * PLAN_SETTINGS + 1
};

struct list {
    int n;
    struct snas_job *jobs; /* [MOST_JOBS] */
    struct snas_job_searches of;
};

static enum snas_status list_begin(struct list *l, const struct plan *p,
                                   const struct runs_options *o, struct snas_err *err)
{
    *l = (struct list){.of = {.config = p->search, .threads = o->threads}};
    l->of.program = snas_job_program("snas-search", err);
    if (!l->of.program)
        return SNAS_E_IO;
    l->jobs = snas_alloc(MOST_JOBS, sizeof *l->jobs, err);
    return l->jobs ? SNAS_OK : SNAS_E_NOMEM;
}

static void list_end(struct list *l)
{
    for (int i = 0; i < l->n; i++)
        snas_job_clear(&l->jobs[i]);
    snas_free(l->jobs);
    snas_free((char *)l->of.program);
}

/* Epochs of the searches that these assignments make, for progress. */
static enum snas_status add_search(struct list *l, const char *dir, const char *const *assignments,
                                   int n, struct snas_err *err)
{
    struct snas_search_config config;
    enum snas_status s = snas_search_config_read(l->of.config, assignments, n, &config, err);
    if (s != SNAS_OK)
        return s;
    l->of.epochs = (int)config.search.epochs;
    return snas_job_search(&l->of, dir, assignments, n, &l->jobs[l->n++], err);
}

static enum snas_status make_dir(const char *out, const char *name, struct snas_err *err)
{
    char *dir = snas_path_join(out, name, err);
    enum snas_status s = dir ? snas_make_dirs(dir, err) : SNAS_E_NOMEM;
    snas_free(dir);
    return s;
}

/* What is finished must be what the plan says now: its file may have changed since, or the trials
 * may say another setting. *done: it is finished. */
static enum snas_status check_made(const struct plan *p, const char *dir,
                                   const char *const *assignments, int n, int *done,
                                   struct snas_err *err)
{
    struct snas_search_config wanted, made;
    char *result = snas_path_join(dir, SNAS_RUN_RESULT, err),
         *config = result ? snas_path_join(dir, SNAS_RUN_CONFIG, err) : NULL;
    enum snas_status s = config ? SNAS_OK : SNAS_E_NOMEM;
    *done = s == SNAS_OK && snas_path_exists(result);
    if (*done)
        s = snas_search_config_read(p->search, assignments, n, &wanted, err);
    if (*done && s == SNAS_OK)
        s = snas_search_config_read(config, NULL, 0, &made, err);
    const char *key =
        *done && s == SNAS_OK ? snas_config_differs(&snas_search_schema, &wanted, &made) : NULL;
    if (key)
        s = snas_fail(err, SNAS_E_STATE,
                      "'%s' is finished, but with another %s than the experiment says now: move it "
                      "away, or choose another --out",
                      dir, key);
    snas_free(config);
    snas_free(result);
    return s;
}

static int assign_trial(const struct plan *p, const struct results *r, int method, int setting,
                        struct plan_own *own, const char *all[PLAN_ASSIGNMENTS])
{
    return plan_assign(p, &p->methods[method].settings[setting], NULL, p->trial_seed, &p->trial_set,
                       r->extra, own, all);
}

static enum snas_status try_settings(const struct plan *p, const struct results *r,
                                     const struct runs_options *o, int *failed,
                                     struct snas_err *err)
{
    struct list l;
    const char *all[PLAN_ASSIGNMENTS];
    struct plan_own own;
    if (p->methods[0].n_settings < 2)
        return SNAS_OK;
    enum snas_status s = list_begin(&l, p, o, err);
    if (s == SNAS_OK)
        s = make_dir(r->out, "trials", err);
    for (int k = 0; s == SNAS_OK && k < p->methods[0].n_settings; k++)
        for (int m = 0; s == SNAS_OK && m < p->n_methods; m++) {
            char *dir = results_trial_dir(p, r->out, m, k, err);
            int done, n = assign_trial(p, r, m, k, &own, all);
            s = dir ? check_made(p, dir, all, n, &done, err) : SNAS_E_NOMEM;
            if (s == SNAS_OK)
                s = add_search(&l, dir, all, n, err);
            snas_free(dir);
        }
    if (s == SNAS_OK)
        s = snas_jobs_run(l.jobs, l.n, o->at_once, "trials", o->progress, failed, err);
    list_end(&l);
    return s;
}

/* The trial of a setting into tried[], and the best of them so far into chosen. */
static enum snas_status weigh(struct plan *p, const struct results *r, int method, int setting,
                              struct snas_err *err)
{
    struct plan_method *m = &p->methods[method];
    struct snas_record record;
    const char *all[PLAN_ASSIGNMENTS];
    struct plan_own own;
    int done = 0, n = assign_trial(p, r, method, setting, &own, all);
    char *dir = results_trial_dir(p, r->out, method, setting, err);
    m->tried[setting] = NAN;
    enum snas_status s = dir ? check_made(p, dir, all, n, &done, err) : SNAS_E_NOMEM;
    if (s == SNAS_OK && done)
        s = snas_record_read(dir, &record, err);
    if (s == SNAS_OK && done) {
        m->tried[setting] = record.child;
        if (!isnan(record.child) && !(m->tried[m->chosen] >= record.child))
            m->chosen = setting;
        snas_record_clear(&record);
    }
    snas_free(dir);
    return s;
}

static int assign_entry(const struct plan *p, const struct results *r, int entry, int seed,
                        struct plan_own *own, const char *all[PLAN_ASSIGNMENTS])
{
    const struct entry *e = &r->entries[entry];
    const struct plan_method *m = &p->methods[e->method];
    return plan_assign(p, &m->settings[m->chosen], e->penalty, p->seeds[seed], NULL, r->extra, own,
                       all);
}

enum snas_status runs_choose(struct plan *p, const struct results *r, struct snas_err *err)
{
    enum snas_status s = SNAS_OK;
    const char *all[PLAN_ASSIGNMENTS];
    struct plan_own own;
    int done;
    for (int m = 0; m < p->n_methods; m++)
        for (int k = 0;
             s == SNAS_OK && p->methods[m].n_settings > 1 && k < p->methods[m].n_settings; k++)
            s = weigh(p, r, m, k, err);
    for (int e = 0; e < r->n; e++)
        for (int i = 0; s == SNAS_OK && i < p->n_seeds; i++) {
            int n = assign_entry(p, r, e, i, &own, all);
            s = check_made(p, r->entries[e].runs[i].dir, all, n, &done, err);
        }
    return s;
}

static enum snas_status add_entry(struct list *l, const struct plan *p, const struct results *r,
                                  int entry, int seed, struct snas_err *err)
{
    const char *all[PLAN_ASSIGNMENTS];
    struct plan_own own;
    int n = assign_entry(p, r, entry, seed, &own, all);
    return add_search(l, r->entries[entry].runs[seed].dir, all, n, err);
}

static enum snas_status add_credit(struct list *l, const struct plan *p, const struct results *r,
                                   const struct runs_options *o, struct snas_err *err)
{
    const char *argv[16 + 4 * SNAS_LIST_MAX + SNAS_LIST_MAX];
    char threads[16];
    int n = 0;
    char *program = snas_job_program("snas-credit", err),
         *dir = snas_format(err, "%s/credit", r->out),
         *log = snas_format(err, "%s/credit.log", r->out),
         *result = snas_format(err, "%s/credit/credit.json", r->out);
    if (!program || !dir || !log || !result) {
        snas_free(program);
        snas_free(dir);
        snas_free(log);
        snas_free(result);
        return err->code;
    }
    snprintf(threads, sizeof threads, "%d", o->threads);
    const char *const fixed[] = {program, p->credit, "--out", dir, "--threads", threads, "--quiet"};
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        argv[n++] = fixed[i];
    for (int i = 0; i < p->credit_options.n; i++)
        argv[n++] = p->credit_options.items[i];
    for (int i = 0; i < p->credit_set.n + r->extra->n; i++) {
        argv[n++] = "--set";
        argv[n++] =
            i < p->credit_set.n ? p->credit_set.items[i] : r->extra->items[i - p->credit_set.n];
    }
    argv[n] = NULL;
    enum snas_status s = snas_job_program_run(argv, dir, log, result, &l->jobs[l->n++], err);
    snas_free(program);
    snas_free(dir);
    snas_free(log);
    snas_free(result);
    return s;
}

/* Seed by seed, so that what is there after half of the time is half of the seeds of all methods.
 */
static enum snas_status search(const struct plan *p, const struct results *r,
                               const struct runs_options *o, int *failed, struct snas_err *err)
{
    struct list l;
    enum snas_status s = list_begin(&l, p, o, err);
    if (s == SNAS_OK)
        s = make_dir(r->out, "runs", err);
    for (int last = 0; last < 2; last++) {
        for (int i = 0; s == SNAS_OK && i < p->n_seeds; i++)
            for (int e = 0; s == SNAS_OK && e < r->n; e++)
                if (p->methods[r->entries[e].method].last == last)
                    s = add_entry(&l, p, r, e, i, err);
        if (s == SNAS_OK && !last && p->credit)
            s = add_credit(&l, p, r, o, err);
    }
    if (s == SNAS_OK)
        s = snas_jobs_run(l.jobs, l.n, o->at_once, "searches", o->progress, failed, err);
    list_end(&l);
    return s;
}

static enum snas_status add_random(struct list *l, const struct plan *p, const struct results *r,
                                   int seed, const struct runs_options *o, const char *data,
                                   struct snas_err *err)
{
    const char *dir = r->entries[p->scored].runs[seed].dir;
    char count[16], threads[16];
    char *program = snas_job_program("snas-eval", err),
         *log = snas_format(err, "%s.random.log", dir), *result = results_random_path(r, seed, err);
    snprintf(count, sizeof count, "%d", p->n_random);
    snprintf(threads, sizeof threads, "%d", o->threads);
    const char *const argv[] = {program,        dir,      "--random",  count,   "--seed",
                                p->seeds[seed], "--json", "--threads", threads, "--data",
                                data,           NULL};
    enum snas_status s = program && log && result ? SNAS_OK : SNAS_E_NOMEM;
    if (s == SNAS_OK) {
        struct snas_job *job = &l->jobs[l->n++];
        s = snas_job_program_run(argv, result, log, result, job, err);
        job->capture = 1;
    }
    snas_free(program);
    snas_free(log);
    snas_free(result);
    return s;
}

/* Of the runs that are finished. */
static enum snas_status score_random(const struct plan *p, const struct results *r,
                                     const struct runs_options *o, int *failed,
                                     struct snas_err *err)
{
    struct list l;
    const char *all[PLAN_ASSIGNMENTS];
    struct plan_own own;
    struct snas_search_config config;
    if (p->scored < 0)
        return SNAS_OK;
    int n =
        plan_assign(p, &p->methods[p->scored].settings[0], NULL, NULL, NULL, r->extra, &own, all);
    enum snas_status s = snas_search_config_read(p->search, all, n, &config, err);
    if (s != SNAS_OK)
        return s;
    s = list_begin(&l, p, o, err);
    for (int i = 0; s == SNAS_OK && i < p->n_seeds; i++) {
        char *run = snas_path_join(r->entries[p->scored].runs[i].dir, "result.json", err);
        s = run ? SNAS_OK : SNAS_E_NOMEM;
        if (s == SNAS_OK && snas_path_exists(run))
            s = add_random(&l, p, r, i, o, config.data.path, err);
        snas_free(run);
    }
    if (s == SNAS_OK && l.n)
        s = snas_jobs_run(l.jobs, l.n, o->at_once, "random", o->progress, failed, err);
    list_end(&l);
    return s;
}

enum snas_status runs_make(struct plan *plan, struct results *r, const struct runs_options *o,
                           int *failed, struct snas_err *err)
{
    int more[3] = {0};
    enum snas_status s = try_settings(plan, r, o, &more[0], err);
    if (s == SNAS_OK)
        s = runs_choose(plan, r, err);
    if (s == SNAS_OK)
        s = search(plan, r, o, &more[1], err);
    if (s == SNAS_OK)
        s = score_random(plan, r, o, &more[2], err);
    *failed = more[0] + more[1] + more[2];
    return s;
}

enum snas_status runs_list(const struct plan *p, const struct results *r, struct snas_err *err)
{
    for (int k = 0; p->methods[0].n_settings > 1 && k < p->methods[0].n_settings; k++)
        for (int m = 0; m < p->n_methods; m++) {
            char *dir = results_trial_dir(p, r->out, m, k, err);
            if (!dir)
                return SNAS_E_NOMEM;
            puts(dir);
            snas_free(dir);
        }
    for (int last = 0; last < 2; last++)
        for (int i = 0; i < p->n_seeds; i++)
            for (int e = 0; e < r->n; e++)
                if (p->methods[r->entries[e].method].last == last)
                    puts(r->entries[e].runs[i].dir);
    return SNAS_OK;
}

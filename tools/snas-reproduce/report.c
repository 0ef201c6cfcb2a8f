#include "snas-reproduce/report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/mem.h"
#include "report/page.h"
#include "timing/device.h"

static const struct snas_record *any_record(const struct results *r)
{
    for (int e = 0; e < r->n; e++)
        for (int i = 0; i < r->plan->n_seeds; i++)
            if (r->entries[e].runs[i].done)
                return &r->entries[e].runs[i].record;
    return NULL;
}

static int finished(const struct results *r)
{
    int n = 0;
    for (int e = 0; e < r->n; e++)
        for (int i = 0; i < r->plan->n_seeds; i++)
            n += r->entries[e].runs[i].done;
    return n;
}

static void write_head(const struct results *r, struct doc *d)
{
    const struct snas_record *one = any_record(r);
    const int all = r->n * r->plan->n_seeds, done = finished(r);
    char device[128], today[16], command[4096];
    snas_device_name(device, sizeof device);
    snas_today(today, sizeof today);
    doc_heading(d, 1, "The experiment of the SNAS paper, repeated");
    doc_text(d,
             "Experiment %s: %d methods, %d seeds, %d penalty strengths. %s, %s. Written by "
             "tools/reproduce from the runs' own files: no figure below was typed by hand.",
             r->plan->name, r->plan->n_methods, r->plan->n_seeds, r->plan->n_strengths, device,
             today);
    snprintf(command, sizeof command, "tools/reproduce %s", r->plan->path);
    doc_code(d, command);
    if (one)
        doc_text(d,
                 "Data: %s, %lld images held out for validation. Network: space %s, C=%lld, %lld "
                 "cells. Each search: %lld epochs of %lld images, batch %lld.",
                 one->finished ? one->dataset : "?", (long long)one->config.data.held_out,
                 one->space.name, (long long)one->config.network.channels,
                 (long long)one->config.network.layers, (long long)one->config.search.epochs,
                 (long long)one->config.search.images_per_epoch,
                 (long long)one->config.search.batch);
    if (done < all)
        doc_text(d, "%d of %d searches are finished; what follows is of those.", done, all);
}

static enum snas_status write_parts(const struct results *r, const struct claim_result *claims,
                                    int n, struct doc *d, struct snas_err *err)
{
    write_head(r, d);
    claims_write(claims, n, r->plan->n_seeds, d);
    write_methods(r, d);
    write_terms(r, d);
    enum snas_status s = write_curves(r, d, err);
    if (s == SNAS_OK)
        s = write_penalties(r, d, err);
    if (s == SNAS_OK)
        s = write_bias(r, d, err);
    if (s == SNAS_OK)
        s = write_credit(r, d, err);
    write_settings(r, d);
    return s == SNAS_OK ? doc_check(d, err) : s;
}

static json_t *real_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *moments_json(struct snas_moments m)
{
    return json_pack("{s:i, s:o, s:o}", "n", m.n, "mean", real_or_null(m.mean), "sd",
                     real_or_null(m.sd));
}

static json_t *claims_json(const struct claim_result *claims, int n)
{
    json_t *list = json_array();
    for (int i = 0; i < n; i++) {
        json_t *claim = json_pack("{s:s, s:s, s:f, s:s}", "claim", claims[i].text, "measured",
                                  claims[i].quantity, "bound", claims[i].bound, "here",
                                  verdict_names[claims[i].verdict]);
        json_object_set_new(claim, "value", moments_json(claims[i].value));
        json_array_append_new(list, claim);
    }
    return list;
}

static json_t *entries_json(const struct results *r)
{
    json_t *list = json_array();
    for (int e = 0; e < r->n; e++) {
        json_t *entry = json_pack("{s:s, s:s, s:s?}", "label", r->entries[e].label, "method",
                                  r->plan->methods[r->entries[e].method].name, "penalty",
                                  r->entries[e].penalty);
        for (int m = 0; m < METRICS; m++)
            json_object_set_new(entry, metric_names[m],
                                moments_json(results_moments(r, e, (enum metric)m)));
        json_array_append_new(list, entry);
    }
    return list;
}

/* Settings that were tried for each method, with the trial's child and the one that was used. */
static json_t *settings_json(const struct plan *p)
{
    json_t *all = json_object();
    for (int m = 0; m < p->n_methods; m++) {
        const struct plan_method *of = &p->methods[m];
        json_t *list = json_array();
        for (int k = 0; k < of->n_settings; k++) {
            json_t *words = json_array();
            for (int i = 0; i < of->settings[k].n; i++)
                json_array_append_new(words, json_string(of->settings[k].items[i]));
            json_array_append_new(
                list, json_pack("{s:o, s:o, s:b}", "setting", words, "trial_child_accuracy",
                                real_or_null(of->n_settings > 1 ? of->tried[k] : NAN), "used",
                                k == of->chosen));
        }
        json_object_set_new(all, of->name, list);
    }
    return all;
}

static char *json_text(const struct results *r, const struct claim_result *claims, int n,
                       struct snas_err *err)
{
    json_t *root = json_pack("{s:s, s:i, s:i, s:o, s:o, s:o, s:o}", "name", r->plan->name,
                             "finished", finished(r), "searches", r->n * r->plan->n_seeds,
                             "entries", entries_json(r), "random_architecture",
                             moments_json(snas_moments_of(r->random_accuracy, r->plan->n_seeds)),
                             "claims", claims_json(claims, n), "settings", settings_json(r->plan));
    char *text = root ? json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(10)) : NULL;
    json_decref(root);
    if (!text)
        snas_fail(err, SNAS_E_NOMEM, "no memory for report.json");
    return text;
}

static enum snas_status write_page(const struct results *r, const char *path, const struct doc *d,
                                   struct snas_err *err)
{
    char *dirs[(PLAN_METHODS + PLAN_STRENGTHS) * PLAN_SEEDS];
    struct snas_comparison c = {0};
    int n = 0;
    for (int e = 0; e < r->n; e++)
        for (int i = 0; i < r->plan->n_seeds; i++)
            if (r->entries[e].runs[i].done)
                dirs[n++] = r->entries[e].runs[i].dir;
    enum snas_status s = snas_comparison_read(dirs, n, &c, err);
    if (s == SNAS_OK)
        s = snas_page_write(path, r->plan->name, &c, d->html.data, err);
    snas_comparison_clear(&c);
    return s;
}

static enum snas_status write_all(struct results *r, struct doc *d, struct snas_err *err)
{
    struct claim_result claims[CLAIMS];
    const int n = claims_judge(r, claims);
    char *md = snas_path_join(d->dir, "report.md", err), *page = NULL, *json = NULL, *text = NULL;
    page = md ? snas_path_join(d->dir, "report.html", err) : NULL;
    json = page ? snas_path_join(d->dir, "report.json", err) : NULL;
    enum snas_status s = json ? write_parts(r, claims, n, d, err) : SNAS_E_NOMEM;
    if (s == SNAS_OK)
        s = snas_write_file(md, d->markdown.data, d->markdown.n, err);
    if (s == SNAS_OK)
        s = write_page(r, page, d, err);
    if (s == SNAS_OK) {
        text = json_text(r, claims, n, err);
        s = text ? snas_write_file(json, text, strlen(text), err) : SNAS_E_NOMEM;
    }
    if (s == SNAS_OK)
        printf("The report: %s, %s\n", md, page);
    free(text);
    snas_free(json);
    snas_free(page);
    snas_free(md);
    return s;
}

enum snas_status report_write(struct results *r, struct snas_err *err)
{
    struct snas_err picture = {0};
    char *dir = snas_path_join(r->out, "report", err);
    struct doc d = {.dir = dir, .err = &picture};
    enum snas_status s = dir ? snas_make_dirs(dir, err) : SNAS_E_NOMEM;
    if (s == SNAS_OK)
        s = results_read(r, err);
    if (s == SNAS_OK && !finished(r))
        s = snas_fail(err, SNAS_E_STATE, "no search under '%s' is finished: nothing to report",
                      r->out);
    if (s == SNAS_OK)
        s = write_all(r, &d, err);
    if (s != SNAS_OK && picture.code != SNAS_OK)
        snas_fail(err, picture.code, "%s", picture.text);
    doc_clear(&d);
    snas_free(dir);
    return s;
}

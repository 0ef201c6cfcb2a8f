#include "report/record.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/mem.h"
#include "report/picture.h"
#include "report/record_shares.h"
#include "space/child.h"
#include "train/run.h"

#define LIMIT ((size_t)64 << 20) /* of a text file of a run */

static enum snas_status read_text(const char *dir, const char *name, char **text, size_t *size,
                                  char **path, struct snas_err *err)
{
    *path = snas_path_join(dir, name, err);
    return *path ? snas_read_file(*path, LIMIT, text, size, err) : SNAS_E_NOMEM;
}

static int fields(const char *line, const char *end)
{
    int n = 1;
    for (; line < end; line++)
        n += *line == ',';
    return n;
}

static const char *line_end(const char *line)
{
    const char *end = strchr(line, '\n');
    return end ? end : line + strlen(line);
}

static enum snas_status read_header(const char *line, struct snas_record_series *s,
                                    struct snas_err *err)
{
    const char *end = line_end(line);
    s->n_columns = fields(line, end);
    s->names = snas_alloc((size_t)s->n_columns, sizeof *s->names, err);
    if (!s->names)
        return SNAS_E_NOMEM;
    for (int i = 0; i < s->n_columns; i++) {
        size_t n = strcspn(line, ",\n");
        s->names[i] = snas_format(err, "%.*s", (int)n, line);
        if (!s->names[i])
            return SNAS_E_NOMEM;
        line += n + 1;
    }
    return SNAS_OK;
}

static enum snas_status read_row(const char *path, int number, const char *line, const char *end,
                                 struct snas_record_series *s, struct snas_err *err)
{
    double *row = s->values + (size_t)s->n_rows * (size_t)s->n_columns;
    if (fields(line, end) != s->n_columns)
        return snas_fail(err, SNAS_E_FORMAT, "%s:%d: %d fields, the header has %d", path, number,
                         fields(line, end), s->n_columns);
    for (int i = 0; i < s->n_columns; i++) {
        char *after;
        size_t n = strcspn(line, ",\n");
        row[i] = n ? strtod(line, &after) : NAN;
        if (n && after != line + n)
            return snas_fail(err, SNAS_E_FORMAT, "%s:%d: '%.*s' is not a number", path, number,
                             (int)n, line);
        line += n + 1;
    }
    s->n_rows++;
    return SNAS_OK;
}

static enum snas_status parse_series(const char *path, const char *text,
                                     struct snas_record_series *s, struct snas_err *err)
{
    size_t lines = 0;
    for (const char *p = text; (p = strchr(p, '\n')) != NULL; p++)
        lines++;
    if (!*text)
        return snas_fail(err, SNAS_E_FORMAT, "'%s' is empty", path);
    enum snas_status status = read_header(text, s, err);
    if (status == SNAS_OK) {
        s->values = snas_alloc((lines + 1) * (size_t)s->n_columns, sizeof *s->values, err);
        status = s->values ? SNAS_OK : SNAS_E_NOMEM;
    }
    int number = 2;
    for (const char *line = line_end(text); status == SNAS_OK && *line && line[1]; number++) {
        const char *end = line_end(line + 1);
        status = read_row(path, number, line + 1, end, s, err);
        line = end;
    }
    return status;
}

static enum snas_status read_series(const char *dir, const char *name, int optional,
                                    struct snas_record_series *out, struct snas_err *err)
{
    char *text = NULL, *path = snas_path_join(dir, name, err);
    size_t size;
    if (!path)
        return SNAS_E_NOMEM;
    enum snas_status status = SNAS_OK;
    if (!optional || snas_path_exists(path)) {
        status = snas_read_file(path, LIMIT, &text, &size, err);
        if (status == SNAS_OK)
            status = parse_series(path, text, out, err);
    }
    snas_free(text);
    snas_free(path);
    return status;
}

static enum snas_status read_history(struct snas_record *r, struct snas_err *err)
{
    enum snas_status status = SNAS_OK;
    r->history = snas_alloc((size_t)r->series.n_rows + 1, sizeof *r->history, err);
    if (!r->history)
        return SNAS_E_NOMEM;
    for (int e = 0; status == SNAS_OK && e < r->series.n_rows; e++) {
        char *name = snas_format(err, "genotype/epoch-%03d.json", e + 1), *path = NULL,
             *text = NULL;
        size_t size;
        status = name ? read_text(r->dir, name, &text, &size, &path, err) : SNAS_E_NOMEM;
        if (status == SNAS_OK)
            status = snas_genotype_parse(path, text, size, &r->space, &r->history[e], err);
        snas_free(text);
        snas_free(path);
        snas_free(name);
    }
    return status;
}

/* Runs of before costs were recorded by edge have none. */
static enum snas_status read_shares(struct snas_record *r, struct snas_err *err)
{
    if (r->series.n_rows == 0)
        return SNAS_OK;
    char *name = snas_format(err, "alpha/epoch-%03d.csv", r->series.n_rows), *path = NULL,
         *text = NULL;
    size_t size;
    enum snas_status status =
        name ? read_text(r->dir, name, &text, &size, &path, err) : SNAS_E_NOMEM;
    if (status == SNAS_OK)
        status = snas_record_shares_parse(path, text, r, err);
    snas_free(text);
    snas_free(path);
    snas_free(name);
    return status;
}

/* The child file carries the space that was searched; a run without one (unfinished, or its child
 * is disconnected) is read with the space that its configuration names. */
static enum snas_status read_space(struct snas_record *r, struct snas_err *err)
{
    char *path = snas_path_join(r->dir, SNAS_RUN_CHILD, err);
    if (!path)
        return SNAS_E_NOMEM;
    struct snas_child child = {0};
    enum snas_status status;
    if (snas_path_exists(path)) {
        status = snas_child_read(path, &child, err);
        if (status == SNAS_OK)
            r->space = *child.network->space;
        snas_child_clear(&child);
    } else {
        status = snas_space_read(r->config.space, &r->space, err);
    }
    snas_free(path);
    return status;
}

static double number(const json_t *object, const char *key)
{
    const json_t *v = json_object_get(object, key);
    return json_is_number(v) ? json_number_value(v) : NAN;
}

static void totals(const json_t *t, struct snas_totals *out)
{
    out->params = json_integer_value(json_object_get(t, "params"));
    out->conv_params = json_integer_value(json_object_get(t, "conv_params"));
    out->madds = json_integer_value(json_object_get(t, "madds"));
    out->madds_all = json_integer_value(json_object_get(t, "madds_all"));
}

/* Kinds that the network has no cells of are left out, as metrics.csv does. */
static void count_genotype(struct snas_record *r, const json_t *cells)
{
    for (int k = 0; k < r->space.n_kinds; k++) {
        const json_t *n = json_object_get(cells, r->space.kinds[k].name);
        if (!n || json_integer_value(n) > 0)
            snas_genotype_count(&r->space, &r->genotype, k, &r->counts);
        r->depth += n ? (double)json_integer_value(n) *
                            snas_genotype_depth(&r->space.kinds[k], &r->genotype.cells[k])
                      : NAN;
    }
}

static void take_text(const json_t *object, const char *key, char *to, size_t size)
{
    const char *text = json_string_value(json_object_get(object, key));
    snprintf(to, size, "%s", text ? text : "");
}

/* Runs of before there was a choice say nothing of it. */
static void take_choice(struct snas_record *r, const json_t *root)
{
    const json_t *chosen = json_object_get(root, "chosen");
    r->chosen_epoch = (int)json_integer_value(json_object_get(chosen, "epoch"));
    take_text(chosen, "reason", r->chosen, sizeof r->chosen);
    take_text(root, "outcome", r->outcome, sizeof r->outcome);
}

static enum snas_status take_result(struct snas_record *r, const char *path, const json_t *root,
                                    struct snas_err *err)
{
    const json_t *child = json_object_get(root, "child");
    const json_t *hard = json_object_get(root, "hard_samples");
    const char *method = json_string_value(json_object_get(root, "method"));
    const char *dataset = json_string_value(json_object_get(root, "dataset"));
    char *genotype = json_dumps(json_object_get(child, "genotype"), 0);
    if (!method || !dataset || !genotype) {
        free(genotype);
        return snas_fail(err, SNAS_E_FORMAT, "'%s' is not the result of a search", path);
    }
    snprintf(r->method, sizeof r->method, "%s%s", method, snas_search_config_variant(&r->config));
    snprintf(r->dataset, sizeof r->dataset, "%s", dataset);
    r->finished = 1;
    r->connected = json_is_true(json_object_get(child, "connected"));
    r->sampled = number(root, "sampled_accuracy");
    r->hard_mean = number(hard, "mean");
    r->hard_sd = number(hard, "sd");
    r->child_before = number(child, "validation_accuracy_before_estimate");
    r->child = number(child, "validation_accuracy");
    r->test = number(child, "test_accuracy");
    r->entropy_share = number(root, "entropy_share");
    r->margin = number(root, "margin");
    r->epochs = (int)json_integer_value(json_object_get(root, "epochs"));
    r->best_epoch = (int)json_integer_value(json_object_get(root, "best_epoch"));
    r->best_accuracy = number(root, "best_epoch_child_accuracy");
    take_choice(r, root);
    totals(json_object_get(child, "described"), &r->described);
    totals(json_object_get(child, "pruned"), &r->pruned);
    enum snas_status status =
        snas_genotype_parse(path, genotype, strlen(genotype), &r->space, &r->genotype, err);
    free(genotype);
    if (status == SNAS_OK)
        count_genotype(r, json_object_get(root, "cells"));
    return status;
}

static enum snas_status read_result(struct snas_record *r, struct snas_err *err)
{
    char *path = snas_path_join(r->dir, SNAS_RUN_RESULT, err), *text = NULL;
    size_t size;
    json_error_t where;
    if (!path)
        return SNAS_E_NOMEM;
    if (!snas_path_exists(path)) {
        snas_free(path);
        return SNAS_OK;
    }
    enum snas_status status = snas_read_file(path, LIMIT, &text, &size, err);
    if (status == SNAS_OK) {
        json_t *root = json_loadb(text, size, 0, &where);
        status = root ? take_result(r, path, root, err)
                      : snas_fail(err, SNAS_E_FORMAT, "%s:%d:%d: %s", path, where.line,
                                  where.column, where.text);
        json_decref(root);
    }
    snas_free(text);
    snas_free(path);
    return status;
}

static enum snas_status read_all(struct snas_record *r, const char *dir, struct snas_err *err)
{
    r->dir = snas_strdup(dir, err);
    char *config = r->dir ? snas_path_join(dir, SNAS_RUN_CONFIG, err) : NULL;
    if (!config)
        return SNAS_E_NOMEM;
    enum snas_status status =
        snas_path_exists(config)
            ? snas_search_config_read(config, NULL, 0, &r->config, err)
            : snas_fail(err, SNAS_E_STATE, "'%s' holds no " SNAS_RUN_CONFIG ": not a run directory",
                        dir);
    snas_free(config);
    if (status == SNAS_OK)
        status = read_space(r, err);
    if (status == SNAS_OK)
        status = read_series(dir, SNAS_RUN_METRICS, 0, &r->series, err);
    if (status == SNAS_OK)
        status = read_series(dir, SNAS_RUN_BIAS, 1, &r->bias, err);
    if (status == SNAS_OK)
        status = read_series(dir, SNAS_RUN_TIMING, 1, &r->timing, err);
    if (status == SNAS_OK)
        status = read_history(r, err);
    if (status == SNAS_OK)
        status = read_shares(r, err);
    return status == SNAS_OK ? read_result(r, err) : status;
}

enum snas_status snas_record_read(const char *dir, struct snas_record *out, struct snas_err *err)
{
    memset(out, 0, sizeof *out);
    out->sampled = out->hard_mean = out->hard_sd = out->child_before = out->child = out->test =
        out->entropy_share = out->margin = out->best_accuracy = NAN;
    enum snas_status status = read_all(out, dir, err);
    if (status != SNAS_OK)
        snas_record_clear(out);
    return status;
}

static void clear_series(struct snas_record_series *s)
{
    for (int i = 0; s->names && i < s->n_columns; i++)
        snas_free(s->names[i]);
    snas_free(s->names);
    snas_free(s->values);
}

void snas_record_clear(struct snas_record *r)
{
    clear_series(&r->series);
    clear_series(&r->bias);
    clear_series(&r->timing);
    snas_free(r->history);
    snas_free(r->shares);
    snas_free(r->dir);
    memset(r, 0, sizeof *r);
}

double snas_record_series_value(const struct snas_record_series *s, int row, const char *column)
{
    for (int i = 0; i < s->n_columns; i++)
        if (!strcmp(s->names[i], column))
            return s->values[(size_t)row * (size_t)s->n_columns + (size_t)i];
    return NAN;
}

double snas_record_value(const struct snas_record *r, int row, const char *column)
{
    return snas_record_series_value(&r->series, row, column);
}

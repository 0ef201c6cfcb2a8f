#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "snas-eval/eval.h"

enum snas_status tally_init(struct tally *t, int classes, char *const *names, struct snas_err *err)
{
    t->classes = classes;
    t->confusion = snas_alloc((size_t)classes * (size_t)classes, sizeof(*t->confusion), err);
    if (!t->confusion)
        return SNAS_E_NOMEM;
    if (!names)
        return SNAS_OK;
    t->names = snas_alloc((size_t)classes, sizeof(*t->names), err);
    if (!t->names)
        return SNAS_E_NOMEM;
    for (int c = 0; c < classes; c++)
        if (!(t->names[c] = snas_strdup(names[c], err)))
            return SNAS_E_NOMEM;
    return SNAS_OK;
}

void tally_clear(struct tally *t)
{
    for (int c = 0; t->names && c < t->classes; c++)
        snas_free(t->names[c]);
    snas_free(t->names);
    snas_free(t->confusion);
    memset(t, 0, sizeof(*t));
}

void tally_finish(struct tally *t)
{
    t->n = t->correct = 0;
    for (int64_t i = 0; i < (int64_t)t->classes * t->classes; i++) {
        t->n += t->confusion[i];
        if (i / t->classes == i % t->classes)
            t->correct += t->confusion[i];
    }
}

static int64_t row_sum(const struct tally *t, int label)
{
    int64_t sum = 0;
    for (int c = 0; c < t->classes; c++)
        sum += t->confusion[(int64_t)label * t->classes + c];
    return sum;
}

static int64_t column_sum(const struct tally *t, int answer)
{
    int64_t sum = 0;
    for (int c = 0; c < t->classes; c++)
        sum += t->confusion[(int64_t)c * t->classes + answer];
    return sum;
}

static double share(int64_t part, int64_t whole)
{
    return whole ? (double)part / (double)whole : 0;
}

static void print_json(const struct tally *t, const char *title)
{
    json_t *classes = json_array(), *matrix = json_array();
    for (int c = 0; c < t->classes; c++) {
        int64_t hit = t->confusion[(int64_t)c * t->classes + c];
        json_t *row = json_array();
        for (int k = 0; k < t->classes; k++)
            json_array_append_new(row, json_integer(t->confusion[(int64_t)c * t->classes + k]));
        json_array_append_new(matrix, row);
        json_array_append_new(classes, json_pack("{s:i, s:s?, s:I, s:f, s:f}", "class", c, "name",
                                                 t->names ? t->names[c] : NULL, "images",
                                                 (json_int_t)row_sum(t, c), "recall",
                                                 share(hit, row_sum(t, c)), "precision",
                                                 share(hit, column_sum(t, c))));
    }
    json_t *root =
        json_pack("{s:s, s:s, s:s, s:I, s:I, s:f, s:o, s:o}", "model", title, "by", t->how, "data",
                  t->what, "images", (json_int_t)t->n, "correct", (json_int_t)t->correct,
                  "accuracy", share(t->correct, t->n), "classes", classes, "confusion", matrix);
    json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    putchar('\n');
    json_decref(root);
}

void tally_print(const struct tally *t, const char *title, int json)
{
    if (json) {
        print_json(t, title);
        return;
    }
    printf("%s by %s on %s: %.2f%% of %lld images\n\n", title, t->how, t->what,
           100 * share(t->correct, t->n), (long long)t->n);
    printf("  %3s %-20s %8s %8s %10s\n", "", "class", "images", "recall", "precision");
    for (int c = 0; c < t->classes; c++) {
        int64_t hit = t->confusion[(int64_t)c * t->classes + c];
        printf("  %3d %-20s %8lld %7.2f%% %9.2f%%\n", c, t->names ? t->names[c] : "",
               (long long)row_sum(t, c), 100 * share(hit, row_sum(t, c)),
               100 * share(hit, column_sum(t, c)));
    }
    if (t->classes > 20) {
        printf("\n(the confusion matrix of %d classes: --json)\n", t->classes);
        return;
    }
    printf("\n  confusion: a row per true class, a column per answer\n     ");
    for (int c = 0; c < t->classes; c++)
        printf(" %5d", c);
    for (int c = 0; c < t->classes; c++) {
        printf("\n  %3d", c);
        for (int k = 0; k < t->classes; k++)
            printf(" %5lld", (long long)t->confusion[(int64_t)c * t->classes + k]);
    }
    putchar('\n');
}

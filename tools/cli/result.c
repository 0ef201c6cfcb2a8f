#include "cli/result.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/io.h"
#include "base/mem.h"
#include "cli/draw.h"
#include "space/child.h"

static double number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static const char *string(const json_t *object, const char *key)
{
    const char *s = json_string_value(json_object_get(object, key));
    return s ? s : "?";
}

static long long whole(const json_t *object, const char *key)
{
    return (long long)json_integer_value(json_object_get(object, key));
}

static void show_costs(const json_t *child)
{
    static const struct {
        const char *key, *title;
    } rows[] = {{"params", "parameters"}, {"madds", "multiply-adds"}};
    const json_t *described = json_object_get(child, "described");
    const json_t *pruned = json_object_get(child, "pruned");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        printf("  %-18s %lld as searched, %lld after exact pruning\n", rows[i].title,
               whole(described, rows[i].key), whole(pruned, rows[i].key));
}

/* Runs of before there was a choice have the last epoch's child and say nothing. */
static void show_choice(const json_t *root)
{
    const json_t *chosen = json_object_get(root, "chosen");
    const char *reason = json_string_value(json_object_get(chosen, "reason"));
    printf("  %-18s %s\n", "chosen", reason ? reason : "the child of the last epoch");
    if (!strcmp(string(root, "outcome"), "collapsed"))
        printf("  %-18s the search ended early, collapsed to skips and pools\n", "outcome");
}

static void show_result(const char *title, const json_t *root)
{
    const json_t *child = json_object_get(root, "child");
    const json_t *hard = json_object_get(root, "hard_samples");
    const json_t *line;
    size_t i;
    printf("%s: %s on %s, space %s, C=%lld, %lld cells, seed %lld, %lld epochs\n", title,
           string(root, "method"), string(root, "dataset"), string(root, "space"),
           whole(root, "channels"), whole(root, "layers"), whole(root, "seed"),
           whole(root, "epochs"));
    printf("  %-18s %.2f%% sampled, %.2f +- %.2f%% one-hot samples (validation)\n", "search",
           100 * number(root, "sampled_accuracy"), 100 * number(hard, "mean"),
           100 * number(hard, "sd"));
    if (json_is_true(json_object_get(child, "connected"))) {
        printf("  %-18s %.2f%%, %.2f%% with batch norm re-estimated (validation)\n", "child",
               100 * number(child, "validation_accuracy_before_estimate"),
               100 * number(child, "validation_accuracy"));
        printf("  %-18s %.2f%% without retraining\n", "child, test images",
               100 * number(child, "test_accuracy"));
    }
    printf("  %-18s entropy %.0f%% of uniform, margin %.2f between an edge's first two ops\n",
           "decision", 100 * number(root, "entropy_share"), number(root, "margin"));
    printf("  %-18s %lld (argmax with shared weights and batch statistics: %.2f%%)\n", "best epoch",
           whole(root, "best_epoch"), 100 * number(root, "best_epoch_child_accuracy"));
    show_choice(root);
    show_costs(child);
    json_array_foreach(json_object_get(root, "warnings"), i, line) if (json_is_string(line))
        printf("  warning: %s\n", json_string_value(line));
}

/* The cells, from the child file: it carries its space. */
static enum snas_status show_cells(const char *path, struct snas_err *err)
{
    struct snas_child child = {0};
    enum snas_status s = snas_child_read(path, &child, err);
    if (s != SNAS_OK)
        return s;
    int used[SNAS_MAX_KINDS] = {0};
    for (int i = 0; i < child.network->n_cells; i++)
        used[child.network->cells[i].kind] = 1;
    snas_draw_genotype(child.network->space, child.network->genotype, used, stdout);
    snas_child_clear(&child);
    return SNAS_OK;
}

enum snas_status snas_result_print(const char *title, const char *result, const char *child,
                                   int json, struct snas_err *err)
{
    char *text = NULL;
    size_t size;
    json_error_t where;
    enum snas_status s = snas_read_file(result, (size_t)64 << 20, &text, &size, err);
    json_t *root = s == SNAS_OK ? json_loadb(text, size, 0, &where) : NULL;
    if (s == SNAS_OK && !root)
        s = snas_fail(err, SNAS_E_FORMAT, "%s:%d:%d: %s", result, where.line, where.column,
                      where.text);
    if (s == SNAS_OK && (!json_is_string(json_object_get(root, "method")) ||
                         !json_is_object(json_object_get(root, "child"))))
        s = snas_fail(err, SNAS_E_FORMAT, "'%s' is not the result of a search", result);
    if (s == SNAS_OK && json) {
        fwrite(text, 1, size, stdout);
    } else if (s == SNAS_OK) {
        show_result(title, root);
        if (snas_path_exists(child))
            s = show_cells(child, err);
    }
    if (s == SNAS_OK && (fflush(stdout) != 0 || ferror(stdout)))
        s = snas_fail(err, SNAS_E_IO, "cannot write the output");
    snas_free(text);
    json_decref(root);
    return s;
}

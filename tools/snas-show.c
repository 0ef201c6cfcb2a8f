/* snas-show: what a finished run found, from the files of its directory. */
#include <jansson.h>

#include "base/io.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/draw.h"
#include "space/child.h"
#include "train/run.h"

static int as_json;

static const struct snas_option options[] = {
    {"json", 0, NULL, SNAS_OPT_FLAG, &as_json, 0, 0, "the run's result.json as it is"},
};
static const struct snas_command command = {
    .name = "snas-show",
    .summary = "shows what a finished search found: accuracies, costs, the child's cells",
    .operands = "[RUN]",
    .max_operands = 1,
    .details = "RUN is a run directory; without it, the latest run (" SNAS_RUN_LATEST ").",
    .options = options,
    .n_options = sizeof options / sizeof *options,
};

static enum snas_status read_result(const char *run, char **text, json_t **root,
                                    struct snas_err *err)
{
    size_t size;
    char *path = snas_path_join(run, SNAS_RUN_RESULT, err);
    if (!path)
        return SNAS_E_NOMEM;
    enum snas_status s = SNAS_OK;
    if (!snas_path_exists(run))
        s = snas_fail(err, SNAS_E_IO, "no run directory '%s'", run);
    else if (!snas_path_exists(path))
        s = snas_fail(err, SNAS_E_STATE,
                      "'%s' holds no %s: not a run directory, or its search is not finished "
                      "(snas-search --resume goes on with it)",
                      run, SNAS_RUN_RESULT);
    if (s == SNAS_OK)
        s = snas_read_file(path, (size_t)64 << 20, text, &size, err);
    json_error_t where;
    if (s == SNAS_OK && !(*root = json_loads(*text, 0, &where)))
        s = snas_fail(err, SNAS_E_FORMAT, "%s:%d:%d: %s", path, where.line, where.column,
                      where.text);
    snas_free(path);
    return s;
}

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

static void show_result(const char *run, const json_t *root)
{
    const json_t *child = json_object_get(root, "child");
    const json_t *hard = json_object_get(root, "hard_samples");
    const json_t *line;
    size_t i;
    printf("%s: %s on %s, space %s, C=%lld, %lld cells, seed %lld, %lld epochs\n", run,
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
    show_costs(child);
    json_array_foreach(json_object_get(root, "warnings"), i, line)
        printf("  warning: %s\n", json_string_value(line));
}

/* The cells, from the child file: it carries its space. A disconnected child has none. */
static enum snas_status show_cells(const char *run, struct snas_err *err)
{
    struct snas_child child = {0};
    char *path = snas_path_join(run, SNAS_RUN_CHILD, err);
    if (!path)
        return SNAS_E_NOMEM;
    enum snas_status s = SNAS_OK;
    if (snas_path_exists(path)) {
        s = snas_child_read(path, &child, err);
        if (s == SNAS_OK) {
            int used[SNAS_MAX_KINDS] = {0};
            for (int i = 0; i < child.network->n_cells; i++)
                used[child.network->cells[i].kind] = 1;
            snas_draw_genotype(child.network->space, child.network->genotype, used, stdout);
            snas_child_clear(&child);
        }
    }
    snas_free(path);
    return s;
}

int main(int argc, char **argv)
{
    struct snas_err err = {0};
    char *text = NULL;
    json_t *root = NULL;
    int first, end = snas_cli_parse(&command, argc, argv, &first);
    if (end >= 0)
        return end;
    const char *run = first < argc ? argv[first] : SNAS_RUN_LATEST;
    enum snas_status s = read_result(run, &text, &root, &err);
    if (s == SNAS_OK && as_json) {
        printf("%s\n", text);
    } else if (s == SNAS_OK) {
        show_result(run, root);
        s = show_cells(run, &err);
    }
    if (s == SNAS_OK && (fflush(stdout) != 0 || ferror(stdout)))
        s = snas_fail(&err, SNAS_E_IO, "cannot write the output");
    snas_free(text);
    json_decref(root);
    return s == SNAS_OK ? SNAS_EXIT_OK : snas_cli_fail(&command, &err);
}

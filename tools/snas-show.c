/* snas-show: what a finished run found, from the files of its directory. */
#include "base/io.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/result.h"
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

static enum snas_status show(const char *run, const char *result, const char *child,
                             struct snas_err *err)
{
    if (!result || !child)
        return SNAS_E_NOMEM;
    if (!snas_path_exists(run))
        return snas_fail(err, SNAS_E_IO, "no run directory '%s'", run);
    if (!snas_path_exists(result))
        return snas_fail(err, SNAS_E_STATE,
                         "'%s' holds no " SNAS_RUN_RESULT
                         ": not a run directory, or its search is not finished "
                         "(snas-search --resume goes on with it)",
                         run);
    return snas_result_print(run, result, child, as_json, err);
}

int main(int argc, char **argv)
{
    struct snas_err err = {0};
    int first, end = snas_cli_parse(&command, argc, argv, &first);
    if (end >= 0)
        return end;
    const char *run = first < argc ? argv[first] : SNAS_RUN_LATEST;
    char *result = snas_path_join(run, SNAS_RUN_RESULT, &err);
    char *child = snas_path_join(run, SNAS_RUN_CHILD, &err);
    enum snas_status s = show(run, result, child, &err);
    snas_free(result);
    snas_free(child);
    return s == SNAS_OK ? SNAS_EXIT_OK : snas_cli_fail(&command, &err);
}

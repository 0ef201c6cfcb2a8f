/* snas-eval: accuracy, per class and confusion, of a run's child, a genotype, or an ONNX file. */
#include <stdio.h>
#include <string.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/threads.h"
#include "cli/cli.h"
#include "snas-eval/eval.h"
#include "train/run.h"

static struct {
    const char *data, *split, *genotype;
    int64_t random, seed, threads;
    int json, within_budget;
} args = {.random = 0, .seed = 1};

static const struct snas_option options[] = {
    {"data", 'd', "DIR", SNAS_OPT_STRING, &args.data, 0, 0,
     "the data set (default: /usr/share/datasets/fashion-mnist)"},
    {"split", 0, "PART", SNAS_OPT_STRING, &args.split, 0, 0,
     "test, train, or (with --genotype) validation, the run's held-out part; default: test, and "
     "validation with --genotype"},
    {"genotype", 'g', "G", SNAS_OPT_STRING, &args.genotype, 0, 0,
     "score this genotype (a file or a shipped name) with the run's shared weights, batch norm "
     "re-estimated for it"},
    {"random", 0, "N", SNAS_OPT_INT, &args.random, 1, 100000,
     "score the run's child and N random genotypes in the same way, on the validation part"},
    {"within-budget", 'b', NULL, SNAS_OPT_FLAG, &args.within_budget, 0, 0,
     "with --random: only genotypes that are within the budgets of the run's configuration"},
    {"seed", 0, "N", SNAS_OPT_INT, &args.seed, 0, 9e15, "of the random genotypes (default 1)"},
    {"threads", 't', "N", SNAS_OPT_INT, &args.threads, 0, 4096, "0: all cores (default)"},
    {"json", 0, NULL, SNAS_OPT_FLAG, &args.json, 0, 0, "print JSON"},
};

static const struct snas_command command = {
    .name = "snas-eval",
    .summary = "accuracy, per class and confusion matrix, of a searched network",
    .operands = "RUN|CHILD.safetensors|MODEL.onnx",
    .min_operands = 1,
    .max_operands = 1,
    .details = "A run directory or a child file is evaluated by the engine, an ONNX file by ONNX "
               "Runtime,\n"
               "or by OpenCV where that is missing.\n"
               "\n"
               "Examples:\n"
               "  snas-eval runs/fashion-mnist\n"
               "  snas-eval model.onnx --data /usr/share/datasets/fashion-mnist\n"
               "  snas-eval runs/fashion-mnist --genotype DARTS_V2\n"
               "  snas-eval runs/fashion-mnist --random 20",
    .options = options,
    .n_options = sizeof options / sizeof *options,
};

static enum snas_status eval_run(const char *dir, const struct request *r, struct tally *out,
                                 struct snas_err *err)
{
    char *path = snas_path_join(dir, SNAS_RUN_CHILD, err);
    enum snas_status s = path ? SNAS_OK : SNAS_E_NOMEM;
    if (s == SNAS_OK && !snas_path_exists(path))
        s = snas_fail(err, SNAS_E_STATE,
                      "'%s' has no " SNAS_RUN_CHILD
                      ": not a run directory, its search is not finished, or the child is "
                      "disconnected",
                      dir);
    if (s == SNAS_OK)
        s = eval_child(path, r, out, err);
    snas_free(path);
    return s;
}

static enum snas_status evaluate(const char *what, const struct request *r, struct tally *out,
                                 struct snas_err *err)
{
    const char *dot = strrchr(what, '.');
    if (args.genotype)
        return eval_genotype(what, args.genotype, r, out, err);
    if (snas_path_is_directory(what))
        return eval_run(what, r, out, err);
    if (!snas_path_exists(what))
        return snas_fail(err, SNAS_E_IO, "no file or run directory '%s'", what);
    if (dot && !strcmp(dot, ".safetensors"))
        return eval_child(what, r, out, err);
    return eval_onnx(what, r, out, err);
}

int main(int argc, char **argv)
{
    struct snas_err err = {0};
    struct tally tally = {0};
    int first, end = snas_cli_parse(&command, argc, argv, &first);
    if (end >= 0)
        return end;
    const char *what = argv[first];
    if (args.random && (args.genotype || args.split))
        return snas_cli_usage(&command, "--random takes neither --genotype nor --split");
    if (args.split && strcmp(args.split, "test") != 0 && strcmp(args.split, "train") != 0 &&
        strcmp(args.split, "validation") != 0)
        return snas_cli_usage(&command, "--split is test, train or validation, not '%s'",
                              args.split);
    if (args.within_budget && !args.random)
        return snas_cli_usage(&command, "--within-budget is for --random");
    snas_threads_init();
    const struct request r = {.data = args.data,
                              .split = args.split,
                              .threads =
                                  (int)(args.threads ? args.threads : snas_threads_available()),
                              .json = args.json,
                              .within_budget = args.within_budget};
    enum snas_status s = SNAS_OK;
    if (args.random) {
        s = eval_random(what, (int)args.random, (uint64_t)args.seed, &r, &err);
    } else {
        s = evaluate(what, &r, &tally, &err);
        if (s == SNAS_OK)
            tally_print(&tally, what, args.json);
    }
    tally_clear(&tally);
    if (s == SNAS_OK && (fflush(stdout) != 0 || ferror(stdout)))
        s = snas_fail(&err, SNAS_E_IO, "cannot write the output");
    return s == SNAS_OK ? SNAS_EXIT_OK : snas_cli_fail(&command, &err);
}

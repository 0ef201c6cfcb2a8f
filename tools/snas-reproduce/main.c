/* snas-reproduce: the experiment of the SNAS paper at a scale that a file says, and its report. */
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/threads.h"
#include "cli/cli.h"
#include "snas-reproduce/plot.h"
#include "snas-reproduce/report.h"
#include "snas-reproduce/runs.h"

static struct {
    struct snas_list set;
    const char *out;
    int64_t jobs;
    int report, dry_run, quiet;
} args;

static const struct snas_option options[] = {
    {"out", 'o', "DIR", SNAS_OPT_STRING, &args.out, 0, 0,
     "directory of the runs and the report (default runs/reproduce-NAME)"},
    {"jobs", 'j', "N", SNAS_OPT_INT, &args.jobs, 0, 1024,
     "searches at a time, which share the cores (default: one a core)"},
    {"set", 's', "KEY=VALUE", SNAS_OPT_LIST, &args.set, 0, 0,
     "override a key of the configuration in every search: data.path=DIR"},
    {"report", 'r', NULL, SNAS_OPT_FLAG, &args.report, 0, 0,
     "run nothing: report of what is finished"},
    {"dry-run", 'n', NULL, SNAS_OPT_FLAG, &args.dry_run, 0, 0, "list the searches and end"},
    {"quiet", 'q', NULL, SNAS_OPT_FLAG, &args.quiet, 0, 0, "no progress"},
};
static const struct snas_command command = {
    .name = "snas-reproduce",
    .summary = "the experiment of the SNAS paper, at a scale that a file says, and its report",
    .operands = "EXPERIMENT",
    .min_operands = 1,
    .max_operands = 1,
    .details = "EXPERIMENT names the methods, settings, seeds and penalties (configs/reproduce). "
               "Every search\n"
               "is a run directory under --out, as snas-search makes it, with its messages in a "
               ".log beside\n"
               "it. What is finished is not run again: the same command goes on with an experiment "
               "that was\n"
               "stopped (Ctrl-C, a full disk, a lost machine), or adds to one whose file has "
               "grown. At the\n"
               "end DIR/report holds report.md, its pictures, report.html and report.json: every "
               "claim with\n"
               "what was measured here (docs/reproduce.md).\n"
               "\n"
               "Examples:\n"
               "  snas-reproduce configs/reproduce/fashion-mnist.yaml\n"
               "  snas-reproduce configs/reproduce/fashion-mnist.yaml --report",
    .options = options,
    .n_options = sizeof options / sizeof *options,
};

static enum snas_status make(struct plan *plan, struct results *r, int *failed,
                             struct snas_err *err)
{
    const int cores = snas_threads_available(), at_once = args.jobs ? (int)args.jobs : cores;
    const struct snas_progress_options shown = {.stream = args.quiet ? NULL : stderr,
                                                .line_every = 30};
    enum snas_status s = snas_make_dirs(r->out, err);
    if (s != SNAS_OK)
        return s;
    snas_cli_catch_signals();
    struct snas_progress *progress = snas_progress_create(&shown);
    const struct runs_options o = {at_once, cores / at_once > 1 ? cores / at_once : 1, progress};
    s = runs_make(plan, r, &o, failed, err);
    snas_progress_destroy(progress);
    return s;
}

static enum snas_status reproduce(const char *file, struct plan *plan, struct results *r,
                                  int *failed, struct snas_err *err)
{
    enum snas_status s = plan_read(file, &args.set, plan, err);
    char *out = s != SNAS_OK ? NULL
                : args.out   ? snas_strdup(args.out, err)
                             : snas_format(err, "runs/reproduce-%s", plan->name);
    if (s == SNAS_OK)
        s = out ? results_name(plan, &args.set, out, r, err) : SNAS_E_NOMEM;
    if (s == SNAS_OK && args.dry_run) {
        s = runs_list(plan, r, err);
    } else if (s == SNAS_OK) {
        s = plot_possible(err); /* before hours of searches, not after */
        if (s == SNAS_OK)
            s = args.report ? runs_choose(plan, r, err) : make(plan, r, failed, err);
        if (s == SNAS_OK)
            s = report_write(r, err);
    }
    results_clear(r);
    snas_free(out);
    return s;
}

int main(int argc, char **argv)
{
    struct snas_err err = {0};
    int failed = 0, first, end = snas_cli_parse(&command, argc, argv, &first);
    if (end >= 0)
        return end;
    struct plan *plan = snas_alloc(1, sizeof *plan, &err);
    struct results *r = snas_alloc(1, sizeof *r, &err);
    enum snas_status s = plan && r ? reproduce(argv[first], plan, r, &failed, &err) : SNAS_E_NOMEM;
    if (plan)
        plan_clear(plan);
    snas_free(r);
    snas_free(plan);
    if (s == SNAS_E_INTERRUPTED) {
        snas_cli_fail(&command, &err);
        fputs("to go on: the same command\n", stderr);
        return 128 + snas_cli_signal;
    }
    if (s != SNAS_OK)
        return snas_cli_fail(&command, &err);
    if (failed)
        fprintf(stderr, "snas-reproduce: %d run%s failed; the same command tries them again\n",
                failed, failed == 1 ? "" : "s");
    return failed ? SNAS_EXIT_FAILED : SNAS_EXIT_OK;
}

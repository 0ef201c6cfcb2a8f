/* snas-compare: runs side by side, in one table, and against bounds. */
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/threads.h"
#include "cli/cli.h"
#include "report/page.h"
#include "report/table.h"
#include "snas-compare/check.h"
#include "timing/children.h"
#include "train/run.h"

static struct {
    const char *format, *check, *html, *runtime;
    int latency;
    int64_t threads, rounds, runs;
} args = {.format = "text", .threads = 1, .rounds = 15, .runs = 20};

static const struct snas_option options[] = {
    {"format", 'f', "FORMAT", SNAS_OPT_STRING, &args.format, 0, 0,
     "text (default), markdown, csv or json"},
    {"html", 0, "FILE", SNAS_OPT_STRING, &args.html, 0, 0,
     "also write one self-contained page: plots, cells, curves"},
    {"latency", 'l', NULL, SNAS_OPT_FLAG, &args.latency, 0, 0,
     "measure each run's exported child where that has not been done in the same way, and keep it "
     "in the run directory (" SNAS_RUN_LATENCY ")"},
    {"runtime", 0, "NAME", SNAS_OPT_STRING, &args.runtime, 0, 0,
     "with --latency: ort or engine (default ort where it is here)"},
    {"threads", 't', "N", SNAS_OPT_INT, &args.threads, 1, 256,
     "with --latency: threads of the runtime (default 1)"},
    {"rounds", 0, "N", SNAS_OPT_INT, &args.rounds, 1, 10000,
     "with --latency: turns that each child gets (default 15)"},
    {"runs", 0, "N", SNAS_OPT_INT, &args.runs, 1, 10000,
     "with --latency: runs in a turn, behind 5 that are not kept (default 20)"},
    {"check", 0, "BOUNDS.yaml", SNAS_OPT_STRING, &args.check, 0, 0,
     "end with 1 when a run breaks a bound, and say which"},
};

static const struct snas_command command = {
    .name = "snas-compare",
    .summary = "runs side by side: accuracies, decisions, costs; means over seeds, differences",
    .operands = "RUN...",
    .min_operands = 1,
    .max_operands = 10000,
    .details =
        "Runs of one configuration with other seeds are a group: its mean and standard deviation\n"
        "are shown, and the differences to the first run's group, seed by seed. A directory that\n"
        "comes twice (runs/latest, by its own name too) is one run.\n"
        "\n"
        "Latency and bytes are those of the exported model. --latency measures them, the runs in\n"
        "turns; without it the table shows what was measured before.\n"
        "\n"
        "A file of bounds holds any of\n"
        "  max: {params: 300k, madds: 40M, latency_ms: 2.0, bytes: 2M, entropy_share: 0.3}\n"
        "  min: {test_accuracy: 0.88, child_accuracy: 0.87}\n"
        "\n"
        "Examples:\n"
        "  snas-compare runs/mild runs/moderate runs/aggressive\n"
        "  snas-compare runs/sweep/* --format csv > sweep.csv\n"
        "  snas-compare runs/sweep/* --html report.html\n"
        "  snas-compare runs/sweep/* --latency\n"
        "  snas-compare runs/latest --check bounds.yaml",
    .options = options,
    .n_options = sizeof options / sizeof *options,
};

static enum snas_status print(const struct snas_comparison *c, struct snas_err *err)
{
    if (!strcmp(args.format, "csv"))
        snas_table_csv(c, stdout);
    else if (!strcmp(args.format, "markdown"))
        snas_table_markdown(c, stdout);
    else if (!strcmp(args.format, "json"))
        return snas_table_json(c, stdout, err);
    else
        snas_table_text(c, stdout);
    return SNAS_OK;
}

static int known_format(void)
{
    static const char *const formats[] = {"text", "markdown", "csv", "json"};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (!strcmp(args.format, formats[i]))
            return 1;
    return 0;
}

/* Leaves out a directory that came already, by whatever path: a run counted twice would be two of a
 * mean. *left is how many stay, and so does what cannot be looked at. */
static enum snas_status distinct(char **dirs, int n, int *left, struct snas_err *err)
{
    struct stat *seen = snas_alloc((size_t)n, sizeof *seen, err);
    *left = 0;
    if (!seen)
        return SNAS_E_NOMEM;
    for (int i = 0; i < n; i++) {
        int known = stat(dirs[i], &seen[*left]) == 0, same = 0;
        if (!known)
            seen[*left] = (struct stat){0};
        while (same < *left && !(known && seen[same].st_ino == seen[*left].st_ino &&
                                 seen[same].st_dev == seen[*left].st_dev))
            same++;
        if (same < *left)
            fprintf(stderr, "warning: '%s' is the run '%s' again: it counts once\n", dirs[i],
                    dirs[same]);
        else
            dirs[(*left)++] = dirs[i];
    }
    snas_free(seen);
    return SNAS_OK;
}

static int has_child(const char *dir)
{
    char *path = snas_path_join(dir, SNAS_RUN_CHILD, NULL);
    int there = path && snas_path_exists(path);
    snas_free(path);
    return there;
}

/* Of those that have a child; what is no run is left to the comparison to tell. */
static enum snas_status measure(char *const *dirs, int n, struct snas_err *err)
{
    const struct snas_children_options o = {.runtime = args.runtime,
                                            .threads = (int)args.threads,
                                            .rounds = (int)args.rounds,
                                            .runs = (int)args.runs};
    const char **timed = snas_alloc((size_t)n, sizeof *timed, err);
    int m = 0;
    if (!timed)
        return SNAS_E_NOMEM;
    for (int i = 0; i < n; i++)
        if (has_child(dirs[i]))
            timed[m++] = dirs[i];
    enum snas_status s = m ? snas_children_time(timed, m, &o, NULL, err) : SNAS_OK;
    snas_free(timed);
    return s;
}

int main(int argc, char **argv)
{
    struct snas_err err = {0};
    struct snas_comparison c;
    int violations = 0, first, n = 0, end = snas_cli_parse(&command, argc, argv, &first);
    if (end >= 0)
        return end;
    if (!known_format())
        return snas_cli_usage(&command, "--format takes text, markdown, csv or json, not '%s'",
                              args.format);
    enum snas_status s = distinct(argv + first, argc - first, &n, &err);
    if (s == SNAS_OK && args.latency) {
        snas_threads_init();
        snas_cli_catch_signals();
        s = measure(argv + first, n, &err);
    }
    if (s == SNAS_OK)
        s = snas_comparison_read(argv + first, n, &c, &err);
    if (s != SNAS_OK) {
        int code = snas_cli_fail(&command, &err);
        return s == SNAS_E_INTERRUPTED ? 128 + snas_cli_signal : code;
    }
    s = print(&c, &err);
    if (s == SNAS_OK && args.html)
        s = snas_page_write(args.html, "Comparison of searches", &c, NULL, &err);
    if (s == SNAS_OK && args.check)
        s = compare_check(&c, args.check, &violations, stderr, &err);
    if (s == SNAS_OK && (fflush(stdout) != 0 || ferror(stdout)))
        s = snas_fail(&err, SNAS_E_IO, "cannot write the output");
    snas_comparison_clear(&c);
    if (s != SNAS_OK)
        return snas_cli_fail(&command, &err);
    return violations ? SNAS_EXIT_FAILED : SNAS_EXIT_OK;
}

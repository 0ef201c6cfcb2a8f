/* snas-sweep: many searches of one configuration, and their comparison. */
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/threads.h"
#include "cli/cli.h"
#include "jobs/jobs.h"
#include "report/page.h"
#include "report/table.h"
#include "snas-sweep/sweep.h"
#include "train/config.h"

static struct {
    struct snas_list set;
    const char *penalties, *seeds, *methods, *out;
    int64_t jobs, threads;
    int dry_run, quiet;
} args = {.penalties = "0", .seeds = "1", .methods = "snas,random", .jobs = 1};

static const struct snas_option options[] = {
    {"penalty", 'p', "LIST", SNAS_OPT_STRING, &args.penalties, 0, 0,
     "penalty strengths: 0,0.1,0.3,1, or presets: 0,mild,moderate (default 0)"},
    {"seeds", 0, "LIST", SNAS_OPT_STRING, &args.seeds, 0, 0, "seeds: 1,2,3 (default 1)"},
    {"method", 'm', "LIST", SNAS_OPT_STRING, &args.methods, 0, 0,
     "search methods: snas, dsnas, darts, darts-first, darts-second, darts-single, enas, random "
     "(default snas,random: what a gradient is worth shows beside random search, which --method "
     "snas leaves out; darts: of the configuration's order); enas and random run once a seed, "
     "without penalty"},
    {"set", 's', "KEY=VALUE", SNAS_OPT_LIST, &args.set, 0, 0,
     "override a key of the configuration in every run"},
    {"out", 'o', "DIR", SNAS_OPT_STRING, &args.out, 0, 0,
     "directory of the runs (default runs/NAME-sweep)"},
    {"jobs", 'j', "N", SNAS_OPT_INT, &args.jobs, 1, 1024,
     "searches at a time, which share the threads (default 1)"},
    {"threads", 't', "N", SNAS_OPT_INT, &args.threads, 0, 4096,
     "threads of all searches together (default all cores); changes no result"},
    {"dry-run", 'n', NULL, SNAS_OPT_FLAG, &args.dry_run, 0, 0, "list the runs and end"},
    {"quiet", 'q', NULL, SNAS_OPT_FLAG, &args.quiet, 0, 0, "no progress"},
};
static const struct snas_command command = {
    .name = "snas-sweep",
    .summary = "searches over penalty strengths, methods and seeds, side by side",
    .operands = "CONFIG",
    .min_operands = 1,
    .max_operands = 1,
    .details =
        "Every run is a directory under --out, as snas-search makes it, with its messages in a\n"
        ".log beside it. The same command goes on with a sweep that was stopped, or adds runs to\n"
        "it. At the end the runs are compared: comparison.csv, comparison.md and report.html in\n"
        "the directory (the page where its script is; see snas-compare).\n"
        "\n"
        "Examples:\n"
        "  snas-sweep configs/search/fashion-mnist.yaml --penalty 0,0.1,0.3,1 --seeds 1,2,3\n"
        "  snas-sweep configs/search/fashion-mnist.yaml --penalty 0,mild,moderate,aggressive\n"
        "  snas-sweep configs/search/smoke.yaml --seeds 1,2 --jobs 2\n"
        "  snas-sweep configs/search/smoke.yaml --method snas,darts,darts-second",
    .options = options,
    .n_options = sizeof options / sizeof *options,
};

/* What the searches share, then what is the run's own; the number of them. */
static int assign(const struct sweep *s, const struct run *r, const char *all[])
{
    int n = s->n_set + r->n_assignments;
    memcpy(all, s->set, (size_t)s->n_set * sizeof *all);
    for (int a = s->n_set; a < n; a++)
        all[a] = r->assignments[a - s->n_set];
    return n;
}

/* Every run's configuration is read before the first run starts: a mistake shows at once. */
static enum snas_status check_configs(struct sweep *s, struct snas_err *err)
{
    const char *all[SNAS_LIST_MAX + SWEEP_ASSIGNMENTS];
    enum snas_status status = SNAS_OK;
    for (int i = 0; status == SNAS_OK && i < s->n; i++) {
        struct snas_search_config config;
        int n = assign(s, &s->runs[i], all);
        status = snas_search_config_read(s->config, all, n, &config, err);
        s->epochs = (int)config.search.epochs;
    }
    return status;
}

static enum snas_status run_all(struct sweep *s, struct snas_progress *progress, int *failed,
                                struct snas_err *err)
{
    const int all_threads = args.threads ? (int)args.threads : snas_threads_available();
    const int at_once = (int)args.jobs, threads = all_threads / at_once;
    const char *all[SNAS_LIST_MAX + SWEEP_ASSIGNMENTS];
    char *program = snas_job_program("snas-search", err);
    const struct snas_job_searches of = {.program = program,
                                         .config = s->config,
                                         .threads = threads > 1 ? threads : 1,
                                         .epochs = s->epochs};
    struct snas_job *jobs = program ? snas_alloc((size_t)s->n, sizeof *jobs, err) : NULL;
    enum snas_status status = jobs ? SNAS_OK : program ? SNAS_E_NOMEM : SNAS_E_IO;
    for (int i = 0; status == SNAS_OK && i < s->n; i++) {
        int n = assign(s, &s->runs[i], all);
        status = snas_job_search(&of, s->runs[i].dir, all, n, &jobs[i], err);
    }
    if (status == SNAS_OK)
        status = snas_jobs_run(jobs, s->n, at_once, "sweep", progress, failed, err);
    for (int i = 0; jobs && i < s->n; i++) {
        s->runs[i].done = jobs[i].state == SNAS_JOB_DONE;
        snas_job_clear(&jobs[i]);
    }
    snas_free(jobs);
    snas_free(program);
    return status;
}

static enum snas_status write_file(const struct snas_comparison *c, const char *dir,
                                   const char *name,
                                   void (*print)(const struct snas_comparison *, FILE *),
                                   struct snas_err *err)
{
    char *path = snas_path_join(dir, name, err), *text = NULL;
    size_t size = 0;
    FILE *out = path ? open_memstream(&text, &size) : NULL;
    enum snas_status s = out ? SNAS_OK : SNAS_E_NOMEM;
    if (out) {
        print(c, out);
        if (fclose(out) != 0)
            s = snas_fail(err, SNAS_E_NOMEM, "no memory for %s", name);
    }
    if (s == SNAS_OK)
        s = snas_write_file(path, text, size, err);
    free(text);
    snas_free(path);
    return s;
}

static enum snas_status write_page(const struct snas_comparison *c, const char *dir,
                                   struct snas_err *err)
{
    struct snas_err why = {0};
    char *path = snas_path_join(dir, "report.html", err);
    enum snas_status s = path ? snas_page_write(path, dir, c, NULL, &why) : SNAS_E_NOMEM;
    if (s == SNAS_E_UNSUPPORTED) {
        fprintf(stderr, "no report.html: %s\n", why.text);
        s = SNAS_OK;
    } else if (s != SNAS_OK && path) {
        snas_fail(err, s, "%s", why.text);
    } else if (s == SNAS_OK) {
        printf("\nThe page: %s\n", path);
    }
    snas_free(path);
    return s;
}

static enum snas_status compare(const struct sweep *sweep, struct snas_err *err)
{
    struct snas_comparison c;
    char **dirs = snas_alloc((size_t)sweep->n, sizeof *dirs, err);
    int n = 0;
    if (!dirs)
        return SNAS_E_NOMEM;
    for (int i = 0; i < sweep->n; i++)
        if (sweep->runs[i].done)
            dirs[n++] = sweep->runs[i].dir;
    enum snas_status s = n ? snas_comparison_read(dirs, n, &c, err) : SNAS_OK;
    snas_free(dirs);
    if (s != SNAS_OK || n == 0)
        return s;
    snas_table_text(&c, stdout);
    s = write_file(&c, sweep->out, "comparison.csv", snas_table_csv, err);
    if (s == SNAS_OK)
        s = write_file(&c, sweep->out, "comparison.md", snas_table_markdown, err);
    if (s == SNAS_OK)
        s = write_page(&c, sweep->out, err);
    snas_comparison_clear(&c);
    return s;
}

static enum snas_status sweep(struct sweep *s, int *failed, struct snas_err *err)
{
    const struct snas_progress_options shown = {.stream = args.quiet ? NULL : stderr};
    enum snas_status status = sweep_plan(args.methods, args.penalties, args.seeds, s, err);
    if (status == SNAS_OK)
        status = check_configs(s, err);
    if (status == SNAS_OK && args.dry_run) {
        for (int i = 0; i < s->n; i++)
            puts(s->runs[i].dir);
        return SNAS_OK;
    }
    if (status == SNAS_OK)
        status = snas_make_dirs(s->out, err);
    if (status != SNAS_OK)
        return status;
    snas_cli_catch_signals();
    struct snas_progress *progress = snas_progress_create(&shown);
    status = run_all(s, progress, failed, err);
    snas_progress_destroy(progress);
    return status == SNAS_OK ? compare(s, err) : status;
}

/* The configuration's name, for the default directory. */
static char *default_out(const char *config_name, struct snas_err *err)
{
    struct snas_search_config config;
    if (snas_search_config_read(config_name, args.set.items, args.set.n, &config, err) != SNAS_OK)
        return NULL;
    return snas_format(err, "runs/%s-sweep", config.name);
}

int main(int argc, char **argv)
{
    struct snas_err err = {0};
    int failed = 0, first, end = snas_cli_parse(&command, argc, argv, &first);
    if (end >= 0)
        return end;
    struct sweep s = {.config = argv[first], .set = args.set.items, .n_set = args.set.n};
    char *out = args.out ? snas_strdup(args.out, &err) : default_out(s.config, &err);
    s.out = out;
    enum snas_status status = out ? sweep(&s, &failed, &err) : err.code;
    sweep_clear(&s);
    snas_free(out);
    if (status == SNAS_E_INTERRUPTED) {
        snas_cli_fail(&command, &err);
        fputs("to go on: the same command\n", stderr);
        return 128 + snas_cli_signal;
    }
    if (status != SNAS_OK)
        return snas_cli_fail(&command, &err);
    return failed ? SNAS_EXIT_FAILED : SNAS_EXIT_OK;
}

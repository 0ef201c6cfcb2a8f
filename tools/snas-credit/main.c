/* snas-credit: who earns the reward - SNAS's backward pass and learners of credit, beside the true
 * change of loss, on a space that can be enumerated. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/threads.h"
#include "cli/cli.h"
#include "snas-credit/experiment.h"
#include "train/run.h"
#include "train/search.h"

static struct {
    struct snas_list set;
    const char *out, *data, *temperatures;
    int64_t images, steps, repeats, limit, seed, threads;
    int json, quiet;
} args = {.temperatures = "1,0.5,0.1",
          .images = 512,
          .steps = 64,
          .repeats = 20,
          .limit = 8192,
          .seed = 1};

static const struct snas_option options[] = {
    {"out", 'o', "DIR", SNAS_OPT_STRING, &args.out, 0, 0,
     "directory of what is written (default runs/NAME-credit, or RUN/credit)"},
    {"set", 's', "KEY=VALUE", SNAS_OPT_LIST, &args.set, 0, 0,
     "override a key of the configuration"},
    {"data", 'd', "DIR", SNAS_OPT_STRING, &args.data, 0, 0,
     "the images, when they are not where the run's configuration says"},
    {"images", 0, "N", SNAS_OPT_INT, &args.images, 1, 1e9,
     "held-out images that an architecture's loss is taken on (default 512)"},
    {"steps", 0, "N", SNAS_OPT_INT, &args.steps, 1, 1 << 20,
     "backward passes of a repeat (default 64)"},
    {"repeats", 'r', "N", SNAS_OPT_INT, &args.repeats, 2, 10000,
     "repeats that mean and deviation are of (default 20)"},
    {"temperatures", 0, "LIST", SNAS_OPT_STRING, &args.temperatures, 0, 0,
     "of SNAS's samples (default 1,0.5,0.1)"},
    {"limit", 0, "N", SNAS_OPT_INT, &args.limit, 2, 1 << 24,
     "most architectures to enumerate (default 8192)"},
    {"seed", 0, "N", SNAS_OPT_INT, &args.seed, 0, 9e15,
     "of samples and episodes (default 1); the weights' is the configuration's"},
    {"threads", 't', "N", SNAS_OPT_INT, &args.threads, 0, 4096, "0: all cores (default)"},
    {"json", 0, NULL, SNAS_OPT_FLAG, &args.json, 0, 0, "print credit.json instead of credit.md"},
    {"quiet", 'q', NULL, SNAS_OPT_FLAG, &args.quiet, 0, 0, "no progress"},
};

static const struct snas_command command = {
    .name = "snas-credit",
    .summary = "credit of every op, by SNAS and by learners, beside the true change of loss",
    .operands = "CONFIG|RUN",
    .min_operands = 1,
    .max_operands = 1,
    .details =
        "The weights are those of a run directory, or are searched for first as CONFIG says (into\n"
        "OUT/search; the same command goes on where it was stopped). Then every architecture of\n"
        "the space is scored, and each op of each edge gets its credit: from SNAS's backward\n"
        "passes, and from TD(0), TD(lambda), Monte Carlo and a return predictor after n complete\n"
        "architectures. Written into OUT: architectures.csv, ops.csv, learners.csv, snas.csv,\n"
        "credit.json and credit.md, which is also printed. docs/credits.md says what is in them.\n"
        "\n"
        "Examples:\n"
        "  snas-credit configs/search/credit.yaml\n"
        "  snas-credit runs/credit --out /tmp/credit --repeats 50",
    .options = options,
    .n_options = sizeof options / sizeof *options,
};

static int is_directory(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

static int read_temperatures(struct experiment *x)
{
    const char *text = args.temperatures;
    for (;;) {
        char *end;
        double t = strtod(text, &end);
        if (end == text || (*end && *end != ',') || !(t >= 1e-3 && t <= 100) ||
            x->n_temperatures == MAX_TEMPERATURES)
            return -1;
        x->temperature[x->n_temperatures++] = t;
        if (!*end)
            return 0;
        text = end + 1;
    }
}

struct places {
    char *out, *run, *data;
};

/* The weights: a search of the configuration into OUT/search, unless it is there already. Where its
 * images are is not in the run, so it is told. */
static enum snas_status search(const char *config_name, struct snas_progress *progress,
                               struct places *to, struct snas_err *err)
{
    struct snas_search_config config;
    const char *assignments[SNAS_LIST_MAX + 2];
    int n = args.set.n;
    char threads[40], *data = NULL;
    memcpy(assignments, args.set.items, (size_t)n * sizeof(*assignments));
    snprintf(threads, sizeof threads, "threads=%lld", (long long)args.threads);
    assignments[n++] = threads;
    if (args.data) {
        data = snas_format(err, "data.path=%s", args.data);
        if (!data)
            return SNAS_E_NOMEM;
        assignments[n++] = data;
    }
    enum snas_status s = snas_search_config_read(config_name, assignments, n, &config, err);
    snas_free(data);
    if (s != SNAS_OK)
        return s;
    to->out =
        args.out ? snas_strdup(args.out, err) : snas_format(err, "runs/%s-credit", config.name);
    to->run = to->out ? snas_path_join(to->out, "search", err) : NULL;
    to->data = to->run ? snas_strdup(config.data.path, err) : NULL;
    if (!to->data)
        return SNAS_E_NOMEM;
    s = snas_make_dirs(to->out, err);
    const struct snas_search_options o = {
        .dir = to->run, .resume = 1, .progress = progress, .stop = &snas_cli_signal};
    return s == SNAS_OK ? snas_search_run(&config, &o, err) : s;
}

static enum snas_status measure(struct experiment *x, struct snas_err *err)
{
    double start = snas_seconds();
    enum snas_status s = snas_make_dirs(x->out, err);
    if (s == SNAS_OK)
        s = experiment_open(x, err);
    if (s == SNAS_OK)
        s = experiment_score(x, err);
    if (s == SNAS_OK)
        s = experiment_snas(x, err);
    if (s == SNAS_OK)
        s = experiment_learn(x, err);
    x->seconds = snas_seconds() - start;
    if (s == SNAS_OK)
        s = experiment_write(x, err);
    return s == SNAS_OK ? experiment_print(x, args.json, err) : s;
}

static enum snas_status credit(const char *what, struct experiment *x, struct snas_err *err)
{
    struct places at = {0};
    enum snas_status s = SNAS_OK;
    if (is_directory(what)) {
        at.run = snas_strdup(what, err);
        at.out = args.out ? snas_strdup(args.out, err) : snas_path_join(what, "credit", err);
        s = at.run && at.out ? SNAS_OK : SNAS_E_NOMEM;
    } else {
        s = search(what, x->progress, &at, err);
    }
    x->run = at.run;
    x->out = at.out;
    x->data = at.data ? at.data : args.data;
    if (s == SNAS_OK) {
        s = measure(x, err);
        experiment_clear(x);
    }
    snas_free(at.out);
    snas_free(at.run);
    snas_free(at.data);
    return s;
}

int main(int argc, char **argv)
{
    struct snas_err err = {0};
    int first, end = snas_cli_parse(&command, argc, argv, &first);
    if (end >= 0)
        return end;
    struct experiment x = {
        .threads = (int)(args.threads ? args.threads : snas_threads_available()),
        .images = (int)args.images,
        .steps = (int)args.steps,
        .repeats = (int)args.repeats,
        .limit = (int)args.limit,
        .seed = (uint64_t)args.seed,
        .stop = &snas_cli_signal,
    };
    if (read_temperatures(&x) != 0)
        return snas_cli_usage(&command,
                              "--temperatures takes up to %d numbers from 0.001 to 100, not '%s'",
                              MAX_TEMPERATURES, args.temperatures);
    if (args.set.n && is_directory(argv[first]))
        return snas_cli_usage(&command, "--set belongs to a configuration: '%s' is a run",
                              argv[first]);
    snas_threads_init();
    snas_cli_catch_signals();
    const struct snas_progress_options shown = {.stream = args.quiet ? NULL : stderr};
    x.progress = snas_progress_create(&shown);
    enum snas_status s = credit(argv[first], &x, &err);
    snas_progress_destroy(x.progress);
    if (s == SNAS_OK && (fflush(stdout) != 0 || ferror(stdout)))
        s = snas_fail(&err, SNAS_E_IO, "cannot write the output");
    if (s == SNAS_E_INTERRUPTED) {
        snas_cli_fail(&command, &err);
        return 128 + snas_cli_signal;
    }
    return s == SNAS_OK ? SNAS_EXIT_OK : snas_cli_fail(&command, &err);
}

/* snas-search: a configuration in, a run directory with a child network out. */
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/threads.h"
#include "cli/cli.h"
#include "cli/result.h"
#include "timing/stopwatch.h"
#include "train/run.h"
#include "train/search.h"

struct arguments {
    struct snas_list set;
    int64_t seed, threads;
    const char *out, *keys, *preset, *memory, *memory_limit;
    int resume, dry_run, quiet, json, plan;
};

static int print_keys(const struct snas_command *command, const char *format)
{
    if (!strcmp(format, "text"))
        snas_config_help(&snas_search_schema, stdout);
    else if (!strcmp(format, "markdown"))
        snas_config_markdown(&snas_search_schema, stdout);
    else
        return snas_cli_usage(command, "--keys takes text or markdown, not '%s'", format);
    return SNAS_EXIT_OK;
}

static enum snas_status add_assignment(const char *key, const char *value, char **made,
                                       const char **assignments, int *n, struct snas_err *err)
{
    if (!value)
        return SNAS_OK;
    *made = snas_format(err, "%s=%s", key, value);
    if (!*made)
        return SNAS_E_NOMEM;
    assignments[(*n)++] = *made;
    return SNAS_OK;
}

/* Options that have a key are more assignments behind those of --set. */
static enum snas_status read_config(const struct arguments *a, const char *name,
                                    struct snas_search_config *config, struct snas_err *err)
{
    const char *assignments[SNAS_LIST_MAX + 5];
    char seed[40], threads[40], *preset = NULL, *memory = NULL, *limit = NULL;
    int n = a->set.n;
    memcpy(assignments, a->set.items, (size_t)n * sizeof(*assignments));
    snprintf(seed, sizeof(seed), "seed=%lld", (long long)a->seed);
    snprintf(threads, sizeof(threads), "threads=%lld", (long long)a->threads);
    if (a->seed >= 0)
        assignments[n++] = seed;
    if (a->threads >= 0)
        assignments[n++] = threads;
    enum snas_status s = add_assignment("penalty.preset", a->preset, &preset, assignments, &n, err);
    if (s == SNAS_OK)
        s = add_assignment("memory", a->memory, &memory, assignments, &n, err);
    if (s == SNAS_OK)
        s = add_assignment("memory_limit", a->memory_limit, &limit, assignments, &n, err);
    if (s == SNAS_OK)
        s = snas_search_config_read(name, assignments, n, config, err);
    snas_free(preset);
    snas_free(memory);
    snas_free(limit);
    return s;
}

static void print_quoted(const char *word)
{
    const char *plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./=:,+@%";
    if (*word && strspn(word, plain) == strlen(word)) {
        fprintf(stderr, " %s", word);
        return;
    }
    fputs(" '", stderr);
    for (; *word; word++)
        fputs(*word == '\'' ? "'\\''" : (char[]){*word, 0}, stderr);
    fputc('\'', stderr);
}

static void print_resume(int argc, char *const *argv)
{
    int there = 0;
    fputs("to go on:", stderr);
    for (int i = 0; i < argc; i++) {
        print_quoted(argv[i]);
        there |= !strcmp(argv[i], "--resume");
    }
    fputs(there ? "\n" : " --resume\n", stderr);
}

static void forecast_json(const struct snas_search_forecast *f)
{
    json_t *units = json_array();
    for (int i = 0; i < f->plan.n_rows; i++) {
        const struct snas_plan_row *row = &f->plan.rows[i];
        json_array_append_new(units, json_pack("{s:s, s:I, s:I, s:f, s:b}", "name", row->name,
                                               "bytes", (json_int_t)row->bytes, "shared_bytes",
                                               (json_int_t)row->shared_bytes, "flops", row->flops,
                                               "reference", row->reference));
    }
    json_t *root = json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:s, s:o, s:I, s:I, s:f, s:f, s:f}", "bytes",
        (json_int_t)f->plan.total_bytes, "beside_bytes",
        (json_int_t)(f->memory.data + f->memory.optimiser + f->memory.batches), "memory_limit",
        (json_int_t)f->memory.limit, "lean_units", (json_int_t)f->plan.n_lean, "shared_bytes",
        (json_int_t)f->plan.shared_bytes, "parameter_bytes", (json_int_t)f->plan.parameter_bytes,
        "activation_bytes", (json_int_t)f->plan.activation_bytes, "scratch_bytes",
        (json_int_t)f->plan.scratch_bytes, "reference_share", f->plan.reference_share, "kernels",
        f->plan.isa, "units", units, "steps_per_epoch", (json_int_t)f->steps_per_epoch, "steps",
        (json_int_t)f->steps, "seconds_per_step", f->seconds_per_step, "images_per_second",
        f->images_per_second, "minutes", f->minutes);
    json_dumpf(root, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(root);
}

static void print_forecast(const struct snas_search_forecast *f, const struct arguments *a)
{
    struct snas_text table = {0};
    double flops = 0;
    if (a->json) {
        forecast_json(f);
        return;
    }
    for (int i = 0; i < f->plan.n_rows; i++)
        flops += f->plan.rows[i].flops;
    snas_search_plan_text(&f->plan, &f->memory, a->plan, &table);
    fputs(table.data ? table.data : "", stdout);
    snas_text_clear(&table);
    printf("work: %.1f MFLOP an image with every op, %.3g%% of it by the reference\n", flops / 1e6,
           100 * f->plan.reference_share);
    printf("time: %lld steps, %.3f s each with every op live (%.0f images/s): %.1f minutes of "
           "training at most;\nannealing leaves ops out of the later steps and makes them faster\n",
           (long long)f->steps, f->seconds_per_step, f->images_per_second, f->minutes);
}

static int forecast(const struct snas_command *command, const struct arguments *a,
                    const struct snas_search_config *config)
{
    struct snas_err err = {0};
    struct snas_search_forecast f;
    if (snas_search_forecast(config, &f, &err) != SNAS_OK)
        return snas_cli_fail(command, &err);
    print_forecast(&f, a);
    snas_plan_report_clear(&f.plan);
    return SNAS_EXIT_OK;
}

static enum snas_status print_result(const char *dir, int json, struct snas_err *err)
{
    char *result = snas_path_join(dir, SNAS_RUN_RESULT, err);
    char *child = snas_path_join(dir, SNAS_RUN_CHILD, err);
    enum snas_status s =
        result && child ? snas_result_print(dir, result, child, json, err) : SNAS_E_NOMEM;
    snas_free(result);
    snas_free(child);
    return s;
}

static int search(const struct snas_command *command, const struct arguments *a,
                  const struct snas_search_config *config, int argc, char *const *argv)
{
    struct snas_err err = {0};
    const struct snas_progress_options shown = {.stream = a->quiet ? NULL : stderr};
    char *dir = a->out ? snas_strdup(a->out, &err) : snas_format(&err, "runs/%s", config->name);
    if (!dir)
        return snas_cli_fail(command, &err);
    snas_cli_catch_signals();
    struct snas_progress *progress = snas_progress_create(&shown);
    struct snas_stopwatch *watch;
    enum snas_status s = snas_stopwatch_open(config, &snas_cli_signal, &watch, &err);
    const struct snas_search_options o = {.dir = dir,
                                          .resume = a->resume,
                                          .progress = progress,
                                          .meter = snas_stopwatch_meter(watch),
                                          .whole_plan = a->plan,
                                          .stop = &snas_cli_signal};
    if (s == SNAS_OK)
        s = snas_search_run(config, &o, &err);
    snas_stopwatch_close(watch);
    snas_progress_destroy(progress);
    if (s == SNAS_OK && (a->json || !a->quiet))
        s = print_result(dir, a->json, &err);
    snas_free(dir);
    if (s == SNAS_OK)
        return SNAS_EXIT_OK;
    int status = snas_cli_fail(command, &err);
    if (s != SNAS_E_INTERRUPTED)
        return status;
    print_resume(argc, argv);
    return 128 + snas_cli_signal;
}

static const char details[] =
    "The run directory is runs/NAME, where NAME is the configuration's, unless --out says\n"
    "otherwise. An interrupted search (Ctrl-C, SIGTERM, a kill, a power cut) goes on with "
    "--resume\n"
    "and ends with the same files. runs/latest points to the run that finished last.\n"
    "\n"
    "Examples:\n"
    "  snas-search configs/search/fashion-mnist.yaml\n"
    "  snas-search configs/search/fashion-mnist.yaml --seed 2 --out runs/second\n"
    "  snas-search configs/search/fashion-mnist.yaml --preset moderate\n"
    "  snas-search configs/search/cifar10.yaml --set data.path=/data/cifar-10-batches-bin\n"
    "  snas-search configs/search/cifar10.yaml --dry-run";

int main(int argc, char **argv)
{
    struct arguments a = {.seed = -1, .threads = -1};
    const struct snas_option options[] = {
        {"set", 's', "KEY=VALUE", SNAS_OPT_LIST, &a.set, 0, 0,
         "override a key of the configuration; may be given many times"},
        {"seed", 0, "N", SNAS_OPT_INT, &a.seed, 0, 9e15, "the same as --set seed=N"},
        {"preset", 'p', "NAME", SNAS_OPT_STRING, &a.preset, 0, 0,
         "resource penalty: mild, moderate or aggressive (the same as --set penalty.preset=NAME)"},
        {"threads", 't', "N", SNAS_OPT_INT, &a.threads, 0, 4096,
         "threads; 0: all cores (changes no result)"},
        {"memory", 0, "MODE", SNAS_OPT_STRING, &a.memory, 0, 0,
         "auto, normal or lean (changes no result)"},
        {"memory-limit", 0, "SIZE", SNAS_OPT_STRING, &a.memory_limit, 0, 0,
         "largest memory to plan for: 512MiB, 1500MB; 0: 80% of what is available"},
        {"out", 'o', "DIR", SNAS_OPT_STRING, &a.out, 0, 0, "run directory"},
        {"resume", 'r', NULL, SNAS_OPT_FLAG, &a.resume, 0, 0,
         "go on with the run that is in the directory"},
        {"dry-run", 'n', NULL, SNAS_OPT_FLAG, &a.dry_run, 0, 0,
         "print the plan, its bytes and the predicted time; write nothing"},
        {"plan", 0, NULL, SNAS_OPT_FLAG, &a.plan, 0, 0,
         "print the plan with a line for every cell"},
        {"quiet", 'q', NULL, SNAS_OPT_FLAG, &a.quiet, 0, 0, "print errors only"},
        {"json", 0, NULL, SNAS_OPT_FLAG, &a.json, 0, 0,
         "print the final report (or the plan) as JSON"},
        {"keys", 0, "FORMAT", SNAS_OPT_STRING, &a.keys, 0, 0,
         "print every configuration key (text or markdown) and end"},
    };
    const struct snas_command command = {"snas-search",
                                         "searches a network: configuration in, child network out",
                                         "CONFIG",
                                         0,
                                         1,
                                         details,
                                         options,
                                         sizeof(options) / sizeof(*options)};
    struct snas_err err = {0};
    struct snas_search_config config;
    int first;
    char **given = snas_alloc((size_t)argc, sizeof(*given), &err);
    if (!given)
        return snas_cli_fail(&command, &err);
    memcpy(given, argv, (size_t)argc * sizeof(*given)); /* getopt reorders argv */
    int status = snas_cli_parse(&command, argc, argv, &first);
    if (status < 0 && a.keys)
        status = print_keys(&command, a.keys);
    else if (status < 0 && first == argc)
        status = snas_cli_usage(&command, "a CONFIG is needed");
    else if (status < 0 && read_config(&a, argv[first], &config, &err) != SNAS_OK)
        status = snas_cli_fail(&command, &err);
    snas_threads_init();
    if (status < 0)
        status = a.dry_run ? forecast(&command, &a, &config)
                           : search(&command, &a, &config, argc, given);
    snas_free(given);
    return status;
}

/* snas-show: what a run found, a genotype, or what is in an exported model; as text, SVG, DOT. */
#include <string.h>

#include "base/io.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/result.h"
#include "report/page.h"
#include "snas-show/subject.h"
#include "train/run.h"

static struct {
    const char *svg, *dot, *html, *space, *input;
    int64_t epoch, channels, layers, classes;
    int json;
} args = {.space = "darts", .input = "3x32x32", .channels = 36, .layers = 20, .classes = 10};

static const struct snas_option options[] = {
    {"json", 0, NULL, SNAS_OPT_FLAG, &args.json, 0, 0, "the run's result.json as it is"},
    {"epoch", 'e', "N", SNAS_OPT_INT, &args.epoch, 1, 1e9,
     "the cells after this epoch of the run, instead of its child's"},
    {"svg", 0, "DIR", SNAS_OPT_STRING, &args.svg, 0, 0,
     "write each kind of cell as a picture, DIR/normal.svg and so on"},
    {"dot", 0, "FILE", SNAS_OPT_STRING, &args.dot, 0, 0,
     "write the cells for Graphviz; - is the output, and nothing else is printed then"},
    {"html", 0, "FILE", SNAS_OPT_STRING, &args.html, 0, 0,
     "write the run's own page: its cells epoch by epoch, its curves"},
    {"space", 0, "NAME|FILE", SNAS_OPT_STRING, &args.space, 0, 0,
     "search space of a genotype (default darts)"},
    {"layers", 'l', "N", SNAS_OPT_INT, &args.layers, 1, 1000,
     "cells of a genotype's network (default 20)"},
    {"channels", 'c', "C", SNAS_OPT_INT, &args.channels, 1, 65536, "its channels (default 36)"},
    {"input", 'i', "CxHxW", SNAS_OPT_STRING, &args.input, 0, 0, "its images (default 3x32x32)"},
    {"classes", 'k', "N", SNAS_OPT_INT, &args.classes, 1, 1000000, "its classes (default 10)"},
};
static const struct snas_command command = {
    .name = "snas-show",
    .summary = "shows what a search found: accuracies, costs, the child's cells",
    .operands = "[RUN|GENOTYPE|CHILD.safetensors|MODEL.onnx]",
    .max_operands = 1,
    .details = "RUN is a run directory; without it, the latest run (" SNAS_RUN_LATEST ").\n"
               "Nodes that get nothing but zeros and nodes that nobody reads are marked, as are "
               "their edges.\n"
               "\n"
               "Examples:\n"
               "  snas-show\n"
               "  snas-show runs/fashion-mnist --epoch 3\n"
               "  snas-show SNAS_mild --svg pictures\n"
               "  snas-show model.onnx --dot - | dot -Tpdf > cells.pdf",
    .options = options,
    .n_options = sizeof options / sizeof *options,
};

static int ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && !strcmp(text + n - m, end);
}

static enum snas_status read_subject(const char *what, struct subject *out, struct snas_err *err)
{
    const struct subject_size size = {.space = args.space,
                                      .input = args.input,
                                      .channels = (int)args.channels,
                                      .layers = (int)args.layers,
                                      .classes = (int)args.classes};
    if (snas_path_is_directory(what))
        return subject_from_run(what, (int)args.epoch, out, err);
    if (args.epoch)
        return snas_fail(err, SNAS_E_ARG, "--epoch belongs to a run; '%s' is no directory", what);
    if (ends_with(what, ".safetensors"))
        return subject_from_child(what, out, err);
    return ends_with(what, ".onnx") ? subject_from_onnx(what, out, err)
                                    : subject_from_genotype(what, &size, out, err);
}

/* The text of a run's result; one whose search goes on has none. */
static enum snas_status print_result(const char *run, struct snas_err *err)
{
    char *result = snas_path_join(run, SNAS_RUN_RESULT, err);
    char *child = snas_path_join(run, SNAS_RUN_CHILD, err);
    enum snas_status s = result && child ? SNAS_OK : SNAS_E_NOMEM;
    if (s == SNAS_OK && !snas_path_exists(result))
        s = snas_fail(err, SNAS_E_STATE,
                      "'%s' holds no " SNAS_RUN_RESULT
                      ": not a run directory, or its search is not finished "
                      "(snas-search --resume goes on with it)",
                      run);
    if (s == SNAS_OK)
        s = snas_result_print(run, result, child, args.json, err);
    snas_free(result);
    snas_free(child);
    return s;
}

static enum snas_status print(const char *what, const struct subject *subject, struct snas_err *err)
{
    if (snas_path_is_directory(what) && !args.epoch)
        return subject_print(subject, 0, err);
    printf("%s: space %s\n", subject->title, subject->space.name);
    return subject_print(subject, 1, err);
}

static enum snas_status write_page(const char *run, struct snas_err *err)
{
    struct snas_comparison c;
    char *dirs[] = {snas_strdup(run, err)};
    enum snas_status s = dirs[0] ? snas_comparison_read(dirs, 1, &c, err) : SNAS_E_NOMEM;
    if (s == SNAS_OK) {
        s = snas_page_write(args.html, run, &c, NULL, err);
        snas_comparison_clear(&c);
    }
    snas_free(dirs[0]);
    return s;
}

/* A disconnected child has a result and a page, but no network. */
static int has_network(const char *what)
{
    char *child = snas_path_is_directory(what) ? snas_path_join(what, SNAS_RUN_CHILD, NULL) : NULL;
    int has = !snas_path_is_directory(what) || (child && snas_path_exists(child));
    snas_free(child);
    return has;
}

static enum snas_status show_cells(const char *what, struct snas_err *err)
{
    struct subject subject;
    int dot_only = args.dot && !strcmp(args.dot, "-");
    enum snas_status s = read_subject(what, &subject, err);
    if (s == SNAS_OK && !dot_only)
        s = print(what, &subject, err);
    if (s == SNAS_OK && args.svg)
        s = subject_write_svg(&subject, args.svg, err);
    if (s == SNAS_OK && args.dot)
        s = subject_write_dot(&subject, args.dot, err);
    return s;
}

static enum snas_status show(const char *what, struct snas_err *err)
{
    int drawn = args.svg || args.dot || args.epoch;
    enum snas_status s = SNAS_OK;
    if (snas_path_is_directory(what) && !args.epoch && !(args.dot && !strcmp(args.dot, "-")))
        s = print_result(what, err);
    if (s == SNAS_OK && !args.json && (drawn || has_network(what)))
        s = show_cells(what, err);
    return s == SNAS_OK && args.html ? write_page(what, err) : s;
}

int main(int argc, char **argv)
{
    struct snas_err err = {0};
    int first, end = snas_cli_parse(&command, argc, argv, &first);
    if (end >= 0)
        return end;
    const char *what = first < argc ? argv[first] : SNAS_RUN_LATEST;
    if (first == argc && !snas_path_is_directory(what))
        return snas_cli_usage(&command, "there is no " SNAS_RUN_LATEST " here: name what to show");
    if ((args.json || args.html) && !snas_path_is_directory(what))
        return snas_cli_usage(&command, "--%s belongs to a run; '%s' is no directory",
                              args.json ? "json" : "html", what);
    enum snas_status s = show(what, &err);
    if (s == SNAS_OK && (fflush(stdout) != 0 || ferror(stdout)))
        s = snas_fail(&err, SNAS_E_IO, "cannot write the output");
    return s == SNAS_OK ? SNAS_EXIT_OK : snas_cli_fail(&command, &err);
}

/* snas-export: child -> ONNX, verified before it takes its place. */
#include <stdio.h>
#include <string.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/threads.h"
#include "cli/cli.h"
#include "snas-export/report.h"
#include "train/config.h"
#include "train/run.h"

static struct {
    const char *run, *child, *data;
    int keep_bn, normalise, no_verify, json;
    int64_t images, threads;
} args = {.images = 1000};

static const struct snas_option options[] = {
    {"run", 'r', "DIR", SNAS_OPT_STRING, &args.run, 0, 0,
     "the run whose child is exported (default: " SNAS_RUN_LATEST ")"},
    {"child", 0, "FILE", SNAS_OPT_STRING, &args.child, 0, 0, "a child file instead of a run"},
    {"keep-bn", 0, NULL, SNAS_OPT_FLAG, &args.keep_bn, 0, 0,
     "batch norms stay nodes of their own, not folded into the convolutions"},
    {"normalise", 0, NULL, SNAS_OPT_FLAG, &args.normalise, 0, 0,
     "the model takes values of 0..1 and normalises them itself"},
    {"no-verify", 0, NULL, SNAS_OPT_FLAG, &args.no_verify, 0, 0, "do not run the model"},
    {"data", 'd', "DIR", SNAS_OPT_STRING, &args.data, 0, 0,
     "data set whose test images verify the model (default: the configured one, where it is the "
     "child's; else random images)"},
    {"images", 'n', "N", SNAS_OPT_INT, &args.images, 0, 1e9,
     "how many of them; 0: all (default 1000)"},
    {"threads", 't', "N", SNAS_OPT_INT, &args.threads, 0, 1024, "0: all cores (default)"},
    {"json", 0, NULL, SNAS_OPT_FLAG, &args.json, 0, 0, "print JSON"},
};

static const struct snas_command command = {
    .name = "snas-export",
    .summary = "write a searched network as a verified ONNX model",
    .operands = "MODEL.onnx",
    .min_operands = 1,
    .max_operands = 1,
    .details =
        "Takes the child of a run, prunes what cannot influence its answer (exactly: the answers\n"
        "stay), folds batch norm into the convolutions, and writes opset 13 with an open batch.\n"
        "The file is then run in ONNX Runtime and in OpenCV DNN, whichever is here, and must\n"
        "answer as the search's own engine does; if it does not, nothing is left behind, and a\n"
        "model that stood there before stays. Where neither is here the model is UNVERIFIED.\n"
        "\n"
        "Examples:\n"
        "  snas-export model.onnx\n"
        "  snas-export mine.onnx --run runs/mine --normalise",
    .options = options,
    .n_options = sizeof options / sizeof options[0],
};

/* Path of the child that the options name; caller frees. */
static char *child_path(struct snas_err *err)
{
    if (args.child)
        return snas_strdup(args.child, err);
    const char *run = args.run ? args.run : SNAS_RUN_LATEST;
    if (!snas_path_exists(run)) {
        snas_fail(err, SNAS_E_STATE,
                  args.run ? "there is no run '%s'"
                           : "there is no '%s' here: give --run DIR or --child FILE",
                  run);
        return NULL;
    }
    char *path = snas_path_join(run, SNAS_RUN_CHILD, err);
    if (path && !snas_path_exists(path)) {
        snas_fail(err, SNAS_E_STATE,
                  "'%s' has no %s: it is no run, not finished, or its child is disconnected", run,
                  SNAS_RUN_CHILD);
        snas_free(path);
        path = NULL;
    }
    return path;
}

/* Test images of --data; or of the data set that searches use by default, where it is there and
 * the child's; or random ones. */
static enum snas_status pick_images(const struct snas_child *child, struct snas_check_images *out,
                                    char *what, size_t size, struct snas_err *err)
{
    struct snas_dataset ds;
    struct snas_search_config config;
    snas_config_defaults(&snas_search_schema, &config);
    struct snas_err unused = {0};
    const char *dir = args.data ? args.data : config.data.path;
    enum snas_status s =
        snas_dataset_open(dir, SNAS_DATA_AUTO, SNAS_SPLIT_TEST, &ds, args.data ? err : &unused);
    if (s && args.data)
        return s;
    int theirs = s == SNAS_OK && (args.data || strcmp(ds.name, child->info.dataset) == 0);
    if (theirs) {
        snprintf(what, size, "test images of %s", ds.name);
        s = snas_check_images_load(child, &ds, (int)args.images, out, err);
    } else {
        snprintf(what, size, "random images (--data DIR for real ones)");
        if (s == SNAS_OK)
            snas_dataset_clear(&ds);
        return snas_check_images_random(child, 64, 1, out, err);
    }
    snas_dataset_clear(&ds);
    return s;
}

static enum snas_status verify(const struct snas_child *child, struct snas_onnx_staged *staged,
                               struct report *report, struct snas_err *err)
{
    if (args.no_verify) {
        snprintf(report->unverified, sizeof report->unverified, "as --no-verify asks");
        return SNAS_OK;
    }
    char ort[96], opencv[96];
    if (!snas_runtime_available(SNAS_RUNTIME_ORT, ort, sizeof ort) &&
        !snas_runtime_available(SNAS_RUNTIME_OPENCV, opencv, sizeof opencv)) {
        snprintf(report->unverified, sizeof report->unverified,
                 "no runtime is here: %s; %s. Nobody has run this model.", ort, opencv);
        return SNAS_OK;
    }
    struct snas_check_images images = {0};
    enum snas_status s =
        pick_images(child, &images, report->images_of, sizeof report->images_of, err);
    if (s)
        return s;
    struct snas_check_options o = {.normalised = args.normalise,
                                   .threads =
                                       args.threads ? (int)args.threads : snas_threads_available()};
    report->images = images.n;
    s = snas_check_model(snas_onnx_staged_path(staged), child, &images, &o, &report->check, err);
    snas_check_images_clear(&images);
    return s;
}

/* Graph -> staged file -> checked -> in its place. */
static enum snas_status write_model(const struct snas_child *child, const struct snas_graph *g,
                                    struct report *report, struct snas_err *err)
{
    struct snas_export_info info;
    struct snas_onnx_staged staged;
    enum snas_status s = snas_export_info_make(child, &report->options, &report->graph, &info, err);
    if (s)
        return s;
    s = snas_onnx_stage(g, &info.onnx, report->model, SNAS_ONNX_MAX_BYTES, &staged, err);
    snas_export_info_clear(&info);
    if (s)
        return s;
    report->bytes = staged.bytes;
    s = verify(child, &staged, report, err);
    if (s) {
        snas_onnx_abort(&staged);
        return snas_fail_context(err, "no model was written to '%s'", report->model);
    }
    return snas_onnx_commit(&staged, err);
}

static enum snas_status export_child(const char *path, const char *model, struct snas_err *err)
{
    struct snas_child child;
    struct snas_graph g;
    struct report report = {
        .model = model,
        .source = path,
        .child = &child,
        .options = {.keep_bn = args.keep_bn, .normalise = args.normalise},
    };
    enum snas_status s = snas_child_read(path, &child, err);
    if (s)
        return s;
    s = snas_export_graph(&child, &report.options, &g, &report.graph, err);
    if (s == SNAS_OK) {
        s = write_model(&child, &g, &report, err);
        snas_graph_clear(&g);
    }
    if (s == SNAS_OK) {
        (args.json ? report_json : report_text)(&report);
        if (!report.check.n_runtimes)
            fprintf(stderr, "%s: '%s' is UNVERIFIED: %s\n", command.name, model, report.unverified);
    }
    snas_child_clear(&child);
    return s;
}

int main(int argc, char **argv)
{
    int first, status = snas_cli_parse(&command, argc, argv, &first);
    if (status >= 0)
        return status;
    if (args.run && args.child)
        return snas_cli_usage(&command, "--run and --child: one of them");
    struct snas_err err = {0};
    snas_threads_init();
    char *path = child_path(&err);
    enum snas_status s = path ? export_child(path, argv[first], &err) : err.code;
    snas_free(path);
    return s ? snas_cli_fail(&command, &err) : SNAS_EXIT_OK;
}

#include "export/export.h"

#include <string.h>

#include "export/build.h"
#include "export/passes/pass.h"

static enum snas_status run_passes(struct snas_graph *g, const struct snas_export_options *options,
                                   struct snas_export_report *report, struct snas_err *err)
{
    enum snas_status s = snas_pass_prune(g, err);
    if (s == SNAS_OK)
        s = snas_pass_slice(g, err);
    if (s == SNAS_OK)
        s = snas_pass_share(g, err);
    snas_graph_count(g, &report->after);
    if (s == SNAS_OK)
        s = snas_pass_constant(g, &report->constants, err);
    if (s == SNAS_OK && !options->keep_bn)
        s = snas_pass_fold(g, err);
    if (s == SNAS_OK)
        s = snas_pass_name(g, err);
    report->nodes = g->n_nodes;
    return s;
}

enum snas_status snas_export_graph(const struct snas_child *child,
                                   const struct snas_export_options *options,
                                   struct snas_graph *out, struct snas_export_report *report,
                                   struct snas_err *err)
{
    memset(report, 0, sizeof *report);
    struct snas_build_options build = {.normalise = options->normalise};
    enum snas_status s = snas_graph_build(child, &build, out, err);
    if (s)
        return s;
    snas_graph_count(out, &report->before);
    s = run_passes(out, options, report, err);
    if (s)
        snas_graph_clear(out);
    return s;
}

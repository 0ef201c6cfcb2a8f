#ifndef SNAS_EXPORT_EXPORT_H
#define SNAS_EXPORT_EXPORT_H

#include "export/graph.h"
#include "export/onnx/write.h"
#include "space/child.h"

/* Child -> graph, by the builder and the list of passes; and what goes into the file beside it. */

struct snas_export_options {
    int keep_bn;   /* 1: batch norms stay, not folded into the convolutions */
    int normalise; /* 1: the model takes values of 0..1 and normalises them itself */
};

struct snas_export_report {
    struct snas_graph_counts before, after; /* pruning; convolutions and linear layers */
    int nodes;
    int constants; /* zeros kept because a batch norm makes a constant of them */
};

/* Errors as snas_graph_build and snas_pass_prune: a disconnected child gives SNAS_E_STATE. Caller
 * clears the graph with snas_graph_clear. */
enum snas_status snas_export_graph(const struct snas_child *child,
                                   const struct snas_export_options *options,
                                   struct snas_graph *out, struct snas_export_report *report,
                                   struct snas_err *err);

/* The file's metadata. Texts are owned by `text`; snas_export_info_clear frees them. */
struct snas_export_info {
    struct snas_onnx_info onnx;
    int n_text;
    char *text[SNAS_ONNX_META_MAX + 1];
};
enum snas_status snas_export_info_make(const struct snas_child *child,
                                       const struct snas_export_options *options,
                                       const struct snas_export_report *report,
                                       struct snas_export_info *out, struct snas_err *err);
void snas_export_info_clear(struct snas_export_info *info);

#endif

#include "snas-export/report.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static void print_labels(const struct report *r)
{
    const struct snas_child_info *info = &r->child->info;
    if (!info->n_labels) {
        printf("  classes          %d, without names\n", r->child->network->options.classes);
        return;
    }
    printf("  classes          %d:", info->n_labels);
    for (int i = 0; i < info->n_labels && i < 12; i++)
        printf("%s %s", i ? "," : "", info->labels[i]);
    puts(info->n_labels > 12 ? ", ..." : "");
}

static void print_count(const char *what, int64_t before, int64_t after)
{
    printf("  %-16s %" PRId64 " -> %" PRId64, what, before, after);
    if (before > after)
        printf(" (%.1f%% pruned)", 100.0 * (double)(before - after) / (double)before);
    putchar('\n');
}

void report_text(const struct report *r)
{
    const struct snas_shape *in = &r->child->network->options.input;
    printf("%s: %" PRIu64 " bytes, %d nodes, from %s\n", r->model, r->bytes, r->graph.nodes,
           r->source);
    printf("  input            float32 [batch, %d, %d, %d], %s\n", in->c, in->h, in->w,
           r->options.normalise ? "values 0..1" : "(pixel / 255 - mean) / std, see the metadata");
    print_labels(r);
    print_count("parameters", r->graph.before.params, r->graph.after.params);
    print_count("multiply-adds", r->graph.before.madds, r->graph.after.madds);
    puts("                   (of convolutions and the linear layer, one image; before -> after "
         "exact pruning)");
    if (r->graph.constants)
        printf("  constants        %d kept: a batch norm behind a dead node does not give zero\n",
               r->graph.constants);
    for (int i = 0; i < r->check.n_runtimes; i++)
        printf("  verified         %s answers as the engine does on %d %s (largest difference of a "
               "logit %.2g)\n",
               r->check.runtimes[i].name, r->images, r->images_of, r->check.runtimes[i].largest);
    if (!r->check.n_runtimes)
        printf("  UNVERIFIED       %s\n", r->unverified);
}

static json_t *counts(const struct snas_graph_counts *c)
{
    return json_pack("{s:I, s:I}", "params", (json_int_t)c->params, "madds", (json_int_t)c->madds);
}

void report_json(const struct report *r)
{
    const struct snas_child_info *info = &r->child->info;
    const struct snas_shape *in = &r->child->network->options.input;
    json_t *labels = json_array(), *runtimes = json_array();
    for (int i = 0; i < info->n_labels; i++)
        json_array_append_new(labels, json_string(info->labels[i]));
    for (int i = 0; i < r->check.n_runtimes; i++)
        json_array_append_new(runtimes,
                              json_pack("{s:s, s:f}", "name", r->check.runtimes[i].name,
                                        "largest_difference", r->check.runtimes[i].largest));
    json_t *out = json_pack(
        "{s:s, s:s, s:I, s:i, s:[i,i,i], s:b, s:i, s:o, s:o, s:o, s:i, s:b, s:i, s:s, s:o}",
        "model", r->model, "child", r->source, "bytes", (json_int_t)r->bytes, "nodes",
        r->graph.nodes, "input", in->c, in->h, in->w, "normalised_inside", r->options.normalise,
        "classes", r->child->network->options.classes, "labels", labels, "before_pruning",
        counts(&r->graph.before), "after_pruning", counts(&r->graph.after), "constants",
        r->graph.constants, "verified", r->check.n_runtimes > 0, "images", r->images, "images_of",
        r->images_of, "runtimes", runtimes);
    char *text = out ? json_dumps(out, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) : NULL;
    puts(text ? text : "{}");
    free(text);
    json_decref(out);
}

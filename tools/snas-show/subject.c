#include "snas-show/subject.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/draw.h"
#include "cli/shape.h"
#include "export/onnx/read.h"
#include "report/picture.h"
#include "report/record.h"
#include "space/child.h"
#include "space/cost.h"
#include "train/run.h"

enum snas_status subject_from_child(const char *path, struct subject *out, struct snas_err *err)
{
    struct snas_child child = {0};
    enum snas_status s = snas_child_read(path, &child, err);
    if (s == SNAS_OK) {
        out->space = *child.network->space;
        out->genotype = *child.network->genotype;
        out->options = child.network->options;
        snprintf(out->title, sizeof out->title, "%s", path);
    }
    snas_child_clear(&child);
    return s;
}

static enum snas_status from_epoch(const char *dir, int epoch, struct subject *out,
                                   struct snas_err *err)
{
    struct snas_record r;
    enum snas_status s = snas_record_read(dir, &r, err);
    if (s != SNAS_OK)
        return s;
    if (epoch > r.series.n_rows) {
        s = snas_fail(err, SNAS_E_STATE, "'%s' has %d epochs, not %d", dir, r.series.n_rows, epoch);
    } else {
        out->genotype = r.history[epoch - 1];
        out->space = r.space;
        snprintf(out->title, sizeof out->title, "%.200s, epoch %d", dir, epoch);
    }
    snas_record_clear(&r);
    return s;
}

enum snas_status subject_from_run(const char *dir, int epoch, struct subject *out,
                                  struct snas_err *err)
{
    char *path = snas_path_join(dir, SNAS_RUN_CHILD, err);
    if (!path)
        return SNAS_E_NOMEM;
    enum snas_status s =
        snas_path_exists(path)
            ? subject_from_child(path, out, err)
            : snas_fail(err, SNAS_E_STATE,
                        "'%s' has no " SNAS_RUN_CHILD
                        ": its search is not finished, or its child is disconnected",
                        dir);
    snas_free(path);
    snprintf(out->title, sizeof out->title, "%s", dir);
    return s == SNAS_OK && epoch ? from_epoch(dir, epoch, out, err) : s;
}

/* "3 cells, 8 channels", as snas-export writes it; 1 when it is that. */
static int read_size(const char *text, struct snas_network_options *out)
{
    static const char between[] = " cells, ";
    char *end;
    long layers = strtol(text, &end, 10);
    if (strncmp(end, between, sizeof between - 1) != 0)
        return 0;
    long channels = strtol(end + sizeof between - 1, &end, 10);
    out->layers = (int)layers;
    out->channels = (int)channels;
    return layers > 0 && layers < 1000 && channels > 0 && channels < 65536 &&
           !strcmp(end, " channels");
}

enum snas_status subject_from_onnx(const char *path, struct subject *out, struct snas_err *err)
{
    struct snas_onnx_file *f = NULL;
    enum snas_status s = snas_onnx_read(path, &f, err);
    if (s != SNAS_OK)
        return s;
    const char *genotype = snas_onnx_meta(f, "genotype"), *space = snas_onnx_meta(f, "space"),
               *network = snas_onnx_meta(f, "network");
    int chw[3] = {0}, classes = 0;
    snas_onnx_shape(f, chw, &classes);
    out->options = (struct snas_network_options){
        .input = {chw[0], chw[1], chw[2]}, .classes = classes, .pool_bn = 1};
    if (!genotype || !space || !network || !read_size(network, &out->options))
        s = snas_fail(err, SNAS_E_UNSUPPORTED,
                      "'%s' does not say which genotype it is: not written by snas-export", path);
    if (s == SNAS_OK)
        s = snas_space_read(space, &out->space, err);
    if (s == SNAS_OK)
        s = snas_genotype_parse(path, genotype, strlen(genotype), &out->space, &out->genotype, err);
    snprintf(out->title, sizeof out->title, "%s", path);
    snas_onnx_free(f);
    return s;
}

enum snas_status subject_from_genotype(const char *name, const struct subject_size *size,
                                       struct subject *out, struct snas_err *err)
{
    enum snas_status s = snas_space_read(size->space, &out->space, err);
    if (s == SNAS_OK)
        s = snas_genotype_read(name, &out->space, &out->genotype, err);
    if (s != SNAS_OK)
        return s;
    out->options = (struct snas_network_options){
        .channels = size->channels, .layers = size->layers, .classes = size->classes, .affine = 1};
    snprintf(out->title, sizeof out->title, "%s", name);
    return snas_cli_shape(size->input, &out->options.input, err);
}

static void print_line(const char *name, const char *kind, const struct snas_shape *shape,
                       const struct snas_totals *t)
{
    char text[40];
    snprintf(text, sizeof text, "%dx%dx%d", shape->c, shape->h, shape->w);
    printf("    %-8s %-8s %12s %12" PRId64 " %14" PRId64 " %14" PRId64 "\n", name, kind, text,
           t->params, t->madds, t->activation_bytes);
}

static void print_network(const struct snas_network *net, const struct snas_alive *alive)
{
    struct snas_totals t;
    printf("  %d cells, C = %d, after exact pruning, one image:\n"
           "    %-8s %-8s %12s %12s %14s %14s\n",
           net->n_cells, net->options.channels, "part", "kind", "output", "parameters",
           "multiply-adds", "activations, B");
    for (int i = 0; i < net->n_stems; i++) {
        snas_block_totals(net, alive, net->stem[i], &t);
        print_line(net->blocks[net->stem[i]].name, "", &net->blocks[net->stem[i]].out_shape, &t);
    }
    for (int c = 0; c < net->n_cells; c++) {
        char name[16];
        snprintf(name, sizeof name, "cell%d", c);
        snas_cell_totals(net, alive, c, &t);
        print_line(name, net->space->kinds[net->cells[c].kind].name,
                   &net->tensors[net->cells[c].out].shape, &t);
    }
    snas_block_totals(net, alive, net->head, &t);
    print_line("head", "", &net->blocks[net->head].out_shape, &t);
    snas_network_totals(net, alive, &t);
    printf("    %-30s %12" PRId64 " %14" PRId64 " %14" PRId64 "\n", "all", t.params, t.madds,
           t.activation_bytes);
    if (!alive->connected)
        puts("  disconnected: no path from the input reaches the classes");
}

static void find_used(const struct snas_network *net, int used[SNAS_MAX_KINDS])
{
    memset(used, 0, SNAS_MAX_KINDS * sizeof *used);
    for (int c = 0; c < net->n_cells; c++)
        used[net->cells[c].kind] = 1;
}

enum snas_status subject_print(const struct subject *s, int cells, struct snas_err *err)
{
    struct snas_network *net = NULL;
    struct snas_alive alive = {0};
    int used[SNAS_MAX_KINDS];
    enum snas_status status = snas_network_create(&s->space, &s->options, &s->genotype, &net, err);
    if (status == SNAS_OK)
        status = snas_network_alive(net, &alive, err);
    if (status == SNAS_OK) {
        find_used(net, used);
        if (cells)
            snas_draw_genotype(&s->space, &s->genotype, used, stdout);
        print_network(net, &alive);
    }
    snas_alive_clear(&alive);
    snas_network_destroy(net);
    return status;
}

static enum snas_status write_picture(const struct subject *s, int kind, const char *dir,
                                      struct snas_err *err)
{
    struct snas_text svg = {0};
    char *file = snas_format(err, "%s/%s.svg", dir, s->space.kinds[kind].name);
    if (!file)
        return SNAS_E_NOMEM;
    snas_picture_svg(&s->space, &s->genotype, kind, &svg);
    enum snas_status status = snas_text_check(&svg, err);
    if (status == SNAS_OK)
        status = snas_write_file(file, svg.data, svg.n, err);
    if (status == SNAS_OK)
        printf("  wrote %s\n", file);
    snas_text_clear(&svg);
    snas_free(file);
    return status;
}

enum snas_status subject_write_svg(const struct subject *s, const char *dir, struct snas_err *err)
{
    enum snas_status status = snas_make_dirs(dir, err);
    for (int k = 0; status == SNAS_OK && k < s->space.n_kinds; k++)
        status = write_picture(s, k, dir, err);
    return status;
}

enum snas_status subject_write_dot(const struct subject *s, const char *path, struct snas_err *err)
{
    struct snas_text dot = {0};
    snas_picture_dot(&s->space, &s->genotype, NULL, &dot);
    enum snas_status status = snas_text_check(&dot, err);
    if (status == SNAS_OK && !strcmp(path, "-"))
        fwrite(dot.data, 1, dot.n, stdout);
    else if (status == SNAS_OK)
        status = snas_write_file(path, dot.data, dot.n, err);
    snas_text_clear(&dot);
    return status;
}

/* What a plan says: its numbers, its table, and why one is refused. */
#include <stdio.h>
#include <string.h>

#include "net/unit.h"

static void fill_shape(const struct snas_network *n, const struct snas_unit *unit,
                       struct snas_plan_row *row)
{
    row->shape = n->blocks[unit->index].out_shape;
    if (unit->kind != SNAS_UNIT_CELL)
        return;
    const struct snas_cell *cell = &n->cells[unit->index];
    row->shape = n->tensors[n->nodes[cell->first_node].tensor].shape;
    row->reduction = cell->reduction;
}

static void fill_rows(const struct snas_net *net, struct snas_plan_report *out)
{
    double all = 0, reference = 0;
    for (int i = 0; i < net->n_units; i++) {
        const struct snas_unit *unit = &net->units[i];
        struct snas_plan_row *row = &out->rows[out->n_rows++];
        snprintf(row->name, sizeof row->name, "%s", unit->name);
        fill_shape(net->network, unit, row);
        row->bytes = unit->bytes;
        row->shared_bytes = unit->shared_bytes;
        row->flops = unit->flops;
        row->reference = unit->ops == &snas_unit_ref_f32 || unit->ops == &snas_unit_ref_f64;
        all += unit->flops;
        reference += row->reference ? unit->flops : 0;
        if (!row->reference)
            out->isa = unit->ops->isa();
    }
    out->reference_share = all > 0 ? reference / all : 0;
}

enum snas_status snas_net_report(const struct snas_net *net, struct snas_plan_report *out,
                                 struct snas_err *err)
{
    *out = (struct snas_plan_report){.n_lean = net->options.training ? net->n_lean : 0,
                                     .memory_limit = net->options.memory_limit,
                                     .total_bytes = net->arena.reserved,
                                     .parameter_bytes = net->parameter_bytes,
                                     .shared_bytes = net->scratch_at - net->saved_at,
                                     .isa = "ref"};
    out->scratch_bytes = net->arena.reserved - net->temp_at - out->shared_bytes;
    out->activation_bytes = net->temp_at - net->parameter_bytes;
    out->rows = snas_alloc((size_t)net->n_units, sizeof *out->rows, err);
    if (!out->rows)
        return SNAS_E_NOMEM;
    fill_rows(net, out);
    return SNAS_OK;
}

enum snas_status snas_net_plan(const struct snas_network *network,
                               const struct snas_net_options *options, struct snas_plan_report *out,
                               struct snas_err *err)
{
    struct snas_net *net;
    memset(out, 0, sizeof *out);
    enum snas_status status = snas_net_make_plan(network, options, &net, err);
    if (status == SNAS_OK)
        status = snas_net_report(net, out, err);
    snas_net_destroy(net);
    return status;
}

void snas_plan_report_clear(struct snas_plan_report *report)
{
    snas_free(report->rows);
    memset(report, 0, sizeof *report);
}

/* ---- the table ---- */

static int alike(const struct snas_plan_row *a, const struct snas_plan_row *b)
{
    return !strncmp(a->name, "cell", 4) && !strncmp(b->name, "cell", 4) &&
           a->reduction == b->reduction && a->reference == b->reference &&
           !memcmp(&a->shape, &b->shape, sizeof a->shape);
}

static void add_size(struct snas_text *to, size_t bytes)
{
    double mb = (double)bytes / 1e6;
    if (bytes == 0)
        snas_text_add(to, "%11s", "-");
    else if (mb >= 9999.95)
        snas_text_add(to, "%8.1f GB", mb / 1e3);
    else
        snas_text_add(to, "%8.1f MB", mb);
}

/* Rows [first, first + n) as one line. */
static void add_rows(const struct snas_plan_report *r, int first, int n, double all,
                     struct snas_text *to)
{
    const struct snas_plan_row *row = &r->rows[first];
    char name[56], shape[40];
    size_t bytes = 0, shared = 0;
    double flops = 0;
    for (int i = first; i < first + n; i++) {
        bytes += r->rows[i].bytes;
        flops += r->rows[i].flops;
        shared = r->rows[i].shared_bytes > shared ? r->rows[i].shared_bytes : shared;
    }
    snprintf(name, sizeof name, "%s%s%s", row->name, n > 1 ? "-" : "",
             n > 1 ? row[n - 1].name + strlen("cell") : "");
    snprintf(shape, sizeof shape, "%dx%dx%d%s", row->shape.c, row->shape.h, row->shape.w,
             row->reduction ? " /2" : "");
    snas_text_add(to, "  %-12s %-15s", name, shape);
    add_size(to, bytes);
    if (r->shared_bytes)
        add_size(to, shared);
    snas_text_add(to, "%13.2f %6.1f%%  %s\n", flops / 1e6, all > 0 ? 100 * flops / all : 0,
                  row->reference ? "reference" : r->isa);
}

static void add_sum(const char *name, const char *what, size_t bytes, struct snas_text *to)
{
    snas_text_add(to, "  %-12s %-15s", name, what);
    add_size(to, bytes);
    snas_text_add(to, "\n");
}

void snas_plan_text(const struct snas_plan_report *r, int whole, struct snas_text *to)
{
    double all = 0;
    size_t rest = r->activation_bytes;
    for (int i = 0; i < r->n_rows; i++) {
        all += r->rows[i].flops;
        rest -= r->rows[i].bytes;
    }
    snas_text_add(to, "  %-12s %-15s%11s", "unit", "C x H x W", "memory");
    if (r->shared_bytes)
        snas_text_add(to, "%11s", "shared");
    snas_text_add(to, "%13s %7s  %s\n", "MFLOP/image", "work", "kernels");
    for (int i = 0, n; i < r->n_rows; i += n) {
        n = 1;
        while (!whole && i + n < r->n_rows && alike(&r->rows[i], &r->rows[i + n]))
            n++;
        add_rows(r, i, n, all, to);
    }
    if (r->shared_bytes)
        add_sum("shared", "by the units", r->shared_bytes, to);
    add_sum("statistics", "of batch norm", rest, to);
    add_sum("parameters", "and gradients", r->parameter_bytes, to);
    add_sum("scratch", "of the threads", r->scratch_bytes, to);
    add_sum("total", "", r->total_bytes, to);
}

/* ---- a refusal ---- */

static size_t bytes_of(const struct snas_network *network, const struct snas_net_options *o)
{
    struct snas_net *net;
    size_t bytes =
        snas_net_make_plan(network, o, &net, NULL) == SNAS_OK ? net->arena.reserved : SIZE_MAX;
    snas_net_destroy(net);
    return bytes;
}

/* The largest batch whose plan, lean where there is a backward, is allowed; 0: none. */
static int batch_that_fits(const struct snas_net *net)
{
    struct snas_net_options o = net->options;
    int fits = 0, too_many = o.batch + 1;
    o.memory = SNAS_MEMORY_LEAN;
    while (fits + 1 < too_many) {
        o.batch = fits + (too_many - fits) / 2;
        if (bytes_of(net->network, &o) <= o.memory_limit)
            fits = o.batch;
        else
            too_many = o.batch;
    }
    return fits;
}

enum snas_status snas_plan_refuse(const struct snas_net *net, struct snas_err *err)
{
    const struct snas_net_options *o = &net->options;
    int batch = batch_that_fits(net);
    char advice[120];
    if (batch == o->batch)
        snprintf(advice, sizeof advice, "memory: lean would fit");
    else if (batch > 0)
        snprintf(advice, sizeof advice, "a batch of %d would fit%s, or fewer channels or layers",
                 batch, o->training ? " (with memory: lean)" : "");
    else
        snprintf(advice, sizeof advice,
                 "no batch is small enough: fewer channels or layers are needed");
    return snas_fail(err, SNAS_E_LIMIT,
                     "the plan needs %zu bytes (%.1f MiB)%s, allowed are %zu (%.1f MiB): "
                     "%s",
                     net->arena.reserved, (double)net->arena.reserved / 1048576,
                     !o->training      ? ""
                     : net->n_lean > 0 ? " in lean memory"
                                       : " in normal memory",
                     o->memory_limit, (double)o->memory_limit / 1048576, advice);
}

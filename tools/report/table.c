#include "report/table.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"

/* A table of texts: the first column is left-aligned, the others to the right. */
enum { CELL = 63, MAX_COLUMNS = 32 };
struct grid {
    int columns, markdown;
    FILE *out;
    int width[MAX_COLUMNS];
    int room; /* rows */
    char (*cells)[CELL + 1];
};

static void write_value(const struct snas_comparison_column *c, double value, int sign,
                        char text[CELL + 1])
{
    const char *plus = sign && value >= 0 ? "+" : "";
    if (isnan(value))
        snprintf(text, CELL + 1, "-");
    else if (c->format == SNAS_COLUMN_PERCENT)
        snprintf(text, CELL + 1, "%s%.2f%%", plus, 100 * value);
    else if (c->format == SNAS_COLUMN_WHOLE)
        snprintf(text, CELL + 1, "%s%.0f", plus, value);
    else
        snprintf(text, CELL + 1, "%s%.3g", plus, value);
}

static void write_moments(const struct snas_comparison_column *c, struct snas_moments m, int sign,
                          char text[CELL + 1])
{
    char sd[CELL + 1];
    write_value(c, m.mean, sign, text);
    if (m.n < 2)
        return;
    write_value(c, m.sd, 0, sd);
    size_t n = strlen(text);
    if (n && text[n - 1] == '%')
        text[n - 1] = '\0';
    n = strlen(text);
    snprintf(text + n, CELL + 1 - n, " +- %s", sd);
}

/* Columns that some run has a value for. */
static int shown(const struct snas_comparison *c, int *columns)
{
    int n = 0;
    for (int k = 0; k < snas_comparison_n_columns; k++) {
        int any = 0;
        for (int i = 0; i < c->n; i++)
            any |= !isnan(snas_comparison_columns[k].of(&c->entries[i]));
        if (any)
            columns[n++] = k;
    }
    return n;
}

static int grid_begin(struct grid *g, int columns, int rows, int markdown, FILE *out)
{
    *g = (struct grid){.columns = columns, .markdown = markdown, .out = out, .room = rows + 1};
    g->cells = snas_alloc((size_t)g->room * (size_t)columns, sizeof *g->cells, NULL);
    return g->cells != NULL;
}

static char *grid_cell(struct grid *g, int row, int column)
{
    return g->cells[row * g->columns + column];
}

static void grid_line(const struct grid *g)
{
    fputs("|", g->out);
    for (int k = 0; k < g->columns; k++)
        fputs(k ? "---:|" : "---|", g->out);
    fputs("\n", g->out);
}

static void grid_print(struct grid *g)
{
    for (int r = 0; r < g->room; r++)
        for (int k = 0; k < g->columns; k++) {
            int n = (int)strlen(grid_cell(g, r, k));
            g->width[k] = n > g->width[k] ? n : g->width[k];
        }
    for (int r = 0; r < g->room; r++) {
        for (int k = 0; k < g->columns; k++) {
            const char *text = grid_cell(g, r, k);
            if (g->markdown)
                fprintf(g->out, "| %s ", text);
            else
                fprintf(g->out, "%s%*s", k ? "  " : "", k ? g->width[k] : -g->width[k], text);
        }
        fputs(g->markdown ? "|\n" : "\n", g->out);
        if (g->markdown && r == 0)
            grid_line(g);
    }
    snas_free(g->cells);
}

static void name_method(const struct snas_record *r, char text[CELL + 1])
{
    const char *note = "";
    if (r->finished && !r->connected)
        note = " (disconnected)";
    else if (!strcmp(r->outcome, "collapsed"))
        note = " (collapsed)";
    snprintf(text, CELL + 1, "%.40s%s", r->finished ? r->method : "unfinished", note);
}

static void print_runs(const struct snas_comparison *c, int markdown, FILE *out)
{
    int columns[MAX_COLUMNS], n = shown(c, columns);
    struct grid g;
    if (!grid_begin(&g, n + 2, c->n, markdown, out))
        return;
    snprintf(grid_cell(&g, 0, 0), CELL + 1, "run");
    snprintf(grid_cell(&g, 0, 1), CELL + 1, "method");
    for (int k = 0; k < n; k++)
        snprintf(grid_cell(&g, 0, k + 2), CELL + 1, "%s",
                 snas_comparison_columns[columns[k]].title);
    for (int i = 0; i < c->n; i++) {
        const struct snas_record *r = &c->entries[i].record;
        size_t length = strlen(r->dir), skip = length > CELL ? length - CELL : 0;
        snprintf(grid_cell(&g, i + 1, 0), CELL + 1, "%s", r->dir + skip);
        name_method(r, grid_cell(&g, i + 1, 1));
        for (int k = 0; k < n; k++) {
            const struct snas_comparison_column *column = &snas_comparison_columns[columns[k]];
            write_value(column, column->of(&c->entries[i]), 0, grid_cell(&g, i + 1, k + 2));
        }
    }
    grid_print(&g);
}

/* Means and differences leave out what is the same for all by making. */
static int summed(const struct snas_comparison *c, int *columns)
{
    int all[MAX_COLUMNS], n = 0, m = shown(c, all);
    for (int k = 0; k < m; k++)
        if (all[k] != snas_comparison_column("seed") &&
            all[k] != snas_comparison_column("penalty") &&
            all[k] != snas_comparison_column("epoch"))
            columns[n++] = all[k];
    return n;
}

static void print_groups(const struct snas_comparison *c, int paired, int markdown, FILE *out)
{
    int columns[MAX_COLUMNS], n = summed(c, columns);
    struct grid g;
    if (!grid_begin(&g, n + 2, c->n_groups - paired, markdown, out))
        return;
    snprintf(grid_cell(&g, 0, 0), CELL + 1, "%s", paired ? "difference" : "mean +- sd");
    snprintf(grid_cell(&g, 0, 1), CELL + 1, "%s", paired ? "pairs" : "runs");
    for (int k = 0; k < n; k++)
        snprintf(grid_cell(&g, 0, k + 2), CELL + 1, "%s",
                 snas_comparison_columns[columns[k]].title);
    for (int group = paired; group < c->n_groups; group++) {
        int row = group - paired + 1, most = 0;
        snas_comparison_label(c, group, grid_cell(&g, row, 0), CELL + 1);
        for (int k = 0; k < n; k++) {
            struct snas_moments m = paired ? snas_comparison_paired(c, group, columns[k])
                                           : snas_comparison_moments(c, group, columns[k]);
            write_moments(&snas_comparison_columns[columns[k]], m, paired,
                          grid_cell(&g, row, k + 2));
            most = m.n > most ? m.n : most;
        }
        snprintf(grid_cell(&g, row, 1), CELL + 1, "%d", most);
    }
    grid_print(&g);
}

static void print_protocols(const struct snas_comparison *c, FILE *out)
{
    int ways;
    char *text = snas_comparison_protocols(c, &ways);
    if (text && ways == 1)
        fprintf(out,
                "ms: median of one image in the exported model; bytes: of its file. Measured "
                "with\n%s",
                text);
    else if (text)
        fprintf(out,
                "ms: of one image in the exported model, measured in %d ways: latencies of "
                "one way cannot be\ncompared with those of another (--latency measures all "
                "of them alike)\n%s",
                ways, text);
    snas_free(text);
}

/* Why that epoch's child, where there was a choice. */
static void print_choices(const struct snas_comparison *c, int markdown, FILE *out)
{
    int any = 0;
    for (int i = 0; i < c->n; i++) {
        const struct snas_record *r = &c->entries[i].record;
        if (!*r->chosen || r->config.choose.every == 0)
            continue;
        fprintf(out, "%s%s%s: %s\n",
                any        ? ""
                : markdown ? "\nWhich epoch's child:\n\n"
                           : "\nWhich epoch's child:\n",
                markdown ? "- " : "  ", r->dir, r->chosen);
        any = 1;
    }
}

static void print_tables(const struct snas_comparison *c, int markdown, FILE *out)
{
    char label[128];
    print_runs(c, markdown, out);
    if (c->n > c->n_groups) {
        fputs("\n", out);
        print_groups(c, 0, markdown, out);
    }
    if (c->n_groups > 1) {
        snas_comparison_label(c, 0, label, sizeof label);
        fprintf(out, "\nAgainst \"%s\", seed by seed:%s\n", label, markdown ? "\n" : "");
        print_groups(c, 1, markdown, out);
    }
    print_choices(c, markdown, out);
    fputs("\nsampled, child, BN re-est.: validation accuracy of sampled networks, of the child as "
          "searched,\nand with its batch norm re-estimated; chosen: the epoch whose child it is "
          "(the last, unless\nchoose.every asked for the best), best: the epoch whose argmax did "
          "best with shared weights;\nentropy: share of uniform; params, madds: after exact "
          "pruning, convolutions and linear layers,\none image.\n",
          out);
    print_protocols(c, out);
}

void snas_table_text(const struct snas_comparison *c, FILE *out)
{
    print_tables(c, 0, out);
}

void snas_table_markdown(const struct snas_comparison *c, FILE *out)
{
    print_tables(c, 1, out);
}

/* A field of RFC 4180. */
static void csv_text(const char *text, FILE *out)
{
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

void snas_table_csv(const struct snas_comparison *c, FILE *out)
{
    fputs("run,group,method,finished,connected", out);
    for (int k = 0; k < snas_comparison_n_columns; k++)
        fprintf(out, ",%s", snas_comparison_columns[k].key);
    fputs(",latency_runtime,latency_device,latency_threads,outcome,chosen\n", out);
    for (int i = 0; i < c->n; i++) {
        const struct snas_latency *l = &c->entries[i].latency;
        const struct snas_record *r = &c->entries[i].record;
        csv_text(r->dir, out);
        fprintf(out, ",%d,%s,%d,%d", c->entries[i].group, r->method, r->finished, r->connected);
        for (int k = 0; k < snas_comparison_n_columns; k++) {
            double value = snas_comparison_columns[k].of(&c->entries[i]);
            if (isnan(value))
                fputs(",", out);
            else
                fprintf(out, ",%.10g", value);
        }
        fputs(",", out);
        csv_text(c->entries[i].timed ? l->runtime : "", out);
        fputs(",", out);
        csv_text(c->entries[i].timed ? l->device : "", out);
        if (c->entries[i].timed)
            fprintf(out, ",%d,", l->threads);
        else
            fputs(",,", out);
        csv_text(r->outcome, out);
        fputs(",", out);
        csv_text(r->chosen, out);
        fputs("\n", out);
    }
}

static json_t *real_or_null(double value)
{
    return isnan(value) ? json_null() : json_real(value);
}

static json_t *moments_json(struct snas_moments m)
{
    return json_pack("{s:i, s:o, s:o}", "n", m.n, "mean", real_or_null(m.mean), "sd",
                     real_or_null(m.sd));
}

static json_t *text_or_null(const char *text)
{
    return *text ? json_string(text) : json_null();
}

static json_t *run_json(const struct snas_comparison_entry *e)
{
    json_t *run = json_pack("{s:s, s:i, s:s, s:b, s:b}", "run", e->record.dir, "group", e->group,
                            "method", e->record.method, "finished", e->record.finished, "connected",
                            e->record.connected);
    for (int k = 0; k < snas_comparison_n_columns; k++)
        json_object_set_new(run, snas_comparison_columns[k].key,
                            real_or_null(snas_comparison_columns[k].of(e)));
    json_object_set_new(run, "outcome", text_or_null(e->record.outcome));
    json_object_set_new(run, "chosen", text_or_null(e->record.chosen));
    if (e->timed)
        json_object_set_new(run, "latency",
                            json_pack("{s:s, s:s, s:i, s:i, s:i, s:i, s:s}", "runtime",
                                      e->latency.runtime, "device", e->latency.device, "threads",
                                      e->latency.threads, "rounds", e->latency.rounds, "runs",
                                      e->latency.runs, "busy_rounds", e->latency.busy, "date",
                                      e->latency.date));
    return run;
}

static json_t *group_json(const struct snas_comparison *c, int group)
{
    char label[128];
    json_t *means = json_object(), *differences = json_object();
    snas_comparison_label(c, group, label, sizeof label);
    for (int k = 0; k < snas_comparison_n_columns; k++) {
        const char *key = snas_comparison_columns[k].key;
        json_object_set_new(means, key, moments_json(snas_comparison_moments(c, group, k)));
        json_object_set_new(differences, key, moments_json(snas_comparison_paired(c, group, k)));
    }
    return json_pack("{s:s, s:o, s:o}", "label", label, "mean", means, "difference", differences);
}

enum snas_status snas_table_json(const struct snas_comparison *c, FILE *out, struct snas_err *err)
{
    json_t *runs = json_array(), *groups = json_array();
    for (int i = 0; i < c->n; i++)
        json_array_append_new(runs, run_json(&c->entries[i]));
    for (int g = 0; g < c->n_groups; g++)
        json_array_append_new(groups, group_json(c, g));
    int ways;
    snas_free(snas_comparison_protocols(c, &ways));
    json_t *root =
        json_pack("{s:i, s:o, s:o}", "latency_protocols", ways, "runs", runs, "groups", groups);
    int failed = !root || json_dumpf(root, out, JSON_INDENT(2) | JSON_REAL_PRECISION(10)) != 0;
    json_decref(root);
    fputc('\n', out);
    return failed ? snas_fail(err, SNAS_E_IO, "cannot write the comparison as JSON") : SNAS_OK;
}

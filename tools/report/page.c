#include "report/page.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/mem.h"
#include "report/picture.h"

/* The pictures of a page: each cell that differs is stored once. */
struct album {
    json_t *pictures; /* texts */
    json_t *places;   /* text -> index */
};

static json_t *real_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *columns_json(void)
{
    static const char *const formats[] = {"whole", "percent", "real"};
    json_t *columns = json_array();
    for (int i = 0; i < snas_comparison_n_columns; i++) {
        const struct snas_comparison_column *c = &snas_comparison_columns[i];
        json_array_append_new(columns, json_pack("{s:s, s:s, s:s}", "key", c->key, "title",
                                                 c->title, "format", formats[c->format]));
    }
    return columns;
}

static json_t *values_json(const struct snas_comparison_entry *e)
{
    json_t *values = json_object();
    for (int i = 0; i < snas_comparison_n_columns; i++)
        json_object_set_new(values, snas_comparison_columns[i].key,
                            real_or_null(snas_comparison_columns[i].of(e)));
    return values;
}

static json_t *series_json(const struct snas_record *r)
{
    json_t *all = json_object();
    for (int c = 0; c < r->series.n_columns; c++) {
        json_t *column = json_array();
        for (int row = 0; row < r->series.n_rows; row++)
            json_array_append_new(
                column,
                real_or_null(
                    r->series.values[(size_t)row * (size_t)r->series.n_columns + (size_t)c]));
        json_object_set_new(all, r->series.names[c], column);
    }
    return all;
}

static json_t *shares_json(const struct snas_record *r)
{
    json_t *shares = json_array();
    for (int i = 0; i < r->n_shares; i++) {
        const struct snas_record_share *s = &r->shares[i];
        const struct snas_cell_kind *kind = &r->space.kinds[s->kind];
        char from[16], to[16];
        snas_picture_slot(kind, s->slot, from);
        snas_picture_slot(kind, kind->inputs + s->node, to);
        json_array_append_new(shares, json_pack("{s:o, s:f}", "edge",
                                                json_sprintf("%s: %s to %s", kind->name, from, to),
                                                "share", s->share));
    }
    return shares;
}

static enum snas_status add_picture(struct album *album, const struct snas_record *r, int epoch,
                                    int kind, json_t *to, struct snas_err *err)
{
    struct snas_text svg = {0};
    snas_picture_svg(&r->space, &r->history[epoch], kind, &svg);
    enum snas_status status = snas_text_check(&svg, err);
    if (status == SNAS_OK) {
        json_t *place = json_object_get(album->places, svg.data);
        if (!place) {
            place = json_integer((json_int_t)json_array_size(album->pictures));
            json_array_append_new(album->pictures, json_string(svg.data));
            json_object_set_new(album->places, svg.data, place);
        }
        json_array_append(to, place);
    }
    snas_text_clear(&svg);
    return status;
}

static enum snas_status pictures_json(struct album *album, const struct snas_record *r,
                                      json_t *epochs, struct snas_err *err)
{
    enum snas_status status = SNAS_OK;
    for (int e = 0; e < r->series.n_rows; e++) {
        json_t *kinds = json_array();
        json_array_append_new(epochs, kinds);
        for (int k = 0; status == SNAS_OK && k < r->space.n_kinds; k++)
            status = add_picture(album, r, e, k, kinds, err);
    }
    return status;
}

static void add_kinds(json_t *kinds, const struct snas_space *space)
{
    for (int k = 0; k < space->n_kinds; k++) {
        int known = 0;
        for (size_t i = 0; i < json_array_size(kinds); i++)
            known |= !strcmp(json_string_value(json_array_get(kinds, i)), space->kinds[k].name);
        if (!known)
            json_array_append_new(kinds, json_string(space->kinds[k].name));
    }
}

static enum snas_status runs_json(const struct snas_comparison *c, struct album *album,
                                  json_t *runs, json_t *kinds, struct snas_err *err)
{
    enum snas_status status = SNAS_OK;
    for (int i = 0; status == SNAS_OK && i < c->n; i++) {
        const struct snas_comparison_entry *e = &c->entries[i];
        json_t *epochs = json_array();
        status = pictures_json(album, &e->record, epochs, err);
        add_kinds(kinds, &e->record.space);
        json_array_append_new(runs, json_pack("{s:s, s:i, s:s, s:o, s:o, s:o, s:o}", "label",
                                              e->record.dir, "group", e->group, "chosen",
                                              e->record.chosen, "values", values_json(e), "series",
                                              series_json(&e->record), "shares",
                                              shares_json(&e->record), "pictures", epochs));
    }
    return status;
}

static json_t *groups_json(const struct snas_comparison *c)
{
    json_t *groups = json_array();
    for (int g = 0; g < c->n_groups; g++) {
        char label[512];
        snas_comparison_label(c, g, label, sizeof label);
        json_array_append_new(groups, json_string(label));
    }
    return groups;
}

/* No "</" can come out of it, which would end the element that holds it. */
static char *report_json(const char *title, const struct snas_comparison *c, struct snas_err *err)
{
    struct album album = {json_array(), json_object()};
    json_t *runs = json_array(), *kinds = json_array();
    char *text = NULL;
    int ways;
    char *protocols = snas_comparison_protocols(c, &ways);
    if (runs_json(c, &album, runs, kinds, err) == SNAS_OK) {
        json_t *root = json_pack(
            "{s:s, s:i, s:s, s:o, s:o, s:O, s:O, s:O}", "title", title, "latency_ways", ways,
            "latency_protocols", protocols ? protocols : "", "columns", columns_json(), "groups",
            groups_json(c), "kinds", kinds, "runs", runs, "pictures", album.pictures);
        text = root ? json_dumps(root, JSON_COMPACT | JSON_ESCAPE_SLASH | JSON_REAL_PRECISION(7))
                    : NULL;
        if (!text)
            snas_fail(err, SNAS_E_NOMEM, "no memory for the page's data, or a name is no UTF-8");
        json_decref(root);
    }
    snas_free(protocols);
    json_decref(album.pictures);
    json_decref(album.places);
    json_decref(runs);
    json_decref(kinds);
    return text;
}

/* Installed beside the other shipped files, or in the source tree's build directory. */
static enum snas_status read_script(char **text, size_t *size, struct snas_err *err)
{
    char *path;
    struct snas_err unused = {0};
    enum snas_status status = snas_find_shipped("page/report.js", &path, &unused);
    if (status != SNAS_OK)
        status = snas_find_shipped("build/page/report.js", &path, &unused);
    if (status != SNAS_OK)
        return snas_fail(err, SNAS_E_UNSUPPORTED,
                         "the report page's script is not here: tools/report/page/build bundles it "
                         "(needs npm)");
    status = snas_read_file(path, (size_t)16 << 20, text, size, err);
    snas_free(path);
    return status;
}

static void put(struct snas_writer *w, const char *text)
{
    snas_writer_put(w, text, strlen(text));
}

static void put_escaped(struct snas_writer *w, const char *text)
{
    for (; *text; text++)
        if (*text == '<' || *text == '&')
            put(w, *text == '<' ? "&lt;" : "&amp;");
        else
            snas_writer_put(w, text, 1);
}

/* Of the words, which must look well without the script too; the page's own style goes over it. */
static const char words_style[] =
    "<style>#words{max-width:1100px;margin:0 auto;padding:0 16px;font:15px/1.5 "
    "system-ui,sans-serif}"
    "#words table{border-collapse:collapse;font-size:13px;margin:12px 0;width:auto}"
    "#words tr{cursor:auto}#words .left1 td:nth-child(1),"
    "#words .left2 td:nth-child(-n+2){white-space:normal}"
    "#words th,#words td{padding:3px 9px;text-align:right;border-bottom:1px solid #8884}"
    "#words .left1 :is(th,td):nth-child(1),#words .left2 :is(th,td):nth-child(-n+2)"
    "{text-align:left}#words .scroll{overflow-x:auto}"
    "#words figure{margin:16px 0}#words img{max-width:100%;height:auto}"
    "#words figcaption{font-size:13px;opacity:.75}#words pre{white-space:pre-wrap}</style>\n";

static void put_page(struct snas_writer *w, const char *title, const char *words, const char *json,
                     const char *script, size_t size)
{
    put(w, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
           "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
           "<meta name=\"color-scheme\" content=\"light dark\"><title>");
    put_escaped(w, title);
    put(w, "</title></head><body>\n");
    if (words) {
        put(w, words_style);
        put(w, "<div id=\"words\">\n");
        put(w, words);
        put(w, "</div>\n");
    }
    if (script && json) {
        put(w, "<script type=\"application/json\" id=\"report\">");
        put(w, json);
        put(w, "</script>\n<script>");
        snas_writer_put(w, script, size);
        put(w, "</script>\n");
    }
    put(w, "</body></html>\n");
}

enum snas_status snas_page_write(const char *path, const char *title,
                                 const struct snas_comparison *c, const char *words,
                                 struct snas_err *err)
{
    struct snas_writer *w = NULL;
    char *script = NULL, *json = NULL;
    size_t size = 0;
    enum snas_status status = read_script(&script, &size, err);
    if (status == SNAS_OK) {
        json = report_json(title, c, err);
        status = json ? SNAS_OK : err ? err->code : SNAS_E_NOMEM;
    } else if (status == SNAS_E_UNSUPPORTED && words) {
        status = SNAS_OK;
    }
    if (status == SNAS_OK)
        status = snas_writer_open(path, &w, err);
    if (status == SNAS_OK) {
        put_page(w, title, words, json, script, size);
        status = snas_writer_commit(w, err);
    }
    free(json);
    snas_free(script);
    return status;
}

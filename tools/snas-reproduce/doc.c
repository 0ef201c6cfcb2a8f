#include "snas-reproduce/doc.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/io.h"
#include "base/mem.h"

static void escape(struct snas_text *out, const char *text)
{
    for (; *text; text++)
        if (*text == '<' || *text == '>' || *text == '&' || *text == '"')
            snas_text_add(out, "&#%d;", *text);
        else
            snas_text_add(out, "%c", *text);
}

void doc_heading(struct doc *d, int level, const char *text)
{
    snas_text_add(&d->markdown, "%.*s %s\n\n", level, "######", text);
    snas_text_add(&d->html, "<h%d>", level);
    escape(&d->html, text);
    snas_text_add(&d->html, "</h%d>\n", level);
}

/* Markdown is read as it stands in a terminal, too: lines of at most 100 columns. */
static void wrapped(struct snas_text *out, const char *text)
{
    enum { WIDTH = 100 };
    size_t column = 0;
    while (*text) {
        size_t n = strcspn(text, " ");
        if (column && column + 1 + n > WIDTH) {
            snas_text_add(out, "\n");
            column = 0;
        } else if (column) {
            snas_text_add(out, " ");
            column++;
        }
        snas_text_add(out, "%.*s", (int)n, text);
        column += n;
        text += n + (text[n] == ' ');
    }
}

void doc_text(struct doc *d, const char *fmt, ...)
{
    char text[4096];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    wrapped(&d->markdown, text);
    snas_text_add(&d->markdown, "\n\n");
    snas_text_add(&d->html, "<p>");
    escape(&d->html, text);
    snas_text_add(&d->html, "</p>\n");
}

void doc_code(struct doc *d, const char *text)
{
    snas_text_add(&d->markdown, "    ");
    for (const char *p = text; *p; p++)
        snas_text_add(&d->markdown, *p == '\n' && p[1] ? "\n    " : "%c", *p);
    snas_text_add(&d->markdown, "\n\n");
    snas_text_add(&d->html, "<pre>");
    escape(&d->html, text);
    snas_text_add(&d->html, "</pre>\n");
}

static void markdown_row(struct doc *d, const char *const *cells)
{
    for (int i = 0; i < d->columns; i++) {
        snas_text_add(&d->markdown, "| ");
        for (const char *p = cells[i]; *p; p++)
            snas_text_add(&d->markdown, *p == '|' ? "\\|" : "%c", *p);
        snas_text_add(&d->markdown, " ");
    }
    snas_text_add(&d->markdown, "|\n");
}

static void html_row(struct doc *d, const char *tag, const char *const *cells)
{
    snas_text_add(&d->html, "<tr>");
    for (int i = 0; i < d->columns; i++) {
        snas_text_add(&d->html, "<%s>", tag);
        escape(&d->html, cells[i]);
        snas_text_add(&d->html, "</%s>", tag);
    }
    snas_text_add(&d->html, "</tr>\n");
}

void doc_table_begin(struct doc *d, int columns, int left, const char *const *titles)
{
    d->columns = columns;
    markdown_row(d, titles);
    for (int i = 0; i < columns; i++)
        snas_text_add(&d->markdown, i < left ? "|---" : "|---:");
    snas_text_add(&d->markdown, "|\n");
    snas_text_add(&d->html, "<div class=\"scroll\"><table class=\"left%d\">\n<thead>", left);
    html_row(d, "th", titles);
    snas_text_add(&d->html, "</thead>\n<tbody>\n");
}

void doc_row(struct doc *d, const char *const *cells)
{
    markdown_row(d, cells);
    html_row(d, "td", cells);
}

void doc_table_end(struct doc *d)
{
    snas_text_add(&d->markdown, "\n");
    snas_text_add(&d->html, "</tbody></table></div>\n");
}

static void base64(struct snas_text *out, const unsigned char *data, size_t n)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < n; i += 3) {
        unsigned left = (unsigned)(n - i > 3 ? 3 : n - i);
        unsigned v = (unsigned)data[i] << 16 | (left > 1 ? (unsigned)data[i + 1] << 8 : 0) |
                     (left > 2 ? data[i + 2] : 0);
        snas_text_add(out, "%c%c%c%c", digits[v >> 18], digits[v >> 12 & 63],
                      left > 1 ? digits[v >> 6 & 63] : '=', left > 2 ? digits[v & 63] : '=');
    }
}

void doc_picture(struct doc *d, const char *name, const char *caption)
{
    struct snas_err err = {0};
    char *file = snas_format(&err, "%s.svg", name);
    char *path = file ? snas_path_join(d->dir, file, &err) : NULL, *svg = NULL;
    size_t n = 0;
    if (path && snas_read_file(path, (size_t)64 << 20, &svg, &n, &err) == SNAS_OK) {
        snas_text_add(&d->markdown, "![%s](%s)\n\n", caption, file);
        /* As an image of its own, so that the ids of two pictures cannot meet. */
        snas_text_add(&d->html, "<figure><img alt=\"");
        escape(&d->html, caption);
        snas_text_add(&d->html, "\" src=\"data:image/svg+xml;base64,");
        base64(&d->html, (const unsigned char *)svg, n);
        snas_text_add(&d->html, "\"><figcaption>");
        escape(&d->html, caption);
        snas_text_add(&d->html, "</figcaption></figure>\n");
    } else if (d->status == SNAS_OK) {
        d->status = snas_fail(d->err, err.code, "%s", err.text);
    }
    snas_free(svg);
    snas_free(path);
    snas_free(file);
}

enum snas_status doc_check(struct doc *d, struct snas_err *err)
{
    if (d->status != SNAS_OK)
        return d->status;
    enum snas_status s = snas_text_check(&d->markdown, err);
    return s == SNAS_OK ? snas_text_check(&d->html, err) : s;
}

void doc_clear(struct doc *d)
{
    snas_text_clear(&d->markdown);
    snas_text_clear(&d->html);
}

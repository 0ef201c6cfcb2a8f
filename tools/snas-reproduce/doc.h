#ifndef SNAS_REPRODUCE_DOC_H
#define SNAS_REPRODUCE_DOC_H

#include "base/text.h"

/* A report that is written once and becomes two texts: Markdown, and a fragment of HTML that holds
 * its pictures. Texts are plain: what is markup in HTML is escaped. */
struct doc {
    const char *dir; /* where the pictures are */
    struct snas_text markdown, html;
    int columns;             /* of the table that is open */
    struct snas_err *err;    /* keeps the first error of a picture */
    enum snas_status status; /* its code */
};

void doc_heading(struct doc *d, int level, const char *text);
void doc_text(struct doc *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Lines that stay as they are: commands. */
void doc_code(struct doc *d, const char *text);
/* A table: its head, rows of as many cells (the first `left` of a row are aligned left), its end.
 */
void doc_table_begin(struct doc *d, int columns, int left, const char *const *titles);
void doc_row(struct doc *d, const char *const *cells);
void doc_table_end(struct doc *d);
/* The picture NAME.svg of `dir`, with a caption. */
void doc_picture(struct doc *d, const char *name, const char *caption);
/* SNAS_OK, or the first thing that went wrong. */
enum snas_status doc_check(struct doc *d, struct snas_err *err);
void doc_clear(struct doc *d);

#endif

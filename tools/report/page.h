#ifndef SNAS_REPORT_PAGE_H
#define SNAS_REPORT_PAGE_H

#include "report/comparison.h"

/* One self-contained HTML file: plots of accuracy against cost, a table, each run's cells with a
 * slider through its epochs, its curves, where its expected cost is. Its script is bundled by
 * tools/report/page/build (npm); SNAS_E_UNSUPPORTED says how to get it when it is not there.
 * `words` (NULL: none): a fragment of HTML that stands above all of
 * this; with it the page is written without the script too, and is then the words alone. `path` is
 * replaced atomically. */
enum snas_status snas_page_write(const char *path, const char *title,
                                 const struct snas_comparison *c, const char *words,
                                 struct snas_err *err);

#endif

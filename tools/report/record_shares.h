#ifndef SNAS_REPORT_RECORD_SHARES_H
#define SNAS_REPORT_RECORD_SHARES_H

#include "report/record.h"

/* Internal to report/: fills shares from the text of an alpha file (alpha/epoch-NNN.csv; `path` for
 * messages). A file without costs leaves them empty. */
enum snas_status snas_record_shares_parse(const char *path, const char *text, struct snas_record *r,
                                          struct snas_err *err);

#endif

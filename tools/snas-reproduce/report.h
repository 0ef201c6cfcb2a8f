#ifndef SNAS_REPRODUCE_REPORT_H
#define SNAS_REPRODUCE_REPORT_H

#include "snas-reproduce/doc.h"
#include "snas-reproduce/gather.h"

/* The parts of the report; each adds to the document and draws its pictures into d->dir. */

/* A claim of method.md section 5 put to the runs. */
enum verdict {
    VERDICT_HOLDS,
    VERDICT_LEANS,   /* above the bound, but the seeds cannot decide */
    VERDICT_AGAINST, /* below it, as little decided */
    VERDICT_FAILS,
    VERDICT_UNTESTED
};
extern const char *const verdict_names[]; /* "holds", "does not hold", ... */
struct claim_result {
    const char *text, *quantity; /* what is claimed; what must be above `bound` */
    int percent, digits;         /* how its figures are written */
    double bound;
    struct snas_moments value; /* over the seeds */
    enum verdict verdict;
};
/* All of them; *n. `out` has room for CLAIMS. */
enum { CLAIMS = 32 };
int claims_judge(const struct results *r, struct claim_result out[CLAIMS]);
void claims_write(const struct claim_result *claims, int n, int seeds, struct doc *d);

void write_methods(const struct results *r, struct doc *d);
void write_terms(const struct results *r, struct doc *d);
enum snas_status write_curves(const struct results *r, struct doc *d, struct snas_err *err);
enum snas_status write_penalties(const struct results *r, struct doc *d, struct snas_err *err);
enum snas_status write_bias(const struct results *r, struct doc *d, struct snas_err *err);
enum snas_status write_credit(const struct results *r, struct doc *d, struct snas_err *err);
void write_settings(const struct results *r, struct doc *d);

/* OUT/report/: report.md, report.html, report.json and the pictures. */
enum snas_status report_write(struct results *r, struct snas_err *err);

#endif

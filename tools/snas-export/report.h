#ifndef SNAS_TOOLS_EXPORT_REPORT_H
#define SNAS_TOOLS_EXPORT_REPORT_H

#include <stdint.h>

#include "export/check/check.h"
#include "export/export.h"

/* What snas-export did, for the screen or as JSON. */
struct report {
    const char *model, *source; /* paths of the ONNX file and the child */
    const struct snas_child *child;
    struct snas_export_options options;
    struct snas_export_report graph;
    uint64_t bytes;
    int images;           /* that were checked; 0: not verified */
    char images_of[128];  /* "test images of fashion-mnist" */
    char unverified[256]; /* why nothing was checked */
    struct snas_check_result check;
};

void report_text(const struct report *r);
void report_json(const struct report *r);

#endif

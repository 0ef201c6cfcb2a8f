#ifndef SNAS_REPORT_LATENCY_H
#define SNAS_REPORT_LATENCY_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* Latency of a run's exported child as it was measured, kept as latency.json in the run directory:
 * one image at a time, and the protocol that two figures must share to be compared. */

#define SNAS_RUN_LATENCY "latency.json"

struct snas_latency {
    char child[17];   /* hash of the child file that was measured */
    char runtime[96]; /* "ONNX Runtime 1.30.0", "the engine" */
    char device[96];  /* the processor */
    char date[16];
    int threads, rounds, runs; /* runs of a round */
    int busy;                  /* rounds taken on a busy machine */
    double median_ms, min_ms, p90_ms;
    int64_t bytes; /* of the exported model */
};

/* *known 0: nothing was measured, or the child has changed since. An unreadable file is an error
 * that says to remove it. */
enum snas_status snas_latency_read(const char *dir, struct snas_latency *out, int *known,
                                   struct snas_err *err);
/* Replaced atomically. */
enum snas_status snas_latency_write(const char *dir, const struct snas_latency *l,
                                    struct snas_err *err);
/* Hash of the run's child file; "" when there is none. */
enum snas_status snas_latency_child(const char *dir, char hash[17], struct snas_err *err);

/* 1: same runtime, processor, threads, rounds and runs. */
int snas_latency_comparable(const struct snas_latency *a, const struct snas_latency *b);
/* "ONNX Runtime 1.30.0 on AMD EPYC, 1 thread, 15 rounds of 20 runs" */
void snas_latency_protocol(const struct snas_latency *l, char *text, size_t size);

#endif

#ifndef SNAS_EVAL_EVAL_H
#define SNAS_EVAL_EVAL_H

#include <stdint.h>

#include "base/status.h"
#include "data/dataset.h"

/* What one evaluation found. */
struct tally {
    char how[128];  /* "engine", "ONNX Runtime 1.30.0" */
    char what[128]; /* split and data set */
    int classes;
    int64_t n, correct;
    int64_t *confusion; /* [classes][classes], row = label; owned */
    char **names;       /* [classes], owned; NULL: unnamed */
};
/* Takes copies of the names (may be NULL). */
enum snas_status tally_init(struct tally *t, int classes, char *const *names, struct snas_err *err);
void tally_clear(struct tally *t);
/* n and correct from the confusion matrix. */
void tally_finish(struct tally *t);
void tally_print(const struct tally *t, const char *title, int json);

struct request {
    const char *data;  /* directory, or NULL: the configured default */
    const char *split; /* "test", "train", "validation", or NULL: the mode's default */
    int threads;
    int json;
    int within_budget; /* of random genotypes: only those that the run's budgets allow */
};

/* "test" or "train" of the data set; SNAS_E_ARG for others. */
enum snas_status request_split(const struct request *r, enum snas_split *out, struct snas_err *err);
const char *request_data(const struct request *r);

/* A child file, by the engine. */
enum snas_status eval_child(const char *path, const struct request *r, struct tally *out,
                            struct snas_err *err);
/* An ONNX file, by ONNX Runtime, or OpenCV where that is missing. */
enum snas_status eval_onnx(const char *path, const struct request *r, struct tally *out,
                           struct snas_err *err);
/* A genotype with the shared weights of a run. */
enum snas_status eval_genotype(const char *run, const char *genotype, const struct request *r,
                               struct tally *out, struct snas_err *err);
/* The genotype of the run's child and n random ones with the run's shared weights; prints. */
enum snas_status eval_random(const char *run, int n, uint64_t seed, const struct request *r,
                             struct snas_err *err);

#endif

#ifndef SNAS_SHOW_SUBJECT_H
#define SNAS_SHOW_SUBJECT_H

#include "space/network.h"

/* What is shown: a network with its cells, whatever it was read from. */
struct subject {
    char title[256];
    struct snas_space space;
    struct snas_genotype genotype;
    struct snas_network_options options;
};

/* How big a genotype's network is; files and runs know it themselves. */
struct subject_size {
    const char *space, *input; /* "darts"; "3x32x32" */
    int channels, layers, classes;
};

/* From a run's directory, after an epoch (from 1), or of its child (epoch 0). */
enum snas_status subject_from_run(const char *dir, int epoch, struct subject *out,
                                  struct snas_err *err);
enum snas_status subject_from_child(const char *path, struct subject *out, struct snas_err *err);
/* From the metadata that snas-export writes; SNAS_E_UNSUPPORTED for a file of others. */
enum snas_status subject_from_onnx(const char *path, struct subject *out, struct snas_err *err);
enum snas_status subject_from_genotype(const char *name, const struct subject_size *size,
                                       struct subject *out, struct snas_err *err);

/* The cells as text, for a run's result they are there already (cells 0), and a line per stem, cell
 * and head: shape, costs. */
enum snas_status subject_print(const struct subject *s, int cells, struct snas_err *err);
/* A file per kind, DIR/normal.svg ...; the directory is made. */
enum snas_status subject_write_svg(const struct subject *s, const char *dir, struct snas_err *err);
enum snas_status subject_write_dot(const struct subject *s, const char *path, struct snas_err *err);

#endif

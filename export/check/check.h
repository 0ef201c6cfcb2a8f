#ifndef SNAS_EXPORT_CHECK_CHECK_H
#define SNAS_EXPORT_CHECK_CHECK_H

#include "data/dataset.h"
#include "export/check/runtime.h"
#include "space/child.h"

/* Does an ONNX file answer as the engine does? Every runtime that is here is asked, with one image
 * at a time, with three, and with many. */

/* Allowed for a logit: ABSOLUTE + RELATIVE x the image's largest reference logit (in size). The top
 * class must be the same wherever the reference's two best are more than MARGIN apart. */
#define SNAS_CHECK_ABSOLUTE 1e-4
#define SNAS_CHECK_RELATIVE 1e-4
#define SNAS_CHECK_MARGIN 1e-4

struct snas_check_images {
    int n;
    float *nhwc; /* [n][H][W][C], normalised; owned */
};
/* Standard normal pixels, by seed. */
enum snas_status snas_check_images_random(const struct snas_child *child, int n, uint64_t seed,
                                          struct snas_check_images *out, struct snas_err *err);
/* The first n (0: all) images of a data set, normalised as the child's info says. SNAS_E_ARG when
 * its images or classes are not the child's. */
enum snas_status snas_check_images_load(const struct snas_child *child,
                                        const struct snas_dataset *ds, int n,
                                        struct snas_check_images *out, struct snas_err *err);
void snas_check_images_clear(struct snas_check_images *images);

struct snas_check_options {
    int threads;    /* >= 1 */
    int normalised; /* 1: the model normalises by itself, so it is given values of 0..1 */
};

struct snas_check_result {
    int n_runtimes; /* 0: none is here, nothing was checked */
    struct {
        char name[64];
        double largest; /* difference of a logit */
        int close;      /* images left out of the top-class comparison by the margin */
    } runtimes[2];
};

/* Logits [n][classes] of the engine, by running statistics. */
enum snas_status snas_check_reference(const struct snas_child *child,
                                      const struct snas_check_images *images, int threads,
                                      float *logits, struct snas_err *err);
/* SNAS_E_NUMERIC, with runtime, image and class, when a runtime disagrees; SNAS_E_FORMAT when one
 * cannot load or run the file, or its shapes are not the child's. */
enum snas_status snas_check_model(const char *path, const struct snas_child *child,
                                  const struct snas_check_images *images,
                                  const struct snas_check_options *options,
                                  struct snas_check_result *out, struct snas_err *err);

#endif

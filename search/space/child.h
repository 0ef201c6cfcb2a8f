#ifndef SNAS_SPACE_CHILD_H
#define SNAS_SPACE_CHILD_H

#include <stdint.h>

#include "space/network.h"

/* child.safetensors: the one thing that crosses from search to export. Tensors by the child
 * network's parameter names, in the engine's storage order, float32, running statistics included.
 * Metadata (strings): format ("snas-child 1"), space (the YAML of snas_space_dump), genotype
 * (JSON), network (JSON: channels, layers, input [c, h, w], classes, affine, pool_bn, bn_eps),
 * labels (JSON list), mean and sd (JSON lists per input channel, of values scaled to 0..1),
 * dataset, accuracies (JSON: validation and test, null where not measured), run (JSON: name, seed -
 * as a string, it has 64 bits - and epoch). */

#define SNAS_MAX_CLASSES 1024
#define SNAS_MAX_IMAGE_CHANNELS 4

struct snas_child_info {
    char dataset[64];
    int n_labels; /* 0: unnamed classes */
    char **labels;
    double mean[SNAS_MAX_IMAGE_CHANNELS], sd[SNAS_MAX_IMAGE_CHANNELS];
    double bn_eps;
    uint64_t seed;
    char run[64];
    int epoch;                  /* whose argmax this is, from 1 */
    double validation_accuracy; /* 0..1 after re-estimation; negative: not measured */
    double test_accuracy;
};

struct snas_child {
    struct snas_network *network; /* owned; a genotype network */
    float **values;               /* owned; [network->n_params], count values each */
    struct snas_child_info info;  /* owned labels */
};

/* The file is replaced atomically. The same child gives the same bytes. Refuses what
 * snas_child_read would refuse. */
enum snas_status snas_child_write(const char *path, const struct snas_child *child,
                                  struct snas_err *err);
/* Checks everything: format, space, genotype, every tensor's shape, finite values, var >= 0. */
enum snas_status snas_child_read(const char *path, struct snas_child *out, struct snas_err *err);
void snas_child_clear(struct snas_child *child);

#endif

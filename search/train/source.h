#ifndef SNAS_TRAIN_SOURCE_H
#define SNAS_TRAIN_SOURCE_H

#include "data/loader.h"
#include "space/child.h"
#include "train/config.h"
#include "train/evaluate.h"

/* The data of a search: the training files, dealt into a training and a validation part, with the
 * statistics of the training part. The test files are not opened here. */
struct snas_source {
    struct snas_dataset ds;
    int n_held, n_rest, n_estimate;
    uint32_t *held, *rest, *estimate; /* estimate: the training images that re-estimate BN */
    double mean[SNAS_MAX_IMAGE_CHANNELS], sd[SNAS_MAX_IMAGE_CHANNELS];
};

enum snas_status snas_source_open(const struct snas_search_config *config, struct snas_source *out,
                                  struct snas_err *err);
void snas_source_clear(struct snas_source *s);

/* The endless augmented stream of the training part, or of the validation part (held_out 1). */
enum snas_status snas_source_stream(const struct snas_source *s,
                                    const struct snas_search_config *config, int held_out,
                                    struct snas_loader **out, struct snas_err *err);
/* The first `limit` (0: all) held-out images; the images for BN, augmented as the stream is: the
 * weights that the statistics are for were fitted to such images. */
struct snas_image_set snas_source_held(const struct snas_source *s,
                                       const struct snas_search_config *config, int64_t limit);
struct snas_image_set snas_source_estimate(const struct snas_source *s,
                                           const struct snas_search_config *config);

/* Every image of one split, in the files' order. */
struct snas_whole {
    struct snas_dataset ds;
    uint32_t *indices; /* [ds.n] */
};
enum snas_status snas_whole_open(const char *path, enum snas_data_format format,
                                 enum snas_split split, struct snas_whole *out,
                                 struct snas_err *err);
void snas_whole_clear(struct snas_whole *w);
/* All of them as they are; mean and sd [channels] must outlive the set. */
struct snas_image_set snas_whole_set(const struct snas_whole *w, const double *mean,
                                     const double *sd, int batch);
/* SNAS_E_FORMAT, with both shapes, when a network does not take these images or classes. */
enum snas_status snas_images_fit(const struct snas_network *network, const struct snas_dataset *ds,
                                 struct snas_err *err);
/* A configuration's test images, which its network takes. */
enum snas_status snas_whole_open_test(const struct snas_search_config *config,
                                      const struct snas_network *network, struct snas_whole *out,
                                      struct snas_err *err);

#endif

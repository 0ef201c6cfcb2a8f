#ifndef SNAS_SPACE_CHILD_FILE_H
#define SNAS_SPACE_CHILD_FILE_H

#include "space/child.h"

/* Internal to space/: the metadata texts of a child file, in this order. */
enum snas_child_text {
    SNAS_CHILD_SPACE,
    SNAS_CHILD_GENOTYPE,
    SNAS_CHILD_NETWORK,
    SNAS_CHILD_LABELS,
    SNAS_CHILD_MEAN,
    SNAS_CHILD_SD,
    SNAS_CHILD_DATASET,
    SNAS_CHILD_ACCURACIES,
    SNAS_CHILD_RUN,
    SNAS_CHILD_TEXTS
};
extern const char *const snas_child_text_keys[SNAS_CHILD_TEXTS];

struct snas_child_texts {
    char *text[SNAS_CHILD_TEXTS]; /* owned */
};
/* Call snas_child_texts_clear after success and after failure alike. */
enum snas_status snas_child_texts_make(const struct snas_child *child, struct snas_child_texts *out,
                                       struct snas_err *err);
void snas_child_texts_clear(struct snas_child_texts *texts);
/* Fills out->network and out->info, also partly when it fails: the caller clears. */
enum snas_status snas_child_texts_read(const char *const *text, struct snas_child *out,
                                       struct snas_err *err);

#endif

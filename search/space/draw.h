#ifndef SNAS_SPACE_DRAW_H
#define SNAS_SPACE_DRAW_H

#include "space/genotype.h"

/* A genotype for a terminal: per kind of cell every node with its ops and what they read, dead
 * nodes (constant zero: no input, or only dead ones) and unread nodes marked, and the output.
 * `utf8` 0 keeps to ASCII. Lines end in '\n'. Caller frees with snas_free. */
enum snas_status snas_genotype_draw(const struct snas_genotype *g, const struct snas_space *space,
                                    int utf8, char **text, struct snas_err *err);

#endif

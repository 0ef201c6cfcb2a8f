#ifndef SNAS_REPORT_PICTURE_H
#define SNAS_REPORT_PICTURE_H

#include "base/text.h"
#include "space/genotype.h"

/* Cells as pictures. What is dead is marked: a node that gets nothing but zeros, an edge that
 * leaves one, and a node that neither the output nor another node reads (snas_genotype_life). */

/* A standalone <svg>: slots on a line, an arc per edge above it, so that no two edges' names meet.
 * Colours follow the reader's light or dark scheme. */
void snas_picture_svg(const struct snas_space *space, const struct snas_genotype *genotype,
                      int kind, struct snas_text *out);
/* A digraph with a cluster per kind, for Graphviz. used [SNAS_MAX_KINDS]: 0 leaves a kind out;
 * NULL: all. */
void snas_picture_dot(const struct snas_space *space, const struct snas_genotype *genotype,
                      const int *used, struct snas_text *out);

/* "in0", "node2": a slot's name. */
void snas_picture_slot(const struct snas_cell_kind *kind, int slot, char name[16]);

#endif

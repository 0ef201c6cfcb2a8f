#ifndef SNAS_TOOLS_DRAW_H
#define SNAS_TOOLS_DRAW_H

#include <stdio.h>

#include "space/genotype.h"

/* Draws the cells of a genotype as text, an edge a line, what flows into a node joined:
 *
 *   normal cell: 2 edges
 *     in0 --sep_conv_3x3--.
 *     in1 --skip_connect--+-> node0
 *     output: node0 node1 (node1 has no input: zero)
 *
 * `used` [SNAS_MAX_KINDS]: 0 leaves a kind out (no cell of the network is of it); NULL: all. */
void snas_draw_genotype(const struct snas_space *space, const struct snas_genotype *genotype,
                        const int *used, FILE *out);

#endif

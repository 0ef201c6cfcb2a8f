/* Vectors of the groups of images into one, compiled for float and for double. */
#include "layers/real.h"
#include "net/unit.h"

void SNAS_R(snas_sum_groups)(const snas_real *rows, size_t n, size_t begin, size_t end,
                             snas_real *to)
{
    for (size_t k = begin; k < end; k++) {
        const snas_real *v = rows + k;
        to[k] = (((v[0] + v[n]) + (v[2 * n] + v[3 * n])) +
                 ((v[4 * n] + v[5 * n]) + (v[6 * n] + v[7 * n]))) +
                (v[8 * n] + v[9 * n]);
    }
}

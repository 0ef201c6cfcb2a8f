#define ISA_NAME "avx2"
#define LANES 8
#define TABLE snas_kernels_avx2
#include "kernels/body.h"

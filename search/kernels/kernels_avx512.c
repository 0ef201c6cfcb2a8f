#define ISA_NAME "avx512"
#define LANES 16
#define TABLE snas_kernels_avx512
#include "kernels/body.h"

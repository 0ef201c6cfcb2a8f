#define ISA_NAME "generic"
#define LANES 4
#define TABLE snas_kernels_generic
#include "kernels/body.h"

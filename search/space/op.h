#ifndef SNAS_SPACE_OP_H
#define SNAS_SPACE_OP_H

#include "base/status.h"

/* An op is data: a name and two short sequences of steps, one for stride 1, one for stride 2.
 * Parameters, multiply-adds, memory access, weight names, ONNX nodes and the engine's forward and
 * backward all derive from the steps. */

enum snas_step_kind {
    SNAS_STEP_RELU,      /* "relu" */
    SNAS_STEP_DEPTHWISE, /* "dw3", "dw5d2", "dw3s2", "dw5d2s2": k x k, odd k, pad d(k-1)/2 */
    SNAS_STEP_POINTWISE, /* "pw", "pws2": 1x1 convolution to the block's output channels */
    SNAS_STEP_CONV,      /* "conv3x3", "conv1x7", "conv3x3s2": dense, pad (k-1)/2 */
    SNAS_STEP_BN,        /* "bn" */
    SNAS_STEP_MAX_POOL,  /* "max3", "max3s2": padding never wins */
    SNAS_STEP_AVG_POOL,  /* "avg3", "avg3s2": padding not counted. "avg2s2", as "max2s2": 2 x 2
                            windows side by side, those beyond an odd side's end cut off */
    SNAS_STEP_FACTORIZED_REDUCE, /* "fr": two 1x1 stride-2 convolutions, the second on x shifted by
                                    one pixel both ways (zero beyond an odd side), concatenated;
                                    output side ceil(n/2) */
    SNAS_STEP_GLOBAL_POOL,       /* "gap": mean over H x W */
    SNAS_STEP_LINEAR             /* "linear": with bias */
};

struct snas_step {
    enum snas_step_kind kind;
    int kh, kw;   /* 1 where it has no meaning */
    int stride;   /* 1 or 2 */
    int dilation; /* 1 or 2 */
    /* Output channels of pw, conv and fr as C * mul / div, rounded down: "conv3x3s2:C/2",
     * "pw:4C". C is the network's in a stem, the cell's elsewhere. mul 0: the block's channels. */
    int mul, div;
};

#define SNAS_NAME_MAX 48
#define SNAS_STEPS_MAX 16

struct snas_op {
    char name[SNAS_NAME_MAX];
    int zero;       /* "none": output is zero, no steps */
    int n_steps[2]; /* [0]: stride 1, [1]: stride 2; 0 steps: identity */
    struct snas_step steps[2][SNAS_STEPS_MAX];
};

/* Parses one step ("dw5d2s2"); 0 on success, -1 when it is none. */
int snas_step_parse(const char *text, struct snas_step *step);
/* Writes the step as snas_step_parse reads it. */
void snas_step_format(const struct snas_step *step, char *text, int size);

/* The built-in ops: none, max_pool_3x3, avg_pool_3x3, skip_connect, sep_conv_{3x3,5x5,7x7},
 * dil_conv_{3x3,5x5}, conv_1x1, conv_3x3, conv_7x1_1x7, nor_conv_1x1, nor_conv_3x3. Pools end in a
 * bn. NULL when there is no such name. */
const struct snas_op *snas_op_builtin(const char *name);
const struct snas_op *snas_op_builtin_at(int i); /* NULL behind the last */

#endif

#include "space/op.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define SNAS_KERNEL_MAX 15

/* clang-format off */
#define RELU {SNAS_STEP_RELU, 1, 1, 1, 1, 0, 1}
#define BN {SNAS_STEP_BN, 1, 1, 1, 1, 0, 1}
#define FR {SNAS_STEP_FACTORIZED_REDUCE, 1, 1, 2, 1, 0, 1}
#define PW(s) {SNAS_STEP_POINTWISE, 1, 1, s, 1, 0, 1}
#define DW(k, s, d) {SNAS_STEP_DEPTHWISE, k, k, s, d, 0, 1}
#define CONV(kh, kw, s) {SNAS_STEP_CONV, kh, kw, s, 1, 0, 1}
#define MAX(k, s) {SNAS_STEP_MAX_POOL, k, k, s, 1, 0, 1}
#define AVG(k, s) {SNAS_STEP_AVG_POOL, k, k, s, 1, 0, 1}

#define SEP(k, s) {RELU, DW(k, s, 1), PW(1), BN, RELU, DW(k, 1, 1), PW(1), BN}
#define DIL(k, s) {RELU, DW(k, s, 2), PW(1), BN}
#define SEP_OP(name, k) {name, 0, {8, 8}, {SEP(k, 1), SEP(k, 2)}}
#define DIL_OP(name, k) {name, 0, {4, 4}, {DIL(k, 1), DIL(k, 2)}}
#define CONV_OP(name, k) {name, 0, {3, 3}, {{RELU, CONV(k, k, 1), BN}, {RELU, CONV(k, k, 2), BN}}}
#define PW_OP(name) {name, 0, {3, 3}, {{RELU, PW(1), BN}, {RELU, PW(2), BN}}}

static const struct snas_op builtins[] = {
    {"none", 1, {0, 0}, {{{0}}}},
    {"max_pool_3x3", 0, {2, 2}, {{MAX(3, 1), BN}, {MAX(3, 2), BN}}},
    {"avg_pool_3x3", 0, {2, 2}, {{AVG(3, 1), BN}, {AVG(3, 2), BN}}},
    {"skip_connect", 0, {0, 3}, {{{0}}, {RELU, FR, BN}}},
    SEP_OP("sep_conv_3x3", 3),
    SEP_OP("sep_conv_5x5", 5),
    SEP_OP("sep_conv_7x7", 7),
    DIL_OP("dil_conv_3x3", 3),
    DIL_OP("dil_conv_5x5", 5),
    PW_OP("conv_1x1"),
    CONV_OP("conv_3x3", 3),
    /* DARTS strides the 1x7 along the width and the 7x1 along the height. A 7x1 never looks along
     * the width, so leaving both strides to it gives the same values. */
    {"conv_7x1_1x7", 0, {4, 4}, {{RELU, CONV(1, 7, 1), CONV(7, 1, 1), BN},
                                 {RELU, CONV(1, 7, 1), CONV(7, 1, 2), BN}}},
    PW_OP("nor_conv_1x1"),
    CONV_OP("nor_conv_3x3", 3),
};
/* clang-format on */

const struct snas_op *snas_op_builtin_at(int i)
{
    int n = (int)(sizeof builtins / sizeof builtins[0]);
    return i >= 0 && i < n ? &builtins[i] : NULL;
}

const struct snas_op *snas_op_builtin(const char *name)
{
    const struct snas_op *op;
    for (int i = 0; (op = snas_op_builtin_at(i)) != NULL; i++)
        if (strcmp(op->name, name) == 0)
            return op;
    return NULL;
}

/* What may follow a step's word: a kernel side ("3"), both sides ("1x7"), a dilation, a stride, an
 * output channel count. */
enum {
    TAKES_SIDE = 1,
    TAKES_SIDES = 2,
    TAKES_DILATION = 4,
    TAKES_STRIDE = 8,
    TAKES_CHANNELS = 16,
    TAKES_TWO = 32 /* the side may be 2, with stride 2 */
};

static const struct word {
    const char *text;
    enum snas_step_kind kind;
    unsigned takes;
} words[] = {
    {"relu", SNAS_STEP_RELU, 0},
    {"dw", SNAS_STEP_DEPTHWISE, TAKES_SIDE | TAKES_DILATION | TAKES_STRIDE},
    {"pw", SNAS_STEP_POINTWISE, TAKES_STRIDE | TAKES_CHANNELS},
    {"conv", SNAS_STEP_CONV, TAKES_SIDES | TAKES_STRIDE | TAKES_CHANNELS},
    {"bn", SNAS_STEP_BN, 0},
    {"max", SNAS_STEP_MAX_POOL, TAKES_SIDE | TAKES_STRIDE | TAKES_TWO},
    {"avg", SNAS_STEP_AVG_POOL, TAKES_SIDE | TAKES_STRIDE | TAKES_TWO},
    {"fr", SNAS_STEP_FACTORIZED_REDUCE, TAKES_CHANNELS},
    {"gap", SNAS_STEP_GLOBAL_POOL, 0},
    {"linear", SNAS_STEP_LINEAR, 0},
};

static const struct word *word_of(enum snas_step_kind kind)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (words[i].kind == kind)
            return &words[i];
    SNAS_BUG("step kind %d has no word", (int)kind);
}

/* A number of at most four digits at *p, which moves behind it; -1 when there is none. */
static int take_number(const char **p)
{
    int value = 0, digits = 0;
    for (; isdigit((unsigned char)**p) && digits < 4; digits++, (*p)++)
        value = 10 * value + (**p - '0');
    return digits > 0 ? value : -1;
}

static int take_side(const char **p, int two)
{
    int side = take_number(p), odd = side > 0 && side % 2 == 1 && side <= SNAS_KERNEL_MAX;
    return odd || (two && side == 2) ? side : -1;
}

/* "d2", "s2": the letter, then 1 or 2. */
static int take_factor(const char **p, char letter, int *factor)
{
    if (**p != letter)
        return 0;
    (*p)++;
    *factor = take_number(p);
    return *factor == 1 || *factor == 2 ? 0 : -1;
}

static int take_channels(const char **p, struct snas_step *step)
{
    if (**p != ':')
        return 0;
    (*p)++;
    int mul = isdigit((unsigned char)**p) ? take_number(p) : 1;
    if (**p != 'C')
        return -1;
    (*p)++;
    int div = 1;
    if (**p == '/') {
        (*p)++;
        div = take_number(p);
    }
    step->mul = mul;
    step->div = div;
    return mul > 0 && div > 0 ? 0 : -1;
}

int snas_step_parse(const char *text, struct snas_step *step)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        const struct word *word = &words[i];
        size_t length = strlen(word->text);
        if (strncmp(text, word->text, length) != 0)
            continue;
        const char *p = text + length;
        struct snas_step s = {word->kind, 1, 1, 1, 1, 0, 1};
        if (word->kind == SNAS_STEP_FACTORIZED_REDUCE)
            s.stride = 2;
        if (word->takes & (TAKES_SIDE | TAKES_SIDES)) {
            s.kh = s.kw = take_side(&p, (word->takes & TAKES_TWO) != 0);
            if (word->takes & TAKES_SIDES) {
                if (*p != 'x')
                    return -1;
                p++;
                s.kw = take_side(&p, 0);
            }
        }
        if (s.kh < 0 || s.kw < 0 ||
            ((word->takes & TAKES_DILATION) && take_factor(&p, 'd', &s.dilation)) ||
            ((word->takes & TAKES_STRIDE) && take_factor(&p, 's', &s.stride)) ||
            ((word->takes & TAKES_CHANNELS) && take_channels(&p, &s)) || *p != '\0' ||
            (s.kh == 2 && s.stride != 2))
            return -1;
        *step = s;
        return 0;
    }
    return -1;
}

void snas_step_format(const struct snas_step *step, char *text, int size)
{
    const struct word *word = word_of(step->kind);
    char sides[32] = "", dilation[16] = "", stride[16] = "", channels[48] = "";
    if (word->takes & TAKES_SIDES)
        snprintf(sides, sizeof sides, "%dx%d", step->kh, step->kw);
    else if (word->takes & TAKES_SIDE)
        snprintf(sides, sizeof sides, "%d", step->kh);
    if ((word->takes & TAKES_DILATION) && step->dilation != 1)
        snprintf(dilation, sizeof dilation, "d%d", step->dilation);
    if ((word->takes & TAKES_STRIDE) && step->stride != 1)
        snprintf(stride, sizeof stride, "s%d", step->stride);
    if (step->mul == 1 && step->div == 1)
        snprintf(channels, sizeof channels, ":C");
    else if (step->mul && step->div == 1)
        snprintf(channels, sizeof channels, ":%dC", step->mul);
    else if (step->mul == 1)
        snprintf(channels, sizeof channels, ":C/%d", step->div);
    else if (step->mul)
        snprintf(channels, sizeof channels, ":%dC/%d", step->mul, step->div);
    snprintf(text, (size_t)size, "%s%s%s%s%s", word->text, sides, dilation, stride, channels);
}

/* Space files: YAML to struct snas_space, with every error and its place. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/yaml.h"
#include "space/names.h"
#include "space/space.h"

#define SNAS_SPACE_BYTES ((size_t)1 << 20)
#define SNAS_MAX_MULTIPLE 64 /* of C, in a stem or a stage */
#define SNAS_MAX_FRACTION 1000

struct reader {
    const char *name;
    struct snas_space *space;
    enum snas_status status;
    struct snas_err *err;
};

static void __attribute__((format(printf, 3, 4)))
fail_at(struct reader *r, const struct snas_yaml *at, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    r->status =
        snas_fail_more(r->err, SNAS_E_CONFIG, "%s:%d:%d: %s", r->name, at->line, at->column, text);
}

/* "unknown op 'sep_conv' (did you mean 'sep_conv_3x3'?)" */
static void fail_unknown(struct reader *r, const struct snas_yaml *at, const char *what,
                         const char *const *known, size_t n)
{
    int near = snas_nearest(at->text, known, n);
    if (near < 0)
        fail_at(r, at, "unknown %s '%s'", what, at->text);
    else
        fail_at(r, at, "unknown %s '%s' (did you mean '%s'?)", what, at->text, known[near]);
}

/* 1 when v is a map of known keys, each given once; `known` ends in NULL. */
static int check_map(struct reader *r, const struct snas_yaml *v, const char *what,
                     const char *const *known)
{
    if (v->kind != SNAS_YAML_MAP) {
        fail_at(r, v, "%s is a map", what);
        return 0;
    }
    size_t n_known = 0;
    while (known && known[n_known])
        n_known++;
    for (size_t i = 0; i < v->n; i++) {
        size_t k = 0;
        while (k < n_known && strcmp(known[k], v->keys[i]->text) != 0)
            k++;
        if (known && k == n_known)
            fail_unknown(r, v->keys[i], "key", known, n_known);
        for (size_t j = 0; j < i; j++)
            if (strcmp(v->keys[j]->text, v->keys[i]->text) == 0)
                fail_at(r, v->keys[i], "'%s' is given twice", v->keys[i]->text);
    }
    return 1;
}

static const struct snas_yaml *required(struct reader *r, const struct snas_yaml *map,
                                        const char *key, const char *what)
{
    const struct snas_yaml *v = snas_yaml_get(map, key);
    if (!v)
        fail_at(r, map, "%s needs '%s'", what, key);
    return v;
}

static int is_scalar(struct reader *r, const struct snas_yaml *v, const char *what)
{
    if (v->kind == SNAS_YAML_SCALAR)
        return 1;
    fail_at(r, v, "%s is one word or number", what);
    return 0;
}

static int read_int(struct reader *r, const struct snas_yaml *v, const char *what, int min, int max)
{
    if (!is_scalar(r, v, what))
        return min;
    char *end;
    long value = strtol(v->text, &end, 10);
    if (v->quoted || v->text[0] == '\0' || *end != '\0' || value < min || value > max) {
        fail_at(r, v, "%s is a number from %d to %d, not '%s'", what, min, max, v->text);
        return min;
    }
    return (int)value;
}

static void read_name(struct reader *r, const struct snas_yaml *v, const char *what, char *name)
{
    if (!is_scalar(r, v, what))
        return;
    if (snas_is_name(v->text))
        snprintf(name, SNAS_NAME_MAX, "%s", v->text);
    else
        fail_at(r, v,
                "%s is made of at most %d letters, digits and '_', '.', '+', '-', unlike '%s'",
                what, SNAS_NAME_MAX - 1, v->text);
}

/* The steps of a list into step[]; returns how many. `stride`: what they must multiply to, 0: any.
 * Global pooling and the linear layer belong into the head alone. */
static int read_steps(struct reader *r, const struct snas_yaml *v, const char *what, int stride,
                      int is_head, struct snas_step *step)
{
    if (v->kind != SNAS_YAML_LIST || v->n > SNAS_STEPS_MAX) {
        fail_at(r, v, "%s is a list of at most %d steps", what, SNAS_STEPS_MAX);
        return 0;
    }
    int n = 0, total = 1, broken = 0;
    for (size_t i = 0; i < v->n; i++) {
        const struct snas_yaml *item = v->items[i];
        if (item->kind != SNAS_YAML_SCALAR || snas_step_parse(item->text, &step[n]) != 0) {
            fail_at(r, item,
                    "%s: '%s' is no step (relu, bn, pw, dw3, dw5d2s2, conv3x3, max3, "
                    "avg3s2, avg2s2, fr, gap, linear are)",
                    what, item->kind == SNAS_YAML_SCALAR ? item->text : "...");
            broken = 1;
            continue;
        }
        int of_head = step[n].kind == SNAS_STEP_GLOBAL_POOL || step[n].kind == SNAS_STEP_LINEAR;
        if (of_head && !is_head)
            fail_at(r, item, "%s: '%s' belongs into the head", what, item->text);
        total *= step[n].stride;
        n++;
    }
    if (stride && total != stride && !broken)
        fail_at(r, v, "%s: the strides make %d, they must make %d", what, total, stride);
    return n;
}

static void read_op(struct reader *r, const struct snas_yaml *key, const struct snas_yaml *v)
{
    static const char *const keys[] = {"stride1", "stride2", "zero", NULL};
    struct snas_space *s = r->space;
    if (s->n_ops == SNAS_MAX_OPS) {
        fail_at(r, key, "more than %d ops", SNAS_MAX_OPS);
        return;
    }
    struct snas_op *op = &s->ops[s->n_ops];
    memset(op, 0, sizeof *op);
    read_name(r, key, "an op's name", op->name);
    s->n_ops++;
    if (!check_map(r, v, "an op", keys))
        return;
    const struct snas_yaml *zero = snas_yaml_get(v, "zero");
    if (zero) {
        op->zero = 1;
        if (zero->kind != SNAS_YAML_SCALAR || strcmp(zero->text, "true") != 0 || v->n > 1)
            fail_at(r, zero, "an op that is zero has 'zero: true' and nothing else");
        return;
    }
    for (int stride = 1; stride <= 2; stride++) {
        const struct snas_yaml *steps = required(r, v, keys[stride - 1], "an op");
        if (steps)
            op->n_steps[stride - 1] =
                read_steps(r, steps, keys[stride - 1], stride, 0, op->steps[stride - 1]);
    }
}

/* Index of an op by name: the file's own ones first, then the built-in ones; -1 with the error. */
static int use_op(struct reader *r, const struct snas_yaml *v)
{
    struct snas_space *s = r->space;
    if (!is_scalar(r, v, "an op"))
        return -1;
    int index = snas_space_op(s, v->text);
    if (index >= 0)
        return index;
    const struct snas_op *op = snas_op_builtin(v->text);
    if (!op) {
        const char *known[2 * SNAS_MAX_OPS];
        size_t n = 0;
        for (int i = 0; i < s->n_ops; i++)
            known[n++] = s->ops[i].name;
        for (int i = 0; i < SNAS_MAX_OPS && snas_op_builtin_at(i); i++)
            known[n++] = snas_op_builtin_at(i)->name;
        fail_unknown(r, v, "op", known, n);
        return -1;
    }
    if (s->n_ops == SNAS_MAX_OPS) {
        fail_at(r, v, "more than %d ops", SNAS_MAX_OPS);
        return -1;
    }
    s->ops[s->n_ops] = *op;
    return s->n_ops++;
}

static void read_kind_ops(struct reader *r, const struct snas_yaml *v, struct snas_cell_kind *kind)
{
    if (v->kind != SNAS_YAML_LIST || v->n < 1 || v->n > SNAS_MAX_OPS) {
        fail_at(r, v, "ops is a list of 1..%d ops", SNAS_MAX_OPS);
        return;
    }
    int alive = 0, broken = 0;
    for (size_t i = 0; i < v->n; i++) {
        int op = use_op(r, v->items[i]);
        broken |= op < 0;
        for (int k = 0; k < kind->n_ops && op >= 0; k++)
            if (kind->op[k] == op) {
                fail_at(r, v->items[i], "op '%s' is listed twice", v->items[i]->text);
                op = -1;
            }
        if (op < 0)
            continue;
        alive |= !r->space->ops[op].zero;
        kind->op[kind->n_ops++] = op;
    }
    if (!alive && !broken)
        fail_at(r, v, "a cell needs an op other than zero");
}

static void read_kind(struct reader *r, const struct snas_yaml *key, const struct snas_yaml *v)
{
    static const char *const keys[] = {"inputs", "nodes", "output", "ops", "stride", NULL};
    struct snas_cell_kind *kind = &r->space->kinds[r->space->n_kinds++];
    *kind = (struct snas_cell_kind){.inputs = 2, .nodes = 1, .stride = 1};
    read_name(r, key, "a cell's name", kind->name);
    if (!check_map(r, v, "a cell", keys))
        return;
    const struct snas_yaml *field = snas_yaml_get(v, "inputs");
    if (field)
        kind->inputs = read_int(r, field, "inputs", 1, SNAS_MAX_INPUTS);
    if ((field = required(r, v, "nodes", "a cell")) != NULL)
        kind->nodes = read_int(r, field, "nodes", 1, SNAS_MAX_NODES);
    if ((field = snas_yaml_get(v, "stride")) != NULL)
        kind->stride = read_int(r, field, "stride", 1, 2);
    if ((field = required(r, v, "ops", "a cell")) != NULL)
        read_kind_ops(r, field, kind);
    if ((field = snas_yaml_get(v, "output")) != NULL && is_scalar(r, field, "output")) {
        int rule = 0;
        while (snas_output_rules[rule] && strcmp(snas_output_rules[rule], field->text) != 0)
            rule++;
        if (snas_output_rules[rule])
            kind->output = (enum snas_output_rule)rule;
        else
            fail_unknown(r, field, "output rule", snas_output_rules, 4);
    }
}

static void read_cells(struct reader *r, const struct snas_yaml *v)
{
    if (!check_map(r, v, "cells", NULL))
        return;
    if (v->n < 1 || v->n > SNAS_MAX_KINDS) {
        fail_at(r, v, "cells has 1..%d kinds", SNAS_MAX_KINDS);
        return;
    }
    for (size_t i = 0; i < v->n; i++) {
        read_kind(r, v->keys[i], v->items[i]);
        int stride = r->space->kinds[r->space->n_kinds - 1].stride;
        if (i == 0 && stride != 1)
            fail_at(r, v->keys[i], "the first kind is the normal one, it has stride 1");
        else if (i > 0 && stride == 1)
            fail_at(r, v->keys[i],
                    "no cell would be of kind '%s': beside the first, a kind has "
                    "stride 2",
                    v->keys[i]->text);
    }
}

/* "1/3" of the layers */
static int read_fraction(const char *text, int *num, int *den)
{
    char *end;
    long a = strtol(text, &end, 10);
    if (end == text || *end != '/')
        return -1;
    const char *second = end + 1;
    long b = strtol(second, &end, 10);
    if (end == second || *end != '\0' || a < 0 || b < 1 || a >= b || b > SNAS_MAX_FRACTION)
        return -1;
    *num = (int)a;
    *den = (int)b;
    return 0;
}

static void read_reductions(struct reader *r, const struct snas_yaml *at)
{
    const int max = (int)(sizeof r->space->reduce_num / sizeof r->space->reduce_num[0]);
    if (at->kind != SNAS_YAML_LIST || at->n > (size_t)max) {
        fail_at(r, at, "reduce_at is a list of at most %d fractions", max);
        return;
    }
    for (size_t i = 0; i < at->n; i++) {
        const struct snas_yaml *f = at->items[i];
        int n = r->space->n_reduce_at;
        if (f->kind != SNAS_YAML_SCALAR ||
            read_fraction(f->text, &r->space->reduce_num[n], &r->space->reduce_den[n]) != 0)
            fail_at(r, f, "reduce_at: a fraction of the layers like 1/3, below 1, is expected");
        else
            r->space->n_reduce_at++;
    }
}

static void read_stages(struct reader *r, const struct snas_yaml *v)
{
    struct snas_space *s = r->space;
    if (v->kind != SNAS_YAML_LIST || v->n < 1 || v->n > SNAS_MAX_STAGES) {
        fail_at(r, v, "stages is a list of 1..%d channel counts, in multiples of C",
                SNAS_MAX_STAGES);
        return;
    }
    for (size_t i = 0; i < v->n; i++)
        s->stage_channels[s->n_stages++] = read_int(
            r, v->items[i], "a stage's channels (in multiples of C)", 1, SNAS_MAX_MULTIPLE);
}

/* Whether a path can end with the cell's channels, by what is known without a network. */
static void check_path(struct reader *r, const struct snas_yaml *at, const struct snas_steps *path)
{
    const struct snas_step *maker = NULL; /* of the channels at its end */
    for (int i = 0; i < path->n; i++)
        if (path->step[i].kind == SNAS_STEP_POINTWISE || path->step[i].kind == SNAS_STEP_CONV ||
            path->step[i].kind == SNAS_STEP_FACTORIZED_REDUCE)
            maker = &path->step[i];
    const struct snas_space *s = r->space;
    int same = 1;
    for (int i = 1; i < s->n_stages; i++)
        same &= s->stage_channels[i] == s->stage_channels[0];
    if (!maker && !same)
        fail_at(r, at,
                "between: a path without pw, conv or fr keeps its channels, but those of "
                "the stages differ");
    if (maker && maker->mul && maker->mul != maker->div)
        fail_at(r, at, "between: the path ends with %d/%d of the channels of the stage's cells",
                maker->mul, maker->div);
}

static void read_between(struct reader *r, const struct snas_yaml *v)
{
    struct snas_space *s = r->space;
    if (v->kind != SNAS_YAML_LIST || v->n < 1 || v->n > SNAS_MAX_PATHS) {
        fail_at(r, v, "between is a list of 1..%d paths, each a list of steps", SNAS_MAX_PATHS);
        return;
    }
    int first = 1;
    for (size_t i = 0; i < v->n; i++) {
        struct snas_steps *path = &s->between[s->n_between++];
        path->n = read_steps(r, v->items[i], "between", 0, 0, path->step);
        int stride = 1;
        for (int k = 0; k < path->n; k++)
            stride *= path->step[k].stride;
        first = i == 0 ? stride : first;
        if (stride != first)
            fail_at(r, v->items[i], "between: the strides make %d, those of the first path make %d",
                    stride, first);
        check_path(r, v->items[i], path);
    }
}

static void read_stack(struct reader *r, const struct snas_yaml *v)
{
    static const char *const keys[] = {"reduce_at", "stages", "between", NULL};
    if (!check_map(r, v, "stack", keys))
        return;
    const struct snas_yaml *at = snas_yaml_get(v, "reduce_at");
    const struct snas_yaml *stages = snas_yaml_get(v, "stages");
    const struct snas_yaml *between = snas_yaml_get(v, "between");
    if ((at != NULL) == (stages != NULL))
        fail_at(r, v, "stack needs 'reduce_at' or 'stages', one of the two");
    if (at)
        read_reductions(r, at);
    if (stages)
        read_stages(r, stages);
    if (between && !stages)
        fail_at(r, between, "between: what lies between stages, and there are no 'stages'");
    else if (between)
        read_between(r, between);
}

static void read_stems(struct reader *r, const struct snas_yaml *v)
{
    static const char *const keys[] = {"channels", "steps", NULL};
    if (v->kind != SNAS_YAML_LIST || v->n < 1 || v->n > SNAS_MAX_STEMS) {
        fail_at(r, v, "stem is a list of 1..%d blocks", SNAS_MAX_STEMS);
        return;
    }
    for (size_t i = 0; i < v->n; i++) {
        struct snas_steps *stem = &r->space->stems[r->space->n_stems++];
        const struct snas_yaml *field;
        if (!check_map(r, v->items[i], "a block of the stem", keys))
            continue;
        if ((field = required(r, v->items[i], "channels", "a block of the stem")) != NULL)
            stem->channels =
                read_int(r, field, "channels (in multiples of C)", 1, SNAS_MAX_MULTIPLE);
        if ((field = required(r, v->items[i], "steps", "a block of the stem")) != NULL)
            stem->n = read_steps(r, field, "stem", 0, 0, stem->step);
    }
}

static int has_two_inputs(const struct snas_space *s)
{
    for (int k = 0; k < s->n_kinds; k++)
        if (s->kinds[k].inputs == 2)
            return 1;
    return 0;
}

static void read_preprocess(struct reader *r, const struct snas_yaml *v)
{
    static const char *const keys[] = {"same", "reduce", NULL};
    struct snas_space *s = r->space;
    if (!check_map(r, v, "preprocess", keys))
        return;
    const struct snas_yaml *field = required(r, v, "same", "preprocess");
    if (field)
        s->preprocess_same.n =
            read_steps(r, field, "preprocess.same", 1, 0, s->preprocess_same.step);
    field = has_two_inputs(s) ? required(r, v, "reduce", "preprocess of cells with two inputs")
                              : snas_yaml_get(v, "reduce");
    if (field)
        s->preprocess_reduce.n =
            read_steps(r, field, "preprocess.reduce", 2, 0, s->preprocess_reduce.step);
}

/* Cells that take their inputs as they are: these must have the cells' channels. */
static void check_plain_inputs(struct reader *r, const struct snas_yaml *doc)
{
    const struct snas_space *s = r->space;
    const struct snas_yaml *cells = snas_yaml_get(doc, "cells"), *stack, *stem;
    for (int k = 0; k < s->n_kinds; k++) {
        const struct snas_cell_kind *kind = &s->kinds[k];
        int wide = kind->output == SNAS_OUTPUT_CONCAT || kind->output == SNAS_OUTPUT_CONCAT_LOOSE;
        if (kind->inputs == 2 || kind->stride == 2 || (wide && kind->nodes > 1))
            fail_at(r, cells->keys[k],
                    "cell '%s': without preprocess the next cell takes what this one gives, which "
                    "must have its channels: inputs 1, stride 1, output last or sum",
                    kind->name);
    }
    stack = snas_yaml_get(doc, "stack");
    for (int i = 1; i < s->n_stages && s->n_between == 0; i++)
        if (s->stage_channels[i] != s->stage_channels[i - 1]) {
            fail_at(r, snas_yaml_get(stack, "stages")->items[i],
                    "%d C follows %d C: 'between' must say how", s->stage_channels[i],
                    s->stage_channels[i - 1]);
            break;
        }
    stem = snas_yaml_get(doc, "stem");
    int have = s->stems[s->n_stems - 1].channels, want = s->n_stages ? s->stage_channels[0] : 1;
    if (have != want)
        fail_at(r, snas_yaml_get(stem->items[s->n_stems - 1], "channels"),
                "without preprocess the first cell takes the stem's %d C channels, and it has %d C",
                have, want);
}

static void read_head(struct reader *r, const struct snas_yaml *v)
{
    struct snas_steps *head = &r->space->head;
    head->n = read_steps(r, v, "head", 1, 1, head->step);
    int ends = head->n >= 2 && head->step[head->n - 1].kind == SNAS_STEP_LINEAR &&
               head->step[head->n - 2].kind == SNAS_STEP_GLOBAL_POOL;
    for (int i = 0; i + 2 < head->n; i++)
        ends &=
            head->step[i].kind != SNAS_STEP_GLOBAL_POOL && head->step[i].kind != SNAS_STEP_LINEAR;
    if (!ends)
        fail_at(r, v, "the head ends in gap, linear");
}

static void read_document(struct reader *r, const struct snas_yaml *doc)
{
    static const char *const keys[] = {"name",       "cells", "stack", "stem",
                                       "preprocess", "head",  "ops",   NULL};
    struct snas_space *s = r->space;
    const struct snas_yaml *v;
    if (!check_map(r, doc, "a space", keys))
        return;
    if ((v = required(r, doc, "name", "a space")) != NULL)
        read_name(r, v, "name", s->name);
    if ((v = snas_yaml_get(doc, "ops")) != NULL && check_map(r, v, "ops", NULL))
        for (size_t i = 0; i < v->n; i++)
            read_op(r, v->keys[i], v->items[i]);
    if ((v = required(r, doc, "cells", "a space")) != NULL)
        read_cells(r, v);
    if ((v = snas_yaml_get(doc, "stack")) != NULL)
        read_stack(r, v);
    if ((v = required(r, doc, "stem", "a space")) != NULL)
        read_stems(r, v);
    v = has_two_inputs(s) ? required(r, doc, "preprocess", "a space of cells with two inputs")
                          : snas_yaml_get(doc, "preprocess");
    if (v)
        read_preprocess(r, v);
    if ((v = required(r, doc, "head", "a space")) != NULL)
        read_head(r, v);
    if (r->status == SNAS_OK && (s->n_kinds > 1) != (s->n_reduce_at > 0))
        fail_at(r, doc, "a kind with stride 2 and stack.reduce_at need each other");
    if (r->status == SNAS_OK && s->preprocess_same.n == 0)
        check_plain_inputs(r, doc);
}

enum snas_status snas_space_parse(const char *name, const char *text, size_t size,
                                  struct snas_space *out, struct snas_err *err)
{
    memset(out, 0, sizeof *out);
    struct snas_yaml *doc = NULL;
    struct reader r = {.name = name, .space = out, .err = err};
    r.status = snas_yaml_parse(name, text, size, &doc, err);
    if (r.status != SNAS_OK)
        return r.status;
    read_document(&r, doc);
    snas_yaml_free(doc);
    return r.status;
}

enum snas_status snas_space_read(const char *name, struct snas_space *out, struct snas_err *err)
{
    char *path, *text;
    size_t size;
    enum snas_status status = snas_shipped_or_path("configs/spaces", name, ".yaml", &path, err);
    if (status != SNAS_OK) {
        snas_fail_context(err, "space '%s'", name);
        return status;
    }
    status = snas_read_file(path, SNAS_SPACE_BYTES, &text, &size, err);
    if (status == SNAS_OK) {
        status = snas_space_parse(path, text, size, out, err);
        snas_free(text);
    }
    snas_free(path);
    return status;
}

/* A space back to text. */
#include "base/text.h"
#include "space/names.h"
#include "space/space.h"

const char *const snas_output_rules[] = {"concat", "loose", "last", "sum", NULL};

static void dump_steps(struct snas_text *t, const struct snas_step *step, int n)
{
    snas_text_add(t, "[");
    for (int i = 0; i < n; i++) {
        char text[64];
        snas_step_format(&step[i], text, sizeof text);
        snas_text_add(t, "%s\"%s\"", i > 0 ? ", " : "", text);
    }
    snas_text_add(t, "]");
}

static void dump_kind(struct snas_text *t, const struct snas_space *s,
                      const struct snas_cell_kind *kind)
{
    snas_text_add(t, "  %s: {inputs: %d, nodes: %d, stride: %d, output: %s, ops: [", kind->name,
                  kind->inputs, kind->nodes, kind->stride, snas_output_rules[kind->output]);
    for (int i = 0; i < kind->n_ops; i++)
        snas_text_add(t, "%s%s", i > 0 ? ", " : "", s->ops[kind->op[i]].name);
    snas_text_add(t, "]}\n");
}

static void dump_op(struct snas_text *t, const struct snas_op *op)
{
    snas_text_add(t, "  %s: {", op->name);
    if (op->zero) {
        snas_text_add(t, "zero: true}\n");
        return;
    }
    snas_text_add(t, "stride1: ");
    dump_steps(t, op->steps[0], op->n_steps[0]);
    snas_text_add(t, ", stride2: ");
    dump_steps(t, op->steps[1], op->n_steps[1]);
    snas_text_add(t, "}\n");
}

static void dump_stack(struct snas_text *t, const struct snas_space *s)
{
    if (s->n_reduce_at > 0) {
        snas_text_add(t, "stack: {reduce_at: [");
        for (int i = 0; i < s->n_reduce_at; i++)
            snas_text_add(t, "%s%d/%d", i > 0 ? ", " : "", s->reduce_num[i], s->reduce_den[i]);
        snas_text_add(t, "]}\n");
    }
    if (s->n_stages == 0)
        return;
    snas_text_add(t, "stack:\n  stages: [");
    for (int i = 0; i < s->n_stages; i++)
        snas_text_add(t, "%s%d", i > 0 ? ", " : "", s->stage_channels[i]);
    snas_text_add(t, "]\n");
    for (int i = 0; i < s->n_between; i++) {
        snas_text_add(t, "%s    - ", i == 0 ? "  between:\n" : "");
        dump_steps(t, s->between[i].step, s->between[i].n);
        snas_text_add(t, "\n");
    }
}

enum snas_status snas_space_dump(const struct snas_space *space, char **text, struct snas_err *err)
{
    struct snas_text t = {0};
    snas_text_add(&t, "name: %s\ncells:\n", space->name);
    for (int k = 0; k < space->n_kinds; k++)
        dump_kind(&t, space, &space->kinds[k]);
    dump_stack(&t, space);
    snas_text_add(&t, "stem:\n");
    for (int i = 0; i < space->n_stems; i++) {
        snas_text_add(&t, "  - {channels: %d, steps: ", space->stems[i].channels);
        dump_steps(&t, space->stems[i].step, space->stems[i].n);
        snas_text_add(&t, "}\n");
    }
    snas_text_add(&t, "preprocess:\n  same: ");
    dump_steps(&t, space->preprocess_same.step, space->preprocess_same.n);
    if (space->preprocess_reduce.n > 0) {
        snas_text_add(&t, "\n  reduce: ");
        dump_steps(&t, space->preprocess_reduce.step, space->preprocess_reduce.n);
    }
    snas_text_add(&t, "\nhead: ");
    dump_steps(&t, space->head.step, space->head.n);
    snas_text_add(&t, "\nops:\n");
    for (int i = 0; i < space->n_ops; i++)
        dump_op(&t, &space->ops[i]);
    return snas_text_take(&t, text, err);
}

/* The files of an experiment: CSV of all that was measured, JSON and Markdown of what it says. */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/text.h"
#include "snas-credit/experiment.h"

static const char *op_name(const struct experiment *x, int decision, int k)
{
    const struct snas_space *space = &x->shared.space;
    return space->ops[space->kinds[x->kind_of[decision]].op[k]].name;
}

/* "cell,0,1,": kind, node and slot of a decision's edge. */
static void add_edge(const struct experiment *x, int decision, struct snas_text *t)
{
    const struct snas_cell_kind *kind = &x->shared.space.kinds[x->kind_of[decision]];
    int edge = x->edge_of[decision], node = 0;
    for (; edge >= kind->inputs + node; node++)
        edge -= kind->inputs + node;
    snas_text_add(t, "%s,%d,%d,", kind->name, node, edge);
}

static enum snas_status put(const struct experiment *x, const char *name, struct snas_text *t,
                            struct snas_err *err)
{
    char *path = snas_path_join(x->out, name, err);
    enum snas_status s = path ? snas_text_check(t, err) : SNAS_E_NOMEM;
    if (s == SNAS_OK)
        s = snas_write_file(path, t->data, t->n, err);
    snas_free(path);
    snas_text_clear(t);
    return s;
}

static void architectures_csv(const struct experiment *x, struct snas_text *t)
{
    const struct snas_returns *r = &x->returns;
    snas_text_add(t, "architecture,loss,ops\n");
    for (int a = 0; a < r->n; a++) {
        snas_text_add(t, "%d,%.9g,", a, r->loss[a]);
        for (int d = 0; d < r->n_edges; d++)
            snas_text_add(t, "%s%s", d ? " " : "", op_name(x, d, snas_returns_op(r, a, d)));
        snas_text_add(t, "\n");
    }
}

static void ops_csv(const struct experiment *x, struct snas_text *t)
{
    const struct snas_returns *r = &x->returns;
    snas_text_add(t, "kind,node,slot,op,true_change");
    for (int i = 0; i < x->n_temperatures; i++)
        for (int score = 0; score < SCORES; score++)
            snas_text_add(t, ",%s_T%g", score_names[score], x->at[i].temperature);
    snas_text_add(t, "\n");
    for (int d = 0; d < r->n_edges; d++)
        for (int k = 0; k < r->n_ops[d]; k++) {
            add_edge(x, d, t);
            snas_text_add(t, "%s,%.9g", op_name(x, d, k), x->effect[r->first[d] + k]);
            for (int i = 0; i < x->n_temperatures; i++)
                for (int score = 0; score < SCORES; score++)
                    snas_text_add(t, ",%.9g", x->at[i].score[score][r->first[d] + k]);
            snas_text_add(t, "\n");
        }
}

static void snas_csv(const struct experiment *x, struct snas_text *t)
{
    snas_text_add(t, "temperature,score,steps,correlation,sd\n");
    for (int i = 0; i < x->n_temperatures; i++)
        for (int score = 0; score < SCORES; score++)
            for (int g = 0; g < x->n_steps_grid; g++)
                snas_text_add(t, "%g,%s,%d,%.6f,%.6f\n", x->at[i].temperature, score_names[score],
                              x->steps_grid[g], x->at[i].correlation[score][g].mean,
                              x->at[i].correlation[score][g].sd);
}

static void learners_csv(const struct experiment *x, struct snas_text *t)
{
    snas_text_add(t, "learner,rate,architectures,correlation,sd,first_share,last_share,first_size,"
                     "last_size\n");
    for (int i = 0; i < x->n_rows; i++) {
        const struct learner_row *row = &x->rows[i];
        snas_text_add(t, "%s,%g,%d,%.6f,%.6f,%.6f,%.6f,%.6g,%.6g\n", row->name, row->rate, row->n,
                      row->correlation.mean, row->correlation.sd, row->share[0], row->share[1],
                      row->size[0], row->size[1]);
    }
}

static json_t *spread_json(const struct spread *s)
{
    return json_pack("{s:f, s:f}", "mean", s->mean, "sd", s->sd);
}

static json_t *snas_json(const struct experiment *x)
{
    json_t *list = json_array();
    for (int i = 0; i < x->n_temperatures; i++) {
        json_t *at = json_pack("{s:f, s:o}", "temperature", x->at[i].temperature,
                               "swap_correlation", spread_json(&x->at[i].swap));
        for (int score = 0; score < SCORES; score++) {
            json_t *steps = json_object();
            for (int g = 0; g < x->n_steps_grid; g++) {
                char key[16];
                snprintf(key, sizeof key, "%d", x->steps_grid[g]);
                json_object_set_new(steps, key, spread_json(&x->at[i].correlation[score][g]));
            }
            json_object_set_new(at, score_names[score], steps);
        }
        json_array_append_new(list, at);
    }
    return list;
}

static json_t *learner_json(const struct experiment *x, const char *name)
{
    json_t *list = json_array();
    for (int g = 0; g < x->n_grid; g++) {
        const struct learner_row *row = experiment_best(x, name, g);
        json_array_append_new(
            list, json_pack("{s:i, s:f, s:o, s:f, s:f, s:f, s:f}", "architectures", row->n, "rate",
                            row->rate, "correlation", spread_json(&row->correlation), "first_share",
                            row->share[0], "last_share", row->share[1], "first_size", row->size[0],
                            "last_size", row->size[1]));
    }
    return list;
}

/* For every temperature and number of steps: episodes that each learner needs; null: more than the
 * space has architectures. */
static json_t *needed_json(const struct experiment *x)
{
    json_t *list = json_array();
    for (int i = 0; i < x->n_temperatures; i++)
        for (int g = 0; g < x->n_steps_grid; g++) {
            const struct spread *c = &x->at[i].correlation[SCORE_SLOPE][g];
            json_t *row = json_pack("{s:f, s:i, s:f}", "temperature", x->at[i].temperature, "steps",
                                    x->steps_grid[g], "correlation", c->mean);
            for (int l = 0; experiment_learner(l); l++) {
                int n = experiment_needed(x, experiment_learner(l), c->mean);
                json_object_set_new(row, experiment_learner(l), n ? json_integer(n) : json_null());
            }
            json_array_append_new(list, row);
        }
    return list;
}

static json_t *whole_json(const struct experiment *x)
{
    json_t *learners = json_object(), *variance = json_array();
    for (int l = 0; experiment_learner(l); l++)
        json_object_set_new(learners, experiment_learner(l),
                            learner_json(x, experiment_learner(l)));
    for (int d = 0; d < x->returns.n_edges; d++)
        json_array_append_new(variance, json_pack("{s:i, s:f}", "open", x->returns.n_edges - 1 - d,
                                                  "variance", x->variance[d]));
    return json_pack("{s:s, s:s, s:i, s:i, s:i, s:i, s:o, s:o, s:o, s:o, s:{s:f, s:f, s:f, s:i}}",
                     "run", x->run, "space", x->shared.space.name, "edges", x->returns.n_edges,
                     "architectures", x->returns.n, "images", x->n_held, "repeats", x->repeats,
                     "snas", snas_json(x), "learners", learners, "needed", needed_json(x),
                     "monte_carlo_variance", variance, "timing", "seconds_per_architecture",
                     x->seconds_per_architecture, "seconds_per_step", x->seconds_per_step,
                     "seconds", x->seconds, "threads", x->threads);
}

static void snas_markdown(const struct experiment *x, struct snas_text *t)
{
    snas_text_add(t, "SNAS: rank correlation with the true change after n backward passes\n\n"
                     "| T | score |");
    for (int g = 0; g < x->n_steps_grid; g++)
        snas_text_add(t, " %d |", x->steps_grid[g]);
    snas_text_add(t, "\n|---:|---|");
    for (int g = 0; g < x->n_steps_grid; g++)
        snas_text_add(t, "---:|");
    for (int i = 0; i < x->n_temperatures; i++)
        for (int score = 0; score < SCORES; score++) {
            snas_text_add(t, "\n| %g | %s |", x->at[i].temperature, score_names[score]);
            for (int g = 0; g < x->n_steps_grid; g++)
                snas_text_add(t, " %.2f +- %.2f |", x->at[i].correlation[score][g].mean,
                              x->at[i].correlation[score][g].sd);
        }
    snas_text_add(t, "\n\nOne backward pass against single swaps from the architecture that it "
                     "sampled:");
    for (int i = 0; i < x->n_temperatures; i++)
        snas_text_add(t, "%s %.2f +- %.2f at T = %g", i ? "," : "", x->at[i].swap.mean,
                      x->at[i].swap.sd, x->at[i].temperature);
    snas_text_add(t, "\n\n");
}

/* The rest of a table's head, behind `before` columns: one column a learner. */
static void learner_columns(struct snas_text *t, int before)
{
    int n = 0;
    for (; experiment_learner(n); n++)
        snas_text_add(t, " %s |", experiment_learner(n));
    snas_text_add(t, "\n|");
    for (int i = 0; i < before + n; i++)
        snas_text_add(t, "---:|");
}

static void learners_markdown(const struct experiment *x, struct snas_text *t)
{
    snas_text_add(t, "Learners: the same after n complete architectures (TD at its best rate)\n\n"
                     "| n |");
    learner_columns(t, 1);
    for (int g = 0; g < x->n_grid; g++) {
        snas_text_add(t, "\n| %d |", x->grid[g]);
        for (int l = 0; experiment_learner(l); l++) {
            const struct spread *c = &experiment_best(x, experiment_learner(l), g)->correlation;
            snas_text_add(t, " %.2f +- %.2f |", c->mean, c->sd);
        }
    }
    snas_text_add(t, "\n\n");
}

static void needed_markdown(const struct experiment *x, struct snas_text *t)
{
    snas_text_add(t, "Architectures that each learner needs for the correlation of SNAS's slope\n\n"
                     "| T | steps | correlation |");
    learner_columns(t, 3);
    for (int i = 0; i < x->n_temperatures; i++)
        for (int g = 0; g < x->n_steps_grid; g++) {
            double c = x->at[i].correlation[SCORE_SLOPE][g].mean;
            snas_text_add(t, "\n| %g | %d | %.2f |", x->at[i].temperature, x->steps_grid[g], c);
            for (int l = 0; experiment_learner(l); l++) {
                int n = experiment_needed(x, experiment_learner(l), c);
                if (n)
                    snas_text_add(t, " %d |", n);
                else
                    snas_text_add(t, " > %d |", x->grid[x->n_grid - 1]);
            }
        }
    snas_text_add(t, "\n\n");
}

static void shares_markdown(const struct experiment *x, struct snas_text *t)
{
    snas_text_add(t, "Part of its true credit that the first / the last decision has\n\n| n |");
    learner_columns(t, 1);
    for (int g = 0; g < x->n_grid; g++) {
        snas_text_add(t, "\n| %d |", x->grid[g]);
        for (int l = 0; experiment_learner(l); l++) {
            const struct learner_row *row = experiment_best(x, experiment_learner(l), g);
            snas_text_add(t, " %.2f / %.2f |", row->share[0], row->share[1]);
        }
    }
    snas_text_add(t, "\n\nVariance of one Monte Carlo return by the number of decisions still open"
                     "\n\n| open | variance | sd |\n|---:|---:|---:|\n");
    for (int d = x->returns.n_edges - 1; d >= 0; d--)
        snas_text_add(t, "| %d | %.4g | %.4g |\n", x->returns.n_edges - 1 - d, x->variance[d],
                      sqrt(x->variance[d]));
}

static void whole_markdown(const struct experiment *x, struct snas_text *t)
{
    snas_text_add(t,
                  "%s: space %s, %d edges, %d architectures, loss on %d held-out images; %d "
                  "repeats.\n%.2g s an architecture, %.2g s a step of SNAS (batch %lld), %d "
                  "threads.\n\n",
                  x->run, x->shared.space.name, x->returns.n_edges, x->returns.n, x->n_held,
                  x->repeats, x->seconds_per_architecture, x->seconds_per_step,
                  (long long)x->shared.config.search.batch, x->threads);
    snas_markdown(x, t);
    learners_markdown(x, t);
    needed_markdown(x, t);
    shares_markdown(x, t);
}

static void whole_json_text(const struct experiment *x, struct snas_text *t)
{
    json_t *root = whole_json(x);
    char *text = root ? json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) : NULL;
    if (text)
        snas_text_add(t, "%s\n", text);
    else
        t->failed = 1;
    free(text);
    json_decref(root);
}

static const struct {
    const char *name;
    void (*make)(const struct experiment *x, struct snas_text *t);
} files[] = {
    {"architectures.csv", architectures_csv},
    {"ops.csv", ops_csv},
    {"snas.csv", snas_csv},
    {"learners.csv", learners_csv},
    {"credit.md", whole_markdown},
    {"credit.json", whole_json_text},
};

enum snas_status experiment_write(const struct experiment *x, struct snas_err *err)
{
    enum snas_status s = SNAS_OK;
    for (size_t i = 0; s == SNAS_OK && i < sizeof(files) / sizeof(*files); i++) {
        struct snas_text t = {0};
        files[i].make(x, &t);
        s = put(x, files[i].name, &t, err);
    }
    return s;
}

enum snas_status experiment_print(const struct experiment *x, int json, struct snas_err *err)
{
    struct snas_text t = {0};
    (json ? whole_json_text : whole_markdown)(x, &t);
    enum snas_status s = snas_text_check(&t, err);
    if (s == SNAS_OK)
        fputs(t.data, stdout);
    snas_text_clear(&t);
    return s;
}

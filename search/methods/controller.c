#include "methods/controller.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "kernels/optimiser.h"
#include "methods/concrete.h"

enum source { START, ANCHOR, EMBEDDING };
enum decision { NOTHING, SLOT, OP };

/* A step of the LSTM, as made by a space; values are filled by a forward. */
struct step {
    int kind, node, pick; /* of a decision */
    enum decision decision;
    int anchor;             /* the slot whose anchor this step makes, or -1 */
    const int *anchor_step; /* [slots] of its kind: the step that makes a slot's anchor */
    enum source source;     /* what it read, and of which slot or op of the space */
    int index;
    int n, choice;             /* options of the decision; position of the one taken */
    double p[SNAS_MAX_OPS];    /* of each option */
    double rise[SNAS_MAX_OPS]; /* d logit / d what the tanh takes, 1 without tanh */
};

/* Gates in the order input, forget, output, candidate. */
struct values {
    double *gates;   /* [4 units] after their activations */
    double *c, *h;   /* [units] */
    double *key;     /* [units] W1 h, of a step with an anchor */
    double *query;   /* [slots][units] tanh(k_j + W2 h), of a slot's decision */
    double *dh;      /* [units] what later steps add to it */
    double *dkey;    /* [units] */
    const double *x; /* [units] what it read */
};

struct snas_controller {
    const struct snas_space *space;
    struct snas_controller_options options;
    int n_steps;
    struct step *steps;
    struct values *values; /* [n_steps] */
    int anchor_step[SNAS_MAX_KINDS][SNAS_MAX_SLOTS];
    int n_live[SNAS_MAX_KINDS], live[SNAS_MAX_KINDS][SNAS_MAX_OPS]; /* positions in the list */
    int n;                                                          /* parameters */
    int lstm, start, embedding, soft, bias, key, query, v;          /* where they begin */
    double *theta, *grad, *moment1, *moment2;
    double progress[3]; /* updates, baseline, 1: it has begun */
    int samples;        /* in the gradient */
    double *room;       /* of all values, and: */
    double *zero;       /* [units], stays so */
    double *work;       /* [4 units] */
    double *carry;      /* [2 units] d h, d c */
};

/* y[cols] += x[rows] w[rows][cols] */
static void add_product(const double *x, const double *w, int rows, int cols, double *y)
{
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < cols; j++)
            y[j] += x[i] * w[(size_t)i * (size_t)cols + (size_t)j];
}

/* For y = x w and d = d y: dw += x (outer) d, and dx += w d (NULL: not asked). */
static void add_gradient(const double *x, const double *w, const double *d, int rows, int cols,
                         double *dw, double *dx)
{
    enum { LANES = 8 };
    for (int i = 0; i < rows; i++) {
        const double *wi = w + (size_t)i * (size_t)cols;
        double *dwi = dw + (size_t)i * (size_t)cols, sum[LANES] = {0};
        for (int j = 0; j < cols; j++)
            dwi[j] += x[i] * d[j];
        for (int j = 0; j < cols; j++)
            sum[j % LANES] += wi[j] * d[j];
        for (int l = 0; dx && l < LANES; l++)
            dx[i] += sum[l];
    }
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static const double *input_of(const struct snas_controller *c, const struct step *s)
{
    if (s->source == START)
        return c->theta + c->start;
    if (s->source == EMBEDDING)
        return c->theta + c->embedding + (size_t)s->index * (size_t)c->options.units;
    if (s->index < c->space->kinds[s->kind].inputs)
        return c->zero;
    return c->values[s->anchor_step[s->index]].h;
}

static void lstm_forward(const struct snas_controller *c, int t)
{
    const struct values *v = &c->values[t];
    const double *w = c->theta + c->lstm;
    const double *h = t ? c->values[t - 1].h : c->zero, *before = t ? c->values[t - 1].c : c->zero;
    int u = c->options.units;
    memset(v->gates, 0, 4 * (size_t)u * sizeof(double));
    add_product(v->x, w, u, 4 * u, v->gates);
    add_product(h, w + 4 * (size_t)u * (size_t)u, u, 4 * u, v->gates);
    for (int i = 0; i < 3 * u; i++)
        v->gates[i] = sigmoid(v->gates[i]);
    for (int i = 0; i < u; i++) {
        double *g = v->gates + i;
        g[3 * u] = tanh(g[3 * u]);
        v->c[i] = g[0] * g[3 * u] + g[u] * before[i];
        v->h[i] = g[2 * u] * tanh(v->c[i]);
    }
}

/* carry: d h and d c that the step after this one asks of it; becomes those of the step before. */
static void lstm_backward(struct snas_controller *c, int t, double *dx)
{
    const struct values *v = &c->values[t];
    const double *w = c->theta + c->lstm;
    const double *h = t ? c->values[t - 1].h : c->zero, *before = t ? c->values[t - 1].c : c->zero;
    double *dw = c->grad + c->lstm, *d = c->work;
    int u = c->options.units;
    size_t half = 4 * (size_t)u * (size_t)u;
    for (int i = 0; i < u; i++) {
        const double *g = v->gates + i;
        double dh = c->carry[i], tc = tanh(v->c[i]);
        double dc = c->carry[u + i] + dh * g[2 * u] * (1 - tc * tc);
        d[i] = dc * g[3 * u] * g[0] * (1 - g[0]);
        d[u + i] = dc * before[i] * g[u] * (1 - g[u]);
        d[2 * u + i] = dh * tc * g[2 * u] * (1 - g[2 * u]);
        d[3 * u + i] = dc * g[0] * (1 - g[3 * u] * g[3 * u]);
        c->carry[u + i] = dc * g[u];
        c->carry[i] = 0;
    }
    add_gradient(v->x, w, d, u, 4 * u, dw, dx);
    add_gradient(h, w + half, d, u, 4 * u, dw + half, c->carry);
}

/* Probabilities of a decision's options from what its tanh takes; returns their entropy. */
static double decide(const struct snas_controller *c, struct step *s, const double *raw)
{
    const struct snas_controller_options *o = &c->options;
    double t = o->temperature > 0 ? o->temperature : 1, entropy = 0, logit[SNAS_MAX_OPS];
    double top = s->decision == OP ? o->tanh_constant / o->op_tanh_reduce : o->tanh_constant;
    for (int k = 0; k < s->n; k++) {
        double squashed = tanh(raw[k] / t);
        logit[k] = o->tanh_constant > 0 ? top * squashed : raw[k] / t;
        s->rise[k] = (o->tanh_constant > 0 ? top * (1 - squashed * squashed) : 1) / t;
    }
    snas_softmax(logit, s->n, s->p);
    for (int k = 0; k < s->n; k++)
        if (s->p[k] > 0)
            entropy -= s->p[k] * log(s->p[k]);
    return entropy;
}

static double decide_slot(const struct snas_controller *c, int t)
{
    struct step *s = &c->steps[t];
    const struct values *v = &c->values[t];
    int u = c->options.units;
    double raw[SNAS_MAX_OPS];
    memset(c->work, 0, (size_t)u * sizeof(double));
    add_product(v->h, c->theta + c->query, u, u, c->work);
    for (int j = 0; j < s->n; j++) {
        const double *key = c->values[s->anchor_step[j]].key;
        double *q = v->query + (size_t)j * (size_t)u;
        raw[j] = 0;
        for (int i = 0; i < u; i++) {
            q[i] = tanh(key[i] + c->work[i]);
            raw[j] += c->theta[c->v + i] * q[i];
        }
    }
    return decide(c, s, raw);
}

/* Row of Ws, b and the embeddings of the kth option of an op's decision. */
static int op_of(const struct snas_controller *c, const struct step *s, int k)
{
    return c->space->kinds[s->kind].op[c->live[s->kind][k]];
}

static double decide_op(const struct snas_controller *c, int t)
{
    struct step *s = &c->steps[t];
    const struct values *v = &c->values[t];
    int u = c->options.units;
    double raw[SNAS_MAX_OPS];
    for (int k = 0; k < s->n; k++) {
        const double *w = c->theta + c->soft + (size_t)op_of(c, s, k) * (size_t)u;
        raw[k] = c->theta[c->bias + op_of(c, s, k)];
        for (int i = 0; i < u; i++)
            raw[k] += w[i] * v->h[i];
    }
    return decide(c, s, raw);
}

static int draw(const double *p, int n, struct snas_rng *rng)
{
    double left = snas_rng_uniform(rng);
    for (int k = 0; k < n - 1; k++) {
        left -= p[k];
        if (left < 0)
            return k;
    }
    return n - 1;
}

/* Takes the decision of step t: by the rng, or (NULL) as the picks say; says so to the steps that
 * read it. */
static void take(const struct snas_controller *c, int t, struct snas_rng *rng,
                 struct snas_picks *picks)
{
    struct step *s = &c->steps[t];
    struct snas_node_picks *node = &picks->node[s->kind][s->node];
    if (s->decision == SLOT) {
        if (rng)
            node->slot[s->pick] = draw(s->p, s->n, rng);
        s->choice = node->slot[s->pick];
        s[1].index = s->choice;
        return;
    }
    const int *live = c->live[s->kind];
    if (rng)
        node->op[s->pick] = live[draw(s->p, s->n, rng)];
    s->choice = 0;
    while (s->choice < s->n && live[s->choice] != node->op[s->pick])
        s->choice++;
    if (s->choice == s->n)
        SNAS_BUG("a pick of an op that the controller does not offer");
    s[1].index = op_of(c, s, s->choice);
}

static struct snas_controller_score forward(const struct snas_controller *c, struct snas_rng *rng,
                                            struct snas_picks *picks)
{
    struct snas_controller_score score = {0};
    int u = c->options.units;
    for (int t = 0; t < c->n_steps; t++) {
        struct step *s = &c->steps[t];
        struct values *v = &c->values[t];
        v->x = input_of(c, s);
        lstm_forward(c, t);
        if (s->anchor >= 0) {
            memset(v->key, 0, (size_t)u * sizeof(double));
            add_product(v->h, c->theta + c->key, u, u, v->key);
        }
        if (s->decision == NOTHING)
            continue;
        score.entropy += s->decision == SLOT ? decide_slot(c, t) : decide_op(c, t);
        take(c, t, rng, picks);
        score.log_prob += log(s->p[s->choice]);
    }
    return score;
}

void snas_controller_sample(const struct snas_controller *c, uint64_t seed, enum snas_stream stream,
                            uint64_t step, struct snas_picks *out,
                            struct snas_controller_score *score)
{
    struct snas_rng rng = snas_rng_make(seed, stream, step);
    memset(out, 0, sizeof(*out));
    const struct snas_controller_score s = forward(c, &rng, out);
    if (score)
        *score = s;
}

void snas_controller_score(const struct snas_controller *c, const struct snas_picks *picks,
                           struct snas_controller_score *out)
{
    struct snas_picks copy = *picks;
    *out = forward(c, NULL, &copy);
}

/* d (a log p + b H) / d raw of a decision's options. */
static void decision_gradient(const struct step *s, double a, double b, double *raw)
{
    double entropy = 0, log_p[SNAS_MAX_OPS];
    for (int k = 0; k < s->n; k++) {
        log_p[k] = s->p[k] > 0 ? log(s->p[k]) : 0;
        entropy -= s->p[k] * log_p[k];
    }
    for (int k = 0; k < s->n; k++)
        raw[k] =
            s->rise[k] * (a * ((k == s->choice) - s->p[k]) - b * s->p[k] * (log_p[k] + entropy));
}

static void slot_backward(struct snas_controller *c, int t, const double *raw)
{
    const struct step *s = &c->steps[t];
    const struct values *v = &c->values[t];
    int u = c->options.units;
    memset(c->work, 0, (size_t)u * sizeof(double));
    for (int j = 0; j < s->n; j++) {
        const double *q = v->query + (size_t)j * (size_t)u;
        double *dkey = c->values[s->anchor_step[j]].dkey;
        for (int i = 0; i < u; i++) {
            double d = raw[j] * c->theta[c->v + i] * (1 - q[i] * q[i]);
            c->grad[c->v + i] += raw[j] * q[i];
            dkey[i] += d;
            c->work[i] += d;
        }
    }
    add_gradient(v->h, c->theta + c->query, c->work, u, u, c->grad + c->query, c->carry);
}

static void op_backward(struct snas_controller *c, int t, const double *raw)
{
    const struct step *s = &c->steps[t];
    const struct values *v = &c->values[t];
    int u = c->options.units;
    for (int k = 0; k < s->n; k++) {
        size_t row = (size_t)c->soft + (size_t)op_of(c, s, k) * (size_t)u;
        c->grad[c->bias + op_of(c, s, k)] += raw[k];
        for (int i = 0; i < u; i++) {
            c->grad[row + (size_t)i] += raw[k] * v->h[i];
            c->carry[i] += raw[k] * c->theta[row + (size_t)i];
        }
    }
}

/* Where the gradient of what a step read goes; NULL: an input's anchor is a constant. */
static double *input_gradient(struct snas_controller *c, const struct step *s)
{
    if (s->source == START)
        return c->grad + c->start;
    if (s->source == EMBEDDING)
        return c->grad + c->embedding + (size_t)s->index * (size_t)c->options.units;
    if (s->index < c->space->kinds[s->kind].inputs)
        return NULL;
    return c->values[s->anchor_step[s->index]].dh;
}

/* Of the last forward. */
static void backward(struct snas_controller *c, double a, double b)
{
    int u = c->options.units;
    size_t bytes = (size_t)u * sizeof(double);
    memset(c->carry, 0, 2 * bytes);
    for (int t = 0; t < c->n_steps; t++) {
        memset(c->values[t].dh, 0, bytes);
        memset(c->values[t].dkey, 0, bytes);
    }
    for (int t = c->n_steps - 1; t >= 0; t--) {
        const struct step *s = &c->steps[t];
        const struct values *v = &c->values[t];
        double raw[SNAS_MAX_OPS];
        for (int i = 0; i < u; i++)
            c->carry[i] += v->dh[i];
        decision_gradient(s, a, b, raw);
        if (s->decision == SLOT)
            slot_backward(c, t, raw);
        else if (s->decision == OP)
            op_backward(c, t, raw);
        if (s->anchor >= 0)
            add_gradient(v->h, c->theta + c->key, v->dkey, u, u, c->grad + c->key, c->carry);
        lstm_backward(c, t, input_gradient(c, s));
    }
}

void snas_controller_gradient(struct snas_controller *c, const struct snas_picks *picks,
                              double log_prob_weight, double entropy_weight)
{
    struct snas_controller_score score;
    snas_controller_score(c, picks, &score);
    backward(c, log_prob_weight, entropy_weight);
}

void snas_controller_reinforce(struct snas_controller *c, const struct snas_picks *picks,
                               double reward)
{
    struct snas_controller_score score;
    double *baseline = &c->progress[1], weight = c->options.entropy_weight;
    snas_controller_score(c, picks, &score);
    reward += weight * score.entropy;
    if (c->progress[2] == 0)
        *baseline = reward;
    c->progress[2] = 1;
    backward(c, reward - *baseline, weight);
    *baseline += (1 - c->options.baseline_decay) * (reward - *baseline);
    c->samples++;
}

enum snas_status snas_controller_update(struct snas_controller *c, struct snas_err *err)
{
    const struct snas_controller_options *o = &c->options;
    const struct snas_k_adam adam = {o->learning_rate, o->beta1, o->beta2, o->eps, 0};
    size_t n = (size_t)c->n;
    if (!isfinite(snas_k_sum_squares_f64(n, c->grad)))
        return snas_fail(err, SNAS_E_NUMERIC, "the gradient of the controller is not finite");
    c->progress[0]++;
    snas_k_adam_f64(n, c->theta, c->moment1, c->moment2, c->grad,
                    -1.0 / (c->samples ? c->samples : 1), &adam, (int64_t)c->progress[0]);
    memset(c->grad, 0, n * sizeof(double));
    c->samples = 0;
    return SNAS_OK;
}

double snas_controller_baseline(const struct snas_controller *c)
{
    return c->progress[1];
}

int snas_controller_size(const struct snas_controller *c)
{
    return c->n;
}

double *snas_controller_parameters(struct snas_controller *c)
{
    return c->theta;
}

double *snas_controller_gradients(struct snas_controller *c)
{
    return c->grad;
}

int snas_controller_state(struct snas_controller *c, struct snas_st_tensor *out)
{
    const struct snas_st_tensor tensors[SNAS_CONTROLLER_TENSORS] = {
        {"method.controller", SNAS_F64, 1, {c->n}, c->theta},
        {"method.controller.adam.m", SNAS_F64, 1, {c->n}, c->moment1},
        {"method.controller.adam.v", SNAS_F64, 1, {c->n}, c->moment2},
        {"method.controller.progress", SNAS_F64, 1, {3}, c->progress},
    };
    memcpy(out, tensors, sizeof(tensors));
    return SNAS_CONTROLLER_TENSORS;
}

static int count_steps(const struct snas_space *space)
{
    int n = 0;
    for (int k = 0; k < space->n_kinds; k++)
        n += space->kinds[k].inputs + space->kinds[k].nodes * (2 * SNAS_PICKS + 1);
    return n;
}

static struct step *add_step(struct snas_controller *c, int kind, enum source source)
{
    struct step *s = &c->steps[c->n_steps++];
    *s = (struct step){.kind = kind, .anchor = -1, .source = source};
    s->anchor_step = c->anchor_step[kind];
    return s;
}

static void add_anchor(struct snas_controller *c, int kind, enum source source, int slot)
{
    c->anchor_step[kind][slot] = c->n_steps;
    add_step(c, kind, source)->anchor = slot;
}

/* The steps of a kind; what one reads is what the one before decided. */
static void add_kind(struct snas_controller *c, int kind)
{
    const struct snas_cell_kind *k = &c->space->kinds[kind];
    for (int i = 0; i < k->inputs; i++)
        add_anchor(c, kind, START, i);
    for (int node = 0; node < k->nodes; node++) {
        for (int i = 0; i < 2 * SNAS_PICKS; i++) {
            enum source source = i == 0 ? START : i <= SNAS_PICKS ? ANCHOR : EMBEDDING;
            struct step *s = add_step(c, kind, source);
            s->node = node;
            s->pick = i % SNAS_PICKS;
            s->decision = i < SNAS_PICKS ? SLOT : OP;
            s->n = i < SNAS_PICKS ? k->inputs + node : c->n_live[kind];
        }
        add_anchor(c, kind, EMBEDDING, k->inputs + node);
    }
}

static enum snas_status find_live(struct snas_controller *c, struct snas_err *err)
{
    const struct snas_space *space = c->space;
    for (int kind = 0; kind < space->n_kinds; kind++) {
        const struct snas_cell_kind *k = &space->kinds[kind];
        for (int i = 0; i < k->n_ops; i++)
            if (!space->ops[k->op[i]].zero)
                c->live[kind][c->n_live[kind]++] = i;
        if (!c->n_live[kind])
            return snas_fail(err, SNAS_E_UNSUPPORTED,
                             "cell '%s' of space '%s' has no op that a controller could pick",
                             k->name, space->name);
    }
    return SNAS_OK;
}

static void place_parameters(struct snas_controller *c)
{
    int u = c->options.units, ops = c->space->n_ops;
    const struct {
        int *at, n;
    } parts[] = {{&c->lstm, 8 * u * u}, {&c->start, u},  {&c->embedding, ops * u},
                 {&c->soft, ops * u},   {&c->bias, ops}, {&c->key, u * u},
                 {&c->query, u * u},    {&c->v, u}};
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        *parts[i].at = c->n;
        c->n += parts[i].n;
    }
}

/* One block for all that a forward and backward fill. */
static enum snas_status make_room(struct snas_controller *c, int n_steps, struct snas_err *err)
{
    size_t u = (size_t)c->options.units, each = u * (4 + 5 + SNAS_MAX_SLOTS);
    c->room = snas_alloc(each * (size_t)n_steps + 7 * u, sizeof(double), err);
    if (!c->room)
        return SNAS_E_NOMEM;
    for (int t = 0; t < n_steps; t++) {
        double *at = c->room + each * (size_t)t;
        c->values[t] = (struct values){.gates = at,
                                       .c = at + 4 * u,
                                       .h = at + 5 * u,
                                       .key = at + 6 * u,
                                       .dh = at + 7 * u,
                                       .dkey = at + 8 * u,
                                       .query = at + 9 * u};
    }
    c->zero = c->room + each * (size_t)n_steps;
    c->work = c->zero + u;
    c->carry = c->work + 4 * u;
    return SNAS_OK;
}

static enum snas_status allocate(struct snas_controller *c, struct snas_err *err)
{
    double **const vectors[] = {&c->theta, &c->grad, &c->moment1, &c->moment2};
    int n_steps = count_steps(c->space);
    for (size_t i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
        *vectors[i] = snas_alloc((size_t)c->n, sizeof(double), err);
        if (!*vectors[i])
            return SNAS_E_NOMEM;
    }
    c->steps = snas_alloc((size_t)n_steps, sizeof(*c->steps), err);
    c->values = snas_alloc((size_t)n_steps, sizeof(*c->values), err);
    return c->steps && c->values ? make_room(c, n_steps, err) : SNAS_E_NOMEM;
}

enum snas_status snas_controller_create(const struct snas_space *space,
                                        const struct snas_controller_options *options,
                                        uint64_t seed, struct snas_controller **out,
                                        struct snas_err *err)
{
    struct snas_controller *c = snas_alloc(1, sizeof(*c), err);
    *out = NULL;
    if (!c)
        return SNAS_E_NOMEM;
    c->space = space;
    c->options = *options;
    place_parameters(c);
    enum snas_status s = find_live(c, err);
    if (s == SNAS_OK)
        s = allocate(c, err);
    if (s != SNAS_OK) {
        snas_controller_destroy(c);
        return s;
    }
    for (int kind = 0; kind < space->n_kinds; kind++)
        add_kind(c, kind);
    struct snas_rng rng = snas_rng_make(seed, SNAS_STREAM_ALPHA, 0);
    for (int i = 0; i < c->n; i++) {
        double value = options->init * (2 * snas_rng_uniform(&rng) - 1);
        c->theta[i] = i >= c->bias && i < c->bias + space->n_ops ? 0 : value;
    }
    *out = c;
    return SNAS_OK;
}

void snas_controller_destroy(struct snas_controller *c)
{
    if (!c)
        return;
    double *const owned[] = {c->theta, c->grad, c->moment1, c->moment2, c->room};
    for (size_t i = 0; i < sizeof(owned) / sizeof(*owned); i++)
        snas_free(owned[i]);
    snas_free(c->steps);
    snas_free(c->values);
    snas_free(c);
}

#include "train/search.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/threads.h"
#include "kernels/optimiser.h"
#include "train/state.h"

static int64_t steps_done(const struct snas_search *s)
{
    return s->at.epoch * s->steps_per_epoch + s->at.step_in_epoch;
}

static enum snas_status next_batch(void *owner, int held_out, struct snas_batch *out,
                                   struct snas_err *err)
{
    struct snas_search *s = owner;
    struct snas_loaded loaded;
    if (!s->stream[held_out]) {
        enum snas_status status =
            snas_source_stream(&s->source, s->config, held_out, &s->stream[held_out], err);
        if (status != SNAS_OK)
            return status;
        snas_loader_seek(s->stream[held_out], held_out ? s->at.held_batches : steps_done(s));
    }
    snas_loader_next(s->stream[held_out], &loaded);
    s->at.held_batches += held_out;
    *out = (struct snas_batch){loaded.images, loaded.labels, loaded.n};
    return SNAS_OK;
}

static enum snas_status theta_step(void *owner, struct snas_err *err)
{
    struct snas_search *s = owner;
    size_t n = snas_net_theta_size(s->net);
    const float *grad = snas_net_grad(s->net);
    double norm = sqrt(snas_k_sum_squares_f32(n, grad));
    if (!isfinite(norm))
        return snas_fail(err, SNAS_E_NUMERIC, "the gradient of theta is not finite");
    snas_k_sgd_f32(n, snas_net_theta(s->net), s->momentum, grad,
                   (float)snas_k_clip_factor(norm, s->config->theta.clip),
                   (float)snas_search_config_rate(s->config, (int)s->at.epoch),
                   (float)s->config->theta.momentum, (float)s->config->theta.weight_decay);
    return SNAS_OK;
}

/* Within an epoch it is not interrupted: a phase of a method is whole or has not begun. */
static enum snas_status evaluate(void *owner, const double *z, int64_t images, double *accuracy,
                                 struct snas_err *err)
{
    struct snas_search *s = owner;
    const struct snas_image_set held = snas_source_held(&s->source, s->config, images);
    const struct snas_evaluate_options o = {
        .bn = SNAS_BN_BATCH,
        .z = z,
        .stop = s->at.epoch < s->config->search.epochs ? NULL : s->options->stop};
    struct snas_score score;
    enum snas_status status = snas_evaluate(s->net, &held, &o, &score, err);
    *accuracy = score.accuracy;
    return status;
}

void snas_search_context(struct snas_search *s, struct snas_method_context *out)
{
    *out = (struct snas_method_context){.net = s->net,
                                        .next_batch = next_batch,
                                        .theta_step = theta_step,
                                        .evaluate = evaluate,
                                        .owner = s,
                                        .theta_rate =
                                            snas_search_config_rate(s->config, (int)s->at.epoch),
                                        .theta_momentum = s->config->theta.momentum,
                                        .theta_weight_decay = s->config->theta.weight_decay,
                                        .theta_buffer = s->momentum,
                                        .seed = (uint64_t)s->config->seed,
                                        .step = steps_done(s),
                                        .steps = s->steps_per_epoch * s->config->search.epochs,
                                        .epoch = (int)s->at.epoch,
                                        .epochs = (int)s->config->search.epochs};
}

enum snas_status snas_search_step(struct snas_search *s, struct snas_err *err)
{
    struct snas_method_context context;
    snas_search_context(s, &context);
    struct snas_step_result r;
    enum snas_status status = s->method->ops->step(s->method, &context, &r, err);
    if (status != SNAS_OK) {
        snas_fail_context(err, "step %lld (epoch %lld)", (long long)(context.step + 1),
                          (long long)(s->at.epoch + 1));
        return status;
    }
    s->at.step_in_epoch++;
    s->at.correct += r.correct;
    s->at.images += r.n;
    s->sums.loss += r.loss * r.n;
    s->sums.penalty += r.penalty * r.n;
    s->sums.live_ops += r.live_ops * r.n;
    s->epoch_images += r.n;
    return SNAS_OK;
}

void snas_search_net_options(const struct snas_search_config *config, int training,
                             struct snas_net_options *out)
{
    snas_net_options_default(out);
    out->batch = (int)config->search.batch;
    out->threads = (int)config->threads;
    out->training = training;
    out->memory = (enum snas_memory)config->memory;
    out->memory_limit = (size_t)config->memory_limit;
    out->bn_eps = config->network.bn_eps;
    out->bn_momentum = config->network.bn_momentum;
    out->label_smoothing = config->theta.label_smoothing;
    out->drop_path = config->theta.drop_path;
}

enum snas_status snas_supernet_describe(const struct snas_search_config *config,
                                        const struct snas_dataset *ds, struct snas_space *space,
                                        struct snas_network **network, struct snas_err *err)
{
    const struct snas_network_options o = {.channels = (int)config->network.channels,
                                           .layers = (int)config->network.layers,
                                           .input = {ds->channels, ds->height, ds->width},
                                           .classes = ds->classes,
                                           .pool_bn = 1};
    enum snas_status status = snas_space_read(config->space, space, err);
    return status == SNAS_OK ? snas_network_create(space, &o, NULL, network, err) : status;
}

static enum snas_status make_method(struct snas_search *s, struct snas_err *err)
{
    struct snas_alpha_options o;
    snas_search_config_alpha(s->config, &o);
    enum snas_status status =
        snas_penalty_init(&s->penalty, s->network, &s->costs, &o.penalty, err);
    return status == SNAS_OK
               ? snas_search_config_method(s->config, s->network, &s->costs, &s->method, err)
               : status;
}

/* The test files are read here only to see that they are whole and of the network's shape: nobody
 * shall search for hours to learn that they are missing. */
static enum snas_status check_test_files(const struct snas_search *s, struct snas_err *err)
{
    struct snas_whole test;
    enum snas_status status = snas_whole_open_test(s->config, s->network, &test, err);
    if (status == SNAS_OK)
        snas_whole_clear(&test);
    return status;
}

/* A table is read only when it is the one that the configuration was resolved with. */
static enum snas_status read_costs(struct snas_search *s, struct snas_err *err)
{
    const struct snas_search_config *c = s->config;
    if (*c->costs.table)
        return snas_cost_table_read(c->costs.table, s->network, &s->costs, err);
    if (*c->costs.hash)
        return snas_fail(err, SNAS_E_CONFIG,
                         "this configuration was resolved with the cost table %s: give that file "
                         "as costs.table",
                         c->costs.hash);
    return snas_cost_table_create(s->network, &s->costs, err);
}

enum snas_status snas_search_init(struct snas_search *s, const struct snas_search_config *config,
                                  const struct snas_search_options *options, struct snas_err *err)
{
    struct snas_net_options net;
    memset(s, 0, sizeof(*s));
    s->config = config;
    s->options = options;
    s->run.lock = -1;
    snas_search_net_options(config, 1, &net);
    enum snas_status status = snas_config_dump(&snas_search_schema, config, &s->config_text, err);
    if (status == SNAS_OK)
        status = snas_source_open(config, &s->source, err);
    if (status == SNAS_OK)
        status = snas_supernet_describe(config, &s->source.ds, &s->space, &s->network, err);
    if (status == SNAS_OK)
        status = check_test_files(s, err);
    if (status == SNAS_OK)
        status = read_costs(s, err);
    if (status == SNAS_OK)
        status = make_method(s, err);
    if (status == SNAS_OK)
        status = snas_search_budget(s, &net.memory_limit, err);
    if (status == SNAS_OK)
        status = snas_net_create(s->network, &net, &s->net, err);
    if (status == SNAS_E_LIMIT && net.memory_limit > 0)
        snas_fail_context(err, "%s of %.1f MB, of which data, optimiser and batches take %.1f MB",
                          s->memory.asked ? "memory_limit" : "a share",
                          (double)s->memory.limit / 1e6,
                          (double)(s->memory.limit - net.memory_limit) / 1e6);
    if (status != SNAS_OK)
        return status;
    int64_t images =
        config->search.images_per_epoch ? config->search.images_per_epoch : s->source.n_rest;
    s->steps_per_epoch = images / config->search.batch;
    s->momentum = snas_alloc(snas_net_theta_size(s->net), sizeof(float), err);
    s->z = snas_alloc((size_t)s->network->n_z, sizeof(double), err);
    s->history = snas_alloc((size_t)config->search.epochs, sizeof(*s->history), err);
    if (!s->momentum || !s->z || !s->history)
        return SNAS_E_NOMEM;
    snas_net_init(s->net, (uint64_t)config->seed);
    return SNAS_OK;
}

void snas_search_clear(struct snas_search *s)
{
    snas_run_close(&s->run);
    snas_measured_log_clear(&s->measured);
    for (int i = 0; i < 2; i++)
        if (s->stream[i])
            snas_loader_destroy(s->stream[i]);
    if (s->net)
        snas_net_destroy(s->net);
    snas_method_destroy(s->method);
    snas_penalty_clear(&s->penalty);
    snas_cost_table_clear(&s->costs);
    if (s->network)
        snas_network_destroy(s->network);
    snas_source_clear(&s->source);
    snas_free(s->momentum);
    snas_free(s->z);
    snas_free(s->history);
    snas_free(s->config_text);
    memset(s, 0, sizeof(*s));
    s->run.lock = -1;
}

static int stopped(const struct snas_search *s)
{
    return s->options->stop && *s->options->stop;
}

/* Saves; the state is whole at every step's end. */
static enum snas_status save(struct snas_search *s, struct snas_err *err)
{
    const double start = snas_seconds();
    enum snas_status status = snas_checkpoint_save(s, err);
    s->last_save = snas_seconds();
    s->save_seconds = s->last_save - start;
    return status;
}

static enum snas_status save_and_stop(struct snas_search *s, struct snas_err *err)
{
    enum snas_status status = save(s, err);
    if (status != SNAS_OK)
        return status;
    snas_run_say(&s->run, "interrupted: saved after step %lld", (long long)steps_done(s));
    return snas_fail(err, SNAS_E_INTERRUPTED, "interrupted: saved after step %lld",
                     (long long)steps_done(s));
}

/* A meter that fails ends the search, which has lost nothing: the same command goes on. */
static enum snas_status measure(struct snas_search *s, struct snas_err *err)
{
    enum snas_status status = snas_search_measure(s, err);
    if (status == SNAS_OK)
        return status;
    if (status == SNAS_E_INTERRUPTED)
        return save_and_stop(s, err);
    snas_fail_context(err, "measuring before step %lld", (long long)(steps_done(s) + 1));
    if (save(s, NULL) == SNAS_OK)
        snas_run_say(&s->run, "saved after step %lld", (long long)steps_done(s));
    return status;
}

static void show(struct snas_search *s, double start)
{
    char line[160];
    double seconds = snas_seconds() - start;
    snprintf(line, sizeof(line), "epoch %lld/%lld  loss %.3f  %.1f%%  %.0f images/s",
             (long long)(s->at.epoch + 1), (long long)s->config->search.epochs,
             s->sums.loss / (double)s->at.images,
             100.0 * (double)s->at.correct / (double)s->at.images,
             seconds > 0 ? (double)s->epoch_images / seconds : 0);
    snas_progress_update(s->run.progress, (double)steps_done(s), line);
}

static enum snas_status train_epoch(struct snas_search *s, struct snas_err *err)
{
    double start = snas_seconds();
    s->epoch_images = 0;
    if (s->stream[0])
        snas_loader_stall(s->stream[0]);
    while (s->at.step_in_epoch < s->steps_per_epoch) {
        enum snas_status status = measure(s, err);
        if (status == SNAS_OK)
            status = snas_search_step(s, err);
        if (status != SNAS_OK)
            return status;
        show(s, start);
        if (stopped(s))
            return save_and_stop(s, err);
        if (snas_seconds() - s->last_save > 60 * s->config->checkpoint_minutes)
            status = save(s, err);
        if (status != SNAS_OK)
            return status;
    }
    s->epoch_seconds = snas_seconds() - start;
    s->epoch_stall = s->stream[0] ? snas_loader_stall(s->stream[0]) : 0;
    return SNAS_OK;
}

/* The method's own end of the epoch, once: an evaluation after it may be interrupted and saved. */
static enum snas_status end_phase(struct snas_search *s, struct snas_err *err)
{
    struct snas_method_context context;
    if (!s->method->ops->end_epoch || s->at.phase_done)
        return SNAS_OK;
    const double start = snas_seconds();
    snas_search_context(s, &context);
    enum snas_status status = s->method->ops->end_epoch(s->method, &context, err);
    if (status != SNAS_OK)
        snas_fail_context(err, "end of epoch %lld", (long long)(s->at.epoch + 1));
    s->at.phase_done = status == SNAS_OK;
    s->epoch_seconds += snas_seconds() - start;
    return status;
}

static enum snas_status train(struct snas_search *s, struct snas_err *err)
{
    while (s->at.epoch < s->config->search.epochs && !snas_guard_stops(s)) {
        enum snas_status status = train_epoch(s, err);
        if (status == SNAS_OK)
            status = end_phase(s, err);
        if (status != SNAS_OK)
            return status;
        status = snas_search_end_epoch(s, err);
        if (status == SNAS_E_INTERRUPTED)
            return save_and_stop(s, NULL) == SNAS_E_INTERRUPTED ? status : SNAS_E_IO;
        if (status == SNAS_OK)
            status = save(s, err);
        if (status != SNAS_OK)
            return status;
    }
    return SNAS_OK;
}

/* The plan, line by line. */
static void say_plan(struct snas_search *s)
{
    struct snas_plan_report plan;
    struct snas_text text = {0};
    if (snas_net_report(s->net, &plan, NULL) != SNAS_OK)
        return;
    snas_search_plan_text(&plan, &s->memory, s->options->whole_plan, &text);
    for (const char *line = text.data; line && *line;) {
        int n = (int)strcspn(line, "\n");
        snas_run_say(&s->run, "%.*s", n, line);
        line += n + 1;
    }
    snas_run_say(&s->run,
                 "%s kernels, %.3g%% of the work by the reference; %lld parameters, %lld x %lld "
                 "steps of %lld images",
                 plan.isa, 100 * plan.reference_share,
                 (long long)snas_network_param_count(s->network),
                 (long long)s->config->search.epochs, (long long)s->steps_per_epoch,
                 (long long)s->config->search.batch);
    snas_text_clear(&text);
    snas_plan_report_clear(&plan);
}

static void say_table(struct snas_search *s)
{
    const struct snas_cost_table *t = &s->costs;
    if (!t->column[SNAS_COST_LATENCY])
        return;
    snas_run_say(&s->run, "latencies: %s (%s), %s on %s, %d thread%s", s->config->costs.table,
                 s->config->costs.hash, t->source.runtime, t->source.device, t->source.threads,
                 t->source.threads == 1 ? "" : "s");
    if (t->fit.networks)
        snas_run_say(&s->run,
                     "latency of a network = %.4g ms + %.4g x sum of its rows (%d networks, mean "
                     "error %.1f%%, rank correlation %.3f)",
                     t->fit.a_ms, t->fit.b, t->fit.networks, 100 * t->fit.mean_error,
                     t->fit.spearman);
    else if (s->config->budget.latency_ms > 0)
        snas_run_say(&s->run, "warning: the table has no fit, so a network counts as the sum of "
                              "its rows, which leaves out what is not an edge; snas-cost check "
                              "... -o finds one");
}

static void say_start(struct snas_search *s)
{
    const struct snas_search_config *c = s->config;
    snas_run_say(&s->run,
                 "%s: %s, space %s, C=%lld, %lld cells, %d ops on %d edges; data %s: %d training, "
                 "%d held-out images of %dx%dx%d, %d classes",
                 c->name, s->method->ops->name, s->space.name, (long long)c->network.channels,
                 (long long)c->network.layers, s->space.n_ops, s->network->n_edges,
                 s->source.ds.name, s->source.n_rest, s->source.n_held, s->source.ds.channels,
                 s->source.ds.height, s->source.ds.width, s->source.ds.classes);
    say_plan(s);
    say_table(s);
    if (c->penalty.strength > 0)
        snas_run_say(&s->run,
                     "penalty: %s%srelative strength %g (cost 1 at uniform alpha); on the authors' "
                     "scale eta = %g",
                     c->penalty.preset ? snas_search_presets[c->penalty.preset] : "",
                     c->penalty.preset ? ", " : "", c->penalty.strength,
                     c->penalty.strength /
                         snas_penalty_authors(s->network, &s->costs, c->penalty.form));
}

/* The run keeps the table that its costs and budgets were computed with. */
static enum snas_status keep_table(struct snas_search *s, struct snas_err *err)
{
    char *text;
    size_t size;
    if (!*s->config->costs.table)
        return SNAS_OK;
    enum snas_status status =
        snas_read_file(s->config->costs.table, (size_t)64 << 20, &text, &size, err);
    if (status != SNAS_OK)
        return status;
    status = snas_run_write(&s->run, SNAS_RUN_COSTS, text, size, err);
    snas_free(text);
    return status;
}

/* Enters the run directory and brings the state to where it stands. */
static enum snas_status start(struct snas_search *s, struct snas_err *err)
{
    enum snas_status status = snas_run_open(s->options->dir, s->config_text, s->options->resume,
                                            s->options->progress, &s->run, err);
    if (status != SNAS_OK)
        return status;
    s->finished = snas_run_has(&s->run, SNAS_RUN_RESULT);
    if (s->finished)
        return SNAS_OK;
    int saved = snas_run_has(&s->run, SNAS_RUN_CHECKPOINT);
    if (saved) {
        status = snas_checkpoint_load(s, err);
        if (status == SNAS_OK && s->at.epoch > 0)
            status =
                snas_run_read_rows(&s->run, SNAS_RUN_METRICS, s->at.epoch, &s->run.metrics, err);
        if (status == SNAS_OK && s->at.epoch > 0)
            status = snas_run_read_rows(&s->run, SNAS_RUN_TIMING, s->at.epoch, &s->run.timing, err);
        if (status == SNAS_OK && snas_search_bias_rows(s) > 0)
            status = snas_run_read_rows(&s->run, SNAS_RUN_BIAS, snas_search_bias_rows(s),
                                        &s->run.bias, err);
        if (status != SNAS_OK)
            return status;
    }
    status = keep_table(s, err);
    if (status != SNAS_OK)
        return status;
    say_start(s);
    status = snas_measured_log_open(s, err);
    if (status != SNAS_OK)
        return status;
    if (saved)
        snas_run_say(&s->run, "resumed after step %lld (epoch %lld)", (long long)steps_done(s),
                     (long long)(s->at.epoch + 1));
    else if (s->options->resume)
        snas_run_say(&s->run, "no checkpoint yet: starting afresh");
    if (s->at.epoch == 0)
        status = snas_metrics_header(s, err);
    if (status == SNAS_OK)
        status = snas_source_stream(&s->source, s->config, 0, &s->stream[0], err);
    if (status == SNAS_OK)
        snas_loader_seek(s->stream[0], steps_done(s));
    return status;
}

enum snas_status snas_search_run(const struct snas_search_config *config,
                                 const struct snas_search_options *options, struct snas_err *err)
{
    struct snas_search s;
    enum snas_status status = snas_search_init(&s, config, options, err);
    if (status == SNAS_OK)
        status = start(&s, err);
    if (status == SNAS_OK && s.finished) {
        snas_run_say(&s.run, "'%s' is finished already: nothing to do", options->dir);
        status = snas_result_check_budget(&s.run, err);
        snas_search_clear(&s);
        return status;
    }
    if (status == SNAS_OK) {
        snas_progress_begin(options->progress, "search",
                            (double)(s.steps_per_epoch * config->search.epochs));
        s.last_save = snas_seconds();
        status = train(&s, err);
        snas_progress_end(options->progress);
    }
    if (status == SNAS_OK)
        status = snas_search_finish(&s, err);
    if (status != SNAS_OK && status != SNAS_E_INTERRUPTED && err && s.run.log)
        snas_run_say(&s.run, "stopped: %s", err->text);
    snas_search_clear(&s);
    return status;
}

enum snas_status snas_search_forecast(const struct snas_search_config *config,
                                      struct snas_search_forecast *out, struct snas_err *err)
{
    enum { WARM = 1, TIMED = 3 };
    struct snas_search s;
    const struct snas_search_options options = {0};
    memset(out, 0, sizeof(*out));
    enum snas_status status = snas_search_init(&s, config, &options, err);
    if (status == SNAS_OK)
        status = snas_net_report(s.net, &out->plan, err);
    out->memory = s.memory;
    double start_time = 0;
    for (int i = 0; i < WARM + TIMED && status == SNAS_OK; i++) {
        if (i == WARM)
            start_time = snas_seconds();
        status = snas_search_step(&s, err);
    }
    if (status == SNAS_OK) {
        out->seconds_per_step = (snas_seconds() - start_time) / TIMED;
        out->steps_per_epoch = s.steps_per_epoch;
        out->steps = s.steps_per_epoch * config->search.epochs;
        out->minutes = out->seconds_per_step * (double)out->steps / 60;
        out->images_per_second = (double)config->search.batch / out->seconds_per_step;
    }
    if (status != SNAS_OK)
        snas_plan_report_clear(&out->plan);
    snas_search_clear(&s);
    return status;
}

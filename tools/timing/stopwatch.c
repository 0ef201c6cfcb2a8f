#include "timing/stopwatch.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "export/micro.h"
#include "timing/command.h"
#include "timing/device.h"
#include "timing/rounds.h"

#define WARM 5

struct snas_stopwatch {
    struct snas_meter meter;
    const struct snas_search_config *config;
    const volatile int *stop;
    enum snas_timer_runtime runtime;
    char name[SNAS_STRING_MAX + 200];
    double *seconds;        /* [runs] */
    char *model, *genotype; /* files that are there while a command runs */
};

/* The network with random weights: what it computes does not matter here. */
static enum snas_status make_child(const struct snas_network *supernet,
                                   const struct snas_genotype *g, struct snas_child *out,
                                   struct snas_err *err)
{
    struct snas_network *network;
    memset(out, 0, sizeof *out);
    enum snas_status s = snas_network_create(supernet->space, &supernet->options, g, &network, err);
    return s == SNAS_OK ? snas_random_child(network, 1, out, err) : s;
}

static enum snas_status time_here(struct snas_stopwatch *w, const struct snas_child *child,
                                  double *ms, struct snas_err *err)
{
    const int runs = (int)w->config->measured.runs;
    struct snas_timer *timer;
    enum snas_status s =
        snas_timer_open(child, w->runtime, (int)w->config->measured.threads, &timer, err);
    if (s == SNAS_OK)
        s = snas_timer_run_quiet(timer, WARM, runs, w->seconds, NULL, err);
    if (s == SNAS_OK)
        *ms = 1e3 * snas_quantile(w->seconds, runs, 0.5);
    snas_timer_close(timer);
    return s;
}

static enum snas_status write_genotype(const struct snas_stopwatch *w,
                                       const struct snas_child *child, struct snas_err *err)
{
    char *text;
    enum snas_status s = snas_genotype_format(child->network->genotype, child->network->space,
                                              SNAS_GENOTYPE_JSON, &text, err);
    if (s != SNAS_OK)
        return s;
    s = snas_write_file(w->genotype, text, strlen(text), err);
    snas_free(text);
    return s;
}

static enum snas_status time_by_command(struct snas_stopwatch *w, const struct snas_child *child,
                                        double *ms, struct snas_err *err)
{
    const char *const files[] = {w->model, w->genotype, NULL};
    enum snas_status s = snas_timer_write_model(child, "timed", w->model, err);
    if (s == SNAS_OK)
        s = write_genotype(w, child, err);
    if (s == SNAS_OK)
        s = snas_command_number("measured.command", w->config->measured.command, files,
                                w->config->measured.timeout, w->stop, ms, err);
    unlink(w->model);
    unlink(w->genotype);
    return s;
}

static enum snas_status measure(void *owner, const struct snas_network *supernet,
                                const struct snas_genotype *g, double *ms, struct snas_err *err)
{
    struct snas_stopwatch *w = owner;
    struct snas_child child;
    enum snas_status s = make_child(supernet, g, &child, err);
    if (s != SNAS_OK)
        return s;
    s = *w->config->measured.command ? time_by_command(w, &child, ms, err)
                                     : time_here(w, &child, ms, err);
    snas_child_clear(&child);
    return s;
}

static enum snas_status pick(struct snas_stopwatch *w, struct snas_err *err)
{
    static const char *const words[] = {NULL, "ort", "engine"};
    const struct snas_search_config *c = w->config;
    char runtime[96], device[128];
    const char *tmp = getenv("TMPDIR");
    if (*c->measured.command) {
        tmp = tmp && *tmp ? tmp : "/tmp";
        w->model = snas_format(err, "%s/snas-measured-%ld.onnx", tmp, (long)getpid());
        w->genotype = snas_format(err, "%s/snas-measured-%ld.json", tmp, (long)getpid());
        snprintf(w->name, sizeof w->name, "measured by '%s'", c->measured.command);
        return w->model && w->genotype ? SNAS_OK : SNAS_E_NOMEM;
    }
    enum snas_status s = snas_timer_runtime_pick(words[c->measured.runtime], &w->runtime, runtime,
                                                 sizeof runtime, err);
    snas_device_name(device, sizeof device);
    snprintf(w->name, sizeof w->name, "%s on %s, %lld thread%s", runtime, device,
             (long long)c->measured.threads, c->measured.threads == 1 ? "" : "s");
    return s == SNAS_OK ? s : snas_fail_context(err, "measured.runtime");
}

enum snas_status snas_stopwatch_open(const struct snas_search_config *config,
                                     const volatile int *stop, struct snas_stopwatch **out,
                                     struct snas_err *err)
{
    *out = NULL;
    if (config->measured.strength <= 0 || *config->measured.replay)
        return SNAS_OK;
    struct snas_stopwatch *w = snas_alloc(1, sizeof *w, err);
    if (!w)
        return SNAS_E_NOMEM;
    w->config = config;
    w->stop = stop;
    w->meter = (struct snas_meter){.name = w->name, .time = measure, .owner = w};
    w->seconds = snas_alloc((size_t)config->measured.runs, sizeof *w->seconds, err);
    enum snas_status s = w->seconds ? pick(w, err) : SNAS_E_NOMEM;
    if (s != SNAS_OK) {
        snas_stopwatch_close(w);
        return s;
    }
    *out = w;
    return SNAS_OK;
}

const struct snas_meter *snas_stopwatch_meter(const struct snas_stopwatch *w)
{
    return w ? &w->meter : NULL;
}

void snas_stopwatch_close(struct snas_stopwatch *w)
{
    if (!w)
        return;
    snas_free(w->model);
    snas_free(w->genotype);
    snas_free(w->seconds);
    snas_free(w);
}

#include "export/check/check.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

/* What a runtime is fed and what it is held against. */
struct checker {
    const struct snas_child *child;
    const struct snas_check_images *images;
    int classes;
    float *nchw;      /* [n][C][H][W], in the range that the model takes */
    float *reference; /* [n][classes] */
    float *answer;    /* [n][classes] */
};

static void checker_clear(struct checker *c)
{
    snas_free(c->nchw);
    snas_free(c->reference);
    snas_free(c->answer);
}

static void to_nchw(struct checker *c, int normalised)
{
    const struct snas_shape *in = &c->child->network->options.input;
    const struct snas_child_info *info = &c->child->info;
    size_t pixels = (size_t)in->h * (size_t)in->w, channels = (size_t)in->c;
    for (size_t i = 0; i < (size_t)c->images->n; i++)
        for (size_t p = 0; p < pixels; p++)
            for (size_t k = 0; k < channels; k++) {
                double v = c->images->nhwc[(i * pixels + p) * channels + k];
                if (normalised)
                    v = v * info->sd[k] + info->mean[k];
                c->nchw[(i * channels + k) * pixels + p] = (float)v;
            }
}

static enum snas_status checker_make(struct checker *c, const struct snas_check_options *options,
                                     struct snas_err *err)
{
    const struct snas_shape *in = &c->child->network->options.input;
    size_t n = (size_t)c->images->n;
    size_t values = (size_t)in->c * (size_t)in->h * (size_t)in->w;
    c->nchw = snas_alloc(n * values, sizeof *c->nchw, err);
    c->reference = snas_alloc(n * (size_t)c->classes, sizeof *c->reference, err);
    c->answer = snas_alloc(n * (size_t)c->classes, sizeof *c->answer, err);
    if (!c->nchw || !c->reference || !c->answer)
        return SNAS_E_NOMEM;
    to_nchw(c, options->normalised);
    return snas_check_reference(c->child, c->images, options->threads, c->reference, err);
}

static int best(const float *logits, int n)
{
    int b = 0;
    for (int k = 1; k < n; k++)
        if (logits[k] > logits[b])
            b = k;
    return b;
}

/* Distance of the best from the next. */
static double margin_of(const float *logits, int n, int b)
{
    double next = -INFINITY;
    for (int k = 0; k < n; k++)
        if (k != b && logits[k] > next)
            next = logits[k];
    return logits[b] - next;
}

static enum snas_status compare_image(const struct checker *c, int i, const char *name,
                                      double *largest, int *close, struct snas_err *err)
{
    const float *want = c->reference + (size_t)i * (size_t)c->classes;
    const float *got = c->answer + (size_t)i * (size_t)c->classes;
    double size = 0;
    for (int k = 0; k < c->classes; k++)
        size = fmax(size, fabs((double)want[k]));
    double allowed = SNAS_CHECK_ABSOLUTE + SNAS_CHECK_RELATIVE * size;
    for (int k = 0; k < c->classes; k++) {
        double d = fabs((double)got[k] - (double)want[k]);
        if (!(d <= allowed)) /* NaN too */
            return snas_fail(err, SNAS_E_NUMERIC,
                             "%s does not answer as the engine does: image %d, class %d: %g "
                             "instead of %g (a difference of %.3g is allowed)",
                             name, i, k, (double)got[k], (double)want[k], allowed);
        *largest = fmax(*largest, d);
    }
    int b = best(want, c->classes);
    if (margin_of(want, c->classes, b) <= SNAS_CHECK_MARGIN) {
        ++*close;
        return SNAS_OK;
    }
    if (best(got, c->classes) != b)
        return snas_fail(err, SNAS_E_NUMERIC, "%s puts image %d into class %d, the engine into %d",
                         name, i, best(got, c->classes), b);
    return SNAS_OK;
}

/* One by one, then by threes, then by up to 64, so that every image is asked once. */
static int batch_at(int done)
{
    return done < 4 ? 1 : done < 10 ? 3 : 64;
}

static enum snas_status run_all(struct checker *c, struct snas_session *session,
                                struct snas_err *err)
{
    const struct snas_shape *in = &c->child->network->options.input;
    size_t values = (size_t)in->c * (size_t)in->h * (size_t)in->w;
    for (int done = 0; done < c->images->n;) {
        int n = batch_at(done);
        if (n > c->images->n - done)
            n = c->images->n - done;
        enum snas_status s = snas_session_run(session, c->nchw + (size_t)done * values, n,
                                              c->answer + (size_t)done * (size_t)c->classes, err);
        if (s)
            return s;
        done += n;
    }
    return SNAS_OK;
}

static enum snas_status check_shape(const struct checker *c, const struct snas_session *session,
                                    struct snas_err *err)
{
    const struct snas_shape *in = &c->child->network->options.input;
    int chw[3], classes;
    snas_session_shape(session, chw, &classes);
    if (chw[0] == in->c && chw[1] == in->h && chw[2] == in->w && classes == c->classes)
        return SNAS_OK;
    return snas_fail(err, SNAS_E_FORMAT,
                     "the model takes %d x %d x %d and answers %d classes, the child %d x %d x %d "
                     "and %d",
                     chw[0], chw[1], chw[2], classes, in->c, in->h, in->w, c->classes);
}

static enum snas_status check_runtime(struct checker *c, enum snas_runtime which, const char *path,
                                      int threads, struct snas_check_result *out,
                                      struct snas_err *err)
{
    int r = out->n_runtimes;
    if (!snas_runtime_available(which, out->runtimes[r].name, sizeof out->runtimes[r].name))
        return SNAS_OK;
    struct snas_session *session;
    enum snas_status s = snas_session_open(which, path, threads, &session, err);
    if (s)
        return s;
    s = check_shape(c, session, err);
    if (s == SNAS_OK)
        s = run_all(c, session, err);
    for (int i = 0; s == SNAS_OK && i < c->images->n; i++)
        s = compare_image(c, i, out->runtimes[r].name, &out->runtimes[r].largest,
                          &out->runtimes[r].close, err);
    snas_session_close(session);
    out->n_runtimes += s == SNAS_OK;
    return s;
}

enum snas_status snas_check_model(const char *path, const struct snas_child *child,
                                  const struct snas_check_images *images,
                                  const struct snas_check_options *options,
                                  struct snas_check_result *out, struct snas_err *err)
{
    memset(out, 0, sizeof *out);
    struct checker c = {
        .child = child, .images = images, .classes = child->network->options.classes};
    enum snas_status s = checker_make(&c, options, err);
    static const enum snas_runtime all[] = {SNAS_RUNTIME_ORT, SNAS_RUNTIME_OPENCV};
    for (size_t i = 0; s == SNAS_OK && i < sizeof all / sizeof *all; i++)
        s = check_runtime(&c, all[i], path, options->threads, out, err);
    checker_clear(&c);
    return s;
}

#include "data/loader.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "data/augment.h"

/* A ring of batches. From `head` on: the one the caller holds (`held`, 0 or 1), those that are
 * ready (`ready`), the one being made; the rest is free. The maker alone writes into a slot, and
 * never into a held or ready one. Everything below `lock` is guarded by it. */

enum { AHEAD = 3, AHEAD_MAX = 64, BATCH_MAX = 1 << 16, CROP_MAX = 4096 };

struct slot {
    float *images;
    int *labels;
    int n;
};

struct snas_loader {
    const struct snas_dataset *ds;
    const uint32_t *indices;
    int n;
    struct snas_loader_options options;
    float table[4][256];
    uint64_t batches; /* UINT64_MAX: endless */
    struct snas_arena arena;
    struct slot *slots;
    int n_slots;
    /* the maker's own */
    uint32_t *order; /* [n] permutation of pass `pass`, NULL if not shuffled */
    uint64_t pass;
    int order_made;

    pthread_t thread;
    int threaded;
    pthread_mutex_t lock;
    pthread_cond_t made, taken;
    int head, held, ready;
    uint64_t make, give; /* number of the next batch to make, to hand out */
    uint64_t generation; /* counts seeks: a batch begun before one is thrown away */
    int quit;
    double stall;
};

static void make_order(struct snas_loader *l, uint64_t pass)
{
    if (l->order_made && l->pass == pass)
        return;
    struct snas_rng rng = snas_rng_make(l->options.seed, SNAS_STREAM_ORDER, pass);
    memcpy(l->order, l->indices, (size_t)l->n * sizeof *l->order);
    snas_rng_shuffle(&rng, l->order, (uint32_t)l->n);
    l->pass = pass;
    l->order_made = 1;
}

static void make_batch(struct snas_loader *l, uint64_t index, struct slot *slot)
{
    const struct snas_loader_options *o = &l->options;
    const struct snas_dataset *ds = l->ds;
    size_t size = (size_t)ds->height * (size_t)ds->width * (size_t)ds->channels;
    uint64_t first = index * (uint64_t)o->batch, n = (uint64_t)l->n;
    slot->n = o->shuffle || n - first >= (uint64_t)o->batch ? o->batch : (int)(n - first);
    for (int i = 0; i < slot->n; i++) {
        uint64_t position = first + (uint64_t)i;
        if (l->order != NULL)
            make_order(l, position / n);
        uint32_t image = (l->order != NULL ? l->order : l->indices)[position % n];
        struct snas_rng rng = snas_rng_make(o->seed, SNAS_STREAM_AUGMENT, position);
        struct snas_augment a = snas_augment_draw(o, ds->height, ds->width, &rng);
        snas_augment_apply(&a, ds, image, (const float(*)[256])l->table,
                           slot->images + (size_t)i * size);
        slot->labels[i] = ds->labels[image];
    }
}

static int may_make(const struct snas_loader *l)
{
    return l->held + l->ready < l->n_slots && l->make < l->batches;
}

static void *maker(void *arg)
{
    struct snas_loader *l = arg;
    pthread_mutex_lock(&l->lock);
    for (;;) {
        while (!l->quit && !may_make(l))
            pthread_cond_wait(&l->taken, &l->lock);
        if (l->quit)
            break;
        struct slot *slot = &l->slots[(l->head + l->held + l->ready) % l->n_slots];
        uint64_t index = l->make;
        uint64_t generation = l->generation;
        pthread_mutex_unlock(&l->lock);
        make_batch(l, index, slot);
        pthread_mutex_lock(&l->lock);
        if (generation == l->generation) {
            l->ready++;
            l->make++;
            pthread_cond_signal(&l->made);
        }
    }
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

static enum snas_status check(const struct snas_dataset *ds, const uint32_t *indices, int n,
                              const struct snas_loader_options *o, struct snas_err *err)
{
    if (n < 1 || ds->channels < 1 || ds->channels > 4)
        return snas_fail(err, SNAS_E_ARG, "a loader of %d images with %d channels", n,
                         ds->channels);
    for (int i = 0; i < n; i++)
        if (indices[i] >= (uint32_t)ds->n)
            return snas_fail(err, SNAS_E_ARG, "image %u of a data set of %d", (unsigned)indices[i],
                             ds->n);
    if (o->batch < 1 || o->batch > BATCH_MAX)
        return snas_fail(err, SNAS_E_ARG, "a batch of %d images is not in 1..%d", o->batch,
                         BATCH_MAX);
    if (o->ahead < 0 || o->ahead > AHEAD_MAX)
        return snas_fail(err, SNAS_E_ARG, "%d batches ahead are not in 0..%d", o->ahead, AHEAD_MAX);
    if (o->crop_padding < 0 || o->crop_padding > CROP_MAX)
        return snas_fail(err, SNAS_E_ARG, "a crop padding of %d pixels is not in 0..%d",
                         o->crop_padding, CROP_MAX);
    if (o->cutout < 0 || o->cutout > CROP_MAX)
        return snas_fail(err, SNAS_E_ARG, "a cutout of %d pixels is not in 0..%d", o->cutout,
                         CROP_MAX);
    for (int c = 0; c < ds->channels; c++)
        if (!isfinite(o->mean[c]) || !isfinite(o->sd[c]) || o->sd[c] <= 0)
            return snas_fail(err, SNAS_E_ARG,
                             "channel %d: cannot normalise by mean %g and standard deviation %g", c,
                             o->mean[c], o->sd[c]);
    return SNAS_OK;
}

static enum snas_status allocate(struct snas_loader *l, struct snas_err *err)
{
    size_t batch = (size_t)l->options.batch;
    size_t image = (size_t)l->ds->height * (size_t)l->ds->width * (size_t)l->ds->channels;
    l->n_slots = 1 + (l->options.ahead > 0 ? l->options.ahead : AHEAD);
    l->slots = snas_alloc((size_t)l->n_slots, sizeof *l->slots, err);
    if (l->slots == NULL)
        return SNAS_E_NOMEM;
    if (l->options.shuffle) {
        l->order = snas_alloc((size_t)l->n, sizeof *l->order, err);
        if (l->order == NULL)
            return SNAS_E_NOMEM;
    }
    size_t floats = (batch * image + 15) / 16 * 16; /* keeps every slot at 64 bytes */
    size_t slots = (size_t)l->n_slots;
    size_t images = snas_arena_reserve(&l->arena, slots * floats * sizeof(float));
    size_t labels = snas_arena_reserve(&l->arena, slots * batch * sizeof(int));
    enum snas_status st = snas_arena_commit(&l->arena, err);
    for (size_t i = 0; st == SNAS_OK && i < slots; i++) {
        l->slots[i].images = (float *)snas_arena_at(&l->arena, images) + i * floats;
        l->slots[i].labels = (int *)snas_arena_at(&l->arena, labels) + i * batch;
    }
    return st;
}

static enum snas_status start(struct snas_loader *l, struct snas_err *err)
{
    sigset_t all, before;
    sigfillset(&all);
    /* signals belong to the thread that has a handler's flag to look at */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = pthread_create(&l->thread, NULL, maker, l);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (code != 0)
        return snas_fail(err, SNAS_E_IO, "cannot start the loader's thread: %s", strerror(code));
    l->threaded = 1;
    return SNAS_OK;
}

enum snas_status snas_loader_create(const struct snas_dataset *ds, const uint32_t *indices, int n,
                                    const struct snas_loader_options *options,
                                    struct snas_loader **out, struct snas_err *err)
{
    enum snas_status st = check(ds, indices, n, options, err);
    if (st != SNAS_OK)
        return st;
    struct snas_loader *l = snas_alloc(1, sizeof *l, err);
    if (l == NULL)
        return SNAS_E_NOMEM;
    uint64_t batch = (uint64_t)options->batch;
    l->ds = ds;
    l->indices = indices;
    l->n = n;
    l->options = *options;
    l->batches = options->shuffle ? UINT64_MAX : ((uint64_t)n + batch - 1) / batch;
    for (int c = 0; c < ds->channels; c++)
        for (int v = 0; v < 256; v++)
            l->table[c][v] = (float)((v / 255.0 - options->mean[c]) / options->sd[c]);
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->made, NULL);
    pthread_cond_init(&l->taken, NULL);
    st = allocate(l, err);
    if (st == SNAS_OK)
        st = start(l, err);
    if (st != SNAS_OK) {
        snas_loader_destroy(l);
        return st;
    }
    *out = l;
    return SNAS_OK;
}

void snas_loader_seek(struct snas_loader *l, int64_t index)
{
    if (index < 0)
        SNAS_BUG("cannot seek to batch %lld", (long long)index);
    pthread_mutex_lock(&l->lock);
    l->generation++;
    l->ready = 0;
    l->make = l->give = (uint64_t)index;
    pthread_cond_signal(&l->taken);
    pthread_mutex_unlock(&l->lock);
}

void snas_loader_next(struct snas_loader *l, struct snas_loaded *out)
{
    memset(out, 0, sizeof *out);
    pthread_mutex_lock(&l->lock);
    out->index = (int64_t)l->give;
    l->head = (l->head + l->held) % l->n_slots;
    l->held = 0;
    pthread_cond_signal(&l->taken);
    if (l->give < l->batches) {
        if (l->ready == 0) {
            double since = snas_seconds();
            while (l->ready == 0)
                pthread_cond_wait(&l->made, &l->lock);
            l->stall += snas_seconds() - since;
        }
        const struct slot *slot = &l->slots[l->head];
        out->images = slot->images;
        out->labels = slot->labels;
        out->n = slot->n;
        l->ready--;
        l->held = 1;
        l->give++;
    }
    pthread_mutex_unlock(&l->lock);
}

double snas_loader_stall(struct snas_loader *l)
{
    pthread_mutex_lock(&l->lock);
    double stall = l->stall;
    l->stall = 0;
    pthread_mutex_unlock(&l->lock);
    return stall;
}

void snas_loader_destroy(struct snas_loader *l)
{
    if (l == NULL)
        return;
    if (l->threaded) {
        pthread_mutex_lock(&l->lock);
        l->quit = 1;
        pthread_cond_signal(&l->taken);
        pthread_mutex_unlock(&l->lock);
        pthread_join(l->thread, NULL);
    }
    pthread_cond_destroy(&l->taken);
    pthread_cond_destroy(&l->made);
    pthread_mutex_destroy(&l->lock);
    snas_arena_clear(&l->arena);
    snas_free(l->order);
    snas_free(l->slots);
    snas_free(l);
}

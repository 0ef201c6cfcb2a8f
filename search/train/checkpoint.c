#include <string.h>

#include "base/io.h"
#include "base/mem.h"
#include "train/state.h"

#define FORMAT "snas-checkpoint 6"
#define N_COUNTERS (sizeof(struct snas_counters) / sizeof(int64_t))
#define N_SUMS (sizeof(struct snas_sums) / sizeof(double))
#define OWN_TENSORS 7
#define DATA_VALUES (4 + 2 * SNAS_MAX_IMAGE_CHANNELS)

/* What a checkpoint holds beside the method's state, pointing into the search: the one list that
 * save and load share. */
static void own_tensors(struct snas_search *s, struct snas_st_tensor *out)
{
    int64_t theta = (int64_t)snas_net_theta_size(s->net);
    int64_t stats = (int64_t)snas_net_stats_size(s->net);
    int n = 0;
    out[n++] = (struct snas_st_tensor){"theta", SNAS_F32, 1, {theta}, snas_net_theta(s->net)};
    out[n++] = (struct snas_st_tensor){"momentum", SNAS_F32, 1, {theta}, s->momentum};
    out[n++] = (struct snas_st_tensor){"statistics", SNAS_F32, 1, {stats}, snas_net_stats(s->net)};
    out[n++] = (struct snas_st_tensor){"counters", SNAS_I64, 1, {N_COUNTERS}, &s->at};
    out[n++] = (struct snas_st_tensor){"sums", SNAS_F64, 1, {N_SUMS}, &s->sums};
    out[n++] = (struct snas_st_tensor){
        "choice", SNAS_F64, 1, {sizeof(s->choice) / sizeof(double)}, &s->choice};
    out[n++] = (struct snas_st_tensor){
        "history",
        SNAS_F64,
        1,
        {s->config->search.epochs * (int64_t)(sizeof(*s->history) / sizeof(double))},
        s->history};
    if (n != OWN_TENSORS)
        SNAS_BUG("%d tensors of a checkpoint, expected %d", n, OWN_TENSORS);
}

/* The training part's statistics stand for the data: exact values of all its pixels. */
static void fingerprint(const struct snas_source *src, double out[DATA_VALUES])
{
    memset(out, 0, DATA_VALUES * sizeof(*out));
    out[0] = src->ds.n;
    out[1] = src->ds.height;
    out[2] = src->ds.width;
    out[3] = src->ds.classes;
    memcpy(out + 4, src->mean, sizeof(src->mean));
    memcpy(out + 4 + SNAS_MAX_IMAGE_CHANNELS, src->sd, sizeof(src->sd));
}

enum snas_status snas_checkpoint_save(struct snas_search *s, struct snas_err *err)
{
    struct snas_st_tensor tensors[OWN_TENSORS + SNAS_METHOD_TENSORS + 1];
    double data[DATA_VALUES];
    const struct snas_st_meta meta[] = {{"format", FORMAT}, {"config", s->config_text}};
    own_tensors(s, tensors);
    int n = OWN_TENSORS + snas_method_state(s->method, tensors + OWN_TENSORS);
    fingerprint(&s->source, data);
    tensors[n++] = (struct snas_st_tensor){"data", SNAS_F64, 1, {DATA_VALUES}, data};
    char *path = snas_run_path(&s->run, SNAS_RUN_CHECKPOINT, err);
    if (!path)
        return SNAS_E_NOMEM;
    enum snas_status status = snas_st_write(path, tensors, (size_t)n, meta, 2, err);
    snas_free(path);
    return status;
}

static enum snas_status check(const struct snas_search *s, const struct snas_st *st,
                              const char *path, struct snas_err *err)
{
    double mine[DATA_VALUES], theirs[DATA_VALUES];
    const char *format = snas_st_meta(st, "format"), *config = snas_st_meta(st, "config");
    if (!format || strcmp(format, FORMAT) != 0)
        return snas_fail(err, SNAS_E_FORMAT, "'%s' is not a checkpoint of this program (%s)", path,
                         FORMAT);
    if (!config || strcmp(config, s->config_text) != 0)
        return snas_fail(err, SNAS_E_STATE, "'%s' belongs to another configuration", path);
    enum snas_status status = snas_st_copy(st, "data", SNAS_F64, DATA_VALUES, theirs, err);
    if (status != SNAS_OK)
        return status;
    fingerprint(&s->source, mine);
    int same = 1;
    for (int i = 0; i < DATA_VALUES; i++)
        same = same && mine[i] == theirs[i];
    if (!same)
        return snas_fail(err, SNAS_E_STATE, "'%s' was made with other data than '%s'", path,
                         s->config->data.path);
    return SNAS_OK;
}

static enum snas_status load(struct snas_search *s, const struct snas_st *st, const char *path,
                             struct snas_err *err)
{
    struct snas_st_tensor tensors[OWN_TENSORS];
    own_tensors(s, tensors);
    enum snas_status status = check(s, st, path, err);
    for (int i = 0; i < OWN_TENSORS && status == SNAS_OK; i++)
        status = snas_st_copy(st, tensors[i].name, tensors[i].dtype, (size_t)tensors[i].shape[0],
                              (void *)tensors[i].data, err);
    if (status == SNAS_OK)
        status = snas_method_load(s->method, st, err);
    if (status == SNAS_OK && (s->at.epoch < 0 || s->at.epoch > s->config->search.epochs ||
                              s->at.step_in_epoch < 0 || s->at.step_in_epoch > s->steps_per_epoch))
        status = snas_fail(err, SNAS_E_FORMAT, "'%s': counters out of range", path);
    return status;
}

enum snas_status snas_checkpoint_load(struct snas_search *s, struct snas_err *err)
{
    struct snas_st *st;
    char *path = snas_run_path(&s->run, SNAS_RUN_CHECKPOINT, err);
    if (!path)
        return SNAS_E_NOMEM;
    enum snas_status status = snas_st_read(path, &st, err);
    if (status == SNAS_OK) {
        status = load(s, st, path, err);
        snas_st_free(st);
    }
    snas_free(path);
    return status;
}

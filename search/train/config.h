#ifndef SNAS_TRAIN_CONFIG_H
#define SNAS_TRAIN_CONFIG_H

#include <stdint.h>

#include "base/config.h"
#include "methods/alpha.h"

/* In the order of search.method's choices. */
enum snas_search_method {
    SNAS_SEARCH_SNAS,
    SNAS_SEARCH_DSNAS,
    SNAS_SEARCH_ENAS,
    SNAS_SEARCH_RANDOM,
    SNAS_SEARCH_DARTS
};

/* In the order of penalty.preset's choices. */
enum snas_search_preset {
    SNAS_PRESET_NONE,
    SNAS_PRESET_MILD,
    SNAS_PRESET_MODERATE,
    SNAS_PRESET_AGGRESSIVE,
    SNAS_PRESETS
};
extern const char *const snas_search_presets[SNAS_PRESETS]; /* their names */

/* In the order of measured.runtime's choices. */
enum snas_measured_runtime { SNAS_MEASURED_AUTO, SNAS_MEASURED_ORT, SNAS_MEASURED_ENGINE };

/* What a search is made of. The defaults are the paper's (method.md section 3). */
struct snas_search_config {
    char name[SNAS_STRING_MAX];
    int64_t seed;
    char space[SNAS_STRING_MAX];
    struct {
        int64_t channels, layers;
        double bn_momentum, bn_eps;
    } network;
    struct {
        char path[SNAS_STRING_MAX];
        int format; /* enum snas_data_format */
        int64_t held_out, crop_padding, cutout;
        int flip;
    } data;
    struct {
        int method; /* enum snas_search_method */
        int64_t epochs, images_per_epoch, batch;
    } search;
    struct {
        double learning_rate, learning_rate_end, momentum, weight_decay, clip;
        double label_smoothing, drop_path;
    } theta;
    struct {
        int optimiser; /* 0 adam, 1 sgd */
        double learning_rate, beta1, beta2, weight_decay, clip, init_mean, init_sd;
        int64_t warmup_epochs;
    } alpha;
    struct {
        double start, end;
    } entropy;
    struct {
        double start, end;
        int64_t epochs;
    } temperature;
    struct {
        int per_cell;
        double live_threshold;
    } sample;
    struct {
        double strength;
        int form, estimator; /* enum snas_penalty_form, snas_penalty_estimator */
        double params, madds, mac, latency, reference;
        int64_t warmup_epochs, ramp_epochs;
        int preset; /* enum snas_search_preset, resolved into strength */
    } penalty;
    struct {
        double mild, moderate, aggressive; /* strengths; 0: not measured */
    } preset;
    struct {
        double strength, share, reference_ms, baseline_decay, timeout;
        int64_t runs, threads;
        int runtime;                                            /* enum snas_measured_runtime */
        char command[SNAS_STRING_MAX], replay[SNAS_STRING_MAX]; /* "": none */
    } measured;
    struct {
        int64_t params, madds;
        double latency_ms, rate, damping, target;
    } budget;
    struct {
        int64_t units, updates, samples, marginal_samples;
        double learning_rate, tanh_constant, op_tanh_reduce, temperature;
        double entropy_weight, baseline_decay;
    } enas;
    struct {
        int order; /* enum snas_darts_order */
        double epsilon, init_mean, init_sd;
    } darts;
    struct {
        int rule; /* enum snas_derive_rule */
        int64_t samples, images, rescored;
    } derive;
    struct {
        int64_t epoch_images, hard_samples, estimate_images;
        int64_t bias_samples, bias_every, bias_images;
    } evaluation;
    struct {
        int64_t every;
    } choose;
    struct {
        double collapse_share;
        int64_t collapse_epochs;
        int stop;
    } guard;
    struct {
        char table[SNAS_STRING_MAX], hash[SNAS_STRING_MAX]; /* "": none */
    } costs;
    int64_t threads, memory_limit;
    int memory; /* enum snas_memory */
    double checkpoint_minutes;
};

extern const struct snas_schema snas_search_schema;

/* Defaults, then the file, then each assignment; then penalty.preset becomes a strength, and what
 * one key cannot check alone is checked; with a
 * costs.table, costs.hash is that of the file as it is now. All errors of a stage at once.
 * `config_name` is a path or the name of a shipped one
 * ("configs/search/smoke.yaml"). */
enum snas_status snas_search_config_read(const char *config_name, const char *const *assignments,
                                         int n_assignments, struct snas_search_config *out,
                                         struct snas_err *err);

/* method.c: what the methods are given, and the one that search.method names. `network` must
 * outlive it, `costs` only the call. */
void snas_search_config_alpha(const struct snas_search_config *config,
                              struct snas_alpha_options *out);
enum snas_status snas_search_config_method(const struct snas_search_config *config,
                                           const struct snas_network *network,
                                           const struct snas_cost_table *costs,
                                           struct snas_method **out, struct snas_err *err);
/* What tells variants of a method apart where runs are named: "-second" and "-single" of DARTS's
 * orders, "" of all else. */
const char *snas_search_config_variant(const struct snas_search_config *config);
/* Cosine from learning_rate to learning_rate_end over the epochs; `epoch` from 0. */
double snas_search_config_rate(const struct snas_search_config *config, int epoch);

#endif

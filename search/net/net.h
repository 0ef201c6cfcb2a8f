#ifndef SNAS_NET_NET_H
#define SNAS_NET_NET_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/text.h"
#include "space/network.h"

/* A network that runs: parameters, memory plan, forward and backward. The same for a supernet
 * (given z) and for a child (z NULL: every block counts 1).
 *
 * Layout: images and activations NHWC; z and d z indexed as snas_network says. All memory is
 * reserved when the net is created; a step allocates nothing. Sums over a batch are taken per
 * fixed group of images, then over groups in a fixed order: results are bit-equal at any thread
 * count (on one instruction set). A net is used by one caller at a time. */

enum snas_precision {
    SNAS_PRECISION_F32,
    SNAS_PRECISION_F64 /* reference only: the truth for tests */
};

enum snas_engine {
    SNAS_ENGINE_AUTO, /* the fastest that takes each cell; SNAS_ISA=ref in the environment forces
                         the reference */
    SNAS_ENGINE_REF
};

/* What a training step keeps between forward and backward. Both give the same bits. */
enum snas_memory {
    SNAS_MEMORY_AUTO,   /* lean for as many units as memory_limit asks for (0: none) */
    SNAS_MEMORY_NORMAL, /* what batch norm reads, of every unit */
    SNAS_MEMORY_LEAN    /* the values of stems and nodes only: the rest lies in one buffer that the
                           units share, and a unit's forward runs again before its backward. That
                           second run takes the batch statistics of the same batch once more, and
                           leaves the running ones (and the sums of SNAS_BN_ESTIMATE) alone */
};

struct snas_net_options {
    int batch;    /* most images in one forward */
    int threads;  /* 0: all */
    int training; /* 0: no backward is ever asked, less memory */
    enum snas_precision precision;
    enum snas_engine engine;
    enum snas_memory memory; /* of a net that trains; others keep nothing anyway */
    size_t memory_limit;     /* bytes; 0: none */
    double bn_eps;           /* 1e-5 */
    double bn_momentum;      /* share of the new batch in the running statistics, 0.1 */
    double label_smoothing;  /* 0..1 */
    double drop_path; /* probability that an image's whole op output is dropped (and the others
                         scaled by 1/(1-p)); 0: off; identities are never dropped */
};
void snas_net_options_default(struct snas_net_options *o);

struct snas_net;

/* SNAS_E_LIMIT with bytes needed and allowed, and the batch that would fit, before anything is
 * allocated. `network` must outlive
 * the net. Parameters are zero until snas_net_init or a load. */
enum snas_status snas_net_create(const struct snas_network *network,
                                 const struct snas_net_options *options, struct snas_net **out,
                                 struct snas_err *err);
void snas_net_destroy(struct snas_net *net);
const struct snas_network *snas_net_network(const struct snas_net *net);
enum snas_precision snas_net_precision(const struct snas_net *net);

/* What a plan costs, without making it (--dry-run). Filled per unit: stems, cells, head. */
struct snas_plan_row {
    char name[40];
    struct snas_shape shape; /* of a node of a cell, of the output of a stem or the head */
    int reduction;           /* a cell that halves the side */
    size_t bytes;            /* activations and gradients that belong to this unit */
    size_t shared_bytes;     /* what it uses of the buffer that all units share */
    double flops;  /* of one image, forward + backward, all ops live (2 x multiply-adds), counted
                      once: lean memory's second forward is not in it */
    int reference; /* 1: runs by the reference */
};
struct snas_plan_report {
    size_t memory_limit;     /* 0: none */
    int n_lean;              /* units, from the first, whose forward runs twice */
    size_t total_bytes;      /* the sum of the next four */
    size_t parameter_bytes;  /* with gradients of every group */
    size_t activation_bytes; /* of the units, and batch norm's numbers */
    size_t shared_bytes;     /* the buffer that units share */
    size_t scratch_bytes;
    double reference_share; /* of the FLOPs */
    const char *isa;        /* "avx512", "avx2", "generic", "ref" */
    int n_rows;
    struct snas_plan_row *rows; /* owned by the report */
};
enum snas_status snas_net_plan(const struct snas_network *network,
                               const struct snas_net_options *options, struct snas_plan_report *out,
                               struct snas_err *err);
/* The same of a net that is there. */
enum snas_status snas_net_report(const struct snas_net *net, struct snas_plan_report *out,
                                 struct snas_err *err);
void snas_plan_report_clear(struct snas_plan_report *report);
/* A table: a line per unit, or (whole 0) per stretch of cells of one shape; then what all share,
 * and the total. */
void snas_plan_text(const struct snas_plan_report *report, int whole, struct snas_text *to);

/* Weights uniform in +-1/sqrt(fan_in), linear bias 0, gamma 1, beta 0, mean 0, var 1; each
 * parameter from its own RNG stream, so that a supernet's values do not depend on its size
 * elsewhere. The bound is the one under which the authors' learning rates were found (PyTorch's
 * default for convolutions): behind batch norm a weight's scale sets its effective rate, and He's
 * scale, sqrt(6) times larger, would divide that rate by six. */
void snas_net_init(struct snas_net *net, uint64_t seed);

/* All trained values as one vector, in parameter order; gradients in the same layout; running
 * statistics likewise. `float *` in an F32 net, `double *` in an F64 one. Padding between
 * parameters, if any, stays zero. */
void *snas_net_theta(struct snas_net *net);
void *snas_net_grad(struct snas_net *net);
size_t snas_net_theta_size(const struct snas_net *net); /* values, padding included */
void *snas_net_stats(struct snas_net *net);
size_t snas_net_stats_size(const struct snas_net *net);
/* Where a parameter lies: offset in values into theta (or stats for mean and var). */
size_t snas_net_param_offset(const struct snas_net *net, int param);
/* The place itself: in theta, or in stats for mean and var. */
void *snas_net_param(const struct snas_net *net, int param);

enum snas_bn_mode {
    SNAS_BN_BATCH,        /* batch statistics; running ones untouched */
    SNAS_BN_BATCH_UPDATE, /* batch statistics; running ones follow (unbiased variance, as PyTorch)
                           */
    SNAS_BN_RUNNING,      /* running statistics */
    SNAS_BN_ESTIMATE      /* batch statistics, summed for snas_net_estimate_end */
};

struct snas_batch {
    const void *images; /* [n][H][W][C], of the net's precision, normalised */
    const int *labels;  /* [n], or NULL: no loss */
    int n;              /* 1..options.batch */
};

struct snas_forward {
    struct snas_batch batch;
    const double *z; /* [network->n_z], or NULL: all ones. A block whose z is exactly 0 is not
                        computed, forward or backward; its d z is 0, its gradients are 0 and its
                        running statistics stay */
    enum snas_bn_mode bn;
    uint64_t seed, step; /* of drop path's masks */
};
struct snas_loss {
    double loss; /* mean cross-entropy with label smoothing; 0 without labels */
    int correct;
};
/* SNAS_E_NUMERIC when the loss is not finite. */
enum snas_status snas_net_forward(struct snas_net *net, const struct snas_forward *f,
                                  struct snas_loss *out, struct snas_err *err);
/* [n][classes] of the last forward, of the net's precision. */
const void *snas_net_logits(const struct snas_net *net);
/* Value of a node of the last forward, [n][H][W][C]; NULL for a concatenation (ask its parts). */
const void *snas_net_tensor(const struct snas_net *net, int tensor);

struct snas_backward {
    double *dz;     /* [n_z], or NULL; d loss / d z */
    void *dimages;  /* like batch.images, or NULL */
    double *credit; /* [n_edges], or NULL: c = <dL/dx_j, sum_k z_k O_k(x_i)> = sum_k z_k dz_k */
    void (*after_cell)(int cell, void *arg); /* may be NULL */
    void *arg;
};
/* Of the loss of the last forward, which must have used batch statistics (BATCH or BATCH_UPDATE).
 * Fills snas_net_grad (overwritten). Once a forward: it writes over what the forward saved. */
enum snas_status snas_net_backward(struct snas_net *net, const struct snas_backward *b,
                                   struct snas_err *err);

/* BN re-estimation (method.md, pitfall 1): begin; forwards with SNAS_BN_ESTIMATE; end writes the
 * sample-weighted mean of batch means and (unbiased) variances into the running statistics of
 * every BN that was computed, leaving the others. */
void snas_net_estimate_begin(struct snas_net *net);
void snas_net_estimate_end(struct snas_net *net);

#endif

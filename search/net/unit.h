#ifndef SNAS_NET_UNIT_H
#define SNAS_NET_UNIT_H

/* Internal to net/: the seam between the plan and the implementations of its units. A unit is a
 * stem, a cell (with its preprocessing) or the head. An implementation compiles a unit to passes;
 * the runner runs a pass as run(group) for every group of images in parallel, then finalise(part)
 * in parallel over parts (BN reductions, parallel over channels). Values and gradients of the
 * network's tensors, parameters and per-group gradients belong to the plan, so that units of
 * different implementations stand side by side.
 *
 * What every implementation owes:
 * - Only live blocks are touched (net->live_block), forward and backward.
 * - The forward writes value[t] for every live tensor of the unit that has a live block; a live
 *   tensor without one (net->zero_tensor: a dead node) is zeroed by the plan, and may be skipped
 *   by its readers where that is exact.
 * - The backward zeroes, if ops->zeroes, dvalue of what the plan leaves to it (net->zeroed_by)
 * before anything is added, and the groups' rows of the weights of its live blocks.
 * - The backward adds to dvalue of what it reads, in an order that depends on nothing but the
 *   network (not the thread); dvalue of a tensor is complete when the pass that produced it is
 *   undone. dvalue[t] NULL: nobody wants it (the images).
 * - Weight gradients go to the group's own row (snas_net_group_grad), d z to the group's row of
 *   group_dz. A finalise may use row 0 for sums that are already over all groups (gamma, beta).
 * - An image's term in a node is z * keep(image) * O (snas_net_keep: drop path); d z includes it.
 * - What the backward needs of the forward, values aside, lies where snas_net_reserve_saved said.
 *   In lean memory the forward may run twice in a step (net->again the second time): with the same
 *   input it must leave the same bits.
 * - In SNAS_BN_RUNNING mean and inv of every layer are there before the first pass; in the other
 *   modes the finalise behind a BN's sums calls snas_net_bn_finish.
 * - NaN reaches the output. */

#include "base/mem.h"
#include "net/net.h"
#include "net/profile.h"

/* Fixed: never depends on the thread count. The first are the largest, so that threads that take
 * them in turn end together (run.c). */
#define SNAS_GROUPS 10

enum snas_unit_kind { SNAS_UNIT_STEM, SNAS_UNIT_CELL, SNAS_UNIT_HEAD };

struct snas_unit;
struct snas_pass {
    const char *name; /* for profiles */
    void (*run)(struct snas_net *net, struct snas_unit *unit, const struct snas_pass *pass,
                int group, int worker); /* may be NULL */
    void (*finalise)(struct snas_net *net, struct snas_unit *unit, const struct snas_pass *pass,
                     int part, int worker); /* may be NULL */
    int parts;                              /* of finalise; 1 runs in the caller, as worker 0 */
    int pieces; /* of a group, that run in any order and at once; 0: one. run's `group` is then
                   group * pieces + piece */
    int a, b;   /* the implementation's own: node, level, ... */
};

struct snas_unit_ops {
    const char *name; /* "ref", "fast" */
    /* A pass without finalise may be followed at once, group by group, by the next pass: also by
     * that of another unit of which this holds. net->temp is not used. */
    int joins;
    int zeroes;               /* its backward zeroes its gradients, as said above */
    const char *(*isa)(void); /* "ref", "avx2" */
    int (*accepts)(const struct snas_net *net, const struct snas_unit *unit); /* 1 or 0 */
    /* Reserves (snas_net_reserve, snas_net_want_temp, snas_net_want_scratch), builds unit->state
     * and the passes; no big memory is there yet, and destroy is called after a failure too. */
    enum snas_status (*plan)(struct snas_net *net, struct snas_unit *unit, struct snas_err *err);
    void (*bind)(struct snas_net *net, struct snas_unit *unit); /* offsets become pointers */
    /* Before the unit's first forward pass: z, modes and what is live are known. Units run at once;
     * may be NULL. */
    void (*prepare)(struct snas_net *net, struct snas_unit *unit);
    void (*destroy)(struct snas_unit *unit); /* frees unit->state; passes are freed by the plan */
};

struct snas_unit {
    enum snas_unit_kind kind;
    int index; /* block for stem and head, cell otherwise */
    char name[40];
    const struct snas_unit_ops *ops;
    void *state;         /* the implementation's */
    size_t bytes;        /* its own in the arena */
    int shares;          /* what its forward saves lies in net->saved */
    size_t shared_bytes; /* so much of it */
    double flops;
    size_t theta_begin, theta_end;  /* its parameters in theta */
    int first_stretch, n_stretches; /* the same, in net->stretches */
    int n_forward, n_backward;
    struct snas_pass *forward, *backward; /* from snas_alloc; freed by the plan */
};

/* Values of theta that belong to one block. */
struct snas_stretch {
    size_t begin, end;
    int block;
};

/* One BN layer's numbers, shared by the implementations and the plan (running statistics, modes,
 * estimation). Indexed by layer; NULL pointers for other layers. */
struct snas_bn_state {
    double *mean, *inv;                 /* [C] used by this forward: batch's or running */
    double *sum_mean, *sum_var, weight; /* SNAS_BN_ESTIMATE */
};

struct snas_net {
    const struct snas_network *network;
    struct snas_net_options options; /* threads >= 1 here */
    size_t real;                     /* bytes of a value: 4 or 8 */
    struct snas_arena arena;
    void *theta, *grad, *stats; /* offsets in values: param_offset; 64-byte aligned each */
    size_t n_theta, n_stats;
    size_t *param_offset; /* [n_params] */
    void *group_grad;     /* [SNAS_GROUPS][n_theta]; zeroed before a backward, by the plan or by
                             the unit (ops->zeroes) */
    struct snas_stretch *stretches; /* of all units */
    void **value;   /* [n_tensors], dense [n][h][w][c]; NULL for concatenations. The images
                       are the caller's: aligned to their own size only. 64 readable bytes
                       follow the others */
    void **dvalue;  /* the same; consumers add */
    int *zeroed_by; /* [n_tensors] the unit whose backward zeroes dvalue: the last one that
                       reads the tensor, when it can; -1: the plan, before a backward */
    struct snas_bn_state *bn; /* [n_layers] */
    double *group_dz;         /* [SNAS_GROUPS][n_z], zeroed before a backward; summed by the plan */
    struct snas_forward run;  /* of the current step; run.z never NULL */
    const struct snas_backward *back;
    unsigned char *live_block;  /* [n_blocks] computed in this forward */
    unsigned char *live_tensor; /* [n_tensors] somebody reads it in this forward */
    unsigned char *zero_tensor; /* [n_tensors] live, but no live block writes it */
    double *keep;               /* [n_blocks][batch] of drop path; unused when drop is 0 */
    int drop;                   /* this forward drops paths */
    int n_units;
    struct snas_unit *units; /* in forward order: stems, cells, head */
    void *temp; /* shared by all units: what a unit puts there lasts until the last pass
                   of the same forward or backward of that unit */
    size_t temp_bytes;
    void *saved; /* what the forward of a unit that shares keeps for its backward */
    size_t saved_bytes;
    int n_lean;            /* units that share: the first ones */
    int saved_unit;        /* whose forward filled it last; -1: none, or used up */
    int again;             /* this forward of a unit repeats the one of the step */
    void **worker_scratch; /* [threads], scratch_bytes each; lasts for one run or finalise */
    size_t scratch_bytes;

    /* The plan's own. */
    size_t *value_at, *dvalue_at; /* arena offsets per tensor */
    size_t theta_at, grad_at, stats_at, group_grad_at, bn_at, n_bn, dz_at, keep_at, temp_at,
        saved_at, scratch_at;
    size_t parameter_bytes;
    double *z;   /* copy of the step's z, or ones */
    int *labels; /* copy of the step's labels */
    int forward_done, labelled;
    struct snas_profile *profile; /* the caller's, or NULL */
};

/* FLOPs of one image (profile.h). */
double snas_net_block_flops(const struct snas_net *net, int block);
/* Profiles: the time, 0 without one; a pass that began, ended, and was finalised at these times; a
 * stretch of a step since `since`, which becomes now. */
double snas_profile_now(const struct snas_net *net);
void snas_profile_pass(struct snas_net *net, const struct snas_unit *unit,
                       const struct snas_pass *pass, const double at[3]);
void snas_profile_stretch(struct snas_net *net, const char *name, int backward, double *since);

/* Everything but the arena's memory, in the memory that the options ask for or allow. *out is set
 * (and to be destroyed) on failure too. */
enum snas_status snas_net_make_plan(const struct snas_network *network,
                                    const struct snas_net_options *options, struct snas_net **out,
                                    struct snas_err *err);
/* SNAS_E_LIMIT: what the plan needs, what is allowed, and what to lower. */
enum snas_status snas_plan_refuse(const struct snas_net *net, struct snas_err *err);

/* Images of a group when n images run: [first, first + count); count may be 0. */
void snas_group_range(int n, int group, int *first, int *count);
/* Sum over groups in the fixed order; v[g * stride] is group g's. */
double snas_group_sum(const double *v, size_t stride);
/* The same for the values [begin, end) of rows of n: to[k] = sum of rows[g * n + k]. */
void snas_sum_groups_f32(const float *rows, size_t n, size_t begin, size_t end, float *to);
void snas_sum_groups_f64(const double *rows, size_t n, size_t begin, size_t end, double *to);

/* Arena bytes that belong to the unit for the net's whole life, followed by 64 readable ones. */
size_t snas_net_reserve(struct snas_net *net, size_t bytes);
/* The same for what the unit's forward leaves to its backward, or, in a net without one, from pass
 * to pass: its own, or a place in the shared buffer. An offset from snas_net_saved_base, which is
 * known when the arena is there. */
size_t snas_net_reserve_saved(struct snas_net *net, struct snas_unit *unit, size_t bytes);
unsigned char *snas_net_saved_base(const struct snas_net *net, const struct snas_unit *unit);
/* Asks for at least `bytes` of net->temp, or of each worker's scratch. */
void snas_net_want_temp(struct snas_net *net, size_t bytes);
void snas_net_want_scratch(struct snas_net *net, size_t bytes);

/* A parameter's gradient in a group's row. */
void *snas_net_group_grad(const struct snas_net *net, int group, int param);

/* From a batch's sums to mean and inv, by mode: running statistics, estimate sums. For channels
 * [c0, c1), all arrays indexed by channel: `sum` and `sum2` over `count` values per channel. Does
 * nothing in SNAS_BN_RUNNING. */
void snas_net_bn_finish(struct snas_net *net, int layer, int c0, int c1, const double *sum,
                        const double *sum2, double count);
/* z of an edge's block, drop path aside. */
double snas_net_z(const struct snas_net *net, int edge, int op);
/* [batch] factors of a block's images: 0 or 1 / (1 - p); NULL: all 1 (no drop path in this
 * forward, or an identity). */
const double *snas_net_keep(const struct snas_net *net, int block);

/* Calls fn for every block of a unit, in the order of their parameters. */
void snas_unit_blocks(const struct snas_net *net, const struct snas_unit *unit,
                      void (*fn)(const struct snas_net *net, int block, void *arg), void *arg);

/* Fills net->stretches and net->zeroed_by. */
enum snas_status snas_net_plan_gradients(struct snas_net *net, struct snas_err *err);
/* Before a backward: what no unit zeroes. */
void snas_net_zero_gradients(struct snas_net *net);
/* The unit's backward is done: net->grad of its parameters, over all groups. */
void snas_net_sum_gradients(struct snas_net *net, const struct snas_unit *unit);

/* Fills live_block, live_tensor and zero_tensor from run.z. */
void snas_net_find_live(struct snas_net *net);
/* mean and inv of every layer from the running statistics. */
void snas_net_use_running(struct snas_net *net);

extern const struct snas_unit_ops snas_unit_ref_f32, snas_unit_ref_f64; /* layer by layer */
extern const struct snas_unit_ops snas_unit_fast;                       /* vectorised segments */
extern const struct snas_unit_ops snas_unit_head;                       /* pool and linear */

#endif

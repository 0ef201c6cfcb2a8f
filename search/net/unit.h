#ifndef SNAS_NET_UNIT_H
#define SNAS_NET_UNIT_H

/* Internal to net/: the seam between the plan and the implementations of its units. A unit is a
 * stem, a cell (with its preprocessing) or the head. An implementation compiles a unit to passes;
 * the runner runs a pass as run(group) for every group of images in parallel, then finalise(part)
 * in parallel over parts (BN reductions, parallel over channels). Values and gradients of the
 * network's tensors, parameters and per-group gradients belong to the plan, so that units of
 * different implementations stand side by side. */

#include "base/mem.h"
#include "net/net.h"

#define SNAS_GROUPS 8 /* fixed: never depends on the thread count */

enum snas_unit_kind { SNAS_UNIT_STEM, SNAS_UNIT_CELL, SNAS_UNIT_HEAD };

struct snas_unit;
struct snas_pass {
    const char *name; /* for profiles */
    void (*run)(struct snas_net *net, struct snas_unit *unit, const struct snas_pass *pass,
                int group, int worker); /* may be NULL */
    void (*finalise)(struct snas_net *net, struct snas_unit *unit, const struct snas_pass *pass,
                     int part, int worker); /* may be NULL */
    int parts;                              /* of finalise */
    int a, b;                               /* the implementation's own: node, level, ... */
};

struct snas_unit_ops {
    const char *name;                                                         /* "ref", "fast" */
    int (*accepts)(const struct snas_net *net, const struct snas_unit *unit); /* 1 or 0 */
    /* Reserves in net->arena, builds the passes. */
    enum snas_status (*plan)(struct snas_net *net, struct snas_unit *unit, struct snas_err *err);
    void (*bind)(struct snas_net *net, struct snas_unit *unit); /* offsets become pointers */
    /* z of this forward is known (net->run): decide what is live. */
    void (*prepare)(struct snas_net *net, struct snas_unit *unit);
    void (*destroy)(struct snas_unit *unit);
};

struct snas_unit {
    enum snas_unit_kind kind;
    int index; /* block for stem and head, cell otherwise */
    char name[40];
    const struct snas_unit_ops *ops;
    void *state; /* the implementation's */
    size_t bytes;
    double flops;
    int n_forward, n_backward;
    struct snas_pass *forward, *backward; /* owned by the unit, freed by the plan */
};

/* One BN layer's numbers, shared by the implementations and the plan (running statistics, modes,
 * estimation). Indexed by layer. */
struct snas_bn_state {
    double *mean, *inv;                 /* [C] used by this forward: batch's or running */
    double *sum_mean, *sum_var, weight; /* SNAS_BN_ESTIMATE */
    int computed;                       /* since estimate_begin */
};

struct snas_net {
    const struct snas_network *network;
    struct snas_net_options options;
    size_t real; /* bytes of a value: 4 or 8 */
    struct snas_arena arena;
    void *theta, *grad, *stats;
    size_t n_theta, n_stats;
    size_t *param_offset;
    void *group_grad;         /* [SNAS_GROUPS][n_theta], zeroed by the plan before a backward */
    void **value, **dvalue;   /* [n_tensors]; NULL for concatenations; dvalue zeroed before a
                                 backward, consumers add */
    struct snas_bn_state *bn; /* [n_layers] */
    double *group_dz;         /* [SNAS_GROUPS][n_z], zeroed before a backward; summed by the plan */
    struct snas_forward run;  /* of the current step; run.z never NULL */
    const struct snas_backward *back;
    int n_units;
    struct snas_unit *units; /* in forward order */
    void **worker_scratch;   /* [threads], scratch_bytes each */
    size_t scratch_bytes;    /* the largest any unit asked for */
};

/* Images of a group when n images run: [first, first + count); count may be 0. */
void snas_group_range(int n, int group, int *first, int *count);
/* Asks for per-worker scratch of at least `bytes`. */
void snas_net_want_scratch(struct snas_net *net, size_t bytes);
/* From a batch's sums to mean and inv, by mode: running statistics, estimate sums. For channels
 * [c0, c1): `sum` and `sum2` over `count` values per channel. */
void snas_net_bn_finish(struct snas_net *net, int layer, int c0, int c1, const double *sum,
                        const double *sum2, double count);
/* z of an edge's block, drop path aside. */
double snas_net_z(const struct snas_net *net, int edge, int op);

extern const struct snas_unit_ops snas_unit_ref_f32, snas_unit_ref_f64; /* layer by layer */
extern const struct snas_unit_ops snas_unit_fast;                       /* vectorised segments */

#endif

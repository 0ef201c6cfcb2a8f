#ifndef SNAS_CREDIT_RETURNS_H
#define SNAS_CREDIT_RETURNS_H

#include "base/status.h"

/* The loss of every architecture of a small space: what credit is measured against, and what
 * learners of credit are given one architecture at a time.
 *
 * An architecture is one op for every edge, decided edge by edge; it is numbered with the last edge
 * running fastest, so that what two architectures share from the first edge on is a quotient of
 * their numbers. A vector over (edge, op) has n_values entries, edge by edge. */

#define SNAS_RETURNS_MAX_EDGES 32

struct snas_returns {
    int n_edges;
    int n_ops[SNAS_RETURNS_MAX_EDGES];
    int stride[SNAS_RETURNS_MAX_EDGES]; /* of the edge's op in an architecture's number */
    int first[SNAS_RETURNS_MAX_EDGES];  /* of the edge in a vector over (edge, op) */
    int n_values;
    int n;        /* architectures */
    double *loss; /* [n], the caller's to fill */
};

/* SNAS_E_LIMIT: more than `limit` architectures, or more edges than there is room for. Clear it
 * after an error too. */
enum snas_status snas_returns_init(struct snas_returns *r, int n_edges, const int *n_ops, int limit,
                                   struct snas_err *err);
void snas_returns_clear(struct snas_returns *r);

int snas_returns_op(const struct snas_returns *r, int architecture, int edge);
/* The architecture with another op at one edge. */
int snas_returns_swap(const struct snas_returns *r, int architecture, int edge, int op);

/* Subtracts from every edge's values their mean. */
void snas_returns_centre(const struct snas_returns *r, double *values);
/* The true change of loss by an op, over all that the other edges can be: its mean loss, less the
 * mean of the edge's ops. [n_values] */
void snas_returns_effects(const struct snas_returns *r, double *effect);
/* loss(with op k at the edge) - loss(architecture); 0 at the ops that it has. [n_values] */
void snas_returns_swaps(const struct snas_returns *r, int architecture, double *swap);
/* variance[t]: of the loss when the first t + 1 edges are decided and the others drawn uniformly,
 * mean over what is decided. It is the variance of one Monte Carlo sample of decision t's return;
 * n_edges - 1 - t decisions are still open. [n_edges] */
void snas_returns_open_variance(const struct snas_returns *r, double *variance);

#endif

#ifndef SNAS_TESTS_METHODS_FIXTURE_H
#define SNAS_TESTS_METHODS_FIXTURE_H

#include "methods/snas.h"

/* A small space with both cell kinds, its supernet, costs and a net in double. */
struct fixture {
    struct snas_space space;
    struct snas_network *network;
    struct snas_cost_table costs;
    struct snas_net *net;
    double *images;
    int labels[4];
    struct snas_batch batch;
    int theta_steps;
};
int fixture_open(void **state);
int fixture_close(void **state);

/* A context whose batch never changes and whose theta never moves. */
struct snas_method_context fixture_context(struct fixture *f);

/* SGD with rate 1, no decay, no clip: alpha moves by minus its gradient. */
struct snas_snas_options fixture_options(void);

/* The method, seed 11. */
struct snas_method *fixture_snas(struct fixture *f, const struct snas_snas_options *o);

void close_to(double value, double expected, double tolerance);

/* `create` gives up with SNAS_E_NOMEM and nothing leaked at every allocation that fails. */
void fixture_fails_cleanly(const struct fixture *f,
                           enum snas_status (*create)(const struct fixture *f,
                                                      struct snas_method **out,
                                                      struct snas_err *err));

#endif

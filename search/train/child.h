#ifndef SNAS_TRAIN_CHILD_H
#define SNAS_TRAIN_CHILD_H

#include "net/net.h"
#include "space/child.h"

/* Between the weights of a child and a running float net of its network. Values are one block per
 * parameter of the network, running statistics included. */

enum snas_status snas_child_values_create(const struct snas_network *network, float ***out,
                                          struct snas_err *err);
void snas_child_values_destroy(const struct snas_network *network, float **values);

void snas_child_values_from_net(const struct snas_network *network, struct snas_net *net,
                                float **values);
void snas_child_values_to_net(const struct snas_network *network, float *const *values,
                              struct snas_net *net);

/* A child's net takes over the supernet's parameters and running statistics. */
enum snas_status snas_child_inherit(struct snas_net *supernet, struct snas_net *child,
                                    struct snas_err *err);

#endif

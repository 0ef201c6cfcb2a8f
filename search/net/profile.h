#ifndef SNAS_NET_PROFILE_H
#define SNAS_NET_PROFILE_H

#include "net/net.h"

/* Where the time of steps goes: for tests/bench. Off by default, when it costs nothing but the test
 * of a pointer for each pass. */

#define SNAS_PROFILE_ROWS 256

/* A pass of all units of one kind together. */
struct snas_profile_row {
    const char *unit; /* "stem", "cell", "head"; "net": what belongs to no unit */
    const char *pass; /* its name */
    int a, b;         /* the implementation's numbers of the pass: a node, a level, ... */
    int backward;
    double run, finalise; /* seconds on the wall, summed since the caller zeroed the profile */
    int64_t calls;
};
struct snas_profile {
    int n;
    struct snas_profile_row rows[SNAS_PROFILE_ROWS];
};

/* Passes that otherwise follow each other group by group run one by one in a profiled step.
 * From the next forward on adds to `profile` (the caller's; NULL: to nothing). Passes beyond
 * SNAS_PROFILE_ROWS different ones are left out. */
void snas_net_profile(struct snas_net *net, struct snas_profile *profile);

/* FLOPs of an image in the last forward and, if the net trains, its backward: of the blocks that
 * were computed. With all of them live it is the sum of the plan's rows. */
double snas_net_step_flops(const struct snas_net *net);

#endif

#ifndef SNAS_COST_COST_H
#define SNAS_COST_COST_H

#include <stdint.h>
#include <stdio.h>

#include "cli/cli.h"
#include "space/cost_table.h"

/* What the options say; the subcommands share one table of them. */
struct cost_args {
    const char *genotype, *space, *input; /* input NULL: the data set's, or 3x32x32 */
    int64_t layers, channels, classes;    /* classes 0: likewise */
    int supernet, no_affine, pool_bn;
    int json, csv, yaml;
    const char *output, *table, *runtime, *source;
    int64_t threads, rounds, runs, children, seed;
    struct snas_list set;
};
extern struct cost_args args;
extern const struct snas_command command;

/* snas-cost network: exit status. */
int cost_network(void);

/* The supernet of a search configuration. */
struct subject {
    const char *config;
    struct snas_space space;
    struct snas_network *net;
};
/* The shape of an image is --input's and --classes's, or that of the configuration's data set.
 * Clear after an error too. */
enum snas_status subject_open(const char *config, struct subject *out, struct snas_err *err);
void subject_clear(struct subject *s);

/* The subcommands over a configuration; each prints what it found. */
enum snas_status cost_show(const struct subject *s, struct snas_err *err);
enum snas_status cost_measure(const struct subject *s, struct snas_err *err);
enum snas_status cost_check(const struct subject *s, struct snas_err *err);
enum snas_status cost_models(const struct subject *s, const char *dir, struct snas_err *err);
enum snas_status cost_import(const struct subject *s, const char *csv, struct snas_err *err);

/* -o FILE, atomically, or stdout without it. */
enum snas_status cost_write(const char *text, size_t size, struct snas_err *err);
#endif

#ifndef SNAS_TOOLS_CLI_H
#define SNAS_TOOLS_CLI_H

#include <stdint.h>
#include <stdio.h>

#include "base/status.h"

/* What every command shares: one table of options drives getopt_long, --help and the man page
 * (--help=man writes roff, from which the build makes the page). Every command also gets --help
 * and --version; commands that report take --json as an option of their own. */

enum snas_option_type {
    SNAS_OPT_FLAG,   /* int *: set to 1 */
    SNAS_OPT_STRING, /* const char ** */
    SNAS_OPT_INT,    /* int64_t *, within [min, max] */
    SNAS_OPT_REAL,   /* double *, within [min, max] */
    SNAS_OPT_LIST    /* struct snas_list *: may be given many times */
};
#define SNAS_LIST_MAX 64
struct snas_list {
    int n;
    const char *items[SNAS_LIST_MAX];
};
struct snas_option {
    const char *name;     /* long name without dashes */
    char letter;          /* 0: none */
    const char *argument; /* "FILE"; NULL for flags */
    enum snas_option_type type;
    void *value;
    double min, max; /* INT and REAL; both 0: any */
    const char *help;
};
struct snas_command {
    const char *name;     /* "snas-search" */
    const char *summary;  /* one line */
    const char *operands; /* "CONFIG"; "" for none */
    int min_operands, max_operands;
    const char *details; /* paragraphs and examples below the options, may be NULL */
    const struct snas_option *options;
    int n_options;
};

enum { SNAS_EXIT_OK = 0, SNAS_EXIT_FAILED = 1, SNAS_EXIT_USAGE = 2 };

/* Parses into the table's values; operands are left in argv[*first..argc-1]. Returns -1 to go on,
 * else the exit status to end with at once (0 after --help or --version, 2 after a usage error,
 * which has been printed with the nearest known option). */
int snas_cli_parse(const struct snas_command *command, int argc, char **argv, int *first);
/* Prints "snas-search: text" (every line of it) to stderr and returns the exit status. */
int snas_cli_fail(const struct snas_command *command, const struct snas_err *err);
/* Usage error of the command's own making; returns 2. */
int snas_cli_usage(const struct snas_command *command, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* SIGINT and SIGTERM set a flag; a second one ends the process at once. */
void snas_cli_catch_signals(void);
extern volatile int snas_cli_signal; /* 0, SIGINT or SIGTERM */

#endif

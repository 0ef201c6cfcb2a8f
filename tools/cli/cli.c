#include "cli/cli.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "cli/help.h"

enum {
    OPTIONS_MAX = 64,
    LONG_BASE = 256 /* getopt's value of long option i is LONG_BASE + i: above every letter */
};

volatile int snas_cli_signal;

int snas_cli_usage(const struct snas_command *command, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fprintf(stderr, "%s: ", command->name);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fprintf(stderr, "\nTry '%s --help'.\n", command->name);
    return SNAS_EXIT_USAGE;
}

int snas_cli_fail(const struct snas_command *command, const struct snas_err *err)
{
    const char *line = err->text;
    for (;;) {
        size_t n = strcspn(line, "\n");
        fprintf(stderr, "%s: %.*s\n", command->name, (int)n, line);
        if (line[n] == '\0')
            break;
        line += n + 1;
    }
    return SNAS_EXIT_FAILED;
}

static const struct snas_option *option_at(const struct snas_command *command, int i)
{
    return i < command->n_options ? &command->options[i]
                                  : &snas_cli_built_in[i - command->n_options];
}

static int option_count(const struct snas_command *command)
{
    return command->n_options + SNAS_CLI_BUILT_IN;
}

static int set_int(const struct snas_command *command, const struct snas_option *o,
                   const char *text)
{
    char *end;
    errno = 0;
    long long v = strtoll(text, &end, 10);
    if (end == text || *end != '\0')
        return snas_cli_usage(command, "--%s: '%s' is not an integer", o->name, text);
    int bounded = o->min < o->max;
    if (errno == ERANGE || (bounded && ((double)v < o->min || (double)v > o->max))) {
        if (bounded)
            return snas_cli_usage(command, "--%s: %s is not in %.17g to %.17g", o->name, text,
                                  o->min, o->max);
        return snas_cli_usage(command, "--%s: %s is too large", o->name, text);
    }
    *(int64_t *)o->value = v;
    return -1;
}

static int set_real(const struct snas_command *command, const struct snas_option *o,
                    const char *text)
{
    char *end;
    double v = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(v))
        return snas_cli_usage(command, "--%s: '%s' is not a number", o->name, text);
    if (o->min < o->max && (v < o->min || v > o->max))
        return snas_cli_usage(command, "--%s: %s is not in %g to %g", o->name, text, o->min,
                              o->max);
    *(double *)o->value = v;
    return -1;
}

static int set_value(const struct snas_command *command, const struct snas_option *o,
                     const char *text)
{
    switch (o->type) {
    case SNAS_OPT_FLAG:
        *(int *)o->value = 1;
        return -1;
    case SNAS_OPT_STRING:
        *(const char **)o->value = text;
        return -1;
    case SNAS_OPT_INT:
        return set_int(command, o, text);
    case SNAS_OPT_REAL:
        return set_real(command, o, text);
    case SNAS_OPT_LIST: {
        struct snas_list *list = o->value;
        if (list->n == SNAS_LIST_MAX)
            return snas_cli_usage(command, "--%s: given more than %d times", o->name,
                                  SNAS_LIST_MAX);
        list->items[list->n++] = text;
        return -1;
    }
    }
    SNAS_BUG("option type %d", (int)o->type);
}

/* What --help and --version answer; a full disk under the output is a failure. */
static int answered(const struct snas_command *command)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return SNAS_EXIT_OK;
    fprintf(stderr, "%s: cannot write: %s\n", command->name, strerror(errno));
    return SNAS_EXIT_FAILED;
}

static int built_in(const struct snas_command *command, int which, const char *argument)
{
    if (which == SNAS_CLI_VERSION) {
        printf("%s %s\n", command->name, SNAS_VERSION);
        return answered(command);
    }
    if (argument && strcmp(argument, "man") != 0)
        return snas_cli_usage(command, "--help: '%s' is not 'man'", argument);
    (argument ? snas_cli_man : snas_cli_help)(command, stdout);
    return answered(command);
}

/* A long option that getopt did not take: unknown, or short for several. */
static int refuse_long(const struct snas_command *command, const char *given)
{
    int n = option_count(command);
    const char *names[OPTIONS_MAX + SNAS_CLI_BUILT_IN];
    char typed[128];
    snprintf(typed, sizeof typed, "%.*s", (int)strcspn(given + 2, "="), given + 2);
    int starts = 0, first = -1, second = -1;
    for (int i = 0; i < n; i++) {
        names[i] = option_at(command, i)->name;
        if (strncmp(names[i], typed, strlen(typed)) != 0)
            continue;
        second = starts == 1 ? i : second;
        first = starts == 0 ? i : first;
        starts++;
    }
    if (starts > 1)
        return snas_cli_usage(command, "option '--%s' is short for --%s and --%s", typed,
                              names[first], names[second]);
    int near = snas_nearest(typed, names, (size_t)n);
    if (near >= 0)
        return snas_cli_usage(command, "unknown option '--%s'; did you mean '--%s'?", typed,
                              names[near]);
    return snas_cli_usage(command, "unknown option '--%s'", typed);
}

/* getopt answered '?' or ':'. */
static int refuse(const struct snas_command *command, int answer, char **argv)
{
    if (answer == ':') {
        for (int i = 0; i < option_count(command); i++)
            if (optopt == LONG_BASE + i || optopt == snas_cli_letter(command, i))
                return snas_cli_usage(command, "option '--%s' needs %s",
                                      option_at(command, i)->name, option_at(command, i)->argument);
    }
    if (optopt >= LONG_BASE)
        return snas_cli_usage(command, "option '--%s' takes no value",
                              option_at(command, optopt - LONG_BASE)->name);
    if (optopt != 0)
        return snas_cli_usage(command, "unknown option '-%c'", optopt);
    return refuse_long(command, argv[optind - 1]);
}

/* Tables for getopt_long from ours. The leading ':' tells a missing value from an unknown option;
 * the messages are our own. */
static void make_tables(const struct snas_command *command, struct option *longs, char *letters)
{
    int n = option_count(command);
    *letters++ = ':';
    for (int i = 0; i < n; i++) {
        const struct snas_option *o = option_at(command, i);
        int takes = o->argument != NULL;
        longs[i] = (struct option){.name = o->name,
                                   .has_arg = takes ? required_argument : no_argument,
                                   .val = LONG_BASE + i};
        if (i == command->n_options + SNAS_CLI_HELP)
            longs[i].has_arg = optional_argument;
        int letter = snas_cli_letter(command, i);
        if (letter) {
            *letters++ = (char)letter;
            if (takes)
                *letters++ = ':';
        }
    }
    longs[n] = (struct option){0};
    *letters = '\0';
}

static int check_operands(const struct snas_command *command, int argc, char **argv, int first)
{
    int n = argc - first;
    if (n < command->min_operands)
        return snas_cli_usage(command, "missing operand: %s", command->operands);
    if (command->max_operands >= 0 && n > command->max_operands)
        return snas_cli_usage(command, "unexpected operand '%s'",
                              argv[first + command->max_operands]);
    return -1;
}

int snas_cli_parse(const struct snas_command *command, int argc, char **argv, int *first)
{
    struct option longs[OPTIONS_MAX + SNAS_CLI_BUILT_IN + 1];
    char letters[2 * (OPTIONS_MAX + SNAS_CLI_BUILT_IN) + 2];
    if (command->n_options > OPTIONS_MAX)
        SNAS_BUG("%s has more than %d options", command->name, OPTIONS_MAX);
    make_tables(command, longs, letters);
    opterr = 0;
    optind = 0; /* GNU: starts afresh, so that a program may parse twice */
    for (;;) {
        optopt = 0;
        int c = getopt_long(argc, argv, letters, longs, NULL);
        if (c == -1)
            break;
        if (c == '?' || c == ':')
            return refuse(command, c, argv);
        int i = c - LONG_BASE;
        for (int k = 0; c < LONG_BASE && k < option_count(command); k++)
            if (snas_cli_letter(command, k) == c)
                i = k;
        int status = i < command->n_options ? set_value(command, &command->options[i], optarg)
                                            : built_in(command, i - command->n_options, optarg);
        if (status >= 0)
            return status;
    }
    *first = optind;
    return check_operands(command, argc, argv, optind);
}

static void on_signal(int number)
{
    if (snas_cli_signal) {
        signal(number, SIG_DFL);
        raise(number);
        return;
    }
    snas_cli_signal = number;
}

void snas_cli_catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

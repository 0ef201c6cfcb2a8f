#ifndef SNAS_TIMING_COMMAND_H
#define SNAS_TIMING_COMMAND_H

#include "base/status.h"

/* Runs `command` by the shell with the arguments behind its words (NULL at the end), and takes the
 * one number that it prints, which must be finite and above 0. Its standard error is ours. It has a
 * process group of its own, and all of that is killed when it takes longer than `timeout` seconds
 * or *stop (may be NULL) becomes not 0: SNAS_E_INTERRUPTED. Every other failure is one line that
 * names `key`, the configuration's, and the command: it cannot be run, fails, dies of a signal,
 * hangs, prints nothing, or something else than a number. */
enum snas_status snas_command_number(const char *key, const char *command,
                                     const char *const *arguments, double timeout,
                                     const volatile int *stop, double *out, struct snas_err *err);

#endif

#ifndef SNAS_TOOLS_CLI_HELP_H
#define SNAS_TOOLS_CLI_HELP_H

#include "cli/cli.h"

/* The option every command has beside its own; letters are taken only where a command leaves
 * them free. */
enum { SNAS_CLI_HELP, SNAS_CLI_VERSION, SNAS_CLI_BUILT_IN };
extern const struct snas_option snas_cli_built_in[SNAS_CLI_BUILT_IN];

/* Letter of option i (the built-in ones follow the command's own), 0 for none. */
int snas_cli_letter(const struct snas_command *command, int i);

void snas_cli_help(const struct snas_command *command, FILE *out);
void snas_cli_man(const struct snas_command *command, FILE *out); /* roff, section 1 */

#endif

#include "cli/help.h"

#include <ctype.h>
#include <string.h>

enum { COLUMN = 28, WIDTH = 79 };

const struct snas_option snas_cli_built_in[SNAS_CLI_BUILT_IN] = {
    [SNAS_CLI_HELP] = {.name = "help", .letter = 'h', .help = "show this help (=man: as roff)"},
    [SNAS_CLI_VERSION] = {.name = "version", .letter = 'V', .help = "show the version"},
};

int snas_cli_letter(const struct snas_command *command, int i)
{
    if (i < command->n_options)
        return (unsigned char)command->options[i].letter;
    char letter = snas_cli_built_in[i - command->n_options].letter;
    for (int k = 0; k < command->n_options; k++)
        if (command->options[k].letter == letter)
            return 0;
    return (unsigned char)letter;
}

static void put_usage(const struct snas_command *command, FILE *out)
{
    fprintf(out, "%s [OPTION]...%s%s", command->name, command->operands[0] ? " " : "",
            command->operands);
}

/* Words of `text` wrapped between COLUMN and WIDTH; the cursor stands at `at`. */
static void put_wrapped(const char *text, size_t at, FILE *out)
{
    while (*text) {
        size_t n = strcspn(text, " ");
        if (at > COLUMN && at + 1 + n > WIDTH) {
            fprintf(out, "\n%*s", COLUMN, "");
            at = COLUMN;
        } else if (at > COLUMN) {
            fputc(' ', out);
            at++;
        }
        fprintf(out, "%.*s", (int)n, text);
        at += n;
        text += n;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

/* The help line and, for a bounded number, its range. */
static void full_help(const struct snas_option *o, char *text, size_t size)
{
    int number = o->type == SNAS_OPT_INT || o->type == SNAS_OPT_REAL;
    if (number && o->min < o->max)
        snprintf(text, size, "%s (%.10g to %.10g)", o->help, o->min, o->max);
    else
        snprintf(text, size, "%s%s", o->help,
                 o->type == SNAS_OPT_LIST ? " (may be given many times)" : "");
}

static void put_option(const struct snas_command *command, int i, FILE *out)
{
    const struct snas_option *o =
        i < command->n_options ? &command->options[i] : &snas_cli_built_in[i - command->n_options];
    char left[128], letter[8] = "    ", help[1024];
    if (snas_cli_letter(command, i))
        snprintf(letter, sizeof letter, "-%c, ", snas_cli_letter(command, i));
    int n = snprintf(left, sizeof left, "  %s--%s%s%s", letter, o->name, o->argument ? "=" : "",
                     o->argument ? o->argument : "");
    full_help(o, help, sizeof help);
    if (n + 2 > COLUMN)
        fprintf(out, "%s\n%*s", left, COLUMN, "");
    else
        fprintf(out, "%-*s", COLUMN, left);
    put_wrapped(help, COLUMN, out);
}

void snas_cli_help(const struct snas_command *command, FILE *out)
{
    fprintf(out, "Usage: ");
    put_usage(command, out);
    fprintf(out, "\n%c%s.\n\nOptions:\n", toupper((unsigned char)command->summary[0]),
            command->summary + 1);
    for (int i = 0; i < command->n_options + SNAS_CLI_BUILT_IN; i++)
        put_option(command, i, out);
    if (command->details)
        fprintf(out, "\n%s%s", command->details,
                command->details[strlen(command->details) - 1] == '\n' ? "" : "\n");
}

/* Text for roff: its own characters escaped, a dash that can be copied, no request by accident. */
static void roff(const char *text, size_t n, FILE *out)
{
    if (n > 0 && (text[0] == '.' || text[0] == '\''))
        fputs("\\&", out);
    for (size_t i = 0; i < n; i++) {
        if (text[i] == '\\')
            fputs("\\e", out);
        else if (text[i] == '-')
            fputs("\\-", out);
        else
            fputc(text[i], out);
    }
}

static void roff_text(const char *text, FILE *out)
{
    roff(text, strlen(text), out);
}

/* Blank lines part paragraphs; indented lines are examples and stay as they are. */
static void roff_details(const char *text, FILE *out)
{
    int verbatim = 0;
    while (*text) {
        size_t n = strcspn(text, "\n");
        int indented = n > 0 && text[0] == ' ';
        if (indented && !verbatim)
            fputs(".PP\n.nf\n", out);
        if (!indented && verbatim)
            fputs(".fi\n", out);
        verbatim = indented;
        if (n == 0)
            fputs(".PP", out);
        roff(text, n, out);
        fputc('\n', out);
        text += n + (text[n] == '\n');
    }
    if (verbatim)
        fputs(".fi\n", out);
}

static void roff_option(const struct snas_command *command, int i, FILE *out)
{
    const struct snas_option *o =
        i < command->n_options ? &command->options[i] : &snas_cli_built_in[i - command->n_options];
    char help[1024];
    full_help(o, help, sizeof help);
    fputs(".TP\n", out);
    if (snas_cli_letter(command, i))
        fprintf(out, "\\fB\\-%c\\fR, ", snas_cli_letter(command, i));
    fputs("\\fB\\-\\-", out);
    roff_text(o->name, out);
    fputs("\\fR", out);
    if (o->argument) {
        fputs("=\\fI", out);
        roff_text(o->argument, out);
        fputs("\\fR", out);
    }
    fputc('\n', out);
    roff_text(help, out);
    fputc('\n', out);
}

/* No date in the heading: the page is the same whenever it is built. */
void snas_cli_man(const struct snas_command *command, FILE *out)
{
    fputs(".TH ", out);
    for (const char *p = command->name; *p; p++)
        fputc(toupper((unsigned char)*p), out);
    fprintf(out, " 1 \"\" \"SNAS %s\" \"User Commands\"\n.SH NAME\n", SNAS_VERSION);
    roff_text(command->name, out);
    fputs(" \\- ", out);
    roff_text(command->summary, out);
    fputs("\n.SH SYNOPSIS\n.B ", out);
    roff_text(command->name, out);
    fputs("\n[\\fIOPTION\\fR]... ", out);
    roff_text(command->operands, out);
    fputs("\n.SH OPTIONS\n", out);
    for (int i = 0; i < command->n_options + SNAS_CLI_BUILT_IN; i++)
        roff_option(command, i, out);
    if (command->details) {
        fputs(".SH DESCRIPTION\n", out);
        roff_details(command->details, out);
    }
    fputs(".SH EXIT STATUS\n0 when done, 1 on failure, 2 on a usage error.\n", out);
}

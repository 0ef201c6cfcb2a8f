#include "timing/command.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/mem.h"

#define ANSWER_MAX 256
#define ARGUMENTS 8
#define GLANCE_MS 50 /* between two looks at the clock and at stop */

extern char **environ;

struct child {
    const char *key, *command;
    double timeout, deadline; /* seconds; on snas_seconds' clock */
    const volatile int *stop;
    pid_t pid;
    int out; /* the end of its standard output that is read */
    char answer[ANSWER_MAX + 1];
    size_t n;
    struct snas_err *err;
};

static enum snas_status fail(const struct child *c, const char *what)
{
    return snas_fail(c->err, SNAS_E_IO, "%s '%s' %s", c->key, c->command, what);
}

static enum snas_status start(struct child *c, const char *const *arguments)
{
    char *argv[ARGUMENTS + 5] = {"sh", "-c", NULL, "sh"};
    char *line = snas_format(c->err, "%s \"$@\"", c->command);
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    int ends[2], n = 4, error;
    if (!line)
        return SNAS_E_NOMEM;
    argv[2] = line;
    for (int i = 0; arguments[i] && i < ARGUMENTS; i++)
        argv[n++] = (char *)arguments[i];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        snas_free(line);
        return fail(c, "cannot be started: no pipe");
    }
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, ends[1], STDOUT_FILENO);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setpgroup(&attributes, 0);
    error = posix_spawn(&c->pid, "/bin/sh", &files, &attributes, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    snas_free(line);
    close(ends[1]);
    c->out = ends[0];
    if (error) {
        close(c->out);
        return fail(c, "cannot be started: no /bin/sh");
    }
    return SNAS_OK;
}

/* SNAS_OK: there is time left. */
static enum snas_status may_wait(const struct child *c)
{
    if (c->stop && *c->stop)
        return snas_fail(c->err, SNAS_E_INTERRUPTED, "interrupted");
    if (snas_seconds() >= c->deadline)
        return snas_fail(c->err, SNAS_E_IO, "%s '%s' has not ended within %g s and was killed",
                         c->key, c->command, c->timeout);
    return SNAS_OK;
}

/* Everything it prints. */
static enum snas_status listen(struct child *c)
{
    enum snas_status s;
    while ((s = may_wait(c)) == SNAS_OK) {
        struct pollfd p = {.fd = c->out, .events = POLLIN};
        if (poll(&p, 1, GLANCE_MS) <= 0)
            continue;
        ssize_t got = read(c->out, c->answer + c->n, ANSWER_MAX - c->n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return SNAS_OK;
        c->n += (size_t)got;
        if (c->n == ANSWER_MAX)
            return fail(c, "prints more than one number");
    }
    return s;
}

/* Its end, which seldom is later than that of its output; killed when it is not to be waited for
 * any longer. */
static enum snas_status reap(struct child *c, enum snas_status s, int *end)
{
    const struct timespec nap = {0, 1000000};
    while (s == SNAS_OK && waitpid(c->pid, end, WNOHANG) == 0) {
        s = may_wait(c);
        if (s == SNAS_OK)
            nanosleep(&nap, NULL);
    }
    if (s == SNAS_OK)
        return s;
    kill(-c->pid, SIGKILL);
    while (waitpid(c->pid, end, 0) < 0 && errno == EINTR)
        continue;
    return s;
}

static enum snas_status judge_end(const struct child *c, int status)
{
    /* the shell says with 128 and more that what it ran was killed */
    int signal = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status) - 128;
    if (signal > 0)
        return snas_fail(c->err, SNAS_E_IO, "%s '%s' was killed by signal %d (%s)", c->key,
                         c->command, signal, strsignal(signal));
    if (WEXITSTATUS(status) == 126 || WEXITSTATUS(status) == 127)
        return fail(c, "cannot be run");
    if (WEXITSTATUS(status) != 0)
        return snas_fail(c->err, SNAS_E_IO, "%s '%s' failed: exit status %d", c->key, c->command,
                         WEXITSTATUS(status));
    return SNAS_OK;
}

static enum snas_status judge_answer(struct child *c, double *out)
{
    char *text = c->answer, *end;
    text[c->n] = '\0';
    while (c->n > 0 && strchr(" \t\r\n", text[c->n - 1]))
        text[--c->n] = '\0';
    text += strspn(text, " \t\r\n");
    if (!*text)
        return fail(c, "printed nothing; the latency in milliseconds is expected");
    for (char *p = text; *p; p++)
        if ((unsigned char)*p < ' ')
            *p = ' ';
    *out = strtod(text, &end);
    if (*end)
        return snas_fail(c->err, SNAS_E_IO,
                         "%s '%s' printed '%.60s': one number is expected, milliseconds", c->key,
                         c->command, text);
    if (!isfinite(*out) || *out <= 0)
        return snas_fail(c->err, SNAS_E_IO,
                         "%s '%s' printed '%.60s': milliseconds are finite and above 0", c->key,
                         c->command, text);
    return SNAS_OK;
}

enum snas_status snas_command_number(const char *key, const char *command,
                                     const char *const *arguments, double timeout,
                                     const volatile int *stop, double *out, struct snas_err *err)
{
    struct child c = {.key = key, .command = command, .stop = stop, .timeout = timeout, .err = err};
    int end = 0;
    c.deadline = snas_seconds() + timeout;
    enum snas_status s = start(&c, arguments);
    if (s != SNAS_OK)
        return s;
    s = listen(&c);
    close(c.out);
    s = reap(&c, s, &end);
    if (s == SNAS_OK)
        s = judge_end(&c, end);
    return s == SNAS_OK ? judge_answer(&c, out) : s;
}

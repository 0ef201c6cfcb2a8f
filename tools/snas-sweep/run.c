#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "snas-sweep/sweep.h"
#include "train/run.h"

static int has(const struct run *r, const char *name)
{
    char *path = snas_path_join(r->dir, name, NULL);
    int there = path && snas_path_exists(path);
    snas_free(path);
    return there;
}

/* Rows of metrics.csv: epochs that are done. */
static int count_epochs(const struct run *r)
{
    char *path = snas_path_join(r->dir, SNAS_RUN_METRICS, NULL), *text = NULL;
    size_t size;
    int lines = 0;
    if (path && snas_path_exists(path) &&
        snas_read_file(path, (size_t)64 << 20, &text, &size, NULL) == SNAS_OK)
        for (const char *p = text; (p = strchr(p, '\n')) != NULL; p++)
            lines++;
    snas_free(text);
    snas_free(path);
    return lines > 0 ? lines - 1 : 0;
}

/* In the child: its words go to the log, so that the sweep's own line stays readable. */
static void become(const struct sweep *s, const struct run *r, char **argv)
{
    int log = open(r->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    int none = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (log >= 0 && none >= 0 && dup2(none, 0) == 0 && dup2(log, 1) == 1 && dup2(log, 2) == 2)
        execv(s->program, argv);
    _exit(127);
}

static enum snas_status start(const struct sweep *s, struct run *r, struct snas_err *err)
{
    enum { FIXED = 8, EACH = 3 };
    char threads[16];
    int n = 0;
    char **argv = snas_alloc((size_t)(FIXED + 2 * (EACH + s->n_set) + 1), sizeof *argv, err);
    if (!argv)
        return SNAS_E_NOMEM;
    snprintf(threads, sizeof threads, "%d", s->threads);
    const char *fixed[FIXED] = {s->program, s->config,   "--out", r->dir,
                                "--resume", "--threads", threads, "--quiet"};
    for (int i = 0; i < FIXED; i++)
        argv[n++] = (char *)fixed[i];
    for (int i = 0; i < s->n_set + EACH; i++) {
        argv[n++] = (char *)"--set";
        argv[n++] = (char *)(i < s->n_set ? s->set[i] : r->assignments[i - s->n_set]);
    }
    pid_t process = fork();
    if (process == 0)
        become(s, r, argv);
    snas_free(argv);
    if (process < 0)
        return snas_fail(err, SNAS_E_IO, "cannot start %s: %s", s->program, strerror(errno));
    r->process = process;
    r->state = RUN_GOING;
    return SNAS_OK;
}

static int going(const struct sweep *s)
{
    int n = 0;
    for (int i = 0; i < s->n; i++)
        n += s->runs[i].state == RUN_GOING;
    return n;
}

static enum snas_status start_next(struct sweep *s, struct snas_err *err)
{
    enum snas_status status = SNAS_OK;
    for (int i = 0; status == SNAS_OK && i < s->n && going(s) < s->jobs; i++)
        if (s->runs[i].state == RUN_WAITING)
            status = start(s, &s->runs[i], err);
    return status;
}

/* A run that ended: done when it left its result, whatever it said. */
static void collect(struct sweep *s, struct snas_progress *progress)
{
    for (int i = 0; i < s->n; i++) {
        struct run *r = &s->runs[i];
        int how;
        if (r->state != RUN_GOING || waitpid(r->process, &how, WNOHANG) != r->process)
            continue;
        r->state = has(r, SNAS_RUN_RESULT) ? RUN_DONE : RUN_FAILED;
        if (r->state == RUN_FAILED && !snas_cli_signal)
            snas_progress_say(progress, "%s failed: see %s", r->dir, r->log);
        else if (WIFEXITED(how) && WEXITSTATUS(how) != 0 && r->state == RUN_DONE)
            snas_progress_say(progress, "%s is done with a warning: see %s", r->dir, r->log);
        else if (r->state == RUN_DONE)
            snas_progress_say(progress, "%s is done", r->dir);
    }
}

static void stop_all(struct sweep *s, struct snas_progress *progress)
{
    for (int i = 0; i < s->n; i++)
        if (s->runs[i].state == RUN_GOING)
            kill(s->runs[i].process, SIGTERM);
    while (going(s)) {
        collect(s, progress);
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    }
}

static void show(struct sweep *s, struct snas_progress *progress)
{
    char status[128];
    double done = 0;
    int finished = 0, now = going(s), epoch = 0;
    for (int i = 0; i < s->n; i++) {
        struct run *r = &s->runs[i];
        if (r->state == RUN_GOING)
            epoch = r->epochs = count_epochs(r);
        finished += r->state == RUN_DONE || r->state == RUN_FAILED;
        if (r->state == RUN_GOING)
            done += (double)r->epochs / (s->epochs + 1); /* the end of a search takes time too */
    }
    snprintf(status, sizeof status, "%d of %d runs, %d going, epoch %d/%d", finished, s->n, now,
             epoch, s->epochs);
    snas_progress_update(progress, finished + done, status);
}

enum snas_status sweep_run(struct sweep *s, struct snas_progress *progress, int *failed,
                           struct snas_err *err)
{
    enum snas_status status = SNAS_OK;
    *failed = 0;
    for (int i = 0; i < s->n; i++)
        s->runs[i].state = has(&s->runs[i], SNAS_RUN_RESULT) ? RUN_DONE : RUN_WAITING;
    snas_progress_begin(progress, "sweep", s->n);
    for (;;) {
        if (status == SNAS_OK && !snas_cli_signal)
            status = start_next(s, err);
        if (status != SNAS_OK || snas_cli_signal || !going(s))
            break;
        nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
        collect(s, progress);
        show(s, progress);
    }
    stop_all(s, progress);
    snas_progress_end(progress);
    if (status == SNAS_OK && snas_cli_signal)
        status = snas_fail(err, SNAS_E_INTERRUPTED, "stopped; every run is saved");
    for (int i = 0; i < s->n; i++)
        *failed += s->runs[i].state == RUN_FAILED;
    return status;
}

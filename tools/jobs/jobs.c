#include "jobs/jobs.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "cli/cli.h"

char *snas_job_program(const char *name, struct snas_err *err)
{
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    char *slash = NULL;
    if (n > 0) {
        self[n] = '\0';
        slash = strrchr(self, '/');
    }
    if (!slash) {
        snas_fail(err, SNAS_E_IO, "cannot find out where this program is");
        return NULL;
    }
    *slash = '\0';
    char *path = snas_path_join(self, name, err);
    if (path && access(path, X_OK) != 0) {
        snas_fail(err, SNAS_E_IO, "there is no %s at '%s'", name, path);
        snas_free(path);
        return NULL;
    }
    return path;
}

static enum snas_status copy_words(const char *const *words, int n, char **out,
                                   struct snas_err *err)
{
    for (int i = 0; i < n; i++) {
        out[i] = snas_strdup(words[i], err);
        if (!out[i])
            return SNAS_E_NOMEM;
    }
    return SNAS_OK;
}

enum snas_status snas_job_program_run(const char *const *argv, const char *name, const char *log,
                                      const char *result, struct snas_job *out,
                                      struct snas_err *err)
{
    int n = 0;
    while (argv[n])
        n++;
    *out = (struct snas_job){0};
    out->argv = snas_alloc((size_t)n + 1, sizeof *out->argv, err);
    if (!out->argv || copy_words(argv, n, out->argv, err) != SNAS_OK)
        return SNAS_E_NOMEM;
    out->name = snas_strdup(name, err);
    out->log = out->name ? snas_strdup(log, err) : NULL;
    out->result = out->log ? snas_strdup(result, err) : NULL;
    return out->result ? SNAS_OK : SNAS_E_NOMEM;
}

enum snas_status snas_job_search(const struct snas_job_searches *of, const char *dir,
                                 const char *const *assignments, int n, struct snas_job *out,
                                 struct snas_err *err)
{
    enum { FIXED = 8 };
    char threads[16];
    snprintf(threads, sizeof threads, "%d", of->threads);
    const char *const fixed[FIXED] = {of->program, of->config,  "--out", dir,
                                      "--resume",  "--threads", threads, "--quiet"};
    *out = (struct snas_job){.parts = of->epochs};
    out->argv = snas_alloc((size_t)(FIXED + 2 * n + 1), sizeof *out->argv, err);
    if (!out->argv || copy_words(fixed, FIXED, out->argv, err) != SNAS_OK)
        return SNAS_E_NOMEM;
    for (int i = 0; i < n; i++) {
        const char *const pair[] = {"--set", assignments[i]};
        if (copy_words(pair, 2, out->argv + FIXED + 2 * i, err) != SNAS_OK)
            return SNAS_E_NOMEM;
    }
    out->name = snas_strdup(dir, err);
    out->log = snas_format(err, "%s.log", dir);
    out->result = snas_path_join(dir, "result.json", err);
    out->rows = snas_path_join(dir, "metrics.csv", err);
    return out->name && out->log && out->result && out->rows ? SNAS_OK : SNAS_E_NOMEM;
}

void snas_job_clear(struct snas_job *j)
{
    for (int i = 0; j->argv && j->argv[i]; i++)
        snas_free(j->argv[i]);
    snas_free(j->argv);
    snas_free(j->name);
    snas_free(j->log);
    snas_free(j->result);
    snas_free(j->rows);
    *j = (struct snas_job){0};
}

/* Rows of a CSV below its header. */
static int count_rows(const char *path)
{
    char *text = NULL;
    size_t size;
    int lines = 0;
    if (path && snas_path_exists(path) &&
        snas_read_file(path, (size_t)64 << 20, &text, &size, NULL) == SNAS_OK)
        for (const char *p = text; (p = strchr(p, '\n')) != NULL; p++)
            lines++;
    snas_free(text);
    return lines > 0 ? lines - 1 : 0;
}

/* In the child: its words go to the log, so that our own line stays readable. */
static void become(const struct snas_job *j, const char *output)
{
    int log = open(j->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    int none = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int out = output ? open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666) : log;
    if (log >= 0 && none >= 0 && out >= 0 && dup2(none, 0) == 0 && dup2(out, 1) == 1 &&
        dup2(log, 2) == 2)
        execv(j->argv[0], j->argv);
    _exit(127);
}

static char *capture_path(const struct snas_job *j)
{
    return snas_format(NULL, "%s.new", j->result);
}

static enum snas_status start(struct snas_job *j, struct snas_err *err)
{
    char *output = NULL;
    if (j->capture) {
        output = capture_path(j);
        if (!output)
            return snas_fail(err, SNAS_E_NOMEM, "no memory to start %s", j->name);
    }
    pid_t process = fork();
    if (process == 0)
        become(j, output);
    snas_free(output);
    if (process < 0)
        return snas_fail(err, SNAS_E_IO, "cannot start %s: %s", j->argv[0], strerror(errno));
    j->process = process;
    j->state = SNAS_JOB_GOING;
    return SNAS_OK;
}

static int going(const struct snas_job *jobs, int n)
{
    int sum = 0;
    for (int i = 0; i < n; i++)
        sum += jobs[i].state == SNAS_JOB_GOING;
    return sum;
}

static enum snas_status start_next(struct snas_job *jobs, int n, int at_once, struct snas_err *err)
{
    enum snas_status status = SNAS_OK;
    for (int i = 0; status == SNAS_OK && i < n && going(jobs, n) < at_once; i++)
        if (jobs[i].state == SNAS_JOB_WAITING && snas_path_exists(jobs[i].result))
            jobs[i].state = SNAS_JOB_DONE; /* by another call on the same runs, meanwhile */
        else if (jobs[i].state == SNAS_JOB_WAITING)
            status = start(&jobs[i], err);
    return status;
}

/* The last line of its log that says anything. */
static void last_words(const struct snas_job *j, char *text, size_t size)
{
    char *log = NULL;
    size_t n;
    snprintf(text, size, "it said nothing");
    if (!snas_path_exists(j->log) ||
        snas_read_file(j->log, (size_t)64 << 20, &log, &n, NULL) != SNAS_OK)
        return;
    while (n > 0 && log[n - 1] == '\n')
        log[--n] = '\0';
    const char *line = strrchr(log, '\n');
    line = line ? line + 1 : log;
    if (*line)
        snprintf(text, size, "%s", line);
    snas_free(log);
}

/* A job that ended: done when it left its result, whatever it said. */
static void judge(struct snas_job *j, int how, struct snas_progress *progress)
{
    int well = WIFEXITED(how) && WEXITSTATUS(how) == 0;
    char words[512];
    if (j->capture && well) {
        char *from = capture_path(j);
        if (!from || rename(from, j->result) != 0)
            well = 0;
        snas_free(from);
    }
    j->state = snas_path_exists(j->result) ? SNAS_JOB_DONE : SNAS_JOB_FAILED;
    if (j->state == SNAS_JOB_FAILED && !snas_cli_signal) {
        last_words(j, words, sizeof words);
        snas_progress_say(progress, "%s failed: see %s (%s)", j->name, j->log,
                          WIFSIGNALED(how) ? strsignal(WTERMSIG(how)) : words);
    } else if (!well && j->state == SNAS_JOB_DONE) {
        snas_progress_say(progress, "%s is done with a warning: see %s", j->name, j->log);
    } else if (j->state == SNAS_JOB_DONE) {
        snas_progress_say(progress, "%s is done", j->name);
    }
}

static void collect(struct snas_job *jobs, int n, struct snas_progress *progress)
{
    int how;
    for (int i = 0; i < n; i++)
        if (jobs[i].state == SNAS_JOB_GOING &&
            waitpid(jobs[i].process, &how, WNOHANG) == jobs[i].process)
            judge(&jobs[i], how, progress);
}

static void stop_all(struct snas_job *jobs, int n, struct snas_progress *progress)
{
    for (int i = 0; i < n; i++)
        if (jobs[i].state == SNAS_JOB_GOING)
            kill(jobs[i].process, SIGTERM);
    while (going(jobs, n)) {
        collect(jobs, n, progress);
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    }
}

static void show(struct snas_job *jobs, int n, struct snas_progress *progress)
{
    char status[128];
    double done = 0;
    int finished = 0, part = 0, parts = 0;
    for (int i = 0; i < n; i++) {
        struct snas_job *j = &jobs[i];
        finished += j->state == SNAS_JOB_DONE || j->state == SNAS_JOB_FAILED;
        if (j->state != SNAS_JOB_GOING || !j->rows)
            continue;
        part = j->part = count_rows(j->rows);
        parts = j->parts;
        done += (double)j->part / (j->parts + 1); /* the end of a search takes time too */
    }
    int used =
        snprintf(status, sizeof status, "%d of %d runs, %d going", finished, n, going(jobs, n));
    if (parts)
        snprintf(status + used, sizeof status - (size_t)used, ", epoch %d/%d", part, parts);
    snas_progress_update(progress, finished + done, status);
}

enum snas_status snas_jobs_run(struct snas_job *jobs, int n, int at_once, const char *title,
                               struct snas_progress *progress, int *failed, struct snas_err *err)
{
    enum snas_status status = SNAS_OK;
    *failed = 0;
    for (int i = 0; i < n; i++)
        jobs[i].state = snas_path_exists(jobs[i].result) ? SNAS_JOB_DONE : SNAS_JOB_WAITING;
    snas_progress_begin(progress, title, n);
    for (;;) {
        if (status == SNAS_OK && !snas_cli_signal)
            status = start_next(jobs, n, at_once, err);
        if (status != SNAS_OK || snas_cli_signal || !going(jobs, n))
            break;
        nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
        collect(jobs, n, progress);
        show(jobs, n, progress);
    }
    stop_all(jobs, n, progress);
    snas_progress_end(progress);
    if (status == SNAS_OK && snas_cli_signal)
        status = snas_fail(err, SNAS_E_INTERRUPTED, "stopped; every run is saved");
    for (int i = 0; i < n; i++)
        *failed += jobs[i].state == SNAS_JOB_FAILED;
    return status;
}

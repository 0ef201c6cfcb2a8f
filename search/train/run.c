#include "train/run.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"

#define TEXT_LIMIT (256u << 20)

char *snas_run_path(const struct snas_run *run, const char *name, struct snas_err *err)
{
    return snas_path_join(run->dir, name, err);
}

enum snas_status snas_run_write(const struct snas_run *run, const char *name, const char *data,
                                size_t size, struct snas_err *err)
{
    char *path = snas_run_path(run, name, err);
    if (!path)
        return SNAS_E_NOMEM;
    enum snas_status s = snas_write_file(path, data, size, err);
    snas_free(path);
    return s;
}

enum snas_status snas_run_remove(const struct snas_run *run, const char *name, struct snas_err *err)
{
    char *path = snas_run_path(run, name, err);
    enum snas_status s = path ? SNAS_OK : SNAS_E_NOMEM;
    if (path && unlink(path) != 0 && errno != ENOENT)
        s = snas_fail(err, SNAS_E_IO, "cannot remove '%s': %s", path, strerror(errno));
    snas_free(path);
    return s;
}

int snas_run_has(const struct snas_run *run, const char *name)
{
    char *path = snas_run_path(run, name, NULL);
    int there = path && snas_path_exists(path);
    snas_free(path);
    return there;
}

/* Two processes in one directory would overwrite each other's checkpoints. The lock sits on the
 * directory itself and ends with the process, however it ends. */
static enum snas_status lock(struct snas_run *run, struct snas_err *err)
{
    run->lock = open(run->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (run->lock < 0)
        return snas_fail(err, SNAS_E_IO, "cannot open '%s': %s", run->dir, strerror(errno));
    if (flock(run->lock, LOCK_EX | LOCK_NB) != 0)
        return snas_fail(err, SNAS_E_STATE, "'%s' is in use by another process", run->dir);
    return SNAS_OK;
}

/* First line in which two configurations differ, for the message. */
static void first_difference(const char *a, const char *b, char *out, size_t size)
{
    while (*a && *a == *b) {
        const char *end_a = strchr(a, '\n'), *end_b = strchr(b, '\n');
        if (!end_a || !end_b || end_a - a != end_b - b || strncmp(a, b, (size_t)(end_a - a)) != 0)
            break;
        a = end_a + 1;
        b = end_b + 1;
    }
    snprintf(out, size, "it has '%.*s', this one '%.*s'", (int)strcspn(a, "\n"), a,
             (int)strcspn(b, "\n"), b);
}

static enum snas_status check_config(const struct snas_run *run, const char *config_text,
                                     int resume, struct snas_err *err)
{
    char *path = snas_run_path(run, SNAS_RUN_CONFIG, err), *text = NULL;
    size_t size;
    if (!path)
        return SNAS_E_NOMEM;
    enum snas_status s = snas_read_file(path, TEXT_LIMIT, &text, &size, err);
    if (s == SNAS_OK && strcmp(text, config_text) != 0) {
        char difference[512];
        first_difference(text, config_text, difference, sizeof(difference));
        s = snas_fail(err, SNAS_E_STATE,
                      "'%s' holds a run of another configuration (%s); choose another place with "
                      "--out DIR or another name with --set name=...",
                      run->dir, difference);
    } else if (s == SNAS_OK && !resume) {
        s = snas_fail(err, SNAS_E_STATE,
                      "'%s' holds %s run of this configuration; go on with --resume, choose "
                      "another place with --out DIR, or remove it",
                      run->dir,
                      snas_run_has(run, SNAS_RUN_RESULT) ? "a finished" : "an unfinished");
    }
    snas_free(path);
    snas_free(text);
    return s;
}

/* 1 when the directory holds anything that a start killed before config.yaml cannot have left. */
static int has_foreign_entries(const char *dir)
{
    DIR *d = opendir(dir);
    int foreign = 0;
    for (struct dirent *e = d ? readdir(d) : NULL; e && !foreign; e = readdir(d))
        foreign = strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
                  strcmp(e->d_name, "alpha") != 0 && strcmp(e->d_name, "genotype") != 0 &&
                  strncmp(e->d_name, SNAS_RUN_CONFIG, strlen(SNAS_RUN_CONFIG)) != 0;
    if (d)
        closedir(d);
    return foreign;
}

static enum snas_status enter(struct snas_run *run, const char *config_text, int resume,
                              struct snas_err *err)
{
    int there = snas_path_exists(run->dir);
    enum snas_status s = snas_make_dirs(run->dir, err);
    if (s == SNAS_OK)
        s = lock(run, err);
    if (s != SNAS_OK)
        return s;
    if (there && snas_run_has(run, SNAS_RUN_CONFIG))
        return check_config(run, config_text, resume, err);
    if (there && has_foreign_entries(run->dir))
        return snas_fail(err, SNAS_E_STATE,
                         "'%s' is not a run directory: it is not empty and has no %s", run->dir,
                         SNAS_RUN_CONFIG);
    for (int i = 0; i < 2 && s == SNAS_OK; i++) {
        char *sub = snas_run_path(run, i ? "alpha" : "genotype", err);
        s = sub ? snas_make_dirs(sub, err) : SNAS_E_NOMEM;
        snas_free(sub);
    }
    /* Last, since its presence makes the directory a run's. */
    return s == SNAS_OK
               ? snas_run_write(run, SNAS_RUN_CONFIG, config_text, strlen(config_text), err)
               : s;
}

enum snas_status snas_run_open(const char *dir, const char *config_text, int resume,
                               struct snas_progress *progress, struct snas_run *out,
                               struct snas_err *err)
{
    memset(out, 0, sizeof(*out));
    out->lock = -1;
    out->progress = progress;
    out->dir = snas_strdup(dir, err);
    enum snas_status s = out->dir ? enter(out, config_text, resume, err) : SNAS_E_NOMEM;
    if (s == SNAS_OK) {
        char *path = snas_run_path(out, "log.txt", err);
        out->log = path ? fopen(path, "a") : NULL;
        if (!out->log)
            s = snas_fail(err, SNAS_E_IO, "cannot write the log in '%s': %s", dir, strerror(errno));
        snas_free(path);
    }
    if (s != SNAS_OK)
        snas_run_close(out);
    return s;
}

void snas_run_close(struct snas_run *run)
{
    if (run->log)
        fclose(run->log);
    if (run->lock >= 0)
        close(run->lock);
    snas_text_clear(&run->metrics);
    snas_text_clear(&run->timing);
    snas_text_clear(&run->bias);
    snas_free(run->dir);
    memset(run, 0, sizeof(*run));
    run->lock = -1;
}

void snas_run_say(struct snas_run *run, const char *fmt, ...)
{
    char line[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    fprintf(run->log, "%s\n", line);
    fflush(run->log);
    snas_progress_say(run->progress, "%s", line);
}

enum snas_status snas_run_read_rows(const struct snas_run *run, const char *name, int64_t rows,
                                    struct snas_text *out, struct snas_err *err)
{
    char *path = snas_run_path(run, name, err), *text = NULL;
    size_t size = 0;
    if (!path)
        return SNAS_E_NOMEM;
    enum snas_status s = snas_read_file(path, TEXT_LIMIT, &text, &size, err);
    if (s == SNAS_OK) {
        const char *end = text;
        for (int64_t line = 0; line < rows + 1 && end; line++) {
            end = strchr(end, '\n');
            end = end ? end + 1 : NULL;
        }
        if (end) {
            snas_text_clear(out);
            snas_text_add(out, "%.*s", (int)(end - text), text);
            s = snas_text_check(out, err);
        } else {
            s = snas_fail(err, SNAS_E_STATE, "'%s' has fewer than the checkpoint's %lld rows", path,
                          (long long)rows);
        }
    }
    snas_free(path);
    snas_free(text);
    return s;
}

/* "runs/fashion-mnist" becomes the link's "fashion-mnist", so that the folder can be moved. */
static char *link_target(const char *dir, struct snas_err *err)
{
    if (!strncmp(dir, "runs/", 5) && dir[5] && !strchr(dir + 5, '/'))
        return snas_strdup(dir + 5, err);
    char *real = realpath(dir, NULL);
    char *copy = real ? snas_strdup(real, err) : NULL;
    free(real);
    return copy;
}

enum snas_status snas_run_point_latest(const struct snas_run *run, struct snas_err *err)
{
    char temporary[64];
    char *target = link_target(run->dir, err);
    enum snas_status s = target ? snas_make_dirs("runs", err) : SNAS_E_IO;
    snprintf(temporary, sizeof(temporary), SNAS_RUN_LATEST ".%ld.tmp", (long)getpid());
    if (s == SNAS_OK) {
        unlink(temporary);
        if (symlink(target, temporary) != 0 || rename(temporary, SNAS_RUN_LATEST) != 0)
            s = snas_fail(err, SNAS_E_IO, "cannot make the link '%s': %s", SNAS_RUN_LATEST,
                          strerror(errno));
    }
    snas_free(target);
    return s;
}

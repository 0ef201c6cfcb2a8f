#include "base/io.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

static enum snas_status make_dir(const char *path, struct snas_err *err)
{
    struct stat st;
    if (mkdir(path, 0777) == 0)
        return SNAS_OK;
    int why = errno;
    if (stat(path, &st) == 0) {
        if (S_ISDIR(st.st_mode))
            return SNAS_OK;
        why = ENOTDIR;
    }
    return snas_fail(err, SNAS_E_IO, "cannot create directory '%s': %s", path, strerror(why));
}

enum snas_status snas_make_dirs(const char *path, struct snas_err *err)
{
    char *part = snas_strdup(path, err);
    if (!part)
        return SNAS_E_NOMEM;
    enum snas_status s = SNAS_OK;
    for (char *p = part + 1; *part && *p && s == SNAS_OK; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        s = make_dir(part, err);
        *p = '/';
    }
    if (s == SNAS_OK)
        s = make_dir(part, err);
    snas_free(part);
    return s;
}

int snas_path_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

int snas_path_is_directory(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

char *snas_path_join(const char *a, const char *b, struct snas_err *err)
{
    size_t n = strlen(a);
    if (b[0] == '/' || n == 0)
        return snas_strdup(b, err);
    return snas_format(err, a[n - 1] == '/' ? "%s%s" : "%s/%s", a, b);
}

/* Directory of the running program, or "" when the system does not tell. */
static void program_directory(char *dir, size_t size)
{
    ssize_t n = readlink("/proc/self/exe", dir, size - 1);
    dir[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(dir, '/');
    if (slash)
        *slash = '\0';
}

/* 1: found, in *path. 0: not here, and `looked` has a line more. -1: no memory. */
static int look(const char *dir, const char *below, const char *relative, char **path,
                char **looked, struct snas_err *err)
{
    char *base = snas_path_join(dir, below, err);
    char *candidate = base ? snas_path_join(base, relative, err) : NULL;
    snas_free(base);
    if (!candidate)
        return -1;
    if (snas_path_exists(candidate)) {
        *path = candidate;
        return 1;
    }
    char *more =
        snas_format(err, "%s%s'%s'", *looked ? *looked : "", *looked ? ", " : "", candidate);
    snas_free(candidate);
    snas_free(*looked);
    *looked = more;
    return more ? 0 : -1;
}

enum snas_status snas_find_shipped(const char *relative, char **path, struct snas_err *err)
{
    *path = NULL;
    char program[4096];
    program_directory(program, sizeof program);
    const char *data = getenv("SNAS_DATA_DIR");
    const struct {
        const char *dir, *below;
    } places[] = {
        {"", ""},
        {data ? data : "", ""},
        {program, "../../.."}, /* build/<preset>/bin of a source tree */
        {program, "../" SNAS_DATA_SUBDIR},
    };
    char *looked = NULL;
    int found = 0;
    for (size_t i = 0; i < sizeof places / sizeof *places && !found; i++) {
        if (i > 0 && (places[i].dir[0] == '\0' || relative[0] == '/'))
            continue;
        found = look(places[i].dir, places[i].below, relative, path, &looked, err);
    }
    enum snas_status s = SNAS_OK;
    if (found < 0)
        s = SNAS_E_NOMEM;
    else if (!found)
        s = snas_fail(err, SNAS_E_IO, "cannot find '%s': looked for %s", relative, looked);
    snas_free(looked);
    return s;
}

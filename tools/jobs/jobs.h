#ifndef SNAS_TOOLS_JOBS_H
#define SNAS_TOOLS_JOBS_H

#include <sys/types.h>

#include "base/progress.h"
#include "base/status.h"

/* Programs that run beside each other, each until its result is there: searches above all. A job
 * whose result is there already is done, so a list of jobs that was stopped goes on by being run
 * again. */

enum snas_job_state { SNAS_JOB_WAITING, SNAS_JOB_GOING, SNAS_JOB_DONE, SNAS_JOB_FAILED };
struct snas_job {
    char *name;   /* what progress calls it */
    char *log;    /* its messages are added to this file */
    char *result; /* the file whose presence means done */
    int capture;  /* 1: its standard output, once it ended well, becomes the result */
    char **argv;  /* [0] the program's path; NULL at the end */
    char *rows;   /* a CSV that grows by a row for each part of the work, or NULL */
    int parts;    /* rows of a whole one */
    enum snas_job_state state;
    pid_t process;
    int part; /* rows when last looked at */
};

/* The path of a program of ours: beside the one that runs. Caller frees with snas_free. */
char *snas_job_program(const char *name, struct snas_err *err);

/* What all searches of a list share. */
struct snas_job_searches {
    const char *program, *config; /* snas-search, and its operand */
    int threads;                  /* of each */
    int epochs;                   /* of a whole search, for progress */
};
/* A job of snas-search into the run directory dir, its messages in dir.log; goes on with one that
 * was stopped. The assignments are copied. Caller clears, after an error too. */
enum snas_status snas_job_search(const struct snas_job_searches *of, const char *dir,
                                 const char *const *assignments, int n, struct snas_job *out,
                                 struct snas_err *err);
/* A job of any program: the words of argv are copied. Caller clears, after an error too. */
enum snas_status snas_job_program_run(const char *const *argv, const char *name, const char *log,
                                      const char *result, struct snas_job *out,
                                      struct snas_err *err);
void snas_job_clear(struct snas_job *j);

/* Runs what is not done yet, at most `at_once` at a time. One that fails does not stop the others:
 * its state says so, and a line names its log and the last words there. SNAS_E_INTERRUPTED after a
 * signal, with all of them ended by SIGTERM, which snas-search answers by saving. *failed: how many
 * did. `title` heads the progress, whose bar is n jobs long. */
enum snas_status snas_jobs_run(struct snas_job *jobs, int n, int at_once, const char *title,
                               struct snas_progress *progress, int *failed, struct snas_err *err);

#endif

#ifndef SNAS_BASE_STATUS_H
#define SNAS_BASE_STATUS_H

/* How a fallible function answers: it returns a status and, when it is not SNAS_OK, has written
 * one clear line into the caller's `struct snas_err`. Nobody below tools/ prints or exits. */

enum snas_status {
    SNAS_OK = 0,
    SNAS_E_ARG,         /* a caller's value is out of its range */
    SNAS_E_CONFIG,      /* a configuration, space or genotype text is wrong */
    SNAS_E_IO,          /* the operating system refused: open, read, write, rename */
    SNAS_E_FORMAT,      /* a file is not what it claims to be: magic, size, truncation */
    SNAS_E_NOMEM,       /* allocation failed */
    SNAS_E_LIMIT,       /* a plan is larger than the user allows */
    SNAS_E_NUMERIC,     /* NaN or infinity where a number must be */
    SNAS_E_STATE,       /* a run directory or object is not in the state the call needs */
    SNAS_E_INTERRUPTED, /* SIGINT or SIGTERM, after the state was saved */
    SNAS_E_UNSUPPORTED  /* known, but not possible in this build or on this machine */
};

/* Owned by the caller, who sets it to {0}. `text` is one line, or several separated by '\n' when a
 * parser reports all its errors at once. A null pointer is allowed everywhere. */
struct snas_err {
    enum snas_status code;
    char text[4096];
};

/* Writes the formatted line into `err` (cut, never overrun) and returns `code`. */
enum snas_status snas_fail(struct snas_err *err, enum snas_status code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Adds a further line to `err` ('\n' between), for parsers that go on after the first error; says
 * "and more" once when the text is full. Returns `code`. */
enum snas_status snas_fail_more(struct snas_err *err, enum snas_status code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "context: " before the text that is there. Returns err's code. */
enum snas_status snas_fail_context(struct snas_err *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#ifdef __clang_analyzer__
/* The analyzer does not look into status.c: tell it that these return the code they are given. */
static inline enum snas_status snas_fail_code(enum snas_status code)
{
    return code;
}
#define snas_fail(err, code, ...) (snas_fail(err, code, __VA_ARGS__), snas_fail_code(code))
#define snas_fail_more(err, code, ...)                                                             \
    (snas_fail_more(err, code, __VA_ARGS__), snas_fail_code(code))
#endif

/* A broken invariant of our own, live in release builds too: prints file, line and text to stderr
 * and aborts. Never for anything that input can cause. */
_Noreturn void snas_bug(const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
#define SNAS_BUG(...) snas_bug(__FILE__, __LINE__, __VA_ARGS__)

#endif

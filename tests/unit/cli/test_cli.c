#include "cli/cli.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "support.h"

static struct values {
    int quiet;
    const char *out;
    int64_t seed, any;
    double rate;
    struct snas_list set;
} values;

static const struct snas_option options[] = {
    {"out", 'o', "DIR", SNAS_OPT_STRING, &values.out, 0, 0, "where the run goes"},
    {"seed", 's', "N", SNAS_OPT_INT, &values.seed, 0, 1000, "seed of all random numbers"},
    {"any", 0, "N", SNAS_OPT_INT, &values.any, 0, 0, "any integer"},
    {"rate", 0, "X", SNAS_OPT_REAL, &values.rate, 0, 1, "a rate"},
    {"set", 0, "KEY=VALUE", SNAS_OPT_LIST, &values.set, 0, 0, "changes one key"},
    {"set-all", 0, NULL, SNAS_OPT_FLAG, &values.quiet, 0, 0, "begins like another"},
    {"quiet", 'q', NULL, SNAS_OPT_FLAG, &values.quiet, 0, 0,
     "say nothing at all, whatever happens in the long run that this command starts, and wrap"},
};
static const struct snas_command command = {
    "snas-test", "tests the options",
    "CONFIG",    1,
    2,           "A paragraph.\n\n  snas-test x\\y\n\n.dot and 'tick\n",
    options,     sizeof options / sizeof *options};

struct outcome {
    int status, first;
    char out[8192], err[4096];
};

static void slurp(int fd, char *text, size_t size)
{
    lseek(fd, 0, SEEK_SET);
    ssize_t n = read(fd, text, size - 1);
    text[n > 0 ? n : 0] = '\0';
    close(fd);
}

static int temporary(void)
{
    char path[] = "/tmp/snas-test-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    unlink(path);
    return fd;
}

/* Parses with both streams kept aside. `line` is split at blanks. */
static struct outcome parse(const char *line)
{
    static char copy[2048];
    char *argv[256] = {"snas-test"};
    int argc = 1;
    snprintf(copy, sizeof copy, "%s", line);
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
        argv[argc++] = word;
    values = (struct values){0};
    struct outcome o = {0};
    int fds[2] = {temporary(), temporary()};
    fflush(stdout);
    fflush(stderr);
    int kept[2] = {dup(1), dup(2)};
    dup2(fds[0], 1);
    dup2(fds[1], 2);
    o.status = snas_cli_parse(&command, argc, argv, &o.first);
    fflush(stdout);
    fflush(stderr);
    for (int i = 0; i < 2; i++) {
        dup2(kept[i], i + 1);
        close(kept[i]);
    }
    slurp(fds[0], o.out, sizeof o.out);
    slurp(fds[1], o.err, sizeof o.err);
    return o;
}

static void cli__fills_every_type_when_given(void **state)
{
    (void)state;
    struct outcome o =
        parse("a.yaml --seed=7 -o dir --rate 0.25 --set a=1 --set b=2 -q b.yaml --any -5");
    assert_int_equal(o.status, -1);
    assert_int_equal(o.first, 13);
    assert_int_equal(values.seed, 7);
    assert_string_equal(values.out, "dir");
    assert_true(values.rate == 0.25);
    assert_int_equal(values.set.n, 2);
    assert_string_equal(values.set.items[1], "b=2");
    assert_int_equal(values.quiet, 1);
    assert_int_equal(values.any, -5);
    assert_string_equal(o.err, "");
}

static void cli__refuses_when_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *line, *message;
    } cases[] = {
        {"x --sede 3", "unknown option '--sede'; did you mean '--seed'?"},
        {"x --zzzzzzzz", "unknown option '--zzzzzzzz'\n"},
        {"x --sede=3", "unknown option '--sede'; did you mean '--seed'?"},
        {"x --se 3", "option '--se' is short for --seed and --set"},
        {"x -z", "unknown option '-z'"},
        {"x -qz", "unknown option '-z'"},
        {"x --seed", "option '--seed' needs N"},
        {"x -s", "option '--seed' needs N"},
        {"x --quiet=1", "option '--quiet' takes no value"},
        {"x --seed 1.5", "--seed: '1.5' is not an integer"},
        {"x --seed 1001", "--seed: 1001 is not in 0 to 1000"},
        {"x --seed -1", "--seed: -1 is not in 0 to 1000"},
        {"x --any 99999999999999999999", "--any: 99999999999999999999 is too large"},
        {"x --rate x", "--rate: 'x' is not a number"},
        {"x --rate nan", "--rate: 'nan' is not a number"},
        {"x --rate 2", "--rate: 2 is not in 0 to 1"},
        {"x --help=html", "--help: 'html' is not 'man'"},
        {"", "missing operand: CONFIG"},
        {"a b c", "unexpected operand 'c'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct outcome o = parse(cases[i].line);
        assert_int_equal(o.status, 2);
        assert_int_equal(strncmp(o.err, "snas-test: ", 11), 0);
        assert_contains(o.err, cases[i].message);
        assert_contains(o.err, "\nTry 'snas-test --help'.\n");
        assert_string_equal(o.out, "");
    }
}

static void cli__refuses_when_a_list_is_full(void **state)
{
    (void)state;
    char line[2048] = "x";
    for (int i = 0; i <= SNAS_LIST_MAX; i++)
        strcat(line, " --set a=1");
    struct outcome o = parse(line);
    assert_int_equal(o.status, 2);
    assert_contains(o.err, "--set: given more than 64 times");
}

static void cli__shows_help_when_asked(void **state)
{
    (void)state;
    struct outcome o = parse("--help --nonsense");
    assert_int_equal(o.status, 0);
    assert_contains(o.out, "Usage: snas-test [OPTION]... CONFIG\nTests the options.\n");
    assert_contains(o.out, "  -s, --seed=N              seed of all random numbers (0 to 1000)\n");
    assert_contains(o.out, "      --set=KEY=VALUE       changes one key (may be given many times)");
    assert_contains(o.out, "  -h, --help ");
    assert_contains(o.out, "\nA paragraph.\n");
    for (char *line = strtok(o.out, "\n"); line; line = strtok(NULL, "\n"))
        assert_true(strlen(line) < 80);
}

static void cli__shows_the_version_when_asked(void **state)
{
    (void)state;
    struct outcome o = parse("-V");
    assert_int_equal(o.status, 0);
    assert_string_equal(o.out, "snas-test " SNAS_VERSION "\n");
}

static void cli__writes_roff_when_asked_for_man(void **state)
{
    (void)state;
    struct outcome o = parse("--help=man");
    assert_int_equal(o.status, 0);
    assert_int_equal(strncmp(o.out, ".TH SNAS-TEST 1 ", 16), 0);
    assert_contains(o.out, "snas\\-test \\- tests the options\n");
    assert_contains(o.out, "\\fB\\-s\\fR, \\fB\\-\\-seed\\fR=\\fIN\\fR\nseed of all");
    assert_contains(o.out, ".nf\n  snas\\-test x\\ey\n.fi\n");
    assert_contains(o.out, "\\&.dot and 'tick");
}

static void cli__says_it_failed_when_the_output_is_full(void **state)
{
    (void)state;
    int full = open("/dev/full", O_WRONLY);
    if (full < 0)
        skip();
    fflush(stdout);
    int kept = dup(1), first;
    dup2(full, 1);
    char *argv[] = {"snas-test", "--version", NULL};
    int status = snas_cli_parse(&command, 2, argv, &first);
    clearerr(stdout);
    dup2(kept, 1);
    close(kept);
    close(full);
    assert_int_equal(status, 1);
}

/* In a child each: one signal is only noted, two of any kind end it. */
static void cli__ends_at_once_when_signalled_twice(void **state)
{
    (void)state;
    for (int times = 1; times <= 2; times++) {
        fflush(NULL);
        pid_t child = fork();
        if (child == 0) {
            snas_cli_catch_signals();
            raise(SIGINT);
            if (times == 2)
                raise(SIGTERM);
            _exit(snas_cli_signal == SIGINT ? 40 : 41);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        if (times == 1)
            assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 40);
        else
            assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cli__fills_every_type_when_given),
        cmocka_unit_test(cli__refuses_when_wrong),
        cmocka_unit_test(cli__refuses_when_a_list_is_full),
        cmocka_unit_test(cli__shows_help_when_asked),
        cmocka_unit_test(cli__shows_the_version_when_asked),
        cmocka_unit_test(cli__writes_roff_when_asked_for_man),
        cmocka_unit_test(cli__says_it_failed_when_the_output_is_full),
        cmocka_unit_test(cli__ends_at_once_when_signalled_twice),
    };
    return snas_test_run(tests);
}

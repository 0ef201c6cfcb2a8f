#include "base/progress.h"

#include <pty.h>
#include <sys/ioctl.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "support.h"

static void pause_for(double seconds)
{
    struct timespec t = {0, (long)(seconds * 1e9)};
    nanosleep(&t, NULL);
}

static void progress__is_silent_when_quiet(void **state)
{
    (void)state;
    const struct snas_progress_options o = {0};
    struct snas_progress *p = snas_progress_create(&o);
    assert_null(p);
    snas_progress_begin(p, "search", 10);
    snas_progress_update(p, 1, "x");
    snas_progress_say(p, "line");
    snas_progress_end(p);
    snas_progress_destroy(p);
}

static void progress__writes_lines_when_not_a_terminal(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    const struct snas_progress_options o = {.stream = f, .line_every = 0.02};
    struct snas_progress *p = snas_progress_create(&o);
    assert_non_null(p);
    snas_progress_begin(p, "search", 200);
    snas_progress_update(p, 100, "first");
    assert_int_equal(size, 0); /* nothing before line_every has passed */
    pause_for(0.03);
    snas_progress_update(p, 110, "loss 0.4\033[2J");
    snas_progress_update(p, 111, "too soon");
    snas_progress_say(p, "epoch %d", 3);
    snas_progress_end(p);
    snas_progress_update(p, 120, "after the end");
    snas_progress_destroy(p);
    fclose(f);
    /* 10 of 200 took 30 ms: 90 are left, so below a second on any machine that is not stopped. */
    assert_int_equal(strncmp(text, "search  55%  ETA 0:0", 20), 0);
    assert_contains(text, "  loss 0.4?[2J\nepoch 3\n");
    assert_null(strstr(text, "too soon"));
    assert_null(strstr(text, "after"));
    assert_null(strchr(text, '\r'));
    free(text);
}

/* "... ETA M:SS ..." of the last line. */
static double last_eta(const char *text)
{
    const char *at = NULL;
    for (const char *next = text; (next = strstr(next, "ETA ")) != NULL; next += 4)
        at = next;
    assert_non_null(at);
    char *seconds;
    double minutes = strtod(at + 4, &seconds);
    assert_int_equal(*seconds, ':');
    return 60 * minutes + strtod(seconds + 1, NULL);
}

/* Steps a thousand times cheaper from the middle on: what is left takes about half of what the
 * whole time's mean says. */
static void progress__eta_follows_when_steps_become_cheaper(void **state)
{
    (void)state;
    const double total = 5e7;
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    const struct snas_progress_options o = {.stream = f, .line_every = 1e-6};
    struct snas_progress *p = snas_progress_create(&o);
    snas_progress_begin(p, "search", total);
    snas_progress_update(p, 0, "");
    double began = snas_seconds(), done = 0;
    for (int i = 0; i < 100; i++) {
        pause_for(0.002);
        done += i < 50 ? 1 : 1000;
        snas_progress_update(p, done, "");
    }
    double mean_eta = (total - done) * (snas_seconds() - began) / done;
    snas_progress_destroy(p);
    fclose(f);
    assert_true(last_eta(text) < 0.9 * mean_eta);
    assert_true(last_eta(text) > 0.3 * mean_eta);
    free(text);
}

static void progress__waits_ten_seconds_when_nothing_is_said(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    const struct snas_progress_options o = {.stream = f};
    struct snas_progress *p = snas_progress_create(&o);
    snas_progress_begin(p, "search", 10);
    for (int i = 0; i < 10; i++)
        snas_progress_update(p, i, "");
    snas_progress_destroy(p);
    fclose(f);
    assert_int_equal(size, 0);
    free(text);
}

/* Everything that a terminal of `columns` got; the writing end is closed. */
static char *on_terminal(int columns, void (*play)(struct snas_progress *))
{
    int master, slave;
    struct winsize w = {.ws_row = 24, .ws_col = (unsigned short)columns};
    if (openpty(&master, &slave, NULL, NULL, &w) != 0)
        skip();
    setenv("TERM", "xterm", 1);
    FILE *f = fdopen(slave, "w");
    const struct snas_progress_options o = {.stream = f};
    struct snas_progress *p = snas_progress_create(&o);
    assert_non_null(p);
    play(p);
    snas_progress_destroy(p);
    fclose(f); /* what was written stays readable, and then an error ends the reading */
    static char text[1 << 16];
    size_t size = 0;
    for (ssize_t n; (n = read(master, text + size, sizeof text - 1 - size)) > 0;)
        size += (size_t)n;
    text[size] = '\0';
    close(master);
    return text;
}

static void play_short(struct snas_progress *p)
{
    snas_progress_begin(p, "search", 4);
    snas_progress_update(p, 1, "caf\xC3\xA9 caf\xC3\xA9 caf\xC3\xA9 caf\xC3\xA9 caf\xC3\xA9");
    snas_progress_say(p, "said");
}

static void progress__fits_the_width_when_on_a_terminal(void **state)
{
    (void)state;
    for (int columns = 10; columns < 90; columns++) {
        char *text = on_terminal(columns, play_short);
        assert_int_equal(text[0], '\r');
        char *bar = text + 1, *end = strstr(bar, "\033[K");
        assert_non_null(end);
        char line[256];
        snprintf(line, sizeof line, "%.*s", (int)(end - bar), bar);
        char clean[256];
        strcpy(clean, line);
        snas_utf8_clean(clean);
        assert_string_equal(clean, line); /* no character cut in half */
        int used = snas_utf8_columns(line);
        assert_true(used == columns - 1 || (used < columns && columns > 60));
        /* The line that was said stands alone, the bar comes again, and goes at the end. */
        assert_int_equal(strncmp(end, "\033[K\r\033[Ksaid\r\n\r", 14), 0);
        assert_string_equal(text + strlen(text) - 4, "\r\033[K");
    }
    char *text = on_terminal(80, play_short);
    assert_contains(text, "search [######..................]  25%  ETA -:--  caf\xC3\xA9");
}

static void play_fast(struct snas_progress *p)
{
    snas_progress_begin(p, "search", 1e6);
    double until = snas_seconds() + 0.25;
    for (int i = 0; snas_seconds() < until; i++)
        snas_progress_update(p, i, "");
}

static void progress__redraws_seldom_when_updated_often(void **state)
{
    (void)state;
    double began = snas_seconds();
    char *text = on_terminal(80, play_fast);
    int most = (int)((snas_seconds() - began) * 10) + 1, draws = 0;
    for (char *at = text; (at = strstr(at, "search")) != NULL; at++)
        draws++;
    assert_true(draws >= 2 && draws <= most);
}

static void play_odd(struct snas_progress *p)
{
    snas_progress_begin(p, "odd", 0);
    snas_progress_update(p, -5, NULL);
    snas_progress_begin(p, "again", 10);
    snas_progress_update(p, 1e300, "");
}

static void progress__stays_sane_when_numbers_are_not(void **state)
{
    (void)state;
    char *text = on_terminal(80, play_odd);
    assert_contains(text, "odd [........................]   0%");
    assert_contains(text, "again [########################] 100%");
}

static void progress__is_null_when_memory_is_short(void **state)
{
    (void)state;
    const struct snas_progress_options o = {.stream = stdout};
    snas_mem_fail_at(1);
    assert_null(snas_progress_create(&o));
    snas_mem_fail_at(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(progress__is_silent_when_quiet),
        cmocka_unit_test(progress__writes_lines_when_not_a_terminal),
        cmocka_unit_test(progress__eta_follows_when_steps_become_cheaper),
        cmocka_unit_test(progress__waits_ten_seconds_when_nothing_is_said),
        cmocka_unit_test(progress__fits_the_width_when_on_a_terminal),
        cmocka_unit_test(progress__redraws_seldom_when_updated_often),
        cmocka_unit_test(progress__stays_sane_when_numbers_are_not),
        cmocka_unit_test(progress__is_null_when_memory_is_short),
    };
    return snas_test_run(tests);
}

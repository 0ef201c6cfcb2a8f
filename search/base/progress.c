#include "base/progress.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"

enum { TITLE_MAX = 128, STATUS_MAX = 512, LINE_MAX_BYTES = 1024, BAR_CELLS = 24, COLUMNS = 80 };

static const double redraw_every = 0.1;      /* seconds: 10 Hz */
static const double line_every_default = 10; /* seconds */
static const double worth_a_line = 2;        /* what took less leaves no line behind */

struct snas_progress {
    FILE *stream;
    int terminal, drawn; /* drawn: the cursor's line shows a bar */
    double line_every;
    char title[TITLE_MAX], status[STATUS_MAX];
    double total, done;
    double began, shown; /* times; shown: the last bar or line */
    /* The rate is measured from the first update on: a resumed run does not begin at 0. Older
     * progress and its time are forgotten alike, so that the ETA follows a cost that changes. */
    double first_time, last_done, last_time;
    double recent_done, recent_time;
    int running;
};

struct snas_progress *snas_progress_create(const struct snas_progress_options *o)
{
    if (!o->stream)
        return NULL;
    struct snas_progress *p = snas_alloc(1, sizeof *p, NULL);
    if (!p)
        return NULL;
    const char *term = getenv("TERM");
    p->stream = o->stream;
    p->terminal = isatty(fileno(o->stream)) && !(term && strcmp(term, "dumb") == 0);
    p->line_every = o->line_every > 0 ? o->line_every : line_every_default;
    return p;
}

static int stream_columns(const struct snas_progress *p)
{
    struct winsize w;
    if (ioctl(fileno(p->stream), TIOCGWINSZ, &w) == 0 && w.ws_col > 0)
        return w.ws_col;
    return COLUMNS;
}

static void clear_bar(struct snas_progress *p)
{
    if (p->drawn)
        fputs("\r\033[K", p->stream);
    p->drawn = 0;
}

/* "4:05" or "1:02:33"; dashes while nothing is known. */
static void format_time(double seconds, char *text, size_t size)
{
    if (!(seconds >= 0) || seconds > 1e7) {
        snprintf(text, size, "-:--");
        return;
    }
    long s = lround(seconds);
    if (s >= 3600)
        snprintf(text, size, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
    else
        snprintf(text, size, "%ld:%02ld", s / 60, s % 60);
}

static double share_done(const struct snas_progress *p)
{
    double share = p->total > 0 ? p->done / p->total : 0;
    return share > 0 ? (share < 1 ? share : 1) : 0;
}

static double seconds_left(const struct snas_progress *p, double now)
{
    double rate = p->recent_done / (p->recent_time + (now - p->last_time));
    return rate > 0 ? (p->total - p->done) / rate : -1;
}

/* "title [####....]  42%  ETA 3:20  status"; a plain line leaves the bar out. */
static void format_line(const struct snas_progress *p, double now, int with_bar, char *line,
                        size_t size)
{
    char bar[BAR_CELLS + 4] = "", left[32];
    double share = share_done(p);
    if (with_bar) {
        int full = (int)(share * BAR_CELLS);
        bar[0] = '[';
        memset(bar + 1, '#', (size_t)full);
        memset(bar + 1 + full, '.', (size_t)(BAR_CELLS - full));
        memcpy(bar + 1 + BAR_CELLS, "] ", 3);
    }
    format_time(seconds_left(p, now), left, sizeof left);
    snprintf(line, size, "%s %s%3d%%  ETA %s%s%s", p->title, bar, (int)(share * 100), left,
             p->status[0] ? "  " : "", p->status);
}

static void draw(struct snas_progress *p, double now)
{
    char line[LINE_MAX_BYTES];
    format_line(p, now, 1, line, sizeof line);
    snas_utf8_clean(line);
    snas_utf8_cut(line, stream_columns(p) - 1); /* the last column would wrap on some terminals */
    fprintf(p->stream, "\r%s\033[K", line);
    fflush(p->stream);
    p->drawn = 1;
    p->shown = now;
}

static void print_line(struct snas_progress *p, double now)
{
    char line[LINE_MAX_BYTES];
    format_line(p, now, 0, line, sizeof line);
    snas_utf8_clean(line);
    fprintf(p->stream, "%s\n", line);
    fflush(p->stream);
    p->shown = now;
}

/* The memory is a share of the time that has passed: long against a pause between two epochs. */
static void note_rate(struct snas_progress *p, double now, double done)
{
    const double memory = 0.25;
    if (p->first_time == 0) {
        p->first_time = now;
        p->recent_done = p->recent_time = 0;
    } else if (now > p->last_time) {
        double passed = now - p->last_time;
        double keep = exp(-passed / (memory * (now - p->first_time)));
        p->recent_done = p->recent_done * keep + done - p->last_done;
        p->recent_time = p->recent_time * keep + passed;
    } else {
        p->recent_done += done - p->last_done;
    }
    p->last_time = now;
    p->last_done = done;
}

void snas_progress_begin(struct snas_progress *p, const char *title, double total)
{
    if (!p)
        return;
    snas_progress_end(p);
    snprintf(p->title, sizeof p->title, "%s", title);
    p->status[0] = '\0';
    p->total = total;
    p->done = 0;
    p->began = snas_seconds();
    p->shown = p->terminal ? 0 : p->began;
    p->first_time = 0;
    p->running = 1;
}

void snas_progress_update(struct snas_progress *p, double done, const char *status)
{
    if (!p || !p->running)
        return;
    double now = snas_seconds();
    note_rate(p, now, done);
    p->done = done;
    if (now - p->shown < (p->terminal ? redraw_every : p->line_every))
        return;
    snprintf(p->status, sizeof p->status, "%s", status ? status : "");
    if (p->terminal)
        draw(p, now);
    else
        print_line(p, now);
}

void snas_progress_say(struct snas_progress *p, const char *fmt, ...)
{
    if (!p)
        return;
    int redraw = p->drawn;
    clear_bar(p);
    va_list args;
    va_start(args, fmt);
    vfprintf(p->stream, fmt, args);
    va_end(args);
    fputc('\n', p->stream);
    if (redraw)
        draw(p, snas_seconds());
    fflush(p->stream);
}

void snas_progress_end(struct snas_progress *p)
{
    if (!p || !p->running)
        return;
    p->running = 0;
    clear_bar(p);
    double took = snas_seconds() - p->began;
    if (took >= worth_a_line) {
        char text[32];
        format_time(took, text, sizeof text);
        snas_utf8_clean(p->title);
        fprintf(p->stream, "%s %3d%%  in %s\n", p->title, (int)(100 * share_done(p)), text);
    }
    fflush(p->stream);
}

void snas_progress_destroy(struct snas_progress *p)
{
    snas_progress_end(p);
    snas_free(p);
}

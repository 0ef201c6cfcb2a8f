#include "snas-reproduce/plot.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/text.h"

/* The report page's, which stay apart for colour-blind readers. */
static const char *const colours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                      "#e69f00", "#56b4e9", "#7b61c4", "#5f8a3c"};
enum { COLOURS = sizeof colours / sizeof *colours };

enum snas_status plot_reserve(struct plot *p, int n, int most, struct snas_err *err)
{
    p->n = n;
    p->lines = snas_alloc((size_t)n, sizeof *p->lines, err);
    for (int i = 0; p->lines && i < n; i++) {
        p->lines[i].x = snas_alloc(3 * (size_t)(most + 1), sizeof(double), err);
        if (!p->lines[i].x)
            return SNAS_E_NOMEM;
        p->lines[i].y = p->lines[i].x + most + 1;
        p->lines[i].sd = p->lines[i].y + most + 1;
    }
    return p->lines ? SNAS_OK : SNAS_E_NOMEM;
}

void plot_clear(struct plot *p)
{
    for (int i = 0; p->lines && i < p->n; i++)
        snas_free(p->lines[i].x);
    snas_free(p->lines);
    p->lines = NULL;
}

void plot_add(struct plot_line *l, double x, double y, double sd)
{
    if (!isfinite(y))
        return;
    l->x[l->n] = x;
    l->y[l->n] = y;
    l->sd[l->n++] = isfinite(sd) ? sd : 0;
}

/* Within single quotes of gnuplot's language. */
static void quoted(struct snas_text *t, const char *text)
{
    snas_text_add(t, "'");
    for (; *text; text++)
        snas_text_add(t, *text == '\'' ? "''" : "%c", *text);
    snas_text_add(t, "'");
}

static void add_data(const struct plot *p, struct snas_text *t)
{
    for (int i = 0; i < p->n; i++) {
        snas_text_add(t, "$d%d << EOD\n", i);
        for (int k = 0; k < p->lines[i].n; k++)
            snas_text_add(t, "%.7g %.7g %.7g\n", p->lines[i].x[k], p->lines[i].y[k],
                          p->lines[i].sd[k]);
        snas_text_add(t, "EOD\n");
    }
}

static void add_line(const struct plot_line *l, int i, struct snas_text *t)
{
    const char *colour = colours[i % COLOURS];
    /* what repeats a colour is dashed, and has another mark */
    int dash = 1 + i / COLOURS, mark = 4 + 2 * (i % 5) + (i % 5 > 2);
    if (!l->points)
        snas_text_add(t,
                      ", $d%d using 1:($2-$3):($2+$3) with filledcurves lc rgb '%s' fs transparent "
                      "solid 0.15 noborder notitle",
                      i, colour);
    snas_text_add(t, ", $d%d using 1:2 with %s lc rgb '%s' lw 2 dt %d pt %d ps %s title ", i,
                  l->points ? "points" : "linespoints", colour, dash, mark,
                  l->points ? "0.8" : "0.4");
    quoted(t, l->title);
}

/* What is always in the plot: the diagonal, or nothing that can be seen. */
static void add_ground(const struct plot *p, struct snas_text *t)
{
    double low = INFINITY, high = -INFINITY, left = INFINITY, right = -INFINITY;
    for (int i = 0; i < p->n; i++)
        for (int k = 0; k < p->lines[i].n; k++) {
            const double x = p->lines[i].x[k], y = p->lines[i].y[k];
            low = fmin(low, fmin(x, y));
            high = fmax(high, fmax(x, y));
            left = fmin(left, x);
            right = fmax(right, x);
        }
    if (!isfinite(low))
        snas_text_add(t, "set xrange [0:1]\nset yrange [0:1]\nplot 2 notitle");
    else if (p->diagonal)
        snas_text_add(t,
                      "$e << EOD\n%.7g %.7g\n%.7g %.7g\nEOD\nplot $e using 1:2 with lines lc rgb "
                      "'#888888' dt 2 title 'equal'",
                      low, low, high, high);
    else if (right - left >= 1 && !strcmp(p->x, "epoch")) /* no half epochs */
        snas_text_add(t, "set xtics %.0f\n", ceil((right - left) / 10));
    if (isfinite(low) && !p->diagonal)
        snas_text_add(t, "$e << EOD\n%.7g NaN\nEOD\nplot $e using 1:2 with dots notitle", left);
}

static void script(const struct plot *p, struct snas_text *t)
{
    snas_text_add(t,
                  "# gnuplot %s.gp > %s.svg\n"
                  "set terminal svg size 760,400 noenhanced background rgb 'white' font "
                  "'sans-serif,12'\n"
                  "set key outside right top\nset grid lc rgb '#dddddd'\nset border 3\n"
                  "set tics nomirror\n",
                  p->name, p->name);
    add_data(p, t);
    snas_text_add(t, "set xlabel ");
    quoted(t, p->x);
    snas_text_add(t, "\nset ylabel ");
    quoted(t, p->y);
    snas_text_add(t, p->log_x ? "\nset logscale x\n" : "\n");
    add_ground(p, t);
    for (int i = 0; i < p->n; i++)
        if (p->lines[i].n)
            add_line(&p->lines[i], i, t);
    snas_text_add(t, "\n");
}

/* Runs gnuplot on a file, or to ask its version where it is NULL; its picture goes to `svg`. */
static enum snas_status gnuplot(const char *from, const char *svg, struct snas_err *err)
{
    int how = 0;
    pid_t process = fork();
    if (process == 0) {
        int out = open(svg, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        if (out >= 0 && dup2(out, 1) == 1 && (from || dup2(out, 2) == 2))
            execlp("gnuplot", "gnuplot", from ? from : "--version", (char *)NULL);
        _exit(errno == ENOENT ? 126 : 127);
    }
    if (process < 0)
        return snas_fail(err, SNAS_E_IO, "cannot start gnuplot: %s", strerror(errno));
    while (waitpid(process, &how, 0) < 0 && errno == EINTR)
        ;
    if (WIFEXITED(how) && WEXITSTATUS(how) == 126)
        return snas_fail(err, SNAS_E_UNSUPPORTED,
                         "gnuplot, which draws the plots, is not here: tools/install-deps "
                         "reproduce (Debian: gnuplot-nox)");
    if (!WIFEXITED(how) || WEXITSTATUS(how) != 0)
        return snas_fail(err, SNAS_E_IO, "gnuplot could not draw '%s'", svg);
    return SNAS_OK;
}

enum snas_status plot_possible(struct snas_err *err)
{
    return gnuplot(NULL, "/dev/null", err);
}

enum snas_status plot_draw(const struct plot *p, const char *dir, struct snas_err *err)
{
    struct snas_text t = {0};
    char *from = snas_format(err, "%s/%s.gp", dir, p->name);
    char *svg = from ? snas_format(err, "%s/%s.svg", dir, p->name) : NULL;
    script(p, &t);
    enum snas_status s = svg ? snas_text_check(&t, err) : SNAS_E_NOMEM;
    if (s == SNAS_OK)
        s = snas_write_file(from, t.data, t.n, err);
    if (s == SNAS_OK)
        s = gnuplot(from, svg, err);
    snas_text_clear(&t);
    snas_free(svg);
    snas_free(from);
    return s;
}

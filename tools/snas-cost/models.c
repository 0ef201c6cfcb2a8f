/* snas-cost models and import: a measurement that is made elsewhere. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/text.h"
#include "export/micro.h"
#include "export/onnx/write.h"
#include "snas-cost/cost.h"
#include "snas-cost/table.h"
#include "timing/device.h"
#include "timing/timer.h"

#define CSV_MAX ((size_t)16 << 20)
#define LISTED 12 /* missing models named in an error */

/* --- models --- */

static enum snas_status write_models(const struct subject *s, const struct snas_micro_set *set,
                                     const char *dir, struct snas_err *err)
{
    enum snas_status status = SNAS_OK;
    for (int i = 0; status == SNAS_OK && i < set->n; i++) {
        struct snas_child child;
        char *path = snas_format(err, "%s/%s.onnx", dir, set->items[i].name);
        status = path ? snas_micro_child(s->net, &set->items[i], &child, err) : SNAS_E_NOMEM;
        if (status == SNAS_OK) {
            status = snas_timer_write_model(&child,
                                            "A micro-network of snas-cost: only its run time "
                                            "says something.",
                                            path, err);
            snas_child_clear(&child);
        }
        snas_free(path);
    }
    return status;
}

static const char recipe[] =
    "Measuring these models elsewhere\n"
    "\n"
    "Every model stands for one candidate op at one place of the network (its name: op, channels,\n"
    "height x width of its input, stride). It holds %d copies of the op in a small cell;\n"
    "null_*.onnx is the same cell without them. `snas-cost import` takes the time of a model less\n"
    "that of its null network, divided by the copies, so every model of the list is needed.\n"
    "Input `input` is float32 [batch, C, H, W], output `logits` [batch, 10]; use batch 1.\n"
    "\n"
    "Measure as the final network will run: same runtime, threads, power mode and optimisation\n"
    "level. Warm up 5 runs or more, keep 40 or more, go through all models several times rather\n"
    "than long at one, and write a line per model, in milliseconds:\n"
    "\n"
    "  model,median_ms,min_ms,p90_ms,runs\n"
    "  null_c16_32x32_s1,0.1312,0.1290,0.1375,300\n"
    "\n"
    "Only model and median_ms are needed. A path before the name and .onnx behind it may stay.\n"
    "\n"
    "ONNX Runtime, Python (writes results.csv in this directory):\n"
    "\n"
    "%s"
    "\n"
    "ONNX Runtime, its own tool, one model after the other:\n"
    "\n"
    "  for m in *.onnx; do onnxruntime_perf_test -e cpu -x 1 -r 300 -I $m; done\n"
    "\n"
    "TensorRT (a Jetson):\n"
    "\n"
    "  trtexec --onnx=MODEL --minShapes=input:1xCxHxW --optShapes=input:1xCxHxW \\\n"
    "      --maxShapes=input:1xCxHxW --warmUp=200 --iterations=300\n"
    "\n"
    "Then, where the configuration is:\n"
    "\n"
    "  snas-cost import %s results.csv --device NAME --runtime NAME -o costs.yaml\n";

static const char python[] =
    "  import glob, statistics, time\n"
    "  import numpy, onnxruntime\n"
    "  options = onnxruntime.SessionOptions()\n"
    "  options.intra_op_num_threads = 1\n"
    "  models = {}\n"
    "  for path in sorted(glob.glob('*.onnx')):\n"
    "      s = onnxruntime.InferenceSession(path, options, providers=['CPUExecutionProvider'])\n"
    "      shape = [1] + s.get_inputs()[0].shape[1:]\n"
    "      models[path] = s, {'input': numpy.random.randn(*shape).astype('float32')}, []\n"
    "  for turn in range(15):\n"
    "      for s, feed, times in models.values():\n"
    "          for run in range(25):\n"
    "              start = time.perf_counter()\n"
    "              s.run(None, feed)\n"
    "              if run >= 5:\n"
    "                  times.append(1e3 * (time.perf_counter() - start))\n"
    "  with open('results.csv', 'w') as out:\n"
    "      print('model,median_ms,min_ms,p90_ms,runs', file=out)\n"
    "      for path, (s, feed, t) in models.items():\n"
    "          print(path, statistics.median(t), min(t), sorted(t)[int(0.9 * len(t))], len(t),\n"
    "                sep=',', file=out)\n";

static enum snas_status write_recipe(const struct subject *s, const char *dir, struct snas_err *err)
{
    struct snas_text t = {0};
    char *path = snas_format(err, "%s/RECIPE.txt", dir);
    snas_text_add(&t, recipe, SNAS_MICRO_COPIES, python, s->config);
    enum snas_status status = path ? snas_text_check(&t, err) : SNAS_E_NOMEM;
    if (status == SNAS_OK)
        status = snas_write_file(path, t.data, t.n, err);
    snas_text_clear(&t);
    snas_free(path);
    return status;
}

enum snas_status cost_models(const struct subject *s, const char *dir, struct snas_err *err)
{
    struct snas_micro_set set;
    enum snas_status status = snas_micro_set_create(s->net, &set, err);
    if (status != SNAS_OK)
        return status;
    status = snas_make_dirs(dir, err);
    if (status == SNAS_OK)
        status = write_models(s, &set, dir, err);
    if (status == SNAS_OK)
        status = write_recipe(s, dir, err);
    if (status == SNAS_OK)
        printf("%s: %d models for %d candidate ops; %s/RECIPE.txt says how to run them\n", dir,
               set.n, s->net->n_z, dir);
    snas_micro_set_clear(&set);
    return status;
}

/* --- import --- */

enum field { MODEL, MEDIAN, MIN, P90, RUNS, FIELDS };
static const char *const field_names[FIELDS] = {"model", "median_ms", "min_ms", "p90_ms", "runs"};

struct csv {
    const char *path;
    int line;
    int at[FIELDS]; /* column of a field, or -1 */
    const struct snas_micro_set *set;
    double (*time)[FIELDS]; /* [set->n], of the model; [MODEL]: line it is of, 0: not there */
    enum snas_status status;
    struct snas_err *err;
};

#define refuse(csv, ...) refuse_at(csv, snas_format((csv)->err, __VA_ARGS__))

static void refuse_at(struct csv *c, char *text)
{
    c->status = text ? snas_fail_more(c->err, SNAS_E_FORMAT, "%s:%d: %s", c->path, c->line, text)
                     : SNAS_E_NOMEM;
    snas_free(text);
}

/* Cuts a line at its commas; spaces around a word and quotes go. Words beyond `most` are dropped.
 */
static int split(char *line, char **words, int most)
{
    int n = 0;
    for (char *rest = line; rest;) {
        char *comma = strchr(rest, ','), *next = comma ? comma + 1 : NULL;
        if (comma)
            *comma = '\0';
        rest += strspn(rest, " \t\"");
        size_t length = strlen(rest);
        while (length && strchr(" \t\r\"", rest[length - 1]))
            rest[--length] = '\0';
        if (n < most)
            words[n] = rest;
        n++;
        rest = next;
    }
    return n < most ? n : most;
}

enum { WORDS = 32 };

static void read_header(struct csv *c, char *line)
{
    char *words[WORDS];
    int n = split(line, words, WORDS);
    for (int f = 0; f < FIELDS; f++) {
        c->at[f] = -1;
        for (int i = 0; i < n; i++)
            if (strcmp(words[i], field_names[f]) == 0)
                c->at[f] = i;
    }
    if (c->at[MODEL] < 0 || c->at[MEDIAN] < 0)
        refuse(c, "the first line names the columns: model,median_ms[,min_ms,p90_ms,runs]");
}

/* "models/sep_conv_3x3_c16_32x32_s1.onnx" -> its index, or -1. */
static int find_model(const struct csv *c, char *word)
{
    char *slash = strrchr(word, '/'), *name = slash ? slash + 1 : word;
    size_t n = strlen(name);
    if (n > 5 && strcmp(name + n - 5, ".onnx") == 0)
        name[n - 5] = '\0';
    for (int i = 0; i < c->set->n; i++)
        if (strcmp(c->set->items[i].name, name) == 0)
            return i;
    return -1;
}

static void read_line(struct csv *c, char *line)
{
    char *words[WORDS];
    int n = split(line, words, WORDS);
    if (n == 1 && !*words[0])
        return;
    if (n <= c->at[MODEL] || n <= c->at[MEDIAN]) {
        refuse(c, "%d fields where the first line has more", n);
        return;
    }
    int i = find_model(c, words[c->at[MODEL]]);
    if (i < 0) {
        refuse(c, "'%.80s' is no model of this configuration", words[c->at[MODEL]]);
        return;
    }
    if (c->time[i][MODEL] > 0) {
        refuse(c, "%s was given before, in line %.0f", c->set->items[i].name, c->time[i][MODEL]);
        return;
    }
    c->time[i][MODEL] = c->line;
    for (int f = MEDIAN; f < FIELDS; f++) {
        if (c->at[f] < 0 || c->at[f] >= n) {
            c->time[i][f] = f == RUNS ? 0 : c->time[i][MEDIAN];
            continue;
        }
        const char *word = words[c->at[f]];
        char *end;
        c->time[i][f] = strtod(word, &end);
        if (end == word || *end || !isfinite(c->time[i][f]) || c->time[i][f] < 0)
            refuse(c, "%s: '%.40s' is no time: a finite number, not negative, is expected",
                   field_names[f], word);
    }
}

static void list_missing(struct csv *c)
{
    struct snas_text t = {0};
    int missing = 0;
    for (int i = 0; i < c->set->n; i++)
        if (c->time[i][MODEL] == 0 && missing++ < LISTED)
            snas_text_add(&t, "%s %s", missing > 1 ? "," : "", c->set->items[i].name);
    if (missing && snas_text_check(&t, c->err) == SNAS_OK)
        c->status =
            snas_fail_more(c->err, SNAS_E_FORMAT, "%s: %d of %d models are missing:%s%s", c->path,
                           missing, c->set->n, t.data, missing > LISTED ? ", and more" : "");
    else if (missing)
        c->status = SNAS_E_NOMEM;
    snas_text_clear(&t);
}

static void read_csv(struct csv *c, char *data)
{
    for (char *line = data; line && c->status != SNAS_E_NOMEM;) {
        char *end = strchr(line, '\n');
        if (end)
            *end = '\0';
        c->line++;
        if (c->line == 1)
            read_header(c, line);
        else
            read_line(c, line);
        line = end && c->status != SNAS_E_NOMEM ? end + 1 : NULL;
        if (c->line == 1 && c->status != SNAS_OK)
            return;
    }
    list_missing(c);
}

/* Models' times -> what one copy adds to its null network. */
static enum snas_status rows_of(const struct csv *c, const struct snas_network *net,
                                struct snas_cost_table *table, struct snas_err *err)
{
    static const enum field of[4] = {MIN, MEDIAN, P90, RUNS};
    const struct snas_micro_set *set = c->set;
    double(*latency)[4] = snas_alloc((size_t)set->n, sizeof *latency, err);
    if (!latency)
        return SNAS_E_NOMEM;
    for (int i = 0; i < set->n; i++) {
        for (int k = 0; k < 3; k++) {
            double more = c->time[i][of[k]] - c->time[set->items[i].null][of[k == 2 ? 1 : k]];
            latency[i][k] = fmax(more / SNAS_MICRO_COPIES, 0);
        }
        latency[i][0] = fmin(latency[i][0], latency[i][1]);
        latency[i][2] = fmax(latency[i][2], latency[i][1]);
        latency[i][3] = c->time[i][RUNS];
    }
    enum snas_status s = table_set_latency(net, set, latency, table, err);
    snas_free(latency);
    return s;
}

/* Words that go into a quoted YAML scalar as they are. */
static enum snas_status take_word(const char *option, const char *word, char *to, size_t size,
                                  struct snas_err *err)
{
    for (const char *p = word; *p; p++)
        if ((unsigned char)*p < ' ' || *p == '"' || *p == '\\')
            return snas_fail(err, SNAS_E_ARG, "%s: without quotes, backslashes, control characters",
                             option);
    snprintf(to, size, "%s", word);
    return SNAS_OK;
}

enum snas_status cost_import(const struct subject *s, const char *csv, struct snas_err *err)
{
    struct snas_cost_table table = {0};
    struct snas_micro_set set = {0};
    struct csv c = {.path = csv, .set = &set, .err = err};
    char *data = NULL;
    size_t size;
    enum snas_status status = snas_read_file(csv, CSV_MAX, &data, &size, err);
    if (status == SNAS_OK)
        status = snas_cost_table_create(s->net, &table, err);
    if (status == SNAS_OK)
        status = take_word("--runtime", args.runtime ? args.runtime : "imported",
                           table.source.runtime, sizeof table.source.runtime, err);
    if (status == SNAS_OK)
        status = take_word("--device", args.source ? args.source : "unknown", table.source.device,
                           sizeof table.source.device, err);
    if (status == SNAS_OK)
        status = snas_micro_set_create(s->net, &set, err);
    if (status == SNAS_OK) {
        table.source.threads = (int)args.threads;
        table.source.opset = SNAS_ONNX_OPSET;
        snas_today(table.source.date, sizeof table.source.date);
        c.time = snas_alloc((size_t)set.n, sizeof *c.time, err);
        if (c.time)
            read_csv(&c, data);
        status = c.time ? c.status : SNAS_E_NOMEM;
    }
    if (status == SNAS_OK)
        status = rows_of(&c, s->net, &table, err);
    if (status == SNAS_OK)
        status = snas_cost_table_write(args.output, s->net, &table, err);
    if (status == SNAS_OK)
        printf("%s: latency of %d candidate ops from %d models of %s\n", args.output, s->net->n_z,
               set.n, csv);
    snas_free(c.time);
    snas_free(data);
    snas_micro_set_clear(&set);
    snas_cost_table_clear(&table);
    return status;
}

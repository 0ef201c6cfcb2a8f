#include "data/dataset.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/rng.h"
#include "data/reader.h"

/* Where a data set was found. */
struct place {
    char *directory;
    char prefix[SNAS_DATA_PREFIX_MAX]; /* of IDX files */
    enum snas_data_format format;
};

static const struct {
    enum snas_data_format format;
    const char *title, *file;
} formats[] = {
    {SNAS_DATA_IDX, "IDX", "train-images-idx3-ubyte (MNIST's family; or .gz, or with a prefix)"},
    {SNAS_DATA_CIFAR10, "CIFAR-10", "data_batch_1.bin (CIFAR-10, binary version)"},
    {SNAS_DATA_CIFAR100, "CIFAR-100", "train.bin (CIFAR-100, binary version)"}};

/* Directories that the usual downloads make inside the one that is asked for. */
static const char *const inner[] = {"", "cifar-10-batches-bin", "cifar-100-binary", "raw"};

int snas_data_has(const char *directory, const char *file)
{
    char path[PATH_MAX]; /* a longer path cannot be opened either */
    int n = snprintf(path, sizeof path, "%s/%s", directory, file);
    return n > 0 && n < PATH_MAX && snas_path_exists(path);
}

enum snas_status snas_data_read(const char *path, unsigned char **bytes, size_t *size,
                                struct snas_err *err)
{
    struct stat st;
    char *data;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
        return snas_fail(err, SNAS_E_IO, "'%s' is not a regular file", path);
    enum snas_status status = snas_read_file_gz(path, SNAS_DATA_FILE_MAX, &data, size, err);
    if (status == SNAS_OK)
        *bytes = (unsigned char *)data;
    return status;
}

/* One file per format decides. Several IDX sets beside each other are told apart by prefix. */
static enum snas_status look_in(const char *directory, enum snas_data_format wanted,
                                struct place *place, int *n, struct snas_err *err)
{
    char prefixes[2][SNAS_DATA_PREFIX_MAX] = {{0}, {0}};
    const char *first = "";
    *n = 0;
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        enum snas_data_format format = formats[i].format;
        if (wanted != SNAS_DATA_AUTO && wanted != format)
            continue;
        int sets = format == SNAS_DATA_IDX ? snas_idx_find(directory, NULL, prefixes)
                                           : snas_cifar_find(directory, format);
        if (sets == 0)
            continue;
        if (sets > 1 && prefixes[0][0] != '\0') /* none at all, which sorts first, is the choice */
            return snas_fail(err, SNAS_E_ARG,
                             "'%s' holds several IDX sets: give one as '%s/%s' or '%s/%s'",
                             directory, directory, prefixes[0], directory, prefixes[1]);
        if ((*n)++ > 0)
            return snas_fail(err, SNAS_E_ARG, "'%s' holds both %s and %s: say which format",
                             directory, first, formats[i].title);
        first = formats[i].title;
        place->format = format;
        if (format == SNAS_DATA_IDX)
            memcpy(place->prefix, prefixes[0], sizeof place->prefix);
    }
    return SNAS_OK;
}

static enum snas_status nothing_found(const char *directory, enum snas_data_format wanted,
                                      struct snas_err *err)
{
    if (access(directory, R_OK | X_OK) != 0)
        return snas_fail(err, SNAS_E_IO, "cannot read the directory '%s': %s", directory,
                         strerror(errno));
    const char *sought[3] = {"", "", ""};
    int n = 0;
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (wanted == SNAS_DATA_AUTO || wanted == formats[i].format)
            sought[n++] = formats[i].file;
    int pickled = snas_data_has(directory, "data_batch_1") || snas_data_has(directory, "meta") ||
                  snas_data_has(directory, "cifar-10-batches-py") ||
                  snas_data_has(directory, "cifar-100-python");
    return snas_fail(err, SNAS_E_IO, "'%s': no data set here; looked for %s%s%s%s%s%s", directory,
                     sought[0], n > 1 ? ", " : "", sought[1], n > 2 ? ", " : "", sought[2],
                     pickled ? " (what is here is CIFAR's Python version)" : "");
}

/* `path` is no directory, but may be directory/prefix. */
static enum snas_status locate_prefix(const char *path, enum snas_data_format wanted,
                                      struct place *place, struct snas_err *err)
{
    int code = snas_path_is_directory(path) ? 0 : errno;
    char found[2][SNAS_DATA_PREFIX_MAX];
    const char *slash = strrchr(path, '/');
    const char *prefix = slash != NULL ? slash + 1 : path;
    if (wanted == SNAS_DATA_AUTO || wanted == SNAS_DATA_IDX) {
        place->directory = slash != NULL ? snas_format(err, "%.*s", (int)(slash - path) + 1, path)
                                         : snas_strdup(".", err);
        if (place->directory == NULL)
            return SNAS_E_NOMEM;
        if (prefix[0] != '\0' && snas_idx_find(place->directory, prefix, found) > 0) {
            place->format = SNAS_DATA_IDX;
            memcpy(place->prefix, found[0], sizeof place->prefix);
            return SNAS_OK;
        }
    }
    const char *hint = strcmp(path, "/usr/share/datasets/fashion-mnist") == 0
                           ? " (Debian's package dataset-fashion-mnist brings it)"
                           : "";
    return snas_fail(err, SNAS_E_IO, "cannot open the data directory '%s': %s%s", path,
                     strerror(snas_path_exists(path) ? ENOTDIR : code), hint);
}

static enum snas_status locate(const char *path, enum snas_data_format wanted, struct place *place,
                               struct snas_err *err)
{
    if (!snas_path_is_directory(path))
        return locate_prefix(path, wanted, place, err);
    for (size_t i = 0; i < sizeof inner / sizeof inner[0]; i++) {
        int n;
        place->directory = i == 0 ? snas_strdup(path, err) : snas_path_join(path, inner[i], err);
        if (place->directory == NULL)
            return SNAS_E_NOMEM;
        enum snas_status st = look_in(place->directory, wanted, place, &n, err);
        if (st != SNAS_OK || n == 1)
            return st;
        snas_free(place->directory);
        place->directory = NULL;
    }
    return nothing_found(path, wanted, err);
}

/* The last part of the path, in printable ASCII: it goes into files and onto terminals. */
static void name_dataset(const char *path, const char *prefix, char name[64])
{
    char real[PATH_MAX];
    const char *text = prefix[0] != '\0' || realpath(path, real) == NULL ? path : real;
    size_t end = strlen(text);
    for (int i = 0; i < 2; i++) {
        while (end > 1 && text[end - 1] == '/')
            end--;
        if (end < 5 || memcmp(text + end - 4, "/raw", 4) != 0) /* torchvision's FashionMNIST/raw */
            break;
        end -= 4;
    }
    size_t begin = end;
    while (begin > 0 && text[begin - 1] != '/')
        begin--;
    size_t n = end - begin < 63 ? end - begin : 63;
    for (size_t i = 0; i < n; i++)
        name[i] = text[begin + i] > ' ' && text[begin + i] < 0x7f ? text[begin + i] : '_';
    name[n] = '\0';
}

enum snas_status snas_dataset_open(const char *directory, enum snas_data_format format,
                                   enum snas_split split, struct snas_dataset *out,
                                   struct snas_err *err)
{
    struct place place = {0};
    memset(out, 0, sizeof *out);
    enum snas_status st = locate(directory, format, &place, err);
    if (st == SNAS_OK) {
        name_dataset(directory, place.prefix, out->name);
        st = place.format == SNAS_DATA_IDX
                 ? snas_idx_open(place.directory, place.prefix, split, out, err)
                 : snas_cifar_open(place.directory, place.format, split, out, err);
    }
    if (st == SNAS_OK && out->names == NULL && out->classes == 10 &&
        strcasestr(out->name, "fashion") != NULL)
        st = snas_names_known(snas_names_fashion, out->classes, &out->names, err);
    snas_free(place.directory);
    if (st != SNAS_OK)
        snas_dataset_clear(out);
    return st;
}

void snas_dataset_clear(struct snas_dataset *ds)
{
    snas_free(ds->pixels);
    snas_free(ds->labels);
    snas_names_free(ds->names, ds->classes);
    memset(ds, 0, sizeof *ds);
}

void snas_dataset_split(int n, int held_out, uint64_t seed, uint32_t *held, uint32_t *rest)
{
    if (held_out < 0 || held_out > n)
        SNAS_BUG("cannot hold out %d of %d images", held_out, n);
    for (int i = 0; i < n; i++)
        *(i < held_out ? &held[i] : &rest[i - held_out]) = (uint32_t)i;
    struct snas_rng rng = snas_rng_make(seed, SNAS_STREAM_SPLIT, 0);
    for (int i = 0; i + 1 < n; i++) { /* one shuffle over the two arrays as if they were one */
        int j = i + (int)snas_rng_below(&rng, (uint32_t)(n - i));
        uint32_t *a = i < held_out ? &held[i] : &rest[i - held_out];
        uint32_t *b = j < held_out ? &held[j] : &rest[j - held_out];
        uint32_t t = *a;
        *a = *b;
        *b = t;
    }
}

void snas_dataset_statistics(const struct snas_dataset *ds, const uint32_t *indices, int n,
                             double *mean, double *sd)
{
    size_t area = (size_t)ds->height * (size_t)ds->width;
    for (int c = 0; c < ds->channels; c++) {
        /* counting the 256 values makes the sums exact, whatever the number of images */
        uint64_t count[256] = {0};
        for (int i = 0; i < n; i++) {
            const uint8_t *p = ds->pixels + indices[i] * area * (size_t)ds->channels + c;
            for (size_t k = 0; k < area; k++)
                count[p[k * (size_t)ds->channels]]++;
        }
        double total = (double)n * (double)area, sum = 0, square = 0;
        for (int v = 0; v < 256; v++)
            sum += (double)count[v] * v;
        for (int v = 0; v < 256; v++)
            square += (double)count[v] * (v - sum / total) * (v - sum / total);
        mean[c] = sum / total / 255;
        sd[c] = square > 0 ? sqrt(square / total) / 255 : 1;
    }
}

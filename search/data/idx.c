#include "data/reader.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/io.h"
#include "base/mem.h"

/* IDX (LeCun's MNIST page): two zero bytes, type 8 (unsigned byte), number of dimensions, each
 * dimension as 32 bits big-endian, then the bytes. Three dimensions are grey images; four, which
 * MNIST's family does not have, are [n][height][width][channels]. */

enum role { TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS };

static const struct {
    const char *stem, *other; /* file name without prefix and ending; MNIST's, then EMNIST's */
    const char *ends[2];      /* behind '-' or '.' */
} roles[] = {{"train-images", NULL, {"idx3-ubyte", "idx4-ubyte"}},
             {"train-labels", NULL, {"idx1-ubyte", NULL}},
             {"t10k-images", "test-images", {"idx3-ubyte", "idx4-ubyte"}},
             {"t10k-labels", "test-labels", {"idx1-ubyte", NULL}}};

/* Cuts `tail` off the first *length bytes of text. */
static int cut(const char *text, size_t *length, const char *tail)
{
    size_t n = strlen(tail);
    if (n > *length || memcmp(text + *length - n, tail, n) != 0)
        return 0;
    *length -= n;
    return 1;
}

/* Rank of `file` for a role: 0 does not fit, else the smaller the better, so that the choice
 * among several does not depend on the order of the directory. *prefix: bytes of its prefix. */
static int rank_of(const char *file, enum role role, size_t *prefix)
{
    size_t length = strlen(file);
    int rank = 1;
    if (cut(file, &length, ".gz"))
        rank += 1;
    int end = 0;
    while (end < 2 && (roles[role].ends[end] == NULL || !cut(file, &length, roles[role].ends[end])))
        end++;
    if (end == 2 || length == 0 || (file[length - 1] != '-' && file[length - 1] != '.'))
        return 0;
    rank += 8 * end + 2 * (file[length - 1] == '.');
    length--;
    if (!cut(file, &length, roles[role].stem)) {
        if (roles[role].other == NULL || !cut(file, &length, roles[role].other))
            return 0;
        rank += 4;
    }
    if (length > 0 && !cut(file, &length, "-"))
        return 0;
    *prefix = length;
    return rank;
}

int snas_idx_find(const char *directory, const char *prefix, char found[2][SNAS_DATA_PREFIX_MAX])
{
    int n = 0;
    found[0][0] = found[1][0] = '\0';
    DIR *dir = opendir(directory);
    const struct dirent *entry;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        char name[SNAS_DATA_PREFIX_MAX];
        size_t length;
        if (rank_of(entry->d_name, TRAIN_IMAGES, &length) == 0 || length >= sizeof name)
            continue;
        memcpy(name, entry->d_name, length);
        name[length] = '\0';
        if (prefix != NULL && strcmp(prefix, name) != 0)
            continue;
        if (n > 0 && (strcmp(name, found[0]) == 0 || (n > 1 && strcmp(name, found[1]) == 0)))
            continue;
        /* the two smallest by name, in order */
        int at = n > 0 && strcmp(name, found[0]) > 0;
        if (at == 1 && n == 2 && strcmp(name, found[1]) > 0)
            continue;
        if (at == 0)
            memcpy(found[1], found[0], sizeof found[1]);
        memcpy(found[at], name, length + 1);
        n += n < 2;
    }
    if (dir != NULL)
        closedir(dir);
    return n;
}

/* Path of the best file for a role; the error lists what was looked for. */
static enum snas_status find_file(const char *directory, const char *prefix, enum role role,
                                  char **path, struct snas_err *err)
{
    char best[256] = "";
    int best_rank = INT_MAX;
    DIR *dir = opendir(directory);
    const struct dirent *entry;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        size_t length;
        int rank = rank_of(entry->d_name, role, &length);
        if (rank == 0 || rank >= best_rank || length != strlen(prefix) ||
            memcmp(prefix, entry->d_name, length) != 0)
            continue;
        best_rank = rank;
        snprintf(best, sizeof best, "%s", entry->d_name);
    }
    if (dir != NULL)
        closedir(dir);
    if (best[0] == '\0') {
        char names[2][SNAS_DATA_PREFIX_MAX + 32] = {"", ""};
        const char *stems[2] = {roles[role].stem, roles[role].other};
        for (int i = 0; i < 2 && stems[i] != NULL; i++)
            snprintf(names[i], sizeof names[i], "%s%s%s%s-%s", i > 0 ? " or " : "", prefix,
                     prefix[0] != '\0' ? "-" : "", stems[i], roles[role].ends[0]);
        return snas_fail(err, SNAS_E_IO,
                         "'%s': no file %s%s (looked also for the ending .%s and for .gz)",
                         directory, names[0], names[1], roles[role].ends[0]);
    }
    *path = snas_path_join(directory, best, err);
    return *path != NULL ? SNAS_OK : SNAS_E_NOMEM;
}

static uint32_t big_endian(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static enum snas_status check_size(const char *path, size_t size, uint64_t due, const char *what,
                                   struct snas_err *err)
{
    if (size < due)
        return snas_fail(err, SNAS_E_FORMAT,
                         "'%s': byte %zu: the file ends here, %llu bytes are due", path, size,
                         (unsigned long long)due);
    if (size > due)
        return snas_fail(err, SNAS_E_FORMAT, "'%s': byte %llu: %llu bytes behind the last %s", path,
                         (unsigned long long)due, (unsigned long long)(size - due), what);
    return SNAS_OK;
}

enum snas_status snas_idx_parse_images(const char *path, const unsigned char *bytes, size_t size,
                                       struct snas_dataset *out, size_t *offset,
                                       struct snas_err *err)
{
    if (size < 4)
        return check_size(path, size, 16, "image", err);
    uint32_t magic = big_endian(bytes);
    if (magic != 0x803 && magic != 0x804)
        return snas_fail(err, SNAS_E_FORMAT,
                         "'%s': byte 0: magic number 0x%08x%s, expected 0x00000803 (IDX images)",
                         path, (unsigned)magic, magic == 0x801 ? " (these are labels)" : "");
    size_t dims = magic & 0xff;
    *offset = 4 + 4 * dims;
    if (size < *offset)
        return check_size(path, size, *offset, "image", err);
    uint32_t n = big_endian(bytes + 4), side[2];
    uint32_t channels = dims == 4 ? big_endian(bytes + 16) : 1;
    if (n == 0 || n > INT_MAX)
        return snas_fail(err, SNAS_E_FORMAT, "'%s': byte 4: %u images", path, (unsigned)n);
    for (int i = 0; i < 2; i++) {
        side[i] = big_endian(bytes + 8 + 4 * i);
        if (side[i] == 0 || side[i] > SNAS_DATA_SIDE_MAX)
            return snas_fail(err, SNAS_E_FORMAT, "'%s': byte %d: %s %u is not in 1..%d", path,
                             8 + 4 * i, i == 0 ? "height" : "width", (unsigned)side[i],
                             SNAS_DATA_SIDE_MAX);
    }
    if (channels != 1 && channels != 3)
        return snas_fail(err, SNAS_E_FORMAT, "'%s': byte 16: %u channels, can be 1 or 3", path,
                         (unsigned)channels);
    out->n = (int)n;
    out->height = (int)side[0];
    out->width = (int)side[1];
    out->channels = (int)channels;
    /* at most 2^31 * 2^24 * 3: no overflow */
    return check_size(path, size, *offset + (uint64_t)n * side[0] * side[1] * channels, "image",
                      err);
}

enum snas_status snas_idx_parse_labels(const char *path, const unsigned char *bytes, size_t size,
                                       int *n, struct snas_err *err)
{
    if (size < 4)
        return check_size(path, size, SNAS_IDX_LABELS_AT, "label", err);
    uint32_t magic = big_endian(bytes);
    if (magic != 0x801)
        return snas_fail(err, SNAS_E_FORMAT,
                         "'%s': byte 0: magic number 0x%08x%s, expected 0x00000801 (IDX labels)",
                         path, (unsigned)magic,
                         magic == 0x803 || magic == 0x804 ? " (these are images)" : "");
    if (size < SNAS_IDX_LABELS_AT)
        return check_size(path, size, SNAS_IDX_LABELS_AT, "label", err);
    uint32_t count = big_endian(bytes + 4);
    if (count == 0 || count > INT_MAX)
        return snas_fail(err, SNAS_E_FORMAT, "'%s': byte 4: %u labels", path, (unsigned)count);
    *n = (int)count;
    return check_size(path, size, SNAS_IDX_LABELS_AT + (uint64_t)count, "label", err);
}

static enum snas_status read_images(const char *directory, const char *prefix,
                                    enum snas_split split, struct snas_dataset *out, char **path,
                                    struct snas_err *err)
{
    size_t size, offset = 0;
    enum role role = split == SNAS_SPLIT_TRAIN ? TRAIN_IMAGES : TEST_IMAGES;
    enum snas_status st = find_file(directory, prefix, role, path, err);
    if (st == SNAS_OK)
        st = snas_data_read(*path, &out->pixels, &size, err);
    if (st != SNAS_OK)
        return st;
    st = snas_idx_parse_images(*path, out->pixels, size, out, &offset, err);
    if (st == SNAS_OK) /* the pixels stay in the file's own memory: no second copy */
        memmove(out->pixels, out->pixels + offset, size - offset);
    return st;
}

struct labels {
    char *path;
    unsigned char *bytes; /* the file; labels from SNAS_IDX_LABELS_AT */
    int n;
};

static enum snas_status read_labels(const char *directory, const char *prefix, enum role role,
                                    struct labels *out, struct snas_err *err)
{
    size_t size;
    enum snas_status st = find_file(directory, prefix, role, &out->path, err);
    if (st == SNAS_OK)
        st = snas_data_read(out->path, &out->bytes, &size, err);
    if (st != SNAS_OK)
        return st;
    return snas_idx_parse_labels(out->path, out->bytes, size, &out->n, err);
}

/* The training labels say where labels begin (EMNIST's letters: at 1) and how many there are. */
static enum snas_status label_range(const struct labels *train, int *least, int *classes,
                                    struct snas_err *err)
{
    int low = 255, high = 0;
    for (int i = 0; i < train->n; i++) {
        int label = train->bytes[SNAS_IDX_LABELS_AT + i];
        low = label < low ? label : low;
        high = label > high ? label : high;
    }
    *least = low == 1;
    *classes = high - *least + 1;
    if (low == high)
        return snas_fail(err, SNAS_E_FORMAT, "'%s': byte %d: all %d labels are %d", train->path,
                         SNAS_IDX_LABELS_AT, train->n, low);
    return SNAS_OK;
}

static enum snas_status take_labels(const struct labels *labels, const struct labels *train,
                                    const char *images, struct snas_dataset *out,
                                    struct snas_err *err)
{
    int least;
    if (labels->n != out->n)
        return snas_fail(err, SNAS_E_FORMAT, "'%s': byte 4: %d labels for %d images of '%s'",
                         labels->path, labels->n, out->n, images);
    enum snas_status st = label_range(train, &least, &out->classes, err);
    if (st != SNAS_OK)
        return st;
    out->labels = snas_alloc((size_t)out->n, sizeof *out->labels, err);
    if (out->labels == NULL)
        return SNAS_E_NOMEM;
    for (int i = 0; i < out->n; i++) {
        int label = labels->bytes[SNAS_IDX_LABELS_AT + i];
        if (label < least || label >= least + out->classes)
            return snas_fail(err, SNAS_E_FORMAT,
                             "'%s': byte %zu: label %d is not in %d..%d, the training labels",
                             labels->path, (size_t)SNAS_IDX_LABELS_AT + (size_t)i, label, least,
                             least + out->classes - 1);
        out->labels[i] = label - least;
    }
    return SNAS_OK;
}

static enum snas_status take_names(const char *directory, const char *prefix,
                                   struct snas_dataset *out, struct snas_err *err)
{
    char *file = snas_format(err, "%s%sclass-names.txt", prefix, prefix[0] != '\0' ? "-" : "");
    char *path = file != NULL ? snas_path_join(directory, file, err) : NULL;
    enum snas_status st = path != NULL ? SNAS_OK : SNAS_E_NOMEM;
    if (st == SNAS_OK && snas_path_exists(path))
        st = snas_names_read(path, out->classes, &out->names, err);
    snas_free(file);
    snas_free(path);
    return st;
}

enum snas_status snas_idx_open(const char *directory, const char *prefix, enum snas_split split,
                               struct snas_dataset *out, struct snas_err *err)
{
    struct labels train = {0}, test = {0};
    char *images = NULL;
    enum snas_status st = read_images(directory, prefix, split, out, &images, err);
    if (st == SNAS_OK)
        st = read_labels(directory, prefix, TRAIN_LABELS, &train, err);
    if (st == SNAS_OK && split == SNAS_SPLIT_TEST)
        st = read_labels(directory, prefix, TEST_LABELS, &test, err);
    if (st == SNAS_OK)
        st = take_labels(split == SNAS_SPLIT_TEST ? &test : &train, &train, images, out, err);
    if (st == SNAS_OK)
        st = take_names(directory, prefix, out, err);
    snas_free(images);
    snas_free(train.path);
    snas_free(train.bytes);
    snas_free(test.path);
    snas_free(test.bytes);
    return st;
}

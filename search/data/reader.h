#ifndef SNAS_DATA_READER_H
#define SNAS_DATA_READER_H

#include <stddef.h>
#include <stdint.h>

#include "data/dataset.h"

/* Inside the room: what the front (dataset.c) asks of the formats. The *_parse functions take
 * bytes already in memory, so that a fuzzer can reach them; `path` stands for the file in
 * messages. Offsets in messages count from 0, in a .gz in the unpacked data. */

enum {
    SNAS_DATA_SIDE_MAX = 4096,  /* largest height or width believed */
    SNAS_DATA_PREFIX_MAX = 256, /* bytes of "emnist-letters", with its NUL */
    SNAS_CIFAR_SIDE = 32,       /* height and width of CIFAR's images */
    SNAS_CIFAR_PIXELS = 3 * 32 * 32
};
#define SNAS_DATA_FILE_MAX ((size_t)4 << 30) /* bytes of one file, unpacked */

/* 1 when the directory has an entry of this name. */
int snas_data_has(const char *directory, const char *file);

/* A whole file of a data set, unpacked; as snas_read_file_gz, but a pipe or a device, which may
 * never end, is refused. Caller frees with snas_free. */
enum snas_status snas_data_read(const char *path, unsigned char **bytes, size_t *size,
                                struct snas_err *err);

/* Which of IDX's files are in `directory`, the prefix being the sets' ("" or "emnist-letters", as
 * in emnist-letters-train-images-idx3-ubyte.gz). `prefix` NULL: any; found[0] is then the first
 * prefix by name and found[1] another one, "" if there is none. Returns how many of the two. */
int snas_idx_find(const char *directory, const char *prefix, char found[2][SNAS_DATA_PREFIX_MAX]);
/* Fills everything of `out` but the name; on error `out` may be half full. */
enum snas_status snas_idx_open(const char *directory, const char *prefix, enum snas_split split,
                               struct snas_dataset *out, struct snas_err *err);
/* Checks a file of images whole. out: n, channels, height, width; *offset: where pixels begin. */
enum snas_status snas_idx_parse_images(const char *path, const unsigned char *bytes, size_t size,
                                       struct snas_dataset *out, size_t *offset,
                                       struct snas_err *err);
/* Checks a file of labels but not their range; they begin at byte SNAS_IDX_LABELS_AT. */
enum { SNAS_IDX_LABELS_AT = 8 };
enum snas_status snas_idx_parse_labels(const char *path, const unsigned char *bytes, size_t size,
                                       int *n, struct snas_err *err);

/* 1 when the directory holds the format's first training file. */
int snas_cifar_find(const char *directory, enum snas_data_format format);
/* As snas_idx_open. */
enum snas_status snas_cifar_open(const char *directory, enum snas_data_format format,
                                 enum snas_split split, struct snas_dataset *out,
                                 struct snas_err *err);
/* One file of records: its size and every label. *n: records. */
enum snas_status snas_cifar_parse(const char *path, enum snas_data_format format,
                                  const unsigned char *bytes, size_t size, int *n,
                                  struct snas_err *err);

/* Class names from a text file, one a line, exactly `classes` of them, valid UTF-8 without control
 * characters. Caller frees with snas_names_free. */
enum snas_status snas_names_read(const char *path, int classes, char ***names,
                                 struct snas_err *err);
enum snas_status snas_names_parse(const char *path, const char *text, size_t size, int classes,
                                  char ***names, struct snas_err *err);
/* A copy of a built-in table, whose entries end in '\n'. */
enum snas_status snas_names_known(const char *table, int classes, char ***names,
                                  struct snas_err *err);
void snas_names_free(char **names, int classes);
extern const char snas_names_fashion[], snas_names_cifar10[], snas_names_cifar100[];

#endif

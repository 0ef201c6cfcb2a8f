#ifndef SNAS_BASE_IO_OPS_H
#define SNAS_BASE_IO_OPS_H

#include "base/io.h"

/* Shared by the files of base that do io; not for other rooms. */
const struct snas_io_ops *snas_io_now(void);   /* the table in force */
int snas_io_open(const char *path, int flags); /* tries again after EINTR; mode 0666 */

#endif

#ifndef SNAS_BASE_AVAILABLE_H
#define SNAS_BASE_AVAILABLE_H

#include <stddef.h>

/* Bytes that this process could still take without swapping: what Linux says is available
 * (/proc/meminfo), no more than the limit of the control group; 0: not known. */
size_t snas_memory_available(void);
/* The same from files under another root ("" is the system's): for tests. */
size_t snas_memory_available_in(const char *root);

#endif

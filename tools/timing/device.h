#ifndef SNAS_TIMING_DEVICE_H
#define SNAS_TIMING_DEVICE_H

#include <stddef.h>

/* What /proc/cpuinfo calls the processor, or "unknown". */
void snas_device_name(char *text, size_t size);
void snas_today(char *text, size_t size); /* "2026-11-24" */

#endif

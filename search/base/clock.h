#ifndef SNAS_BASE_CLOCK_H
#define SNAS_BASE_CLOCK_H

double snas_seconds(void); /* monotonic, since an arbitrary start */

#endif

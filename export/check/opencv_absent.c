#include <stdio.h>

#include "export/check/session.h"

/* Stands for the OpenCV adapter where the build found no OpenCV. */

static int available(char *text, int size)
{
    snprintf(text, (size_t)size, "built without OpenCV DNN (libopencv-dnn-dev)");
    return 0;
}

const struct snas_runtime_ops snas_runtime_opencv = {.available = available};

#include <stdio.h>

#include "export/check/session.h"

/* Stands for the OpenCV adapter where the build found no OpenCV. */

static int available(char *text, int size)
{
    snprintf(text, (size_t)size, "built without OpenCV DNN (libopencv-dnn-dev)");
    return 0;
}

static int open_session(const char *path, int threads, const int *chw, int classes, void **state,
                        char *why, int size)
{
    (void)path, (void)threads, (void)chw, (void)classes, (void)state;
    available(why, size);
    return -1;
}

static int run_session(void *state, const float *images, int n, float *logits, char *why, int size)
{
    (void)state, (void)images, (void)n, (void)logits;
    available(why, size);
    return -1;
}

static void close_session(void *state)
{
    (void)state;
}

const struct snas_runtime_ops snas_runtime_opencv = {
    .available = available, .open = open_session, .run = run_session, .close = close_session};

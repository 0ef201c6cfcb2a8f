#ifndef SNAS_EXPORT_ONNX_SCAN_H
#define SNAS_EXPORT_ONNX_SCAN_H

/* Internal to export/onnx: looks at a message's wire format before protobuf-c unpacks it, because
 * that recurses as deep as the file says and takes a hundred bytes for an empty message of two. */

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>

struct snas_onnx_scan {
    int deepest;    /* most levels allowed */
    size_t allowed; /* most messages and repeated items allowed; counts down */
};
/* 0 when it may be unpacked, -1 when it is broken, too deep or too many. */
int snas_onnx_scan(const ProtobufCMessageDescriptor *type, const unsigned char *data, size_t size,
                   struct snas_onnx_scan *limits, int depth);

#endif

#include "export/onnx/scan.h"

#include <stdint.h>

enum { VARINT = 0, FIXED64 = 1, DELIMITED = 2, FIXED32 = 5 };

/* A base-128 number; 0 on success. */
static int varint(const unsigned char **p, const unsigned char *end, uint64_t *value)
{
    *value = 0;
    for (int shift = 0; shift < 64 && *p < end; shift += 7) {
        unsigned char byte = *(*p)++;
        *value |= (uint64_t)(byte & 0x7F) << shift;
        if (!(byte & 0x80))
            return 0;
    }
    return -1;
}

/* Passes over a field's value; *inner and *length: what a delimited one holds. */
static int skip(const unsigned char **p, const unsigned char *end, int wire,
                const unsigned char **inner, uint64_t *length)
{
    *inner = *p;
    *length = 0;
    switch (wire) {
    case VARINT:
        return varint(p, end, length);
    case FIXED64:
        *length = 8;
        break;
    case FIXED32:
        *length = 4;
        break;
    case DELIMITED:
        if (varint(p, end, length) != 0)
            return -1;
        *inner = *p;
        break;
    default: /* groups are not part of ONNX */
        return -1;
    }
    if (*length > (uint64_t)(end - *p))
        return -1;
    *p += *length;
    return 0;
}

int snas_onnx_scan(const ProtobufCMessageDescriptor *type, const unsigned char *data, size_t size,
                   struct snas_onnx_scan *limits, int depth)
{
    if (depth > limits->deepest)
        return -1;
    const unsigned char *p = data, *end = data + size;
    while (p < end) {
        uint64_t tag, length;
        const unsigned char *inner;
        if (limits->allowed-- == 0 || varint(&p, end, &tag) != 0 || tag >> 3 == 0 ||
            tag >> 3 > 0x1FFFFFFF || skip(&p, end, (int)(tag & 7), &inner, &length) != 0)
            return -1;
        const ProtobufCFieldDescriptor *field =
            protobuf_c_message_descriptor_get_field(type, (unsigned)(tag >> 3));
        if (field && field->type == PROTOBUF_C_TYPE_MESSAGE && (tag & 7) == DELIMITED &&
            snas_onnx_scan(field->descriptor, inner, (size_t)length, limits, depth + 1) != 0)
            return -1;
    }
    return 0;
}

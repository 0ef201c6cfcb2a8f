#include <stddef.h>
#include <stdint.h>

#include "export/onnx/read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct snas_onnx_file *file;
    struct snas_err err = {0};
    int chw[3], classes;
    if (snas_onnx_parse("fuzz.onnx", data, size, &file, &err))
        return 0;
    snas_onnx_shape(file, chw, &classes);
    double sum = chw[0] + classes;
    for (size_t i = 0; i < snas_onnx_tensor_count(file); i++) {
        const struct snas_onnx_tensor *t = snas_onnx_tensor_at(file, i);
        if (t->data && t->count > 0)
            sum += (double)t->data[t->count - 1];
    }
    for (size_t i = 0; i < snas_onnx_node_count(file); i++)
        sum += snas_onnx_node_at(file, i).op[0];
    snas_onnx_free(file);
    return sum > 1e300 ? -1 : 0; /* reads what the file claims to hold */
}

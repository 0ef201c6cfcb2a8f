/* classify MODEL < IMAGE: the class of a 28 x 28 gray image given as raw bytes.
 * MODEL is made with `snas-export --normalise`, so that it takes values of 0..1. */
#include <onnxruntime_c_api.h>
#include <stdio.h>

#define DO(call)                                                                                   \
    do {                                                                                           \
        OrtStatus *status_ = ort->call;                                                            \
        if (status_)                                                                               \
            return fprintf(stderr, "%s\n", ort->GetErrorMessage(status_)), 1;                      \
    } while (0)

int main(int argc, char **argv)
{
    const OrtApi *ort = OrtGetApiBase()->GetApi(10);
    const char *in = "input", *out = "logits";
    const int64_t shape[] = {1, 1, 28, 28};
    float image[28 * 28], *logits;
    OrtEnv *env;
    OrtSessionOptions *options;
    OrtSession *session;
    OrtMemoryInfo *memory;
    OrtValue *x, *y = NULL;
    int best = 0;

    for (int i = 0; i < 28 * 28; i++)
        image[i] = (float)getchar() / 255;
    DO(CreateEnv(ORT_LOGGING_LEVEL_WARNING, "classify", &env));
    DO(CreateSessionOptions(&options));
    DO(CreateSession(env, argc > 1 ? argv[1] : "model.onnx", options, &session));
    DO(CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &memory));
    DO(CreateTensorWithDataAsOrtValue(memory, image, sizeof image, shape, 4,
                                      ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &x));
    DO(Run(session, NULL, &in, (const OrtValue *const *)&x, 1, &out, 1, &y));
    DO(GetTensorMutableData(y, (void **)&logits));
    for (int c = 1; c < 10; c++)
        best = logits[c] > logits[best] ? c : best;
    printf("%d\n", best);
    return 0;
}

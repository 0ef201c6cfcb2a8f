// OpenCV's DNN module: the one runtime in reach that shares no code with ONNX Runtime.
#include <cstdio>
#include <cstring>
#include <new>
#include <opencv2/dnn.hpp>
#include <stdexcept>

#include "export/check/session.h"

namespace
{

struct session {
    cv::dnn::Net net;
    int chw[3];
    int classes;
};

int available(char *text, int size)
{
    std::snprintf(text, static_cast<size_t>(size), "OpenCV DNN %s", CV_VERSION);
    return 1;
}

// Runs `body`, turning what it throws into words; OpenCV would print them as well.
template <class F> int guarded(char *why, int size, F body)
{
    cv::ErrorCallback before = cv::redirectError(
        [](int, const char *, const char *, const char *, int, void *) { return 0; });
    int result = -1;
    try {
        body();
        result = 0;
    } catch (const cv::Exception &e) {
        std::snprintf(why, static_cast<size_t>(size), "%s", e.err.c_str());
    } catch (const std::exception &e) {
        std::snprintf(why, static_cast<size_t>(size), "%s", e.what());
    }
    cv::redirectError(before);
    return result;
}

int open_session(const char *path, int threads, const int *chw, int classes, void **state,
                 char *why, int size)
{
    session *s = nullptr;
    int result = guarded(why, size, [&] {
        s = new session;
        std::memcpy(s->chw, chw, sizeof s->chw);
        s->classes = classes;
        cv::setNumThreads(threads > 0 ? threads : -1);
        s->net = cv::dnn::readNetFromONNX(path);
        s->net.setPreferableBackend(cv::dnn::DNN_BACKEND_OPENCV);
        s->net.setPreferableTarget(cv::dnn::DNN_TARGET_CPU);
    });
    if (result != 0)
        delete s;
    else
        *state = s;
    return result;
}

int run_session(void *state, const float *images, int n, float *logits, char *why, int size)
{
    session *s = static_cast<session *>(state);
    return guarded(why, size, [&] {
        const int shape[4] = {n, s->chw[0], s->chw[1], s->chw[2]};
        cv::Mat blob(4, shape, CV_32F, const_cast<float *>(images));
        s->net.setInput(blob);
        cv::Mat out = s->net.forward();
        if (out.type() != CV_32F || !out.isContinuous() ||
            out.total() != static_cast<size_t>(n) * static_cast<size_t>(s->classes))
            throw std::runtime_error("its answer has not the shape [batch, classes]");
        std::memcpy(logits, out.ptr<float>(), out.total() * sizeof *logits);
    });
}

void close_session(void *state)
{
    delete static_cast<session *>(state);
}

} // namespace

const struct snas_runtime_ops snas_runtime_opencv = {available, open_session, run_session,
                                                     close_session};

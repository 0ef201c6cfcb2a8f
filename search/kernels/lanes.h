/* Template, included by columns.h: what a vector of VL floats is. VL is 1, 4, 8 or 16. Names get VL
 * behind them: V(load) is load_16. Vector types are unaligned, so that any row may start anywhere.
 */
#ifndef V_JOIN
#define V_JOIN(a, b) a##_##b
#define V_NAME(a, b) V_JOIN(a, b)
#endif
#define V(name) V_NAME(name, VL)

typedef float V(vec) __attribute__((vector_size(4 * VL), aligned(4), may_alias));
typedef int V(mask) __attribute__((vector_size(4 * VL), aligned(4), may_alias));

static INLINE V(vec) V(load)(const float *p)
{
    return *(const V(vec) *)p;
}

static INLINE void V(store)(float *p, V(vec) x)
{
    *(V(vec) *)p = x;
}

/* Coefficients of the channels in a vector: when a vector holds two pixels of 8 channels, the 8
 * twice. */
static INLINE V(vec) V(coef)(const float *p, int pair)
{
#if VL == 16
    if (pair)
        return (V(vec))_mm512_broadcast_f32x8(_mm256_loadu_ps(p));
#else
    (void)pair;
#endif
    return V(load)(p);
}

/* Adds a vector of sums to sums by channel. */
static INLINE void V(add_to)(float *p, V(vec) x, int pair)
{
#if VL == 16
    if (pair) {
        vec_8 h = *(vec_8 *)p;
        h += __builtin_shufflevector(x, x, 0, 1, 2, 3, 4, 5, 6, 7);
        h += __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15);
        *(vec_8 *)p = h;
        return;
    }
#else
    (void)pair;
#endif
    V(store)(p, V(load)(p) + x);
}

/* x where the mask is set, else 0 */
static INLINE V(vec) V(keep)(V(vec) x, V(mask) m)
{
    return (V(vec))((V(mask))x & m);
}

static INLINE V(vec) V(pick)(V(mask) m, V(vec) yes, V(vec) no)
{
    return (V(vec))(((V(mask))yes & m) | ((V(mask))no & ~m));
}

/* NaN stays NaN. */
static INLINE V(vec) V(positive)(V(vec) x)
{
    return (V(vec))((V(mask))x & ~(x < 0));
}

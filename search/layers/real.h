#ifndef SNAS_LAYERS_REAL_H
#define SNAS_LAYERS_REAL_H

/* The type macro of the reference path: a source that includes this is compiled twice, once with
 * SNAS_REAL_BITS=32 and once with 64 (TYPED in its room's CMakeLists.txt). The double build is the
 * truth of every gradient test; the float build is what each instruction set must match. */
#ifndef SNAS_REAL_BITS
#error "SNAS_REAL_BITS must be 32 or 64"
#elif SNAS_REAL_BITS == 32
typedef float snas_real;
#define SNAS_R(name) name##_f32
#elif SNAS_REAL_BITS == 64
typedef double snas_real;
#define SNAS_R(name) name##_f64
#else
#error "SNAS_REAL_BITS must be 32 or 64"
#endif

#endif

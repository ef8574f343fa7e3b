// Clang builtins that Swift's SIMD types have no spelling for. Everything here is inlined into Swift code, compiled
// with the instruction set of the target that imports it.
#ifndef CSIMD_H
#define CSIMD_H

typedef float simd_float4 __attribute__((ext_vector_type(4)));
typedef float simd_float8 __attribute__((ext_vector_type(8)));
typedef float simd_float16 __attribute__((ext_vector_type(16)));
typedef double simd_double2 __attribute__((ext_vector_type(2)));
typedef double simd_double4 __attribute__((ext_vector_type(4)));
typedef double simd_double8 __attribute__((ext_vector_type(8)));

#define CSIMD_INLINE static inline __attribute__((always_inline, unused))

#include "CSIMDMovement.h"
#include "CSIMDRandom.h"
#include "CSIMDMath.h"
#include "CSIMDMatmul.h"
#include "CSIMDReduce.h"
#include "CSIMDTranspose.h"
#include "CSIMDPooling.h"

#endif

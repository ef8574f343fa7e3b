// What pooling needs beyond Swift's SIMD types: vectors of two halves that lie apart, every other element, gathers.
// The vectors are those of CSIMDReduce.h.
#ifndef CSIMD_POOLING_H
#define CSIMD_POOLING_H

#include "CSIMDReduce.h"

typedef long long csimd_vi64_wide __attribute__((ext_vector_type(CSIMD_REDUCE_WIDTH)));

#define CSIMD_EVEN_2 0, 2
#define CSIMD_EVEN_4 0, 2, 4, 6
#define CSIMD_EVEN_8 0, 2, 4, 6, 8, 10, 12, 14
#define CSIMD_EVEN_16 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#define CSIMD_ODD_2 1, 3
#define CSIMD_ODD_4 1, 3, 5, 7
#define CSIMD_ODD_8 1, 3, 5, 7, 9, 11, 13, 15
#define CSIMD_ODD_16 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
#define CSIMD_ZIP_LOW_2 0, 2
#define CSIMD_ZIP_LOW_4 0, 4, 1, 5
#define CSIMD_ZIP_LOW_8 0, 8, 1, 9, 2, 10, 3, 11
#define CSIMD_ZIP_LOW_16 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define CSIMD_ZIP_HIGH_2 1, 3
#define CSIMD_ZIP_HIGH_4 2, 6, 3, 7
#define CSIMD_ZIP_HIGH_8 4, 12, 5, 13, 6, 14, 7, 15
#define CSIMD_ZIP_HIGH_16 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31

#if defined(__AVX512F__)
#define CSIMD_F32(kind) CSIMD_##kind##_16
#define CSIMD_F64(kind) CSIMD_##kind##_8
#elif defined(__AVX2__)
#define CSIMD_F32(kind) CSIMD_##kind##_8
#define CSIMD_F64(kind) CSIMD_##kind##_4
#else
#define CSIMD_F32(kind) CSIMD_##kind##_4
#define CSIMD_F64(kind) CSIMD_##kind##_2
#endif

// Keeps the compiler from computing both halves of a vector apart because they are stored apart.
#if defined(__AVX512F__)
#define CSIMD_WHOLE(v) __asm__("" : "+v"(v))
#elif defined(__AVX2__)
#define CSIMD_WHOLE(v) __asm__("" : "+x"(v))
#else
#define CSIMD_WHOLE(v)
#endif

// `even` and `odd` take every other element of two vectors, `zip_low` and `zip_high` are their inverse; `halves` and
// `store_halves` access half a vector at `p` and half at `q`.
#define CSIMD_POOLING(V, T, name, LIST)                                                                             \
  CSIMD_REDUCE_INLINE V csimd_even_##name(V a, V b) { return __builtin_shufflevector(a, b, LIST(EVEN)); }           \
  CSIMD_REDUCE_INLINE V csimd_odd_##name(V a, V b) { return __builtin_shufflevector(a, b, LIST(ODD)); }             \
  CSIMD_REDUCE_INLINE V csimd_zip_low_##name(V a, V b) { return __builtin_shufflevector(a, b, LIST(ZIP_LOW)); }     \
  CSIMD_REDUCE_INLINE V csimd_zip_high_##name(V a, V b) { return __builtin_shufflevector(a, b, LIST(ZIP_HIGH)); }   \
  CSIMD_REDUCE_INLINE V csimd_halves_##name(const T *p, const T *q) {                                               \
    V v;                                                                                                            \
    memcpy(&v, p, sizeof v / 2);                                                                                    \
    memcpy((char *)&v + sizeof v / 2, q, sizeof v / 2);                                                             \
    return v;                                                                                                       \
  }                                                                                                                 \
  CSIMD_REDUCE_INLINE void csimd_store_halves_##name(V v, T *p, T *q) {                                             \
    CSIMD_WHOLE(v);                                                                                                 \
    memcpy(p, &v, sizeof v / 2);                                                                                    \
    memcpy(q, (char *)&v + sizeof v / 2, sizeof v / 2);                                                             \
  }

CSIMD_POOLING(csimd_vf32, float, f32, CSIMD_F32)
CSIMD_POOLING(csimd_vf64, double, f64, CSIMD_F64)

// Positions, which are 32 bits wide beside float32 and 64 bits in memory.
CSIMD_REDUCE_INLINE void csimd_store_halves_i32(csimd_vm32 v, void *p, void *q) {
  CSIMD_WHOLE(v);
  csimd_vi64_wide wide = __builtin_convertvector(v, csimd_vi64_wide);
  memcpy(p, &wide, sizeof wide / 2);
  memcpy(q, (char *)&wide + sizeof wide / 2, sizeof wide / 2);
}
CSIMD_REDUCE_INLINE void csimd_store_halves_i64(csimd_vi64 v, void *p, void *q) {
  CSIMD_WHOLE(v);
  memcpy(p, &v, sizeof v / 2);
  memcpy(q, (char *)&v + sizeof v / 2, sizeof v / 2);
}

// Small positions, a byte each in memory.
typedef unsigned char csimd_vu8_32 __attribute__((ext_vector_type(CSIMD_REDUCE_WIDTH)));
typedef unsigned char csimd_vu8_64 __attribute__((ext_vector_type(CSIMD_REDUCE_WIDTH / 2)));
#define CSIMD_BYTES(V, BYTES, name)                                                                                 \
  CSIMD_REDUCE_INLINE void csimd_store_bytes_##name(V v, void *p) {                                                 \
    BYTES bytes = __builtin_convertvector(v, BYTES);                                                                \
    memcpy(p, &bytes, sizeof(V) / sizeof(v[0]));                                                                    \
  }                                                                                                                 \
  CSIMD_REDUCE_INLINE V csimd_load_bytes_##name(const void *p) {                                                    \
    BYTES bytes = {0};                                                                                              \
    memcpy(&bytes, p, sizeof(V) / sizeof(((V){0})[0]));                                                               \
    return __builtin_convertvector(bytes, V);                                                                       \
  }
CSIMD_BYTES(csimd_vm32, csimd_vu8_32, i32)
CSIMD_BYTES(csimd_vi64, csimd_vu8_64, i64)

// Lane by lane `step` apart, within the lower half from 0 and within the upper from `second` on; and only the first n.
#define CSIMD_IOTA(T, ...)                                                                                          \
  (T) { __VA_ARGS__ }
#if defined(__AVX512F__)
#define CSIMD_IOTA_I32 CSIMD_IOTA(csimd_vm32, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
#define CSIMD_IOTA_I64 CSIMD_IOTA(csimd_vi64, 0, 1, 2, 3, 4, 5, 6, 7)
#elif defined(__AVX2__)
#define CSIMD_IOTA_I32 CSIMD_IOTA(csimd_vm32, 0, 1, 2, 3, 4, 5, 6, 7)
#define CSIMD_IOTA_I64 CSIMD_IOTA(csimd_vi64, 0, 1, 2, 3)
#else
#define CSIMD_IOTA_I32 CSIMD_IOTA(csimd_vm32, 0, 1, 2, 3)
#define CSIMD_IOTA_I64 CSIMD_IOTA(csimd_vi64, 0, 1)
#endif
#define CSIMD_RAMP(V, T, name, LANES)                                                                               \
  CSIMD_REDUCE_INLINE V csimd_ramp_##name(T step, T second) {                                                       \
    V half = (V)(T)(sizeof(V) / sizeof(T) / 2);                                                                     \
    return (LANES & (half - 1)) * (V)step + ((V)(LANES >= half) & (V)second);                                       \
  }                                                                                                                 \
  CSIMD_REDUCE_INLINE V csimd_ramp_part_##name(V ramp, T n) { return ramp & (V)(LANES < (V)n); }
CSIMD_RAMP(csimd_vm32, int32_t, i32, CSIMD_IOTA_I32)
CSIMD_RAMP(csimd_vi64, long long, i64, CSIMD_IOTA_I64)

// The elements at these offsets from `p`.
CSIMD_REDUCE_INLINE csimd_vf32 csimd_gather_f32(const float *p, csimd_vm32 i) {
#if defined(__AVX512F__)
  return (csimd_vf32)_mm512_i32gather_ps((__m512i)i, p, 4);
#elif defined(__AVX2__)
  return (csimd_vf32)_mm256_i32gather_ps(p, (__m256i)i, 4);
#else
  csimd_vf32 v = {p[i[0]], p[i[1]], p[i[2]], p[i[3]]};
  return v;
#endif
}
CSIMD_REDUCE_INLINE csimd_vf64 csimd_gather_f64(const double *p, csimd_vi64 i) {
#if defined(__AVX512F__)
  return (csimd_vf64)_mm512_i64gather_pd((__m512i)i, p, 8);
#elif defined(__AVX2__)
  return (csimd_vf64)_mm256_i64gather_pd(p, (__m256i)i, 8);
#else
  csimd_vf64 v = {p[i[0]], p[i[1]]};
  return v;
#endif
}

#endif

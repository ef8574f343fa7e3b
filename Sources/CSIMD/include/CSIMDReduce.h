// Partial vectors, lane exchanges and half-precision conversion for reductions. `csimd_vf32`, `csimd_vf64` and
// `csimd_vi64` are the widest vectors of the instruction set; they match VFloat, VDouble and VInt64 in Kernels.swift.
#ifndef CSIMD_REDUCE_H
#define CSIMD_REDUCE_H

#include <stdint.h>
#include <string.h>
#if defined(__AVX2__)
#include <immintrin.h>
#elif defined(__x86_64__)
#include <emmintrin.h>
#endif

#define CSIMD_REDUCE_INLINE static inline __attribute__((always_inline, unused))

#if defined(__AVX512F__)
#define CSIMD_REDUCE_WIDTH 16
#elif defined(__AVX2__)
#define CSIMD_REDUCE_WIDTH 8
#else
#define CSIMD_REDUCE_WIDTH 4
#endif

typedef float csimd_vf32 __attribute__((ext_vector_type(CSIMD_REDUCE_WIDTH)));
typedef double csimd_vf64 __attribute__((ext_vector_type(CSIMD_REDUCE_WIDTH / 2)));
typedef long long csimd_vi64 __attribute__((ext_vector_type(CSIMD_REDUCE_WIDTH / 2)));

// The first n lanes from memory, the others 0; touches only n elements. 0 <= n <= lanes.
#if defined(__AVX512F__)
CSIMD_REDUCE_INLINE csimd_vf32 csimd_load_part_f32(const float *p, int32_t n) {
  return (csimd_vf32)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
}
CSIMD_REDUCE_INLINE csimd_vf64 csimd_load_part_f64(const double *p, int32_t n) {
  return (csimd_vf64)_mm512_maskz_loadu_pd((__mmask8)((1u << n) - 1), p);
}
CSIMD_REDUCE_INLINE void csimd_store_part_f32(float *p, int32_t n, csimd_vf32 v) {
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)v);
}
CSIMD_REDUCE_INLINE void csimd_store_part_f64(double *p, int32_t n, csimd_vf64 v) {
  _mm512_mask_storeu_pd(p, (__mmask8)((1u << n) - 1), (__m512d)v);
}
#elif defined(__AVX2__)
CSIMD_REDUCE_INLINE __m256i csimd_first_lanes_32(int32_t n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
CSIMD_REDUCE_INLINE __m256i csimd_first_lanes_64(int32_t n) {
  return _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3));
}
CSIMD_REDUCE_INLINE csimd_vf32 csimd_load_part_f32(const float *p, int32_t n) {
  return (csimd_vf32)_mm256_maskload_ps(p, csimd_first_lanes_32(n));
}
CSIMD_REDUCE_INLINE csimd_vf64 csimd_load_part_f64(const double *p, int32_t n) {
  return (csimd_vf64)_mm256_maskload_pd(p, csimd_first_lanes_64(n));
}
CSIMD_REDUCE_INLINE void csimd_store_part_f32(float *p, int32_t n, csimd_vf32 v) {
  _mm256_maskstore_ps(p, csimd_first_lanes_32(n), (__m256)v);
}
CSIMD_REDUCE_INLINE void csimd_store_part_f64(double *p, int32_t n, csimd_vf64 v) {
  _mm256_maskstore_pd(p, csimd_first_lanes_64(n), (__m256d)v);
}
#else
CSIMD_REDUCE_INLINE csimd_vf32 csimd_load_part_f32(const float *p, int32_t n) {
  csimd_vf32 fill = 0;
  if (n > 0) fill[0] = p[0];
  if (n > 1) fill[1] = p[1];
  if (n > 2) fill[2] = p[2];
  if (n > 3) fill[3] = p[3];
  return fill;
}
CSIMD_REDUCE_INLINE csimd_vf64 csimd_load_part_f64(const double *p, int32_t n) {
  csimd_vf64 fill = 0;
  if (n > 0) fill[0] = p[0];
  if (n > 1) fill[1] = p[1];
  return fill;
}
CSIMD_REDUCE_INLINE void csimd_store_part_f32(float *p, int32_t n, csimd_vf32 v) {
  if (n > 0) p[0] = v[0];
  if (n > 1) p[1] = v[1];
  if (n > 2) p[2] = v[2];
  if (n > 3) p[3] = v[3];
}
CSIMD_REDUCE_INLINE void csimd_store_part_f64(double *p, int32_t n, csimd_vf64 v) {
  if (n > 0) p[0] = v[0];
  if (n > 1) p[1] = v[1];
}
#endif

CSIMD_REDUCE_INLINE csimd_vi64 csimd_load_part_i64(const int64_t *p, int32_t n) {
  return (csimd_vi64)csimd_load_part_f64((const double *)p, n);
}
CSIMD_REDUCE_INLINE void csimd_store_part_i64(int64_t *p, int32_t n, csimd_vi64 v) {
  csimd_store_part_f64((double *)p, n, (csimd_vf64)v);
}

// Exchange of lanes whose numbers differ by half the vector's width (a), a quarter (b), an eighth (c), a sixteenth (d).
CSIMD_REDUCE_INLINE csimd_vf32 csimd_swap_a_f32(csimd_vf32 v) {
#if CSIMD_REDUCE_WIDTH == 16
  return __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
#elif CSIMD_REDUCE_WIDTH == 8
  return __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3);
#elif CSIMD_REDUCE_WIDTH == 4
  return __builtin_shufflevector(v, v, 2, 3, 0, 1);
#endif
}
CSIMD_REDUCE_INLINE csimd_vf32 csimd_swap_b_f32(csimd_vf32 v) {
#if CSIMD_REDUCE_WIDTH == 16
  return __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11);
#elif CSIMD_REDUCE_WIDTH == 8
  return __builtin_shufflevector(v, v, 2, 3, 0, 1, 6, 7, 4, 5);
#elif CSIMD_REDUCE_WIDTH == 4
  return __builtin_shufflevector(v, v, 1, 0, 3, 2);
#endif
}
CSIMD_REDUCE_INLINE csimd_vf32 csimd_swap_c_f32(csimd_vf32 v) {
#if CSIMD_REDUCE_WIDTH == 16
  return __builtin_shufflevector(v, v, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
#elif CSIMD_REDUCE_WIDTH == 8
  return __builtin_shufflevector(v, v, 1, 0, 3, 2, 5, 4, 7, 6);
#else
  return v;
#endif
}
CSIMD_REDUCE_INLINE csimd_vf32 csimd_swap_d_f32(csimd_vf32 v) {
#if CSIMD_REDUCE_WIDTH == 16
  return __builtin_shufflevector(v, v, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14);
#else
  return v;
#endif
}
CSIMD_REDUCE_INLINE csimd_vf64 csimd_swap_a_f64(csimd_vf64 v) {
#if CSIMD_REDUCE_WIDTH == 16
  return __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3);
#elif CSIMD_REDUCE_WIDTH == 8
  return __builtin_shufflevector(v, v, 2, 3, 0, 1);
#elif CSIMD_REDUCE_WIDTH == 4
  return __builtin_shufflevector(v, v, 1, 0);
#endif
}
CSIMD_REDUCE_INLINE csimd_vf64 csimd_swap_b_f64(csimd_vf64 v) {
#if CSIMD_REDUCE_WIDTH == 16
  return __builtin_shufflevector(v, v, 2, 3, 0, 1, 6, 7, 4, 5);
#elif CSIMD_REDUCE_WIDTH == 8
  return __builtin_shufflevector(v, v, 1, 0, 3, 2);
#else
  return v;
#endif
}
CSIMD_REDUCE_INLINE csimd_vf64 csimd_swap_c_f64(csimd_vf64 v) {
#if CSIMD_REDUCE_WIDTH == 16
  return __builtin_shufflevector(v, v, 1, 0, 3, 2, 5, 4, 7, 6);
#else
  return v;
#endif
}
CSIMD_REDUCE_INLINE csimd_vi64 csimd_swap_a_i64(csimd_vi64 v) {
#if CSIMD_REDUCE_WIDTH == 16
  return __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3);
#elif CSIMD_REDUCE_WIDTH == 8
  return __builtin_shufflevector(v, v, 2, 3, 0, 1);
#elif CSIMD_REDUCE_WIDTH == 4
  return __builtin_shufflevector(v, v, 1, 0);
#endif
}
CSIMD_REDUCE_INLINE csimd_vi64 csimd_swap_b_i64(csimd_vi64 v) {
#if CSIMD_REDUCE_WIDTH == 16
  return __builtin_shufflevector(v, v, 2, 3, 0, 1, 6, 7, 4, 5);
#elif CSIMD_REDUCE_WIDTH == 8
  return __builtin_shufflevector(v, v, 1, 0, 3, 2);
#else
  return v;
#endif
}
CSIMD_REDUCE_INLINE csimd_vi64 csimd_swap_c_i64(csimd_vi64 v) {
#if CSIMD_REDUCE_WIDTH == 16
  return __builtin_shufflevector(v, v, 1, 0, 3, 2, 5, 4, 7, 6);
#else
  return v;
#endif
}

typedef int32_t csimd_vm32 __attribute__((ext_vector_type(CSIMD_REDUCE_WIDTH)));

// Lanes of b where the mask is set, else of a.
#define CSIMD_SELECT(V, M, mask, b, a) ((V)(((mask) & (M)(b)) | (~(mask) & (M)(a))))

// larger, smaller: NaN if either operand is, a of two that are equal.
#define CSIMD_COMPARED_EXTREMES(T, V, M)                                                                              \
  CSIMD_REDUCE_INLINE V csimd_larger_##T(V a, V b) { return CSIMD_SELECT(V, M, (b > a) | (b != b), b, a); }          \
  CSIMD_REDUCE_INLINE V csimd_smaller_##T(V a, V b) { return CSIMD_SELECT(V, M, (b < a) | (b != b), b, a); }
CSIMD_COMPARED_EXTREMES(i64, csimd_vi64, csimd_vi64)
#if defined(__x86_64__)
// The instructions for the larger and the smaller of b and a give a where either is NaN; where b is, it takes over.
// Comparisons would stand one behind the other between two steps of a reduction.
#if defined(__AVX512F__)
CSIMD_REDUCE_INLINE csimd_vf32 csimd_keep_nan_f32(csimd_vf32 v, csimd_vf32 b) {
  return (csimd_vf32)_mm512_fixupimm_ps((__m512)v, (__m512)b, _mm512_set1_epi32(0x11), 0);
}
CSIMD_REDUCE_INLINE csimd_vf64 csimd_keep_nan_f64(csimd_vf64 v, csimd_vf64 b) {
  return (csimd_vf64)_mm512_fixupimm_pd((__m512d)v, (__m512d)b, _mm512_set1_epi64(0x11), 0);
}
#define CSIMD_X86(name) _mm512_##name
#define CSIMD_X86_F32 __m512
#define CSIMD_X86_F64 __m512d
#else
CSIMD_REDUCE_INLINE csimd_vf32 csimd_keep_nan_f32(csimd_vf32 v, csimd_vf32 b) {
  return CSIMD_SELECT(csimd_vf32, csimd_vm32, b != b, b, v);
}
CSIMD_REDUCE_INLINE csimd_vf64 csimd_keep_nan_f64(csimd_vf64 v, csimd_vf64 b) {
  return CSIMD_SELECT(csimd_vf64, csimd_vi64, b != b, b, v);
}
#if defined(__AVX2__)
#define CSIMD_X86(name) _mm256_##name
#define CSIMD_X86_F32 __m256
#define CSIMD_X86_F64 __m256d
#else
#define CSIMD_X86(name) _mm_##name
#define CSIMD_X86_F32 __m128
#define CSIMD_X86_F64 __m128d
#endif
#endif
#define CSIMD_X86_EXTREMES(T, V, P, X)                                                                                \
  CSIMD_REDUCE_INLINE V csimd_larger_##T(V a, V b) { return csimd_keep_nan_##T((V)CSIMD_X86(max_##P)((X)b, (X)a), b); } \
  CSIMD_REDUCE_INLINE V csimd_smaller_##T(V a, V b) { return csimd_keep_nan_##T((V)CSIMD_X86(min_##P)((X)b, (X)a), b); }
CSIMD_X86_EXTREMES(f32, csimd_vf32, ps, CSIMD_X86_F32)
CSIMD_X86_EXTREMES(f64, csimd_vf64, pd, CSIMD_X86_F64)
#else
CSIMD_COMPARED_EXTREMES(f32, csimd_vf32, csimd_vm32)
CSIMD_COMPARED_EXTREMES(f64, csimd_vf64, csimd_vi64)
#endif

// nonzero: 1 or 0. keep_part: lanes from n on become `fill`.
#define CSIMD_REDUCE_OPS(T, S, V, M)                                                                                  \
  CSIMD_REDUCE_INLINE V csimd_nonzero_##T(V a) { return CSIMD_SELECT(V, M, a != (S)0, (V)(S)1, (V)(S)0); }            \
  CSIMD_REDUCE_INLINE V csimd_bound_##T(V a, S low, S high) {                                                         \
    V v = CSIMD_SELECT(V, M, a < (V)low, (V)low, a);                                                                  \
    return CSIMD_SELECT(V, M, v > (V)high, (V)high, v);                                                               \
  }                                                                                                                   \
  CSIMD_REDUCE_INLINE V csimd_keep_part_##T(V a, int32_t n, S fill) {                                                 \
    M lane;                                                                                                           \
    _Pragma("clang loop unroll(full)") for (int i = 0; i < (int)(sizeof(V) / sizeof(S)); i++) lane[i] = i;            \
    return CSIMD_SELECT(V, M, lane < (M)n, a, (V)fill);                                                               \
  }

// The running extreme's takeover: where a new value v beats the best b (NaN beats all but NaN), all bits set. choose:
// a where the mask is set, else b.
#define CSIMD_EXTREME_OPS(T, V, M)                                                                                    \
  CSIMD_REDUCE_INLINE M csimd_above_##T(V v, V b) { return (M)((v > b) | ((v != v) & (b == b))); }                    \
  CSIMD_REDUCE_INLINE M csimd_below_##T(V v, V b) { return (M)((v < b) | ((v != v) & (b == b))); }                    \
  CSIMD_REDUCE_INLINE V csimd_choose_##T(M m, V a, V b) { return CSIMD_SELECT(V, M, m, a, b); }
CSIMD_EXTREME_OPS(f32, csimd_vf32, csimd_vm32)
CSIMD_EXTREME_OPS(f64, csimd_vf64, csimd_vi64)
CSIMD_EXTREME_OPS(i64, csimd_vi64, csimd_vi64)
CSIMD_REDUCE_INLINE csimd_vm32 csimd_choose_i32(csimd_vm32 m, csimd_vm32 a, csimd_vm32 b) {
  return (m & a) | (~m & b);
}

CSIMD_REDUCE_OPS(f32, float, csimd_vf32, csimd_vm32)
CSIMD_REDUCE_OPS(f64, double, csimd_vf64, csimd_vi64)
CSIMD_REDUCE_OPS(i64, int64_t, csimd_vi64, csimd_vi64)

// Whether any lane of a equals its counterpart in b.
CSIMD_REDUCE_INLINE int32_t csimd_any_equal_f32(csimd_vf32 a, csimd_vf32 b) {
#if defined(__AVX512F__)
  return _mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_EQ_OQ) != 0;
#else
  return __builtin_reduce_or(a == b) != 0;
#endif
}
CSIMD_REDUCE_INLINE int32_t csimd_any_equal_f64(csimd_vf64 a, csimd_vf64 b) {
#if defined(__AVX512F__)
  return _mm512_cmp_pd_mask((__m512d)a, (__m512d)b, _CMP_EQ_OQ) != 0;
#else
  return __builtin_reduce_or(a == b) != 0;
#endif
}
CSIMD_REDUCE_INLINE int32_t csimd_any_equal_i64(csimd_vi64 a, csimd_vi64 b) {
#if defined(__AVX512F__)
  return _mm512_cmpeq_epi64_mask((__m512i)a, (__m512i)b) != 0;
#else
  return __builtin_reduce_or(a == b) != 0;
#endif
}

// float16 bits to float32, exact.
CSIMD_REDUCE_INLINE float csimd_widen_half(uint16_t h) {
#if defined(__F16C__) || defined(__aarch64__)
  _Float16 f;
  memcpy(&f, &h, 2);
  return (float)f;
#else
  uint32_t magnitude = (uint32_t)(h & 0x7fff) << 13, bits;
  float f;
  memcpy(&f, &magnitude, 4);
  f *= 0x1p112f;
  memcpy(&bits, &f, 4);
  bits = (h & 0x7c00) == 0x7c00 ? (magnitude | 0x7f800000) : bits;
  bits |= (uint32_t)(h & 0x8000) << 16;
  memcpy(&f, &bits, 4);
  return f;
#endif
}

// float32 to float16 bits, to nearest even.
CSIMD_REDUCE_INLINE uint16_t csimd_narrow_half(float x) {
#if defined(__F16C__) || defined(__aarch64__)
  _Float16 f = (_Float16)x;
  uint16_t h;
  memcpy(&h, &f, 2);
  return h;
#else
  uint32_t bits, small;
  memcpy(&bits, &x, 4);
  uint32_t a = bits & 0x7fffffff;
  // Adding 0.5 aligns a subnormal result with the end of the fraction.
  float f;
  memcpy(&f, &a, 4);
  f += 0.5f;
  memcpy(&small, &f, 4);
  small -= 0x3f000000;
  uint32_t normal = (a + 0xfff + ((a >> 13) & 1) - 0x38000000) >> 13;
  uint32_t h = a < 0x38800000 ? small : normal;
  h = a >= 0x477ff000 ? 0x7c00 : h;
  h = a > 0x7f800000 ? 0x7e00 : h;
  return (uint16_t)(h | ((bits >> 16) & 0x8000));
#endif
}

CSIMD_REDUCE_INLINE float csimd_widen_bfloat(uint16_t b) {
  uint32_t bits = (uint32_t)b << 16;
  float f;
  memcpy(&f, &bits, 4);
  return f;
}

// float32 to bfloat16 bits, to nearest even; NaN stays NaN.
CSIMD_REDUCE_INLINE uint16_t csimd_narrow_bfloat(float x) {
  uint32_t bits;
  memcpy(&bits, &x, 4);
  uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  return (uint16_t)(x != x ? 0x7fc0 : rounded);
}

#endif

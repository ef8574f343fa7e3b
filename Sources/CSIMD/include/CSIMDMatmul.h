// What matrix multiplication needs beyond Swift's SIMD types: loads and stores of part of a vector, prefetching,
// shuffles and half-precision conversion.
#ifndef CSIMD_MATMUL_H
#define CSIMD_MATMUL_H

#include <stdint.h>
#include <string.h>

#if defined(__AVX2__) || defined(__AVX512F__) || defined(__F16C__)
#include <immintrin.h>
#endif

// What comes after reads memory again, even where its values are in registers already.
CSIMD_INLINE void csimd_forget_memory(void) { __asm__ volatile("" ::: "memory"); }

#if defined(__x86_64__)
// sum + x in the register of sum, which the compiler may otherwise move about in loops of several steps.
CSIMD_INLINE simd_float4 csimd_f4_add_to(simd_float4 sum, simd_float4 x) {
  __asm__("addps %1, %0" : "+x"(sum) : "x"(x));
  return sum;
}
CSIMD_INLINE simd_double2 csimd_d2_add_to(simd_double2 sum, simd_double2 x) {
  __asm__("addpd %1, %0" : "+x"(sum) : "x"(x));
  return sum;
}
#endif

CSIMD_INLINE void simd_prefetch(const void *p) { __builtin_prefetch(p, 0, 3); }
// Into the second cache.
CSIMD_INLINE void simd_prefetch_far(const void *p) { __builtin_prefetch(p, 0, 2); }

// Rows a..d of a 4x4 block in, its columns out.
typedef struct {
  simd_float4 x, y, z, w;
} simd_float4x4;

CSIMD_INLINE simd_float4x4 simd_transpose_float4(simd_float4 a, simd_float4 b, simd_float4 c, simd_float4 d) {
  simd_float4 ab0 = __builtin_shufflevector(a, b, 0, 4, 1, 5), ab1 = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  simd_float4 cd0 = __builtin_shufflevector(c, d, 0, 4, 1, 5), cd1 = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  simd_float4x4 r = {
      __builtin_shufflevector(ab0, cd0, 0, 1, 4, 5), __builtin_shufflevector(ab0, cd0, 2, 3, 6, 7),
      __builtin_shufflevector(ab1, cd1, 0, 1, 4, 5), __builtin_shufflevector(ab1, cd1, 2, 3, 6, 7)};
  return r;
}

// bfloat16 is the upper half of a float32.
#define CSIMD_BFLOAT16(n)                                                                       \
  CSIMD_INLINE simd_float##n simd_load_bfloat16_##n(const void *p) {                            \
    typedef uint16_t halves __attribute__((ext_vector_type(n)));                                \
    typedef uint32_t wholes __attribute__((ext_vector_type(n)));                                \
    halves x;                                                                                   \
    memcpy(&x, p, sizeof x);                                                                    \
    return (simd_float##n)(__builtin_convertvector(x, wholes) << 16);                           \
  }
CSIMD_BFLOAT16(4)
CSIMD_BFLOAT16(8)
CSIMD_BFLOAT16(16)
#undef CSIMD_BFLOAT16

#if defined(__AVX512F__)

CSIMD_INLINE simd_float16 simd_load_float16_part(const float *p, int count) {
  return (simd_float16)_mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), p);
}
CSIMD_INLINE void simd_store_float16_part(float *p, simd_float16 v, int count) {
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << count) - 1), (__m512)v);
}
CSIMD_INLINE simd_double8 simd_load_double8_part(const double *p, int count) {
  return (simd_double8)_mm512_maskz_loadu_pd((__mmask8)((1u << count) - 1), p);
}
CSIMD_INLINE void simd_store_double8_part(double *p, simd_double8 v, int count) {
  _mm512_mask_storeu_pd(p, (__mmask8)((1u << count) - 1), (__m512d)v);
}

// `v` with the lanes first ..< first + count replaced by those of memory, where `p` is lane 0's place.
CSIMD_INLINE simd_float16 simd_merge_float16(simd_float16 v, const float *p, int first, int count) {
  return (simd_float16)_mm512_mask_loadu_ps((__m512)v, (__mmask16)(((1u << count) - 1) << first), p);
}
CSIMD_INLINE simd_double8 simd_merge_double8(simd_double8 v, const double *p, int first, int count) {
  return (simd_double8)_mm512_mask_loadu_pd((__m512d)v, (__mmask8)(((1u << count) - 1) << first), p);
}

CSIMD_INLINE simd_float16 simd_load_half16(const void *p) {
  return (simd_float16)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
}
// The first `count` elements; the other lanes are 0.
CSIMD_INLINE simd_float16 simd_load_half16_part(const void *p, int count) {
  return (simd_float16)_mm512_cvtph_ps(_mm256_maskz_loadu_epi16((__mmask16)((1u << count) - 1), p));
}
CSIMD_INLINE simd_float16 simd_load_bfloat16_16_part(const void *p, int count) {
  __m256i x = _mm256_maskz_loadu_epi16((__mmask16)((1u << count) - 1), p);
  return (simd_float16)_mm512_slli_epi32(_mm512_cvtepu16_epi32(x), 16);
}

#elif defined(__AVX2__)

// Sliding windows over these give the masks of the first `count` lanes.
static const int32_t simd_mask_float8[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};
static const int64_t simd_mask_double4[8] = {-1, -1, -1, -1, 0, 0, 0, 0};

CSIMD_INLINE simd_float8 simd_load_float8_part(const float *p, int count) {
  __m256i mask = _mm256_loadu_si256((const __m256i *)(simd_mask_float8 + 8 - count));
  return (simd_float8)_mm256_maskload_ps(p, mask);
}
CSIMD_INLINE void simd_store_float8_part(float *p, simd_float8 v, int count) {
  __m256i mask = _mm256_loadu_si256((const __m256i *)(simd_mask_float8 + 8 - count));
  _mm256_maskstore_ps(p, mask, (__m256)v);
}
CSIMD_INLINE simd_double4 simd_load_double4_part(const double *p, int count) {
  __m256i mask = _mm256_loadu_si256((const __m256i *)(simd_mask_double4 + 4 - count));
  return (simd_double4)_mm256_maskload_pd(p, mask);
}
CSIMD_INLINE void simd_store_double4_part(double *p, simd_double4 v, int count) {
  __m256i mask = _mm256_loadu_si256((const __m256i *)(simd_mask_double4 + 4 - count));
  _mm256_maskstore_pd(p, mask, (__m256d)v);
}

// `v`, whose lanes first ..< first + count are 0, with those of memory there, where `p` is lane 0's place.
CSIMD_INLINE simd_float8 simd_merge_float8(simd_float8 v, const float *p, int first, int count) {
  __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  __m256i mask = _mm256_and_si256(
      _mm256_cmpgt_epi32(lane, _mm256_set1_epi32(first - 1)), _mm256_cmpgt_epi32(_mm256_set1_epi32(first + count), lane));
  return (simd_float8)_mm256_or_ps((__m256)v, _mm256_maskload_ps(p, mask));
}
CSIMD_INLINE simd_double4 simd_merge_double4(simd_double4 v, const double *p, int first, int count) {
  __m256i lane = _mm256_setr_epi64x(0, 1, 2, 3);
  __m256i mask = _mm256_and_si256(
      _mm256_cmpgt_epi64(lane, _mm256_set1_epi64x(first - 1)),
      _mm256_cmpgt_epi64(_mm256_set1_epi64x(first + count), lane));
  return (simd_double4)_mm256_or_pd((__m256d)v, _mm256_maskload_pd(p, mask));
}

CSIMD_INLINE simd_float8 simd_load_half8(const void *p) {
  return (simd_float8)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
}

#endif

#endif

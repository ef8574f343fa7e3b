// Transposes blocks of float32, four elements one way and a vector of elements the other.
#ifndef CSIMD_TRANSPOSE_H
#define CSIMD_TRANSPOSE_H

#include "CSIMDMatmul.h"
#include "CSIMDReduce.h"

// `transpose_tall`: y[j * ys + i] = x[i * xs + j] for the rows i of a vector and j < 4. `transpose_wide` is its inverse:
// y[i * ys + j] = x[j * xs + i].
#if defined(__AVX2__)
#if defined(__AVX512F__)
typedef __m512 csimd_rows;
// Four columns of every fourth row: after transposing within 128 bits, rows are in order.
CSIMD_REDUCE_INLINE csimd_rows csimd_four_columns(const float *x, long xs) {
  __m512 v = _mm512_castps128_ps512(_mm_loadu_ps(x));
  v = _mm512_insertf32x4(v, _mm_loadu_ps(x + 4 * xs), 1);
  v = _mm512_insertf32x4(v, _mm_loadu_ps(x + 8 * xs), 2);
  return _mm512_insertf32x4(v, _mm_loadu_ps(x + 12 * xs), 3);
}
CSIMD_REDUCE_INLINE void csimd_put_four_columns(csimd_rows v, float *y, long ys) {
  _mm_storeu_ps(y, _mm512_castps512_ps128(v));
  _mm_storeu_ps(y + 4 * ys, _mm512_extractf32x4_ps(v, 1));
  _mm_storeu_ps(y + 8 * ys, _mm512_extractf32x4_ps(v, 2));
  _mm_storeu_ps(y + 12 * ys, _mm512_extractf32x4_ps(v, 3));
}
#define CSIMD_ROWS(operation) _mm512_##operation
#else
typedef __m256 csimd_rows;
CSIMD_REDUCE_INLINE csimd_rows csimd_four_columns(const float *x, long xs) {
  return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(x)), _mm_loadu_ps(x + 4 * xs), 1);
}
CSIMD_REDUCE_INLINE void csimd_put_four_columns(csimd_rows v, float *y, long ys) {
  _mm_storeu_ps(y, _mm256_castps256_ps128(v));
  _mm_storeu_ps(y + 4 * ys, _mm256_extractf128_ps(v, 1));
}
#define CSIMD_ROWS(operation) _mm256_##operation
#endif

// Transposes 4 by 4 within each 128 bits.
CSIMD_REDUCE_INLINE void csimd_transpose_within(csimd_rows *v) {
  csimd_rows a = CSIMD_ROWS(unpacklo_ps)(v[0], v[1]), b = CSIMD_ROWS(unpackhi_ps)(v[0], v[1]);
  csimd_rows c = CSIMD_ROWS(unpacklo_ps)(v[2], v[3]), d = CSIMD_ROWS(unpackhi_ps)(v[2], v[3]);
  v[0] = CSIMD_ROWS(shuffle_ps)(a, c, 0x44);
  v[1] = CSIMD_ROWS(shuffle_ps)(a, c, 0xEE);
  v[2] = CSIMD_ROWS(shuffle_ps)(b, d, 0x44);
  v[3] = CSIMD_ROWS(shuffle_ps)(b, d, 0xEE);
}
CSIMD_REDUCE_INLINE void csimd_transpose_tall(const float *x, long xs, float *y, long ys) {
  csimd_rows v[4];
  for (int i = 0; i < 4; i++) v[i] = csimd_four_columns(x + i * xs, xs);
  csimd_transpose_within(v);
  for (int i = 0; i < 4; i++) CSIMD_ROWS(storeu_ps)(y + i * ys, v[i]);
}
CSIMD_REDUCE_INLINE void csimd_transpose_wide(const float *x, long xs, float *y, long ys) {
  csimd_rows v[4];
  for (int i = 0; i < 4; i++) v[i] = CSIMD_ROWS(loadu_ps)(x + i * xs);
  csimd_transpose_within(v);
  for (int i = 0; i < 4; i++) csimd_put_four_columns(v[i], y + i * ys, ys);
}
#undef CSIMD_ROWS
#else
CSIMD_REDUCE_INLINE void csimd_transpose_tall(const float *x, long xs, float *y, long ys) {
  simd_float4 v[4];
  for (int i = 0; i < 4; i++) memcpy(&v[i], x + i * xs, 16);
  simd_float4x4 t = simd_transpose_float4(v[0], v[1], v[2], v[3]);
  memcpy(y, &t.x, 16);
  memcpy(y + ys, &t.y, 16);
  memcpy(y + 2 * ys, &t.z, 16);
  memcpy(y + 3 * ys, &t.w, 16);
}
CSIMD_REDUCE_INLINE void csimd_transpose_wide(const float *x, long xs, float *y, long ys) {
  csimd_transpose_tall(x, xs, y, ys);
}
#endif

#endif

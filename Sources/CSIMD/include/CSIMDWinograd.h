// Between images, where the columns of a channel are adjacent, and vectors of channels.
#ifndef CSIMD_WINOGRAD_H
#define CSIMD_WINOGRAD_H

#include "CSIMDMatmul.h"
#include "CSIMDReduce.h"

// `gather_channels`: y[j * ys + i] = x[i * xs + j] for the channels i of a vector and j < 4. `scatter_channels` is its
// inverse: y[i * ys + j] = x[j * xs + i].
#if defined(__AVX2__)
#if defined(__AVX512F__)
typedef __m512 csimd_channels;
// Four columns of every fourth channel: after transposing within 128 bits, channels are in order.
CSIMD_REDUCE_INLINE csimd_channels csimd_four_columns(const float *x, long xs) {
  __m512 v = _mm512_castps128_ps512(_mm_loadu_ps(x));
  v = _mm512_insertf32x4(v, _mm_loadu_ps(x + 4 * xs), 1);
  v = _mm512_insertf32x4(v, _mm_loadu_ps(x + 8 * xs), 2);
  return _mm512_insertf32x4(v, _mm_loadu_ps(x + 12 * xs), 3);
}
CSIMD_REDUCE_INLINE void csimd_put_four_columns(csimd_channels v, float *y, long ys) {
  _mm_storeu_ps(y, _mm512_castps512_ps128(v));
  _mm_storeu_ps(y + 4 * ys, _mm512_extractf32x4_ps(v, 1));
  _mm_storeu_ps(y + 8 * ys, _mm512_extractf32x4_ps(v, 2));
  _mm_storeu_ps(y + 12 * ys, _mm512_extractf32x4_ps(v, 3));
}
#define CSIMD_CHANNELS(operation) _mm512_##operation
#else
typedef __m256 csimd_channels;
CSIMD_REDUCE_INLINE csimd_channels csimd_four_columns(const float *x, long xs) {
  return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(x)), _mm_loadu_ps(x + 4 * xs), 1);
}
CSIMD_REDUCE_INLINE void csimd_put_four_columns(csimd_channels v, float *y, long ys) {
  _mm_storeu_ps(y, _mm256_castps256_ps128(v));
  _mm_storeu_ps(y + 4 * ys, _mm256_extractf128_ps(v, 1));
}
#define CSIMD_CHANNELS(operation) _mm256_##operation
#endif

// Transposes 4 by 4 within each 128 bits.
CSIMD_REDUCE_INLINE void csimd_transpose_within(csimd_channels *v) {
  csimd_channels a = CSIMD_CHANNELS(unpacklo_ps)(v[0], v[1]), b = CSIMD_CHANNELS(unpackhi_ps)(v[0], v[1]);
  csimd_channels c = CSIMD_CHANNELS(unpacklo_ps)(v[2], v[3]), d = CSIMD_CHANNELS(unpackhi_ps)(v[2], v[3]);
  v[0] = CSIMD_CHANNELS(shuffle_ps)(a, c, 0x44);
  v[1] = CSIMD_CHANNELS(shuffle_ps)(a, c, 0xEE);
  v[2] = CSIMD_CHANNELS(shuffle_ps)(b, d, 0x44);
  v[3] = CSIMD_CHANNELS(shuffle_ps)(b, d, 0xEE);
}
CSIMD_REDUCE_INLINE void csimd_gather_channels(const float *x, long xs, float *y, long ys) {
  csimd_channels v[4];
  for (int i = 0; i < 4; i++) v[i] = csimd_four_columns(x + i * xs, xs);
  csimd_transpose_within(v);
  for (int i = 0; i < 4; i++) CSIMD_CHANNELS(storeu_ps)(y + i * ys, v[i]);
}
CSIMD_REDUCE_INLINE void csimd_scatter_channels(const float *x, long xs, float *y, long ys) {
  csimd_channels v[4];
  for (int i = 0; i < 4; i++) v[i] = CSIMD_CHANNELS(loadu_ps)(x + i * xs);
  csimd_transpose_within(v);
  for (int i = 0; i < 4; i++) csimd_put_four_columns(v[i], y + i * ys, ys);
}
#undef CSIMD_CHANNELS
#else
CSIMD_REDUCE_INLINE void csimd_gather_channels(const float *x, long xs, float *y, long ys) {
  simd_float4 v[4];
  for (int i = 0; i < 4; i++) memcpy(&v[i], x + i * xs, 16);
  simd_float4x4 t = simd_transpose_float4(v[0], v[1], v[2], v[3]);
  memcpy(y, &t.x, 16);
  memcpy(y + ys, &t.y, 16);
  memcpy(y + 2 * ys, &t.z, 16);
  memcpy(y + 3 * ys, &t.w, 16);
}
CSIMD_REDUCE_INLINE void csimd_scatter_channels(const float *x, long xs, float *y, long ys) {
  csimd_gather_channels(x, xs, y, ys);
}
#endif

#endif

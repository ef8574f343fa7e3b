// Lane shuffles and conversions of the random number kernels.
#ifndef CSIMD_RANDOM_H
#define CSIMD_RANDOM_H

typedef unsigned long long csimd_u64x8 __attribute__((ext_vector_type(8)));
typedef unsigned int csimd_u32x16 __attribute__((ext_vector_type(16)));
typedef int csimd_i32x16 __attribute__((ext_vector_type(16)));
typedef float csimd_f32x16 __attribute__((ext_vector_type(16)));

// a0 b0 a1 b1 a2 b2 a3 b3
static inline __attribute__((always_inline, unused)) csimd_u64x8 csimd_zip_low_u64x8(csimd_u64x8 a, csimd_u64x8 b) {
  return __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}
// a4 b4 a5 b5 a6 b6 a7 b7
static inline __attribute__((always_inline, unused)) csimd_u64x8 csimd_zip_high_u64x8(csimd_u64x8 a, csimd_u64x8 b) {
  return __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}
static inline __attribute__((always_inline, unused)) csimd_f32x16 csimd_zip_low_f32x16(
    csimd_f32x16 a, csimd_f32x16 b) {
  return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}
static inline __attribute__((always_inline, unused)) csimd_f32x16 csimd_zip_high_f32x16(
    csimd_f32x16 a, csimd_f32x16 b) {
  return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}
static inline __attribute__((always_inline, unused)) csimd_f32x16 csimd_float_from_u32x16(csimd_u32x16 a) {
  return __builtin_convertvector(a, csimd_f32x16);
}
static inline __attribute__((always_inline, unused)) csimd_f32x16 csimd_float_from_i32x16(csimd_i32x16 a) {
  return __builtin_convertvector(a, csimd_f32x16);
}
static inline __attribute__((always_inline, unused)) csimd_f32x16 csimd_sqrt_f32x16(csimd_f32x16 a) {
  return __builtin_elementwise_sqrt(a);
}

#endif

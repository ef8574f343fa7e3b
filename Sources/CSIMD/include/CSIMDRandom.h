// Philox, lane shuffles and conversions of the random number kernels. Results come back through void pointers, because
// Swift imports a pointer to a vector as an opaque one.
#ifndef CSIMD_RANDOM_H
#define CSIMD_RANDOM_H

typedef unsigned long long csimd_u64x8 __attribute__((ext_vector_type(8)));
typedef unsigned int csimd_u32x16 __attribute__((ext_vector_type(16)));
typedef int csimd_i32x16 __attribute__((ext_vector_type(16)));
typedef float csimd_f32x16 __attribute__((ext_vector_type(16)));

// Philox 4x32-10 for the counters `counter` + 0 ... 7, of which the upper 64 bits are 0. Lane b of `low` gets words 0
// and 1 of block b, lane b of `high` words 2 and 3. A word stays in the low half of a 64-bit lane, where one
// instruction multiplies it; what a product leaves in the high half never reaches a result. In C, because Swift's
// shifts and exclusive ors go lane by lane and come back as half as wide vectors.
#define CSIMD_PHILOX_ROUND                                                                                             \
  do {                                                                                                                 \
    csimd_u64x8 p0 = (w0 & mask) * 0xD2511F53ull, p1 = (w2 & mask) * 0xCD9E8D57ull;                                    \
    w0 = (p1 >> 32) ^ w1 ^ (unsigned long long)k0;                                                                     \
    w2 = (p0 >> 32) ^ w3 ^ (unsigned long long)k1;                                                                     \
    w1 = p1;                                                                                                           \
    w3 = p0;                                                                                                           \
    k0 += 0x9E3779B9u;                                                                                                 \
    k1 += 0xBB67AE85u;                                                                                                 \
  } while (0)
static inline __attribute__((always_inline, unused)) void csimd_philox(
    unsigned long long key, unsigned long long counter, void *low, void *high) {
  const csimd_u64x8 mask = 0xFFFFFFFFull - (csimd_u64x8){0, 0, 0, 0, 0, 0, 0, 0};
  const csimd_u64x8 lanes = {0, 1, 2, 3, 4, 5, 6, 7};
  unsigned int k0 = (unsigned int)key, k1 = (unsigned int)(key >> 32);
  csimd_u64x8 w0 = lanes + counter, w1 = w0 >> 32, w2 = lanes - lanes, w3 = w2;
  CSIMD_PHILOX_ROUND;
  CSIMD_PHILOX_ROUND;
  CSIMD_PHILOX_ROUND;
  CSIMD_PHILOX_ROUND;
  CSIMD_PHILOX_ROUND;
  CSIMD_PHILOX_ROUND;
  CSIMD_PHILOX_ROUND;
  CSIMD_PHILOX_ROUND;
  CSIMD_PHILOX_ROUND;
  CSIMD_PHILOX_ROUND;
  *(csimd_u64x8 *)low = (w0 & mask) | (w1 << 32);
  *(csimd_u64x8 *)high = (w2 & mask) | (w3 << 32);
}
// Words 0 and 2 of the blocks in turn, and words 1 and 3.
static inline __attribute__((always_inline, unused)) void csimd_philox_pairs(
    csimd_u64x8 low, csimd_u64x8 high, void *even, void *odd) {
  *(csimd_u32x16 *)even = (csimd_u32x16)((low & 0xFFFFFFFFull) | (high << 32));
  *(csimd_u32x16 *)odd = (csimd_u32x16)((low >> 32) | (high & 0xFFFFFFFF00000000ull));
}
// The lower and the upper 32 bits of each lane times the factor, of which the upper 32 bits are 0, over 2^64.
static inline __attribute__((always_inline, unused)) csimd_u64x8 csimd_scale_u64x8(
    csimd_u64x8 a, unsigned long long factor) {
  return ((a >> 32) * factor + (((a & 0xFFFFFFFFull) * factor) >> 32)) >> 32;
}
// The upper 53 bits over 2^53. The halves become doubles by writing them into the fraction of 2^84 and of 2^52, which
// every instruction set can do in vectors.
typedef double csimd_f64x8 __attribute__((ext_vector_type(8)));
static inline __attribute__((always_inline, unused)) csimd_f64x8 csimd_uniform53_u64x8(csimd_u64x8 a) {
  csimd_u64x8 whole = a >> 11;
  csimd_f64x8 upper = (csimd_f64x8)((whole >> 32) | 0x4530000000000000ull);
  csimd_f64x8 lower = (csimd_f64x8)((whole & 0xFFFFFFFFull) | 0x4330000000000000ull);
  return ((upper - (0x1p84 + 0x1p52)) + lower) * 0x1p-53;
}
static inline __attribute__((always_inline, unused)) csimd_u32x16 csimd_shift_right_u32x16(
    csimd_u32x16 a, unsigned int n) {
  return a >> n;
}
// a = 2^exponent (1 + fraction) with 1 + fraction in [sqrt 1/2, sqrt 2), for positive normal numbers.
static inline __attribute__((always_inline, unused)) void csimd_split_f32x16(
    csimd_f32x16 a, void *exponent, void *fraction) {
  csimd_i32x16 bits = (csimd_i32x16)a - 0x3F3504F3;
  *(csimd_f32x16 *)exponent = __builtin_convertvector(bits >> 23, csimd_f32x16);
  *(csimd_f32x16 *)fraction = (csimd_f32x16)((bits & 0x007FFFFF) + 0x3F3504F3) - 1.0f;
}
// The turn w / 2^32 as quarter turns, which are taken from the integer without error, and a rest within an eighth of a
// turn, times 2^32.
static inline __attribute__((always_inline, unused)) csimd_f32x16 csimd_turn_rest(csimd_u32x16 w) {
  return __builtin_convertvector((csimd_i32x16)((w + 0x20000000u) & 0x3FFFFFFFu) - 0x20000000, csimd_f32x16);
}
// From the cosine and sine of the rest to those of the whole: odd quadrants exchange the two; the cosine is negative
// in quadrants 1 and 2, the sine in 2 and 3.
static inline __attribute__((always_inline, unused)) void csimd_turn_quarters(
    csimd_u32x16 w, void *cosine, void *sine) {
  csimd_u32x16 shifted = w + 0x20000000u;
  csimd_u32x16 swap = (csimd_u32x16)((csimd_i32x16)(shifted << 1) >> 31);
  csimd_u32x16 c = *(csimd_u32x16 *)cosine, s = *(csimd_u32x16 *)sine;
  csimd_u32x16 a = (c & ~swap) | (s & swap), b = (s & ~swap) | (c & swap);
  *(csimd_f32x16 *)cosine = (csimd_f32x16)(a ^ ((shifted + 0x40000000u) & 0x80000000u));
  *(csimd_f32x16 *)sine = (csimd_f32x16)(b ^ (shifted & 0x80000000u));
}

// a0 b0 a1 b1 a2 b2 a3 b3
static inline __attribute__((always_inline, unused)) csimd_u64x8 csimd_zip_low_u64x8(csimd_u64x8 a, csimd_u64x8 b) {
  return __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}
// a4 b4 a5 b5 a6 b6 a7 b7
static inline __attribute__((always_inline, unused)) csimd_u64x8 csimd_zip_high_u64x8(csimd_u64x8 a, csimd_u64x8 b) {
  return __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}
static inline __attribute__((always_inline, unused)) csimd_f64x8 csimd_zip_low_f64x8(csimd_f64x8 a, csimd_f64x8 b) {
  return __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}
static inline __attribute__((always_inline, unused)) csimd_f64x8 csimd_zip_high_f64x8(csimd_f64x8 a, csimd_f64x8 b) {
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

// Rounding, roots, conversions and nontemporal stores for the elementwise kernels, in the vector widths of the
// instruction set that the importing target is compiled for.
#ifndef CSIMD_MATH_H
#define CSIMD_MATH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
#define CSIMD_FLOATS 16
#elif defined(__AVX2__)
#define CSIMD_FLOATS 8
#else
#define CSIMD_FLOATS 4
#endif

typedef float csimd_vf __attribute__((ext_vector_type(CSIMD_FLOATS)));
typedef int32_t csimd_vi __attribute__((ext_vector_type(CSIMD_FLOATS)));
typedef uint16_t csimd_vh __attribute__((ext_vector_type(CSIMD_FLOATS)));
typedef double csimd_vd __attribute__((ext_vector_type(CSIMD_FLOATS / 2)));
typedef int64_t csimd_vl __attribute__((ext_vector_type(CSIMD_FLOATS / 2)));
typedef float csimd_vf_half __attribute__((ext_vector_type(CSIMD_FLOATS / 2)));

// `mask ? a : b`, for masks of all ones or zeros; the optimizer turns it into a blend.
#define CSIMD_PICK(mask, a, b, vector, bits) \
  ((vector)(((mask) & (bits)(a)) | (~(mask) & (bits)(b))))

#if defined(__SSE4_1__) || !defined(__x86_64__)
#define CSIMD_ROUNDING(name, builtin) \
  CSIMD_INLINE csimd_vf csimd_f_##name(csimd_vf x) { return builtin(x); } \
  CSIMD_INLINE csimd_vd csimd_d_##name(csimd_vd x) { return builtin(x); }
CSIMD_ROUNDING(floor, __builtin_elementwise_floor)
CSIMD_ROUNDING(ceil, __builtin_elementwise_ceil)
CSIMD_ROUNDING(trunc, __builtin_elementwise_trunc)
CSIMD_ROUNDING(rint, __builtin_elementwise_roundeven)
#else
// SSE2 has no rounding instruction: adding and subtracting 2^23 (2^52) with the sign of x rounds to nearest even;
// the others correct that by one. The sign is put back for zeros.
#define CSIMD_SSE2_ROUNDING(prefix, vector, bits, magic, signBit) \
  CSIMD_INLINE vector csimd_##prefix##_rint(vector x) { \
    bits sign = (bits)x & signBit; \
    vector m = (vector)((bits)(vector)(magic) | sign); \
    vector r = (x + m) - m; \
    r = (vector)((bits)r | sign); \
    vector a = (vector)((bits)x & ~signBit); \
    return CSIMD_PICK((bits)(a < (vector)(magic)), r, x, vector, bits); \
  } \
  CSIMD_INLINE vector csimd_##prefix##_floor(vector x) { \
    vector r = csimd_##prefix##_rint(x); \
    vector one = (vector)((bits)(r > x) & (bits)(vector)(1)); \
    return (vector)((bits)(r - one) | ((bits)x & signBit & (bits)(r == (vector)(0)))); \
  } \
  CSIMD_INLINE vector csimd_##prefix##_ceil(vector x) { return -csimd_##prefix##_floor(-x); } \
  CSIMD_INLINE vector csimd_##prefix##_trunc(vector x) { \
    bits sign = (bits)x & signBit; \
    vector a = (vector)((bits)x & ~signBit); \
    return (vector)((bits)csimd_##prefix##_floor(a) | sign); \
  }
CSIMD_SSE2_ROUNDING(f, csimd_vf, csimd_vi, 8388608.0f, (csimd_vi)(int32_t)0x80000000)
CSIMD_SSE2_ROUNDING(d, csimd_vd, csimd_vl, 4503599627370496.0, (csimd_vl)(int64_t)0x8000000000000000)
#endif

CSIMD_INLINE csimd_vf csimd_f_sqrt(csimd_vf x) { return __builtin_elementwise_sqrt(x); }
CSIMD_INLINE csimd_vd csimd_d_sqrt(csimd_vd x) { return __builtin_elementwise_sqrt(x); }

// The rest of what vector mathematics needs. One call each keeps Swift's optimizer out of loops over lanes, which is
// what its generic SIMD operations are until LLVM sees them: they make compilation ten times slower.
#if defined(__FMA__) || !defined(__x86_64__)
#define CSIMD_MUL_ADD(a, b, c) __builtin_elementwise_fma(a, b, c)
#else
#define CSIMD_MUL_ADD(a, b, c) ((a) * (b) + (c))
#endif
#define CSIMD_LANES(p, scalar, vector, integer, bits, signBit, fraction, bias, minNormal, up, upBy, rootHalf, magic) \
  CSIMD_INLINE vector csimd_##p##_splat(scalar x) { return (vector)(x); } \
  CSIMD_INLINE vector csimd_##p##_add(vector a, vector b) { return a + b; } \
  CSIMD_INLINE vector csimd_##p##_sub(vector a, vector b) { return a - b; } \
  CSIMD_INLINE vector csimd_##p##_mul(vector a, vector b) { return a * b; } \
  CSIMD_INLINE vector csimd_##p##_div(vector a, vector b) { return a / b; } \
  CSIMD_INLINE vector csimd_##p##_neg(vector a) { return -a; } \
  CSIMD_INLINE vector csimd_##p##_mul_add(vector a, vector b, vector c) { return CSIMD_MUL_ADD(a, b, c); } \
  /* a where x < y, else b */ \
  CSIMD_INLINE vector csimd_##p##_less(vector x, vector y, vector a, vector b) { \
    return CSIMD_PICK((bits)(x < y), a, b, vector, bits); \
  } \
  CSIMD_INLINE vector csimd_##p##_less_equal(vector x, vector y, vector a, vector b) { \
    return CSIMD_PICK((bits)(x <= y), a, b, vector, bits); \
  } \
  CSIMD_INLINE vector csimd_##p##_equal(vector x, vector y, vector a, vector b) { \
    return CSIMD_PICK((bits)(x == y), a, b, vector, bits); \
  } \
  CSIMD_INLINE vector csimd_##p##_abs(vector x) { return (vector)((bits)x & ~(bits)(signBit)); } \
  CSIMD_INLINE vector csimd_##p##_copysign(vector x, vector s) { \
    return (vector)(((bits)x & ~(bits)(signBit)) | ((bits)s & (bits)(signBit))); \
  } \
  CSIMD_INLINE vector csimd_##p##_mask(vector x, integer mask) { return (vector)((bits)x & (bits)(mask)); } \
  /* 2^n for integers n of the normal range */ \
  CSIMD_INLINE vector csimd_##p##_power(vector n) { \
    return (vector)(((bits)(n + (vector)(magic)) + bias) << fraction); \
  } \
  /* m and n with x = m 2^n and m from sqrt(1/2) to sqrt(2), for positive finite x */ \
  CSIMD_INLINE bits csimd_##p##_normal(vector x) { \
    return (bits)csimd_##p##_less(x, (vector)(minNormal), x * (vector)(up), x) - (bits)(rootHalf); \
  } \
  CSIMD_INLINE vector csimd_##p##_mantissa(vector x) { \
    return (vector)((csimd_##p##_normal(x) & (((bits)(1) << fraction) - 1)) + (bits)(rootHalf)); \
  } \
  CSIMD_INLINE vector csimd_##p##_exponent(vector x) { \
    vector n = (vector)((csimd_##p##_normal(x) >> fraction) + (bits)(vector)(magic)) - (vector)(magic); \
    return n - csimd_##p##_less(x, (vector)(minNormal), (vector)(upBy), (vector)(0)); \
  } \
  /* With n the low bits of `shifted`: s for even n, c for odd; negative if n & 2 */ \
  CSIMD_INLINE vector csimd_##p##_quadrant(vector shifted, int quarter, vector s, vector c) { \
    bits n = (bits)shifted + quarter; \
    bits odd = -(n & 1); \
    return (vector)(((odd & (bits)c) | (~odd & (bits)s)) ^ ((n << (sizeof(scalar) * 8 - 2)) & (bits)(signBit))); \
  }
CSIMD_LANES(f, float, csimd_vf, int32_t, csimd_vi, INT32_MIN, 23, 127, 0x1p-126f, 0x1p25f, 25, 0x3f3504f3, 12582912.0f)
CSIMD_LANES(
  d, double, csimd_vd, int64_t, csimd_vl, INT64_MIN, 52, 1023, 0x1p-1022, 0x1p54, 54, 0x3fe6a09e667f3bcd,
  6755399441055744.0)

// y 2^n, rounded once, for any integer n that does not overflow twice.
#if defined(__AVX512F__)
CSIMD_INLINE csimd_vf csimd_f_scale(csimd_vf y, csimd_vf n) { return (csimd_vf)_mm512_scalef_ps((__m512)y, (__m512)n); }
CSIMD_INLINE csimd_vd csimd_d_scale(csimd_vd y, csimd_vd n) {
  return (csimd_vd)_mm512_scalef_pd((__m512d)y, (__m512d)n);
}
#else
CSIMD_INLINE csimd_vf csimd_f_scale(csimd_vf y, csimd_vf n) {
  csimd_vi i = (csimd_vi)(n + 12582912.0f) - (csimd_vi)(csimd_vf)(12582912.0f), half = i >> 1;
  return y * (csimd_vf)((half + 127) << 23) * (csimd_vf)((i - half + 127) << 23);
}
// 64-bit arithmetic shifts are slow before AVX-512: halves by way of the float.
CSIMD_INLINE csimd_vd csimd_d_scale(csimd_vd y, csimd_vd n) {
  csimd_vd half = (n * 0.5 + 6755399441055744.0) - 6755399441055744.0;
  return y * csimd_d_power(half) * csimd_d_power(n - half);
}
#endif

// Whether any lane is above a bound; NaN is not.
CSIMD_INLINE _Bool csimd_f_any_above(csimd_vf x, float bound) { return __builtin_reduce_or((csimd_vi)(x > bound)) != 0; }
CSIMD_INLINE _Bool csimd_d_any_above(csimd_vd x, double bound) {
  return __builtin_reduce_or((csimd_vl)(x > bound)) != 0;
}

// Exact conversions between int32 and float lanes; out of range gives what the instruction gives.
CSIMD_INLINE csimd_vi csimd_f_toint(csimd_vf x) { return __builtin_convertvector(x, csimd_vi); }
CSIMD_INLINE csimd_vf csimd_f_fromint(csimd_vi x) { return __builtin_convertvector(x, csimd_vf); }

// The two halves of a float vector as doubles, and back.
CSIMD_INLINE csimd_vd csimd_widen_low(csimd_vf x) {
  csimd_vf_half h;
  memcpy(&h, &x, sizeof h);
  return __builtin_convertvector(h, csimd_vd);
}
CSIMD_INLINE csimd_vd csimd_widen_high(csimd_vf x) {
  csimd_vf_half h;
  memcpy(&h, (const char *)&x + sizeof h, sizeof h);
  return __builtin_convertvector(h, csimd_vd);
}
CSIMD_INLINE csimd_vf csimd_narrow(csimd_vd low, csimd_vd high) {
  csimd_vf_half l = __builtin_convertvector(low, csimd_vf_half), h = __builtin_convertvector(high, csimd_vf_half);
  csimd_vf r;
  memcpy(&r, &l, sizeof l);
  memcpy((char *)&r + sizeof l, &h, sizeof h);
  return r;
}

// Scalar float to integer without the range assumptions that Swift's initializers make.
CSIMD_INLINE int32_t csimd_f32_to_i32(float x) { return (int32_t)x; }
CSIMD_INLINE int32_t csimd_f64_to_i32(double x) { return (int32_t)x; }
CSIMD_INLINE int64_t csimd_f32_to_i64(float x) { return (int64_t)x; }
CSIMD_INLINE int64_t csimd_f64_to_i64(double x) { return (int64_t)x; }

// bfloat16 is the upper half of a float32; rounding is to nearest even, NaN stays a (quiet) NaN.
CSIMD_INLINE csimd_vf csimd_from_bfloat16(csimd_vh x) {
  return (csimd_vf)(__builtin_convertvector(x, csimd_vi) << 16);
}
CSIMD_INLINE csimd_vh csimd_to_bfloat16(csimd_vf x) {
  csimd_vi b = (csimd_vi)x;
  csimd_vi rounded = (b + 0x7fff + ((b >> 16) & 1)) >> 16;
  csimd_vi quiet = (b >> 16) | 0x40;
  csimd_vi nan = (csimd_vi)(x != x);
  return __builtin_convertvector((nan & quiet) | (~nan & rounded), csimd_vh);
}

#if defined(__AVX512F__)
CSIMD_INLINE csimd_vf csimd_from_float16(csimd_vh x) { return (csimd_vf)_mm512_cvtph_ps((__m256i)x); }
CSIMD_INLINE csimd_vh csimd_to_float16(csimd_vf x) { return (csimd_vh)_mm512_cvtps_ph((__m512)x, 0); }
#elif defined(__F16C__) && defined(__AVX2__)
CSIMD_INLINE csimd_vf csimd_from_float16(csimd_vh x) { return (csimd_vf)_mm256_cvtph_ps((__m128i)x); }
CSIMD_INLINE csimd_vh csimd_to_float16(csimd_vf x) { return (csimd_vh)_mm256_cvtps_ph((__m256)x, 0); }
#else
CSIMD_INLINE csimd_vf csimd_from_float16(csimd_vh x) {
  csimd_vi h = __builtin_convertvector(x, csimd_vi);
  csimd_vi magnitude = (h & 0x7fff) << 13;
  // Multiplying by 2^112 moves the exponent and normalises subnormals exactly; infinities and NaN need all ones.
  csimd_vf scaled = (csimd_vf)magnitude * 0x1p112f;
  csimd_vi special = (csimd_vi)(magnitude >= (0x7c00 << 13));
  csimd_vi bits = (csimd_vi)scaled | (special & 0x7f800000);
  csimd_vi nan = (csimd_vi)(magnitude > (0x7c00 << 13));
  return (csimd_vf)(bits | (nan & 0x00400000) | ((h & 0x8000) << 16));
}
CSIMD_INLINE csimd_vh csimd_to_float16(csimd_vf x) {
  csimd_vi b = (csimd_vi)x;
  csimd_vi sign = (b >> 16) & 0x8000;
  csimd_vi a = b & 0x7fffffff;
  // Normal results: rebias and round to nearest even on the 13 bits that go.
  csimd_vi normal = (a - (112 << 23) + 0xfff + ((a >> 13) & 1)) >> 13;
  // Subnormal results: adding 0.5 lets the adder round to a multiple of 2^-24.
  csimd_vi small = (csimd_vi)((csimd_vf)a + 0.5f) - 0x3f000000;
  csimd_vi isSmall = (csimd_vi)(a < (113 << 23));
  csimd_vi r = (isSmall & small) | (~isSmall & normal);
  csimd_vi big = (csimd_vi)(a >= 0x477ff000);
  r = (big & 0x7c00) | (~big & r);
  csimd_vi nan = (csimd_vi)(a > 0x7f800000);
  r = (nan & (0x7e00 | ((a >> 13) & 0x3ff))) | (~nan & r);
  return __builtin_convertvector(r | sign, csimd_vh);
}
#endif

// Copies without filling the cache with the destination. Call `csimd_stream_fence` after the last copy.
CSIMD_INLINE void csimd_stream_copy(void *to, const void *from, size_t bytes) {
#if defined(__x86_64__)
  char *y = to;
  const char *x = from;
  size_t head = -(uintptr_t)y & 63;
  if (head > bytes) head = bytes;
  memcpy(y, x, head);
  y += head, x += head, bytes -= head;
  for (; bytes >= 64; y += 64, x += 64, bytes -= 64) {
#if defined(__AVX512F__)
    _mm512_stream_si512((__m512i *)y, _mm512_loadu_si512(x));
#elif defined(__AVX2__)
    __m256i a = _mm256_loadu_si256((const __m256i *)x), b = _mm256_loadu_si256((const __m256i *)(x + 32));
    _mm256_stream_si256((__m256i *)y, a);
    _mm256_stream_si256((__m256i *)(y + 32), b);
#else
    __m128i a = _mm_loadu_si128((const __m128i *)x), b = _mm_loadu_si128((const __m128i *)(x + 16));
    __m128i c = _mm_loadu_si128((const __m128i *)(x + 32)), d = _mm_loadu_si128((const __m128i *)(x + 48));
    _mm_stream_si128((__m128i *)y, a);
    _mm_stream_si128((__m128i *)(y + 16), b);
    _mm_stream_si128((__m128i *)(y + 32), c);
    _mm_stream_si128((__m128i *)(y + 48), d);
#endif
  }
  memcpy(y, x, bytes);
#else
  memcpy(to, from, bytes);
#endif
}
CSIMD_INLINE void csimd_stream_fence(void) {
#if defined(__x86_64__)
  _mm_sfence();
#endif
}

#endif

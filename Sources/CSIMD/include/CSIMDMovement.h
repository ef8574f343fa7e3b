// Register transpositions: a tile of rows `xs` elements apart becomes a tile of rows `ys` elements apart.
#ifndef CSIMD_MOVEMENT_H
#define CSIMD_MOVEMENT_H

typedef unsigned char csimd_u8x16 __attribute__((ext_vector_type(16)));
typedef unsigned short csimd_u16x8 __attribute__((ext_vector_type(8)));
typedef unsigned int csimd_u32x4 __attribute__((ext_vector_type(4)));
typedef unsigned int csimd_u32x8m __attribute__((ext_vector_type(8)));
typedef unsigned long long csimd_u64x2 __attribute__((ext_vector_type(2)));
typedef unsigned long long csimd_u64x4 __attribute__((ext_vector_type(4)));

static inline __attribute__((always_inline, unused)) void csimd_prefetch_read(const void *x) {
  __builtin_prefetch(x, 0, 2);
}

static inline __attribute__((always_inline, unused)) void csimd_prefetch_write(const void *x) {
  __builtin_prefetch(x, 1, 3);
}

// `step` where the condition holds, else 0, without a branch: the compiler would make one of a choice in a loop, and half
// of a search's choices are guessed wrong.
static inline __attribute__((always_inline, unused)) long csimd_step_if(_Bool condition, long step) {
  long mask = -(long)condition;
  __asm__("" : "+r"(mask));
  return mask & step;
}

// Interleaving the two halves of the rows log2(rows) times transposes; the interleaves are single instructions
// within 128 bits.
static inline __attribute__((always_inline, unused)) void csimd_transpose_u8(
    const void *x, long xs, void *y, long ys) {
  csimd_u8x16 a[16], b[16];
  for (int i = 0; i < 16; i++) __builtin_memcpy(&a[i], (const char *)x + i * xs, 16);
  for (int stage = 0; stage < 4; stage++) {
    for (int i = 0; i < 8; i++) {
      b[2 * i] = __builtin_shufflevector(
          a[i], a[i + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      b[2 * i + 1] = __builtin_shufflevector(
          a[i], a[i + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    }
    for (int i = 0; i < 16; i++) a[i] = b[i];
  }
  for (int i = 0; i < 16; i++) __builtin_memcpy((char *)y + i * ys, &a[i], 16);
}

static inline __attribute__((always_inline, unused)) void csimd_transpose_u16(
    const void *x, long xs, void *y, long ys) {
  csimd_u16x8 a[8], b[8];
  for (int i = 0; i < 8; i++) __builtin_memcpy(&a[i], (const char *)x + 2 * i * xs, 16);
  for (int stage = 0; stage < 3; stage++) {
    for (int i = 0; i < 4; i++) {
      b[2 * i] = __builtin_shufflevector(a[i], a[i + 4], 0, 8, 1, 9, 2, 10, 3, 11);
      b[2 * i + 1] = __builtin_shufflevector(a[i], a[i + 4], 4, 12, 5, 13, 6, 14, 7, 15);
    }
    for (int i = 0; i < 8; i++) a[i] = b[i];
  }
  for (int i = 0; i < 8; i++) __builtin_memcpy((char *)y + 2 * i * ys, &a[i], 16);
}

// For wider elements rows i and i + half share a 256-bit register, so that the interleaves stay within its lanes.
static inline __attribute__((always_inline, unused)) void csimd_transpose_u32(
    const void *x, long xs, void *y, long ys) {
  for (int half = 0; half < 2; half++) {
    csimd_u32x8m a[4], b[4];
    for (int i = 0; i < 4; i++) {
      csimd_u32x4 low, high;
      __builtin_memcpy(&low, (const char *)x + 4 * (i * xs + 4 * half), 16);
      __builtin_memcpy(&high, (const char *)x + 4 * ((i + 4) * xs + 4 * half), 16);
      a[i] = __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7);
    }
    for (int stage = 0; stage < 2; stage++) {
      for (int i = 0; i < 2; i++) {
        b[2 * i] = __builtin_shufflevector(a[i], a[i + 2], 0, 8, 1, 9, 4, 12, 5, 13);
        b[2 * i + 1] = __builtin_shufflevector(a[i], a[i + 2], 2, 10, 3, 11, 6, 14, 7, 15);
      }
      for (int i = 0; i < 4; i++) a[i] = b[i];
    }
    for (int i = 0; i < 4; i++) __builtin_memcpy((char *)y + 4 * (i + 4 * half) * ys, &a[i], 32);
  }
}

static inline __attribute__((always_inline, unused)) void csimd_transpose_u64(
    const void *x, long xs, void *y, long ys) {
  for (int half = 0; half < 2; half++) {
    csimd_u64x4 a[2];
    for (int i = 0; i < 2; i++) {
      csimd_u64x2 low, high;
      __builtin_memcpy(&low, (const char *)x + 8 * (i * xs + 2 * half), 16);
      __builtin_memcpy(&high, (const char *)x + 8 * ((i + 2) * xs + 2 * half), 16);
      a[i] = __builtin_shufflevector(low, high, 0, 1, 2, 3);
    }
    csimd_u64x4 even = __builtin_shufflevector(a[0], a[1], 0, 4, 2, 6);
    csimd_u64x4 odd = __builtin_shufflevector(a[0], a[1], 1, 5, 3, 7);
    __builtin_memcpy((char *)y + 8 * (2 * half) * ys, &even, 32);
    __builtin_memcpy((char *)y + 8 * (2 * half + 1) * ys, &odd, 32);
  }
}

#endif

import CPUKernelAPI
import CSIMD

// exp by x = n ln 2 + r, |r| ≤ ln 2 / 2, Taylor's series for exp r (its error is far below half a unit in the last
// place at these degrees) and two exact scalings, so that results underflow gradually.

@inline(__always)
private func fma(_ a: VFloat, _ b: VFloat, _ c: VFloat) -> VFloat {
  #if KERNELS_BASELINE && arch(x86_64)
    return a * b + c  // without an FMA instruction `addingProduct` is a call
  #else
    return c.addingProduct(a, b)
  #endif
}

@inline(__always)
private func fma(_ a: VDouble, _ b: VDouble, _ c: VDouble) -> VDouble {
  #if KERNELS_BASELINE && arch(x86_64)
    return a * b + c
  #else
    return c.addingProduct(a, b)
  #endif
}

/// e to the x, within 1.5 units in the last place; NaN stays NaN.
@inline(__always)
func reduceExp(_ value: VFloat) -> VFloat {
  let x = csimd_bound_f32(value, -110, 90)
  // Adding 1.5 · 2²³ leaves the rounded integer in the low bits of the fraction.
  let magic = VFloat(repeating: 12_582_912)
  let t = fma(x, VFloat(repeating: 1.442_695_04), magic)
  let n = t - magic
  var r = fma(n, VFloat(repeating: -0.693_359_375), x)
  r = fma(n, VFloat(repeating: 2.121_944_4e-4), r)
  var p = VFloat(repeating: 1.0 / 5040)
  p = fma(p, r, VFloat(repeating: 1.0 / 720))
  p = fma(p, r, VFloat(repeating: 1.0 / 120))
  p = fma(p, r, VFloat(repeating: 1.0 / 24))
  p = fma(p, r, VFloat(repeating: 1.0 / 6))
  p = fma(p, r, VFloat(repeating: 0.5))
  p = fma(p, r * r, r) + 1
  let k = unsafeBitCast(t, to: VInt32.self) &- unsafeBitCast(magic, to: VInt32.self)
  let half = k &>> 1
  let first = unsafeBitCast((half &+ 127) &<< 23, to: VFloat.self)
  let second = unsafeBitCast((k &- half &+ 127) &<< 23, to: VFloat.self)
  return p * first * second
}

/// e to the x, within 1.5 units in the last place; NaN stays NaN.
@inline(__always)
func reduceExp(_ value: VDouble) -> VDouble {
  let x = csimd_bound_f64(value, -750, 710)
  let magic = VDouble(repeating: 6_755_399_441_055_744)
  let t = fma(x, VDouble(repeating: 1.442_695_040_888_963_4), magic)
  let n = t - magic
  var r = fma(n, VDouble(repeating: -0.693_147_180_369_123_8), x)
  r = fma(n, VDouble(repeating: -1.908_214_929_270_587_7e-10), r)
  var p = VDouble(repeating: 1.0 / 6_227_020_800)
  p = fma(p, r, VDouble(repeating: 1.0 / 479_001_600))
  p = fma(p, r, VDouble(repeating: 1.0 / 39_916_800))
  p = fma(p, r, VDouble(repeating: 1.0 / 3_628_800))
  p = fma(p, r, VDouble(repeating: 1.0 / 362_880))
  p = fma(p, r, VDouble(repeating: 1.0 / 40_320))
  p = fma(p, r, VDouble(repeating: 1.0 / 5040))
  p = fma(p, r, VDouble(repeating: 1.0 / 720))
  p = fma(p, r, VDouble(repeating: 1.0 / 120))
  p = fma(p, r, VDouble(repeating: 1.0 / 24))
  p = fma(p, r, VDouble(repeating: 1.0 / 6))
  p = fma(p, r, VDouble(repeating: 0.5))
  p = fma(p, r * r, r) + 1
  let k = unsafeBitCast(t, to: VInt64.self) &- unsafeBitCast(magic, to: VInt64.self)
  // An arithmetic shift of 64-bit lanes is missing before AVX-512; the bias makes a logical one do.
  let half =
    unsafeBitCast(unsafeBitCast(k &+ 4096, to: VUInt64.self) &>> 1, to: VInt64.self) &- 2048
  let first = unsafeBitCast((half &+ 1023) &<< 52, to: VDouble.self)
  let second = unsafeBitCast((k &- half &+ 1023) &<< 52, to: VDouble.self)
  return p * first * second
}

#if KERNELS_AVX512
  private typealias VUInt64 = SIMD8<UInt64>
#elseif KERNELS_AVX2
  private typealias VUInt64 = SIMD4<UInt64>
#else
  private typealias VUInt64 = SIMD2<UInt64>
#endif

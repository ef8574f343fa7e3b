import CSIMD

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// 32 standard normal numbers in the order of the stream: words 2j and 2j + 1 give the numbers 2j = r cos θ and
/// 2j + 1 = r sin θ, with r = √(−2 ln u) (Box and Muller, 1958).
@inline(__always)
func boxMuller(_ blocks: Philox.EightBlocks) -> (SIMD16<Float>, SIMD16<Float>) {
  var even = SIMD16<UInt32>.zero, odd = SIMD16<UInt32>.zero
  csimd_philox_pairs(blocks.low, blocks.high, &even, &odd)
  // All 32 bits count, so that the tail reaches 6.7 standard deviations; u is in (0, 1].
  let u = multiplyAdd(0x1p-33, csimd_float_from_u32x16(even), 0x1p-32)
  let r = csimd_sqrt_f32x16(minusTwoLog(u))
  let (cosine, sine) = cosineAndSine(turns: odd)
  let (a, b) = (r * cosine, r * sine)
  return (csimd_zip_low_f32x16(a, b), csimd_zip_high_f32x16(a, b))
}

/// Two standard normal numbers in double precision from two 64-bit words.
@inline(__always)
func boxMuller(_ first: UInt64, _ second: UInt64) -> (Double, Double) {
  let ticks: UInt64 = (1 << 53) &- (first &>> 11)
  let u = Double(Int64(ticks)) * 0x1p-53
  let angle = Double(Int64(second &>> 11)) * (0x1p-53 * 2 * Double.pi)
  let r = (-2 * log(u)).squareRoot()
  return (r * cos(angle), r * sin(angle))
}

/// a + b · c, fused where the instruction set can; elsewhere a fused one would be a function call for each lane.
@inline(__always)
private func multiplyAdd(_ a: SIMD16<Float>, _ b: SIMD16<Float>, _ c: SIMD16<Float>) -> SIMD16<Float> {
  #if KERNELS_BASELINE && arch(x86_64)
    a + b * c
  #else
    a.addingProduct(b, c)
  #endif
}

@inline(__always)
private func multiplyAdd(_ a: Float, _ b: SIMD16<Float>, _ c: Float) -> SIMD16<Float> {
  multiplyAdd(SIMD16(repeating: a), b, SIMD16(repeating: c))
}

@inline(__always)
private func multiplyAdd(_ a: Float, _ b: SIMD16<Float>, _ c: SIMD16<Float>) -> SIMD16<Float> {
  multiplyAdd(SIMD16(repeating: a), b, c)
}

/// −2 ln u for u in [2⁻³³, 1], which has neither subnormal numbers nor infinity nor NaN.
@inline(__always)
private func minusTwoLog(_ u: SIMD16<Float>) -> SIMD16<Float> {
  var e = SIMD16<Float>.zero, f = SIMD16<Float>.zero
  csimd_split_f32x16(u, &e, &f)
  // ln(1 + f) = f − f²/2 + f³ P(f), P fitted for the least relative error (6e-9)
  var p = multiplyAdd(0.128816494, f, -0.0785961643)
  p = multiplyAdd(-0.131287538, f, p)
  p = multiplyAdd(0.141811916, f, p)
  p = multiplyAdd(-0.166245541, f, p)
  p = multiplyAdd(0.200022863, f, p)
  p = multiplyAdd(-0.250008104, f, p)
  p = multiplyAdd(0.333333167, f, p)
  let square = f * f
  let rest = multiplyAdd(-0.5, f, p) * square
  // −2 ln 2 in two parts: the first times e is exact.
  let small = multiplyAdd(rest * -2, e, SIMD16(repeating: -6.38923699e-05))
  return multiplyAdd(multiplyAdd(small, f, SIMD16(repeating: -2)), e, SIMD16(repeating: -1.38623047))
}

/// cos and sin of 2π w / 2³².
@inline(__always)
private func cosineAndSine(turns w: SIMD16<UInt32>) -> (SIMD16<Float>, SIMD16<Float>) {
  let x = csimd_turn_rest(w) * (2 * Float.pi * 0x1p-32)
  let z = x * x
  var s = multiplyAdd(0.00833217815, z, -0.00019517299)
  s = multiplyAdd(-0.166666549, z, s)
  var sine = multiplyAdd(x, x * z, s)
  var c = multiplyAdd(-0.00138873675, z, 2.44384516e-05)
  c = multiplyAdd(0.0416666469, z, c)
  var cosine = multiplyAdd(1, z, multiplyAdd(-0.5, z, c))
  csimd_turn_quarters(w, &cosine, &sine)
  return (cosine, sine)
}

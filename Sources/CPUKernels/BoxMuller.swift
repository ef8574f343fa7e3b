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
  // Words 0 and 2 of each block are the even ones, 1 and 3 the odd ones.
  let even = unsafeBitCast((blocks.w0 & 0xFFFF_FFFF) | (blocks.w2 &<< 32), to: SIMD16<UInt32>.self)
  let odd = unsafeBitCast((blocks.w1 & 0xFFFF_FFFF) | (blocks.w3 &<< 32), to: SIMD16<UInt32>.self)
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
  let u = Double(Int64((1 &<< 53) &- (first &>> 11))) * 0x1p-53
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
  // u = 2^e · (1 + f) with 1 + f in [√½, √2)
  let bits = unsafeBitCast(u, to: SIMD16<Int32>.self) &- 0x3F35_04F3
  let e = csimd_float_from_i32x16(bits &>> 23)
  let f = unsafeBitCast((bits & 0x007F_FFFF) &+ 0x3F35_04F3, to: SIMD16<Float>.self) - 1
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

/// cos and sin of 2π w / 2³². The quadrant is taken from the integer, without error.
@inline(__always)
private func cosineAndSine(turns w: SIMD16<UInt32>) -> (SIMD16<Float>, SIMD16<Float>) {
  let shifted = w &+ 0x2000_0000
  let fraction = unsafeBitCast((shifted & 0x3FFF_FFFF), to: SIMD16<Int32>.self) &- 0x2000_0000
  let x = csimd_float_from_i32x16(fraction) * (2 * Float.pi * 0x1p-32)
  let z = x * x
  var s = multiplyAdd(0.00833217815, z, -0.00019517299)
  s = multiplyAdd(-0.166666549, z, s)
  let sine = multiplyAdd(x, x * z, s)
  var c = multiplyAdd(-0.00138873675, z, 2.44384516e-05)
  c = multiplyAdd(0.0416666469, z, c)
  let cosine = multiplyAdd(1, z, multiplyAdd(-0.5, z, c))
  // Odd quadrants exchange the two; the cosine is negative in quadrants 1 and 2, the sine in 2 and 3.
  let swap = (shifted & 0x4000_0000) .!= 0
  let a = unsafeBitCast(cosine.replacing(with: sine, where: swap), to: SIMD16<UInt32>.self)
  let b = unsafeBitCast(sine.replacing(with: cosine, where: swap), to: SIMD16<UInt32>.self)
  let cosineSign = ((shifted &+ 0x4000_0000) & 0x8000_0000)
  let sineSign = shifted & 0x8000_0000
  return (unsafeBitCast(a ^ cosineSign, to: SIMD16<Float>.self), unsafeBitCast(b ^ sineSign, to: SIMD16<Float>.self))
}

import CSIMD
import Glibc

// float32 functions to 1 to 3 ULP, without float64: argument reduction with constants split so that products are
// exact without a fused multiply-add, then a polynomial fitted at Chebyshev nodes.
extension VFloat {
  /// 1.5 · 2^23: adding it leaves a small integer in the low bits.
  @inline(__always) private static var shifter: Self { k(12_582_912) }

  /// n and r with x = n log 2 + r, |r| ≤ log(2)/2.
  @inline(__always)
  private func reducedByLog2() -> (n: Self, r: Self) {
    let n = Self.mulAdd(self, Self.k(1.4426950408889634), Self.shifter) - Self.shifter
    return (n, Self.mulAdd(n, Self.k(-0x1.0bfbe8p-15), Self.mulAdd(n, Self.k(-0x1.62e0p-1), self)))
  }

  /// e^r - 1 for |r| ≤ log(2)/2.
  @inline(__always)
  private func expm1Reduced() -> Self {
    let p = poly(0.5, 0.166666672, then: poly(0.0416664667, 0.00833331048, 0.00139336498, 0.000198909911))
    return Self.mulAdd(self * self, p, self)
  }

  @inline(__always)
  func exp() -> Self {
    // Beyond these bounds the result is 0 or infinite; NaN passes.
    let x = Self.less(self, Self.k(-105), Self.k(-105), Self.less(Self.k(89), self, Self.k(89), self))
    let (n, r) = x.reducedByLog2()
    return csimd_f_scale(Self.one + r.expm1Reduced(), n)
  }

  @inline(__always)
  func exp2() -> Self {
    let x = Self.less(self, Self.k(-152), Self.k(-152), Self.less(Self.k(129), self, Self.k(129), self))
    let n = x.roundedToEven()
    let r = x - n
    let p = r.poly(
      0.693147182, 0.240226507, then: r.poly(0.0555035695, 0.00961808208, 0.00133908866, 0.000154531823))
    return csimd_f_scale(Self.mulAdd(r, p, Self.one), n)
  }

  @inline(__always)
  func expm1() -> Self {
    let x = Self.less(self, Self.k(-25), Self.k(-25), Self.less(Self.k(89), self, Self.k(89), self))
    let (n, r) = x.reducedByLog2()
    // 2^n is out of range for n = 128: half of it, twice.
    let low = Self.less(n, Self.k(127), n, Self.k(127))
    let power = csimd_f_power(low)
    let twice = Self.less(n, Self.k(127.5), Self.one, Self.k(2))
    let y = Self.mulAdd(power, r.expm1Reduced(), power - Self.one / twice) * twice
    return Self.equal(self, Self.nought, self, y)
  }

  /// e and log(m) with x = m 2^e and m in [√½, √2), for positive finite x.
  @inline(__always)
  private func logParts() -> (exponent: Self, logarithm: Self) {
    let f = csimd_f_mantissa(self) - Self.one
    let p = f.poly(
      0.333333313, -0.24999997, 0.20000717, -0.166678071,
      then: Self.mulAdd(f, f.poly(-0.124255233, 0.116857849, -0.114812121, 0.0697251856), Self.k(0.142490074)))
    let z = f * f
    let l = f + Self.mulAdd(z * f, p, Self.k(-0.5) * z)
    return (csimd_f_exponent(self), l)
  }

  /// Puts in what a logarithm is outside of the positive finite numbers.
  @inline(__always)
  private static func logEdges(_ x: Self, _ y: Self) -> Self {
    let infinite = less(x, k(.infinity), y, x)
    return less(nought, x, infinite, equal(x, nought, k(-.infinity), k(.nan)))
  }

  @inline(__always)
  func log() -> Self {
    let (e, l) = logParts()
    return Self.logEdges(self, Self.mulAdd(e, Self.k(0x1.62e0p-1), Self.mulAdd(e, Self.k(0x1.0bfbe8p-15), l)))
  }

  @inline(__always)
  func log2() -> Self {
    let (e, l) = logParts()
    // log2(e) = 1 + 0.44…: the part above 1 rounds four times finer.
    return Self.logEdges(self, Self.mulAdd(l, Self.k(0.44269504088896341), l) + e)
  }

  @inline(__always)
  func log10() -> Self {
    let (e, l) = logParts()
    let low = Self.mulAdd(l, Self.k(0.4342944819032518), e * Self.k(4.605038981195214e-06))
    return Self.logEdges(self, Self.mulAdd(e, Self.k(0.301025390625), low))
  }

  @inline(__always)
  func log1p() -> Self {
    let u = self + Self.one
    // What rounding took from u; not a number where u is 0 or infinite.
    let c = (self - (u - Self.one)) / u
    return Self.equal(self, Self.nought, self, u.log() + Self.equal(c, c, c, Self.nought))
  }

  /// The sine of x + quarter · π/2.
  @inline(__always)
  private func sinShifted(quarter: Int32, _ slow: (Double) -> Double) -> Self {
    if csimd_f_any_above(absolute(), 65536) { return lanes(slow) }
    #if KERNELS_BASELINE && arch(x86_64)
      // Without a fused multiply-add the reduction has too few bits in float32.
      return csimd_narrow(
        csimd_widen_low(self).sinSmall(quarter: quarter),
        csimd_widen_high(self).sinSmall(quarter: quarter))
    #else
      let shifted = Self.mulAdd(self, Self.k(0.6366197723675814), Self.shifter)
      let n = shifted - Self.shifter
      let r = Self.mulAdd(
        n, Self.k(-0x1.8469898cc5170p-48),
        Self.mulAdd(n, Self.k(-0x1.4442d0p-24), Self.mulAdd(n, Self.k(-0x1.921fb4p+0), self)))
      let z = r * r
      let s = Self.mulAdd(r * z, z.poly(-0.166666672, 0.00833333191, -0.000198400856, 2.72498642e-06), r)
      let c = Self.mulAdd(
        z * z, z.poly(0.0416666679, -0.00138888881, 2.48005999e-05, -2.73009078e-07),
        Self.mulAdd(z, Self.k(-0.5), Self.one))
      return csimd_f_quadrant(shifted, quarter, s, c)
    #endif
  }

  @inline(__always)
  func sin() -> Self { Self.equal(self, Self.nought, self, sinShifted(quarter: 0, Glibc.sin)) }

  @inline(__always)
  func cos() -> Self { sinShifted(quarter: 1, Glibc.cos) }

  @inline(__always)
  func tanh() -> Self {
    let a = absolute()
    let t = (Self.less(a, Self.k(10), a, Self.k(10)) * Self.k(2)).expm1()
    return Self.equal(self, self, t / (t + Self.k(2)), self).withSign(of: self)
  }

  @inline(__always)
  func sigmoid() -> Self {
    let e = (-absolute()).exp()
    return Self.less(self, Self.nought, e, Self.one) / (Self.one + e)
  }

  /// x · 2/√π · (1 - x²/3 + …), for |x| ≤ 0.7.
  @inline(__always)
  private func erfSmall() -> Self {
    let z = self * self
    return self
      * z.poly(1.12837923, -0.376126289, then: z.poly(0.112835333, -0.0268438999, 0.00513652759, -0.000693352777))
  }

  /// erfc of lanes ≥ 0.7, or NaN.
  @inline(__always)
  private func erfcTail() -> Self {
    let u = Self.less(Self.k(10.5), self, Self.k(10.5), self)
    // exp(-u²) = exp(-h²) exp(-(u - h)(u + h)), with an h that has an exact square; the small factor joins the
    // reduced argument.
    let h = csimd_f_mask(u, -4096)
    let (n, r) = (-(h * h)).reducedByLog2()
    let e = (r - (u - h) * (u + h)).expm1Reduced() + Self.one
    let w = Self.one / (u + Self.k(2))
    let t = (u - Self.k(2)) * w
    let p = t.poly(
      1.02158272, -0.68716073, 0.279471755, -0.0364412703,
      then: t.poly(
        -0.0215056241, 0.00647245953, 0.00306140562, -0.000823400158,
        then: Self.mulAdd(Self.mulAdd(t, Self.k(6.41553124e-05), Self.k(3.94253002e-05)), t, Self.k(-0.000587912567))))
    return csimd_f_scale(e * (p * w), n)
  }

  @inline(__always)
  func erf() -> Self {
    let a = absolute()
    return Self.less(a, Self.k(0.7), erfSmall(), (Self.one - a.erfcTail()).withSign(of: self))
  }

  @inline(__always)
  func erfc() -> Self {
    let a = absolute()
    let tail = a.erfcTail()
    return Self.less(
      a, Self.k(0.7), Self.one - erfSmall(), Self.less(self, Self.nought, Self.k(2) - tail, tail))
  }
}

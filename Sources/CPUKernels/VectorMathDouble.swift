import CSIMD
import Glibc

// float64 functions to 1 or 2 ULP: argument reduction with constants split so that products are exact without a
// fused multiply-add, then a polynomial fitted at Chebyshev nodes to below 2^-57 of the result. They serve float32
// functions too, where a pure float32 version is not worth its trouble.
extension VDouble {
  /// 1.5 · 2^52: adding it leaves a small integer in the low bits.
  @inline(__always) private static var shifter: Self { k(6_755_399_441_055_744) }

  /// n and r with x = n log 2 + r, |r| ≤ log(2)/2.
  @inline(__always)
  private func reducedByLog2() -> (n: Self, r: Self) {
    let n = Self.mulAdd(self, Self.k(1.4426950408889634), Self.shifter) - Self.shifter
    let r = (self - n * Self.k(0x1.62e42fefa3800p-1)) - n * Self.k(0x1.ef35793c76730p-45)
    return (n, r)
  }

  /// e^r - 1 for |r| ≤ log(2)/2.
  @inline(__always)
  private func expm1Reduced() -> Self {
    let p = poly(
      0.5, 0.1666666666666667, 0.04166666666666667, 0.008333333333326136,
      then: poly(
        0.0013888888888883748, 0.00019841269874820627, 2.4801587325547743e-05, 2.7557255400206422e-06,
        then: Self.mulAdd(
          Self.mulAdd(self, Self.k(2.0914686968086876e-09), Self.k(2.5105217004720745e-08)), self,
          Self.k(2.75572736431103e-07))))
    return Self.mulAdd(self * self, p, self)
  }

  @inline(__always)
  func exp() -> Self {
    // Beyond these bounds the result is 0 or infinite; NaN passes.
    let x = Self.less(self, Self.k(-746), Self.k(-746), Self.less(Self.k(710), self, Self.k(710), self))
    let (n, r) = x.reducedByLog2()
    return csimd_d_scale(Self.one + r.expm1Reduced(), n)
  }

  @inline(__always)
  func exp2() -> Self {
    let x = Self.less(self, Self.k(-1080), Self.k(-1080), Self.less(Self.k(1025), self, Self.k(1025), self))
    let n = x.roundedToEven()
    return csimd_d_scale(Self.one + ((x - n) * Self.k(0.6931471805599453)).expm1Reduced(), n)
  }

  @inline(__always)
  func expm1() -> Self {
    let x = Self.less(self, Self.k(-60), Self.k(-60), Self.less(Self.k(710), self, Self.k(710), self))
    let (n, r) = x.reducedByLog2()
    // 2^n is out of range for n = 1024: half of it, twice.
    let low = Self.less(n, Self.k(1023), n, Self.k(1023))
    let power = csimd_d_power(low)
    let twice = Self.less(n, Self.k(1023.5), Self.one, Self.k(2))
    let y = (Self.mulAdd(power, r.expm1Reduced(), power - Self.one / twice)) * twice
    return Self.equal(self, Self.nought, self, y)
  }

  /// e and log(m) with x = m 2^e and m in [√½, √2), for positive finite x.
  @inline(__always)
  private func logParts() -> (exponent: Self, logarithm: Self) {
    let f = csimd_d_mantissa(self) - Self.one
    let s = f / (Self.k(2) + f)
    let z = s * s
    let p =
      z
      * z.poly(
        0.666666666666667, 0.3999999999989322, 0.28571428628810996, 0.22222210674238516,
        then: Self.mulAdd(
          Self.mulAdd(z, Self.k(0.1463003136412286), Self.k(0.15330617306743305)), z, Self.k(0.18182922513515942)))
    let h = Self.k(0.5) * f * f
    return (csimd_d_exponent(self), f - (h - s * (h + p)))
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
    return Self.logEdges(self, e * Self.k(0x1.62e42fefa3800p-1) + (l + e * Self.k(0x1.ef35793c76730p-45)))
  }

  @inline(__always)
  func log2() -> Self {
    let (e, l) = logParts()
    return Self.logEdges(self, Self.mulAdd(l, Self.k(1.4426950408889634), e))
  }

  @inline(__always)
  func log10() -> Self {
    let (e, l) = logParts()
    let low = Self.mulAdd(l, Self.k(0.4342944819032518), e * Self.k(0x1.fef311f12b358p-46))
    return Self.logEdges(self, e * Self.k(0x1.34413509f7800p-2) + low)
  }

  @inline(__always)
  func log1p() -> Self {
    let u = self + Self.one
    // What rounding took from u; not a number where u is 0 or infinite.
    let c = (self - (u - Self.one)) / u
    let y = u.log() + Self.equal(c, c, c, Self.nought)
    return Self.equal(self, Self.nought, self, y)
  }

  /// n and r with x = n π/2 + r for |x| < 2^20, n as n + shifter.
  @inline(__always)
  private func reducedByHalfPi() -> (shifted: Self, r: Self) {
    let shifted = Self.mulAdd(self, Self.k(0.6366197723675814), Self.shifter)
    let n = shifted - Self.shifter
    let r = (self - n * Self.k(0x1.921fb54400000p+0)) - n * Self.k(0x1.0b4611a600000p-34)
    return (shifted, r - n * Self.k(0x1.3198a2e037073p-69))
  }

  /// sin and cos of |r| ≤ π/4.
  @inline(__always)
  private func sinCosReduced() -> (sin: Self, cos: Self) {
    let z = self * self
    let s = z.poly(
      -0.16666666666666666, 0.008333333333333331, -0.0001984126984126506, 2.7557319219335453e-06,
      then: Self.mulAdd(
        Self.mulAdd(z, Self.k(-7.586685070091267e-13), Self.k(1.605853141458901e-10)), z,
        Self.k(-2.5052106231157904e-08)))
    let c = z.poly(
      0.041666666666666664, -0.0013888888888888887, 2.4801587301584645e-05, -2.755731922140076e-07,
      then: Self.mulAdd(
        Self.mulAdd(z, Self.k(4.7458652037874553e-14), Self.k(-1.1470460773969325e-11)), z,
        Self.k(2.0876755790363397e-09)))
    return (Self.mulAdd(self * z, s, self), Self.mulAdd(z * z, c, Self.one - Self.k(0.5) * z))
  }

  /// All lanes are within the range of the vector reduction, or not a number.
  @inline(__always)
  private var isSmallAngle: Bool { !csimd_d_any_above(absolute(), 1_048_576) }

  /// The sine of x + quarter · π/2, within the range of the reduction.
  @inline(__always)
  func sinSmall(quarter: Int32) -> Self {
    let (shifted, r) = reducedByHalfPi()
    let (s, c) = r.sinCosReduced()
    return csimd_d_quadrant(shifted, quarter, s, c)
  }

  /// The tangent, within the range of the reduction.
  @inline(__always)
  func tanSmall() -> Self {
    let (shifted, r) = reducedByHalfPi()
    let (s, c) = r.sinCosReduced()
    // By the parity of n: s / c or -c / s. The sign of the quotient of two quadrants is right by itself.
    return csimd_d_quadrant(shifted, 0, s, c) / csimd_d_quadrant(shifted, 1, s, c)
  }

  @inline(__always)
  func sin() -> Self {
    isSmallAngle ? Self.equal(self, Self.nought, self, sinSmall(quarter: 0)) : lanes(Glibc.sin)
  }

  @inline(__always)
  func cos() -> Self { isSmallAngle ? sinSmall(quarter: 1) : lanes(Glibc.cos) }

  @inline(__always)
  func tan() -> Self { isSmallAngle ? Self.equal(self, Self.nought, self, tanSmall()) : lanes(Glibc.tan) }

  @inline(__always)
  func tanh() -> Self {
    let a = absolute()
    let t = (Self.less(a, Self.k(22), a, Self.k(22)) * Self.k(2)).expm1()
    let y = t / (t + Self.k(2))
    return Self.equal(self, self, y, self).withSign(of: self)
  }

  @inline(__always)
  func sigmoid() -> Self {
    let e = (-absolute()).exp()
    return Self.less(self, Self.nought, e, Self.one) / (Self.one + e)
  }

  @inline(__always)
  func sinh() -> Self {
    let a = absolute()
    let t = a.expm1()
    let h = (a * Self.k(0.5)).exp()
    let small = Self.k(0.5) * (t + t / (t + Self.one))
    return Self.less(a, Self.k(40), small, Self.k(0.5) * h * h).withSign(of: self)
  }

  @inline(__always)
  func cosh() -> Self {
    let a = absolute()
    let h = (a * Self.k(0.5)).exp()
    let e = a.exp()
    return Self.less(a, Self.k(40), Self.k(0.5) * (e + Self.one / e), Self.k(0.5) * h * h)
  }

  @inline(__always)
  func asinh() -> Self {
    let a = absolute()
    let isLarge = Self.k(0x1p28)
    let root = (Self.mulAdd(a, a, Self.one)).root()
    let argument = Self.less(a, isLarge, a + a * a / (Self.one + root), a)
    let y = argument.log1p() + Self.less(a, isLarge, Self.nought, Self.k(0.6931471805599453))
    return y.withSign(of: self)
  }

  @inline(__always)
  func acosh() -> Self {
    let isLarge = Self.k(0x1p28)
    let t = self - Self.one
    let near = t + (t * (self + Self.one)).root()
    let argument = Self.less(self, Self.one, Self.k(.nan), Self.less(self, isLarge, near, self))
    return argument.log1p() + Self.less(self, isLarge, Self.nought, Self.k(0.6931471805599453))
  }

  @inline(__always)
  func atanh() -> Self {
    let a = absolute()
    return (Self.k(0.5) * (Self.k(2) * a / (Self.one - a)).log1p()).withSign(of: self)
  }

  /// The arc tangent of lanes that are ≥ 0 or NaN.
  @inline(__always)
  private func atanPositive() -> Self {
    // tan(π/8) and tan(3π/8) part three ranges: t, π/4 + (t - 1)/(t + 1), π/2 - 1/t.
    let (low, high) = (Self.k(0.4142135623730951), Self.k(2.414213562373095))
    let numerator = Self.less(self, low, self, Self.less(self, high, self - Self.one, -Self.one))
    let denominator = Self.less(self, low, Self.one, Self.less(self, high, self + Self.one, self))
    let base = Self.less(
      self, low, Self.nought, Self.less(self, high, Self.k(0.7853981633974483), Self.k(1.5707963267948966)))
    let rest = Self.less(
      self, low, Self.nought, Self.less(self, high, Self.k(3.061616997868383e-17), Self.k(6.123233995736766e-17)))
    let t = numerator / denominator
    let z = t * t
    let p = z.poly(
      -0.3333333333333333, 0.19999999999999998, -0.14285714285714146, 0.11111111111090245,
      then: z.poly(
        -0.09090909089276902, 0.07692307615661163, -0.06666664328470077, 0.0588230434681718,
        then: z.poly(
          -0.052624504139477286, 0.04754591554929332,
          then: z.poly(-0.0429410117528075, 0.0372282586774054, -0.027261979750820998, 0.01194761850731371))))
    return base + (Self.mulAdd(t * z, p, t) + rest)
  }

  @inline(__always)
  func atan() -> Self { absolute().atanPositive().withSign(of: self) }

  @inline(__always)
  func atan2(_ x: Self) -> Self {
    let (a, b) = (absolute(), x.absolute())
    let infinity = Self.k(.infinity)
    // Two zeros have the angle 0 (or π), two infinities π/4 (or 3π/4).
    let quotient = Self.equal(a, infinity, Self.equal(b, infinity, Self.one, a / b), a / b)
    let angle = Self.equal(a, Self.nought, Self.equal(b, b, Self.nought, b), quotient).atanPositive()
    let isLeft = Self.less(Self.one.withSign(of: x), Self.nought, Self.one, Self.nought)
    let flipped = Self.k(3.141592653589793) - (angle - Self.k(1.2246467991473532e-16))
    return Self.equal(isLeft, Self.nought, angle, flipped).withSign(of: self)
  }

  /// (asin(√z) / √z - 1) / z for z ≤ ¼
  @inline(__always)
  private static func asinSeries(_ z: Self) -> Self {
    z.poly(
      0.16666666666666666, 0.07500000000000119, 0.04464285714255019, 0.030381944475693704,
      then: z.poly(
        0.022372157435623815, 0.017352816768546473, 0.013963775787848137, 0.011566511821890942,
        then: z.poly(
          0.00962140274734483, 0.009322101501082774,
          then: z.poly(0.0030350071727267623, 0.019579201619744684, -0.019277545928584557, 0.02963502626354855))))
  }

  @inline(__always)
  func asin() -> Self {
    let a = absolute()
    let half = Self.k(0.5)
    // asin(a) = π/2 - 2 asin(√((1 - a)/2)) beyond ½.
    let z = Self.less(a, half, a * a, (Self.one - a) * half)
    let s = Self.less(a, half, a, z.root())
    let y = Self.mulAdd(s * z, Self.asinSeries(z), s)
    let far = Self.k(1.5707963267948966) - (y + y - Self.k(6.123233995736766e-17))
    return Self.less(a, half, y, far).withSign(of: self)
  }

  @inline(__always)
  func acos() -> Self {
    let a = absolute()
    let half = Self.k(0.5)
    let z = Self.less(a, half, a * a, (Self.one - a) * half)
    let s = Self.less(a, half, a, z.root())
    let y = Self.mulAdd(s * z, Self.asinSeries(z), s)
    let near = Self.k(1.5707963267948966) - (y.withSign(of: self) - Self.k(6.123233995736766e-17))
    let far = Self.less(self, Self.nought, Self.k(3.141592653589793) - (y + y - Self.k(1.2246467991473532e-16)), y + y)
    return Self.less(a, half, near, far)
  }

  /// x · 2/√π · (1 - x²/3 + …), for |x| ≤ 0.5.
  @inline(__always)
  private func erfSmall() -> Self {
    let z = self * self
    return self
      * z.poly(
        1.1283791670955126, -0.3761263890318375, 0.1128379167095487, -0.02686617064499972,
        then: z.poly(
          0.0052239776220169365, -0.0008548326510724796,
          then: z.poly(0.00012055286202005714, -1.4923003368152099e-05, 1.637123442577e-06, -1.462091340945175e-07)))
  }

  /// erfc of lanes ≥ 0.5, or NaN.
  @inline(__always)
  private func erfcTail() -> Self {
    let u = Self.less(Self.k(28), self, Self.k(28), self)
    // exp(-u²) = exp(-h²) exp(-(u - h)(u + h)), with an h that has an exact square; the small factor joins the
    // reduced argument.
    let h = csimd_d_mask(u, -134_217_728)
    let (n, r) = (-(h * h)).reducedByLog2()
    let e = (r - (u - h) * (u + h)).expm1Reduced() + Self.one
    let w = Self.one / (u + Self.k(2))
    let t = (u - Self.k(2)) * w
    let p = t.poly(
      1.021582705242023, -0.6871606844138103, 0.2794720925560574, -0.03644223150693212,
      then: t.poly(
        -0.021510661889693698, 0.006479185070315825, 0.003090612065069671, -0.00083729612071566,
        then: t.poly(
          -0.0006630735827125283, 3.4372169964190355e-05, 0.00014447123606958708, 3.414326953047446e-05,
          then: t.poly(
            -2.169712105030334e-05, -1.6093630480833567e-05, -1.132117030936663e-06, 3.559947964013122e-06,
            then: t.poly(
              2.049924358588878e-06, 1.5905114733745286e-07, -7.085786051797861e-07, -4.841150687241036e-07,
              then: Self.mulAdd(
                Self.mulAdd(t, Self.k(-6.671657936324912e-08), Self.k(1.70201232010751e-07)), t,
                Self.k(1.926091869078822e-07)))))))
    return csimd_d_scale(e * (p * w), n)
  }

  @inline(__always)
  func erf() -> Self {
    let a = absolute()
    return Self.less(a, Self.k(0.5), erfSmall(), (Self.one - a.erfcTail()).withSign(of: self))
  }

  @inline(__always)
  func erfc() -> Self {
    let a = absolute()
    let tail = a.erfcTail()
    return Self.less(
      a, Self.k(0.5), Self.one - erfSmall(), Self.less(self, Self.nought, Self.k(2) - tail, tail))
  }

  /// x^y in float64 without extra digits, good enough to round to float32.
  @inline(__always)
  func powForFloat(_ y: Self) -> Self {
    let a = absolute()
    let isOne = Self.equal(a, Self.one, Self.one, Self.nought)
    let power = (y * a.log()).exp()
    // 1^y is 1 and x^0 is 1, whatever the other is.
    let magnitude = Self.equal(
      y, Self.nought, Self.one, Self.equal(isOne, Self.one, Self.equal(y, y, Self.one, power), power))
    let half = y * Self.k(0.5)
    let isOdd = Self.equal(y, y.floored(), Self.equal(half, half.floored(), Self.nought, Self.one), Self.nought)
    let isNegative = Self.less(Self.one.withSign(of: self), Self.nought, Self.one, Self.nought)
    let signed = Self.equal(isNegative * isOdd, Self.one, -magnitude, magnitude)
    // A negative finite number to a fraction.
    let isFraction = Self.equal(y, y.floored(), Self.nought, Self.one)
    let root = Self.less(self, Self.nought, Self.less(a, Self.k(.infinity), isFraction, Self.nought), Self.nought)
    let real = Self.equal(root, Self.one, Self.k(.nan), signed)
    return Self.equal(self, Self.one, Self.one, real)
  }
}

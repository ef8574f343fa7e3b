import CSIMD
import Glibc

/// What the elementwise bodies need of a vector of floating lanes: `VFloat` and `VDouble`. The operators are
/// requirements so that generic bodies reach the ones below, which are single instructions; the standard library's are
/// loops over lanes until LLVM sees them, and take ten times longer to compile.
protocol FloatVector: SIMD, BitwiseCopyable where Scalar: BinaryFloatingPoint & BitwiseCopyable {
  /// A broadcast constant.
  static func k(_ c: Double) -> Self
  static func + (a: Self, b: Self) -> Self
  static func - (a: Self, b: Self) -> Self
  static func * (a: Self, b: Self) -> Self
  static func / (a: Self, b: Self) -> Self
  prefix static func - (a: Self) -> Self
  /// Lanes of `a` where x < y, else of `b`; likewise below. Comparisons with NaN choose `b`.
  static func less(_ x: Self, _ y: Self, _ a: Self, _ b: Self) -> Self
  static func lessOrEqual(_ x: Self, _ y: Self, _ a: Self, _ b: Self) -> Self
  static func equal(_ x: Self, _ y: Self, _ a: Self, _ b: Self) -> Self
  /// a · b + c, rounded once where the instruction set has a fused multiply-add.
  static func mulAdd(_ a: Self, _ b: Self, _ c: Self) -> Self

  func absolute() -> Self
  func withSign(of s: Self) -> Self
  func floored() -> Self
  func ceiled() -> Self
  func truncated() -> Self
  func roundedToEven() -> Self
  func root() -> Self

  func exp() -> Self
  func exp2() -> Self
  func expm1() -> Self
  func log() -> Self
  func log2() -> Self
  func log10() -> Self
  func log1p() -> Self
  func sin() -> Self
  func cos() -> Self
  func tanh() -> Self
  func sigmoid() -> Self
  func erf() -> Self
  func erfc() -> Self
}

extension FloatVector {
  /// Applies a scalar function to every lane, in float64.
  @inline(never)
  func lanes(_ f: (Double) -> Double) -> Self {
    var r = self
    for i in 0..<Self.scalarCount { r[i] = Scalar(f(Double(self[i]))) }
    return r
  }

  /// Applies a scalar function of two arguments to every pair of lanes, in float64.
  @inline(never)
  func lanes(_ b: Self, _ f: (Double, Double) -> Double) -> Self {
    var r = self
    for i in 0..<Self.scalarCount { r[i] = Scalar(f(Double(self[i]), Double(b[i]))) }
    return r
  }

  /// The larger; NaN if either is NaN.
  @inline(__always)
  static func maximum(_ a: Self, _ b: Self) -> Self { equal(a, a, less(b, a, a, b), a) }

  /// The smaller; NaN if either is NaN.
  @inline(__always)
  static func minimum(_ a: Self, _ b: Self) -> Self { equal(a, a, less(a, b, a, b), a) }

  @inline(__always) static var one: Self { k(1) }
  @inline(__always) static var nought: Self { k(0) }
}

extension VFloat: FloatVector {
  @inline(__always) static func k(_ c: Double) -> Self { csimd_f_splat(Float(c)) }
  @inline(__always) static func + (a: Self, b: Self) -> Self { csimd_f_add(a, b) }
  @inline(__always) static func - (a: Self, b: Self) -> Self { csimd_f_sub(a, b) }
  @inline(__always) static func * (a: Self, b: Self) -> Self { csimd_f_mul(a, b) }
  @inline(__always) static func / (a: Self, b: Self) -> Self { csimd_f_div(a, b) }
  @inline(__always) prefix static func - (a: Self) -> Self { csimd_f_neg(a) }
  @inline(__always) static func less(_ x: Self, _ y: Self, _ a: Self, _ b: Self) -> Self { csimd_f_less(x, y, a, b) }
  @inline(__always) static func lessOrEqual(_ x: Self, _ y: Self, _ a: Self, _ b: Self) -> Self {
    csimd_f_less_equal(x, y, a, b)
  }
  @inline(__always) static func equal(_ x: Self, _ y: Self, _ a: Self, _ b: Self) -> Self { csimd_f_equal(x, y, a, b) }
  @inline(__always) static func mulAdd(_ a: Self, _ b: Self, _ c: Self) -> Self { csimd_f_mul_add(a, b, c) }
  @inline(__always) func absolute() -> Self { csimd_f_abs(self) }
  @inline(__always) func withSign(of s: Self) -> Self { csimd_f_copysign(self, s) }
  @inline(__always) func floored() -> Self { csimd_f_floor(self) }
  @inline(__always) func ceiled() -> Self { csimd_f_ceil(self) }
  @inline(__always) func truncated() -> Self { csimd_f_trunc(self) }
  @inline(__always) func roundedToEven() -> Self { csimd_f_rint(self) }
  @inline(__always) func root() -> Self { csimd_f_sqrt(self) }
}

extension VDouble: FloatVector {
  @inline(__always) static func k(_ c: Double) -> Self { csimd_d_splat(Double(c)) }
  @inline(__always) static func + (a: Self, b: Self) -> Self { csimd_d_add(a, b) }
  @inline(__always) static func - (a: Self, b: Self) -> Self { csimd_d_sub(a, b) }
  @inline(__always) static func * (a: Self, b: Self) -> Self { csimd_d_mul(a, b) }
  @inline(__always) static func / (a: Self, b: Self) -> Self { csimd_d_div(a, b) }
  @inline(__always) prefix static func - (a: Self) -> Self { csimd_d_neg(a) }
  @inline(__always) static func less(_ x: Self, _ y: Self, _ a: Self, _ b: Self) -> Self { csimd_d_less(x, y, a, b) }
  @inline(__always) static func lessOrEqual(_ x: Self, _ y: Self, _ a: Self, _ b: Self) -> Self {
    csimd_d_less_equal(x, y, a, b)
  }
  @inline(__always) static func equal(_ x: Self, _ y: Self, _ a: Self, _ b: Self) -> Self { csimd_d_equal(x, y, a, b) }
  @inline(__always) static func mulAdd(_ a: Self, _ b: Self, _ c: Self) -> Self { csimd_d_mul_add(a, b, c) }
  @inline(__always) func absolute() -> Self { csimd_d_abs(self) }
  @inline(__always) func withSign(of s: Self) -> Self { csimd_d_copysign(self, s) }
  @inline(__always) func floored() -> Self { csimd_d_floor(self) }
  @inline(__always) func ceiled() -> Self { csimd_d_ceil(self) }
  @inline(__always) func truncated() -> Self { csimd_d_trunc(self) }
  @inline(__always) func roundedToEven() -> Self { csimd_d_rint(self) }
  @inline(__always) func root() -> Self { csimd_d_sqrt(self) }
}

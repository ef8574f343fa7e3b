import CSIMD
import Glibc

/// What the elementwise bodies need of a vector of floating lanes: `VFloat` and `VDouble`. The operators are
/// requirements so that generic bodies reach the concrete ones, which are single instructions.
protocol FloatVector: SIMD, BitwiseCopyable where Scalar: BinaryFloatingPoint & BitwiseCopyable {
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

  @inline(__always) static var one: Self { Self(repeating: 1) }
}

extension VFloat: FloatVector {
  @inline(__always) static func less(_ x: Self, _ y: Self, _ a: Self, _ b: Self) -> Self {
    b.replacing(with: a, where: x .< y)
  }
  @inline(__always) static func lessOrEqual(_ x: Self, _ y: Self, _ a: Self, _ b: Self) -> Self {
    b.replacing(with: a, where: x .<= y)
  }
  @inline(__always) static func equal(_ x: Self, _ y: Self, _ a: Self, _ b: Self) -> Self {
    b.replacing(with: a, where: x .== y)
  }
  @inline(__always) static func mulAdd(_ a: Self, _ b: Self, _ c: Self) -> Self {
    #if KERNELS_BASELINE && arch(x86_64)
      a * b + c
    #else
      c.addingProduct(a, b)
    #endif
  }
  @inline(__always) var bits: VInt32 { unsafeBitCast(self, to: VInt32.self) }
  @inline(__always) init(bits: VInt32) { self = unsafeBitCast(bits, to: Self.self) }
  @inline(__always) func absolute() -> Self { Self(bits: bits & 0x7fff_ffff) }
  @inline(__always) func withSign(of s: Self) -> Self {
    Self(bits: (bits & 0x7fff_ffff) | (s.bits & VInt32(repeating: .min)))
  }
  @inline(__always) func floored() -> Self { csimd_f_floor(self) }
  @inline(__always) func ceiled() -> Self { csimd_f_ceil(self) }
  @inline(__always) func truncated() -> Self { csimd_f_trunc(self) }
  @inline(__always) func roundedToEven() -> Self { csimd_f_rint(self) }
  @inline(__always) func root() -> Self { csimd_f_sqrt(self) }
}

extension VDouble: FloatVector {
  @inline(__always) static func less(_ x: Self, _ y: Self, _ a: Self, _ b: Self) -> Self {
    b.replacing(with: a, where: x .< y)
  }
  @inline(__always) static func lessOrEqual(_ x: Self, _ y: Self, _ a: Self, _ b: Self) -> Self {
    b.replacing(with: a, where: x .<= y)
  }
  @inline(__always) static func equal(_ x: Self, _ y: Self, _ a: Self, _ b: Self) -> Self {
    b.replacing(with: a, where: x .== y)
  }
  @inline(__always) static func mulAdd(_ a: Self, _ b: Self, _ c: Self) -> Self {
    #if KERNELS_BASELINE && arch(x86_64)
      a * b + c
    #else
      c.addingProduct(a, b)
    #endif
  }
  @inline(__always) var bits: VInt64 { unsafeBitCast(self, to: VInt64.self) }
  @inline(__always) init(bits: VInt64) { self = unsafeBitCast(bits, to: Self.self) }
  @inline(__always) func absolute() -> Self { Self(bits: bits & 0x7fff_ffff_ffff_ffff) }
  @inline(__always) func withSign(of s: Self) -> Self {
    Self(bits: (bits & 0x7fff_ffff_ffff_ffff) | (s.bits & VInt64(repeating: .min)))
  }
  @inline(__always) func floored() -> Self { csimd_d_floor(self) }
  @inline(__always) func ceiled() -> Self { csimd_d_ceil(self) }
  @inline(__always) func truncated() -> Self { csimd_d_trunc(self) }
  @inline(__always) func roundedToEven() -> Self { csimd_d_rint(self) }
  @inline(__always) func root() -> Self { csimd_d_sqrt(self) }
}

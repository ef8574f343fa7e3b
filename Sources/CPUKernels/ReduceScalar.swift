import CPUKernelAPI
import CSIMD

/// A type in which reductions accumulate: Float, Double or Int64. Every requirement is concrete vector code: the generic
/// operators of `SIMD` do not always become one instruction, and cost minutes in the optimizer.
protocol ReduceScalar: SIMDScalar, Comparable, Hashable, Codable, BitwiseCopyable {
  associatedtype Register: SIMD where Register.Scalar == Self
  /// Row numbers in the columns form of argmax: as wide as the values, so that one loop handles both.
  associatedtype Index: FixedWidthInteger, BitwiseCopyable
  associatedtype IndexVector: SIMD where IndexVector.Scalar == Index
  /// Where v beats b, counting NaN as beyond everything: all bits set.
  static func beats(_ v: Register, _ b: Register, max: Bool) -> IndexVector
  /// a where the mask is set, else b.
  static func choose(_ mask: IndexVector, _ a: Register, _ b: Register) -> Register
  static func chooseIndex(_ mask: IndexVector, _ a: IndexVector, _ b: IndexVector) -> IndexVector
  static var highest: Self { get }
  static var lowest: Self { get }
  static var zeroValue: Self { get }
  static var oneValue: Self { get }
  static var laneCount: Int { get }
  static func fetch(_ p: UnsafePointer<Self>) -> Register
  static func put(_ v: Register, _ p: UnsafeMutablePointer<Self>)
  /// The first n lanes from memory, the others 0.
  static func loadPart(_ p: UnsafePointer<Self>, _ n: Int) -> Register
  static func storePart(_ v: Register, _ p: UnsafeMutablePointer<Self>, _ n: Int)
  /// The first n lanes of v, the others `fill`.
  static func keepPart(_ v: Register, _ n: Int, fill: Self) -> Register
  static func spread(_ a: Self) -> Register
  static func first(_ v: Register) -> Self
  static func plus(_ a: Register, _ b: Register) -> Register
  static func minus(_ a: Register, _ b: Register) -> Register
  static func times(_ a: Register, _ b: Register) -> Register
  /// The larger of two, NaN if either is.
  static func larger(_ a: Register, _ b: Register) -> Register
  /// The smaller of two, NaN if either is.
  static func smaller(_ a: Register, _ b: Register) -> Register
  static func magnitude(_ a: Register) -> Register
  /// 1 where a ≠ 0 (NaN is), else 0.
  static func nonzero(_ a: Register) -> Register
  static func exponential(_ a: Register) -> Register
  /// Exchanges lanes a half, a quarter, an eighth and a sixteenth of the vector apart (where it has that many).
  static func swapHalves(_ v: Register) -> Register
  static func swapQuarters(_ v: Register) -> Register
  static func swapEighths(_ v: Register) -> Register
  static func swapSixteenths(_ v: Register) -> Register
  static func anyEqual(_ a: Register, _ b: Register) -> Bool
  static func isNaN(_ a: Self) -> Bool
  static func isInfinite(_ a: Self) -> Bool
  static func toInt64(_ a: Self) -> Int64
}

extension Float: ReduceScalar {
  typealias Register = VFloat
  typealias Index = Int32
  typealias IndexVector = VInt32
  @inline(__always) static func beats(_ v: VFloat, _ b: VFloat, max: Bool) -> VInt32 {
    max ? csimd_above_f32(v, b) : csimd_below_f32(v, b)
  }
  @inline(__always) static func choose(_ mask: VInt32, _ a: VFloat, _ b: VFloat) -> VFloat {
    csimd_choose_f32(mask, a, b)
  }
  @inline(__always) static func chooseIndex(_ mask: VInt32, _ a: VInt32, _ b: VInt32) -> VInt32 {
    csimd_choose_i32(mask, a, b)
  }
  @inline(__always) static var highest: Float { .infinity }
  @inline(__always) static var lowest: Float { -.infinity }
  @inline(__always) static var zeroValue: Float { 0 }
  @inline(__always) static var oneValue: Float { 1 }
  @inline(__always) static var laneCount: Int { VFloat.scalarCount }
  @inline(__always) static func fetch(_ p: UnsafePointer<Float>) -> VFloat {
    UnsafeRawPointer(p).loadUnaligned(as: VFloat.self)
  }
  @inline(__always) static func put(_ v: VFloat, _ p: UnsafeMutablePointer<Float>) {
    UnsafeMutableRawPointer(p).storeBytes(of: v, as: VFloat.self)
  }
  @inline(__always) static func loadPart(_ p: UnsafePointer<Float>, _ n: Int) -> VFloat {
    csimd_load_part_f32(p, Int32(truncatingIfNeeded: n))
  }
  @inline(__always) static func storePart(_ v: VFloat, _ p: UnsafeMutablePointer<Float>, _ n: Int) {
    csimd_store_part_f32(p, Int32(truncatingIfNeeded: n), v)
  }
  @inline(__always) static func keepPart(_ v: VFloat, _ n: Int, fill: Float) -> VFloat {
    csimd_keep_part_f32(v, Int32(truncatingIfNeeded: n), fill)
  }
  @inline(__always) static func spread(_ a: Float) -> VFloat { VFloat(repeating: a) }
  @inline(__always) static func first(_ v: VFloat) -> Float { v[0] }
  @inline(__always) static func plus(_ a: VFloat, _ b: VFloat) -> VFloat { a + b }
  @inline(__always) static func minus(_ a: VFloat, _ b: VFloat) -> VFloat { a - b }
  @inline(__always) static func times(_ a: VFloat, _ b: VFloat) -> VFloat { a * b }
  @inline(__always) static func larger(_ a: VFloat, _ b: VFloat) -> VFloat { csimd_larger_f32(a, b) }
  @inline(__always) static func smaller(_ a: VFloat, _ b: VFloat) -> VFloat { csimd_smaller_f32(a, b) }
  @inline(__always) static func magnitude(_ a: VFloat) -> VFloat {
    unsafeBitCast(unsafeBitCast(a, to: VInt32.self) & VInt32(repeating: Int32.max), to: VFloat.self)
  }
  @inline(__always) static func nonzero(_ a: VFloat) -> VFloat { csimd_nonzero_f32(a) }
  @inline(__always) static func exponential(_ a: VFloat) -> VFloat { reduceExp(a) }
  @inline(__always) static func swapHalves(_ v: VFloat) -> VFloat { csimd_swap_a_f32(v) }
  @inline(__always) static func swapQuarters(_ v: VFloat) -> VFloat { csimd_swap_b_f32(v) }
  @inline(__always) static func swapEighths(_ v: VFloat) -> VFloat { csimd_swap_c_f32(v) }
  @inline(__always) static func swapSixteenths(_ v: VFloat) -> VFloat { csimd_swap_d_f32(v) }
  @inline(__always) static func anyEqual(_ a: VFloat, _ b: VFloat) -> Bool { csimd_any_equal_f32(a, b) != 0 }
  @inline(__always) static func isNaN(_ a: Float) -> Bool { a != a }
  @inline(__always) static func isInfinite(_ a: Float) -> Bool { a.isInfinite }
  @inline(__always) static func toInt64(_ a: Float) -> Int64 { Int64(a) }
}

extension Double: ReduceScalar {
  typealias Register = VDouble
  typealias Index = Int64
  typealias IndexVector = VInt64
  @inline(__always) static func beats(_ v: VDouble, _ b: VDouble, max: Bool) -> VInt64 {
    max ? csimd_above_f64(v, b) : csimd_below_f64(v, b)
  }
  @inline(__always) static func choose(_ mask: VInt64, _ a: VDouble, _ b: VDouble) -> VDouble {
    csimd_choose_f64(mask, a, b)
  }
  @inline(__always) static func chooseIndex(_ mask: VInt64, _ a: VInt64, _ b: VInt64) -> VInt64 {
    csimd_choose_i64(mask, a, b)
  }
  @inline(__always) static var highest: Double { .infinity }
  @inline(__always) static var lowest: Double { -.infinity }
  @inline(__always) static var zeroValue: Double { 0 }
  @inline(__always) static var oneValue: Double { 1 }
  @inline(__always) static var laneCount: Int { VDouble.scalarCount }
  @inline(__always) static func fetch(_ p: UnsafePointer<Double>) -> VDouble {
    UnsafeRawPointer(p).loadUnaligned(as: VDouble.self)
  }
  @inline(__always) static func put(_ v: VDouble, _ p: UnsafeMutablePointer<Double>) {
    UnsafeMutableRawPointer(p).storeBytes(of: v, as: VDouble.self)
  }
  @inline(__always) static func loadPart(_ p: UnsafePointer<Double>, _ n: Int) -> VDouble {
    csimd_load_part_f64(p, Int32(truncatingIfNeeded: n))
  }
  @inline(__always) static func storePart(_ v: VDouble, _ p: UnsafeMutablePointer<Double>, _ n: Int) {
    csimd_store_part_f64(p, Int32(truncatingIfNeeded: n), v)
  }
  @inline(__always) static func keepPart(_ v: VDouble, _ n: Int, fill: Double) -> VDouble {
    csimd_keep_part_f64(v, Int32(truncatingIfNeeded: n), fill)
  }
  @inline(__always) static func spread(_ a: Double) -> VDouble { VDouble(repeating: a) }
  @inline(__always) static func first(_ v: VDouble) -> Double { v[0] }
  @inline(__always) static func plus(_ a: VDouble, _ b: VDouble) -> VDouble { a + b }
  @inline(__always) static func minus(_ a: VDouble, _ b: VDouble) -> VDouble { a - b }
  @inline(__always) static func times(_ a: VDouble, _ b: VDouble) -> VDouble { a * b }
  @inline(__always) static func larger(_ a: VDouble, _ b: VDouble) -> VDouble { csimd_larger_f64(a, b) }
  @inline(__always) static func smaller(_ a: VDouble, _ b: VDouble) -> VDouble { csimd_smaller_f64(a, b) }
  @inline(__always) static func magnitude(_ a: VDouble) -> VDouble {
    unsafeBitCast(unsafeBitCast(a, to: VInt64.self) & VInt64(repeating: Int64.max), to: VDouble.self)
  }
  @inline(__always) static func nonzero(_ a: VDouble) -> VDouble { csimd_nonzero_f64(a) }
  @inline(__always) static func exponential(_ a: VDouble) -> VDouble { reduceExp(a) }
  @inline(__always) static func swapHalves(_ v: VDouble) -> VDouble { csimd_swap_a_f64(v) }
  @inline(__always) static func swapQuarters(_ v: VDouble) -> VDouble { csimd_swap_b_f64(v) }
  @inline(__always) static func swapEighths(_ v: VDouble) -> VDouble { csimd_swap_c_f64(v) }
  @inline(__always) static func swapSixteenths(_ v: VDouble) -> VDouble { v }
  @inline(__always) static func anyEqual(_ a: VDouble, _ b: VDouble) -> Bool { csimd_any_equal_f64(a, b) != 0 }
  @inline(__always) static func isNaN(_ a: Double) -> Bool { a != a }
  @inline(__always) static func isInfinite(_ a: Double) -> Bool { a.isInfinite }
  @inline(__always) static func toInt64(_ a: Double) -> Int64 { Int64(a) }
}

extension Int64: ReduceScalar {
  typealias Register = VInt64
  typealias Index = Int64
  typealias IndexVector = VInt64
  @inline(__always) static func beats(_ v: VInt64, _ b: VInt64, max: Bool) -> VInt64 {
    max ? csimd_above_i64(v, b) : csimd_below_i64(v, b)
  }
  @inline(__always) static func choose(_ mask: VInt64, _ a: VInt64, _ b: VInt64) -> VInt64 {
    csimd_choose_i64(mask, a, b)
  }
  @inline(__always) static func chooseIndex(_ mask: VInt64, _ a: VInt64, _ b: VInt64) -> VInt64 {
    csimd_choose_i64(mask, a, b)
  }
  @inline(__always) static var highest: Int64 { .max }
  @inline(__always) static var lowest: Int64 { .min }
  @inline(__always) static var zeroValue: Int64 { 0 }
  @inline(__always) static var oneValue: Int64 { 1 }
  @inline(__always) static var laneCount: Int { VInt64.scalarCount }
  @inline(__always) static func fetch(_ p: UnsafePointer<Int64>) -> VInt64 {
    UnsafeRawPointer(p).loadUnaligned(as: VInt64.self)
  }
  @inline(__always) static func put(_ v: VInt64, _ p: UnsafeMutablePointer<Int64>) {
    UnsafeMutableRawPointer(p).storeBytes(of: v, as: VInt64.self)
  }
  @inline(__always) static func loadPart(_ p: UnsafePointer<Int64>, _ n: Int) -> VInt64 {
    csimd_load_part_i64(p, Int32(truncatingIfNeeded: n))
  }
  @inline(__always) static func storePart(_ v: VInt64, _ p: UnsafeMutablePointer<Int64>, _ n: Int) {
    csimd_store_part_i64(p, Int32(truncatingIfNeeded: n), v)
  }
  @inline(__always) static func keepPart(_ v: VInt64, _ n: Int, fill: Int64) -> VInt64 {
    csimd_keep_part_i64(v, Int32(truncatingIfNeeded: n), fill)
  }
  @inline(__always) static func spread(_ a: Int64) -> VInt64 { VInt64(repeating: a) }
  @inline(__always) static func first(_ v: VInt64) -> Int64 { v[0] }
  @inline(__always) static func plus(_ a: VInt64, _ b: VInt64) -> VInt64 { a &+ b }
  @inline(__always) static func minus(_ a: VInt64, _ b: VInt64) -> VInt64 { a &- b }
  @inline(__always) static func times(_ a: VInt64, _ b: VInt64) -> VInt64 { a &* b }
  @inline(__always) static func larger(_ a: VInt64, _ b: VInt64) -> VInt64 { csimd_larger_i64(a, b) }
  @inline(__always) static func smaller(_ a: VInt64, _ b: VInt64) -> VInt64 { csimd_smaller_i64(a, b) }
  @inline(__always) static func magnitude(_ a: VInt64) -> VInt64 {
    csimd_larger_i64(a, 0 &- a)
  }
  @inline(__always) static func nonzero(_ a: VInt64) -> VInt64 { csimd_nonzero_i64(a) }
  @inline(__always) static func exponential(_ a: VInt64) -> VInt64 { a }
  @inline(__always) static func swapHalves(_ v: VInt64) -> VInt64 { csimd_swap_a_i64(v) }
  @inline(__always) static func swapQuarters(_ v: VInt64) -> VInt64 { csimd_swap_b_i64(v) }
  @inline(__always) static func swapEighths(_ v: VInt64) -> VInt64 { csimd_swap_c_i64(v) }
  @inline(__always) static func swapSixteenths(_ v: VInt64) -> VInt64 { v }
  @inline(__always) static func anyEqual(_ a: VInt64, _ b: VInt64) -> Bool { csimd_any_equal_i64(a, b) != 0 }
  @inline(__always) static func isNaN(_ a: Int64) -> Bool { false }
  @inline(__always) static func isInfinite(_ a: Int64) -> Bool { false }
  @inline(__always) static func toInt64(_ a: Int64) -> Int64 { a }
}

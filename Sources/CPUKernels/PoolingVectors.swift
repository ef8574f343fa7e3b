import CPUKernelAPI
import CSIMD

/// A type that is pooled many outputs at a time.
protocol PoolingScalar: MatmulScalar {
  /// Positions in a plane.
  associatedtype Places: SIMD where Places.Scalar: FixedWidthInteger
  static func places(_ start: Int) -> Places
  /// `step` · lane in a vector's lower half, the same from `second` on in its upper half.
  static func ramp(_ step: Int, second: Int) -> Places
  /// The first `count` places, 0 behind them.
  static func part(_ ramp: Places, _ count: Int) -> Places
  /// Takes over `v` and its places where it is larger than `best` or NaN.
  static func improve(_ best: inout Vector, _ places: inout Places, _ v: Vector, _ new: Places)
  /// The sums of both.
  static func offset(_ a: Places, _ b: Places) -> Places
  /// Half a vector at `p` and half at `q`.
  static func halves(_ p: UnsafePointer<Self>, _ q: UnsafePointer<Self>) -> Vector
  /// The even elements of two vectors.
  static func even(_ a: Vector, _ b: Vector) -> Vector
  /// The odd elements of two vectors.
  static func odd(_ a: Vector, _ b: Vector) -> Vector
  /// Places below 256, a byte each.
  static func storeBytes(_ places: Places, _ p: UnsafeMutablePointer<UInt8>)
  static func loadBytes(_ p: UnsafePointer<UInt8>) -> Places
  /// `v` where both places are the same, 0 elsewhere.
  static func chosen(_ v: Vector, _ places: Places, _ wanted: Places) -> Vector
  /// The elements at these offsets.
  static func gather(_ p: UnsafePointer<Self>, _ offsets: Places) -> Vector
  /// Pairs of elements of two vectors, as two vectors.
  static func zip(_ a: Vector, _ b: Vector) -> (Vector, Vector)
  static func divide(_ a: Vector, _ b: Vector) -> Vector
  static func storeHalves(_ v: Vector, _ p: UnsafeMutablePointer<Self>, _ q: UnsafeMutablePointer<Self>)
  static func storeHalves(_ places: Places, _ p: UnsafeMutablePointer<Int64>, _ q: UnsafeMutablePointer<Int64>)
}

extension Float: PoolingScalar {
  @inline(__always)
  static func places(_ start: Int) -> VInt32 { VInt32(repeating: Int32(truncatingIfNeeded: start)) }
  @inline(__always)
  static func ramp(_ step: Int, second: Int) -> VInt32 {
    csimd_ramp_i32(Int32(truncatingIfNeeded: step), Int32(truncatingIfNeeded: second))
  }
  @inline(__always)
  static func part(_ ramp: VInt32, _ count: Int) -> VInt32 {
    csimd_ramp_part_i32(ramp, Int32(truncatingIfNeeded: count))
  }
  @inline(__always)
  static func offset(_ a: VInt32, _ b: VInt32) -> VInt32 { a &+ b }
  @inline(__always)
  static func improve(_ best: inout VFloat, _ places: inout VInt32, _ v: VFloat, _ new: VInt32) {
    let better = (v .> best) .| (v .!= v)
    best.replace(with: v, where: better)
    places.replace(with: new, where: better)
  }
  @inline(__always)
  static func halves(_ p: UnsafePointer<Float>, _ q: UnsafePointer<Float>) -> VFloat { csimd_halves_f32(p, q) }
  @inline(__always)
  static func even(_ a: VFloat, _ b: VFloat) -> VFloat { csimd_even_f32(a, b) }
  @inline(__always)
  static func odd(_ a: VFloat, _ b: VFloat) -> VFloat { csimd_odd_f32(a, b) }
  @inline(__always)
  static func storeBytes(_ places: VInt32, _ p: UnsafeMutablePointer<UInt8>) { csimd_store_bytes_i32(places, p) }
  @inline(__always)
  static func loadBytes(_ p: UnsafePointer<UInt8>) -> VInt32 { csimd_load_bytes_i32(p) }
  @inline(__always)
  static func chosen(_ v: VFloat, _ places: VInt32, _ wanted: VInt32) -> VFloat {
    VFloat().replacing(with: v, where: places .== wanted)
  }
  @inline(__always)
  static func gather(_ p: UnsafePointer<Float>, _ offsets: VInt32) -> VFloat { csimd_gather_f32(p, offsets) }
  @inline(__always)
  static func zip(_ a: VFloat, _ b: VFloat) -> (VFloat, VFloat) { (csimd_zip_low_f32(a, b), csimd_zip_high_f32(a, b)) }
  @inline(__always)
  static func divide(_ a: VFloat, _ b: VFloat) -> VFloat { a / b }
  @inline(__always)
  static func storeHalves(_ v: VFloat, _ p: UnsafeMutablePointer<Float>, _ q: UnsafeMutablePointer<Float>) {
    csimd_store_halves_f32(v, p, q)
  }
  @inline(__always)
  static func storeHalves(_ places: VInt32, _ p: UnsafeMutablePointer<Int64>, _ q: UnsafeMutablePointer<Int64>) {
    csimd_store_halves_i32(places, p, q)
  }
}

extension Double: PoolingScalar {
  @inline(__always)
  static func places(_ start: Int) -> VInt64 { VInt64(repeating: Int64(start)) }
  @inline(__always)
  static func ramp(_ step: Int, second: Int) -> VInt64 { csimd_ramp_i64(Int64(step), Int64(second)) }
  @inline(__always)
  static func part(_ ramp: VInt64, _ count: Int) -> VInt64 { csimd_ramp_part_i64(ramp, Int64(count)) }
  @inline(__always)
  static func offset(_ a: VInt64, _ b: VInt64) -> VInt64 { a &+ b }
  @inline(__always)
  static func improve(_ best: inout VDouble, _ places: inout VInt64, _ v: VDouble, _ new: VInt64) {
    let better = (v .> best) .| (v .!= v)
    best.replace(with: v, where: better)
    places.replace(with: new, where: better)
  }
  @inline(__always)
  static func halves(_ p: UnsafePointer<Double>, _ q: UnsafePointer<Double>) -> VDouble { csimd_halves_f64(p, q) }
  @inline(__always)
  static func even(_ a: VDouble, _ b: VDouble) -> VDouble { csimd_even_f64(a, b) }
  @inline(__always)
  static func odd(_ a: VDouble, _ b: VDouble) -> VDouble { csimd_odd_f64(a, b) }
  @inline(__always)
  static func storeBytes(_ places: VInt64, _ p: UnsafeMutablePointer<UInt8>) { csimd_store_bytes_i64(places, p) }
  @inline(__always)
  static func loadBytes(_ p: UnsafePointer<UInt8>) -> VInt64 { csimd_load_bytes_i64(p) }
  @inline(__always)
  static func chosen(_ v: VDouble, _ places: VInt64, _ wanted: VInt64) -> VDouble {
    VDouble().replacing(with: v, where: places .== wanted)
  }
  @inline(__always)
  static func gather(_ p: UnsafePointer<Double>, _ offsets: VInt64) -> VDouble { csimd_gather_f64(p, offsets) }
  @inline(__always)
  static func zip(_ a: VDouble, _ b: VDouble) -> (VDouble, VDouble) {
    (csimd_zip_low_f64(a, b), csimd_zip_high_f64(a, b))
  }
  @inline(__always)
  static func divide(_ a: VDouble, _ b: VDouble) -> VDouble { a / b }
  @inline(__always)
  static func storeHalves(_ v: VDouble, _ p: UnsafeMutablePointer<Double>, _ q: UnsafeMutablePointer<Double>) {
    csimd_store_halves_f64(v, p, q)
  }
  @inline(__always)
  static func storeHalves(_ places: VInt64, _ p: UnsafeMutablePointer<Int64>, _ q: UnsafeMutablePointer<Int64>) {
    csimd_store_halves_i64(places, p, q)
  }
}

import CPUKernelAPI
import CSIMD

/// A comparison on a tile; gt and ge come with their operands exchanged, as lt and le.
@inline(never)
private func compare<T: Comparable & BitwiseCopyable>(_ op: CompareKernel, _ t: Tile, _: T.Type, zero: T) {
  switch op {
  case .eq: each(t, T.self, UInt8.self) { $0 == $1 ? 1 : 0 }
  case .ne: each(t, T.self, UInt8.self) { $0 != $1 ? 1 : 0 }
  case .lt, .gt: each(t, T.self, UInt8.self) { $0 < $1 ? 1 : 0 }
  case .le, .ge: each(t, T.self, UInt8.self) { $0 <= $1 ? 1 : 0 }
  case .logicalAnd: each(t, T.self, UInt8.self) { ($0 != zero ? 1 : 0) & ($1 != zero ? 1 : 0) }
  case .logicalOr: each(t, T.self, UInt8.self) { ($0 != zero ? 1 : 0) | ($1 != zero ? 1 : 0) }
  case .logicalXor: each(t, T.self, UInt8.self) { ($0 != zero ? 1 : 0) ^ ($1 != zero ? 1 : 0) }
  }
}

/// A predicate on a tile of floating elements.
@inline(never)
private func predicateFloat<T: BinaryFloatingPoint>(_ op: PredicateKernel, _ t: Tile, _: T.Type) {
  switch op {
  case .isNan: each(t, T.self, UInt8.self) { $0 != $0 ? 1 : 0 }
  case .isInf: each(t, T.self, UInt8.self) { $0.magnitude == T.infinity ? 1 : 0 }
  case .isPosInf: each(t, T.self, UInt8.self) { $0 == T.infinity ? 1 : 0 }
  case .isNegInf: each(t, T.self, UInt8.self) { $0 == -T.infinity ? 1 : 0 }
  case .isFinite: each(t, T.self, UInt8.self) { $0.magnitude < T.infinity ? 1 : 0 }
  case .signbit: each(t, T.self, UInt8.self) { $0.sign == .minus ? 1 : 0 }
  case .logicalNot: each(t, T.self, UInt8.self) { $0 == 0 ? 1 : 0 }
  }
}

/// A predicate on a tile of integers.
@inline(never)
private func predicateInteger<T: FixedWidthInteger>(_ op: PredicateKernel, _ t: Tile, _: T.Type) {
  switch op {
  case .isNan, .isInf, .isPosInf, .isNegInf: each(t, T.self, UInt8.self) { _ in 0 }
  case .isFinite: each(t, T.self, UInt8.self) { _ in 1 }
  case .signbit: each(t, T.self, UInt8.self) { $0 < 0 ? 1 : 0 }
  case .logicalNot: each(t, T.self, UInt8.self) { $0 == 0 ? 1 : 0 }
  }
}

/// `a` (a byte, 0 or not) chooses between `b` and `c`.
@inline(never)
private func select<T: BitwiseCopyable>(_ t: Tile, _: T.Type) {
  let a = t.a.assumingMemoryBound(to: UInt8.self)
  let b = t.b.assumingMemoryBound(to: T.self)
  let c = t.c.assumingMemoryBound(to: T.self)
  let y = t.y.assumingMemoryBound(to: T.self)
  for i in 0..<(t.count & ~15) {
    let (p, q) = (b[i], c[i])
    y[i] = a[i] != 0 ? p : q
  }
}

/// What a tile of elements converts from. Half types are float32 in a tile.
private protocol Convertible: BitwiseCopyable {
  var int8: UInt8 { get }
  var uint8: UInt8 { get }
  var int16: Int16 { get }
  var int32: Int32 { get }
  var int64: Int64 { get }
  var float32: Float { get }
  var float64: Double { get }
  var truth: UInt8 { get }
}

extension FixedWidthInteger where Self: BitwiseCopyable {
  @inline(__always) var int8: UInt8 { UInt8(truncatingIfNeeded: self) }
  @inline(__always) var uint8: UInt8 { int8 }
  @inline(__always) var int16: Int16 { Int16(truncatingIfNeeded: self) }
  @inline(__always) var int32: Int32 { Int32(truncatingIfNeeded: self) }
  @inline(__always) var int64: Int64 { Int64(truncatingIfNeeded: self) }
  @inline(__always) var float32: Float { Float(self) }
  @inline(__always) var float64: Double { Double(self) }
  @inline(__always) var truth: UInt8 { self != 0 ? 1 : 0 }
}

extension UInt8: Convertible {}
extension Int8: Convertible {}
extension Int16: Convertible {}
extension Int32: Convertible {}
extension Int64: Convertible {}

extension Float: Convertible {
  @inline(__always) var int8: UInt8 { UInt8(truncatingIfNeeded: int32) }
  // Beyond int32 the lowest byte is 0 in float32, which is also what int32 makes of it.
  @inline(__always) var uint8: UInt8 { int8 }
  @inline(__always) var int16: Int16 { Int16(truncatingIfNeeded: int32) }
  @inline(__always) var int32: Int32 { csimd_f32_to_i32(self) }
  @inline(__always) var int64: Int64 { csimd_f32_to_i64(self) }
  @inline(__always) var float32: Float { self }
  @inline(__always) var float64: Double { Double(self) }
  @inline(__always) var truth: UInt8 { self != 0 ? 1 : 0 }
}

extension Double: Convertible {
  @inline(__always) var int8: UInt8 { UInt8(truncatingIfNeeded: int32) }
  // PyTorch goes through int64 to bytes without sign, through int32 to the others.
  @inline(__always) var uint8: UInt8 { UInt8(truncatingIfNeeded: int64) }
  @inline(__always) var int16: Int16 { Int16(truncatingIfNeeded: int32) }
  @inline(__always) var int32: Int32 { csimd_f64_to_i32(self) }
  @inline(__always) var int64: Int64 { csimd_f64_to_i64(self) }
  @inline(__always) var float32: Float { Float(self) }
  @inline(__always) var float64: Double { self }
  @inline(__always) var truth: UInt8 { self != 0 ? 1 : 0 }
}

/// Converts a tile to `type`.
@inline(never)
private func convert<T: Convertible>(_ t: Tile, _: T.Type, to type: DType) {
  switch type {
  case .bool: each(t, T.self, UInt8.self) { $0.truth }
  case .uint8: each(t, T.self, UInt8.self) { $0.uint8 }
  case .int8: each(t, T.self, UInt8.self) { $0.int8 }
  case .int16: each(t, T.self, Int16.self) { $0.int16 }
  case .int32: each(t, T.self, Int32.self) { $0.int32 }
  case .int64: each(t, T.self, Int64.self) { $0.int64 }
  case .float16, .bfloat16, .float32: each(t, T.self, Float.self) { $0.float32 }
  case .float64: each(t, T.self, Double.self) { $0.float64 }
  }
}

/// A comparison, `gt` and `ge` excepted.
func compareTile(_ op: CompareKernel, _ type: DType, _ t: Tile) {
  switch type {
  case .bool, .uint8: compare(op, t, UInt8.self, zero: 0)
  case .int8: compare(op, t, Int8.self, zero: 0)
  case .int16: compare(op, t, Int16.self, zero: 0)
  case .int32: compare(op, t, Int32.self, zero: 0)
  case .int64: compare(op, t, Int64.self, zero: 0)
  case .float16, .bfloat16, .float32: compare(op, t, Float.self, zero: 0)
  case .float64: compare(op, t, Double.self, zero: 0)
  }
}

/// A predicate.
func predicateTile(_ op: PredicateKernel, _ type: DType, _ t: Tile) {
  switch type {
  case .bool, .uint8: predicateInteger(op, t, UInt8.self)
  case .int8: predicateInteger(op, t, Int8.self)
  case .int16: predicateInteger(op, t, Int16.self)
  case .int32: predicateInteger(op, t, Int32.self)
  case .int64: predicateInteger(op, t, Int64.self)
  case .float16, .bfloat16, .float32: predicateFloat(op, t, Float.self)
  case .float64: predicateFloat(op, t, Double.self)
  }
}

/// y = a ? b : c, for elements of the size of `type`.
func selectTile(_ type: DType, _ t: Tile) {
  switch type.size {
  case 1: select(t, UInt8.self)
  case 2: select(t, UInt16.self)
  case 4: select(t, UInt32.self)
  default: select(t, UInt64.self)
  }
}

/// A conversion between types.
func convertTile(_ from: DType, _ to: DType, _ t: Tile) {
  switch from {
  case .bool, .uint8: convert(t, UInt8.self, to: to)
  case .int8: convert(t, Int8.self, to: to)
  case .int16: convert(t, Int16.self, to: to)
  case .int32: convert(t, Int32.self, to: to)
  case .int64: convert(t, Int64.self, to: to)
  case .float16, .bfloat16, .float32: convert(t, Float.self, to: to)
  case .float64: convert(t, Double.self, to: to)
  }
}

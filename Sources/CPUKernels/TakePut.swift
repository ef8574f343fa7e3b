import CPUKernelAPI

extension Kernels {
  package func take(
    size: Int, count: Int, run: Int, _ x: UnsafeRawPointer, _ offsets: UnsafePointer<Int64>,
    _ y: UnsafeMutableRawPointer
  ) {
    let bytes = run &* size
    switch bytes {
    case 1: takeElements(UInt8.self, size, count, x, offsets, y)
    case 2: takeElements(UInt16.self, size, count, x, offsets, y)
    case 4: takeElements(UInt32.self, size, count, x, offsets, y)
    case 8: takeElements(UInt64.self, size, count, x, offsets, y)
    default:
      for i in 0..<count { copyBytes(y + i &* bytes, x + Int(offsets[i]) &* size, bytes) }
    }
  }

  package func put(
    _ op: PutKernel, _ type: DType, count: Int, run: Int, _ x: UnsafeRawPointer, _ offsets: UnsafePointer<Int64>,
    _ y: UnsafeMutableRawPointer
  ) {
    if op == .assign {
      let (size, bytes) = (type.size, run &* type.size)
      for i in 0..<count { copyBytes(y + Int(offsets[i]) &* size, x + i &* bytes, bytes) }
      return
    }
    switch type {
    case .bool: combine(Truth.self, op, count, run, x, offsets, y)
    case .uint8: combine(UInt8.self, op, count, run, x, offsets, y)
    case .int8: combine(Int8.self, op, count, run, x, offsets, y)
    case .int16: combine(Int16.self, op, count, run, x, offsets, y)
    case .int32: combine(Int32.self, op, count, run, x, offsets, y)
    case .int64: combine(Int64.self, op, count, run, x, offsets, y)
    case .float16: combine(Float16.self, op, count, run, x, offsets, y)
    case .bfloat16: combine(BrainFloat.self, op, count, run, x, offsets, y)
    case .float32: combine(Float.self, op, count, run, x, offsets, y)
    case .float64: combine(Double.self, op, count, run, x, offsets, y)
    }
  }
}

/// Elements at offsets of `size` bytes; T is as wide as a run.
@inline(__always)
private func takeElements<T>(
  _: T.Type, _ size: Int, _ count: Int, _ x: UnsafeRawPointer, _ offsets: UnsafePointer<Int64>,
  _ y: UnsafeMutableRawPointer
) {
  let y = y.assumingMemoryBound(to: T.self)
  for i in 0..<count { y[i] = x.loadUnaligned(fromByteOffset: Int(offsets[i]) &* size, as: T.self) }
}

private func combine<T: Combinable>(
  _: T.Type, _ op: PutKernel, _ count: Int, _ run: Int, _ x: UnsafeRawPointer, _ offsets: UnsafePointer<Int64>,
  _ y: UnsafeMutableRawPointer
) {
  let x = x.assumingMemoryBound(to: T.self)
  let y = y.assumingMemoryBound(to: T.self)
  @inline(__always)
  func each(_ function: (T, T) -> T) {
    for i in 0..<count {
      let source = x + i &* run
      let target = y + Int(offsets[i])
      for j in 0..<run { target[j] = function(target[j], source[j]) }
    }
  }
  switch op {
  case .assign: each { $1 }
  case .add: each { T.sum($0, $1) }
  case .multiply: each { T.product($0, $1) }
  case .minimum: each { T.lesser($0, $1) }
  case .maximum: each { T.greater($0, $1) }
  }
}

/// An element that `put` combines. A NaN on either side makes NaN.
private protocol Combinable {
  static func sum(_ a: Self, _ b: Self) -> Self
  static func product(_ a: Self, _ b: Self) -> Self
  static func lesser(_ a: Self, _ b: Self) -> Self
  static func greater(_ a: Self, _ b: Self) -> Self
}

extension Combinable where Self: FixedWidthInteger {
  @inline(__always)
  static func sum(_ a: Self, _ b: Self) -> Self { a &+ b }
  @inline(__always)
  static func product(_ a: Self, _ b: Self) -> Self { a &* b }
  @inline(__always)
  static func lesser(_ a: Self, _ b: Self) -> Self { a < b ? a : b }
  @inline(__always)
  static func greater(_ a: Self, _ b: Self) -> Self { a > b ? a : b }
}

extension Combinable where Self: BinaryFloatingPoint {
  @inline(__always)
  static func sum(_ a: Self, _ b: Self) -> Self { a + b }
  @inline(__always)
  static func product(_ a: Self, _ b: Self) -> Self { a * b }
  @inline(__always)
  static func lesser(_ a: Self, _ b: Self) -> Self { a < b || a != a ? a : b }
  @inline(__always)
  static func greater(_ a: Self, _ b: Self) -> Self { a > b || a != a ? a : b }
}

extension UInt8: Combinable {}
extension Int8: Combinable {}
extension Int16: Combinable {}
extension Int32: Combinable {}
extension Int64: Combinable {}
extension Float: Combinable {}
extension Double: Combinable {}

extension Float16: Combinable {
  @inline(__always)
  static func sum(_ a: Float16, _ b: Float16) -> Float16 { Float16(Float(a) + Float(b)) }
  @inline(__always)
  static func product(_ a: Float16, _ b: Float16) -> Float16 { Float16(Float(a) * Float(b)) }
  @inline(__always)
  static func lesser(_ a: Float16, _ b: Float16) -> Float16 { Float(a) < Float(b) || a.isNaN ? a : b }
  @inline(__always)
  static func greater(_ a: Float16, _ b: Float16) -> Float16 { Float(a) > Float(b) || a.isNaN ? a : b }
}

/// A bool: + is "or", · is "and".
private struct Truth: Combinable {
  var byte: UInt8

  @inline(__always)
  static func sum(_ a: Truth, _ b: Truth) -> Truth { Truth(byte: a.byte | b.byte) }
  @inline(__always)
  static func product(_ a: Truth, _ b: Truth) -> Truth { Truth(byte: a.byte & b.byte) }
  @inline(__always)
  static func lesser(_ a: Truth, _ b: Truth) -> Truth { product(a, b) }
  @inline(__always)
  static func greater(_ a: Truth, _ b: Truth) -> Truth { sum(a, b) }
}

/// A bfloat16, which computes in float32 and rounds each time.
private struct BrainFloat: Combinable {
  var bits: UInt16

  @inline(__always)
  var float: Float { Float(bitPattern: UInt32(bits) &<< 16) }

  @inline(__always)
  init(_ float: Float) {
    let b = float.bitPattern
    let rounded = (b &+ 0x7FFF &+ ((b &>> 16) & 1)) &>> 16
    // Rounding could carry a NaN's fraction into the sign.
    bits = UInt16(truncatingIfNeeded: float != float ? (b &>> 16) | 0x40 : rounded)
  }

  @inline(__always)
  static func sum(_ a: BrainFloat, _ b: BrainFloat) -> BrainFloat { BrainFloat(a.float + b.float) }
  @inline(__always)
  static func product(_ a: BrainFloat, _ b: BrainFloat) -> BrainFloat { BrainFloat(a.float * b.float) }
  @inline(__always)
  static func lesser(_ a: BrainFloat, _ b: BrainFloat) -> BrainFloat { BrainFloat(Float.lesser(a.float, b.float)) }
  @inline(__always)
  static func greater(_ a: BrainFloat, _ b: BrainFloat) -> BrainFloat { BrainFloat(Float.greater(a.float, b.float)) }
}

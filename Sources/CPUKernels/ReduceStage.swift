import CPUKernelAPI
import CSIMD

// Every type but float32, float64 and int64, and every layout without a stride of 1, is first brought into a small
// contiguous buffer of the accumulator's type. The buffer stays in the first-level cache, so that this costs less than
// the memory traffic, and the kernels proper exist for three types and two layouts only.

/// An element in memory and its accumulator.
protocol StagedElement: BitwiseCopyable {
  associatedtype Scalar: ReduceScalar
  var widened: Scalar { get }
  init(narrowing value: Scalar)
}

/// The bits of a float16.
struct StagedHalf: StagedElement {
  var bits: UInt16
  @inline(__always) var widened: Float { csimd_widen_half(bits) }
  @inline(__always) init(narrowing value: Float) { bits = csimd_narrow_half(value) }
}

/// The bits of a bfloat16.
struct StagedBFloat: StagedElement {
  var bits: UInt16
  @inline(__always) var widened: Float { csimd_widen_bfloat(bits) }
  @inline(__always) init(narrowing value: Float) { bits = csimd_narrow_bfloat(value) }
}

extension Float: StagedElement {
  @inline(__always) var widened: Float { self }
  @inline(__always) init(narrowing value: Float) { self = value }
}

extension Double: StagedElement {
  @inline(__always) var widened: Double { self }
  @inline(__always) init(narrowing value: Double) { self = value }
}

extension StagedElement where Self: FixedWidthInteger {
  @inline(__always) var widened: Int64 { Int64(truncatingIfNeeded: self) }
  @inline(__always) init(narrowing value: Int64) { self = Self(truncatingIfNeeded: value) }
}
extension UInt8: StagedElement {}
extension Int8: StagedElement {}
extension Int16: StagedElement {}
extension Int32: StagedElement {}
extension Int64: StagedElement {}

/// A rectangle of elements, strides counted in elements.
struct StageTile {
  var rows: Int, columns: Int, rowStride: Int, columnStride: Int
}

/// Copies a rectangle into a dense buffer of accumulators.
@inline(never)
func stageTile<Element: StagedElement>(
  _ type: Element.Type, _ tile: StageTile, _ x: UnsafeRawPointer, _ buffer: UnsafeMutablePointer<Element.Scalar>
) {
  let x = x.assumingMemoryBound(to: Element.self)
  for row in 0..<tile.rows {
    let from = x + row * tile.rowStride
    let to = buffer + row * tile.columns
    switch tile.columnStride {
    case 1:
      for j in 0..<tile.columns { to[j] = from[j].widened }
    // Known small strides become vector loads and shuffles.
    case 2:
      for j in 0..<tile.columns { to[j] = from[2 * j].widened }
    case 3:
      for j in 0..<tile.columns { to[j] = from[3 * j].widened }
    case 4:
      for j in 0..<tile.columns { to[j] = from[4 * j].widened }
    default:
      let stride = tile.columnStride
      for j in 0..<tile.columns { to[j] = from[j * stride].widened }
    }
  }
}

/// Writes `count` accumulators as elements.
@inline(never)
func unstageRun<Element: StagedElement>(
  _ type: Element.Type, _ count: Int, _ buffer: UnsafePointer<Element.Scalar>, _ y: UnsafeMutableRawPointer
) {
  let y = y.assumingMemoryBound(to: Element.self)
  for j in 0..<count { y[j] = Element(narrowing: buffer[j]) }
}

/// The accumulators' conversions from and to the element types that accumulate in them.
protocol StagingScalar: ReduceScalar {
  /// The type that needs no conversion.
  static var ownType: DType { get }
  static func stage(
    _ type: DType, _ tile: StageTile, _ x: UnsafeRawPointer, _ buffer: UnsafeMutablePointer<Self>)
  static func unstage(
    _ type: DType, _ count: Int, _ buffer: UnsafePointer<Self>, _ y: UnsafeMutableRawPointer)
}

extension Float: StagingScalar {
  @inline(__always) static var ownType: DType { .float32 }
  @inline(never)
  static func stage(
    _ type: DType, _ tile: StageTile, _ x: UnsafeRawPointer, _ buffer: UnsafeMutablePointer<Float>
  ) {
    switch type {
    case .float16: stageTile(StagedHalf.self, tile, x, buffer)
    case .bfloat16: stageTile(StagedBFloat.self, tile, x, buffer)
    default: stageTile(Float.self, tile, x, buffer)
    }
  }
  @inline(never)
  static func unstage(_ type: DType, _ count: Int, _ buffer: UnsafePointer<Float>, _ y: UnsafeMutableRawPointer) {
    switch type {
    case .float16: unstageRun(StagedHalf.self, count, buffer, y)
    case .bfloat16: unstageRun(StagedBFloat.self, count, buffer, y)
    default: unstageRun(Float.self, count, buffer, y)
    }
  }
}

extension Double: StagingScalar {
  @inline(__always) static var ownType: DType { .float64 }
  @inline(never)
  static func stage(
    _ type: DType, _ tile: StageTile, _ x: UnsafeRawPointer, _ buffer: UnsafeMutablePointer<Double>
  ) {
    stageTile(Double.self, tile, x, buffer)
  }
  @inline(never)
  static func unstage(_ type: DType, _ count: Int, _ buffer: UnsafePointer<Double>, _ y: UnsafeMutableRawPointer) {
    unstageRun(Double.self, count, buffer, y)
  }
}

extension Int64: StagingScalar {
  @inline(__always) static var ownType: DType { .int64 }
  @inline(never)
  static func stage(
    _ type: DType, _ tile: StageTile, _ x: UnsafeRawPointer, _ buffer: UnsafeMutablePointer<Int64>
  ) {
    switch type {
    case .bool, .uint8: stageTile(UInt8.self, tile, x, buffer)
    case .int8: stageTile(Int8.self, tile, x, buffer)
    case .int16: stageTile(Int16.self, tile, x, buffer)
    case .int32: stageTile(Int32.self, tile, x, buffer)
    default: stageTile(Int64.self, tile, x, buffer)
    }
  }
  @inline(never)
  static func unstage(_ type: DType, _ count: Int, _ buffer: UnsafePointer<Int64>, _ y: UnsafeMutableRawPointer) {
    switch type {
    case .bool, .uint8: unstageRun(UInt8.self, count, buffer, y)
    case .int8: unstageRun(Int8.self, count, buffer, y)
    case .int16: unstageRun(Int16.self, count, buffer, y)
    case .int32: unstageRun(Int32.self, count, buffer, y)
    default: unstageRun(Int64.self, count, buffer, y)
    }
  }
}

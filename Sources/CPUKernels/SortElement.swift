import CPUKernelAPI

/// An element as sorting sees it: a signed integer in the order of the elements, in which −0 and 0 are one and all
/// NaN are one, above everything.
protocol SortElement {
  associatedtype Key: SortKey
  /// The element's place in the order.
  var key: Key { get }
  /// The element with this key, or nil where several have it.
  init?(key: Key)
}

extension UInt8: SortElement {
  @inline(__always)
  var key: Int32 { Int32(self) }
  @inline(__always)
  init?(key: Int32) { self.init(truncatingIfNeeded: key) }
}

extension Int8: SortElement {
  @inline(__always)
  var key: Int32 { Int32(self) }
  @inline(__always)
  init?(key: Int32) { self.init(truncatingIfNeeded: key) }
}

extension Int16: SortElement {
  @inline(__always)
  var key: Int32 { Int32(self) }
  @inline(__always)
  init?(key: Int32) { self.init(truncatingIfNeeded: key) }
}

extension Int32: SortElement {
  @inline(__always)
  var key: Int32 { self }
  @inline(__always)
  init?(key: Int32) { self = key }
}

extension Int64: SortElement {
  @inline(__always)
  var key: Int64 { self }
  @inline(__always)
  init?(key: Int64) { self = key }
}

/// The bits of a floating-point number: sign and magnitude.
protocol FloatBits: SortElement {
  associatedtype Bits: FixedWidthInteger & SignedInteger
  var bits: Bits { get }
  init(bits: Bits)
  /// The bits of infinity, above which the magnitudes are NaN.
  static var infinity: Bits { get }
}

extension FloatBits {
  @inline(__always)
  var key: Key {
    let magnitude = Key(truncatingIfNeeded: bits & Bits.max)
    let signed = bits < 0 ? 0 &- magnitude : magnitude
    return magnitude > Key(truncatingIfNeeded: Self.infinity) ? Key.max : signed
  }

  @inline(__always)
  init?(key: Key) {
    if key == 0 || key == Key.max { return nil }
    let magnitude = Bits(truncatingIfNeeded: key < 0 ? 0 &- key : key)
    self.init(bits: key < 0 ? magnitude | Bits.min : magnitude)
  }
}

/// A float16's bits.
struct HalfBits: FloatBits {
  typealias Key = Int32
  var bits: Int16
  @inline(__always)
  static var infinity: Int16 { 0x7C00 }
}

/// A bfloat16's bits.
struct BrainBits: FloatBits {
  typealias Key = Int32
  var bits: Int16
  @inline(__always)
  static var infinity: Int16 { 0x7F80 }
}

/// A float32's bits.
struct SingleBits: FloatBits {
  typealias Key = Int32
  var bits: Int32
  @inline(__always)
  static var infinity: Int32 { 0x7F80_0000 }
}

/// A float64's bits.
struct DoubleBits: FloatBits {
  typealias Key = Int64
  var bits: Int64
  @inline(__always)
  static var infinity: Int64 { 0x7FF0_0000_0000_0000 }
}

/// A key of 32 or 64 bits, and what is written once for each of the two widths.
protocol SortKey: FixedWidthInteger, SignedInteger {
  /// Up to this many keys, counting for each key those before it beats sorting them.
  static var rankLimit: Int { get }
  /// Writes to places[i] how many keys come before key i. `keys` has room for `rankPadding` more.
  static func rank(_ keys: UnsafeMutablePointer<Self>, _ count: Int, _ places: UnsafeMutablePointer<Self>)
  /// Stable sort of any count; `work` has `workBytes`.
  static func radixSort(
    _ keys: UnsafeMutablePointer<Self>, _ count: Int, work: UnsafeMutableRawPointer,
    sorted: UnsafeMutablePointer<Self>, indices: UnsafeMutablePointer<Int64>)
  /// Bytes of scratch memory that `radixSort` needs.
  static func workBytes(_ count: Int) -> Int
}

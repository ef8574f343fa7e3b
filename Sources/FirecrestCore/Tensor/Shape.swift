import FirecrestCPU

/// The sizes of a tensor's dimensions, outermost first: up to 8 of them, stored inline.
///
/// Reads like an array: `shape[0]`, `shape[-1]` (from the end), `shape == [2, 3]`, `for size in shape`.
public struct Shape: Sendable {
  /// The largest number of dimensions that a tensor can have.
  public static let maximumRank = 8

  @usableFromInline package var sizes: InlineArray<8, Int>
  /// The number of dimensions.
  public private(set) var count: Int

  /// A shape without dimensions, that of a scalar tensor.
  @inline(__always)
  public init() {
    sizes = InlineArray(repeating: 0)
    count = 0
  }

  /// A shape with the given sizes.
  public init(_ sizes: some Collection<Int>) {
    self.init()
    for size in sizes { append(size) }
  }

  /// A shape of `count` dimensions of the same size.
  @inline(__always)
  package init(repeating size: Int, count: Int) {
    if count > Shape.maximumRank { Shape.tooMany() }
    sizes = InlineArray(repeating: size)
    self.count = count
  }

  /// Adds a dimension at the end.
  @inline(__always)
  public mutating func append(_ size: Int) {
    if count == Shape.maximumRank { Shape.tooMany() }
    sizes[unchecked: count] = size
    count += 1
  }

  /// Adds a dimension before position `index`.
  public mutating func insert(_ size: Int, at index: Int) {
    append(0)
    var i = count - 1
    while i > index {
      sizes[i] = sizes[i - 1]
      i -= 1
    }
    sizes[index] = size
  }

  /// Removes the dimension at position `index` and returns its size.
  @discardableResult
  public mutating func remove(at index: Int) -> Int {
    let removed = self[index]
    for i in index..<count - 1 { sizes[i] = sizes[i + 1] }
    count -= 1
    return removed
  }

  /// The number of elements of a tensor of this shape: the product of the sizes (PyTorch's `numel`).
  @inline(__always)
  public var elementCount: Int {
    var product = 1
    for i in 0..<count { product &*= sizes[unchecked: i] }
    return product
  }

  /// The strides, in elements, of a row-major (contiguous) tensor of this shape.
  @inline(__always)
  package var contiguousStrides: Shape {
    var strides = Shape(repeating: 1, count: count)
    var step = 1
    var i = count - 1
    while i >= 0 {
      strides.sizes[unchecked: i] = step
      step &*= Swift.max(1, sizes[unchecked: i])
      i -= 1
    }
    return strides
  }
}

extension Shape: RandomAccessCollection, MutableCollection {
  /// The position of the first dimension, 0.
  public var startIndex: Int { 0 }
  /// The position after the last dimension.
  public var endIndex: Int { count }

  /// The size of a dimension; a negative position counts from the end.
  @inline(__always)
  public subscript(position: Int) -> Int {
    get {
      let index = position < 0 ? position + count : position
      if index < 0 || index >= count { Shape.badPosition(position, count) }
      return sizes[unchecked: index]
    }
    set {
      let index = position < 0 ? position + count : position
      if index < 0 || index >= count { Shape.badPosition(position, count) }
      sizes[unchecked: index] = newValue
    }
  }

  @inline(never)
  private static func tooMany() -> Never {
    fail("shape", "more than \(maximumRank) dimensions", help: "flatten or merge some dimensions first")
  }

  @inline(never)
  private static func badPosition(_ position: Int, _ count: Int) -> Never {
    fail("shape", "there is no dimension \(position) in a shape of \(count) dimensions")
  }
}

extension Shape: Hashable {
  /// Equal numbers of dimensions, equal sizes.
  @inline(__always)
  public static func == (a: Shape, b: Shape) -> Bool {
    if a.count != b.count { return false }
    for i in 0..<a.count where a.sizes[unchecked: i] != b.sizes[unchecked: i] { return false }
    return true
  }

  /// Hashes the sizes.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(count)
    for size in self { hasher.combine(size) }
  }
}

extension Shape: ExpressibleByArrayLiteral {
  /// `let shape: Shape = [2, 3]`.
  public init(arrayLiteral elements: Int...) { self.init(elements) }
}

extension Shape: CustomStringConvertible {
  /// `[2, 3]`.
  public var description: String { "[" + map(String.init).joined(separator: ", ") + "]" }
}

/// A size for each spatial dimension, as convolutions and poolings take them: one number for all, or an array with one
/// for each, outermost first (PyTorch's `int` or tuple).
public protocol SpatialSizes: Sendable {
  /// One size for each of `count` dimensions, nil if there are not as many.
  func sizes(count: Int) -> [Int]?
}

extension Int: SpatialSizes {
  /// This number `count` times.
  public func sizes(count: Int) -> [Int]? { Array(repeating: self, count: count) }
}

extension [Int]: SpatialSizes {
  /// These numbers, or a single one `count` times.
  public func sizes(count: Int) -> [Int]? {
    self.count == count ? self : self.count == 1 ? Array(repeating: self[0], count: count) : nil
  }
}

/// What a convolution adds around its input: numbers, `.valid` or `.same` (PyTorch's `padding`).
public protocol ConvolutionPadding: Sendable {
  /// Zeros before and after each dimension; nil if the numbers do not fit them.
  ///
  /// - Parameters:
  ///   - count: The number of dimensions.
  ///   - reach: How far the kernel reaches beyond its first element, for each dimension.
  func amounts(count: Int, reach: [Int]) -> (before: [Int], after: [Int])?
  /// True where the output is to have the input's size.
  var keepsSize: Bool { get }
}

extension ConvolutionPadding where Self: SpatialSizes {
  /// The same numbers before and after.
  public func amounts(count: Int, reach: [Int]) -> (before: [Int], after: [Int])? {
    sizes(count: count).map { ($0, $0) }
  }
  /// False: numbers keep no size.
  public var keepsSize: Bool { false }
}

extension Int: ConvolutionPadding {}
extension [Int]: ConvolutionPadding {}

/// A padding that has a name: `.same` or `.valid`.
public struct ConvolutionPaddingMode: ConvolutionPadding {
  /// True for `.same`.
  public let keepsSize: Bool

  /// What the name stands for.
  public func amounts(count: Int, reach: [Int]) -> (before: [Int], after: [Int])? {
    if !keepsSize { return (Array(repeating: 0, count: count), Array(repeating: 0, count: count)) }
    return (reach.map { $0 / 2 }, reach.map { $0 - $0 / 2 })
  }
}

extension ConvolutionPadding where Self == ConvolutionPaddingMode {
  /// As much as gives an output of the input's size, the odd one at the end; needs a stride of 1.
  public static var same: ConvolutionPaddingMode { ConvolutionPaddingMode(keepsSize: true) }
  /// None.
  public static var valid: ConvolutionPaddingMode { ConvolutionPaddingMode(keepsSize: false) }
}

/// Beyond every stride, padding and kernel, and small enough that sums and products of a few do not overflow.
let largestSize = Int(Int32.max)

/// The sizes of up to three spatial dimensions as (depth, height, width), `otherwise` where there are fewer; stops in
/// the name of `operation` if they are not as many as `count` or less than `least`.
func spatialSizes(
  _ sizes: some SpatialSizes, count: Int, otherwise: Int, least: Int, _ operation: String, _ what: String,
  _ tensors: [Tensor]
) -> SIMD3<Int> {
  guard let sizes = sizes.sizes(count: count) else {
    stop(
      operation, "\(what) \(sizes) does not fit \(count) spatial dimensions", tensors,
      help: "give 1 or \(count) numbers")
  }
  if sizes.contains(where: { $0 < least }) { stop(operation, "\(what) \(sizes) must be at least \(least)", tensors) }
  if sizes.contains(where: { $0 > largestSize }) {
    stop(operation, "\(what) \(sizes) is more than any image has", tensors)
  }
  return spatialVector(sizes, otherwise: otherwise)
}

/// Up to three sizes as (depth, height, width).
func spatialVector(_ sizes: [Int], otherwise: Int) -> SIMD3<Int> {
  var result = SIMD3(repeating: otherwise)
  for (i, size) in sizes.enumerated() { result[3 - sizes.count + i] = size }
  return result
}

extension SIMD3<Int> {
  /// The product of the three.
  var volume: Int { x * y * z }
  /// The last `count` of the three.
  func last(_ count: Int) -> [Int] { (3 - count..<3).map { self[$0] } }
}

/// What may stand between the brackets of `x[…]`: an integer, a range, a tensor or array of positions, a mask, or one
/// of `.all`, `.slice(…)`, `.newAxis`, `.ellipsis`.
///
/// Negative positions count from the end, in ranges too: `x[(-3)...]` are the last three. Ranges are cut to the size of
/// the dimension as in Python. Swift refuses ranges whose lower bound is above the upper one, such as 1 ..< −1;
/// `.slice(1, -1)` is the way to write those.
public protocol TensorIndex {
  /// This index in the form that subscripts work with.
  var position: IndexPosition { get }
}

/// One entry between the brackets of `x[…]`, in the form that subscripts work with.
public enum IndexPosition: Sendable {
  /// One position; the dimension goes away.
  case integer(Int)
  /// Every `step`-th position from `start` (the first where nil) up to `stop` (to the end where nil).
  case range(start: Int?, stop: Int?, step: Int)
  /// A new dimension of size 1.
  case newAxis
  /// As many whole dimensions as are left.
  case ellipsis
  /// Positions, or a mask where it is of type bool.
  case tensor(Tensor)
}

/// `.all`, `.slice(…)`, `.newAxis` and `.ellipsis` between the brackets of `x[…]`.
public struct TensorSlice: TensorIndex, Sendable {
  /// This index in the form that subscripts work with.
  public let position: IndexPosition
}

extension TensorIndex where Self == TensorSlice {
  /// The whole dimension (Python's `:`).
  public static var all: TensorSlice { TensorSlice(position: .range(start: nil, stop: nil, step: 1)) }
  /// A new dimension of size 1 (Python's `None`).
  public static var newAxis: TensorSlice { TensorSlice(position: .newAxis) }
  /// As many whole dimensions as are left (Python's `...`).
  public static var ellipsis: TensorSlice { TensorSlice(position: .ellipsis) }
  /// Every `step`-th position from `start` up to, not including, `stop` (Python's `start:stop:step`); negative bounds
  /// count from the end.
  public static func slice(_ start: Int? = nil, _ stop: Int? = nil, by step: Int = 1) -> TensorSlice {
    TensorSlice(position: .range(start: start, stop: stop, step: step))
  }
}

extension Int: TensorIndex {
  /// One position.
  public var position: IndexPosition { .integer(self) }
}

extension Bool: TensorIndex {
  /// A mask without dimensions: a new first dimension of size 1 for true, 0 for false.
  public var position: IndexPosition { .tensor(Tensor(self)) }
}

extension Tensor: TensorIndex {
  /// Positions, or a mask where it is of type bool.
  public var position: IndexPosition { .tensor(self) }
}

extension Array: TensorIndex where Element: TensorLiteral {
  /// Positions, or a mask: an array (of arrays …) of integers or truth values.
  public var position: IndexPosition {
    .tensor(
      isEmpty ? Tensor(empty: [0], Element.literalDType == .float32 ? .int64 : Element.literalDType) : Tensor(self))
  }
}

extension Range: TensorIndex where Bound == Int {
  /// The positions from the lower up to the upper bound.
  public var position: IndexPosition { .range(start: lowerBound, stop: upperBound, step: 1) }
}

extension ClosedRange: TensorIndex where Bound == Int {
  /// The positions from the lower bound through the upper one.
  public var position: IndexPosition { .range(start: lowerBound, stop: after(upperBound), step: 1) }
}

extension PartialRangeFrom: TensorIndex where Bound == Int {
  /// The positions from the bound on.
  public var position: IndexPosition { .range(start: lowerBound, stop: nil, step: 1) }
}

extension PartialRangeUpTo: TensorIndex where Bound == Int {
  /// The positions before the bound.
  public var position: IndexPosition { .range(start: nil, stop: upperBound, step: 1) }
}

extension PartialRangeThrough: TensorIndex where Bound == Int {
  /// The positions through the bound.
  public var position: IndexPosition { .range(start: nil, stop: after(upperBound), step: 1) }
}

extension StrideTo: TensorIndex where Element == Int {
  /// The positions of the sequence: `x[stride(from: 0, to: 10, by: 2)]`.
  public var position: IndexPosition { rangePosition(of: self) }
}

extension StrideThrough: TensorIndex where Element == Int {
  /// The positions of the sequence.
  public var position: IndexPosition { rangePosition(of: self) }
}

/// The bound of a half-open range that ends with `last`: none after −1, the last position, and after all numbers.
private func after(_ last: Int) -> Int? { last == -1 || last == .max ? nil : last + 1 }

private func rangePosition(of sequence: some Sequence<Int>) -> IndexPosition {
  var first: Int?
  var last = 0
  var step = 1
  for element in sequence {
    if first == nil { first = element } else { step = element - last }
    last = element
  }
  guard let first else { return .range(start: 0, stop: 0, step: 1) }
  return .range(start: first, stop: step > 0 ? after(last) : last, step: step)
}

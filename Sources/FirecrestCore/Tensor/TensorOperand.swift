/// What may stand beside a tensor in an operation of two: another tensor or a number.
public protocol TensorOperand: Sendable {
  /// `x` and this operand as tensors of the type that an operation of both has.
  func promoted(beside x: Tensor) -> (x: Tensor, operand: Tensor)
}

extension TensorOperand {
  /// The same for operations that integers enter as float32: converted from what they are, not from the integers' common
  /// type, which need not hold both.
  @inline(__always)
  package func promotedFloating(beside x: Tensor) -> (x: Tensor, operand: Tensor) {
    let both = promoted(beside: x)
    if both.x.dtype.isFloatingPoint { return both }
    let (a, b) = promoted(beside: x.to(.float32))
    return (a, b)
  }
}

extension TensorScalar {
  /// `x` and this number in their common type; the number widens it only across categories.
  public func promoted(beside x: Tensor) -> (x: Tensor, operand: Tensor) {
    let (a, b) = promote(x, self)
    return (a, b)
  }
}

extension Tensor: TensorOperand {
  /// `x` and this tensor in their common type.
  public func promoted(beside x: Tensor) -> (x: Tensor, operand: Tensor) {
    let (a, b) = promote(x, self)
    return (a, b)
  }
}

extension Tensor {
  /// An operation of this tensor and another operand, in their common type.
  package func combined<O: BinaryOp>(_ op: O, _ other: some TensorOperand) -> Tensor {
    let (a, b) = other.promoted(beside: self)
    return apply(op, a, b)
  }

  /// The same for operations that integers enter as float32.
  package func combinedFloating<O: BinaryOp>(_ op: O, _ other: some TensorOperand) -> Tensor {
    let (a, b) = other.promotedFloating(beside: self)
    return apply(op, a, b)
  }

  /// This tensor, with 0 where `mask` holds.
  package func zeroed(where mask: Tensor) -> Tensor {
    apply(Where(), [mask, Tensor.scalar(.int(0), dtype), self])[0]
  }

  /// This tensor, with 0 except where `mask` holds.
  package func kept(where mask: Tensor) -> Tensor {
    apply(Where(), [mask, self, Tensor.scalar(.int(0), dtype)])[0]
  }
}

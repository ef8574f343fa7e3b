import FirecrestCPU

/// A tensor with `value` around it, or with a margin cut off where an amount is negative.
struct ConstantPad: UnaryOp {
  /// Elements added before and after, for each dimension.
  let before: Shape
  let after: Shape
  let value: Scalar
  var name: String { "constantPad" }

  func infer(_ x: TensorSpec) throws(OpError) -> TensorSpec {
    var shape = x.shape
    for d in 0..<shape.count {
      shape[d] += before[d] + after[d]
      if shape[d] < 0 {
        throw OpError("padding dim \(d) of size \(x.shape[d]) by \(before[d]) and \(after[d]) leaves a negative size")
      }
    }
    return TensorSpec(x.dtype, shape)
  }

  func run(_ x: Tensor, into y: Tensor, on cpu: CPU) {
    if y.elementCount == 0 { return }
    // The part of x that stays, in both.
    var shape = x.shape
    var from = x.offset
    var to = y.offset
    var isCovered = true
    for d in 0..<x.rank {
      from += max(0, -before[d]) * x.strides[d]
      to += max(0, before[d]) * y.strides[d]
      shape[d] = max(0, shape[d] + min(0, before[d]) + min(0, after[d]))
      if shape[d] != y.shape[d] { isCovered = false }
    }
    if !isCovered { y.fillElements(value) }
    if shape.elementCount == 0 { return }
    copyElements(
      x.window(shape, strides: x.strides, offset: from), y.window(shape, strides: y.strides, offset: to), cpu)
  }

  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? {
    apply(ConstantPad(before: before.negated, after: after.negated, value: .int(0)), g)
  }
}

extension Shape {
  fileprivate var negated: Shape {
    var result = self
    for d in 0..<count { result[d] = -self[d] }
    return result
  }
}

/// What `pad` puts around a tensor.
public enum PadMode: Sendable {
  /// One number everywhere.
  case constant
  /// The values mirrored at the border element, which is not repeated.
  case reflect
  /// The border element repeated.
  case replicate
  /// The values of the opposite side: the tensor goes on periodically.
  case circular
}

extension Tensor {
  /// This tensor with a margin (PyTorch's `nn.functional.pad`).
  ///
  /// - Parameters:
  ///   - amounts: Elements before and after, for the last dimension first: `[left, right, top, bottom]`. Negative ones
  ///     cut off.
  ///   - mode: What the margin holds.
  ///   - value: The number of `.constant`.
  public func pad(_ amounts: [Int], mode: PadMode = .constant, value: some TensorScalar = 0) -> Tensor {
    if amounts.count % 2 != 0 || amounts.count / 2 > rank {
      stop(
        "pad", "\(amounts.count) amounts do not fit \(rank) dimensions", [self],
        help: "give two for each dimension, the last dimension first")
    }
    if amounts.contains(where: { $0.magnitude > largestSize }) {
      stop("pad", "the amounts \(amounts) are more than any tensor has", [self])
    }
    if mode == .constant {
      var before = Shape(repeating: 0, count: rank)
      var after = before
      for i in 0..<amounts.count / 2 {
        before[rank - 1 - i] = amounts[2 * i]
        after[rank - 1 - i] = amounts[2 * i + 1]
      }
      return apply(ConstantPad(before: before, after: after, value: value.scalar), self)
    }
    if amounts.allSatisfy({ $0 == 0 }) { return clone() }
    return (0..<amounts.count / 2).reduce(self) { x, i in
      let (before, after) = (amounts[2 * i], amounts[2 * i + 1])
      guard mode == .circular, before < 0 || after < 0 else { return x.extended(rank - 1 - i, before, after, mode) }
      // What is left after the cut goes on periodically; reflect and replicate take from the whole.
      let cut = x.extended(rank - 1 - i, Swift.min(before, 0), Swift.min(after, 0), mode)
      return cut.extended(rank - 1 - i, Swift.max(before, 0), Swift.max(after, 0), mode)
    }
  }

  /// One dimension padded from the tensor's own values.
  private func extended(_ dim: Int, _ before: Int, _ after: Int, _ mode: PadMode) -> Tensor {
    let size = shape[dim]
    if size + before + after < 0 {
      stop("pad", "padding dim \(dim) of size \(size) by \(before) and \(after) leaves a negative size", [self])
    }
    let (left, right) = (Swift.max(0, before), Swift.max(0, after))
    let limit = mode == .reflect ? size - 1 : mode == .circular ? size : size > 0 ? Int.max : 0
    if left > limit || right > limit {
      stop(
        "pad", "padding by \(before) and \(after) needs more than the \(size) elements of dim \(dim)", [self],
        help: mode == .reflect ? "reflect takes less than the size" : "circular takes at most the size")
    }
    var parts: [Tensor] = []
    func edge(_ start: Int, _ length: Int) -> Tensor { narrow(dim: dim, start: start, length: length) }
    func repeated(_ index: Int, _ count: Int) -> Tensor {
      var target = shape
      target[dim] = count
      return edge(index, 1).expand(target)
    }
    if left > 0 {
      switch mode {
      case .reflect: parts.append(edge(1, left).flip(dims: [dim]))
      case .circular: parts.append(edge(size - left, left))
      default: parts.append(repeated(0, left))
      }
    }
    parts.append(self)
    if right > 0 {
      switch mode {
      case .reflect: parts.append(edge(size - 1 - right, right).flip(dims: [dim]))
      case .circular: parts.append(edge(0, right))
      default: parts.append(repeated(size - 1, right))
      }
    }
    let whole = parts.count == 1 ? self : cat(parts, dim: dim)
    if before >= 0 && after >= 0 { return whole }
    return whole.narrow(dim: dim, start: Swift.max(0, -before), length: size + before + after)
  }
}

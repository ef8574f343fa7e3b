/// How a quantile between two elements is made of them.
public enum Interpolation: Sendable {
  /// Linear between them.
  case linear
  /// The lower one.
  case lower
  /// The higher one.
  case higher
  /// The one nearer by.
  case nearest
  /// The middle.
  case midpoint
}

extension Tensor {
  /// The elements below which the fractions `q` (of 0 ... 1, without dimensions or a vector) of all elements along a
  /// dimension lie; without `dim` of all. A vector's results come first in the shape. NaN where there is a NaN
  /// (PyTorch's `quantile`).
  public func quantile(
    _ q: Tensor, dim: Int? = nil, keepDim: Bool = false, interpolation: Interpolation = .linear
  ) -> Tensor {
    quantile("quantile", q, dim, keepDim, interpolation, ignoresNaN: false)
  }

  /// The element below which the fraction `q` of all elements along a dimension lies.
  public func quantile(
    _ q: Double, dim: Int? = nil, keepDim: Bool = false, interpolation: Interpolation = .linear
  ) -> Tensor {
    quantile(Tensor.scalar(.double(q), dtype), dim: dim, keepDim: keepDim, interpolation: interpolation)
  }

  /// `quantile` of the elements that are not NaN (PyTorch's `nanquantile`).
  public func nanquantile(
    _ q: Tensor, dim: Int? = nil, keepDim: Bool = false, interpolation: Interpolation = .linear
  ) -> Tensor {
    quantile("nanquantile", q, dim, keepDim, interpolation, ignoresNaN: true)
  }

  /// `quantile` of the elements that are not NaN.
  public func nanquantile(
    _ q: Double, dim: Int? = nil, keepDim: Bool = false, interpolation: Interpolation = .linear
  ) -> Tensor {
    nanquantile(Tensor.scalar(.double(q), dtype), dim: dim, keepDim: keepDim, interpolation: interpolation)
  }

  private func quantile(
    _ operation: String, _ q: Tensor, _ dim: Int?, _ keepDim: Bool, _ interpolation: Interpolation, ignoresNaN: Bool
  ) -> Tensor {
    if elementCount == 0 { stop(operation, "an empty tensor has no quantiles", [self, q]) }
    if !dtype.isFloatingPoint || q.dtype != dtype {
      stop(operation, "needs a floating-point tensor, and fractions of the same type", [self, q])
    }
    if q.rank > 1 { stop(operation, "the fractions must be a number or a vector", [self, q]) }
    if !noGrad({ ((q .>= 0) & (q .<= 1)).all().item(as: Bool.self) }) {
      stop(operation, "a fraction is not in 0 ... 1", [self, q])
    }
    // Rows of elements, one row of results each.
    let d = dim.map { resolve($0, operation) }
    let rows: Tensor
    if let d, rank > 0 { rows = movedim(d, to: -1) } else { rows = reshape(-1) }
    let picked = rows.sort(dim: -1).values.pick(q.reshape(-1), interpolation, ignoresNaN)
    // The results' dimension goes to the front, or away.
    var y = q.rank == 0 ? picked.squeeze(dim: -1) : picked.movedim(-1, to: 0)
    if keepDim && rank > 0 {
      if let d {
        y = y.unsqueeze(dim: d + q.rank)
      } else {
        for _ in 0..<rank { y = y.unsqueeze(dim: -1) }
      }
    }
    return y
  }

  /// Quantiles of sorted rows.
  private func pick(_ q: Tensor, _ interpolation: Interpolation, _ ignoresNaN: Bool) -> Tensor {
    let isNaN = noGrad { self.isNaN() }
    var ranks: Tensor
    if ignoresNaN {
      let count = noGrad { isNaN.logicalNot().sum(dim: -1, keepDim: true) }
      ranks = q * noGrad { (count - 1).clamp(min: 0).to(dtype) }
    } else {
      // NaN comes last in order, so that the last element stands for a row with one.
      let last = Double(shape[-1] - 1)
      var full = shape
      full[-1] = q.shape[0]
      let spoilt = noGrad { isNaN.any(dim: -1, keepDim: true) }
      ranks = (q * last).expand(full).maskedFill(spoilt, last)
    }
    switch interpolation {
    case .lower: return gather(dim: -1, noGrad { ranks.floor().to(.int64) })
    case .higher: return gather(dim: -1, noGrad { ranks.ceil().to(.int64) })
    case .nearest: return gather(dim: -1, noGrad { ranks.round().to(.int64) })
    case .linear, .midpoint:
      let low = noGrad { ranks.floor() }
      let below = gather(dim: -1, noGrad { low.to(.int64) })
      let above = gather(dim: -1, noGrad { ranks.ceil().to(.int64) })
      if interpolation == .midpoint { return below.lerp(above, 0.5) }
      return below.lerp(above, ranks - low)
    }
  }
}

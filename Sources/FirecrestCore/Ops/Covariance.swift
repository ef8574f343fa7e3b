extension Tensor {
  /// The covariances of the rows, each a variable with one observation a column; a vector is one variable (PyTorch's
  /// `cov`).
  ///
  /// - Parameters:
  ///   - correction: Taken from the number of observations by which sums are divided.
  ///   - frequencies: How often each observation counts, integers (PyTorch's `fweights`).
  ///   - weights: How important each observation is (PyTorch's `aweights`).
  public func cov(correction: Int = 1, frequencies: Tensor? = nil, weights: Tensor? = nil) -> Tensor {
    if rank > 2 { stop("cov", "needs a matrix or a vector", [self]) }
    if dtype == .bool { stop("cov", "is not defined for bool", [self], help: "convert it with to(.float32)") }
    let x = rank < 2 ? reshape(1, -1) : self
    let count = x.shape[1]
    for w in [frequencies, weights] {
      guard let w else { continue }
      if w.rank > 1 || w.elementCount != count {
        stop("cov", "weights must be a vector with one element for each of the \(count) observations", [self, w])
      }
    }
    guard var w = frequencies ?? weights else {
      let centered = x - (x.sum(dim: 1, keepDim: true) / count)
      let divisor = Double(Swift.max(0, count - correction))
      return (centered.mm(centered.T) / divisor).squeeze()
    }
    if let frequencies, let weights { w = frequencies * weights }
    let total = w.sum()
    let centered = x - (x * w).sum(dim: 1, keepDim: true) / total
    var divisor = total.floating
    if correction != 0 {
      if let weights {
        divisor = total - (w * weights).sum() * correction / total
      } else {
        divisor = (total - correction).floating
      }
    }
    let weighted = (centered * w).T
    return (centered.mm(weighted) / divisor.clamp(min: 0)).squeeze()
  }

  /// Pearson's correlations of the rows: their covariances, divided by the standard deviations (PyTorch's `corrcoef`).
  public func corrcoef() -> Tensor {
    let c = cov()
    if c.rank == 0 { return c / c }
    let deviation = c.diagonal().sqrt()
    let scaled = c / deviation.unsqueeze(dim: 1) / deviation
    // Rounding may lead out of the range.
    return scaled.clamp(min: -1, max: 1)
  }
}

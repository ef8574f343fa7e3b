/// Where the indices of a dimension lie: so far apart, or at these points.
private enum GridStep {
  case even(Double)
  case points(Tensor)
}

extension Tensor {
  /// The slopes along dimensions, estimated from neighbours by second-order differences (PyTorch's `gradient`): one
  /// tensor of this one's shape for each of `dims`, all dimensions where none are named.
  ///
  /// - Parameters:
  ///   - spacing: How far apart indices are: one number for all, or one for each of `dims`.
  ///   - edgeOrder: 1 or 2, the order of the differences at both ends.
  ///   - dims: The dimensions it works along.
  public func gradient(spacing: [Double] = [1], dims: [Int]? = nil, edgeOrder: Int = 1) -> [Tensor] {
    slopes(spacing.map(GridStep.even), dims, edgeOrder)
  }

  /// The slopes along dimensions, the indices of each lying at the points that a vector gives.
  public func gradient(points: [Tensor], dims: [Int]? = nil, edgeOrder: Int = 1) -> [Tensor] {
    slopes(points.map(GridStep.points), dims, edgeOrder)
  }

  private func slopes(_ steps: [GridStep], _ dims: [Int]?, _ edgeOrder: Int) -> [Tensor] {
    let dims = (dims ?? Array(0..<rank)).map { resolve($0, "gradient") }
    var isShared = false
    if case .even? = steps.first { isShared = steps.count == 1 }
    if steps.count != dims.count && !isShared {
      stop("gradient", "\(steps.count) spacings do not fit \(dims.count) dimensions", [self])
    }
    if edgeOrder != 1 && edgeOrder != 2 { stop("gradient", "edgeOrder is 1 or 2, not \(edgeOrder)", [self]) }
    return dims.enumerated().map { i, d in
      if rank == 0 || shape[d] <= edgeOrder {
        stop("gradient", "needs at least \(edgeOrder + 1) indices along dim \(d)", [self])
      }
      switch steps[isShared ? 0 : i] {
      case .even(let h): return floating.slope(d, edgeOrder, h)
      case .points(let points):
        if points.rank != 1 || points.shape[0] != shape[d] {
          stop("gradient", "the points must be a vector of the \(shape[d]) indices of dim \(d)", [self, points])
        }
        return floating.slope(d, edgeOrder, at: points)
      }
    }
  }

  /// `count` indices of dim `d` from `start`, which counts from the end where it is negative.
  private func part(_ d: Int, _ start: Int, _ count: Int) -> Tensor {
    narrow(dim: d, start: start < 0 ? start + shape[d] : start, length: count)
  }

  /// Three neighbours weighted.
  private func weighted(_ d: Int, _ start: Int, _ weights: (Double, Double, Double)) -> Tensor {
    let outer = part(d, start, 1) * weights.0 + part(d, start + 2, 1) * weights.2
    return outer + part(d, start + 1, 1) * weights.1
  }

  private func slope(_ d: Int, _ edgeOrder: Int, _ h: Double) -> Tensor {
    let inner = Swift.max(0, shape[d] - 2)
    var parts: [Tensor] = []
    if edgeOrder == 1 {
      parts.append((part(d, 1, 1) - part(d, 0, 1)) / h)
    } else {
      parts.append(weighted(d, 0, (-1.5 / h, 2 / h, -0.5 / h)))
    }
    if inner > 0 { parts.append((part(d, 2, inner) - part(d, 0, inner)) / (2 * h)) }
    if edgeOrder == 1 {
      parts.append((part(d, -1, 1) - part(d, -2, 1)) / h)
    } else {
      parts.append(weighted(d, -3, (0.5 / h, -2 / h, 1.5 / h)))
    }
    return cat(parts, dim: d)
  }

  private func slope(_ d: Int, _ edgeOrder: Int, at points: Tensor) -> Tensor {
    let x = points.to(dtype)
    let (size, inner) = (shape[d], Swift.max(0, shape[d] - 2))
    var column = Shape(repeating: 1, count: rank)
    column[d] = size - 1
    let steps = (x.part(0, 1, size - 1) - x.part(0, 0, size - 1)).reshape(column)
    var parts: [Tensor] = []
    if edgeOrder == 1 {
      parts.append((part(d, 1, 1) - part(d, 0, 1)) / steps.part(d, 0, 1))
    } else {
      let (s, t) = (steps.part(d, 0, 1), steps.part(d, 1, 1))
      let first = part(d, 0, 1) * (s * 2 + t) / (s * (s + t))
      let second = part(d, 1, 1) * (s + t) / (s * t)
      parts.append(second - first - part(d, 2, 1) * s / (t * (s + t)))
    }
    if inner > 0 {
      let (s, t) = (steps.part(d, 0, inner), steps.part(d, 1, inner))
      let left = part(d, 0, inner) * t / (s * (s + t))
      let middle = part(d, 1, inner) * (t - s) / (s * t)
      parts.append(middle - left + part(d, 2, inner) * s / (t * (s + t)))
    }
    if edgeOrder == 1 {
      parts.append((part(d, -1, 1) - part(d, -2, 1)) / steps.part(d, -1, 1))
    } else {
      let (s, t) = (steps.part(d, -2, 1), steps.part(d, -1, 1))
      let last = part(d, -1, 1) * (t * 2 + s) / (t * (s + t))
      let before = part(d, -2, 1) * (s + t) / (s * t)
      parts.append(last - before + part(d, -3, 1) * t / (s * (s + t)))
    }
    return cat(parts, dim: d)
  }
}

extension Tensor {
  /// The p-norm along the last dimension of the difference to `other`, to which `eps` is added (PyTorch's
  /// `nn.functional.pairwise_distance`).
  public func pairwiseDistance(_ other: Tensor, p: Double = 2, eps: Double = 1e-6, keepDim: Bool = false) -> Tensor {
    (self - other + eps).norm(p, dim: -1, keepDim: keepDim)
  }

  /// The cosine of the angle to `other` along a dimension: the product of both after division by their lengths, which
  /// count at least `eps` (PyTorch's `nn.functional.cosine_similarity`).
  public func cosineSimilarity(_ other: Tensor, dim: Int = 1, eps: Double = 1e-8) -> Tensor {
    let (a, b) = promote(self, other)
    let both = broadcastTensors([a.floating, b.floating])
    func unit(_ x: Tensor) -> Tensor {
      let length = x.norm(2, dim: dim, keepDim: true)
      // The bound takes no part in the derivative.
      let raise = noGrad { length.clamp(min: eps) - length }
      return x / (length + raise)
    }
    return (unit(both[0]) * unit(both[1])).sum(dim: dim)
  }

  /// The p-norm distances of all rows of this matrix from all rows of another, [P, R]; leading dimensions are batches
  /// (PyTorch's `cdist`).
  public func cdist(_ other: Tensor, p: Double = 2) -> Tensor {
    if rank < 2 || other.rank < 2 || shape[-1] != other.shape[-1] {
      stop("cdist", "needs matrices with equally many columns", [self, other])
    }
    if p < 0 { stop("cdist", "p is \(p), but must not be negative", [self, other]) }
    if shape[-1] == 0 { return (unsqueeze(dim: -2) - other.unsqueeze(dim: -3)).sum(dim: -1) }
    let isLarge = shape[-2] > 25 || other.shape[-2] > 25
    if p != 2 || !isLarge {
      return (unsqueeze(dim: -2) - other.unsqueeze(dim: -3)).norm(p, dim: -1)
    }
    // |a − b|² = |a|² + |b|² − 2 a·b as one product of matrices, which needs no array of all differences.
    func squares(_ x: Tensor) -> Tensor { x.square().sum(dim: -1, keepDim: true) }
    let (a, b) = (squares(self), squares(other))
    let left = cat([self * -2, a, Tensor.ones(like: a)], dim: -1)
    let right = cat([other, Tensor.ones(like: b), b], dim: -1)
    let distance = left.matmul(right.transpose(-2, -1))
    let isPositive = noGrad { distance .> 0 }
    return distance.where(isPositive, 1).sqrt().kept(where: isPositive)
  }

  /// The p-norm distances of the rows of a matrix from each other, as a vector: of the first from all later ones, then
  /// of the second, … (PyTorch's `nn.functional.pdist`).
  public func pdist(p: Double = 2) -> Tensor {
    if rank != 2 { stop("pdist", "needs a matrix", [self]) }
    let pairs = Tensor.triuIndices(shape[0], shape[0], offset: 1)
    let first = indexSelect(dim: 0, pairs.select(dim: 0, 0))
    return (first - indexSelect(dim: 0, pairs.select(dim: 0, 1))).norm(p, dim: -1)
  }
}

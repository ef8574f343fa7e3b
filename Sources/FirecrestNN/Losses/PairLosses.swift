import FirecrestCore

/// The negative logarithm of the normal density of the target, for a predicted mean and variance (PyTorch's
/// `nn.GaussianNLLLoss`).
public final class GaussianNLLLoss: Module {
  /// Whether to add the constant ½ ln 2π.
  public let full: Bool
  /// The least variance.
  public let eps: Double
  /// What is made of the values.
  public let reduction: Reduction

  /// - Parameters:
  ///   - full: Whether to add the constant ½ ln 2π.
  ///   - eps: The least variance.
  ///   - reduction: `.mean` (the default), `.sum` or `.none`.
  public init(full: Bool = false, eps: Double = 1e-6, reduction: Reduction = .mean) {
    self.full = full
    self.eps = eps
    self.reduction = reduction
  }

  /// The loss.
  ///
  /// - Parameters:
  ///   - input: The predicted mean.
  ///   - target: What it should be.
  ///   - variance: The predicted variance, of the input's shape, without its last dimension, or with 1 there.
  public func callAsFunction(_ input: Tensor, _ target: Tensor, _ variance: Tensor) -> Tensor {
    gaussianNLLLoss(input, target, variance: variance, full: full, eps: eps, reduction: reduction)
  }
}

/// max(0, −t (a − b) + margin): of two scores the first should be the larger where t is 1, the smaller where it is −1
/// (PyTorch's `nn.MarginRankingLoss`).
public final class MarginRankingLoss: Module {
  /// By how much.
  public let margin: Double
  /// What is made of the values.
  public let reduction: Reduction

  /// - Parameters:
  ///   - margin: By how much one should exceed the other.
  ///   - reduction: `.mean` (the default), `.sum` or `.none`.
  public init(margin: Double = 0, reduction: Reduction = .mean) {
    self.margin = margin
    self.reduction = reduction
  }

  /// The loss of two scores.
  public func callAsFunction(_ first: Tensor, _ second: Tensor, _ target: Tensor) -> Tensor {
    marginRankingLoss(first, second, target, margin: margin, reduction: reduction)
  }
}

/// 1 − cos φ where t is 1, max(0, cos φ − margin) where t is −1, with the angle φ between two vectors (PyTorch's
/// `nn.CosineEmbeddingLoss`).
public final class CosineEmbeddingLoss: Module {
  /// Cosines up to this are far enough apart.
  public let margin: Double
  /// What is made of the values.
  public let reduction: Reduction

  /// - Parameters:
  ///   - margin: Cosines up to this are far enough apart.
  ///   - reduction: `.mean` (the default), `.sum` or `.none`.
  public init(margin: Double = 0, reduction: Reduction = .mean) {
    self.margin = margin
    self.reduction = reduction
  }

  /// The loss of two vectors [D], or of the rows of two matrices [N, D].
  public func callAsFunction(_ first: Tensor, _ second: Tensor, _ target: Tensor) -> Tensor {
    cosineEmbeddingLoss(first, second, target, margin: margin, reduction: reduction)
  }
}

import FirecrestCore

/// A measure of how far a prediction is from its target, callable as `loss(prediction, target)`.
public protocol Loss: Module {
  /// The loss: 0-d, or one value for each element or sample where the reduction is `.none`.
  ///
  /// - Parameters:
  ///   - input: The prediction.
  ///   - target: What it should be.
  func forward(_ input: Tensor, _ target: Tensor) -> Tensor
}

extension Loss {
  /// The loss: 0-d, or one value for each element or sample where the reduction is `.none`.
  public func callAsFunction(_ input: Tensor, _ target: Tensor) -> Tensor { forward(input, target) }
}

/// (x − t)² (PyTorch's `nn.MSELoss`).
public final class MSELoss: Loss {
  /// What is made of the values.
  public let reduction: Reduction

  /// - Parameter reduction: `.mean` (the default), `.sum` or `.none`.
  public init(reduction: Reduction = .mean) { self.reduction = reduction }

  /// The loss.
  public func forward(_ input: Tensor, _ target: Tensor) -> Tensor { mseLoss(input, target, reduction: reduction) }
}

/// |x − t| (PyTorch's `nn.L1Loss`).
public final class L1Loss: Loss {
  /// What is made of the values.
  public let reduction: Reduction

  /// - Parameter reduction: `.mean` (the default), `.sum` or `.none`.
  public init(reduction: Reduction = .mean) { self.reduction = reduction }

  /// The loss.
  public func forward(_ input: Tensor, _ target: Tensor) -> Tensor { l1Loss(input, target, reduction: reduction) }
}

/// ½ (x − t)² / β where |x − t| < β, else |x − t| − ½ β (PyTorch's `nn.SmoothL1Loss`).
public final class SmoothL1Loss: Loss {
  /// Where the parabola ends.
  public let beta: Double
  /// What is made of the values.
  public let reduction: Reduction

  /// - Parameters:
  ///   - beta: Where the parabola ends.
  ///   - reduction: `.mean` (the default), `.sum` or `.none`.
  public init(beta: Double = 1, reduction: Reduction = .mean) {
    self.beta = beta
    self.reduction = reduction
  }

  /// The loss.
  public func forward(_ input: Tensor, _ target: Tensor) -> Tensor {
    smoothL1Loss(input, target, beta: beta, reduction: reduction)
  }
}

/// ½ (x − t)² where |x − t| < δ, else δ (|x − t| − ½ δ) (PyTorch's `nn.HuberLoss`).
public final class HuberLoss: Loss {
  /// Where the parabola ends.
  public let delta: Double
  /// What is made of the values.
  public let reduction: Reduction

  /// - Parameters:
  ///   - delta: Where the parabola ends.
  ///   - reduction: `.mean` (the default), `.sum` or `.none`.
  public init(delta: Double = 1, reduction: Reduction = .mean) {
    self.delta = delta
    self.reduction = reduction
  }

  /// The loss.
  public func forward(_ input: Tensor, _ target: Tensor) -> Tensor {
    huberLoss(input, target, delta: delta, reduction: reduction)
  }
}

/// t (ln t − x), where x are logarithms of probabilities (PyTorch's `nn.KLDivLoss`). `.batchMean` is the divergence as
/// mathematics defines it; the default is PyTorch's.
public final class KLDivLoss: Loss {
  /// Whether the target holds logarithms too.
  public let logTarget: Bool
  /// What is made of the values.
  public let reduction: KLDivReduction

  /// - Parameters:
  ///   - logTarget: Whether the target holds logarithms too.
  ///   - reduction: `.mean` (the default), `.batchMean`, `.sum` or `.none`.
  public init(logTarget: Bool = false, reduction: KLDivReduction = .mean) {
    self.logTarget = logTarget
    self.reduction = reduction
  }

  /// The loss.
  public func forward(_ input: Tensor, _ target: Tensor) -> Tensor {
    klDiv(input, target, logTarget: logTarget, reduction: reduction)
  }
}

/// The negative logarithm of the Poisson probability of the target (PyTorch's `nn.PoissonNLLLoss`).
public final class PoissonNLLLoss: Loss {
  /// Whether the input is the logarithm of the rate.
  public let logInput: Bool
  /// Whether to add Stirling's approximation of ln t!.
  public let full: Bool
  /// Keeps the logarithm away from 0.
  public let eps: Double
  /// What is made of the values.
  public let reduction: Reduction

  /// - Parameters:
  ///   - logInput: Whether the input is the logarithm of the rate.
  ///   - full: Whether to add Stirling's approximation of ln t!.
  ///   - eps: Keeps the logarithm away from 0.
  ///   - reduction: `.mean` (the default), `.sum` or `.none`.
  public init(logInput: Bool = true, full: Bool = false, eps: Double = 1e-8, reduction: Reduction = .mean) {
    self.logInput = logInput
    self.full = full
    self.eps = eps
    self.reduction = reduction
  }

  /// The loss.
  public func forward(_ input: Tensor, _ target: Tensor) -> Tensor {
    poissonNLLLoss(input, target, logInput: logInput, full: full, eps: eps, reduction: reduction)
  }
}

/// ln(1 + e^(−t x)) for targets of 1 and −1 (PyTorch's `nn.SoftMarginLoss`).
public final class SoftMarginLoss: Loss {
  /// What is made of the values.
  public let reduction: Reduction

  /// - Parameter reduction: `.mean` (the default), `.sum` or `.none`.
  public init(reduction: Reduction = .mean) { self.reduction = reduction }

  /// The loss.
  public func forward(_ input: Tensor, _ target: Tensor) -> Tensor {
    softMarginLoss(input, target, reduction: reduction)
  }
}

/// x where t is 1, max(0, margin − x) where t is −1 (PyTorch's `nn.HingeEmbeddingLoss`).
public final class HingeEmbeddingLoss: Loss {
  /// How far apart is far enough.
  public let margin: Double
  /// What is made of the values.
  public let reduction: Reduction

  /// - Parameters:
  ///   - margin: How far apart is far enough.
  ///   - reduction: `.mean` (the default), `.sum` or `.none`.
  public init(margin: Double = 1, reduction: Reduction = .mean) {
    self.margin = margin
    self.reduction = reduction
  }

  /// The loss.
  public func forward(_ input: Tensor, _ target: Tensor) -> Tensor {
    hingeEmbeddingLoss(input, target, margin: margin, reduction: reduction)
  }
}

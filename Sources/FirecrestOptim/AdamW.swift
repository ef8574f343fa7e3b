import FirecrestCore

/// Adam with decoupled weight decay (PyTorch's `torch.optim.AdamW`; Loshchilov and Hutter, 2017).
///
/// As `Adam`, but the decay does not enter the averages: each step begins with p ← (1 − lr · weightDecay) · p.
public final class AdamW: Adam {
  /// Optimizes parameters, all with the same settings.
  ///
  /// - Parameter parameters: What to optimize, usually `net.parameters()`.
  /// - Parameter lr: The learning rate, 0 or more.
  /// - Parameter betas: The decays of the averages, at least 0 and below 1.
  /// - Parameter eps: What is added to the denominator.
  /// - Parameter weightDecay: The share of a parameter, times the rate, that each step takes off it.
  /// - Parameter amsgrad: Whether to divide by the largest average of squares so far.
  /// - Parameter maximize: Whether to go up the gradient instead of down.
  public convenience init(
    _ parameters: [Tensor], lr: Double = 1e-3, betas: (Double, Double) = (0.9, 0.999), eps: Double = 1e-8,
    weightDecay: Double = 1e-2, amsgrad: Bool = false, maximize: Bool = false
  ) {
    self.init(
      [ParameterGroup(parameters)], lr: lr, betas: betas, eps: eps, weightDecay: weightDecay, amsgrad: amsgrad,
      maximize: maximize)
  }

  /// Optimizes groups of parameters; the settings here are those of groups that say nothing else.
  public override init(
    _ groups: [ParameterGroup], lr: Double = 1e-3, betas: (Double, Double) = (0.9, 0.999), eps: Double = 1e-8,
    weightDecay: Double = 1e-2, amsgrad: Bool = false, maximize: Bool = false
  ) {
    super.init(
      groups, lr: lr, betas: betas, eps: eps, weightDecay: weightDecay, amsgrad: amsgrad, maximize: maximize)
  }

  override var isDecoupled: Bool { true }
}

import CPUKernelAPI
import FirecrestCore

/// Adam (PyTorch's `torch.optim.Adam`; Kingma and Ba, 2014, amsgrad: Reddi and others, 2018).
///
/// With g = gradient + weightDecay · p, in step t: m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g² and
/// p ← p − lr · m̂ / (√v̂ + eps), where m̂ = m / (1 − β₁ᵗ) and v̂ = v / (1 − β₂ᵗ). With amsgrad the largest v so far
/// takes v's place there.
public class Adam: Optimizer {
  /// Optimizes parameters, all with the same settings.
  ///
  /// - Parameter parameters: What to optimize, usually `net.parameters()`.
  /// - Parameter lr: The learning rate, 0 or more.
  /// - Parameter betas: The decays β₁ and β₂ of the averages, at least 0 and below 1.
  /// - Parameter eps: What is added to the denominator.
  /// - Parameter weightDecay: The share of a parameter that is added to its gradient; `AdamW` decouples it.
  /// - Parameter amsgrad: Whether to divide by the largest average of squares so far.
  /// - Parameter maximize: Whether to go up the gradient instead of down.
  public convenience init(
    _ parameters: [Tensor], lr: Double = 1e-3, betas: (Double, Double) = (0.9, 0.999), eps: Double = 1e-8,
    weightDecay: Double = 0, amsgrad: Bool = false, maximize: Bool = false
  ) {
    self.init(
      [ParameterGroup(parameters)], lr: lr, betas: betas, eps: eps, weightDecay: weightDecay, amsgrad: amsgrad,
      maximize: maximize)
  }

  /// Optimizes groups of parameters; the settings here are those of groups that say nothing else.
  public init(
    _ groups: [ParameterGroup], lr: Double = 1e-3, betas: (Double, Double) = (0.9, 0.999), eps: Double = 1e-8,
    weightDecay: Double = 0, amsgrad: Bool = false, maximize: Bool = false
  ) {
    super.init(
      groups,
      defaults: [
        .lr: lr, .beta1: betas.0, .beta2: betas.1, .eps: eps, .weightDecay: weightDecay, .amsgrad: amsgrad ? 1 : 0,
        .maximize: maximize ? 1 : 0,
      ])
  }

  /// Whether the decay is taken off the parameter itself.
  var isDecoupled: Bool { false }

  /// `exp_avg`, `exp_avg_sq` and, with amsgrad, `max_exp_avg_sq`.
  public override var stateNames: [String] { ["exp_avg", "exp_avg_sq", "max_exp_avg_sq"] }
  override var isFused: Bool { true }

  override func requiredStates(_ setting: (GroupOption) -> Double) -> [String] {
    setting(.amsgrad) == 0 ? ["exp_avg", "exp_avg_sq"] : stateNames
  }

  override func fusedUpdate(_ parameter: Tensor, _ state: ParameterState, _ group: ParameterGroup) -> FusedUpdate? {
    let (lr, decay) = (group[raw: .lr], group[raw: .weightDecay])
    let (beta1, beta2) = (group[raw: .beta1], group[raw: .beta2])
    let amsgrad = group[raw: .amsgrad] != 0
    let step = Double(state.step)
    let rule = AdamRule(
      stepSize: lr / (1 - power(beta1, step)), rootCorrection: (1 - power(beta2, step)).squareRoot(),
      meanShare: 1 - beta1, beta2: beta2, squareShare: 1 - beta2, eps: group[raw: .eps],
      weightDecay: isDecoupled ? 0 : decay, keep: isDecoupled ? 1 - lr * decay : 1, amsgrad: amsgrad,
      maximize: group[raw: .maximize] != 0)
    return FusedUpdate(
      .adam(rule), state.tensor(0, like: parameter), state.tensor(1, like: parameter),
      amsgrad ? state.tensor(2, like: parameter) : nil)
  }
}

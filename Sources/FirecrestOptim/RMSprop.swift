import CPUKernelAPI
import FirecrestCore

/// RMSprop (PyTorch's `torch.optim.RMSprop`; Hinton's lecture, centered: Graves, 2013).
///
/// With g = gradient + weightDecay · p: s ← alpha · s + (1 − alpha) g², and p ← p − lr · g / (√s + eps). Centered, the
/// square of the average gradient is taken off s under the root. With momentum b ← momentum · b + g / (…) and
/// p ← p − lr · b.
public final class RMSprop: Optimizer {
  /// Optimizes parameters, all with the same settings.
  ///
  /// - Parameter parameters: What to optimize, usually `net.parameters()`.
  /// - Parameter lr: The learning rate, 0 or more.
  /// - Parameter alpha: The decay of the average of squares.
  /// - Parameter eps: What is added to the denominator.
  /// - Parameter weightDecay: The share of a parameter that is added to its gradient.
  /// - Parameter momentum: The factor of the momentum buffer; 0 for none.
  /// - Parameter centered: Whether to divide by the deviation from the average gradient.
  /// - Parameter maximize: Whether to go up the gradient instead of down.
  public convenience init(
    _ parameters: [Tensor], lr: Double = 1e-2, alpha: Double = 0.99, eps: Double = 1e-8, weightDecay: Double = 0,
    momentum: Double = 0, centered: Bool = false, maximize: Bool = false
  ) {
    self.init(
      [ParameterGroup(parameters)], lr: lr, alpha: alpha, eps: eps, weightDecay: weightDecay, momentum: momentum,
      centered: centered, maximize: maximize)
  }

  /// Optimizes groups of parameters; the settings here are those of groups that say nothing else.
  public init(
    _ groups: [ParameterGroup], lr: Double = 1e-2, alpha: Double = 0.99, eps: Double = 1e-8, weightDecay: Double = 0,
    momentum: Double = 0, centered: Bool = false, maximize: Bool = false
  ) {
    super.init(
      groups,
      defaults: [
        .lr: lr, .alpha: alpha, .eps: eps, .weightDecay: weightDecay, .momentum: momentum,
        .centered: centered ? 1 : 0, .maximize: maximize ? 1 : 0,
      ])
  }

  /// `square_avg`, with momentum `momentum_buffer`, centered `grad_avg`.
  public override var stateNames: [String] { ["square_avg", "momentum_buffer", "grad_avg"] }
  override var isFused: Bool { true }

  override func requiredStates(_ setting: (GroupOption) -> Double) -> [String] {
    ["square_avg"] + (setting(.momentum) != 0 ? ["momentum_buffer"] : [])
      + (setting(.centered) != 0 ? ["grad_avg"] : [])
  }

  override func fusedUpdate(_ parameter: Tensor, _ state: ParameterState, _ group: ParameterGroup) -> FusedUpdate? {
    let (alpha, momentum) = (group[raw: .alpha], group[raw: .momentum])
    let centered = group[raw: .centered] != 0
    let rule = RMSpropRule(
      lr: group[raw: .lr], alpha: alpha, share: 1 - alpha, eps: group[raw: .eps],
      weightDecay: group[raw: .weightDecay], momentum: momentum, centered: centered,
      maximize: group[raw: .maximize] != 0)
    return FusedUpdate(
      .rmsprop(rule), state.tensor(0, like: parameter),
      momentum != 0 ? state.tensor(1, like: parameter) : nil,
      centered ? state.tensor(2, like: parameter) : nil)
  }
}

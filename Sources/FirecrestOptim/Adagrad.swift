import CPUKernelAPI
import FirecrestCore

/// Adagrad (PyTorch's `torch.optim.Adagrad`; Duchi and others, 2011).
///
/// With g = gradient + weightDecay · p, in step t: s ← s + g² and
/// p ← p − lr / (1 + (t − 1) · lrDecay) · g / (√s + eps).
public final class Adagrad: Optimizer {
  /// Optimizes parameters, all with the same settings.
  ///
  /// - Parameter parameters: What to optimize, usually `net.parameters()`.
  /// - Parameter lr: The learning rate, 0 or more.
  /// - Parameter lrDecay: How the rate falls with each step.
  /// - Parameter weightDecay: The share of a parameter that is added to its gradient.
  /// - Parameter initialAccumulatorValue: What the sums of squares start from.
  /// - Parameter eps: What is added to the denominator.
  /// - Parameter maximize: Whether to go up the gradient instead of down.
  public convenience init(
    _ parameters: [Tensor], lr: Double = 1e-2, lrDecay: Double = 0, weightDecay: Double = 0,
    initialAccumulatorValue: Double = 0, eps: Double = 1e-10, maximize: Bool = false
  ) {
    self.init(
      [ParameterGroup(parameters)], lr: lr, lrDecay: lrDecay, weightDecay: weightDecay,
      initialAccumulatorValue: initialAccumulatorValue, eps: eps, maximize: maximize)
  }

  /// Optimizes groups of parameters; the settings here are those of groups that say nothing else.
  public init(
    _ groups: [ParameterGroup], lr: Double = 1e-2, lrDecay: Double = 0, weightDecay: Double = 0,
    initialAccumulatorValue: Double = 0, eps: Double = 1e-10, maximize: Bool = false
  ) {
    super.init(
      groups,
      defaults: [
        .lr: lr, .lrDecay: lrDecay, .weightDecay: weightDecay, .initialAccumulatorValue: initialAccumulatorValue,
        .eps: eps, .maximize: maximize ? 1 : 0,
      ])
  }

  /// `sum`, the sum of all squared gradients.
  public override var stateNames: [String] { ["sum"] }
  override var isFused: Bool { true }

  override func requiredStates(_ setting: (GroupOption) -> Double) -> [String] { stateNames }

  override func fusedUpdate(_ parameter: Tensor, _ state: ParameterState, _ group: ParameterGroup) -> FusedUpdate? {
    let rule = AdagradRule(
      lr: group[raw: .lr] / (1 + Double(state.step - 1) * group[raw: .lrDecay]), eps: group[raw: .eps],
      weightDecay: group[raw: .weightDecay], maximize: group[raw: .maximize] != 0)
    return FusedUpdate(.adagrad(rule), state.tensor(0, like: parameter, group[raw: .initialAccumulatorValue]))
  }
}

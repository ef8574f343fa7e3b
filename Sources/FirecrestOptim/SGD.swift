import CPUKernelAPI
import FirecrestCPU
import FirecrestCore

/// Stochastic gradient descent, with momentum if asked for (PyTorch's `torch.optim.SGD`).
///
/// With g = gradient + weightDecay · p: without momentum p ← p − lr · g. With momentum
/// b ← momentum · b + (1 − dampening) · g, which begins as g, and p ← p − lr · b; for Nesterov
/// p ← p − lr · (g + momentum · b).
public final class SGD: Optimizer {
  /// Optimizes parameters, all with the same settings.
  ///
  /// - Parameter parameters: What to optimize, usually `net.parameters()`.
  /// - Parameter lr: The learning rate, 0 or more.
  /// - Parameter momentum: The factor of the momentum buffer; 0 for none.
  /// - Parameter dampening: The share of a gradient that does not enter the buffer.
  /// - Parameter weightDecay: The share of a parameter that is added to its gradient.
  /// - Parameter nesterov: Nesterov's momentum; needs a momentum and no dampening.
  /// - Parameter maximize: Whether to go up the gradient instead of down.
  public convenience init(
    _ parameters: [Tensor], lr: Double = 1e-3, momentum: Double = 0, dampening: Double = 0, weightDecay: Double = 0,
    nesterov: Bool = false, maximize: Bool = false
  ) {
    self.init(
      [ParameterGroup(parameters)], lr: lr, momentum: momentum, dampening: dampening, weightDecay: weightDecay,
      nesterov: nesterov, maximize: maximize)
  }

  /// Optimizes groups of parameters; the settings here are those of groups that say nothing else.
  public init(
    _ groups: [ParameterGroup], lr: Double = 1e-3, momentum: Double = 0, dampening: Double = 0,
    weightDecay: Double = 0, nesterov: Bool = false, maximize: Bool = false
  ) {
    super.init(
      groups,
      defaults: [
        .lr: lr, .momentum: momentum, .dampening: dampening, .weightDecay: weightDecay, .nesterov: nesterov ? 1 : 0,
        .maximize: maximize ? 1 : 0,
      ])
  }

  /// Refuses Nesterov's momentum without momentum or with dampening.
  public override func check(_ group: ParameterGroup) {
    if group.nesterov && (group.momentum <= 0 || group.dampening != 0) {
      fail("SGD", "Nesterov momentum needs a momentum and no dampening", help: "give momentum, for example 0.9")
    }
  }

  /// False: how often a parameter was changed does not matter.
  public override var countsSteps: Bool { false }
  /// `momentum_buffer`, which exists from the first step with momentum on.
  public override var stateNames: [String] { ["momentum_buffer"] }
  override var isFused: Bool { true }
  override var elementCost: Int { 1 }

  override func fusedUpdate(_ parameter: Tensor, _ state: ParameterState, _ group: ParameterGroup) -> FusedUpdate? {
    let momentum = group[raw: .momentum]
    var rule = SGDRule(
      lr: group[raw: .lr], momentum: momentum, gradientShare: 1 - group[raw: .dampening],
      weightDecay: group[raw: .weightDecay], nesterov: group[raw: .nesterov] != 0,
      maximize: group[raw: .maximize] != 0, isFirst: false)
    if momentum == 0 { return FusedUpdate(.sgd(rule)) }
    rule.isFirst = state[0] == nil
    return FusedUpdate(.sgd(rule), state.tensor(0, like: parameter))
  }
}

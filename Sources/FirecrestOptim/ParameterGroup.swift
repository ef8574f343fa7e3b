import FirecrestCPU
import FirecrestCore

/// Parameters that are optimized with the same settings (an entry of PyTorch's `param_groups`).
///
/// ```swift
/// let optimizer = SGD(
///   [ParameterGroup(net.body.parameters()), ParameterGroup(net.head.parameters(), lr: 0.1)], lr: 0.01)
/// optimizer.groups[1].lr = 0.05
/// ```
///
/// What a group leaves out it takes from the optimizer it is given to. A setting that the optimizer does not have stops
/// the program.
public final class ParameterGroup {
  /// The tensors, in the order in which their states are saved.
  public let parameters: [Tensor]
  /// What the optimizer keeps of each parameter.
  var states: [ParameterState] = []
  /// By the option's number; NaN where it is not set.
  private var values: [Double]
  /// The optimizer's name, once the group has one.
  private var owner: String?

  /// A group; settings left out are the optimizer's.
  ///
  /// - Parameter parameters: Leaf tensors of a floating type, no one twice.
  /// - Parameter lr: The learning rate.
  /// - Parameter momentum: See `SGD` and `RMSprop`.
  /// - Parameter dampening: See `SGD`.
  /// - Parameter weightDecay: The share of a parameter that is added to its gradient; see the optimizer.
  /// - Parameter nesterov: See `SGD`.
  /// - Parameter betas: See `Adam`.
  /// - Parameter eps: What is added to a denominator.
  /// - Parameter amsgrad: See `Adam`.
  /// - Parameter alpha: See `RMSprop`.
  /// - Parameter centered: See `RMSprop`.
  /// - Parameter lrDecay: See `Adagrad`.
  /// - Parameter initialAccumulatorValue: See `Adagrad`.
  /// - Parameter maximize: Whether to go up the gradient instead of down.
  public init(
    _ parameters: [Tensor], lr: Double? = nil, momentum: Double? = nil, dampening: Double? = nil,
    weightDecay: Double? = nil, nesterov: Bool? = nil, betas: (Double, Double)? = nil, eps: Double? = nil,
    amsgrad: Bool? = nil, alpha: Double? = nil, centered: Bool? = nil, lrDecay: Double? = nil,
    initialAccumulatorValue: Double? = nil, maximize: Bool? = nil
  ) {
    self.parameters = parameters
    values = [Double](repeating: .nan, count: GroupOption.allCases.count)
    let numbers: [(GroupOption, Double?)] = [
      (.lr, lr), (.momentum, momentum), (.dampening, dampening), (.weightDecay, weightDecay), (.beta1, betas?.0),
      (.beta2, betas?.1), (.eps, eps), (.alpha, alpha), (.lrDecay, lrDecay),
      (.initialAccumulatorValue, initialAccumulatorValue),
    ]
    let flags: [(GroupOption, Bool?)] = [
      (.nesterov, nesterov), (.amsgrad, amsgrad), (.centered, centered), (.maximize, maximize),
    ]
    for case (let option, let value?) in numbers { check(option, value); self[raw: option] = value }
    for case (let option, let value?) in flags { self[raw: option] = value ? 1 : 0 }
  }

  /// Whether the setting has a value.
  public func has(_ option: GroupOption) -> Bool { !self[raw: option].isNaN }

  /// A setting by its option. Flags are 1 or 0. Stops where the optimizer has no such setting, and for values that are
  /// out of range.
  public subscript(option: GroupOption) -> Double {
    get {
      let value = self[raw: option]
      if value.isNaN { refuse(option) }
      return value
    }
    set {
      if !has(option) { refuse(option) }
      check(option, newValue)
      self[raw: option] = newValue
    }
  }

  /// A setting without any checks; NaN where it is not set.
  @inline(__always)
  subscript(raw option: GroupOption) -> Double {
    get { values[option.rawValue] }
    set { values[option.rawValue] = newValue }
  }

  private func check(_ option: GroupOption, _ value: Double) {
    if let reason = option.refusal(value) { fail(owner ?? "ParameterGroup", reason) }
  }

  private func refuse(_ option: GroupOption) -> Never {
    guard let owner else {
      fail("ParameterGroup", "\(option.name) is not set", help: "read it once an optimizer has the group")
    }
    fail(owner, "there is no setting '\(option.name)'")
  }

  /// Takes what is not set from `defaults`, which name all the settings that the optimizer has.
  func adopt(_ defaults: [GroupOption: Double], by optimizer: String) {
    for option in GroupOption.allCases where has(option) && defaults[option] == nil {
      fail(optimizer, "a parameter group sets '\(option.name)', which \(optimizer) does not have")
    }
    owner = optimizer
    for (option, value) in defaults where !has(option) { self[raw: option] = value }
  }

  var isOwned: Bool { owner != nil }
}

extension ParameterGroup {
  /// The learning rate.
  public var lr: Double {
    get { self[.lr] }
    set { self[.lr] = newValue }
  }
  /// The factor of the momentum buffer.
  public var momentum: Double {
    get { self[.momentum] }
    set { self[.momentum] = newValue }
  }
  /// The share of a gradient that does not enter the momentum buffer.
  public var dampening: Double {
    get { self[.dampening] }
    set { self[.dampening] = newValue }
  }
  /// The weight decay.
  public var weightDecay: Double {
    get { self[.weightDecay] }
    set { self[.weightDecay] = newValue }
  }
  /// Whether momentum is Nesterov's.
  public var nesterov: Bool {
    get { self[.nesterov] != 0 }
    set { self[.nesterov] = newValue ? 1 : 0 }
  }
  /// Whether the step goes up the gradient.
  public var maximize: Bool {
    get { self[.maximize] != 0 }
    set { self[.maximize] = newValue ? 1 : 0 }
  }
  /// The decays of the averages of gradients and of squared gradients.
  public var betas: (Double, Double) {
    get { (self[.beta1], self[.beta2]) }
    set { (self[.beta1], self[.beta2]) = newValue }
  }
  /// What is added to a denominator.
  public var eps: Double {
    get { self[.eps] }
    set { self[.eps] = newValue }
  }
  /// Whether Adam divides by the largest average of squares so far.
  public var amsgrad: Bool {
    get { self[.amsgrad] != 0 }
    set { self[.amsgrad] = newValue ? 1 : 0 }
  }
  /// The decay of RMSprop's average of squared gradients.
  public var alpha: Double {
    get { self[.alpha] }
    set { self[.alpha] = newValue }
  }
  /// Whether RMSprop takes the average gradient off.
  public var centered: Bool {
    get { self[.centered] != 0 }
    set { self[.centered] = newValue ? 1 : 0 }
  }
  /// How the rate of Adagrad falls with each step.
  public var lrDecay: Double {
    get { self[.lrDecay] }
    set { self[.lrDecay] = newValue }
  }
}

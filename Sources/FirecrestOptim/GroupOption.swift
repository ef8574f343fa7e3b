import FirecrestCPU
import FirecrestCore

/// A setting of a parameter group. An optimizer has some of them; schedules add those from `initialLR` on.
public enum GroupOption: Int, CaseIterable, Sendable {
  /// The learning rate.
  case lr
  /// The factor of the momentum buffer.
  case momentum
  /// The share of a gradient that does not enter the momentum buffer.
  case dampening
  /// The share of a parameter added to its gradient or, decoupled, taken off it.
  case weightDecay
  /// Nesterov's momentum, 1 or 0.
  case nesterov
  /// Ascent instead of descent, 1 or 0.
  case maximize
  /// The decay of Adam's average of gradients.
  case beta1
  /// The decay of Adam's average of squared gradients.
  case beta2
  /// What is added to a denominator.
  case eps
  /// Adam with the largest average of squares so far, 1 or 0.
  case amsgrad
  /// The decay of RMSprop's average of squared gradients.
  case alpha
  /// RMSprop with the average gradient taken off, 1 or 0.
  case centered
  /// How the rate of Adagrad falls with each step.
  case lrDecay
  /// What Adagrad's sums of squares start from.
  case initialAccumulatorValue
  /// The rate that a schedule started from.
  case initialLR
  /// The highest rate of a cycle.
  case maxLR
  /// The lowest rate of a cycle.
  case minLR
  /// The highest momentum of a cycle.
  case maxMomentum
  /// The lowest momentum of a cycle.
  case baseMomentum

  /// PyTorch's name, under which a state holds it; `betas.0` and `betas.1` for the two betas.
  public var name: String {
    switch self {
    case .lr: "lr"
    case .momentum: "momentum"
    case .dampening: "dampening"
    case .weightDecay: "weight_decay"
    case .nesterov: "nesterov"
    case .maximize: "maximize"
    case .beta1: "betas.0"
    case .beta2: "betas.1"
    case .eps: "eps"
    case .amsgrad: "amsgrad"
    case .alpha: "alpha"
    case .centered: "centered"
    case .lrDecay: "lr_decay"
    case .initialAccumulatorValue: "initial_accumulator_value"
    case .initialLR: "initial_lr"
    case .maxLR: "max_lr"
    case .minLR: "min_lr"
    case .maxMomentum: "max_momentum"
    case .baseMomentum: "base_momentum"
    }
  }

  /// True where the setting is a schedule's and not the optimizer's.
  var isScheduled: Bool { rawValue >= GroupOption.initialLR.rawValue }

  /// True for a yes or no.
  var isFlag: Bool {
    switch self {
    case .nesterov, .maximize, .amsgrad, .centered: true
    default: false
    }
  }

  /// Why the setting cannot have this value, nil where it can.
  func refusal(_ value: Double) -> String? {
    switch self {
    case .beta1, .beta2:
      value >= 0 && value < 1 ? nil : "\(name) must be at least 0 and below 1, not \(value)"
    case .lr, .momentum, .weightDecay, .eps, .alpha, .lrDecay, .initialAccumulatorValue:
      value >= 0 ? nil : "\(name) must not be negative, and is \(value)"
    case .nesterov, .maximize, .amsgrad, .centered:
      value == 0 || value == 1 ? nil : "\(name) is 1 or 0, not \(value)"
    default: value.isNaN ? "\(name) is not a number" : nil
    }
  }
}

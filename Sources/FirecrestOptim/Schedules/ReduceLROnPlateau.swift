import FirecrestCPU
import FirecrestCore

/// Lowers the rates when a measure has stopped to improve (PyTorch's `ReduceLROnPlateau`). Unlike the other schedules it
/// is told that measure: `schedule.step(validationLoss)`.
public final class ReduceLROnPlateau: Stateful {
  /// Which way a measure improves.
  public enum Mode: Sendable {
    /// Lower is better, as for a loss.
    case min
    /// Higher is better, as for an accuracy.
    case max
  }

  /// How `threshold` counts.
  public enum ThresholdMode: Sendable {
    /// As a share of the best measure.
    case rel
    /// As it is.
    case abs
  }

  /// The optimizer whose rates change.
  public let optimizer: Optimizer
  /// How often `step` was called.
  public private(set) var lastEpoch = 0
  /// The rates after the last step (PyTorch's `get_last_lr`).
  public private(set) var lastLR: [Double]
  /// The best measure so far.
  public private(set) var best: Double
  /// The epochs since the best measure.
  public private(set) var badEpochCount = 0
  private var cooldownCounter = 0

  private let mode: Mode
  private let factor: Double
  private let patience: Int
  private let threshold: Double
  private let thresholdMode: ThresholdMode
  private let cooldown: Int
  private let minLR: [Double]
  private let sharesMinLR: Bool
  private let eps: Double

  /// One lower bound for all groups.
  ///
  /// - Parameter optimizer: The optimizer whose rates change.
  /// - Parameter mode: Which way the measure improves.
  /// - Parameter factor: What rates are multiplied by, below 1.
  /// - Parameter patience: The epochs without improvement that are let pass.
  /// - Parameter threshold: What a measure must improve by to count.
  /// - Parameter thresholdMode: Whether `threshold` is a share of the best measure.
  /// - Parameter cooldown: The epochs after a reduction in which none is counted.
  /// - Parameter minLR: The rate below which none goes.
  /// - Parameter eps: A reduction by no more than this is left out.
  public convenience init(
    _ optimizer: Optimizer, mode: Mode = .min, factor: Double = 0.1, patience: Int = 10, threshold: Double = 1e-4,
    thresholdMode: ThresholdMode = .rel, cooldown: Int = 0, minLR: Double = 0, eps: Double = 1e-8
  ) {
    self.init(
      optimizer, mode: mode, factor: factor, patience: patience, threshold: threshold, thresholdMode: thresholdMode,
      cooldown: cooldown, minLR: [minLR], eps: eps)
  }

  /// A lower bound for each group; a list of one is for all.
  public init(
    _ optimizer: Optimizer, mode: Mode = .min, factor: Double = 0.1, patience: Int = 10, threshold: Double = 1e-4,
    thresholdMode: ThresholdMode = .rel, cooldown: Int = 0, minLR: [Double], eps: Double = 1e-8
  ) {
    if !(factor >= 0 && factor < 1) {
      fail("ReduceLROnPlateau", "factor must be at least 0 and below 1, and is \(factor)")
    }
    if patience < 0 || cooldown < 0 {
      fail("ReduceLROnPlateau", "patience and cooldown must not be negative, and are \(patience) and \(cooldown)")
    }
    self.optimizer = optimizer
    self.mode = mode
    self.factor = factor
    self.patience = patience
    self.threshold = threshold
    self.thresholdMode = thresholdMode
    self.cooldown = cooldown
    self.minLR = LRScheduler.perGroup(minLR, "minLR", optimizer, "ReduceLROnPlateau")
    sharesMinLR = minLR.count == 1
    self.eps = eps
    best = mode == .min ? .infinity : -.infinity
    lastLR = optimizer.groups.map(\.lr)
  }

  /// Goes one epoch on.
  ///
  /// - Parameter measure: The loss, the accuracy, whatever is to improve. NaN is no improvement.
  public func step(_ measure: Double) {
    lastEpoch += 1
    if isBetter(measure) {
      best = measure
      badEpochCount = 0
    } else {
      badEpochCount += 1
    }
    if cooldownCounter > 0 {
      cooldownCounter -= 1
      badEpochCount = 0
    }
    if badEpochCount > patience {
      reduce()
      cooldownCounter = cooldown
      badEpochCount = 0
    }
    lastLR = optimizer.groups.map { $0[raw: .lr] }
  }

  /// Goes one epoch on by a measure that is a tensor with one element, such as a loss.
  public func step(_ measure: Tensor) { step(measure.item()) }

  private func isBetter(_ measure: Double) -> Bool {
    switch (mode, thresholdMode) {
    case (.min, .rel): measure < best * (1 - threshold)
    case (.min, .abs): measure < best - threshold
    case (.max, .rel): measure > best * (threshold + 1)
    case (.max, .abs): measure > best + threshold
    }
  }

  private func reduce() {
    if optimizer.groups.count != minLR.count && !sharesMinLR {
      fail(
        "ReduceLROnPlateau", "a parameter group was added, which has no minLR",
        help: "add groups before the schedule is made, or give one minLR for all")
    }
    for (index, group) in optimizer.groups.enumerated() {
      let old = group[raw: .lr]
      let new = Swift.max(old * factor, minLR[sharesMinLR ? 0 : index])
      if old - new > eps { group[raw: .lr] = new }
    }
  }

  /// Where the schedule is: `last_epoch`, `best`, `num_bad_epochs`, `cooldown_counter` and `last_lr`.
  public func stateDict() -> NamedTensors {
    var state = NamedTensors()
    state.set("last_epoch", lastEpoch)
    state.set("best", best)
    state.set("num_bad_epochs", badEpochCount)
    state.set("cooldown_counter", cooldownCounter)
    state["last_lr"] = Tensor(lastLR, shape: [lastLR.count])
    return state
  }

  /// Takes up the schedule where it was.
  ///
  /// - Throws: `StateError` where the state is another kind of schedule's; nothing has changed then.
  public func load(_ state: NamedTensors) throws {
    var reading = StateReading(state, of: "ReduceLROnPlateau")
    let epoch = reading.integer("last_epoch")
    let best = reading.number("best")
    let bad = reading.integer("num_bad_epochs")
    let cooling = reading.integer("cooldown_counter")
    let rates = reading.rates("last_lr", groups: optimizer.groups.count)
    try reading.finish()
    guard let epoch, let best, let bad, let cooling, let rates else { return }
    (lastEpoch, self.best, badEpochCount, cooldownCounter, lastLR) = (epoch, best, bad, cooling, rates)
  }
}

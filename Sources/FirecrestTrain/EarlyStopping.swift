import FirecrestCore

/// Says when training no longer helps: after `patience` values in a row that are no better than the best.
///
/// ```swift
/// let stopping = EarlyStopping(patience: 5)
/// for epoch in 1...100 {
///   …
///   if stopping.update(testLoss) { break }
/// }
/// ```
public final class EarlyStopping: Stateful {
  /// Which values are better.
  public enum Mode: Sendable, Hashable {
    /// Smaller ones, of a loss say.
    case minimize
    /// Greater ones, of an accuracy say.
    case maximize
  }

  /// After how many values in a row that are no better to stop.
  public let patience: Int
  /// By how much a value must be better to count.
  public let minDelta: Double
  /// Which values are better.
  public let mode: Mode
  /// The best value so far, nil before the first that is a number.
  public private(set) var best: Double?
  /// Which value, from 1, was the best; 0 before there is one.
  public private(set) var bestUpdate = 0
  /// How many values there were.
  public private(set) var updates = 0
  /// Whether the last value was the best.
  public var isBest: Bool { updates > 0 && bestUpdate == updates }
  /// Whether to stop.
  public var shouldStop: Bool { updates - bestUpdate >= max(1, patience) }

  /// Nothing seen yet.
  ///
  /// - Parameters:
  ///   - patience: After how many values in a row that are no better to stop; 0 is as 1.
  ///   - minDelta: By how much a value must be better to count, not negative.
  ///   - mode: Which values are better.
  public init(patience: Int = 10, minDelta: Double = 0, mode: Mode = .minimize) {
    if patience < 0 { stop("EarlyStopping", "patience must not be negative, but is \(patience)", []) }
    if !(minDelta >= 0) { stop("EarlyStopping", "minDelta must not be negative, but is \(minDelta)", []) }
    self.patience = patience
    self.minDelta = minDelta
    self.mode = mode
  }

  /// Takes in the next value; NaN is never better. Returns whether to stop.
  @discardableResult
  public func update(_ value: Double) -> Bool {
    updates += 1
    if !value.isNaN && isBetter(value) {
      best = value
      bestUpdate = updates
    }
    return shouldStop
  }

  private func isBetter(_ value: Double) -> Bool {
    guard let best else { return true }
    return mode == .minimize ? value < best - minDelta : value > best + minDelta
  }

  /// `best` (NaN before there is one), `best_update` and `updates`.
  public func stateDict() -> NamedTensors {
    var state = NamedTensors()
    state.set("best", best ?? .nan)
    state.set("best_update", bestUpdate)
    state.set("updates", updates)
    return state
  }

  /// Goes on from a state.
  public func load(_ state: NamedTensors) throws {
    let best = try state.number("best", of: "EarlyStopping")
    let bestUpdate = try state.integer("best_update", of: "EarlyStopping")
    updates = try state.integer("updates", of: "EarlyStopping")
    self.bestUpdate = bestUpdate
    self.best = best.isNaN ? nil : best
  }
}

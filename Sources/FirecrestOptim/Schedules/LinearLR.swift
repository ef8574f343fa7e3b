import FirecrestCPU

/// Lets the rates rise or fall in a straight line over the first epochs, the usual warm-up (PyTorch's `LinearLR`).
public final class LinearLR: LRScheduler {
  private let startFactor: Double
  private let endFactor: Double
  private let totalIters: Int

  /// - Parameter optimizer: The optimizer whose rates change.
  /// - Parameter startFactor: The factor of epoch 0, above 0 and at most 1.
  /// - Parameter endFactor: The factor from epoch `totalIters` on, 0 to 1.
  /// - Parameter totalIters: The epochs that the change takes, at least 1.
  public init(_ optimizer: Optimizer, startFactor: Double = 1.0 / 3, endFactor: Double = 1, totalIters: Int = 5) {
    if !(startFactor > 0 && startFactor <= 1) {
      fail("LinearLR", "startFactor must be above 0 and at most 1, and is \(startFactor)")
    }
    if !(0...1).contains(endFactor) { fail("LinearLR", "endFactor must be from 0 to 1, and is \(endFactor)") }
    if totalIters < 1 { fail("LinearLR", "totalIters must be at least 1, and is \(totalIters)") }
    self.startFactor = startFactor
    self.endFactor = endFactor
    self.totalIters = totalIters
    super.init(optimizer)
  }

  /// PyTorch's `get_lr`.
  public override func computeLR() -> [Double] {
    if lastEpoch == 0 { return currentLR.map { $0 * startFactor } }
    if isInitial || lastEpoch > totalIters { return currentLR }
    let change = endFactor - startFactor
    let factor = 1 + change / (Double(totalIters) * startFactor + Double(lastEpoch - 1) * change)
    return currentLR.map { $0 * factor }
  }

  /// base · (startFactor + (endFactor − startFactor) · epoch / totalIters), up to the end
  public override func closedFormLR() -> [Double]? {
    let done = Double(min(totalIters, lastEpoch))
    let factor = startFactor + (endFactor - startFactor) * done / Double(totalIters)
    return baseLRs.map { $0 * factor }
  }
}

/// Multiplies the rates by a factor during the first epochs only (PyTorch's `ConstantLR`).
public final class ConstantLR: LRScheduler {
  private let factor: Double
  private let totalIters: Int

  /// - Parameter optimizer: The optimizer whose rates change.
  /// - Parameter factor: The factor, above 0 and at most 1.
  /// - Parameter totalIters: The epochs during which it holds, at least 1.
  public init(_ optimizer: Optimizer, factor: Double = 1.0 / 3, totalIters: Int = 5) {
    if !(factor > 0 && factor <= 1) {
      fail("ConstantLR", "factor must be above 0 and at most 1, and is \(factor)")
    }
    if totalIters < 1 { fail("ConstantLR", "totalIters must be at least 1, and is \(totalIters)") }
    self.factor = factor
    self.totalIters = totalIters
    super.init(optimizer)
  }

  /// PyTorch's `get_lr`.
  public override func computeLR() -> [Double] {
    if lastEpoch == 0 { return currentLR.map { $0 * factor } }
    return lastEpoch == totalIters ? currentLR.map { $0 * (1 / factor) } : currentLR
  }

  /// base · factor, then base
  public override func closedFormLR() -> [Double]? {
    let now = factor + (lastEpoch >= totalIters ? 1 : 0) * (1 - factor)
    return baseLRs.map { $0 * now }
  }
}

/// Multiplies the starting rates by a function of the epoch (PyTorch's `LambdaLR`).
///
/// ```swift
/// let schedule = LambdaLR(optimizer) { epoch in 1 / Double(1 + epoch) }
/// ```
public final class LambdaLR: LRScheduler {
  private let factors: [(Int) -> Double]

  /// - Parameter optimizer: The optimizer whose rates change.
  /// - Parameter lrLambda: The factor of an epoch, for all groups.
  public convenience init(_ optimizer: Optimizer, lrLambda: @escaping (Int) -> Double) {
    self.init(optimizer, lrLambdas: optimizer.groups.map { _ in lrLambda })
  }

  /// - Parameter optimizer: The optimizer whose rates change.
  /// - Parameter lrLambdas: The factor of an epoch, for each group.
  public init(_ optimizer: Optimizer, lrLambdas: [(Int) -> Double]) {
    factors = lrLambdas
    super.init(optimizer)
  }

  /// base · factor(epoch)
  public override func computeLR() -> [Double] {
    if factors.count != baseLRs.count {
      fail("LambdaLR", "there are \(factors.count) functions for \(baseLRs.count) parameter groups")
    }
    return zip(factors, baseLRs).map { factor, base in base * factor(lastEpoch) }
  }
}

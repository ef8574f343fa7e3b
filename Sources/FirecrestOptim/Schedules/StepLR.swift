import FirecrestCPU

/// Multiplies the rates by `gamma` every `stepSize` epochs (PyTorch's `StepLR`).
public final class StepLR: LRScheduler {
  private let stepSize: Int
  private let gamma: Double

  /// - Parameter optimizer: The optimizer whose rates change.
  /// - Parameter stepSize: The epochs between changes, at least 1.
  /// - Parameter gamma: The factor.
  public init(_ optimizer: Optimizer, stepSize: Int, gamma: Double = 0.1) {
    if stepSize < 1 { fail("StepLR", "stepSize must be at least 1, and is \(stepSize)") }
    self.stepSize = stepSize
    self.gamma = gamma
    super.init(optimizer)
  }

  /// PyTorch's `get_lr`.
  public override func computeLR() -> [Double] {
    lastEpoch == 0 || lastEpoch % stepSize != 0 ? currentLR : currentLR.map { $0 * gamma }
  }

  /// base · gamma ^ ⌊epoch / stepSize⌋
  public override func closedFormLR() -> [Double]? {
    let factor = power(gamma, Double(lastEpoch / stepSize))
    return baseLRs.map { $0 * factor }
  }
}

/// Multiplies the rates by `gamma` at given epochs (PyTorch's `MultiStepLR`).
public final class MultiStepLR: LRScheduler {
  private let milestones: [Int]
  private let gamma: Double

  /// - Parameter optimizer: The optimizer whose rates change.
  /// - Parameter milestones: The epochs; one named twice counts twice.
  /// - Parameter gamma: The factor.
  public init(_ optimizer: Optimizer, milestones: [Int], gamma: Double = 0.1) {
    self.milestones = milestones
    self.gamma = gamma
    super.init(optimizer)
  }

  /// PyTorch's `get_lr`.
  public override func computeLR() -> [Double] {
    let times = milestones.count { $0 == lastEpoch }
    if times == 0 { return currentLR }
    let factor = power(gamma, Double(times))
    return currentLR.map { $0 * factor }
  }

  /// base · gamma ^ (milestones reached)
  public override func closedFormLR() -> [Double]? {
    let factor = power(gamma, Double(milestones.count { $0 <= lastEpoch }))
    return baseLRs.map { $0 * factor }
  }
}

/// Multiplies the rates by `gamma` every epoch (PyTorch's `ExponentialLR`).
public final class ExponentialLR: LRScheduler {
  private let gamma: Double

  /// - Parameter optimizer: The optimizer whose rates change.
  /// - Parameter gamma: The factor.
  public init(_ optimizer: Optimizer, gamma: Double) {
    self.gamma = gamma
    super.init(optimizer)
  }

  /// PyTorch's `get_lr`.
  public override func computeLR() -> [Double] { isInitial ? currentLR : currentLR.map { $0 * gamma } }

  /// base · gamma ^ epoch
  public override func closedFormLR() -> [Double]? {
    let factor = power(gamma, Double(lastEpoch))
    return baseLRs.map { $0 * factor }
  }
}

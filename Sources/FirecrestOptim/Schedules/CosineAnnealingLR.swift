import FirecrestCPU

/// Lets the rates fall along half a cosine, and rise again if it goes on (PyTorch's `CosineAnnealingLR`; Loshchilov and
/// Hutter, 2016, without restarts).
///
/// lr = etaMin + (base − etaMin) · (1 + cos(π · epoch / tMax)) / 2, computed from the rates before as PyTorch does.
public final class CosineAnnealingLR: LRScheduler {
  private let tMax: Int
  private let etaMin: Double

  /// - Parameter optimizer: The optimizer whose rates change.
  /// - Parameter tMax: The epochs of the fall, at least 1.
  /// - Parameter etaMin: The lowest rate.
  public init(_ optimizer: Optimizer, tMax: Int, etaMin: Double = 0) {
    if tMax < 1 { fail("CosineAnnealingLR", "tMax must be at least 1, and is \(tMax)") }
    self.tMax = tMax
    self.etaMin = etaMin
    super.init(optimizer)
  }

  /// PyTorch's `get_lr`.
  public override func computeLR() -> [Double] {
    if isInitial { return currentLR }
    let length = Double(tMax)
    if (lastEpoch - 1 - tMax) % (2 * tMax) == 0 {
      // From the lowest point there is no ratio to go on by.
      return zip(currentLR, baseLRs).map { $0 + ($1 - etaMin) * (1 - cosine(.pi / length)) / 2 }
    }
    let ratio =
      (1 + cosine(.pi * Double(lastEpoch) / length)) / (1 + cosine(.pi * Double(lastEpoch - 1) / length))
    return currentLR.map { ratio * ($0 - etaMin) + etaMin }
  }

  /// The formula above.
  public override func closedFormLR() -> [Double]? {
    let height = 1 + cosine(.pi * Double(lastEpoch) / Double(tMax))
    return baseLRs.map { etaMin + ($0 - etaMin) * height / 2 }
  }
}

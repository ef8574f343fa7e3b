import FirecrestCore

/// The mean of |prediction − target| over all elements (sklearn's `mean_absolute_error`).
public final class MeanAbsoluteError: Metric {
  private let mean = Mean()

  /// An error over nothing yet, NaN.
  public init() {}

  /// Takes in predictions and targets of the same shape.
  public func update(_ predictions: Tensor, _ targets: Tensor) {
    let (p, t) = predictions.paired(targets, "MeanAbsoluteError")
    mean.update(noGrad { (p - t).abs() })
  }

  /// The error, in the targets' unit.
  public var value: Double { mean.value }
  /// Forgets everything.
  public func reset() { mean.reset() }
  /// `sum` and `weight`.
  public func stateDict() -> NamedTensors { mean.stateDict() }
  /// Goes on from a state.
  public func load(_ state: NamedTensors) throws { try mean.load(state) }
}

/// The mean of (prediction − target)² over all elements, or its root (sklearn's `mean_squared_error` and
/// `root_mean_squared_error`).
public final class MeanSquaredError: Metric {
  /// Whether `value` is the root of the mean, in the targets' unit.
  public let takesRoot: Bool
  private let mean = Mean()

  /// An error over nothing yet, NaN.
  public init(root: Bool = false) { takesRoot = root }

  /// Takes in predictions and targets of the same shape.
  public func update(_ predictions: Tensor, _ targets: Tensor) {
    let (p, t) = predictions.paired(targets, "MeanSquaredError")
    mean.update(noGrad { (p - t).square() })
  }

  /// The error.
  public var value: Double { takesRoot ? mean.value.squareRoot() : mean.value }
  /// Forgets everything.
  public func reset() { mean.reset() }
  /// `sum` and `weight`.
  public func stateDict() -> NamedTensors { mean.stateDict() }
  /// Goes on from a state.
  public func load(_ state: NamedTensors) throws { try mean.load(state) }
}

/// The coefficient of determination R² = 1 − Σ(t − p)² / Σ(t − t̄)², averaged over the columns of `[N, D]` (sklearn's
/// `r2_score`): 1 for perfect predictions, 0 for predicting the mean, negative for worse than that.
///
/// The variance is gathered batch by batch around running means (Chan, Golub, LeVeque 1979), not as a difference of two
/// large sums. As in sklearn, a column that does not vary scores 1 where it is predicted exactly, else 0.
public final class RSquared: Metric {
  /// The number of outputs D.
  public let outputCount: Int
  private var count = 0
  private var mean: Tensor
  private var variation: Tensor
  private var residual: Tensor

  /// A score over nothing yet, NaN.
  public init(outputCount: Int = 1) {
    if outputCount < 1 { stop("RSquared", "needs at least one output, not \(outputCount)", []) }
    self.outputCount = outputCount
    mean = Tensor.zeros(outputCount, dtype: .float64)
    variation = Tensor.zeros(outputCount, dtype: .float64)
    residual = Tensor.zeros(outputCount, dtype: .float64)
  }

  /// Takes in predictions and targets of the same shape, `[N]` or `[N, D]`.
  public func update(_ predictions: Tensor, _ targets: Tensor) {
    var (p, t) = predictions.paired(targets, "RSquared")
    if t.rank == 0 || t.rank > 2 || (t.rank == 2 ? t.shape[1] : 1) != outputCount {
      stop("RSquared", "needs [N, \(outputCount)]\(outputCount == 1 ? " or [N]" : "")", [predictions, targets])
    }
    if t.elementCount == 0 { return }
    noGrad {
      (p, t) = (p.reshape(-1, outputCount), t.reshape(-1, outputCount))
      let samples = t.shape[0]
      let center = t.mean(dim: 0)
      let shift = center - mean
      let total = Double(count + samples)
      residual = residual + (t - p).square().sum(dim: 0)
      variation =
        variation + (t - center).square().sum(dim: 0) + shift.square() * (Double(count) * Double(samples) / total)
      mean = mean + shift * (Double(samples) / total)
      count += samples
    }
  }

  /// R², at most 1; NaN for fewer than two samples.
  public var value: Double {
    if count < 2 { return .nan }
    let scores = zip(residual.toArray(Double.self), variation.toArray(Double.self)).map { residual, variation in
      variation == 0 ? (residual == 0 ? 1 : 0) : 1 - residual / variation
    }
    return scores.reduce(0, +) / Double(outputCount)
  }

  /// Forgets everything.
  public func reset() {
    count = 0
    for sum in [mean, variation, residual] { sum.fill(0) }
  }

  /// `count`, `mean`, `variation` and `residual`.
  public func stateDict() -> NamedTensors {
    var state: NamedTensors = ["mean": mean.clone(), "variation": variation.clone(), "residual": residual.clone()]
    state.set("count", count)
    return state
  }

  /// Goes on from a state.
  public func load(_ state: NamedTensors) throws {
    func sums(_ name: String) throws(StateError) -> Tensor {
      try state.tensor(name, .float64, [outputCount], of: "RSquared")
    }
    let (mean, variation, residual) = (try sums("mean"), try sums("variation"), try sums("residual"))
    count = try state.integer("count", of: "RSquared")
    (self.mean, self.variation, self.residual) = (mean, variation, residual)
  }
}

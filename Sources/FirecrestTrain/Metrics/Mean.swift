import FirecrestCore

/// The weighted mean of what it was given: the running loss of an epoch (torchmetrics' `MeanMetric`).
///
/// ```swift
/// let loss = Mean()
/// for (x, y) in loader {
///   let error = crossEntropy(net(x), y)
///   loss.update(error.item(), weight: Double(y.elementCount))   // batches of different sizes count by their samples
/// }
/// ```
public final class Mean: Metric {
  private var sum = 0.0
  private var weight = 0.0

  /// A mean of nothing yet, NaN.
  public init() {}

  /// Takes in one number, counted `weight` times.
  public func update(_ number: Double, weight: Double = 1) {
    sum += number * weight
    self.weight += weight
  }

  /// Takes in all elements of a tensor.
  public func update(_ numbers: Tensor) {
    if numbers.elementCount == 0 { return }
    noGrad { update(numbers.to(.float64).mean().item(), weight: Double(numbers.elementCount)) }
  }

  /// Takes in numbers and their weights, tensors of the same shape.
  public func update(_ numbers: Tensor, _ weights: Tensor) {
    let (x, w) = numbers.paired(weights, "Mean")
    sum += (x * w).sum().item()
    weight += w.sum().item()
  }

  /// The mean.
  public var value: Double { weight == 0 && sum == 0 ? .nan : sum / weight }

  /// Forgets everything.
  public func reset() { (sum, weight) = (0, 0) }

  /// `sum` and `weight`.
  public func stateDict() -> NamedTensors {
    var state = NamedTensors()
    state.set("sum", sum)
    state.set("weight", weight)
    return state
  }

  /// Goes on from a state.
  public func load(_ state: NamedTensors) throws {
    (sum, weight) = (try state.number("sum", of: "Mean"), try state.number("weight", of: "Mean"))
  }
}

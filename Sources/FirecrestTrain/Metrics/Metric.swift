import FirecrestCore

/// A number that is gathered batch by batch and asked for at the end.
///
/// ```swift
/// let accuracy = Accuracy()
/// for (x, y) in loader { accuracy.update(net(x), y) }
/// print(accuracy.value)
/// ```
///
/// Counts are exact integers and sums are float64, so that the value does not depend on how the data was cut into
/// batches (sums: up to rounding). A metric is `Stateful`: kept in a checkpoint, it goes on where it was.
public protocol Metric: Stateful {
  /// What `value` is, mostly a Double.
  associatedtype Value
  /// Takes in one batch. Records no gradient.
  func update(_ predictions: Tensor, _ targets: Tensor)
  /// The metric over everything since the beginning or the last `reset`; NaN where there was nothing.
  var value: Value { get }
  /// Forgets everything.
  func reset()
}

extension Tensor {
  /// The class that each sample is predicted to be, int64: the elements themselves where they are integers of the
  /// targets' shape, else the position of the greatest score along dimension 1 of `[N, C, …]`.
  func predictedClasses(_ targets: Tensor, _ metric: String) -> Tensor {
    requireClassTargets(targets, metric)
    return noGrad {
      if !dtype.isFloatingPoint {
        if shape != targets.shape { refuseShapes(targets, metric, "classes of the targets' shape") }
        return to(.int64)
      }
      requireScores(targets, metric)
      return argmax(dim: 1)
    }
  }

  /// Refuses anything but scores `[N, C, …]` beside targets `[N, …]`.
  func requireScores(_ targets: Tensor, _ metric: String) {
    requireClassTargets(targets, metric)
    var expected = shape
    if rank >= 2 { expected.remove(at: 1) }
    if !dtype.isFloatingPoint || rank < 2 || expected != targets.shape {
      refuseShapes(targets, metric, "scores [N, C, …] beside classes [N, …]")
    }
    if shape[1] == 0 { stop(metric, "there are no classes", [self, targets]) }
  }

  private func requireClassTargets(_ targets: Tensor, _ metric: String) {
    if targets.dtype.isFloatingPoint {
      stop(metric, "the targets must be classes, integers", [self, targets], help: "targets.to(.int64)")
    }
  }

  private func refuseShapes(_ targets: Tensor, _ metric: String, _ need: String) -> Never {
    stop(
      metric, "needs \(need)", [self, targets],
      help: "two classes from one score each: (scores .> 0).to(.int64)")
  }

  /// This tensor and the targets in float64, which must have the same shape: broadcasting [N, 1] against [N] is the
  /// most common way to a wrong error.
  func paired(_ targets: Tensor, _ metric: String) -> (Tensor, Tensor) {
    if shape != targets.shape {
      stop(
        metric, "predictions and targets differ in shape", [self, targets],
        help: "predictions.squeeze(dim: -1), or targets.unsqueeze(dim: -1)")
    }
    return noGrad { (to(.float64), targets.to(.float64)) }
  }
}

extension NamedTensors {
  /// The tensor of that name, which must have the given type and shape.
  func tensor(
    _ name: String, _ dtype: DType, _ shape: Shape, of object: String
  ) throws(StateError) -> Tensor {
    guard let tensor = self[name] else { throw StateError(object, missing: [name]) }
    if tensor.dtype != dtype || tensor.shape != shape {
      throw StateError(
        object,
        mismatched: [.init(name, expected: "\(dtype)\(shape)", found: "\(tensor.dtype)\(tensor.shape)")])
    }
    return tensor.clone()
  }
}

import FirecrestCore

/// How often class i was taken for class j: row i, column j (sklearn's and torchmetrics' `confusion_matrix`).
public final class ConfusionMatrix: Metric {
  /// The number of classes.
  public let classCount: Int
  private var counts: Tensor

  /// A matrix of zeros.
  public init(classCount: Int) {
    if classCount < 1 { stop("ConfusionMatrix", "needs at least one class, not \(classCount)", []) }
    self.classCount = classCount
    counts = Tensor.zeros(classCount, classCount, dtype: .int64)
  }

  /// Takes in scores `[N, C, …]` or classes `[N, …]`, and true classes `[N, …]`, all below `classCount`.
  public func update(_ predictions: Tensor, _ targets: Tensor) {
    let predicted = predictions.predictedClasses(targets, "ConfusionMatrix")
    noGrad {
      let truth = targets.to(.int64)
      for classes in [predicted, truth] where classes.elementCount > 0 {
        let (low, high) = (classes.amin().item(as: Int.self), classes.amax().item(as: Int.self))
        if low < 0 || high >= classCount {
          stop(
            "ConfusionMatrix", "class \(low < 0 ? low : high) is not one of 0..<\(classCount)", [predictions, targets])
        }
      }
      let cells = (truth * classCount + predicted).reshape(-1).bincount(minLength: classCount * classCount)
      counts = counts + cells.reshape(classCount, classCount)
    }
  }

  /// The counts, int64 `[C, C]`: true classes down, predicted ones across.
  public var value: Tensor { counts.clone() }

  /// The shares of each true class: rows that sum to 1, NaN for a class that did not occur; float64.
  public var normalized: Tensor { noGrad { counts.to(.float64) / counts.sum(dim: 1, keepDim: true).to(.float64) } }

  /// Forgets everything.
  public func reset() { counts = Tensor.zeros(classCount, classCount, dtype: .int64) }

  /// `counts`.
  public func stateDict() -> NamedTensors { ["counts": counts.clone()] }

  /// Goes on from a state.
  public func load(_ state: NamedTensors) throws {
    counts = try state.tensor("counts", .int64, [classCount, classCount], of: "ConfusionMatrix")
  }

  /// True positives, predicted and true occurrences of each class.
  var totals: (hits: [Int], predicted: [Int], actual: [Int]) {
    noGrad {
      (
        counts.diagonal().toArray(Int.self), counts.sum(dim: 0).toArray(Int.self), counts.sum(dim: 1).toArray(Int.self)
      )
    }
  }
}

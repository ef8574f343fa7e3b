import FirecrestCore

/// How the scores of several classes become one number (sklearn's `average`).
public enum Averaging: Sendable, Hashable {
  /// The mean over the classes that occur in predictions or targets, each counting the same.
  case macro
  /// Over all samples together; with one class a sample this is the accuracy.
  case micro
  /// The mean over the classes, each weighted by how often it truly occurs.
  case weighted
}

/// How many of the samples predicted to be of a class are (sklearn's `precision_score`).
public final class Precision: ClassScore {
  override func score(hits: Int, predicted: Int, actual: Int) -> Double { ratio(hits, predicted) }
}

/// How many of the samples of a class are predicted to be (sklearn's `recall_score`).
public final class Recall: ClassScore {
  override func score(hits: Int, predicted: Int, actual: Int) -> Double { ratio(hits, actual) }
}

/// The harmonic mean of precision and recall (sklearn's `f1_score`); macro averages the classes' F1.
public final class F1: ClassScore {
  override func score(hits: Int, predicted: Int, actual: Int) -> Double { ratio(2 * hits, predicted + actual) }
}

/// What `Precision`, `Recall` and `F1` share: a score for each class from the confusion matrix, and their average.
/// A ratio over no samples is 0, as sklearn has it.
public class ClassScore: Metric {
  private let matrix: ConfusionMatrix
  /// How the classes' scores become `value`.
  public let average: Averaging

  /// A score over nothing yet, NaN.
  ///
  /// - Parameters:
  ///   - classCount: The number of classes.
  ///   - average: How the classes' scores become `value`.
  public init(classCount: Int, average: Averaging = .macro) {
    matrix = ConfusionMatrix(classCount: classCount)
    self.average = average
  }

  /// Takes in scores `[N, C, …]` or classes `[N, …]`, and true classes `[N, …]`.
  public func update(_ predictions: Tensor, _ targets: Tensor) { matrix.update(predictions, targets) }

  /// The score of one class with these counts.
  func score(hits: Int, predicted: Int, actual: Int) -> Double { .nan }

  /// Each class's score, from 0 to 1.
  public var perClass: [Double] {
    let (hits, predicted, actual) = matrix.totals
    return hits.indices.map { score(hits: hits[$0], predicted: predicted[$0], actual: actual[$0]) }
  }

  /// The average over the classes, from 0 to 1; NaN where there were no samples.
  public var value: Double {
    let (hits, predicted, actual) = matrix.totals
    let count = actual.reduce(0, +)
    if count == 0 { return .nan }
    switch average {
    case .micro:
      return score(hits: hits.reduce(0, +), predicted: count, actual: count)
    case .macro:
      let present = hits.indices.filter { predicted[$0] + actual[$0] > 0 }
      let scores = perClass
      return present.reduce(0) { $0 + scores[$1] } / Double(present.count)
    case .weighted:
      return zip(perClass, actual).reduce(0) { $0 + $1.0 * Double($1.1) } / Double(count)
    }
  }

  /// The counts that the scores come from.
  public var confusionMatrix: Tensor { matrix.value }
  /// Forgets everything.
  public func reset() { matrix.reset() }
  /// The confusion matrix's `counts`.
  public func stateDict() -> NamedTensors { matrix.stateDict() }
  /// Goes on from a state.
  public func load(_ state: NamedTensors) throws { try matrix.load(state) }
}

private func ratio(_ part: Int, _ whole: Int) -> Double { whole == 0 ? 0 : Double(part) / Double(whole) }

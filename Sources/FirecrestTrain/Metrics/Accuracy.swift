import FirecrestCore

/// The share of samples whose class is predicted right (sklearn's `accuracy_score`, torchmetrics' micro accuracy).
public final class Accuracy: Metric {
  private var counter = HitCounter()

  /// An accuracy over nothing yet, NaN.
  public init() {}

  /// Takes in scores `[N, C, …]`, of which the greatest counts, or classes `[N, …]`, beside true classes `[N, …]`.
  public func update(_ predictions: Tensor, _ targets: Tensor) {
    let hits = noGrad { predictions.predictedClasses(targets, "Accuracy") .== targets }
    counter.add(hits, of: targets.elementCount)
  }

  /// From 0 to 1.
  public var value: Double { counter.share }
  /// How many samples were right.
  public var correct: Int { counter.hits }
  /// How many samples there were.
  public var count: Int { counter.count }
  /// Forgets everything.
  public func reset() { counter = HitCounter() }
  /// `correct` and `count`.
  public func stateDict() -> NamedTensors { counter.stateDict() }
  /// Goes on from a state.
  public func load(_ state: NamedTensors) throws { counter = try HitCounter(state, of: "Accuracy") }
}

/// The share of samples whose true class is among the `k` with the greatest scores (sklearn's
/// `top_k_accuracy_score`).
public final class TopKAccuracy: Metric {
  /// How many classes are looked at.
  public let k: Int
  private var counter = HitCounter()

  /// An accuracy over nothing yet, NaN.
  public init(_ k: Int = 5) {
    if k < 1 { stop("TopKAccuracy", "k must be positive, not \(k)", []) }
    self.k = k
  }

  /// Takes in scores `[N, C, …]` and true classes `[N, …]`.
  public func update(_ predictions: Tensor, _ targets: Tensor) {
    predictions.requireScores(targets, "TopKAccuracy")
    let hits = noGrad {
      let best = predictions.topk(Swift.min(k, predictions.shape[1]), dim: 1).indices
      return best .== targets.to(.int64).unsqueeze(dim: 1)
    }
    counter.add(hits, of: targets.elementCount)
  }

  /// From 0 to 1.
  public var value: Double { counter.share }
  /// Forgets everything.
  public func reset() { counter = HitCounter() }
  /// `correct` and `count`.
  public func stateDict() -> NamedTensors { counter.stateDict() }
  /// Goes on from a state.
  public func load(_ state: NamedTensors) throws { counter = try HitCounter(state, of: "TopKAccuracy") }
}

/// Hits out of a number of samples.
private struct HitCounter {
  private(set) var hits = 0
  private(set) var count = 0

  init() {}

  init(_ state: NamedTensors, of object: String) throws(StateError) {
    hits = try state.integer("correct", of: object)
    count = try state.integer("count", of: object)
  }

  /// NaN before the first; 0 / 0 would print as -nan on x86.
  var share: Double { count == 0 ? .nan : Double(hits) / Double(count) }

  mutating func add(_ mask: Tensor, of samples: Int) {
    hits += noGrad { mask.sum().item(as: Int.self) }
    count += samples
  }

  func stateDict() -> NamedTensors {
    var state = NamedTensors()
    state.set("correct", hits)
    state.set("count", count)
    return state
  }
}

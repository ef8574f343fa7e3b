import FirecrestCPU
import FirecrestCore

/// The order in which a `DataLoader` reads the samples of an epoch (PyTorch's `Sampler`).
///
/// A sampler keeps no state: the order follows from the epoch and a generator that the loader keys by its seed and the
/// epoch, so that it can be drawn again for a resume.
public protocol Sampler: Sendable {
  /// The number of samples in an epoch.
  var count: Int { get }
  /// The positions of the samples, in order; `count` of them.
  func indices(epoch: Int, generator: Generator) -> [Int]
}

/// Samples in the dataset's order (PyTorch's `SequentialSampler`).
public struct SequentialSampler: Sampler {
  /// The number of samples that the dataset has now.
  public var count: Int { size() }
  private let size: @Sendable () -> Int
  /// The order 0, 1, 2, … of a dataset's samples.
  public init(_ dataset: some Dataset) { size = { dataset.count } }
  /// 0 ..< count.
  public func indices(epoch: Int, generator: Generator) -> [Int] { Array(0..<count) }
}

/// Samples in random order, every sample once, or drawn with replacement (PyTorch's `RandomSampler`).
public struct RandomSampler: Sampler {
  /// The number of samples in an epoch.
  public var count: Int { sampleCount ?? size() }
  /// Whether a sample may come again before all others came.
  public let replacement: Bool
  private let size: @Sendable () -> Int
  private let sampleCount: Int?

  /// A random order of a dataset's samples.
  ///
  /// - Parameters:
  ///   - dataset: The dataset.
  ///   - replacement: Draws every sample from all.
  ///   - sampleCount: The number of samples in an epoch; nil: as many as the dataset has then. Without replacement,
  ///     more than those means several random orders one behind the other.
  public init(_ dataset: some Dataset, replacement: Bool = false, sampleCount: Int? = nil) {
    size = { dataset.count }
    self.sampleCount = sampleCount
    self.replacement = replacement
    if count < 0 || (size() == 0 && count > 0) {
      fail("RandomSampler", "cannot draw \(count) samples from \(size())")
    }
  }

  /// One draw of the order.
  public func indices(epoch: Int, generator: Generator) -> [Int] {
    let (size, count) = (self.size(), self.count)
    if size == 0 { return [] }
    if replacement { return Tensor.randint(high: size, [count], generator: generator).toArray(Int.self) }
    var result: [Int] = []
    while result.count < count {
      let order = Tensor.randperm(size, generator: generator).toArray(Int.self)
      result += order.prefix(count - result.count)
    }
    return result
  }
}

/// Samples drawn with given weights (PyTorch's `WeightedRandomSampler`): to balance classes, say.
public struct WeightedRandomSampler: Sampler {
  /// The number of samples in an epoch.
  public let count: Int
  /// Whether a sample may come several times in an epoch.
  public let replacement: Bool
  private let weights: Tensor

  /// Draws sample i in proportion to `weights[i]`.
  ///
  /// - Parameters:
  ///   - weights: A weight ≥ 0 for each sample; they need not add up to 1.
  ///   - sampleCount: The number of samples in an epoch.
  ///   - replacement: Whether a sample may come several times. Without it, at least `sampleCount` weights must be > 0.
  public init(_ weights: some Collection<Double>, sampleCount: Int, replacement: Bool = true) {
    if sampleCount <= 0 { fail("WeightedRandomSampler", "cannot draw \(sampleCount) samples") }
    if let wrong = weights.first(where: { !($0 >= 0) || $0.isInfinite }) {
      fail("WeightedRandomSampler", "a weight is \(wrong)", help: "weights are finite and ≥ 0")
    }
    let positive = weights.reduce(0) { $1 > 0 ? $0 + 1 : $0 }
    if positive < (replacement ? 1 : sampleCount) {
      fail(
        "WeightedRandomSampler", "cannot draw \(sampleCount) samples: \(positive) of the weights are above 0",
        help: replacement ? nil : "draw fewer, or with replacement")
    }
    self.weights = Tensor(weights, shape: [weights.count], dtype: .float64)
    count = sampleCount
    self.replacement = replacement
  }

  /// One draw of `count` samples.
  public func indices(epoch: Int, generator: Generator) -> [Int] {
    weights.multinomial(count, replacement: replacement, generator: generator).toArray(Int.self)
  }
}

/// Groups the samples of an epoch into batches (PyTorch's `BatchSampler`).
public struct BatchSampler: Sendable {
  /// The number of batches in an epoch.
  public var count: Int { batchCount() }
  private let batchCount: @Sendable () -> Int
  /// The size that all batches but the last have; 0 where a function groups them.
  public let batchSize: Int
  private let draw: @Sendable (_ epoch: Int, _ generator: Generator) -> [[Int]]

  /// Batches of equal size from a sampler's order.
  ///
  /// - Parameters:
  ///   - sampler: The order of the samples.
  ///   - batchSize: Samples in a batch, at least 1.
  ///   - dropLast: Leaves out a last batch that is not full.
  public init(_ sampler: any Sampler, batchSize: Int, dropLast: Bool = false) {
    if batchSize < 1 { fail("BatchSampler", "the batch size must be at least 1, not \(batchSize)") }
    batchCount = {
      let full = sampler.count / batchSize
      return dropLast || sampler.count % batchSize == 0 ? full : full + 1
    }
    self.batchSize = batchSize
    draw = { epoch, generator in
      let order = sampler.indices(epoch: epoch, generator: generator)
      if order.count != sampler.count {
        fail("\(type(of: sampler))", "drew \(order.count) samples, but its count is \(sampler.count)")
      }
      let used = dropLast ? order.count / batchSize * batchSize : order.count
      return stride(from: 0, to: used, by: batchSize).map { Array(order[$0..<$0 + min(batchSize, used - $0)]) }
    }
  }

  /// Batches that a function groups, of texts of similar length, say.
  ///
  /// - Parameters:
  ///   - count: The number of batches in an epoch.
  ///   - draw: The positions of each batch's samples; random numbers come from the generator alone.
  public init(count: Int, _ draw: @escaping @Sendable (_ epoch: Int, _ generator: Generator) -> [[Int]]) {
    batchCount = { count }
    batchSize = 0
    self.draw = draw
  }

  /// The batches of an epoch.
  public func batches(epoch: Int, generator: Generator) -> [[Int]] {
    let batches = draw(epoch, generator)
    if batches.count != count { fail("BatchSampler", "drew \(batches.count) batches, but its count is \(count)") }
    if let empty = batches.firstIndex(where: \.isEmpty) { fail("BatchSampler", "drew an empty batch, number \(empty)") }
    return batches
  }
}

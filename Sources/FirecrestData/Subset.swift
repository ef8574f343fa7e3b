import FirecrestCPU
import FirecrestCore

/// Some samples of a dataset, in an order of their own (PyTorch's `Subset`).
public struct Subset<Base: Dataset>: Dataset {
  /// The dataset below.
  public let base: Base
  /// The positions in `base` of this subset's samples.
  public let indices: [Int]

  /// The samples of `base` at `indices`, each in `0 ..< base.count`; one may come several times.
  public init(_ base: Base, _ indices: some Sequence<Int>) {
    self.base = base
    self.indices = Array(indices)
    if let wrong = self.indices.first(where: { $0 < 0 || $0 >= base.count }) {
      fail("Subset", "sample \(wrong) is not in 0..<\(base.count)")
    }
  }

  /// The number of indices.
  public var count: Int { indices.count }
  /// The sample of `base` at `indices[index]`.
  public subscript(index: Int) -> Base.Sample { get throws { try base[indices[index]] } }
}

extension Subset: BatchedDataset where Base: BatchedDataset {
  /// The batch of the dataset below.
  public func batch(_ positions: [Int]) throws -> Base.Batch {
    let below = positions.map { indices[$0] }
    guard let context = SampleContext.current else { return try base.batch(below) }
    return try context.translated(positions, to: below) { try base.batch(below) }
  }
}

/// Several datasets with the same kind of sample, one behind the other (PyTorch's `ConcatDataset`).
public struct ConcatDataset<Sample>: Dataset {
  /// The parts, in order.
  public let parts: [any Dataset<Sample>]
  /// For each part the number of samples up to its end.
  private let ends: [Int]

  /// The samples of all `parts`.
  public init(_ parts: [any Dataset<Sample>]) {
    self.parts = parts
    var sum = 0
    ends = parts.map { part in
      sum += part.count
      return sum
    }
  }

  /// `ConcatDataset(train, extra)`.
  public init(_ parts: any Dataset<Sample>...) { self.init(parts) }

  /// The samples of all parts together.
  public var count: Int { ends.last ?? 0 }

  /// The sample of the part in which `index` falls.
  public subscript(index: Int) -> Sample {
    get throws {
      guard index >= 0, let part = ends.firstIndex(where: { index < $0 }) else {
        fail("ConcatDataset", "sample \(index) is not in 0..<\(count)")
      }
      return try parts[part][part == 0 ? index : index - ends[part - 1]]
    }
  }
}

/// Splits a dataset at random into parts of the given sizes, which must add up to its count (PyTorch's `random_split`).
///
/// ```swift
/// let parts = randomSplit(data, [1500, 297], seed: 42)
/// let (train, test) = (parts[0], parts[1])
/// ```
///
/// - Parameters:
///   - dataset: The dataset to split.
///   - sizes: The number of samples of each part.
///   - seed: Gives the same split whenever it is the same. nil: `generator` decides.
///   - generator: Where the order is drawn from, by default the shared generator.
public func randomSplit<D: Dataset>(
  _ dataset: D, _ sizes: [Int], seed: UInt64? = nil, generator: Generator? = nil
) -> [Subset<D>] {
  if sizes.contains(where: { $0 < 0 }) || sizes.reduce(0, +) != dataset.count {
    fail(
      "randomSplit", "the sizes \(sizes) do not add up to the \(dataset.count) samples",
      help: "or give fractions that add up to 1: [0.8, 0.2]")
  }
  let source = seed.map { Generator(seed: $0) } ?? generator
  let order = Tensor.randperm(dataset.count, generator: source).toArray(Int.self)
  var start = 0
  return sizes.map { size in
    defer { start += size }
    return Subset(dataset, order[start..<start + size])
  }
}

/// Splits a dataset at random into parts of the given fractions, which must add up to 1 (PyTorch's `random_split`).
/// Samples that rounding down leaves over go to the first parts, one each.
///
/// - Parameters:
///   - dataset: The dataset to split.
///   - fractions: The share of each part, 0 ... 1.
///   - seed: Gives the same split whenever it is the same. nil: `generator` decides.
///   - generator: Where the order is drawn from, by default the shared generator.
public func randomSplit<D: Dataset>(
  _ dataset: D, _ fractions: [Double], seed: UInt64? = nil, generator: Generator? = nil
) -> [Subset<D>] {
  if fractions.contains(where: { !($0 >= 0 && $0 <= 1) }) || abs(fractions.reduce(0, +) - 1) > 1e-9 {
    fail("randomSplit", "the fractions \(fractions) do not add up to 1")
  }
  var sizes = fractions.map { Int(Double(dataset.count) * $0) }
  let rest = dataset.count - sizes.reduce(0, +)
  for i in 0..<rest { sizes[i % sizes.count] += 1 }
  return randomSplit(dataset, sizes, seed: seed, generator: generator)
}

/// Samples by number: the data that a `DataLoader` reads (PyTorch's `Dataset`).
///
/// ```swift
/// struct Squares: Dataset {
///   let count = 100
///   subscript(index: Int) -> (Tensor, Tensor) {
///     let x = Tensor([Double(index)])
///     return (x, x * x)
///   }
/// }
/// for (x, y) in DataLoader(Squares(), batchSize: 10, shuffle: true) { … }
/// ```
///
/// Worker threads read samples at the same time, hence `Sendable`: keep what never changes in a struct, and guard the
/// rest. Random numbers that a dataset draws (`Tensor.rand`, or from `Generator.sample`) depend on the sample and the epoch
/// alone, not on which thread reads it when.
public protocol Dataset<Sample>: Sendable {
  /// What one element is: a tensor, a tuple of tensors or numbers, or a type of the user's.
  associatedtype Sample
  /// The number of samples.
  var count: Int { get }
  /// The sample at a position in `0 ..< count`. May throw, for example where a file cannot be read; the loader passes
  /// the error on with the position.
  subscript(index: Int) -> Sample { get throws }
}

/// A dataset that can put a whole batch together at once, faster than from single samples.
///
/// A `DataLoader` without a collate function of its own uses `batch` where `Batch` is what it would have made of the
/// samples.
public protocol BatchedDataset<Sample>: Dataset {
  /// What a batch is; for samples `(Tensor, Tensor)` this is `(Tensor, Tensor)` too, with one dimension more.
  associatedtype Batch
  /// The samples at `indices`, in that order, as a batch. `SampleContext.current?.at(index)` has the random numbers of
  /// each.
  func batch(_ indices: [Int]) throws -> Batch
}

extension Dataset {
  /// The dataset whose samples are `transform` of these, computed when they are read.
  ///
  /// ```swift
  /// let noisy = digits.map { image, label in (image + 0.1 * Tensor.randn(like: image, generator: .sample), label) }
  /// ```
  public func map<T>(_ transform: @escaping @Sendable (Sample) throws -> T) -> MapDataset<Self, T> {
    MapDataset(self, transform)
  }
}

/// Samples of another dataset, changed when they are read; see `Dataset.map`.
public struct MapDataset<Base: Dataset, Sample>: Dataset {
  /// The dataset below.
  public let base: Base
  private let transform: @Sendable (Base.Sample) throws -> Sample

  /// `transform` of the samples of `base`.
  public init(_ base: Base, _ transform: @escaping @Sendable (Base.Sample) throws -> Sample) {
    self.base = base
    self.transform = transform
  }

  /// As many as the dataset below has.
  public var count: Int { base.count }
  /// The changed sample.
  public subscript(index: Int) -> Sample { get throws { try transform(base[index]) } }
}

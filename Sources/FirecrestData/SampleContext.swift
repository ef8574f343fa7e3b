import FirecrestCore

/// Which sample is being read, and the random numbers that belong to it.
///
/// While a `DataLoader` reads a sample, `SampleContext.current` describes it. Its generator is keyed by the loader's
/// seed, the epoch and the sample, so that augmentation is the same for any number of workers and after a resume, and
/// different in every epoch. Random operations of tensors use it there without being told.
public struct SampleContext: Sendable {
  /// The loader's seed.
  public let seed: UInt64
  /// The epoch, from 0.
  public let epoch: Int
  /// The sample's position in the dataset.
  public let index: Int
  /// How often the sample came before in this epoch; 0 unless the sampler draws with replacement.
  public let repetition: Int
  /// The sample's own random numbers.
  public let generator: Generator
  /// The repetitions of a batch's samples by index; nil: none comes twice in the epoch.
  private let repetitions: [Int: Int]?
  /// The loader's indices of a batch's samples by those in the dataset below a `Subset`; nil: they are the same.
  private var loaderIndices: [Int: Int]?

  /// The context of the sample that this thread is reading for a loader; nil elsewhere. Inside of
  /// `BatchedDataset.batch`, that of the batch's first sample.
  @TaskLocal public static var current: SampleContext?

  /// The context of a sample.
  public init(seed: UInt64, epoch: Int, index: Int, repetition: Int = 0) {
    self.init(seed: seed, epoch: epoch, index: index, repetition: repetition, repetitions: nil)
  }

  /// The context of a whole batch: that of its first sample.
  init(seed: UInt64, _ batch: BatchOrder) {
    let repetitions = batch.repetitions.map { Dictionary(zip(batch.indices, $0)) { first, _ in first } }
    self.init(
      seed: seed, epoch: batch.epoch, index: batch.indices.first ?? 0, repetition: batch.repetitions?.first ?? 0,
      repetitions: repetitions)
  }

  private init(seed: UInt64, epoch: Int, index: Int, repetition: Int, repetitions: [Int: Int]?) {
    self.repetitions = repetitions
    self.seed = seed
    self.epoch = epoch
    self.index = index
    self.repetition = repetition
    generator = Generator(seed: streamKey(seed, 1, UInt64(epoch), UInt64(index), UInt64(repetition)))
  }

  /// Calls `body` with this context as the current one.
  func read<R>(_ body: () throws -> R) rethrows -> R {
    try Self.$current.withValue(self) { try generator.asCurrent(body) }
  }

  /// The context of another sample of the same batch. One that comes twice in it has the same numbers both times.
  public func at(_ index: Int) -> SampleContext {
    let index = loaderIndices?[index] ?? index
    return SampleContext(
      seed: seed, epoch: epoch, index: index, repetition: repetitions?[index] ?? 0, repetitions: repetitions)
  }

  /// Calls `body`, which knows the batch's samples, at `indices` here, by other indices in the same order.
  func translated<R>(_ indices: [Int], to others: [Int], _ body: () throws -> R) rethrows -> R {
    var context = self
    context.loaderIndices = Dictionary(
      zip(others, indices.map { loaderIndices?[$0] ?? $0 }), uniquingKeysWith: { first, _ in first })
    return try Self.$current.withValue(context, operation: body)
  }
}

extension Generator {
  /// The random numbers of the sample that is being read for a `DataLoader`, for what is not an operation of tensors;
  /// the generator that those use elsewhere.
  public static var sample: Generator { SampleContext.current?.generator ?? .current }
}

/// The seed of a stream of random numbers that has several numbers as its name: SplitMix64's finaliser over them.
func streamKey(_ parts: UInt64...) -> UInt64 {
  var state: UInt64 = 0
  for part in parts {
    state = (state ^ part) &+ 0x9E37_79B9_7F4A_7C15
    state = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
    state = (state ^ state >> 27) &* 0x94D0_49BB_1331_11EB
    state ^= state >> 31
  }
  return state
}

import FirecrestCPU
import FirecrestCore

/// What all ways of making a loader have in common, checked.
struct LoaderOptions {
  let batchSize: Int
  let shuffle: Bool
  let sampler: (any Sampler)?
  let groups: BatchSampler?
  let dropLast: Bool
  let workers: Int
  let prefetchFactor: Int
  let seed: UInt64?
  let generator: Generator?

  init(
    batchSize: Int, shuffle: Bool, sampler: (any Sampler)?, batchSampler: BatchSampler?, dropLast: Bool, workers: Int,
    prefetchFactor: Int, seed: UInt64?, generator: Generator?
  ) {
    if batchSize < 1 { fail("DataLoader", "the batch size must be at least 1, not \(batchSize)") }
    if workers < 0 { fail("DataLoader", "the number of workers must not be negative: \(workers)") }
    if prefetchFactor < 1 { fail("DataLoader", "prefetchFactor must be at least 1, not \(prefetchFactor)") }
    if shuffle && sampler != nil {
      fail("DataLoader", "shuffle and sampler exclude each other", help: "a RandomSampler shuffles")
    }
    if batchSampler != nil && (batchSize != 1 || shuffle || sampler != nil || dropLast) {
      fail("DataLoader", "batchSampler excludes batchSize, shuffle, sampler and dropLast", help: "it decides them")
    }
    self.batchSize = batchSize
    self.shuffle = shuffle
    self.sampler = sampler
    groups = batchSampler
    self.dropLast = dropLast
    self.workers = workers
    self.prefetchFactor = prefetchFactor
    self.seed = seed
    self.generator = generator
  }

  func batchSampler(_ dataset: some Dataset) -> BatchSampler {
    if let groups { return groups }
    let order: any Sampler = sampler ?? (shuffle ? RandomSampler(dataset) : SequentialSampler(dataset))
    return BatchSampler(order, batchSize: batchSize, dropLast: dropLast)
  }
}

// `Generator` alone would be Sequence's old name for its iterator here.
// Four ways to make a loader that differ in the sample alone; Swift has no other spelling for "a tuple of collatables".

extension DataLoader {
  /// A loader with a collate function of the user's.
  ///
  /// - Parameters:
  ///   - dataset: The samples.
  ///   - batchSize: Samples in a batch.
  ///   - shuffle: A new random order in every epoch.
  ///   - sampler: Another order; excludes `shuffle`.
  ///   - batchSampler: Groups samples into batches; excludes the four options that decide them otherwise.
  ///   - dropLast: Leaves out a last batch that is not full.
  ///   - workers: Threads that read ahead; 0: the thread that iterates reads.
  ///   - prefetchFactor: Batches that each worker may be ahead.
  ///   - seed: What orders and the samples' random numbers are drawn from. nil: drawn from `generator`.
  ///   - generator: Where the seed is drawn from once, here; by default the shared generator.
  ///   - collate: Makes a batch of samples; runs on the workers.
  public convenience init<D: Dataset>(
    _ dataset: D, batchSize: Int = 1, shuffle: Bool = false, sampler: (any Sampler)? = nil,
    batchSampler: BatchSampler? = nil, dropLast: Bool = false, workers: Int = 0, prefetchFactor: Int = 2,
    seed: UInt64? = nil, generator: FirecrestCore.Generator? = nil,
    collate: @escaping @Sendable ([D.Sample]) throws -> Batch
  ) {
    self.init(
      dataset, BatchMaker(dataset, mayBatch: false, collate),
      LoaderOptions(
        batchSize: batchSize, shuffle: shuffle, sampler: sampler, batchSampler: batchSampler, dropLast: dropLast,
        workers: workers, prefetchFactor: prefetchFactor, seed: seed, generator: generator))
  }

  /// A loader of samples that are one `Collatable` each: tensors become a tensor with one dimension more.
  ///
  /// - Parameters:
  ///   - dataset: The samples.
  ///   - batchSize: Samples in a batch.
  ///   - shuffle: A new random order in every epoch.
  ///   - sampler: Another order; excludes `shuffle`.
  ///   - batchSampler: Groups samples into batches; excludes the four options that decide them otherwise.
  ///   - dropLast: Leaves out a last batch that is not full.
  ///   - workers: Threads that read ahead; 0: the thread that iterates reads.
  ///   - prefetchFactor: Batches that each worker may be ahead.
  ///   - seed: What orders and the samples' random numbers are drawn from. nil: drawn from `generator`.
  ///   - generator: Where the seed is drawn from once, here; by default the shared generator.
  public convenience init<D: Dataset>(
    _ dataset: D, batchSize: Int = 1, shuffle: Bool = false, sampler: (any Sampler)? = nil,
    batchSampler: BatchSampler? = nil, dropLast: Bool = false, workers: Int = 0, prefetchFactor: Int = 2,
    seed: UInt64? = nil, generator: FirecrestCore.Generator? = nil
  ) where D.Sample: Collatable, Batch == D.Sample.Collated {
    self.init(
      dataset, BatchMaker(dataset, mayBatch: true) { try D.Sample.collate($0) },
      LoaderOptions(
        batchSize: batchSize, shuffle: shuffle, sampler: sampler, batchSampler: batchSampler, dropLast: dropLast,
        workers: workers, prefetchFactor: prefetchFactor, seed: seed, generator: generator))
  }

  /// A loader of samples of two parts, usually input and target.
  ///
  /// - Parameters:
  ///   - dataset: The samples.
  ///   - batchSize: Samples in a batch.
  ///   - shuffle: A new random order in every epoch.
  ///   - sampler: Another order; excludes `shuffle`.
  ///   - batchSampler: Groups samples into batches; excludes the four options that decide them otherwise.
  ///   - dropLast: Leaves out a last batch that is not full.
  ///   - workers: Threads that read ahead; 0: the thread that iterates reads.
  ///   - prefetchFactor: Batches that each worker may be ahead.
  ///   - seed: What orders and the samples' random numbers are drawn from. nil: drawn from `generator`.
  ///   - generator: Where the seed is drawn from once, here; by default the shared generator.
  public convenience init<D: Dataset, A: Collatable, B: Collatable>(
    _ dataset: D, batchSize: Int = 1, shuffle: Bool = false, sampler: (any Sampler)? = nil,
    batchSampler: BatchSampler? = nil, dropLast: Bool = false, workers: Int = 0, prefetchFactor: Int = 2,
    seed: UInt64? = nil, generator: FirecrestCore.Generator? = nil
  ) where D.Sample == (A, B), Batch == (A.Collated, B.Collated) {
    self.init(
      dataset,
      BatchMaker(dataset, mayBatch: true) { samples in
        (try A.collate(samples.map { $0.0 }), try B.collate(samples.map { $0.1 }))
      },
      LoaderOptions(
        batchSize: batchSize, shuffle: shuffle, sampler: sampler, batchSampler: batchSampler, dropLast: dropLast,
        workers: workers, prefetchFactor: prefetchFactor, seed: seed, generator: generator))
  }

  /// A loader of samples of three parts.
  ///
  /// - Parameters:
  ///   - dataset: The samples.
  ///   - batchSize: Samples in a batch.
  ///   - shuffle: A new random order in every epoch.
  ///   - sampler: Another order; excludes `shuffle`.
  ///   - batchSampler: Groups samples into batches; excludes the four options that decide them otherwise.
  ///   - dropLast: Leaves out a last batch that is not full.
  ///   - workers: Threads that read ahead; 0: the thread that iterates reads.
  ///   - prefetchFactor: Batches that each worker may be ahead.
  ///   - seed: What orders and the samples' random numbers are drawn from. nil: drawn from `generator`.
  ///   - generator: Where the seed is drawn from once, here; by default the shared generator.
  public convenience init<D: Dataset, A: Collatable, B: Collatable, C: Collatable>(
    _ dataset: D, batchSize: Int = 1, shuffle: Bool = false, sampler: (any Sampler)? = nil,
    batchSampler: BatchSampler? = nil, dropLast: Bool = false, workers: Int = 0, prefetchFactor: Int = 2,
    seed: UInt64? = nil, generator: FirecrestCore.Generator? = nil
  ) where D.Sample == (A, B, C), Batch == (A.Collated, B.Collated, C.Collated) {
    self.init(
      dataset,
      BatchMaker(dataset, mayBatch: true) { samples in
        (
          try A.collate(samples.map { $0.0 }), try B.collate(samples.map { $0.1 }),
          try C.collate(samples.map { $0.2 })
        )
      },
      LoaderOptions(
        batchSize: batchSize, shuffle: shuffle, sampler: sampler, batchSampler: batchSampler, dropLast: dropLast,
        workers: workers, prefetchFactor: prefetchFactor, seed: seed, generator: generator))
  }
}

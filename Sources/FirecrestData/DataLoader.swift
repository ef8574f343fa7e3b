import FirecrestCPU
import FirecrestCore

/// Batches of a dataset, epoch by epoch (PyTorch's `DataLoader`).
///
/// ```swift
/// let loader = DataLoader(TensorDataset(x, y), batchSize: 64, shuffle: true)
/// for epoch in 0..<3 {
///   for (x, y) in loader { … }
/// }
/// ```
///
/// **Errors.** `for … in` stops the program where the dataset throws, with a message that names the sample.
/// `try loader.forEach { x, y in … }` throws a `DataLoaderError` instead.
///
/// **Order.** The order of an epoch follows from the seed and the epoch's number, and with it all batches: they are the
/// same for any number of `workers`. Samples are read without recording gradients.
///
/// **Size.** Every epoch asks the dataset how many samples it has.
///
/// **Epochs.** Every iteration is an epoch, also one that is left early; `epoch` counts them.
///
/// **Resume.** The state holds seed, epoch and the number of batches given. A loader that loads it continues with the
/// next batch, and the first iteration then gives the rest of that epoch, which may be empty.
///
/// **Workers** are threads. They start with an iteration and end with it, however it ends, read the dataset at the same
/// time, and compute without the thread pool, which stays free for training.
public final class DataLoader<Batch>: Sequence, Stateful {
  /// Where the samples come from.
  public let dataset: any Dataset
  /// The number of batches in an epoch (PyTorch's `len(loader)`).
  public var count: Int { sampler.count }
  /// Threads that read ahead; 0: the thread that iterates reads.
  public let workers: Int
  /// Batches that each worker may be ahead.
  public let prefetchFactor: Int
  /// What the order of every epoch, and the random numbers of every sample, are drawn from.
  public private(set) var seed: UInt64

  private let sampler: BatchSampler
  private let maker: BatchMaker<Batch>
  /// The epoch of the running iteration, or of the next one.
  private var currentEpoch = 0
  /// Batches given of that epoch.
  private var given = 0
  /// The latest iteration, unless it has ended: only that one moves the position.
  private var running: Int?
  private var iterations = 0

  init(_ dataset: some Dataset, _ maker: BatchMaker<Batch>, _ options: LoaderOptions) {
    self.dataset = dataset
    self.maker = maker
    sampler = options.batchSampler(dataset)
    workers = options.workers
    prefetchFactor = options.prefetchFactor
    seed = options.seed ?? (options.generator ?? .shared).nextSeed()
  }

  /// The number, from 0, of the epoch that is running, or that the next iteration begins or continues. Set it to choose
  /// the order of the next iteration (PyTorch's `set_epoch`).
  public var epoch: Int {
    get { currentEpoch }
    set {
      if newValue < 0 { fail("DataLoader", "the epoch must not be negative: \(newValue)") }
      currentEpoch = newValue
      given = 0
      running = nil
    }
  }

  /// Batches already given of the epoch `epoch`.
  public var position: Int { given }

  /// The next epoch's batches; after `load`, the rest of the epoch in which the state was taken.
  public func makeIterator() -> DataLoaderIterator<Batch> {
    if running != nil { advance() }
    iterations += 1
    running = iterations
    let orders = orders(of: currentEpoch)
    return DataLoaderIterator(
      self, number: iterations, orders: orders, start: Swift.min(given, orders.count), seed: seed, maker)
  }

  /// Calls `body` with every batch that an iteration gives.
  ///
  /// - Throws: `DataLoaderError` where the dataset or collating throws, after `body` has had all batches before; and
  ///   what `body` throws.
  public func forEach(_ body: (Batch) throws -> Void) throws {
    let iterator = makeIterator()
    while let batch = try iterator.nextBatch() { try body(batch) }
  }

  /// All batches of an epoch, drawn from that epoch's own generator.
  private func orders(of epoch: Int) -> [BatchOrder] {
    // `Generator` alone would be Sequence's old name for its iterator here.
    let generator = FirecrestCore.Generator(seed: streamKey(seed, 0, UInt64(epoch)))
    let batches = sampler.batches(epoch: epoch, generator: generator)
    let size = dataset.count
    var seen = [Int](repeating: 0, count: size)
    var isRepeated = false
    var repetitions: [[Int]] = []
    repetitions.reserveCapacity(batches.count)
    for batch in batches {
      repetitions.append(
        batch.map { index in
          if index < 0 || index >= size {
            fail("DataLoader", "the sampler asks for sample \(index), but the dataset has \(size)")
          }
          seen[index] += 1
          if seen[index] > 1 { isRepeated = true }
          return seen[index] - 1
        })
    }
    return batches.indices.map { i in
      BatchOrder(epoch: epoch, number: i, indices: batches[i], repetitions: isRepeated ? repetitions[i] : nil)
    }
  }

  /// Told by an iterator that it gave a batch.
  func gave(_ batch: Int, by iteration: Int) {
    if running == iteration { given = batch + 1 }
  }

  /// Told by an iterator that it is at its end or was dropped.
  func ended(_ iteration: Int) {
    if running == iteration { advance() }
  }

  private func advance() {
    currentEpoch += 1
    given = 0
    running = nil
  }

  /// Seed, epoch and position, with the sizes that tell whether a position fits.
  public func stateDict() -> NamedTensors {
    var state = NamedTensors()
    state.set("seed", Int(truncatingIfNeeded: seed))
    state.set("epoch", currentEpoch)
    state.set("batch", given)
    state.set("batch_count", count)
    state.set("batch_size", sampler.batchSize)
    state.set("sample_count", dataset.count)
    return state
  }

  /// Continues where `stateDict` was taken: with the same seed, in that epoch, after the batches given then.
  ///
  /// - Throws: `StateError` where entries are missing, and where in the middle of an epoch the dataset or the batches
  ///   have another size than then.
  public func load(_ state: NamedTensors) throws {
    let name = "DataLoader"
    let known = ["seed", "epoch", "batch", "batch_count", "batch_size", "sample_count"]
    let missing = known.filter { state[$0] == nil }
    let unexpected = state.names.filter { !known.contains($0) }
    if !missing.isEmpty || !unexpected.isEmpty {
      throw StateError(name, missing: missing, unexpected: unexpected)
    }
    let numbers = try known.map { key in try state.integer(key, of: name) }
    var mismatched: [StateError.Mismatch] = []
    if numbers[1] < 0 { mismatched.append(.init("epoch", expected: "0 or more", found: "\(numbers[1])")) }
    if numbers[2] != 0 {
      let own = [count, sampler.batchSize, dataset.count]
      for (key, (own, found)) in zip(known[3...], zip(own, numbers[3...])) where own != found {
        mismatched.append(.init(key, expected: "\(own)", found: "\(found)"))
      }
      if mismatched.isEmpty && !(0...count).contains(numbers[2]) {
        mismatched.append(.init("batch", expected: "0 to \(count)", found: "\(numbers[2])"))
      }
    }
    if !mismatched.isEmpty { throw StateError(name, mismatched: mismatched) }
    // Where it is already, an iteration that is running goes on.
    if UInt64(truncatingIfNeeded: numbers[0]) == seed && numbers[1] == currentEpoch && numbers[2] == given { return }
    seed = UInt64(truncatingIfNeeded: numbers[0])
    currentEpoch = numbers[1]
    given = numbers[2]
    running = nil
  }
}

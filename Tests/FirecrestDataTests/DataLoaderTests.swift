import FirecrestCore
import FirecrestData
import Foundation
import Synchronization
import Testing

@Suite struct DataLoaderTests {
  @Test(arguments: [false, true])
  func anyNumberOfWorkersGivesTheSame(_ shuffle: Bool) {
    func passes(_ workers: Int, _ prefetch: Int) -> [[String]] {
      let loader = DataLoader(
        Numbers(), batchSize: 4, shuffle: shuffle, workers: workers, prefetchFactor: prefetch, seed: 7)
      return (0..<3).map { _ in contents(loader) }
    }
    let expected = passes(0, 2)
    #expect(expected[0].count == 6)
    #expect(expected[0] != expected[1], "random numbers of their own in every epoch")
    for workers in [1, 3] {
      for prefetch in [1, 5] { #expect(passes(workers, prefetch) == expected) }
    }
  }

  @Test func keepsTheDatasetsOrder() {
    let loader = DataLoader(Numbers(), batchSize: 10)
    #expect(loader.count == 3)
    #expect(labels(loader) == [Array(0..<10), Array(10..<20), [20, 21, 22]])
    #expect(DataLoader(Numbers(), batchSize: .max).count == 1)
    let full = DataLoader(Numbers(), batchSize: 10, dropLast: true)
    #expect(full.count == 2)
    #expect(labels(full) == [Array(0..<10), Array(10..<20)])
  }

  @Test func shufflesAnewInEveryEpoch() {
    let loader = DataLoader(Numbers(), batchSize: 5, shuffle: true, seed: 1)
    let first = labels(loader).flatMap { $0 }
    let second = labels(loader).flatMap { $0 }
    #expect(first.sorted() == Array(0..<23))
    #expect(second.sorted() == Array(0..<23))
    #expect(first != second)
    #expect(loader.epoch == 2)
    loader.epoch = 1
    #expect(labels(loader).flatMap { $0 } == second)
    #expect(labels(DataLoader(Numbers(), batchSize: 5, shuffle: true, seed: 2)).flatMap { $0 } != first)
  }

  @Test func drawsItsSeedFromTheGenerator() {
    let order = { (generator: FirecrestCore.Generator) in
      labels(DataLoader(Numbers(), batchSize: 23, shuffle: true, generator: generator))
    }
    #expect(order(Generator(seed: 5)) == order(Generator(seed: 5)))
    #expect(order(Generator(seed: 5)) != order(Generator(seed: 6)))
  }

  @Test(arguments: [0, 1, 3])
  func resumesInTheMiddleOfAnEpoch(_ workers: Int) throws {
    func make() -> DataLoader<(Tensor, Tensor)> {
      DataLoader(Numbers(), batchSize: 4, shuffle: true, workers: workers)
    }
    for given in 0...6 {
      let loader = make()
      _ = contents(loader)
      let iterator = loader.makeIterator()
      for _ in 0..<given { _ = iterator.next() }
      let state = loader.stateDict()
      #expect(loader.position == given)
      var rest: [String] = []
      while let (x, y) = iterator.next() { rest.append("\(y.toArray(Int.self)) \(x.toArray(Float.self))") }
      let later = contents(loader)

      let resumed = make()
      try resumed.load(state)
      #expect(resumed.epoch == 1)
      #expect(contents(resumed) == rest, "after \(given) batches")
      #expect(contents(resumed) == later)
      #expect(resumed.epoch == 3)
    }
  }

  @Test func anIterationLeftEarlyIsAnEpoch() throws {
    let loader = DataLoader(Numbers(), batchSize: 4, shuffle: true, seed: 1)
    for (i, _) in loader.enumerated() where i == 2 { break }
    #expect(loader.epoch == 1 && loader.position == 0)
    let iterator = loader.makeIterator()
    _ = iterator.next()
    // A second iteration while the first is not over: the next epoch, and only the latest moves the position.
    let second = loader.makeIterator()
    #expect(loader.epoch == 2)
    _ = second.next()
    _ = iterator.next()
    _ = iterator.next()
    #expect(loader.position == 1)
  }

  @Test func refusesAStateThatDoesNotFit() throws {
    let loader = DataLoader(Numbers(), batchSize: 4)
    let iterator = loader.makeIterator()
    _ = iterator.next()
    let state = loader.stateDict()
    func refusal(_ other: DataLoader<(Tensor, Tensor)>, _ state: NamedTensors) -> StateError? {
      #expect(throws: StateError.self) { try other.load(state) }
    }
    let larger = refusal(DataLoader(Numbers(), batchSize: 5), state)
    #expect(larger?.mismatched.map(\.name) == ["batch_count", "batch_size"])
    #expect(
      refusal(DataLoader(Numbers(count: 24), batchSize: 4), state)?.mismatched.map(\.name) == ["sample_count"])
    var shorter = state
    shorter["epoch"] = nil
    #expect(refusal(loader, shorter)?.missing == ["epoch"])
    var longer = state
    longer["x"] = Tensor([1])
    #expect(refusal(loader, longer)?.unexpected == ["x"])
    var beyond = state
    beyond["batch"] = Tensor.full([], 7)
    #expect(refusal(loader, beyond)?.mismatched.map(\.name) == ["batch"])
    // Between epochs there is no position to fit.
    let ended = DataLoader(Numbers(), batchSize: 4)
    _ = contents(ended)
    let other = DataLoader(Numbers(count: 9), batchSize: 5)
    try other.load(ended.stateDict())
    #expect(other.epoch == 1)
  }

  /// A checkpoint that turns out not to fit puts back what was there.
  @Test func itsOwnStateLeavesAnIterationRunning() throws {
    let loader = DataLoader(Numbers(), batchSize: 4)
    let iterator = loader.makeIterator()
    _ = iterator.next()
    try loader.load(loader.stateDict())
    _ = iterator.next()
    #expect(loader.position == 2)
  }

  @Test(arguments: [0, 1, 3])
  func errorsComeInOrderWithTheirIndex(_ workers: Int) {
    let loader = DataLoader(Numbers(failing: [6, 21]), batchSize: 4, workers: workers)
    var seen: [[Int]] = []
    let error = #expect(throws: DataLoaderError.self) {
      try loader.forEach { _, y in seen.append(y.toArray(Int.self)) }
    }
    #expect(seen == [[0, 1, 2, 3]])
    #expect(error?.index == 6)
    #expect(error?.batch == 1)
    #expect(error?.indices == [4, 5, 6, 7])
    #expect(error?.underlying is BadSample)
    #expect(error?.description == "sample 6 (batch 1 of epoch 0): BadSample()")
    #expect(loader.epoch == 1, "the epoch counts")
  }

  @Test func whatTheBodyThrowsComesThrough() {
    let loader = DataLoader(Numbers(), batchSize: 4, workers: 2)
    var count = 0
    #expect(throws: BadSample.self) {
      try loader.forEach { _ in
        count += 1
        if count == 2 { throw BadSample() }
      }
    }
    #expect(count == 2)
  }

  @Test func samplesThatDoNotStackAreAnError() {
    struct Ragged: Dataset {
      let count = 4
      subscript(index: Int) -> Tensor { Tensor.zeros(index == 2 ? 3 : 2) }
    }
    let error = #expect(throws: DataLoaderError.self) { try DataLoader(Ragged(), batchSize: 4).forEach { _ in } }
    #expect(error?.index == nil)
    #expect(
      error?.description
        == "batch 0 of epoch 0, samples 0, 1, 2, 3: samples do not stack: the batch's first is float32[2] cpu, "
        + "its number 2 is float32[3] cpu")
  }

  @Test func aPlainLoopStopsAtAnError() async {
    let result = await #expect(processExitsWith: .signal(SIGILL), observing: [\.standardErrorContent]) {
      for _ in DataLoader(Numbers(failing: [9]), batchSize: 4, workers: 1) {}
    }
    let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(text.contains("Firecrest: DataLoader: sample 9 (batch 2 of epoch 0): BadSample()\n  help:"))
  }

  /// In a process of its own, where nothing else starts or ends threads.
  @Test func workersEndWithTheIteration() async {
    await #expect(processExitsWith: .success) {
      // Whatever the runtime starts is there after the first.
      for _ in DataLoader(Numbers(), batchSize: 4, workers: 1) {}
      let before = try threadCount()
      let loader = DataLoader(Numbers(), batchSize: 1, workers: 3)
      var during = 0
      for (i, _) in loader.enumerated() {
        during = max(during, try threadCount())
        if i == 2 { break }
      }
      #expect(during > before)
      #expect(try threadCount() == before)
      for _ in loader {}
      #expect(try threadCount() == before)
      _ = try? DataLoader(Numbers(failing: [5]), batchSize: 1, workers: 3).forEach { _ in }
      #expect(try threadCount() == before)
      _ = loader.makeIterator()
      #expect(try threadCount() == before)
    }
  }

  @Test func workersDoNotRunFarAhead() {
    final class Watched: Dataset {
      let count = 60
      let given = Atomic<Int>(0)
      let furthest = Atomic<Int>(0)
      subscript(index: Int) -> Int {
        _ = furthest.max(index - given.load(ordering: .relaxed), ordering: .relaxed)
        return index
      }
    }
    let data = Watched()
    for (i, _) in DataLoader(data, batchSize: 1, workers: 2, prefetchFactor: 3).enumerated() {
      // The first batch is kept until the workers have made all they may; a minute is for those that never would.
      var waits = i == 0 ? 60_000 : 0
      while waits > 0 && data.furthest.load(ordering: .relaxed) < 6 {
        usleep(1000)
        waits -= 1
      }
      data.given.add(1, ordering: .relaxed)
    }
    // `given` lags by one while a batch is handed over.
    #expect(data.furthest.load(ordering: .relaxed) == 6)
  }

  @Test(arguments: [0, 2])
  func readsWithoutRecordingGradients(_ workers: Int) {
    let weight = Tensor([2.0], requiresGrad: true)
    let data = Numbers().map { x, _ in
      #expect(!isGradEnabled)
      return x * weight
    }
    for x in DataLoader(data, batchSize: 4, workers: workers) { #expect(!x.requiresGrad) }
    #expect(isGradEnabled)
  }

  @Test func wholeBatchesEqualCollatedSamples() throws {
    let x = Tensor.randn(11, 3)
    let y = Tensor.arange(11)
    let data = TensorDataset(x, y)
    func text(_ loader: DataLoader<(Tensor, Tensor)>) -> [String] {
      loader.map { "\($0.0.toArray(Float.self)) \($0.1.toArray(Int.self)) \($0.0.shape) \($0.1.dtype)" }
    }
    // A map has no whole batches.
    let single = DataLoader(data.map { ($0, $1) }, batchSize: 4, shuffle: true, seed: 3)
    let whole = DataLoader(data, batchSize: 4, shuffle: true, seed: 3)
    #expect(text(whole) == text(single))
    let order = [4, 4, 0, 9, 2]
    let subset = Subset(data, order)
    #expect(text(DataLoader(subset, batchSize: 2)) == text(DataLoader(subset.map { ($0, $1) }, batchSize: 2)))
    let batch = try subset.batch([1, 2])
    #expect(batch.1.toArray(Int.self) == [4, 0])
    batch.0.fill(0)
    #expect(x.toArray(Float.self).allSatisfy { $0 != 0 }, "a batch is a copy")
  }

  @Test func augmentsRepeatedSamplesDifferently() {
    let loader = DataLoader(Numbers(count: 1), batchSize: 3, sampler: RandomSampler(Numbers(count: 1), sampleCount: 3))
    for (x, _) in loader {
      let rows = x.toArray(Float.self)
      #expect(rows[0] != rows[2] && rows[2] != rows[4] && rows[0] != rows[4])
    }
  }

  @Test func drawsARandomTensorForEachSampleAndEpoch() {
    let data = Numbers().map { x, _ in
      #expect(Generator.current === Generator.sample && Generator.current !== Generator.shared)
      return x + Tensor.rand(2) + Tensor.randint(high: 1000, [2])
    }
    func epochs(_ workers: Int) -> [[Float]] {
      let loader = DataLoader(data, batchSize: 4, shuffle: true, workers: workers, seed: 5)
      return (0..<2).flatMap { _ in loader.map { $0.toArray(Float.self) } }
    }
    let alone = epochs(0)
    #expect(alone == epochs(1))
    #expect(alone == epochs(3))
    #expect(Set(alone.joined()).count == alone.joined().count)
    #expect(Generator.current === Generator.shared)
  }

  /// A dataset of whole batches that draws a number for each sample.
  private struct Drawing: BatchedDataset {
    let count = 3
    subscript(index: Int) -> Tensor { Tensor.rand(generator: .sample) }
    func batch(_ indices: [Int]) -> Tensor {
      stack(indices.map { Tensor.rand(generator: SampleContext.current!.at($0).generator) })
    }
  }

  @Test func drawsAnewForRepeatedSamplesOfWholeBatches() {
    func numbers(_ data: some Dataset<Tensor>) -> [Float] {
      let order = BatchSampler(count: 3) { _, _ in [[1, 0], [1, 2], [1, 0]] }
      return DataLoader(data, batchSampler: order, seed: 2).flatMap { $0.toArray(Float.self) }
    }
    let whole = numbers(Drawing())
    #expect(Set(whole).count == 6)
    #expect(whole == numbers(Drawing().map { $0 }), "the same as sample by sample")
  }

  /// Through a subset the dataset below sees other indices; the numbers are still each draw's own.
  @Test func drawsAnewBelowSubsets() {
    let order = BatchSampler(count: 2) { _, _ in [[0, 1], [0, 2]] }
    func numbers(_ indices: [Int]) -> [Float] {
      let data = Subset(Subset(Drawing(), [2, 1, 0]), indices)
      return DataLoader(data, batchSampler: order, seed: 2).flatMap { $0.toArray(Float.self) }
    }
    #expect(Set(numbers([0, 1, 2])).count == 4)
    // Indices 1 and 2 are the same sample below.
    #expect(Set(numbers([0, 1, 1])).count == 4)
    let single = Subset(Subset(Drawing(), [2, 1, 0]), [0, 1, 2]).map { $0 }
    let alone = DataLoader(single, batchSampler: order, seed: 2).flatMap { $0.toArray(Float.self) }
    #expect(numbers([0, 1, 2]) == alone)
  }

  @Test func drawsForEachBatchWhileCollating() {
    func epochs(_ workers: Int) -> [[Float]] {
      let loader = DataLoader(Numbers().map { $0.0 }, batchSize: 4, workers: workers, seed: 5) { samples in
        stack(samples) + Tensor.rand(2) + Tensor.rand(2, generator: .sample)
      }
      return (0..<2).flatMap { _ in loader.map { $0.toArray(Float.self) } }
    }
    let alone = epochs(0)
    let before = Tensor.rand(1).item()
    #expect(alone == epochs(1) && alone == epochs(3) && before != Tensor.rand(1).item())
    #expect(Set(alone.joined()).count == alone.joined().count)
  }

  /// What a replay memory gathers while it is trained on.
  @Test(arguments: [false, true])
  func asksForTheSizeInEveryEpoch(_ shuffle: Bool) {
    final class Growing: Dataset, @unchecked Sendable {
      var count = 4
      subscript(index: Int) -> Int { index }
    }
    let data = Growing()
    let loader = DataLoader(data, batchSize: 2, shuffle: shuffle)
    for size in [4, 7, 3, 0] {
      data.count = size
      #expect(loader.count == (size + 1) / 2)
      #expect(loader.flatMap { $0.toArray(Int.self) }.sorted() == Array(0..<size))
    }
  }

  @Test func refusesAnEmptyBatch() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      for _ in DataLoader(Numbers().map { $0.0 }, batchSampler: BatchSampler(count: 2) { _, _ in [[1], []] }) {}
    }
    let message = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(message.contains("BatchSampler: drew an empty batch, number 1"))
  }

  @Test func takesBatchesOfTheUsers() {
    let groups = BatchSampler(count: 2) { epoch, _ in [[epoch, 5], [1, 2, 3]] }
    let loader = DataLoader(Numbers(), batchSampler: groups, workers: 1)
    #expect(labels(loader) == [[0, 5], [1, 2, 3]])
    #expect(labels(loader) == [[1, 5], [1, 2, 3]])
    #expect(loader.count == 2)
  }

  @Test func anEmptyDatasetHasNoBatches() {
    for workers in [0, 2] {
      let loader = DataLoader(Numbers(count: 0), batchSize: 4, shuffle: true, workers: workers)
      #expect(loader.count == 0)
      #expect(contents(loader).isEmpty)
    }
  }
}

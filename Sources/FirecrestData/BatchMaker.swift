import FirecrestCore

/// One batch's part of an epoch: which samples, and how often each came before.
struct BatchOrder: Sendable {
  let epoch: Int
  let number: Int
  let indices: [Int]
  /// nil: no sample of the epoch comes twice.
  let repetitions: [Int]?
}

/// Reads samples and collates them. The same on the caller's thread and on workers.
struct BatchMaker<Batch>: Sendable {
  /// Makes a batch; nil where `isCancelled` became true on the way.
  let make: @Sendable (_ order: BatchOrder, _ seed: UInt64, _ isCancelled: () -> Bool) throws(DataLoaderError) -> Batch?

  /// Collates the samples of `dataset` with `collate`.
  ///
  /// - Parameter mayBatch: Whether the dataset's own `batch` may be used instead, where it gives a `Batch`.
  init<D: Dataset>(
    _ dataset: D, mayBatch: Bool, _ collate: @escaping @Sendable ([D.Sample]) throws -> Batch
  ) {
    let whole = mayBatch ? Self.wholeBatches(dataset) : nil
    make = { order, seed, isCancelled throws(DataLoaderError) in
      // Data is not differentiated, with or without workers.
      try noGrad { () throws(DataLoaderError) in
        if let whole {
          do { return try whole(order.indices, SampleContext(seed: seed, order)) } catch {
            throw DataLoaderError(order, index: nil, error)
          }
        }
        var samples: [D.Sample] = []
        samples.reserveCapacity(order.indices.count)
        for (i, index) in order.indices.enumerated() {
          if isCancelled() { return nil }
          let repetition = order.repetitions?[i] ?? 0
          let context = SampleContext(seed: seed, epoch: order.epoch, index: index, repetition: repetition)
          do {
            samples.append(try context.read { try dataset[index] })
          } catch { throw DataLoaderError(order, index: index, error) }
        }
        // Random numbers drawn while collating, such as mixup's, are the batch's own, whichever thread collates.
        let generator = Generator(seed: streamKey(seed, 2, UInt64(order.epoch), UInt64(order.number)))
        do { return try generator.asCurrent { try collate(samples) } } catch {
          throw DataLoaderError(order, index: nil, error)
        }
      }
    }
  }

  /// The dataset's own way of making whole batches, where it has one of the right type.
  private static func wholeBatches<D: Dataset>(
    _ dataset: D
  ) -> (@Sendable ([Int], SampleContext) throws -> Batch)? {
    func open<B: BatchedDataset>(_ dataset: B) -> (@Sendable ([Int], SampleContext) throws -> Batch)? {
      guard B.Batch.self == Batch.self else { return nil }
      return { indices, context in
        // The types are the same, which the compiler cannot know.
        try context.read { try dataset.batch(indices) as! Batch }
      }
    }
    guard let batched = dataset as? any BatchedDataset else { return nil }
    return open(batched)
  }
}

/// An error of a dataset or of collating, with the place in the data.
public struct DataLoaderError: Error, CustomStringConvertible {
  /// The sample that failed; nil where the batch as a whole did.
  public let index: Int?
  /// The positions of all samples of the batch.
  public let indices: [Int]
  /// The batch's number in the epoch, from 0.
  public let batch: Int
  /// The epoch, from 0.
  public let epoch: Int
  /// What the dataset, or collating, threw.
  public let underlying: any Error

  init(_ order: BatchOrder, index: Int?, _ underlying: any Error) {
    self.index = index
    indices = order.indices
    batch = order.number
    epoch = order.epoch
    self.underlying = underlying
  }

  /// `sample 17 (batch 0 of epoch 2): …`, with the error of the dataset.
  public var description: String {
    let list = indices.prefix(8).map(String.init).joined(separator: ", ") + (indices.count > 8 ? ", …" : "")
    let place = "batch \(batch) of epoch \(epoch)"
    return (index.map { "sample \($0) (\(place))" } ?? "\(place), samples \(list)") + ": \(underlying)"
  }
}

import FirecrestCPU

/// One pass over a `DataLoader`'s batches.
public final class DataLoaderIterator<Batch>: IteratorProtocol {
  private let loader: DataLoader<Batch>
  private let number: Int
  private let orders: [BatchOrder]
  private let seed: UInt64
  private let maker: BatchMaker<Batch>
  private var upcoming: Int
  private var isAtEnd = false
  private var prefetcher: Prefetcher<Batch>?

  init(
    _ loader: DataLoader<Batch>, number: Int, orders: [BatchOrder], start: Int, seed: UInt64,
    _ maker: BatchMaker<Batch>
  ) {
    self.loader = loader
    self.number = number
    self.orders = orders
    self.seed = seed
    self.maker = maker
    upcoming = start
    if loader.workers > 0 && start < orders.count {
      let make = maker.make
      prefetcher = Prefetcher(
        start..<orders.count, workers: loader.workers, window: loader.workers * loader.prefetchFactor
      ) { batch, isCancelled in
        do throws(DataLoaderError) {
          return try make(orders[batch], seed, isCancelled).map { .success($0) }
        } catch { return .failure(error) }
      }
    }
  }

  deinit { finish() }

  /// The next batch, nil at the end. Stops the program where the dataset throws; see `nextBatch()`.
  public func next() -> Batch? {
    do throws(DataLoaderError) { return try nextBatch() } catch {
      fail(
        "DataLoader", error.description, help: "to handle the error, iterate with try loader.forEach { batch in … }")
    }
  }

  /// The next batch, nil at the end and after an error.
  ///
  /// - Throws: `DataLoaderError` where the dataset or collating throws.
  public func nextBatch() throws(DataLoaderError) -> Batch? {
    if isAtEnd || upcoming >= orders.count {
      finish()
      return nil
    }
    let batch: Batch?
    do throws(DataLoaderError) {
      if let prefetcher, prefetcher.isRunning {
        batch = try prefetcher.next(upcoming).get()
      } else {
        batch = try maker.make(orders[upcoming], seed, { false })
      }
    } catch {
      finish()
      throw error
    }
    loader.gave(upcoming, by: number)
    upcoming += 1
    return batch
  }

  private func finish() {
    if isAtEnd { return }
    isAtEnd = true
    prefetcher?.stop()
    prefetcher = nil
    loader.ended(number)
  }
}

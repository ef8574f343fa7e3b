import CRuntime

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Threads that make the batches of one epoch ahead of their use, and hand them out in order.
final class Prefetcher<Batch>: @unchecked Sendable {
  // Everything mutable is touched only while `mutex` is held, but for `threads`, which belongs to the thread that
  // iterates. A batch is handed over whole: the worker keeps no reference.
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let space: UnsafeMutablePointer<pthread_cond_t>
  private let arrival: UnsafeMutablePointer<pthread_cond_t>
  private let make: @Sendable (Int, () -> Bool) -> Result<Batch, DataLoaderError>?
  private let window: Int
  private var ready: [Int: Result<Batch, DataLoaderError>] = [:]
  private var upcoming: Int
  private var wanted: Int
  private var end: Int
  private var isStopped = false
  private var threads: [pthread_t] = []

  /// Starts the threads.
  ///
  /// - Parameters:
  ///   - range: The numbers of the batches.
  ///   - workers: The number of threads; the system may refuse some.
  ///   - window: How many batches may be made or wait at any time.
  ///   - make: Makes a batch; nil where its argument, asked now and then, became true.
  init(
    _ range: Range<Int>, workers: Int, window: Int,
    make: @escaping @Sendable (Int, () -> Bool) -> Result<Batch, DataLoaderError>?
  ) {
    mutex = .allocate(capacity: 1)
    space = .allocate(capacity: 1)
    arrival = .allocate(capacity: 1)
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(space, nil)
    pthread_cond_init(arrival, nil)
    self.make = make
    self.window = window
    upcoming = range.lowerBound
    wanted = range.lowerBound
    end = range.upperBound
    for _ in 0..<min(workers, range.count) { start() }
  }

  deinit {
    pthread_mutex_destroy(mutex)
    pthread_cond_destroy(space)
    pthread_cond_destroy(arrival)
    mutex.deallocate()
    space.deallocate()
    arrival.deallocate()
  }

  /// True where the system gave at least one thread.
  var isRunning: Bool { !threads.isEmpty }

  private func start() {
    let context = Unmanaged.passRetained(Work { [self] in serve() })
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    // As much stack as a main thread has: some systems give other threads 128 KiB.
    pthread_attr_setstacksize(&attributes, 8 << 20)
    defer { pthread_attr_destroy(&attributes) }
    #if canImport(Darwin)
      var thread: pthread_t?
    #else
      var thread = pthread_t()
    #endif
    let status = pthread_create(&thread, &attributes, runWork, context.toOpaque())
    guard status == 0 else { return context.release() }
    #if canImport(Darwin)
      threads.append(thread!)
    #else
      threads.append(thread)
    #endif
  }

  private func serve() {
    // Operations of a worker run inline and leave the thread pool to training; their results do not depend on that.
    fc_state().pointee.in_parallel = true
    while let number = take() {
      guard let result = make(number, { [self] in stopped() }) else { return }
      pthread_mutex_lock(mutex)
      if case .failure = result { end = min(end, number) }
      if !isStopped { ready[number] = result }
      pthread_cond_signal(arrival)
      pthread_mutex_unlock(mutex)
    }
  }

  /// The next batch to make; nil where there is none.
  private func take() -> Int? {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while !isStopped && upcoming < end && upcoming >= wanted + window { pthread_cond_wait(space, mutex) }
    if isStopped || upcoming >= end { return nil }
    upcoming += 1
    return upcoming - 1
  }

  private func stopped() -> Bool {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return isStopped
  }

  /// Batch `number`, when it is there. Numbers come in order, each once, and none after a failure.
  func next(_ number: Int) -> Result<Batch, DataLoaderError> {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    wanted = number
    while true {
      if let result = ready.removeValue(forKey: number) {
        wanted = number + 1
        pthread_cond_broadcast(space)
        return result
      }
      pthread_cond_wait(arrival, mutex)
    }
  }

  /// Ends the threads; waits for the samples that are being read.
  func stop() {
    pthread_mutex_lock(mutex)
    isStopped = true
    ready = [:]
    pthread_cond_broadcast(space)
    pthread_mutex_unlock(mutex)
    for thread in threads { pthread_join(thread, nil) }
    threads = []
  }
}

/// What a thread runs, held for it while it starts.
private final class Work {
  let body: () -> Void
  init(_ body: @escaping () -> Void) { self.body = body }
}

#if canImport(Darwin)
  private func runWork(_ context: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
    Unmanaged<Work>.fromOpaque(context).takeRetainedValue().body()
    return nil
  }
#else
  private func runWork(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    Unmanaged<Work>.fromOpaque(context!).takeRetainedValue().body()
    return nil
  }
#endif

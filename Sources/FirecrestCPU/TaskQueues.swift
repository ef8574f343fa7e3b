import Synchronization

/// The tasks of a job, a run of neighbours for each thread. What a thread wrote is in its core's cache, so the same part
/// of the next operation should come to the same thread; with one queue for all it would come to whichever is first.
struct TaskQueues {
  /// The threads of the current job.
  private(set) var threads = 0
  private var tasks = 0
  private var capacity = 0
  /// The next task of each thread, every one on a cache line of its own.
  private var heads: UnsafeMutablePointer<Atomic<Int>>

  private static let spacing = 128 / MemoryLayout<Atomic<Int>>.stride

  init(threads: Int) {
    capacity = threads
    heads = Self.allocate(threads)
  }

  private static func allocate(_ threads: Int) -> UnsafeMutablePointer<Atomic<Int>> {
    let heads = UnsafeMutablePointer<Atomic<Int>>.allocate(capacity: threads * spacing)
    for i in 0..<threads * spacing { (heads + i).initialize(to: Atomic(0)) }
    return heads
  }

  /// Shares `0 ..< tasks` among so many threads. No thread may be taking tasks meanwhile.
  mutating func fill(tasks: Int, threads: Int) {
    if threads > capacity {
      heads.deinitialize(count: capacity * Self.spacing)
      heads.deallocate()
      capacity = threads
      heads = Self.allocate(threads)
    }
    self.tasks = tasks
    self.threads = threads
    for i in 0..<threads { heads[i * Self.spacing].store(start(of: i), ordering: .relaxed) }
  }

  /// Takes the next task from a thread's queue; nil when it is empty.
  @inline(__always)
  func next(of thread: Int) -> Int? {
    let task = heads[thread * Self.spacing].add(1, ordering: .relaxed).oldValue
    return task < start(of: thread + 1) ? task : nil
  }

  @inline(__always)
  private func start(of thread: Int) -> Int { tasks * thread / threads }
}

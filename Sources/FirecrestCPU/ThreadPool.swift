import CRuntime
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The threads on which operations run: the calling thread and `count - 1` workers. A worker spins for some
/// microseconds after a job, so that a run of operations finds it awake, then sleeps.
package final class ThreadPool: @unchecked Sendable {
  // Everything mutable is either atomic or guarded by `mutex`; a job's fields are written before `generation`
  // announces it and read after.
  package static let shared = ThreadPool(count: Settings.numThreads)

  private typealias Body = (Int) -> Void

  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let wake: UnsafeMutablePointer<pthread_cond_t>
  private let generation = Atomic<Int>(0)
  private let next = Atomic<Int>(0)
  private let pending = Atomic<Int>(0)
  private let busy = Atomic<Bool>(false)
  private let limit = Atomic<Int>(1)
  private var sleepers = 0
  private var started = 0
  private var tasks = 0
  /// Workers that take part in the current job; more may have been started for an earlier one.
  private var helpers = 0
  private var body: Body?

  /// Some 30 µs of spinning, an operation's usual distance from the next.
  private static let spins = 2_000

  private init(count: Int) {
    mutex = .allocate(capacity: 1)
    wake = .allocate(capacity: 1)
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(wake, nil)
    limit.store(count, ordering: .relaxed)
  }

  /// Threads that a parallel operation may use, the caller included. Results do not depend on it.
  package var count: Int {
    get { limit.load(ordering: .relaxed) }
    set { limit.store(max(1, newValue), ordering: .relaxed) }
  }

  /// Calls `body` once for each task number in `0 ..< tasks`, on up to `limit` threads, and returns when all are done.
  /// Runs inline where the pool is busy with another thread's job or the caller is itself a task. Each thread has a
  /// number below `limit`, `fc_state().pointee.worker`; that of the caller is 0 unless it is itself a task.
  package func run(tasks: Int, limit: Int, _ body: (Int) -> Void) {
    let threads = min(limit, tasks)
    if threads <= 1 || fc_state().pointee.in_parallel || busy.exchange(true, ordering: .acquiring) {
      for task in 0..<tasks { body(task) }
      return
    }
    withoutActuallyEscaping(body) { body in
      startWorkers(threads - 1)
      self.body = body
      self.tasks = tasks
      helpers = threads - 1
      next.store(0, ordering: .relaxed)
      // Every started worker reports back once a job, whether it found a task or not.
      pending.store(started, ordering: .relaxed)
      generation.add(1, ordering: .sequentiallyConsistent)
      pthread_mutex_lock(mutex)
      if sleepers > 0 { pthread_cond_broadcast(wake) }
      pthread_mutex_unlock(mutex)
      work(body)
      var spun = 0
      while pending.load(ordering: .acquiring) != 0 {
        fc_pause()
        spun += 1
        if spun > 10_000 { sched_yield() }
      }
      self.body = nil
    }
    busy.store(false, ordering: .releasing)
  }

  private func work(_ body: Body) {
    let state = fc_state()
    state.pointee.in_parallel = true
    while true {
      let task = next.add(1, ordering: .relaxed).oldValue
      if task >= tasks { break }
      body(task)
    }
    state.pointee.in_parallel = false
  }

  private func startWorkers(_ wanted: Int) {
    while started < wanted {
      var thread = pthread_t()
      // The generation is read here, not in the thread: a worker that comes up late still sees the job it was
      // started for.
      let worker = Worker(pool: self, index: started, seen: generation.load(ordering: .relaxed))
      let status = pthread_create(
        &thread, nil,
        { context in
          let worker = Unmanaged<Worker>.fromOpaque(context!).takeRetainedValue()
          worker.pool.serve(worker)
          return nil
        }, Unmanaged.passRetained(worker).toOpaque())
      guard status == 0 else { break }
      pthread_detach(thread)
      started += 1
    }
  }

  private final class Worker {
    let pool: ThreadPool
    let index: Int
    var seen: Int
    init(pool: ThreadPool, index: Int, seen: Int) {
      self.pool = pool
      self.index = index
      self.seen = seen
    }
  }

  private func serve(_ worker: Worker) {
    fc_state().pointee.worker = Int32(worker.index + 1)
    while true {
      var spun = 0
      while generation.load(ordering: .acquiring) == worker.seen && spun < Self.spins {
        fc_pause()
        spun += 1
      }
      if generation.load(ordering: .acquiring) == worker.seen {
        pthread_mutex_lock(mutex)
        sleepers += 1
        while generation.load(ordering: .sequentiallyConsistent) == worker.seen { pthread_cond_wait(wake, mutex) }
        sleepers -= 1
        pthread_mutex_unlock(mutex)
      }
      worker.seen = generation.load(ordering: .acquiring)
      help(worker)
      pending.subtract(1, ordering: .releasing)
    }
  }

  /// Not inlined: this thread's reference to `body` must be gone before it reports back, or `run` finds the closure
  /// escaped.
  @inline(never)
  private func help(_ worker: Worker) {
    if worker.index < helpers, let body { work(body) }
  }
}

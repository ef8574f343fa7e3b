import CRuntime
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The threads on which operations run: the calling thread and `count - 1` workers. A worker spins for a while after a
/// job, so that a run of operations finds it awake, then sleeps. A job does not wait for workers that come too late to
/// find a task.
package final class ThreadPool: @unchecked Sendable {
  // Everything mutable is either atomic, guarded by `mutex`, or a field of the job: written by the caller while the job
  // is closed, read by workers only between entering an open job and leaving it.
  package static let shared = ThreadPool(count: Settings.numThreads)

  private typealias Body = (Int) -> Void

  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let wake: UnsafeMutablePointer<pthread_cond_t>
  /// Counts the jobs.
  private let generation = Atomic<Int>(0)
  /// Whether workers may join the job. A worker first counts itself in `inside`, then looks here; the caller first
  /// closes the job, then waits for `inside` to become 0. So whoever saw the job open is waited for.
  private let isOpen = Atomic<Bool>(false)
  private let inside = Atomic<Int>(0)
  private let busy = Atomic<Bool>(false)
  private let limit = Atomic<Int>(1)
  private var sleepers = 0
  private var started = 0
  private var queues = TaskQueues(threads: 1)
  private var callersCPU: Int32 = -1
  private var body: Body?

  /// How long a worker looks for the next job before it sleeps: waking up takes some 50 µs, in which the caller works
  /// alone, and the serial part between two parallel operations is rarely longer than this.
  private static let spin: UInt64 = 200_000

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
      queues.fill(tasks: tasks, threads: threads)
      callersCPU = fc_current_cpu()
      isOpen.store(true, ordering: .sequentiallyConsistent)
      generation.add(1, ordering: .sequentiallyConsistent)
      pthread_mutex_lock(mutex)
      if sleepers > 0 { pthread_cond_broadcast(wake) }
      pthread_mutex_unlock(mutex)
      work(body, as: 0)
      isOpen.store(false, ordering: .sequentiallyConsistent)
      var spun = 0
      while inside.load(ordering: .sequentiallyConsistent) != 0 {
        fc_pause()
        spun += 1
        if spun > 2_000 { sched_yield() }
      }
      self.body = nil
    }
    busy.store(false, ordering: .releasing)
  }

  private func work(_ body: Body, as thread: Int) {
    let state = fc_state(), queues = queues
    state.pointee.in_parallel = true
    // Its own tasks first, then those that others have not come to.
    for distance in 0..<queues.threads {
      let queue = (thread + distance) % queues.threads
      while let task = queues.next(of: queue) { body(task) }
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
      waitForJob(after: worker.seen)
      worker.seen = generation.load(ordering: .acquiring)
      inside.add(1, ordering: .sequentiallyConsistent)
      if isOpen.load(ordering: .sequentiallyConsistent) { help(worker) }
      inside.subtract(1, ordering: .releasing)
    }
  }

  private func waitForJob(after seen: Int) {
    let start = fc_nanoseconds()
    while fc_nanoseconds() &- start < Self.spin {
      for _ in 0..<16 {
        if generation.load(ordering: .acquiring) != seen { return }
        fc_pause()
      }
    }
    pthread_mutex_lock(mutex)
    sleepers += 1
    while generation.load(ordering: .sequentiallyConsistent) == seen { pthread_cond_wait(wake, mutex) }
    sleepers -= 1
    pthread_mutex_unlock(mutex)
  }

  /// Not inlined: this thread's reference to `body` must be gone before it reports back, or `run` finds the closure
  /// escaped.
  @inline(never)
  private func help(_ worker: Worker) {
    // More workers may have been started for an earlier job.
    guard worker.index + 1 < queues.threads, let body else { return }
    // The system puts a woken thread where it ran before, behind the caller if need be: for milliseconds, the
    // worker would wait for the caller and the caller for the worker, while another CPU has nothing to do.
    if fc_current_cpu() == callersCPU { fc_leave_cpu(callersCPU, Int32(queues.threads)) }
    work(body, as: worker.index + 1)
  }
}

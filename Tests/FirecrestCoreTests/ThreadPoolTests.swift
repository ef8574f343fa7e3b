import FirecrestCPU
import Synchronization
import Testing

@Suite struct ThreadPoolTests {
  /// For any number of threads, also more than ever before, and fewer tasks than threads.
  @Test func runsEachTaskOnce() {
    for threads in [1, 2, 3, 8, 40, 2] {
      for tasks in [0, 1, 2, 7, 64, 1000] {
        let times = UnsafeMutablePointer<Atomic<Int>>.allocate(capacity: tasks)
        defer { times.deallocate() }
        for task in 0..<tasks { (times + task).initialize(to: Atomic(0)) }
        ThreadPool.shared.run(tasks: tasks, limit: threads) { task in times[task].add(1, ordering: .relaxed) }
        let isOnce = (0..<tasks).allSatisfy { times[$0].load(ordering: .relaxed) == 1 }
        #expect(isOnce, "\(tasks) tasks on \(threads) threads")
      }
    }
  }

  /// A thread that is held up loses the tasks that it has not come to. While another test has the pool, tasks run one
  /// after the other; so this is tried until it was not so.
  @Test func othersTakeOverWhatWaits() {
    var isTakenOver = false
    for _ in 0..<2000 where !isTakenOver {
      let done = Atomic<Int>(0)
      ThreadPool.shared.run(tasks: 8, limit: 2) { task in
        if task == 0 {
          var patience = 100_000
          while done.load(ordering: .relaxed) < 7 && patience > 0 { patience -= 1 }
          isTakenOver = done.load(ordering: .relaxed) == 7
        } else {
          done.add(1, ordering: .relaxed)
        }
      }
    }
    #expect(isTakenOver)
  }
}

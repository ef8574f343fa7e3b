import CRuntime
import Foundation
import Synchronization
import Testing

@testable import FirecrestCPU

/// Every task of every job runs once, whoever comes late.
@Suite(.serialized) struct ThreadPoolTests {
  @Test func everyTaskRunsOnce() {
    let pool = ThreadPool.shared, before = pool.count
    defer { pool.count = before }
    pool.count = 4
    var random = SystemRandomNumberGenerator()
    for job in 0..<20_000 {
      let tasks = Int.random(in: 1...9, using: &random), limit = Int.random(in: 1...4, using: &random)
      let counts = (0..<9).map { _ in Counter() }
      let highest = Counter()
      pool.run(tasks: tasks, limit: limit) { task in
        counts[task].value.add(1, ordering: .relaxed)
        highest.value.max(Int(fc_state().pointee.worker), ordering: .relaxed)
      }
      // All tasks are done when the call returns, and threads have numbers below the limit.
      let isRight = (0..<9).allSatisfy { counts[$0].value.load(ordering: .relaxed) == ($0 < tasks ? 1 : 0) }
      #expect(isRight, "job \(job), \(tasks) tasks")
      #expect(highest.value.load(ordering: .relaxed) < max(1, limit))
      // Now and then the workers fall asleep, or are on their way to.
      if job % 200 == 0 { usleep(UInt32.random(in: 100...400, using: &random)) }
    }
  }

  @Test func severalCallersShareThePool() {
    let pool = ThreadPool.shared, before = pool.count
    defer { pool.count = before }
    pool.count = 3
    let sum = Counter()
    DispatchQueue.concurrentPerform(iterations: 4) { _ in
      for _ in 0..<2_000 {
        pool.run(tasks: 5, limit: 3) { task in
          // A job inside of a task runs inline.
          pool.run(tasks: 2, limit: 3) { inner in sum.value.add(task * 2 + inner, ordering: .relaxed) }
        }
      }
    }
    #expect(sum.value.load(ordering: .relaxed) == 8_000 * 45)
  }

  private final class Counter: Sendable {
    let value = Atomic<Int>(0)
  }
}
